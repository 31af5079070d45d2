//! The newest checkpoint that witnesses have cosigned (`spec/audit_log.md`, section 3): which one is kept while their
//! signatures come in one by one.
//!
//! A log in use signs a new checkpoint each second; witnesses are asked together, about one, and answer when they can. This
//! file must not know the disk.

use std::sync::Arc;

use tlog::{SIGNATURES_MAX, Signature, SignedCheckpoint};

/// What is kept, and what may take its place.
#[derive(Debug, Default)]
pub(crate) struct Cosigned {
    kept: Option<Arc<SignedCheckpoint>>,
    /// What the witnesses were last asked about, with the signatures so far.
    gathered: Option<SignedCheckpoint>,
    /// Rounds since the kept one that fewer witnesses have signed.
    poorer_rounds: u32,
}

/// So many rounds long the checkpoint that more witnesses have signed is kept before one that fewer have: five minutes, where a
/// round takes ten seconds.
const POORER_ROUNDS_MAX: u32 = 30;

impl Cosigned {
    /// Goes on from what a directory holds.
    pub(crate) fn new(kept: Option<SignedCheckpoint>) -> Cosigned {
        Cosigned { kept: kept.map(Arc::new), ..Cosigned::default() }
    }

    pub(crate) fn kept(&self) -> Option<Arc<SignedCheckpoint>> {
        self.kept.clone()
    }

    /// Takes signatures of `asked` by witnesses; gives what is to be kept from now on, if that is another than before: what as
    /// many witnesses have signed as what it replaces, or, when that has been so for some rounds, what fewer have.
    pub(crate) fn add(&mut self, asked: &SignedCheckpoint, signatures: &[Signature]) -> Option<SignedCheckpoint> {
        let size = asked.checkpoint.size;
        let newest = [self.kept.as_deref(), self.gathered.as_ref()];
        if newest.iter().flatten().any(|known| known.checkpoint.size > size) {
            return None;
        }
        let mut result = None;
        let begun = self.gathered.take_if(|gathered| gathered.note.text == asked.note.text);
        let mut gathered = begun.unwrap_or_else(|| {
            let before = self.gathered.take().filter(|before| self.is_newer(before));
            self.poorer_rounds += u32::from(before.is_some());
            result = before.filter(|_| self.poorer_rounds > POORER_ROUNDS_MAX);
            let kept = self.kept.as_deref().filter(|kept| kept.note.text == asked.note.text);
            kept.unwrap_or(asked).clone()
        });
        merge(&mut gathered, signatures);
        if count(&gathered) >= result.as_ref().or(self.kept.as_deref()).map_or(0, count) {
            result = Some(gathered.clone());
        }
        self.gathered = Some(gathered);
        result
    }

    /// That is on the disk now.
    pub(crate) fn keep(&mut self, kept: SignedCheckpoint) {
        self.kept = Some(Arc::new(kept));
        self.poorer_rounds = 0;
    }

    fn is_newer(&self, other: &SignedCheckpoint) -> bool {
        self.kept.as_ref().is_none_or(|kept| other.checkpoint.size > kept.checkpoint.size)
    }
}

/// Adds signatures, as many as a note may have; a newer one by the same key takes the place of the older.
pub(crate) fn merge(to: &mut SignedCheckpoint, signatures: &[Signature]) {
    for signature in signatures {
        to.note.signatures.retain(|there| (&there.name, there.id) != (&signature.name, signature.id));
        if to.note.signatures.len() < SIGNATURES_MAX {
            to.note.signatures.push(signature.clone());
        }
    }
}

/// How many signatures are not the log's own.
fn count(signed: &SignedCheckpoint) -> usize {
    let origin = &signed.checkpoint.origin;
    signed.note.signatures.iter().filter(|signature| signature.name != *origin).count()
}

#[cfg(test)]
mod tests;
