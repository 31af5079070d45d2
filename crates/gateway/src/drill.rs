//! The drill: a withdrawal is rehearsed, measured and reported (`spec/drill.md`).
//!
//! A command leaves a plan in the database (`store`); the server that runs takes it up (`follow`), has the log say that it begins,
//! rehearses, measures from the log's own entries (`measured`, `replayed`), has the log say how it ended, and leaves a report
//! (`report`) whose hash that last entry holds. It must not know HTTP.

mod follow;
mod measured;
mod published;
pub mod reference;
mod rehearsal;
mod replayed;
pub mod report;
mod shadows;
pub mod store;
mod verdict;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use follow::{Follower, follow};
pub use measured::{Measured, PlaceServed, Reason};
pub(crate) use shadows::{Shadows, as_if};

use crate::withdrawal::Subject;

/// A shadow or live drill lasts no longer: a day.
pub const SECONDS_MAX: u64 = 86_400;

/// How it is rehearsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Decisions of the past are taken again; no traffic is touched.
    Replay,
    /// A sample of requests is asked again beside its answer, as if.
    Shadow,
    /// The withdrawal is real for everybody until it ends.
    Live,
}

impl Mode {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Shadow => "shadow",
            Self::Live => "live",
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Replay, Self::Shadow, Self::Live]
            .into_iter()
            .find(|mode| mode.word() == word)
            .ok_or_else(|| format!("`{word}` is no mode: write `replay`, `shadow` or `live`"))
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How.
    pub mode: Mode,
    /// What is withdrawn, in canonical form.
    pub withdraw: Vec<String>,
    /// For so long; of a replay, so far back.
    pub seconds: u64,
    /// The share of requests that a shadow drill asks again, in thousandths.
    pub sample_permille: u64,
    /// The answered share below which a live drill stops by itself, in thousandths.
    pub least_answered_permille: u64,
    /// The model that the reference questions are asked of; none: they are not asked.
    pub reference_model: Option<String>,
    /// By whom.
    pub by: String,
}

/// Why a plan is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It withdraws nothing.
    #[error("a drill withdraws something: name it")]
    Nothing,
    /// It lasts no time, or longer than one may.
    #[error("a {} drill lasts a day at most", .0.word())]
    TooLong(Mode),
    /// A share is more than the whole.
    #[error("a share is 100 % at most")]
    Share,
}

impl Plan {
    /// The plan, if it can be carried out; a sample is a shadow drill's alone.
    ///
    /// # Errors
    /// What it must not be.
    pub fn checked(mut self) -> Result<Self, PlanError> {
        if self.withdraw.is_empty() {
            return Err(PlanError::Nothing);
        }
        if self.seconds == 0 || (self.mode != Mode::Replay && self.seconds > SECONDS_MAX) {
            return Err(PlanError::TooLong(self.mode));
        }
        if self.sample_permille > 1000 || self.least_answered_permille > 1000 {
            return Err(PlanError::Share);
        }
        if self.mode != Mode::Shadow {
            self.sample_permille = 0;
        }
        Ok(self)
    }

    /// What is withdrawn.
    pub fn subjects(&self) -> Vec<Subject> {
        self.withdraw.iter().filter_map(|subject| subject.parse().ok()).collect()
    }

    /// What is withdrawn, as it is said in a sentence.
    pub fn told(&self) -> String {
        self.subjects().iter().map(Subject::told).collect::<Vec<_>>().join(" and ")
    }
}

/// A share in percent with at most one decimal (`5`, `99.5`), in thousandths; none where `typed` is none.
pub fn permille(typed: &str) -> Option<u64> {
    let (whole, tenths) = typed.split_once('.').unwrap_or((typed, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(tenths) || tenths.len() != 1 {
        return None;
    }
    format!("{whole}{tenths}").parse::<u64>().ok().filter(|permille| *permille <= 1000)
}

/// Why a drill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It was over.
    Time,
    /// Somebody stopped it.
    Stopped,
    /// Too few requests were answered.
    AnsweredShare,
    /// The server was told to stop, or had ended.
    ServerStopped,
    /// It could not be carried out.
    Failed,
}

impl Why {
    /// The word for it in entries and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Stopped => "stopped",
            Self::AnsweredShare => "answered-share",
            Self::ServerStopped => "server-stopped",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Why {
    /// For people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "its time was over",
            Self::Stopped => "it was stopped",
            Self::AnsweredShare => "too few requests were answered, so it stopped by itself",
            Self::ServerStopped => "the server stopped, and a drill never survives its server",
            Self::Failed => "it could not be carried out",
        })
    }
}

/// How far a drill is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Seconds since it began.
    pub seconds: u64,
    /// Requests so far.
    pub requests: u64,
    /// Of which a whole answer came.
    pub answered: u64,
    /// Of which the local floor's, marked as degraded.
    pub degraded: u64,
    /// Of which an error or a refusal for want of a place came.
    pub unanswered: u64,
    /// Why it could not be carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
