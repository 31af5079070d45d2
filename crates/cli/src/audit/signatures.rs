//! What is said of a checkpoint and of who signed it, in a report on a log as in one on a proof.

use audit_verify::{CheckpointSeen, Signer};

use super::lines::{self, Mark, counted, plain};

/// What a checkpoint says.
pub(super) fn signed_tree(checkpoint: &CheckpointSeen) -> String {
    format!("{}, root {}", counted(checkpoint.size, "entry", "entries"), checkpoint.root)
}

/// Whose signatures hold, of those of one side.
pub(super) fn signed_by(checkpoint: &CheckpointSeen, by: Signer) -> String {
    let of_side = checkpoint.signatures.iter().filter(|signature| signature.by == by);
    let signatures: Vec<String> = of_side
        .map(|signature| {
            let at = signature.time.map_or_else(String::new, |time| format!(" at {}", lines::time(time)));
            match by {
                Signer::Log => format!("{}{at}", signature.algorithm),
                Signer::Witness => format!("{} ({}{at})", plain(&signature.name), signature.algorithm),
            }
        })
        .collect();
    match (by, signatures.is_empty()) {
        (Signer::Log, true) => "signed with none of these keys".to_owned(),
        (Signer::Log, false) => format!("signed by the log: {}", signatures.join(", ")),
        (Signer::Witness, true) => "cosigned by nobody".to_owned(),
        (Signer::Witness, false) => format!("cosigned by {}", signatures.join(",\n")),
    }
}

/// What the witnesses say of a checkpoint, where a policy asks for some.
pub(super) fn cosigned(checkpoint: &CheckpointSeen, asked: bool) -> (Mark, String) {
    if let Some(quorum) = &checkpoint.quorum {
        let met = if quorum.met { "met" } else { "not met" };
        let by = signed_by(checkpoint, Signer::Witness);
        return (Mark::of(quorum.met), format!("quorum `{}` {met}\n{by}", plain(&quorum.name)));
    }
    let mut found = if asked {
        "the policy could not be held against it".to_owned()
    } else {
        "none asked for: nobody outside says that all were shown this same log".to_owned()
    };
    if checkpoint.unknown_signatures > 0 {
        let unknown = counted(checkpoint.unknown_signatures, "signature", "signatures");
        found = format!("{found}\n{unknown} by keys that nobody named here");
    }
    (Mark::Note, found)
}
