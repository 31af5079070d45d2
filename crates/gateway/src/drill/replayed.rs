//! The replay: decisions that the log holds are taken again, with the subjects gone. Nothing is sent: how long the substitutes would
//! take is what they were seen to take, and where they were never seen, it is said to be unknown.

use std::collections::BTreeMap;

use super::measured::{Measured, PlaceServed, Reason};
use crate::{
    judge::Judgement,
    traffic::{Spread, Traffic},
    what_if::{Stand, permitted},
    withdrawal::{Subject, subject::withdrawn_by},
};

/// The code that a caller would be told for whom no place is left.
const NO_PLACE: &str = "withdrawn";

/// How the same requests would have fared.
pub(super) struct Replayed {
    pub(super) measured: Measured,
    /// Requests that would have been answered by a place that the log never shows answering: their time is not known.
    pub(super) of_unknown_time: u64,
    /// Requests whose places the configuration no longer has.
    pub(super) unresolved: u64,
}

/// What would answer, by the judge's place.
#[derive(Default)]
struct Answering {
    stand: Option<Stand>,
    requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
}

pub(super) fn replayed(judgement: &Judgement, subjects: &[Subject], traffic: &Traffic) -> Replayed {
    let mut answering: BTreeMap<usize, Answering> = BTreeMap::new();
    let (mut measured, mut dark, mut unresolved) = (Measured::default(), 0, 0);
    for kind in &traffic.kinds {
        let Some(chain) = judgement.chain(&kind.model).filter(|chain| permitted(chain, kind).next().is_some()) else {
            unresolved += kind.requests;
            continue;
        };
        let gone = |judged: usize| {
            let place = judgement.judge().destinations().get(judged);
            place.is_some_and(|place| withdrawn_by(subjects, place, judgement.catalog()))
        };
        let Some(link) = permitted(chain, kind).find(|link| !gone(link.judged)) else {
            dark += kind.requests;
            continue;
        };
        measured.answered += kind.requests;
        measured.attempts += kind.requests;
        if link.local && chain.links.first().is_some_and(|first| !first.local) {
            measured.degraded += kind.requests;
        }
        let place = answering
            .entry(link.judged)
            .or_insert_with(|| Answering { stand: Some(Stand::of(judgement, link)), ..Answering::default() });
        place.requests += kind.requests;
        place.prompt_tokens += kind.prompt_tokens;
        place.completion_tokens += kind.completion_tokens;
    }
    measured.unanswered = dark;
    measured.requests = measured.answered + dark;
    if dark > 0 {
        measured.reasons = vec![Reason { code: NO_PLACE.to_owned(), count: dark }];
    }
    let (mut took, mut of_unknown_time) = (Spread::default(), 0);
    for (judged, place) in answering {
        let seen = seen(judgement, traffic, judged);
        if seen.count() == 0 {
            of_unknown_time += place.requests;
        }
        took.join_as(&seen, place.requests);
        let row = PlaceServed {
            answers: place.requests,
            prompt_tokens: place.prompt_tokens,
            completion_tokens: place.completion_tokens,
            ..PlaceServed::none(place.stand.as_ref().map(|stand| stand.id.clone()).unwrap_or_default())
        };
        measured.places.push(row.with(&seen, place.stand.as_ref()));
    }
    (measured.took_p50_us, measured.took_p95_us) = (took.quantile(500), took.quantile(950));
    Replayed { measured, of_unknown_time, unresolved }
}

/// How long the place's answers took, whatever was asked for.
fn seen(judgement: &Judgement, traffic: &Traffic, judged: usize) -> Spread {
    let mut seen = Spread::default();
    for ((model, label), served) in &traffic.served {
        let link = judgement.chain(model).and_then(|chain| chain.links.iter().find(|link| link.label == *label));
        if link.is_some_and(|link| link.judged == judged) {
            seen.join(&served.took);
        }
    }
    seen
}
