//! What a stretch of the log shows of how requests fared: the same figures for what was rehearsed and for the time before it.

use serde::{Deserialize, Serialize};

use super::Progress;
use crate::{
    judge::Judgement,
    traffic::{Spread, Traffic},
    what_if::Stand,
};

/// Codes with which a request is refused or fails because no place was left for it, or because those before it still held what its key
/// may hold. Other refusals are the policy's, with or without
/// a drill.
const NO_PLACE: [&str; 4] = ["no_destination", "outage", "withdrawn", "rate_limit_exceeded"];
/// Why a caller got no answer that left before it.
const CALLER_LEFT: &str = "caller_left";
/// Why a caller got none that still waits.
const STILL_OPEN: &str = "still_open";

/// How requests fared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Whose end is known: what is open and what callers left is not among them.
    pub requests: u64,
    /// Whole answers.
    pub answered: u64,
    /// Of them, the local floor's where it is not the first choice.
    pub degraded: u64,
    /// Errors, and refusals for want of a place.
    pub unanswered: u64,
    /// Whose callers left, or whose end is not known.
    pub left: u64,
    /// Refused by the policy: with or without a drill.
    pub refused: u64,
    /// Destinations asked, of all requests together.
    pub attempts: u64,
    /// Why requests got no answer, by the code that callers were told.
    pub reasons: Vec<Reason>,
    /// How long half of the answers took at most, in microseconds.
    pub took_p50_us: Option<u64>,
    /// The same of nineteen in twenty.
    pub took_p95_us: Option<u64>,
    /// Who answered.
    pub places: Vec<PlaceServed>,
}

/// How often a code was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The code.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// What one place answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceServed {
    /// As the judge calls it; as entries do, where the configuration no longer has it.
    pub place: String,
    /// Whole answers.
    pub answers: u64,
    /// Requests that ended there with an error.
    pub failed: u64,
    /// Tokens sent.
    pub prompt_tokens: u64,
    /// Tokens answered.
    pub completion_tokens: u64,
    /// How long half of its answers took at most, in microseconds.
    pub took_p50_us: Option<u64>,
    /// The same of nineteen in twenty.
    pub took_p95_us: Option<u64>,
    /// ISO 4217; none where its price is not known, or it has none.
    pub currency: Option<String>,
    /// What its tokens cost, in millionths of the currency's unit.
    pub cost_micros: Option<u64>,
}

impl Measured {
    /// Of real traffic.
    pub fn of(judgement: &Judgement, traffic: &Traffic) -> Self {
        let mut measured = Self::default();
        let mut reasons = std::collections::BTreeMap::<String, u64>::new();
        for kind in &traffic.kinds {
            measured.answered += kind.answers();
            measured.left += kind.left + kind.open;
            measured.attempts += kind.attempts;
            let first = judgement.chain(&kind.model).and_then(|chain| chain.links.first());
            if first.is_some_and(|link| !link.local) {
                measured.degraded += kind.answered.get(crate::judge::LOCAL_DESTINATION).copied().unwrap_or(0);
            }
            for (code, count) in &kind.failed {
                measured.unanswered += count;
                *reasons.entry(code.to_string()).or_default() += count;
            }
        }
        for (code, count) in &traffic.refused {
            if NO_PLACE.contains(&&**code) {
                measured.unanswered += count;
                *reasons.entry(code.to_string()).or_default() += count;
            } else {
                measured.refused += count;
            }
        }
        measured.requests = measured.answered + measured.unanswered;
        measured.reasons = reasons.into_iter().map(|(code, count)| Reason { code, count }).collect();
        measured.took_p50_us = traffic.took.quantile(500);
        measured.took_p95_us = traffic.took.quantile(950);
        measured.places = served(judgement, traffic);
        measured
    }

