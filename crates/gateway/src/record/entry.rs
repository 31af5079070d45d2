//! What an entry says, and how it is written: the JSON of `spec/record.md`.
//!
//! Knows nothing of files, and holds no text that a caller typed.

use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::commitment::Commitment;

/// A decision that permits. Written before anything is sent.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The request's id, as the caller is told it. Made by the gateway, never taken from the caller.
    pub request_id: Arc<str>,
    /// Which key, by [`crate::keys::Caller::key_id`].
    pub key_id: Arc<str>,
    /// Whom the key was given to.
    pub team: Arc<str>,
    /// Which of our surfaces: `chat`, `completions`.
    pub surface: &'static str,
    /// The model asked for, as the configuration names it.
    pub model: Arc<str>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Answers asked for.
    pub choices: u32,
    /// The request's body, in bytes.
    pub request_bytes: u64,
    /// Tokens of the prompt, where they were counted.
    pub prompt_tokens: Option<u64>,
    /// The longest answer permitted, in tokens, for each choice.
    pub answer_tokens_max: Option<u64>,
    /// The destinations permitted, in the order in which they may be tried.
    pub destinations: Vec<Arc<str>>,
    /// The policy that judged.
    pub policy: &'static str,
    /// [`crate::config::Config::version`] of the configuration that judged.
    pub config: Arc<str>,
    /// Commitment to the request's body.
    pub request: Commitment,
}

/// A decision that refuses. No outcome follows it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// See [`Decision::request_id`].
    pub request_id: Arc<str>,
    /// See [`Decision::key_id`].
    pub key_id: Arc<str>,
    /// See [`Decision::team`].
    pub team: Arc<str>,
    /// See [`Decision::surface`].
    pub surface: &'static str,
    /// The model asked for, if the configuration names it; never what else a caller typed.
    pub model: Option<Arc<str>>,
    /// Why, as a word that programs may match on.
    pub reason: &'static str,
    /// See [`Decision::policy`].
    pub policy: &'static str,
    /// See [`Decision::config`].
    pub config: Arc<str>,
    /// See [`Decision::request`].
    pub request: Commitment,
}

/// How a permitted request ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// In one word.
    pub ending: Ending,
    /// Why, when it did not end well, as a word that programs may match on.
    pub reason: Option<&'static str>,
    /// The HTTP status handed to the transport, if any was.
    pub status: Option<u16>,
    /// The destination that answered.
    pub destination: Option<Arc<str>>,
    /// Attempts made, over all destinations.
    pub attempts: u32,
    /// Tokens of the prompt, where known.
    pub prompt_tokens: Option<u64>,
    /// Tokens answered, where known.
    pub completion_tokens: Option<u64>,
    /// Bytes of the answer's body handed to the transport before the end marker. Not a claim that they were received.
    pub answer_bytes: u64,
    /// Commitment to those bytes.
    pub answer: Option<Commitment>,
}

/// How a permitted request ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Answered to the end.
    Answered,
    /// The destinations permitted did not answer, or broke off.
    Failed,
    /// The caller left.
    Cancelled,
    /// Dropped without another word: a defect, or the process was told to end at once.
    Abandoned,
    /// The process died before the end; written at the next start.
    Lost,
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
            answer: None,
        }
    }
}

