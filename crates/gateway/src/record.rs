//! Step 7: the decision is durable before a permit exists, and every permit ends in exactly one outcome.
//!
//! Until the Merkle log takes its place, entries go to one append-only file (`spec/record.md`), written by one thread and
//! synced in groups. The only place that can make a [`Permit`]. It must not know prompts, answers, keys or HTTP: an entry
//! holds ids, counts, names from the configuration, and commitments.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::{oneshot, watch};

use crate::clock::{Clock, Moment};

pub use commitment::{Commitment, CommitmentSecret, Committing, Part};
pub use entry::{Decision, Ending, Outcome, Refusal};
pub use recover::{OpenError, Recovered};
pub use writer::Writing;

mod commitment;
mod entry;
mod file;
mod line;
mod recover;
mod writer;

use entry::Entry;
use writer::{Message, Queue};

/// Takes decisions and makes permits. Cheap to clone; clones write to the same record.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    secret: CommitmentSecret,
    mode: Mode,
    permitted: AtomicU64,
    refused: AtomicU64,
    ended: AtomicU64,
}

#[derive(Debug)]
enum Mode {
    /// Counted, not written.
    Off {
        next: AtomicU64,
        /// Never turns true; held, so that whoever waits for it waits as long as the recorder lives.
        failed: watch::Sender<bool>,
    },
    /// Written and synced by the one writer thread.
    Synced(Queue),
}

/// Proof that a decision is durable: nothing is sent without one. It names the destinations permitted, and ends in exactly
/// one outcome: the one it is given, or [`Ending::Abandoned`] when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped is recorded as abandoned"]
pub struct Permit {
    recorder: Recorder,
    entry: u64,
    request_id: Arc<str>,
    destinations: Vec<Arc<str>>,
    since: Moment,
    /// The outcome is on its way: dropping sends no other.
    ended: bool,
}

/// Waits until an outcome is durable. Dropping it does not take the outcome back.
#[derive(Debug)]
#[must_use = "the outcome is on its way, but not yet durable"]
pub struct Durable(Option<oneshot::Receiver<Result<u64, RecordError>>>);

/// Why a decision was not made durable, or cannot be known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More entries wait for the disk than are let wait.
    #[error("the record is busy: {waiting} entries wait for the disk")]
    Busy {
        /// Entries that wait.
        waiting: usize,
    },
    /// A write or a sync failed once. Nothing is acknowledged any more until the process has started again.
    #[error("the record cannot be written, so nothing is sent any more until the process has started again")]
    Failed,
}

/// How much was recorded since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Permits made.
    pub permitted: u64,
    /// Refusals recorded.
    pub refused: u64,
    /// Outcomes sent.
    pub ended: u64,
    /// Entries that wait for the disk now.
    pub waiting: u64,
}

impl Recorder {
    /// A recorder that counts and makes permits, and writes nothing: for measurements only.
    pub fn off(secret: CommitmentSecret, clock: Clock) -> Self {
        tracing::warn!(
            "the record is off: decisions and outcomes are counted, not written; nothing can be shown later"
        );
        Self::new(secret, clock, Mode::Off { next: AtomicU64::new(1), failed: watch::Sender::new(false) })
    }

    fn new(secret: CommitmentSecret, clock: Clock, mode: Mode) -> Self {
        let zero = AtomicU64::default;
        Self(Arc::new(Shared { clock, secret, mode, permitted: zero(), refused: zero(), ended: zero() }))
    }

    /// Makes a decision that permits durable, then gives the permit. A caller that stops waiting leaves the decision with
    /// the outcome [`Ending::Abandoned`].
    pub async fn decision(&self, decision: Decision) -> Result<Permit, RecordError> {
        let fields =
            matches!(self.0.mode, Mode::Synced(_)).then(|| Entry::decision(self.0.clock.wall(), &decision).to_fields());
        let permit = Unnumbered {
            recorder: self.clone(),
            request_id: decision.request_id,
            destinations: decision.destinations,
            since: self.0.clock.now(),
        };
        match (&self.0.mode, fields) {
            (Mode::Synced(queue), Some(fields)) => {
                let (made, permitted) = oneshot::channel();
                queue.send_if_room(Message::Decision { fields, permit, made })?;
                permitted.await.unwrap_or(Err(RecordError::Failed))
            }
            (Mode::Off { next, .. }, _) => Ok(permit.number(next.fetch_add(1, Ordering::Relaxed))),
            (Mode::Synced(_), None) => Err(RecordError::Failed),
        }
    }

