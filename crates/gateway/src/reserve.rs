//! Step 6: holds the most that an answer can take, before anything is sent; settled when the answer ends.
//!
//! In memory, in tokens, per key. It knows neither the request's text nor the destination; money comes with vouchers.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use wire::error::Code;

use crate::{
    admit::{Slot, Tally},
    decide::Decision,
    error::ApiError,
};

/// Held tokens come back as answers end, and those take seconds.
const RETRY_WHEN_HELD: Duration = Duration::from_secs(2);

/// Tokens held for one request. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Reservation {
    tally: Arc<Tally>,
    tokens: u64,
}

/// Holds what `decision` may cost at worst against `tokens_in_flight_max` of the caller's key. A refusal costs nothing.
pub(crate) fn reserve(decision: &Decision, slot: &Slot, tokens_in_flight_max: u64) -> Result<Reservation, ApiError> {
    let tokens = match decision {
        Decision::Permitted(permitted) => permitted.tokens_worst(),
        Decision::Refused(_) => 0,
    };
    let tally = Arc::clone(slot.tally());
    if tokens > tokens_in_flight_max {
        // Waiting would not help, so this is no 429.
        return Err(ApiError::field(
            Code::RateLimitExceeded,
            format!(
                "the prompt and answer may take {tokens} tokens, but a key may hold {tokens_in_flight_max} at once: ask for a \
                 shorter answer with `max_completion_tokens`, or send less"
            ),
            "max_completion_tokens",
        ));
    }
    let held = tally.tokens_held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
        held.checked_add(tokens).filter(|sum| *sum <= tokens_in_flight_max)
    });
    match held {
        Ok(_) => Ok(Reservation { tally, tokens }),
        Err(held) => Err(ApiError::too_many(
            format!(
                "this key's requests under way hold {held} tokens; {tokens} more would pass its limit of \
                 {tokens_in_flight_max}"
            ),
            RETRY_WHEN_HELD,
        )),
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
