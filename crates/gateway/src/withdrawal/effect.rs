//! What changes when something is withdrawn or let back: which places, and who answers each model then. From the configuration alone;
//! what policy permits to whom, and what it costs, is told by [`crate::what_if`].
//!
//! Pure. It must not know how it is told.

use ::policy::{Axis, Destination};
use serde::Serialize;

use super::{Subject, Taken};
use crate::judge::{Chain, Judgement};

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The places that the subject takes, or may take.
    pub places: Vec<TakenPlace>,
    /// The models whose answers come from elsewhere then.
    pub models: Vec<Moved>,
}

/// A place that a subject takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TakenPlace {
    /// As the judge calls it.
    pub place: String,
    /// Whether it is known to be taken; otherwise something of it is not known.
    pub certain: bool,
    /// Whether it counts as taken.
    pub withdrawn: bool,
    /// The catalogue's provider; none where it is not known.
    pub provider: Option<String>,
    /// Jurisdictions; none where anything of them is not known.
    pub processed_in: Option<Vec<String>>,
    /// The same.
    pub controlled_by: Option<Vec<String>>,
}

/// A model whose answers come from elsewhere then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// As callers ask for it.
    pub model: String,
    /// Who may answer now, in order.
    pub now: Vec<String>,
    /// Who may answer then; nobody where it is empty.
    pub then: Vec<String>,
}

impl Effect {
    /// Of `subject`, where these are withdrawn `now` and those `then`.
    pub fn of(judgement: &Judgement, subject: &Subject, now: &[Subject], then: &[Subject]) -> Self {
        let catalog = judgement.catalog();
        let place = |place: &Destination| {
            let taken = subject.takes(place, catalog);
            (taken != Taken::No).then(|| TakenPlace {
                place: place.id.to_string(),
                certain: taken == Taken::Yes,
                withdrawn: subject.withdraws(place, catalog),
                provider: place.provider.as_deref().map(str::to_owned),
                processed_in: codes(&place.processed_in),
                controlled_by: codes(&place.controlled_by),
            })
        };
        let places = judgement.judge().destinations().iter().filter_map(place).collect();
        let moved = |chain: &Chain| {
            let left = |withdrawn: &[Subject]| left(judgement, chain, withdrawn);
            let moved = Moved { model: chain.model.to_string(), now: left(now), then: left(then) };
            (moved.now != moved.then).then_some(moved)
        };
        Self { places, models: judgement.chains().iter().filter_map(moved).collect() }
    }
}

/// The places of a chain that are left, in their order.
fn left(judgement: &Judgement, chain: &Chain, withdrawn: &[Subject]) -> Vec<String> {
    let destinations = judgement.judge().destinations();
    let is_left = |judged: usize| {
        destinations
            .get(judged)
            .is_some_and(|place| !withdrawn.iter().any(|subject| subject.withdraws(place, judgement.catalog())))
    };
    chain.links.iter().filter(|link| is_left(link.judged)).map(|link| link.label.to_string()).collect()
}

/// None where anything of it is not known.
fn codes(axis: &Axis) -> Option<Vec<String>> {
    let is_known = !axis.known.is_empty() && !axis.within.is_empty();
    is_known.then(|| axis.known.iter().map(ToString::to_string).collect())
}
