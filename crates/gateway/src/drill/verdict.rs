//! Whether enough requests were answered: while a live drill lasts, and of all that was measured. Knows nothing of the log.

use std::collections::VecDeque;

use super::{Progress, Why, measured::Measured};

/// The last requests over which the answered share of a live drill is watched.
const WATCHED: u64 = 50;
/// Fewer say nothing: it does not stop over them.
const WATCHED_MIN: u64 = 20;

/// How many of the last requests were answered.
#[derive(Default)]
pub(super) struct Shares(VecDeque<(u64, u64)>);

impl Shares {
    pub(super) fn add(&mut self, progress: &Progress) {
        self.0.push_back((progress.requests, progress.answered));
        // One that is older than all that are watched is enough to compare with.
        while self.0.get(1).is_some_and(|(requests, _)| requests + WATCHED <= progress.requests) {
            self.0.pop_front();
        }
    }

    /// Whether, of the last requests, less than so many thousandths were answered.
    pub(super) fn are_below(&self, least_permille: u64) -> bool {
        let Some(newest) = self.0.back() else { return false };
        // Before as many have come, all that have count.
        let oldest = self.0.front().filter(|(requests, _)| requests + WATCHED <= newest.0).copied().unwrap_or_default();
        let (requests, answered) = (newest.0.saturating_sub(oldest.0), newest.1.saturating_sub(oldest.1));
        requests >= WATCHED_MIN && answered * 1000 < least_permille * requests
    }
}

/// Whether as many were answered as were asked for; none where too few requests were measured to say.
pub(super) fn held(why: Why, during: &Measured, least_permille: u64) -> Option<bool> {
    match why {
        Why::AnsweredShare => Some(false),
        _ if during.requests < WATCHED_MIN => None,
        Why::Time | Why::Stopped | Why::ServerStopped | Why::Failed => {
            Some(during.answered_permille() >= least_permille)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(steps: &[(u64, u64)]) -> Shares {
        let mut shares = Shares::default();
        for (requests, answered) in steps {
            shares.add(&Progress { requests: *requests, answered: *answered, ..Progress::default() });
        }
        shares
    }

    #[test]
    fn a_drill_stops_over_its_last_requests_and_not_over_few() {
        assert!(!shares(&[(19, 0)]).are_below(950), "too few to say");
        assert!(shares(&[(20, 0)]).are_below(950));
        assert!(!shares(&[(100, 96)]).are_below(950));
        assert!(shares(&[(100, 94)]).are_below(950));
        // A thousand good ones before do not hide fifty bad ones, nor are forgiven by them.
        assert!(shares(&[(1000, 1000), (1025, 1010), (1050, 1020)]).are_below(950));
        assert!(!shares(&[(50, 0), (100, 50), (150, 100)]).are_below(950), "the bad ones are long ago");
        assert!(!shares(&[(50, 0)]).are_below(0));
    }

    #[test]
    fn few_requests_say_nothing_and_a_drill_that_stopped_itself_did_not_hold() {
        let of = |requests, answered| Measured { requests, answered, ..Measured::default() };
        assert_eq!(held(Why::Time, &of(0, 0), 950), None);
        assert_eq!(held(Why::Time, &of(19, 19), 950), None);
        assert_eq!(held(Why::Time, &of(20, 19), 950), Some(true));
        assert_eq!(held(Why::Stopped, &of(20, 18), 950), Some(false));
        assert_eq!(held(Why::AnsweredShare, &of(1000, 1000), 950), Some(false));
    }
}
