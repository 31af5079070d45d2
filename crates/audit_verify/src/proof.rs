//! Proofs of single entries (C2SP `tlog-proof`): one file, public keys, and what it proves.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::checkpoint::{read_decimal, read_hash};
use crate::entry::{self, Fault};
use crate::report::{CheckpointSeen, FindingKind};
use crate::tree::{Hash, leaf_hash, root_from_inclusion};
use crate::trust::{Policy, VerifierKey};
use crate::verify::judge::{Judge, KeySet};

/// The first line of a proof.
const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// An entry, a path of 64 hashes and a checkpoint with many cosignatures fit well.
const PROOF_BYTES_MAX: usize = 2 << 20;

/// A proof taken apart, not yet believed.
#[derive(Clone, Debug)]
pub struct Proof<'a> {
    /// The entry, as `extra` holds it.
    pub entry: Vec<u8>,
    /// Its place in the log.
    pub index: u64,
    path: Vec<Hash>,
    checkpoint: &'a str,
}

/// What a proof proves.
#[derive(Clone, Debug, Serialize)]
pub struct Proved {
    /// The log.
    pub origin: String,
    /// The entry's place in it.
    pub index: u64,
    /// The entry, canonical JSON.
    pub entry: String,
    /// Its kind.
    pub kind: &'static str,
    /// The checkpoint it was proved under, and who signed it.
    pub checkpoint: CheckpointSeen,
}

/// Why a proof proves nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProofError {
    /// It is not a proof, or not one of this log's kind.
    #[error("not a proof: {0}")]
    Form(&'static str),
    /// Neither keys nor a policy with the log's keys were given.
    #[error("no key of a log was given, and a proof does not bring its own")]
    NoKeys,
    /// Its checkpoint does not hold.
    #[error("the proof's checkpoint does not hold: {wrong} ({means})")]
    Checkpoint {
        /// What kind of thing is wrong.
        kind: FindingKind,
        /// What is wrong.
        wrong: String,
        /// What that means.
        means: &'static str,
    },
    /// The path does not lead from the entry to the signed root.
    #[error("the entry is not the one at {index} of the log's first {size} entries: it was changed, or the proof was")]
    NotIncluded {
        /// The place claimed.
        index: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// The entry is in the log but is none that this log writes.
    #[error("the log holds this entry, but it is not in the schema: {0}")]
    Entry(String),
}

/// Checks a proof with the log's `keys`, or those that `policy` names, and the witnesses that `policy` asks for.
pub fn check_proof(proof: &str, keys: &[VerifierKey], policy: Option<&Policy>) -> Result<Proved, ProofError> {
    let proof = Proof::read(proof)?;
    let logs = policy.map(|policy| policy.logs.as_slice()).unwrap_or_default();
    let keys = if keys.is_empty() { logs } else { keys };
    if keys.is_empty() {
        return Err(ProofError::NoKeys);
    }
    let sets = [KeySet { keys: keys.to_vec(), until: None }];
    let judged = Judge { origin: None, sets: &sets, policy }.judge(proof.checkpoint.as_bytes());
    if let Some((kind, wrong)) = judged.doubts.into_iter().next() {
        return Err(ProofError::Checkpoint { kind, wrong, means: kind.means() });
    }
    let (Some(claim), Some(checkpoint)) = (judged.claim, judged.seen) else {
        return Err(ProofError::Form("its checkpoint cannot be read"));
    };
    let root = root_from_inclusion(leaf_hash(&proof.entry), proof.index, claim.size, &proof.path);
    if root != Some(claim.root) {
        return Err(ProofError::NotIncluded { index: proof.index, size: claim.size });
    }
    let facts = entry::read(&proof.entry).map_err(|fault| match fault {
        Fault::Form(wrong) | Fault::Schema(wrong) => ProofError::Entry(wrong),
    })?;
    let checkpoint = CheckpointSeen { root_matches: Some(true), ..checkpoint };
    let entry = String::from_utf8_lossy(&proof.entry).into_owned();
    Ok(Proved { origin: claim.origin, index: proof.index, entry, kind: facts.kind, checkpoint })
}

impl<'a> Proof<'a> {
    /// Takes a proof apart, believing nothing.
    pub fn read(text: &'a str) -> Result<Self, ProofError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ProofError::Form("it is longer than 2 MiB"));
        }
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(ProofError::Form("it has no empty line before its checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(TITLE) {
            return Err(ProofError::Form("its first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let extra = lines
            .next()
            .and_then(|line| line.strip_prefix("extra "))
            .ok_or(ProofError::Form("it does not bring the entry as `extra`"))?;
        let entry = STANDARD.decode(extra).map_err(|_| ProofError::Form("its `extra` is not base64"))?;
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(read_decimal)
            .ok_or(ProofError::Form("it does not name the entry's index"))?;
        let path = lines
            .map(|line| read_hash(line).ok_or(ProofError::Form("a line of its path is not a hash in base64")))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { entry, index, path, checkpoint })
    }
}

impl fmt::Display for Proved {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "entry {} of {}, a {}, is in the log:", self.index, self.origin, self.kind)?;
        writeln!(to, "{}", self.entry)?;
        write!(to, "{}", self.checkpoint)
    }
}