    /// The same, but callers who left count as unanswered, and so do requests that have been open for long: where a withdrawal is real,
    /// that is how slowness shows.
    #[must_use]
    pub fn with_waiting(mut self, traffic: &Traffic, open_for_long: u64) -> Self {
        let left = traffic.kinds.iter().map(|kind| kind.left).sum();
        for (code, count) in [(CALLER_LEFT, left), (STILL_OPEN, open_for_long)] {
            if count > 0 {
                self.reasons.push(Reason { code: code.to_owned(), count });
                self.unanswered += count;
                self.requests += count;
                self.left = self.left.saturating_sub(count);
            }
        }
        self
    }

    /// Whole answers of those whose end is known, in thousandths; nothing where there was no request.
    pub fn answered_permille(&self) -> u64 {
        (self.answered * 1000).checked_div(self.requests).unwrap_or(0)
    }

    /// The floor's answers of those, in thousandths.
    pub fn degraded_permille(&self) -> u64 {
        (self.degraded * 1000).checked_div(self.requests).unwrap_or(0)
    }

    /// In short, after so many seconds.
    pub fn progress(&self, seconds: u64) -> Progress {
        let Self { requests, answered, degraded, unanswered, .. } = *self;
        Progress { seconds, requests, answered, degraded, unanswered, error: None }
    }
}

/// Who answered, each place once, whatever was asked for.
fn served(judgement: &Judgement, traffic: &Traffic) -> Vec<PlaceServed> {
    let mut places: Vec<(PlaceServed, Spread, Option<Stand>)> = Vec::new();
    for ((model, label), served) in &traffic.served {
        let link = judgement.chain(model).and_then(|chain| chain.links.iter().find(|link| link.label == *label));
        let stand = link.map(|link| Stand::of(judgement, link));
        let id = stand.as_ref().map_or_else(|| label.to_string(), |stand| stand.id.clone());
        let known = places.iter().position(|(place, ..)| place.place == id);
        let place = known.unwrap_or_else(|| {
            places.push((PlaceServed::none(id), Spread::default(), stand));
            places.len() - 1
        });
        let Some((place, took, _)) = places.get_mut(place) else { continue };
        place.answers += served.answers;
        place.failed += served.failed;
        place.prompt_tokens += served.prompt_tokens;
        place.completion_tokens += served.completion_tokens;
        took.join(&served.took);
    }
    places.into_iter().map(|(place, took, stand)| place.with(&took, stand.as_ref())).collect()
}

impl PlaceServed {
    pub(super) fn none(place: String) -> Self {
        Self {
            place,
            answers: 0,
            failed: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            took_p50_us: None,
            took_p95_us: None,
            currency: None,
            cost_micros: None,
        }
    }

    /// With its times and what it cost.
    pub(super) fn with(mut self, took: &Spread, stand: Option<&Stand>) -> Self {
        (self.took_p50_us, self.took_p95_us) = (took.quantile(500), took.quantile(950));
        if let Some(price) = stand.filter(|stand| !stand.is_own()).and_then(|stand| stand.price.as_ref()) {
            self.currency = Some(price.currency.clone());
            self.cost_micros = Some(price.micros(self.prompt_tokens, self.completion_tokens));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, traffic::Kind};

    #[test]
    fn who_left_and_who_waits_long_got_no_answer() {
        let config = Config::parse("[policy]\nuse = \"open\"\nhome = \"KR\"\n", "test.toml").unwrap();
        let judgement = Judgement::new(&config, None);
        let mut traffic = Traffic::default();
        let answered = [("a/m".into(), 6)].into();
        traffic.kinds.push(Kind { model: "m".into(), requests: 13, answered, left: 2, open: 5, ..Kind::default() });
        traffic.refused.insert("rate_limit_exceeded".into(), 1);
        traffic.refused.insert("policy_refused".into(), 9);
        let measured = Measured::of(&judgement, &traffic);
        assert_eq!((measured.requests, measured.unanswered, measured.left, measured.refused), (7, 1, 7, 9));
        let strict = measured.with_waiting(&traffic, 3);
        assert_eq!((strict.requests, strict.answered, strict.unanswered, strict.left), (12, 6, 6, 2));
        assert_eq!(strict.answered_permille(), 500);
        assert_eq!(strict.reasons.iter().map(|it| it.count).sum::<u64>(), strict.unanswered);
    }
}
