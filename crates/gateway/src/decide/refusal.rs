//! What is told of a refusal: to the caller, and to the audit log. It must not judge.

use std::{fmt, sync::Arc, time::Duration};

use ::policy::{Class, Denial};
use http::StatusCode;
use wire::{error::Code, needs::Needed};

use super::{Refusal, Sick, Skipped, Why};
use crate::{error::ApiError, judge::Hashes};

/// Held tokens come back as answers end, and those take seconds.
const RETRY_WHEN_HELD: Duration = Duration::from_secs(2);

impl Refusal {
    /// A word for the audit log: the code that the caller is told.
    pub(crate) fn reason(&self) -> &str {
        match &self.why {
            Why::UnknownModel(_) => "model_not_found",
            Why::Forbidden { denial, .. } => &denial.code,
            Why::CannotHide { .. } => "cannot_hide",
            Why::Lacks(_) => "unsupported_parameter",
            Why::Sick if self.retry_after().is_some() => Code::Outage.word(),
            Why::Sick => Code::Withdrawn.word(),
            Why::TooLong { .. } | Why::Held { .. } => "rate_limit_exceeded",
        }
    }

    /// The policy's rule that refused it, where one did.
    pub(crate) fn rule(&self) -> Option<&Arc<str>> {
        match &self.why {
            Why::Forbidden { denial, .. } => denial.rule.as_ref(),
            Why::CannotHide { rule, .. } => rule.as_ref(),
            Why::UnknownModel(_) | Why::Lacks(_) | Why::Sick | Why::TooLong { .. } | Why::Held { .. } => None,
        }
    }

    /// The destinations that are permitted and cannot answer.
    pub(crate) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// When the first of them may answer again; `None` where none will by itself.
    fn retry_after(&self) -> Option<Duration> {
        let after = |it: &Skipped| match it.how {
            Sick::Outage(_, after) => Some(after),
            Sick::Withdrawn(_) => None,
        };
        self.skipped.iter().filter_map(after).min()
    }

    /// Why, in full.
    #[cfg(test)]
    pub(crate) fn why(&self) -> &Why {
        &self.why
    }

    /// The model asked for, if it is known.
    pub(crate) fn known_model(&self) -> Option<&Arc<str>> {
        self.model.as_ref()
    }

    /// What refused it.
    pub(crate) fn hashes(&self) -> Hashes {
        self.hashes
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let reason = refusal.reason().to_owned();
        let retry_after = refusal.retry_after();
        match refusal.why {
            Why::UnknownModel(_) => Self::caller(StatusCode::NOT_FOUND, Code::ModelNotFound, message).param("model"),
            Why::Forbidden { .. } | Why::CannotHide { .. } => {
                let error = Self::caller(StatusCode::FORBIDDEN, Code::NotPermitted, message).param("model");
                if reason == Code::NotPermitted.word() { error } else { error.foreign_code(reason) }
            }
            Why::Sick => match retry_after {
                Some(after) => {
                    Self::destination(StatusCode::SERVICE_UNAVAILABLE, Code::Outage, message).retry_after(after)
                }
                None => Self::destination(StatusCode::SERVICE_UNAVAILABLE, Code::Withdrawn, message).for_good(),
            },
            Why::Lacks(need) => Self::field(Code::UnsupportedParameter, message, need.param),
            // Waiting would not help, so this is no 429.
            Why::TooLong { .. } => Self::field(Code::RateLimitExceeded, message, "max_completion_tokens"),
            Why::Held { .. } => Self::too_many(message, RETRY_WHEN_HELD),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = &self.asked;
        match &self.why {
            Why::UnknownModel(available) if available.is_empty() => {
                write!(f, "there is no model `{asked}` here, nor any other: this gateway has none to offer")
            }
            Why::UnknownModel(available) => {
                write!(f, "there is no model `{asked}` here; ask for ")?;
                for (index, model) in available.iter().enumerate() {
                    write!(f, "{}`{model}`", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Why::Forbidden { policy, denial, class } => forbidden_words(f, asked, policy, denial, *class),
            Why::CannotHide { what, .. } => {
                write!(f, "policy permits `{asked}` only with something hidden: {what}")
            }
            Why::Lacks(Needed { need, param }) => {
                write!(f, "the model `{asked}` does not support {}, which `{param}` asks for", need.word())
            }
            Why::Sick => {
                write!(f, "no destination that may answer `{asked}` can: ")?;
                for (index, skipped) in self.skipped.iter().enumerate() {
                    write!(f, "{}{skipped}", if index == 0 { "" } else { ", " })?;
                }
                if self.retry_after().is_none() {
                    write!(f, "; it will not pass by itself, an operator has been told")?;
                }
                Ok(())
            }
            Why::TooLong { tokens, most } => write!(
                f,
                "the prompt and answer may take {tokens} tokens, but a key may hold {most} at once: ask for a shorter answer \
                 with `max_completion_tokens`, or send less"
            ),
            Why::Held { tokens, held, most } => write!(
                f,
                "this key's requests under way hold {held} tokens; {tokens} more would pass its limit of {most}"
            ),
        }
    }
}

fn forbidden_words(
    f: &mut fmt::Formatter<'_>,
    asked: &str,
    policy: &str,
    denial: &Denial,
    class: Class,
) -> fmt::Result {
    match (&denial.rule, &denial.why) {
        (Some(rule), Some(why)) => {
            let why = why.trim_end_matches('.');
            write!(f, "policy `{policy}` refuses it for `{asked}`: {why} (rule `{rule}`)")
        }
        (Some(rule), None) => write!(f, "policy `{policy}` refuses it for `{asked}` (rule `{rule}`)"),
        (None, _) => {
            write!(f, "policy `{policy}` permits no destination that has the model `{asked}` for {class} data")
        }
    }
}
