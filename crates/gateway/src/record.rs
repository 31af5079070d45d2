//! Step 7: the decision is durable before a permit exists, and every permit ends in exactly one outcome.
//!
//! The audit log keeps the entries ([`audit_log`]); this module is the only place that can make a [`Permit`], and makes one
//! only on the log's word. It turns the log's callbacks into futures. It must not know prompts, answers, keys or HTTP: an
//! entry holds ids, counts, names from the configuration, and commitments.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use audit_log::{
    Administration, Appended, Attempt, Body, Count, Decision, Erasure, Log, LogError, Refusal, Refused, Stop, Text,
    Word,
};
use tokio::sync::{oneshot, watch};

use crate::clock::{Clock, Moment};

pub use audit_log::Ending;
pub use commitment::{Commitment, CommitmentSecret, Committing, Part};
pub use opening::{Began, Opened};

mod commitment;
mod opening;

/// Takes decisions and makes permits. Cheap to clone; clones write to the same log.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    clock: Clock,
    secret: CommitmentSecret,
    mode: Mode,
    /// Turns true when the log has failed. Owner: the log's own thread.
    failed: Arc<watch::Sender<bool>>,
    permitted: AtomicU64,
    refused: AtomicU64,
    ended: AtomicU64,
    waiting: AtomicU64,
}

enum Mode {
    /// Counted, not written.
    Off,
    /// Written to the log.
    Kept(Arc<Log>),
}

/// Proof that a decision is durable: nothing is sent without one. It names the destinations permitted, and ends in exactly
/// one outcome: the one it is given, or [`Ending::Abandoned`] when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped is recorded as abandoned"]
pub struct Permit {
    recorder: Recorder,
    /// None where the log is off.
    entry: Option<u64>,
    request_id: Arc<str>,
    destinations: Vec<Arc<str>>,
    since: Moment,
    /// The outcome is on its way: dropping sends no other.
    ended: bool,
}

/// How a permitted request ended. See [`audit_log::Outcome`] for what each field means.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described where entries are")]
pub struct Outcome {
    pub ending: Ending,
    pub reason: Option<&'static str>,
    pub status: Option<u16>,
    pub destination: Option<Arc<str>>,
    pub attempts: u32,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub answer_bytes: u64,
    pub seam_at: Option<u64>,
    pub answer: Option<Commitment>,
    pub first_byte: Option<Duration>,
    pub tls_group: Option<&'static str>,
    pub finish: Option<&'static str>,
    pub hidden: Option<u64>,
    pub findings: BTreeMap<String, u64>,
    pub label: Option<Arc<str>>,
    pub review: bool,
}

/// A request that goes on to another destination. See [`audit_log::Attempt`] for what each field means.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described where entries are")]
pub struct NextAttempt<'a> {
    pub destination: &'a str,
    pub number: u32,
    pub reason: &'a str,
    pub answer_bytes: u64,
    pub completion_tokens: Option<u64>,
}

/// Waits until an entry is durable; gives its index. Dropping it does not take the entry back.
#[derive(Debug)]
#[must_use = "the entry is on its way, but not yet durable"]
pub struct Durable(Waiting);

#[derive(Debug)]
enum Waiting {
    /// Nothing is written: the audit log is off.
    Off,
    Told(oneshot::Receiver<Result<Option<u64>, RecordError>>),
    Never(RecordError),
}

/// Why an entry was not made durable, or cannot be known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More entries wait for the disk than are let wait.
    #[error("the audit log is busy: {waiting} entries wait for the disk")]
    Busy {
        /// Entries that wait.
        waiting: usize,
    },
    /// A write or a sync failed once. Nothing is acknowledged any more until the process has started again.
    #[error("the audit log cannot be written, so nothing is sent any more until the process has started again: {0}")]
    Failed(Arc<str>),
    /// The entry itself cannot be written: a defect.
    #[error("the entry cannot be written: {0}")]
    Unwritable(Arc<str>),
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
    /// Entries acknowledged, of all time; none where the log is off.
    pub entries: Option<u64>,
}

impl Recorder {
    /// A recorder that counts and makes permits, and writes nothing: for measurements only.
    pub fn off(secret: CommitmentSecret, clock: Clock) -> Self {
        tracing::warn!(
            "the audit log is off: decisions and outcomes are counted, not written; nothing can be shown later"
        );
        Self::new(secret, clock, Mode::Off, Arc::new(watch::Sender::new(false)))
    }

    fn new(secret: CommitmentSecret, clock: Clock, mode: Mode, failed: Arc<watch::Sender<bool>>) -> Self {
        let zero = AtomicU64::default;
        let (permitted, refused, ended, waiting) = (zero(), zero(), zero(), zero());
        Self(Arc::new(Shared { clock, secret, mode, failed, permitted, refused, ended, waiting }))
    }

    /// The log; none where it is off.
    pub fn log(&self) -> Option<&Arc<Log>> {
        match &self.0.mode {
            Mode::Off => None,
            Mode::Kept(log) => Some(log),
        }
    }