    /// Makes a decision that refuses durable; gives its entry's number.
    pub async fn refusal(&self, refusal: &Refusal) -> Result<u64, RecordError> {
        let entry = match &self.0.mode {
            Mode::Synced(queue) => {
                let (written, durable) = oneshot::channel();
                let fields = Entry::refusal(self.0.clock.wall(), refusal).to_fields();
                queue.send_if_room(Message::Other { fields, written: Some(written) })?;
                durable.await.unwrap_or(Err(RecordError::Failed))?
            }
            Mode::Off { next, .. } => next.fetch_add(1, Ordering::Relaxed),
        };
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        Ok(entry)
    }

    /// Begins a commitment to `part` of the request `request_id`.
    pub fn commit(&self, request_id: &str, part: Part) -> Committing {
        self.0.secret.begin(request_id, part)
    }

    /// Turns true when a write or sync has failed. The process should then end: only a new start can find out what the
    /// disk holds.
    pub fn failed(&self) -> watch::Receiver<bool> {
        match &self.0.mode {
            Mode::Synced(queue) => queue.failed(),
            Mode::Off { failed, .. } => failed.subscribe(),
        }
    }

    /// What was recorded since the start.
    pub fn counts(&self) -> Counts {
        let waiting = match &self.0.mode {
            Mode::Synced(queue) => queue.waiting() as u64,
            Mode::Off { .. } => 0,
        };
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts { permitted: of(&self.0.permitted), refused: of(&self.0.refused), ended: of(&self.0.ended), waiting }
    }
}

impl Permit {
    /// The number of the decision's entry.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The request's id.
    pub fn request_id(&self) -> &Arc<str> {
        &self.request_id
    }

    /// The destinations permitted, in the order in which they may be tried. No other may be contacted.
    pub fn destinations(&self) -> &[Arc<str>] {
        &self.destinations
    }

    /// Ends the request with `outcome`.
    pub fn outcome(mut self, outcome: &Outcome) -> Durable {
        self.send(outcome, true)
    }

    fn send(&mut self, outcome: &Outcome, wanted: bool) -> Durable {
        self.ended = true;
        let shared = &self.recorder.0;
        shared.ended.fetch_add(1, Ordering::Relaxed);
        let Mode::Synced(queue) = &shared.mode else { return Durable(None) };
        let duration_us = u64::try_from(shared.clock.now().since(self.since).as_micros()).ok();
        let fields =
            Entry::outcome(shared.clock.wall(), self.entry, &self.request_id, outcome, duration_us).to_fields();
        let (written, durable) = oneshot::channel();
        queue.send(Message::Other { fields, written: wanted.then_some(written) });
        Durable(Some(durable))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.send(&Outcome::bare(Ending::Abandoned, None), false));
        }
    }
}

impl Future for Durable {
    /// The number of the outcome's entry; 0 when the record is off.
    type Output = Result<u64, RecordError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            None => Poll::Ready(Ok(0)),
            Some(written) => Pin::new(written).poll(cx).map(|told| told.unwrap_or(Err(RecordError::Failed))),
        }
    }
}

/// A permit that waits for its decision's number: the writer alone can give it one.
#[derive(Debug)]
struct Unnumbered {
    recorder: Recorder,
    request_id: Arc<str>,
    destinations: Vec<Arc<str>>,
    since: Moment,
}

impl Unnumbered {
    fn number(self, entry: u64) -> Permit {
        let Self { recorder, request_id, destinations, since } = self;
        recorder.0.permitted.fetch_add(1, Ordering::Relaxed);
        Permit { recorder, entry, request_id, destinations, since, ended: false }
    }
}

#[cfg(test)]
mod tests;
