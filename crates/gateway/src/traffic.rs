//! What the audit log shows of the traffic of a stretch of time: who asked for which model, where it was permitted, who answered, how
//! long it took and how many tokens.
//!
//! Read beside the process that writes, a bundle at a time, and counted as it is read, so that a log of millions of entries takes no
//! more memory than one of thousands. It must not know what the figures are wanted for.

mod counter;
mod spread;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ::policy::Class;
use audit_log::{Entry, LogError, Reader};
use jiff::Timestamp;
use serde::Serialize;

pub use counter::Counter;
pub use spread::Spread;

/// Entries read at once.
const STEP: u64 = 4096;
/// The team whose requests are the reference questions of drills.
pub const DRILL_TEAM: &str = "drill";
/// How the names of requests end that a drill asked again, beside their answer.
pub const SHADOW: &str = "-shadow";

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Which part of which log.
    pub read: Read,
    /// Requests of one kind, in the order in which the first of each came.
    pub kinds: Vec<Kind>,
    /// Who answered, by the model asked for and the destination's label.
    pub served: BTreeMap<(Arc<str>, Arc<str>), Served>,
    /// How long answered requests took, in microseconds.
    pub took: Spread,
    /// Requests that the policy refused, by the code that was told.
    pub refused: BTreeMap<Arc<str>, u64>,
    /// Requests of more kinds than are kept apart: counted here alone.
    pub beyond: u64,
    /// Entries that are none of this version's schema: read by none of the counts.
    pub unreadable: u64,
}

/// Which part of which log was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The log's name.
    pub origin: String,
    /// The first entry.
    pub first: u64,
    /// One past the last.
    pub end: u64,
    /// When the first entry was written, in seconds since 1970.
    pub from: u64,
    /// When the last one was.
    pub until: u64,
}

/// Requests that are alike to whoever decides where they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// Whose.
    pub team: Arc<str>,
    /// The model asked for.
    pub model: Arc<str>,
    /// Of their data.
    pub class: Option<Class>,
    /// The labels of the destinations that were permitted, also of those that were not asked because they did not work.
    pub permitted: Vec<Arc<str>>,
    /// How many.
    pub requests: u64,
    /// Of which no end is in the part that was read.
    pub open: u64,
    /// Of which the caller left or the process ended.
    pub left: u64,
    /// Answered whole, by the label of who answered.
    pub answered: BTreeMap<Arc<str>, u64>,
    /// Ended with an error, by the code that was told.
    pub failed: BTreeMap<Arc<str>, u64>,
    /// Tokens sent, where they were counted.
    pub prompt_tokens: u64,
    /// Tokens answered, where they were counted.
    pub completion_tokens: u64,
    /// Answered requests whose tokens nobody counted.
    pub uncounted: u64,
    /// By the hour since 1970: requests, and tokens answered.
    pub hours: BTreeMap<u32, (u64, u64)>,
    /// How many destinations were asked, of all of them together.
    pub attempts: u64,
}

/// What one destination answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Whole answers.
    pub answers: u64,
    /// Requests that ended there with an error.
    pub failed: u64,
    /// Tokens sent.
    pub prompt_tokens: u64,
    /// Tokens answered.
    pub completion_tokens: u64,
    /// How long its answers took, in microseconds.
    pub took: Spread,
    /// The most tokens that it answered in any minute, by the minute in which each answer ended.
    pub best_minute_tokens: u64,
    minute: (u64, u64),
}

impl Traffic {
    /// Reads what the log holds since `since`, as far as its newest checkpoint covers it.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn since(reader: &Reader, since: Timestamp) -> Result<Self, LogError> {
        let end = reader.checkpoint()?.checkpoint.size;
        Self::from_until(reader, since, end)
    }

    /// Reads what the log holds since `since`, up to entry `end`, which a checkpoint covers.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn from_until(reader: &Reader, since: Timestamp, end: u64) -> Result<Self, LogError> {
        let at = Duration::try_from(since.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
        Self::between(reader, first_at(reader, at, end)?, end)
    }

    /// Reads these entries, all of which a checkpoint covers.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn between(reader: &Reader, first: u64, end: u64) -> Result<Self, LogError> {
        let mut counter = Counter::callers();
        counter.read(reader, first, end)?;
        Ok(counter.finish(reader.origin()))
    }

    /// Requests that were let in.
    pub fn requests(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.requests).sum::<u64>() + self.beyond
    }

    /// Whole hours that it spans, at least one.
    pub fn hours(&self) -> u64 {
        (self.read.until.saturating_sub(self.read.from)).div_ceil(3600).max(1)
    }
}

impl Kind {
    /// Whole answers.
    pub fn answers(&self) -> u64 {
        self.answered.values().sum()
    }

    /// Requests that ended with an error.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl Served {
    fn ended(&mut self, at: u64, tokens: u64) {
        let minute = at / 60;
        self.minute = if self.minute.0 == minute { (minute, self.minute.1 + tokens) } else { (minute, tokens) };
        self.best_minute_tokens = self.best_minute_tokens.max(self.minute.1);
    }
}

/// The first entry that is not older than `at`: entries never go back in time, so it is found by halving.
fn first_at(reader: &Reader, at: Duration, end: u64) -> Result<u64, LogError> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low.midpoint(high);
        let entry = reader.entries(middle..middle + 1)?.pop().and_then(|bytes| Entry::parse(&bytes).ok());
        // One that cannot be read tells nothing: older ones are read too.
        if entry.is_some_and(|entry| entry.at < at) { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

#[cfg(test)]
pub(crate) mod tests;
