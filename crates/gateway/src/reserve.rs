//! Step 6: holds the most that an answer can take, before anything is sent; settled when the answer ends.
//!
//! In memory, in tokens, per key. It knows neither the request's text nor the destination; money comes with vouchers.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    admit::{Slot, Tally},
    decide::{Decision, Why},
};

/// Tokens held for one request. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Reservation {
    tally: Arc<Tally>,
    tokens: u64,
}

/// Holds what `decision` may cost at worst, within `most` tokens of the caller's key. A permission that cannot be held becomes
/// a refusal, which is recorded as any other; a refusal costs nothing.
pub(crate) fn reserve(decision: Decision, slot: &Slot, most: u64) -> (Decision, Reservation) {
    let tally = Arc::clone(slot.tally());
    let nothing = |tally| Reservation { tally, tokens: 0 };
    let permitted = match decision {
        Decision::Permitted(permitted) => permitted,
        refused @ Decision::Refused(_) => return (refused, nothing(tally)),
    };
    let tokens = permitted.tokens_worst();
    if tokens > most {
        return (Decision::Refused(permitted.refused(Why::TooLong { tokens, most })), nothing(tally));
    }
    let more = |held: u64| held.checked_add(tokens).filter(|sum| *sum <= most);
    match tally.tokens_held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
        Ok(_) => (Decision::Permitted(permitted), Reservation { tally, tokens }),
        Err(held) => (Decision::Refused(permitted.refused(Why::Held { tokens, held, most })), nothing(tally)),
    }
}

impl Reservation {
    /// The answer has ended: what was held is free again. What the answer took is the outcome's to say; with vouchers it is
    /// charged here.
    pub(crate) fn settle(self) {
        drop(self);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.tally.tokens_held.fetch_sub(self.tokens, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
