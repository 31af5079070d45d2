//! The proof that a log's old keys vouch for its new ones: the entry that names these, under a checkpoint by those.
//!
//! That checkpoint is the newest for a second; then the new keys sign the same tree. So whoever wants the proof takes it
//! while the keys are replaced.

use audit_log::{LogError, Reader};
use tlog::{Proof, VerifierKey};

use super::{entry::Entry, held};
use crate::failure::Failure;

/// Both of a log's keys sign.
const SIGNATURES: usize = 2;

/// Waits for the proof to be there.
pub(super) struct Handover<'a> {
    reader: &'a Reader,
    /// The first entry that was not looked at.
    next: u64,
    old_keys: Vec<VerifierKey>,
    proof: Option<Proof>,
}

impl<'a> Handover<'a> {
    /// Before the keys are replaced.
    pub(super) fn before(reader: &'a Reader) -> Result<Self, Failure> {
        Ok(Self { reader, next: held::covered(reader)?, old_keys: reader.public_keys()?, proof: None })
    }

    /// To be called ten times a second while they are. What cannot be read just now is read at the next look.
    pub(super) fn look(&mut self) {
        if self.proof.is_none() {
            self.proof = self.find().unwrap_or_default();
        }
    }

    /// The proof, where it was seen.
    pub(super) fn proof(self) -> Option<Proof> {
        self.proof
    }

    fn find(&mut self) -> Result<Option<Proof>, LogError> {
        let size = self.reader.checkpoint()?.checkpoint.size;
        for (index, bytes) in (self.next..size).zip(self.reader.entries(self.next..size)?) {
            let entry = Entry::read(index, &bytes).ok();
            if entry.is_some_and(|entry| entry.text("action") == Some("key.rotate")) {
                let proof = self.reader.prove(index)?;
                let by_the_old = proof.checkpoint.verify(&self.old_keys).is_ok_and(|held| held.len() == SIGNATURES);
                return Ok(by_the_old.then_some(proof));
            }
            self.next = index + 1;
        }
        Ok(None)
    }
}
