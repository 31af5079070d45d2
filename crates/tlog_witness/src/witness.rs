//! The witness itself: it holds each request against what it has cosigned before, remembers, and only then signs.
//!
//! This file must not know where it is remembered, nor who asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tlog::{Checkpoint, SignedCheckpoint, SigningKeys, VerifierKey, empty_root, extends};

use crate::memory::{Memory, WitnessError};
use crate::request::{AddCheckpoint, Answer};

/// Time since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A witness with its keys, the logs it watches, and what it has cosigned of each.
pub struct Witness {
    memory: Box<dyn Memory>,
    clock: Clock,
    keys: SigningKeys,
    logs: BTreeMap<String, Vec<VerifierKey>>,
    /// Held from the check until what was checked is durable, so that nothing older can overtake it.
    seen: Mutex<Seen>,
}

struct Seen {
    newest: BTreeMap<String, Checkpoint>,
    failed: Option<String>,
}

impl Witness {
    /// A witness that goes on from what it remembers; `keys` have the role of a witness, `logs` are those it watches, each with
    /// the keys that may sign for it.
    pub fn open(
        memory: impl Memory + 'static,
        keys: SigningKeys,
        logs: impl IntoIterator<Item = VerifierKey>,
        clock: Clock,
    ) -> Result<Witness, WitnessError> {
        let mut known: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for key in logs {
            known.entry(key.name().to_owned()).or_default().push(key);
        }
        let mut newest = BTreeMap::new();
        for origin in known.keys() {
            if let Some(checkpoint) = memory.recall(origin)? {
                newest.insert(origin.clone(), checkpoint);
            }
        }
        let seen = Mutex::new(Seen { newest, failed: None });
        Ok(Witness { memory: Box::new(memory), clock, keys, logs: known, seen })
    }

    /// The keys that verify its cosignatures.
    pub fn public_keys(&self) -> &[VerifierKey; 2] {
        self.keys.public()
    }

    /// Answers `add-checkpoint`.
    pub fn add_checkpoint(&self, body: &str) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Answer::Malformed(error.to_string()),
        };
        let asked = &request.checkpoint.checkpoint;
        let Some(keys) = self.logs.get(&asked.origin) else { return Answer::UnknownLog };
        if !request.checkpoint.verify(keys).is_ok_and(|held| !held.is_empty()) {
            return Answer::NotSigned;
        }
        if request.old > asked.size {
            return Answer::Malformed("the old size is above the checkpoint's".to_owned());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &seen.failed {
            return Answer::Failed(why.clone());
        }
        let (size, root) = seen.newest.get(&asked.origin).map_or((0, empty_root()), |known| (known.size, known.root));
        if request.old != size || (asked.size == size && asked.root != root) {
            return Answer::Conflict(size);
        }
        if !extends(size, &root, asked.size, &asked.root, &request.proof) {
            return Answer::NotConsistent;
        }
        match self.remember_then_cosign(&request.checkpoint) {
            Ok(lines) => {
                seen.newest.insert(asked.origin.clone(), asked.clone());
                Answer::Cosigned(lines)
            }
            Err(error) => {
                // What the disk holds now, only the next start can find out.
                let why = format!("the witness could not persist: {error}");
                seen.failed = Some(why.clone());
                Answer::Failed(why)
            }
        }
    }

    fn remember_then_cosign(&self, signed: &SignedCheckpoint) -> Result<String, WitnessError> {
        self.memory.remember(&signed.checkpoint)?;
        let seconds = (self.clock)().as_secs();
        let signatures = self.keys.sign(&signed.note.text, &signed.checkpoint, seconds).map_err(WitnessError::Keys)?;
        Ok(signatures.iter().map(ToString::to_string).collect())
    }
}

#[cfg(test)]
mod tests;
