//! What the model's thread tells of itself to those who ask from other threads. Counts only; decides nothing.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::Refused;

/// How busy the model is, as of its last step; totals count from the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Sequences that hold a slot, the paused ones included.
    pub running: usize,
    /// Sequences among them that wait for their reader.
    pub paused: usize,
    /// Jobs of which at least one choice has not started.
    pub queued: usize,
    /// Tokens of the cache that running sequences have reserved.
    pub cache_tokens_held: usize,
    /// Sequences whose prompt has been computed.
    pub prompts_total: u64,
    /// Tokens of prompts computed.
    pub prompt_tokens_total: u64,
    /// Tokens of prompts that need not be computed, as an earlier prompt of the same owner began alike.
    pub prompt_tokens_cached_total: u64,
    /// Tokens of answers chosen.
    pub answer_tokens_total: u64,
    /// Tokens guessed ahead and computed.
    pub draft_tokens_total: u64,
    /// Those of them that were chosen then.
    pub draft_tokens_accepted_total: u64,
}

/// Written by the thread, but for `queued` (which a submitter raises before the thread knows of its job) and `stopped`
/// (set by whoever stops it first).
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    queued: AtomicUsize,
    stopped: OnceLock<String>,
    retry_after_seconds: AtomicU64,
    load: Mutex<Load>,
}

impl Gauges {
    /// Takes a place in the queue, if there is one.
    pub(crate) fn enter_queue(&self, queue_jobs_max: usize) -> Result<(), Refused> {
        let entered = self.queued.try_update(Ordering::AcqRel, Ordering::Acquire, |queued| {
            (queued < queue_jobs_max).then_some(queued.saturating_add(1))
        });
        entered.map(|_| ()).map_err(|queued| Refused::Busy { queued, retry_after: self.retry_after() })
    }

    /// Gives one job's place in the queue back.
    pub(crate) fn leave_queue(&self) {
        self.queued.fetch_sub(1, Ordering::AcqRel);
    }

    /// Says that no more jobs are taken, and why; the first reason stays.
    pub(crate) fn stop(&self, why: &str) {
        let _ = self.stopped.set(why.to_owned());
    }

    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stopped.get().map(String::as_str)
    }

    pub(crate) fn publish(&self, load: Load, retry_after: Duration) {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = load;
        self.retry_after_seconds.store(retry_after.as_secs(), Ordering::Release);
    }

    pub(crate) fn load(&self) -> Load {
        let load = *self.load.lock().unwrap_or_else(PoisonError::into_inner);
        Load { queued: self.queued.load(Ordering::Acquire), ..load }
    }

    fn retry_after(&self) -> Duration {
        Duration::from_secs(self.retry_after_seconds.load(Ordering::Acquire).max(1))
    }
}
