//! Signs of a withdrawal that are not certain: three of them in a row make it so, a success between them forgets them. Pure.

use std::collections::HashMap;

use crate::withdrawal::Subject;

/// So many signs in a row.
const SIGNS_IN_A_ROW: u32 = 3;

/// What is suspected of each subject.
#[derive(Debug, Default)]
pub(super) struct Suspicions(HashMap<Subject, Suspicion>);

#[derive(Debug)]
struct Suspicion {
    signs: u32,
    /// Only requests of this number or a later one count: those sent before the last sign was seen are part of it.
    from: u64,
}

impl Suspicions {
    /// A request with this number showed a sign; the next to be sent has the number `next`. Whether it is certain now: then
    /// nothing is suspected any more.
    pub(super) fn sign(&mut self, subject: &Subject, number: u64, next: u64) -> bool {
        let suspicion = self.0.entry(subject.clone()).or_insert(Suspicion { signs: 0, from: 0 });
        if number >= suspicion.from {
            suspicion.signs += 1;
            suspicion.from = next;
        }
        let certain = suspicion.signs >= SIGNS_IN_A_ROW;
        if certain {
            self.0.remove(subject);
        }
        certain
    }

    /// A request with this number succeeded.
    pub(super) fn success(&mut self, subject: &Subject, number: u64) {
        if self.0.get(subject).is_some_and(|suspicion| number >= suspicion.from) {
            self.0.remove(subject);
        }
    }

    /// Whether nothing is suspected of anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