/// What stands in an entry after its two numbers.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Entry<'a> {
    /// The first entry of a record: which format it has.
    Begun {
        #[serde(serialize_with = "time")]
        at: Timestamp,
        format: u32,
    },
    /// A process opened the record.
    Started {
        #[serde(serialize_with = "time")]
        at: Timestamp,
        version: &'a str,
        /// Bytes of a torn tail that were cut.
        cut_bytes: u64,
        /// Decisions without outcome that were found; each gets its outcome next.
        lost: u64,
    },
    /// The process closed the record, with nothing left to write.
    Stopped {
        #[serde(serialize_with = "time")]
        at: Timestamp,
    },
    Decision {
        #[serde(serialize_with = "time")]
        at: Timestamp,
        request_id: &'a str,
        key_id: &'a str,
        team: &'a str,
        surface: &'a str,
        model: &'a str,
        stream: bool,
        choices: u32,
        #[serde(serialize_with = "whole")]
        request_bytes: u64,
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_if_known")]
        prompt_tokens: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_if_known")]
        answer_tokens_max: Option<u64>,
        destinations: &'a [Arc<str>],
        policy: &'a str,
        config: &'a str,
        #[serde(serialize_with = "text")]
        request: Commitment,
    },
    Refusal {
        #[serde(serialize_with = "time")]
        at: Timestamp,
        request_id: &'a str,
        key_id: &'a str,
        team: &'a str,
        surface: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<&'a str>,
        reason: &'a str,
        policy: &'a str,
        config: &'a str,
        #[serde(serialize_with = "text")]
        request: Commitment,
    },
    Outcome {
        #[serde(serialize_with = "time")]
        at: Timestamp,
        /// The decision's `seq`.
        #[serde(serialize_with = "whole")]
        decision: u64,
        request_id: &'a str,
        ending: Ending,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        destination: Option<&'a str>,
        attempts: u32,
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_if_known")]
        prompt_tokens: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_if_known")]
        completion_tokens: Option<u64>,
        #[serde(serialize_with = "whole")]
        answer_bytes: u64,
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_if_known")]
        answer: Option<Commitment>,
        /// From the decision to the end, in microseconds; absent when the process died between them.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_if_known")]
        duration_us: Option<u64>,
    },
}

impl<'a> Entry<'a> {
    pub(super) fn decision(at: Timestamp, decision: &'a Decision) -> Self {
        Self::Decision {
            at,
            request_id: &decision.request_id,
            key_id: &decision.key_id,
            team: &decision.team,
            surface: decision.surface,
            model: &decision.model,
            stream: decision.stream,
            choices: decision.choices,
            request_bytes: decision.request_bytes,
            prompt_tokens: decision.prompt_tokens,
            answer_tokens_max: decision.answer_tokens_max,
            destinations: &decision.destinations,
            policy: decision.policy,
            config: &decision.config,
            request: decision.request,
        }
    }

    pub(super) fn refusal(at: Timestamp, refusal: &'a Refusal) -> Self {
        Self::Refusal {
            at,
            request_id: &refusal.request_id,
            key_id: &refusal.key_id,
            team: &refusal.team,
            surface: refusal.surface,
            model: refusal.model.as_deref(),
            reason: refusal.reason,
            policy: refusal.policy,
            config: &refusal.config,
            request: refusal.request,
        }
    }

    pub(super) fn outcome(
        at: Timestamp,
        decision: u64,
        request_id: &'a str,
        outcome: &'a Outcome,
        duration_us: Option<u64>,
    ) -> Self {
        Self::Outcome {
            at,
            decision,
            request_id,
            ending: outcome.ending,
            reason: outcome.reason,
            status: outcome.status,
            destination: outcome.destination.as_deref(),
            attempts: outcome.attempts,
            prompt_tokens: outcome.prompt_tokens,
            completion_tokens: outcome.completion_tokens,
            answer_bytes: outcome.answer_bytes,
            answer: outcome.answer,
            duration_us,
        }
    }

    /// The entry as JSON without the opening brace: the writer puts the two numbers there.
    pub(super) fn to_fields(&self) -> Fields {
        let mut json = Vec::with_capacity(512);
        // Writing plain strings and numbers to memory cannot fail.
        let _ = serde_json::to_writer(&mut json, self);
        Fields(json)
    }
}

/// An entry's JSON, complete but for its two numbers. Begins with the brace that the writer replaces.
#[derive(Debug)]
pub(super) struct Fields(Vec<u8>);

impl Fields {
    /// What follows the opening brace.
    pub(super) fn after_brace(&self) -> &[u8] {
        self.0.get(1..).unwrap_or_default()
    }
}

/// RFC 3339 in UTC, to the millisecond.
fn time<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{at:.3}"))
}

fn text<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
fn text_if_known<S: Serializer>(value: &Option<impl Display>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(value),
        None => to.serialize_none(),
    }
}

/// The largest whole number that every reader of JSON holds exactly (RFC 8259, section 6).
const NUMBER_MAX: u64 = 1 << 53;

/// A whole number; beyond [`NUMBER_MAX`] as a string of decimal digits.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn whole<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
    if *value > NUMBER_MAX { to.collect_str(value) } else { to.serialize_u64(*value) }
}

#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
fn whole_if_known<S: Serializer>(value: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => whole(value, to),
        None => to.serialize_none(),
    }
}
