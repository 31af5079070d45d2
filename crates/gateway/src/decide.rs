//! Step 5: what policy says of the facts. Pure and total: no I/O, no clock, no failure; what nothing permits is refused.
//!
//! Today's policy is short: a listed key may ask the local floor; a remote destination only where the operator has opened
//! that door. It must not know HTTP, nor how a destination is reached.

use std::{fmt, sync::Arc, time::Duration};

use http::StatusCode;
use sha2::{Digest as _, Sha256};
use wire::{error::Code, needs::Needed};

use crate::{
    config::{RemotePolicy, Version},
    error::ApiError,
    inspect::Facts,
};

/// What decides: the rule and all that could be asked. One value, changed as one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    judge: Judge,
    /// What may leave the machine.
    remote: RemotePolicy,
    /// What could answer, in the order in which it is tried.
    offers: Vec<Offer>,
}

/// Which rule judged, under which configuration: entries name both, by their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judge {
    /// SHA-256 of the rule.
    pub(crate) policy: [u8; 32],
    /// The configuration that the rule was made from.
    pub(crate) config: Version,
}

/// The rule in words: what its hash stands for. Whoever changes what [`decide`] does changes these.
const RULE: &str = "1: a listed key may ask the local floor, and a remote destination where policy.remote is open";

/// One model at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// What callers ask for.
    pub(crate) model: Arc<str>,
    /// Where it is.
    pub(crate) place: Place,
    /// How people, entries and metrics call the destination.
    pub(crate) destination: Arc<str>,
    /// Whether it takes everything that the API defines (and refuses itself what it lacks); otherwise text in, text out.
    pub(crate) understands_everything: bool,
    /// Tokens of prompt and answer together, where known.
    pub(crate) context_tokens: Option<u64>,
    /// Tokens of an answer when the caller names no limit, where the gateway sets it.
    pub(crate) answer_tokens_default: Option<u64>,
}

/// Where a destination is, seen from this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The local floor: nothing leaves the process.
    Local,
    /// Outside.
    Remote,
}

/// What policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing may answer.
    Refused(Refusal),
    /// These may.
    Permitted(Permitted),
}

/// Where a request may go. Made by [`decide`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permitted {
    model: Arc<str>,
    destinations: Vec<Offer>,
    tokens_worst: u64,
    judge: Judge,
}

/// That nothing may answer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    asked: String,
    /// The model asked for, where the policy knows it.
    model: Option<Arc<str>>,
    why: Why,
    judge: Judge,
}

/// Why nothing may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// No destination has the model; these can be asked for.
    UnknownModel(Vec<Arc<str>>),
    /// A destination has the model, but policy forbids it.
    Forbidden,
    /// Every permitted destination lacks what the request needs.
    Lacks(Needed),
    /// It may take more tokens than a key may hold at once. Said by [`crate::reserve`].
    TooLong {
        /// What it may take.
        tokens: u64,
        /// What a key may hold.
        most: u64,
    },
    /// The key's other requests leave too few tokens for it. Said by [`crate::reserve`].
    Held {
        /// What it may take.
        tokens: u64,
        /// What the others hold.
        held: u64,
        /// What a key may hold.
        most: u64,
    },
}

/// Held tokens come back as answers end, and those take seconds.
const RETRY_WHEN_HELD: Duration = Duration::from_secs(2);

/// Judges `facts` by `policy`.
pub(crate) fn decide(facts: &Facts<'_>, policy: &Policy) -> Decision {
    let mut known = policy.offers.iter().filter(|offer| &*offer.model == facts.model).peekable();
    let Some(model) = known.peek().map(|offer| Arc::clone(&offer.model)) else {
        let available = permitted_models(policy).map(|offer| Arc::clone(&offer.model)).collect();
        return refuse(facts, policy, None, Why::UnknownModel(available));
    };
    let mut permitted = known.filter(|offer| permits(policy, offer)).peekable();
    if permitted.peek().is_none() {
        return refuse(facts, policy, Some(model), Why::Forbidden);
    }
    let mut lacking = None;
    let mut destinations = Vec::with_capacity(1);
    for offer in permitted {
        match facts.needs.iter().find(|_| !offer.understands_everything) {
            None => destinations.push(offer.clone()),
            Some(need) => lacking = lacking.or(Some(need)),
        }
    }
    match lacking {
        Some(need) if destinations.is_empty() => refuse(facts, policy, Some(model), Why::Lacks(need.clone())),
        Some(_) | None => {
            let tokens_worst = destinations.iter().map(|offer| worst(facts, offer)).max().unwrap_or(0);
            Decision::Permitted(Permitted { model, destinations, tokens_worst, judge: policy.judge })
        }
    }
}