    /// Makes a decision that permits durable, then gives the permit of the request that came at `arrived`. A caller that stops waiting
    /// leaves the decision with the outcome [`Ending::Abandoned`].
    pub async fn decision(
        &self,
        request_id: Arc<str>,
        arrived: Moment,
        decision: Decision,
    ) -> Result<Permit, RecordError> {
        let destinations = decision.destinations.iter().map(|name| Arc::from(name.as_str())).collect();
        let permit = Unnumbered { recorder: self.clone(), request_id, destinations, since: arrived };
        let log = match &self.0.mode {
            Mode::Off => return Ok(permit.number(None)),
            Mode::Kept(log) => log,
        };
        let (made, permitted) = oneshot::channel();
        // Whoever asked may be gone when the log answers: then the permit is dropped, and by that abandoned.
        let on_durable = self.counted(move |durable| {
            drop(made.send(durable.map(|appended| permit.number(Some(appended.index))).map_err(RecordError::from)));
        });
        self.taken(log.append(&Body::Decision(decision), on_durable))?;
        permitted.await.unwrap_or_else(|_| Err(RecordError::gone()))
    }

    /// Makes a decision that refuses durable; gives its entry's index, none where the log is off.
    pub async fn refusal(&self, refusal: Refusal) -> Result<Option<u64>, RecordError> {
        let entry = self.append(&Body::Refusal(refusal)).await?;
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        Ok(entry)
    }

    /// Makes something that an operator changed durable; gives its entry's index, none where the log is off.
    pub async fn administration(&self, body: Administration) -> Result<Option<u64>, RecordError> {
        self.append(&Body::Administration(body)).await
    }

    /// Makes the destruction of payload keys durable; gives its entry's index, none where the log is off.
    pub async fn erasure(&self, body: Erasure) -> Result<Option<u64>, RecordError> {
        self.append(&Body::Erasure(body)).await
    }

    /// Replaces the log's keys, on behalf of `by`. Does nothing where the log is off.
    pub async fn rotate_keys(&self, by: Text) -> Result<(), RecordError> {
        let Some(log) = self.log().map(Arc::clone) else { return Ok(()) };
        // It waits for two checkpoints, a second each.
        let rotated = tokio::task::spawn_blocking(move || log.rotate_keys(by).map(drop)).await;
        rotated.map_err(|_| RecordError::gone())?.map_err(RecordError::from)
    }

    /// Begins a commitment to `part` of the request `request_id`.
    pub fn commit(&self, request_id: &str, part: Part) -> Committing {
        self.0.secret.begin(request_id, part)
    }

    /// Turns true when the log has failed. The process should then end: only a new start can find out what the disk holds.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.0.failed.subscribe()
    }

    /// What was recorded since the start.
    pub fn counts(&self) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Shared { permitted, refused, ended, waiting, .. } = &*self.0;
        let entries = self.log().map(|log| log.size());
        Counts { permitted: of(permitted), refused: of(refused), ended: of(ended), waiting: of(waiting), entries }
    }

    /// Writes what waits and a last entry that says why, has all of it signed, and takes nothing after it. Blocks.
    pub fn close(&self, reason: &str) -> Result<(), RecordError> {
        let Some(log) = self.log() else { return Ok(()) };
        log.append_owed(&Body::Stop(Stop { reason: Text::of(reason) }), |_| {})?;
        Ok(log.close()?)
    }

    fn append(&self, body: &Body) -> Durable {
        let Some(log) = self.log() else { return Durable(Waiting::Off) };
        let (told, durable) = oneshot::channel();
        let on_durable = self.counted(move |durable| {
            // Whoever asked may be gone; the entry is there all the same.
            drop(told.send(durable.map(|appended| Some(appended.index)).map_err(RecordError::from)));
        });
        // An outcome is owed: there is never more of them than of decisions, and a full queue must not lose one.
        let owed = matches!(body, Body::Outcome(_));
        let appended = if owed { log.append_owed(body, on_durable) } else { log.append(body, on_durable) };
        match self.taken(appended) {
            Ok(()) => Durable(Waiting::Told(durable)),
            Err(error) => Durable(Waiting::Never(error)),
        }
    }

    /// Counts an entry as waiting until the log tells.
    fn counted(
        &self,
        tell: impl FnOnce(Result<Appended, Refused>) + Send + 'static,
    ) -> impl FnOnce(Result<Appended, Refused>) + Send + 'static {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&self.0);
        move |durable| {
            shared.waiting.fetch_sub(1, Ordering::Relaxed);
            tell(durable);
        }
    }

    /// What was not even taken waits for nothing.
    fn taken(&self, appended: Result<(), LogError>) -> Result<(), RecordError> {
        appended.map_err(|error| {
            self.0.waiting.fetch_sub(1, Ordering::Relaxed);
            RecordError::from(error)
        })
    }
}

