//! How many requests may be sent to another place after one failed: a share of the requests that come, and a few each second. Exact over
//! any stretch of time, for in a full outage every retry is load on whoever still stands. Pure: the time comes in as an argument.
//!
//! It must not know what is retried, nor where.

use std::time::Duration;

use crate::clock::Moment;

/// Retries beyond the share, so that a quiet gateway can retry at all.
const PER_SECOND: u64 = 10;
/// Of so many requests one may be tried a second time elsewhere: in a full outage no more than a fifth is added to the load.
const REQUESTS_PER_RETRY: u64 = 5;
/// What a request has earned is gone after the second that follows.
const WINDOW: Duration = Duration::from_secs(1);
/// Microseconds after which another of [`PER_SECOND`] is there.
const MICROS_PER_RETRY: u64 = 1_000_000 / PER_SECOND;

/// What may be spent.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// Of [`PER_SECOND`], as the microseconds that have gone by for it; no more than a second's.
    spare_micros: u64,
    spare_at: Moment,
    /// Of the share, in requests.
    earned: u64,
    /// Requests in this window.
    requests: u64,
    began: Moment,
}

impl Budget {
    /// A second's worth of those beyond the share, and nothing earned.
    pub(super) fn new(now: Moment) -> Self {
        let spare_micros = PER_SECOND * MICROS_PER_RETRY;
        Self { spare_micros, spare_at: now, earned: 0, requests: 0, began: now }
    }

    /// A request has come.
    pub(super) fn earn(&mut self, now: Moment) {
        self.roll(now);
        self.earned = self.earned.saturating_add(1);
        self.requests = self.requests.saturating_add(1);
    }

    /// Takes one retry out; whether there was one.
    pub(super) fn spend(&mut self, now: Moment) -> bool {
        self.roll(now);
        let gone = u64::try_from(now.since(self.spare_at).as_micros()).unwrap_or(u64::MAX);
        self.spare_micros = self.spare_micros.saturating_add(gone).min(PER_SECOND * MICROS_PER_RETRY);
        self.spare_at = now;
        if let Some(left) = self.earned.checked_sub(REQUESTS_PER_RETRY) {
            self.earned = left;
            return true;
        }
        let left = self.spare_micros.checked_sub(MICROS_PER_RETRY);
        self.spare_micros = left.unwrap_or(self.spare_micros);
        left.is_some()
    }

    /// Where a window has gone by, no more is kept than it earned; where two have, nothing.
    fn roll(&mut self, now: Moment) {
        let gone = now.since(self.began);
        if gone < WINDOW {
            return;
        }
        self.earned = if gone < WINDOW * 2 { self.earned.min(self.requests) } else { 0 };
        (self.requests, self.began) = (0, now);
    }
}

#[cfg(test)]
mod tests;