fn refuse(facts: &Facts<'_>, policy: &Policy, model: Option<Arc<str>>, why: Why) -> Decision {
    Decision::Refused(Refusal { asked: facts.model.to_owned(), model, why, judge: policy.judge })
}

/// Everything that a listed key may ask for.
pub(crate) fn permitted_models(policy: &Policy) -> impl Iterator<Item = &Offer> {
    policy.offers.iter().filter(|offer| permits(policy, offer))
}

fn permits(policy: &Policy, offer: &Offer) -> bool {
    match (offer.place, policy.remote) {
        (Place::Local, RemotePolicy::Deny | RemotePolicy::Open) | (Place::Remote, RemotePolicy::Open) => true,
        (Place::Remote, RemotePolicy::Deny) => false,
    }
}

/// The most tokens that an answer from there can take. A byte of text is at most one token; a context holds no more than
/// it holds.
fn worst(facts: &Facts<'_>, offer: &Offer) -> u64 {
    let most = offer.context_tokens.unwrap_or(u64::MAX);
    let answer = facts.answer_tokens_max.or(offer.answer_tokens_default).unwrap_or(0);
    facts.prompt_bytes.saturating_add(answer).min(most).saturating_mul(facts.candidates)
}

impl Policy {
    /// The rule over these offers, as this configuration sets it.
    pub(crate) fn new(config: Version, remote: RemotePolicy, offers: Vec<Offer>) -> Self {
        let word = match remote {
            RemotePolicy::Deny => "deny",
            RemotePolicy::Open => "open",
        };
        let policy = Sha256::digest(format!("{RULE}\npolicy.remote = {word}\n")).into();
        Self { judge: Judge { policy, config }, remote, offers }
    }
}

impl Permitted {
    /// The model asked for.
    pub(crate) fn model(&self) -> &Arc<str> {
        &self.model
    }

    /// Where the request may go, in order; never empty.
    pub(crate) fn destinations(&self) -> &[Offer] {
        &self.destinations
    }

    /// Tokens that the answer can take at worst, prompt included.
    pub(crate) fn tokens_worst(&self) -> u64 {
        self.tokens_worst
    }

    /// What permitted it.
    pub(crate) fn judge(&self) -> Judge {
        self.judge
    }
}

impl Permitted {
    /// What was permitted cannot be held: nothing may answer after all.
    pub(crate) fn refused(self, why: Why) -> Refusal {
        Refusal { asked: self.model.to_string(), model: Some(self.model), why, judge: self.judge }
    }
}

impl Refusal {
    /// A word for the audit log.
    pub(crate) fn reason(&self) -> &'static str {
        match self.why {
            Why::UnknownModel(_) => "model_not_found",
            Why::Forbidden => "not_permitted",
            Why::Lacks(_) => "unsupported_parameter",
            Why::TooLong { .. } | Why::Held { .. } => "rate_limit_exceeded",
        }
    }

    /// Why, in full.
    #[cfg(test)]
    pub(crate) fn why(&self) -> &Why {
        &self.why
    }

    /// The model asked for, if the policy knows it.
    pub(crate) fn known_model(&self) -> Option<&Arc<str>> {
        self.model.as_ref()
    }

    /// What refused it.
    pub(crate) fn judge(&self) -> Judge {
        self.judge
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal.why {
            Why::UnknownModel(_) => Self::caller(StatusCode::NOT_FOUND, Code::ModelNotFound, message).param("model"),
            Why::Forbidden => Self::caller(StatusCode::FORBIDDEN, Code::NotPermitted, message).param("model"),
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
            Why::Forbidden => {
                write!(f, "policy permits no destination that has the model `{asked}`: it is outside this machine")
            }
            Why::Lacks(Needed { need, param }) => {
                write!(f, "the model `{asked}` does not support {}, which `{param}` asks for", need.word())
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

#[cfg(test)]
mod tests;
