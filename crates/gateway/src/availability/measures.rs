//! What is counted of health, for `/metrics`: the state of each place, what began and ended, what was held back.

use std::sync::Arc;

use ::policy::Destination;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Availability, Cause, State};

/// The words of [`State`].
const STATES: [&str; 3] = ["ready", "resting", "withdrawn"];

/// The counts. Cheap to clone; clones count the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Measures {
    states: Family<StateLabels, Gauge>,
    withdrawals: Family<CauseLabels, Counter>,
    returns: Family<CauseLabels, Counter>,
    rests: Family<PlaceLabels, Counter>,
    attempts: Family<PlaceLabels, Counter>,
    hedges: Family<PlaceLabels, Counter>,
    retries_refused: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    destination: Arc<str>,
    model: Arc<str>,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaceLabels {
    destination: Arc<str>,
    model: Arc<str>,
}

impl Measures {
    /// A withdrawal has begun.
    pub(super) fn begun(&self, cause: Cause) {
        self.withdrawals.get_or_create(&CauseLabels { cause: cause.word() }).inc();
    }

    /// A withdrawal has ended.
    pub(super) fn ended(&self, cause: Cause) {
        self.returns.get_or_create(&CauseLabels { cause: cause.word() }).inc();
    }

    /// A request is sent to a place.
    pub(super) fn attempt(&self, destination: &Arc<str>, model: &Arc<str>) {
        self.attempts
            .get_or_create(&PlaceLabels { destination: Arc::clone(destination), model: Arc::clone(model) })
            .inc();
    }

    /// A request is sent to a place beside another one.
    pub(super) fn hedge(&self, destination: &Arc<str>, model: &Arc<str>) {
        self.hedges
            .get_or_create(&PlaceLabels { destination: Arc::clone(destination), model: Arc::clone(model) })
            .inc();
    }

    /// A place begins to rest.
    pub(super) fn rests(&self, destination: &Arc<str>, model: &Arc<str>) {
        self.rests.get_or_create(&PlaceLabels { destination: Arc::clone(destination), model: Arc::clone(model) }).inc();
    }

    /// A request was not tried again elsewhere, because too many were.
    pub(super) fn retry_refused(&self) {
        self.retries_refused.inc();
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("destination_state", "1 for the state that a place is in", self.states.clone());
        registry.register("withdrawals", "Withdrawals that began, by cause", self.withdrawals.clone());
        registry.register("withdrawal_ends", "Withdrawals that ended, by cause", self.returns.clone());
        registry.register("destination_rests", "Times that a place was left alone after failures", self.rests.clone());
        registry.register("destination_attempts", "Requests that were sent to a place", self.attempts.clone());
        registry.register(
            "destination_hedges",
            "Requests that were sent to a place beside another that kept silent",
            self.hedges.clone(),
        );
        registry.register(
            "retries_refused",
            "Requests that were not tried elsewhere, because too many were",
            self.retries_refused.clone(),
        );
    }
}

impl Availability {
    /// Has its counts told by `registry`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.0.measures.register(registry);
    }

    /// Looks at every one of `places`, for somebody who asks for the counts now. Those that the configuration has no longer are not
    /// told any more.
    pub(crate) fn measure(&self, places: &[Destination]) {
        let states = &self.0.measures.states;
        states.clear();
        for place in places.iter().filter(|place| !place.local) {
            let now: State = self.state(place);
            for state in STATES {
                let labels =
                    StateLabels { destination: Arc::clone(&place.name), model: Arc::clone(&place.model), state };
                states.get_or_create(&labels).set(i64::from(state == now.word()));
            }
        }
    }
}
