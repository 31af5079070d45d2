//! Signs of a withdrawal that are not certain: several of them in a row make it so, a success between them forgets them. Pure.

use std::{collections::HashMap, sync::Arc};

use crate::withdrawal::Subject;

/// So many signs in a row that no one caller can bring about, or that more callers than one saw.
const SIGNS_IN_A_ROW: u32 = 3;
/// So many where one caller alone saw them, and may have brought them about.
const SIGNS_OF_ONE_CALLER: u32 = 6;

/// What is suspected of each subject.
#[derive(Debug, Default)]
pub(super) struct Suspicions(HashMap<Subject, Suspicion>);

/// One sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign<'a> {
    /// The number of the request that showed it.
    pub(super) number: u64,
    /// Who asked: the key's id.
    pub(super) caller: &'a str,
    /// Whether what one caller asks may have brought it about.
    pub(super) may_be_one_callers: bool,
}

#[derive(Debug)]
struct Suspicion {
    signs: u32,
    /// Those of them that no caller can bring about.
    firm: u32,
    /// Who saw the first of them.
    caller: Arc<str>,
    /// Whether another has seen one too.
    is_of_several: bool,
    /// Only requests of this number or a later one count: those sent before the last sign was seen are part of it.
    from: u64,
}

impl Suspicions {
    /// A request showed a sign; the next to be sent has the number `next`. Whether it is certain now: then nothing is suspected
    /// any more.
    pub(super) fn sign(&mut self, subject: &Subject, sign: Sign<'_>, next: u64) -> bool {
        let suspicion = self.0.entry(subject.clone()).or_insert_with(|| Suspicion::of(sign.caller));
        suspicion.is_of_several |= *suspicion.caller != *sign.caller;
        if sign.number >= suspicion.from {
            suspicion.signs += 1;
            suspicion.firm += u32::from(!sign.may_be_one_callers);
            suspicion.from = next;
        }
        let certain = suspicion.is_certain();
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

impl Suspicion {
    /// That `caller` is the first to see.
    fn of(caller: &str) -> Self {
        Self { signs: 0, firm: 0, caller: caller.into(), is_of_several: false, from: 0 }
    }

    fn is_certain(&self) -> bool {
        let needed = if self.is_of_several { SIGNS_IN_A_ROW } else { SIGNS_OF_ONE_CALLER };
        self.firm >= SIGNS_IN_A_ROW || self.signs >= needed
    }
}

#[cfg(test)]
mod tests;