impl Permit {
    /// The index of the decision's entry; none where the log is off.
    pub fn entry(&self) -> Option<u64> {
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

    /// Says that the request goes to another destination than the first; to be waited for before it goes.
    pub fn attempt(&self, attempt: &NextAttempt<'_>) -> Durable {
        let Some(entry) = self.entry else { return Durable(Waiting::Off) };
        self.recorder.append(&Body::Attempt(Attempt {
            decision: Count(entry),
            request: Text::of(&self.request_id),
            destination: Text::of(attempt.destination),
            number: attempt.number,
            reason: Text::of(attempt.reason),
            answer_bytes: (attempt.answer_bytes > 0).then_some(Count(attempt.answer_bytes)),
            completion_tokens: attempt.completion_tokens.filter(|_| attempt.answer_bytes > 0).map(Count),
        }))
    }

    /// Ends the request with `outcome`.
    pub fn outcome(mut self, outcome: &Outcome) -> Durable {
        self.send(outcome)
    }

    fn send(&mut self, outcome: &Outcome) -> Durable {
        self.ended = true;
        let shared = &self.recorder.0;
        shared.ended.fetch_add(1, Ordering::Relaxed);
        let after = shared.clock.now().since(self.since);
        let duration_us = micros(after);
        let Some(entry) = self.entry else { return Durable(Waiting::Off) };
        self.recorder.append(&Body::Outcome(outcome.entry(entry, Text::of(&self.request_id), duration_us)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.send(&Outcome::bare(Ending::Abandoned, None)));
        }
    }
}

impl Outcome {
    /// The outcome of a request that ended in `ending` and nothing else is known of.
    pub fn bare(ending: Ending, reason: Option<&'static str>) -> Self {
        Self {
            ending,
            reason,
            status: None,
            destination: None,
            attempts: 0,
            prompt_tokens: None,
            completion_tokens: None,
            answer_bytes: 0,
            seam_at: None,
            answer: None,
            first_byte: None,
            tls_group: None,
            finish: None,
            hidden: None,
            findings: BTreeMap::new(),
            label: None,
            review: false,
        }
    }

    fn entry(&self, decision: u64, request: Text, duration_us: Option<Count>) -> audit_log::Outcome {
        audit_log::Outcome {
            decision: Count(decision),
            request,
            ending: self.ending,
            reason: self.reason.map(Text::of),
            status: self.status,
            destination: self.destination.as_deref().map(Text::of),
            attempts: self.attempts,
            prompt_tokens: self.prompt_tokens.map(Count),
            completion_tokens: self.completion_tokens.map(Count),
            answer_bytes: Count(self.answer_bytes),
            seam_at: self.seam_at.map(Count),
            commitment: self.answer.map(Commitment::digest),
            duration_us,
            first_byte_us: self.first_byte.and_then(micros),
            tls_group: self.tls_group.map(Text::of),
            finish: self.finish.map(Text::of),
            hidden: self.hidden.map(Count),
            findings: counted(&self.findings),
            label: self.label.as_deref().map(Text::of),
            review: self.review.then(|| Text::of("human")),
            cost: None,
        }
    }
}

/// Findings as an entry counts them; none where nothing was found.
pub(crate) fn counted(findings: &BTreeMap<String, u64>) -> Option<BTreeMap<Word, Count>> {
    let counted = findings.iter().filter_map(|(kind, count)| Some((Word::new(kind.as_str()).ok()?, Count(*count))));
    (!findings.is_empty()).then(|| counted.collect())
}

impl Future for Durable {
    /// The entry's index; none where the log is off.
    type Output = Result<Option<u64>, RecordError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Waiting::Off => Poll::Ready(Ok(None)),
            Waiting::Told(told) => {
                Pin::new(told).poll(cx).map(|told| told.unwrap_or_else(|_| Err(RecordError::gone())))
            }
            Waiting::Never(error) => Poll::Ready(Err(error.clone())),
        }
    }
}

impl RecordError {
    /// The log went away without a word.
    fn gone() -> Self {
        Self::Failed("it has ended".into())
    }
}

impl From<Refused> for RecordError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy { waiting } => Self::Busy { waiting },
            Refused::Closed => Self::gone(),
            Refused::Failed(why) => Self::Failed(why),
        }
    }
}

impl From<LogError> for RecordError {
    fn from(error: LogError) -> Self {
        if let LogError::Refused(refused) = error { refused.into() } else { Self::Unwritable(error.to_string().into()) }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mode = if matches!(self.mode, Mode::Off) { "off" } else { "kept" };
        f.debug_struct("Recorder").field("mode", &mode).finish_non_exhaustive()
    }
}

/// A permit that waits for its decision's index: the log alone can give it one.
struct Unnumbered {
    recorder: Recorder,
    request_id: Arc<str>,
    destinations: Vec<Arc<str>>,
    since: Moment,
}

impl Unnumbered {
    fn number(self, entry: Option<u64>) -> Permit {
        let Self { recorder, request_id, destinations, since } = self;
        recorder.0.permitted.fetch_add(1, Ordering::Relaxed);
        Permit { recorder, entry, request_id, destinations, since, ended: false }
    }
}

/// As entries count time.
fn micros(span: Duration) -> Option<Count> {
    u64::try_from(span.as_micros()).ok().map(Count)
}

#[cfg(test)]
pub(crate) mod tests;
