//! Proofs as text: the form of the C2SP example, and what must be refused.

use super::*;
use crate::checkpoint::Checkpoint;
use crate::keys::{Role, SigningKeys};
use crate::merkle::root_of;
use crate::note::Note;

fn proof() -> Proof {
    let leaves: Vec<Hash> = (0..5_u8).map(|number| leaf_hash(&[number])).collect();
    let checkpoint = Checkpoint { origin: "log".to_owned(), size: 5, root: root_of(&leaves) };
    let keys = SigningKeys::from_seeds("log", Role::Log, [[1; 32], [2; 32]]).unwrap();
    let text = checkpoint.to_string();
    let signatures = keys.sign(&text, &checkpoint, 1).unwrap().into();
    let hashes = vec![root_of(&leaves[..4])];
    Proof {
        index: 4,
        extra: Some(vec![4]),
        hashes,
        checkpoint: SignedCheckpoint { checkpoint, note: Note { text, signatures } },
    }
}

#[test]
fn a_proof_is_read_and_written_the_same_and_holds_for_its_entry_only() {
    let proof = proof();
    let text = proof.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra BA==\nindex 4\n"));
    assert_eq!(Proof::parse(&text).unwrap(), proof);
    assert!(proof.includes(&[4]));
    assert!(!proof.includes(&[3]));
    let bare = Proof { extra: None, ..proof };
    assert_eq!(Proof::parse(&bare.to_string()).unwrap(), bare);
}

#[test]
fn what_is_no_proof_is_refused() {
    let text = proof().to_string();
    let hash = text.lines().nth(3).unwrap().to_owned();
    for wrong in [
        String::new(),
        text.replace("@v1", "@v2"),
        text.replace("index 4", "index 04"),
        text.replace("index 4\n", ""),
        text.replace("extra BA==", "extra BA="),
        text.replace("extra BA==\nindex 4", "index 4\nextra BA=="),
        text.replace(&hash, hash.trim_end_matches('=')),
        text.replacen(&hash, &vec![hash.as_str(); 64].join("\n"), 1),
        text.replace("\n\n", "\n"),
    ] {
        assert!(Proof::parse(&wrong).is_err(), "{wrong:?} was read");
    }
}
