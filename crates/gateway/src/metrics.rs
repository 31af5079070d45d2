//! What the process counts, as OpenMetrics text for `GET /metrics`.
//!
//! Labels are words of ours and names from the configuration: never text that a caller sent.

mod local;

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{availability::Availability, indexing, record::Counts, witnesses::Standing};

/// The content type of what [`Metrics::text`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The label of a request that never reached a destination.
const NO_DESTINATION: &str = "none";

/// From 1 ms to about 9 minutes, each bucket twice the last: a first token of a small model to the end of a long answer.
const BUCKETS: (f64, f64, u16) = (0.001, 2.0, 20);

type Durations = Family<DestinationLabels, Histogram, fn() -> Histogram>;

/// All counts of the process. One value, shared by every request.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    nowhere: Arc<str>,
    requests: Family<RequestLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    first_byte: Durations,
    total: Durations,
    in_flight: Gauge,
    local: local::Local,
    record_failures: Counter,
    record_permits: Gauge,
    record_refusals: Gauge,
    record_outcomes: Gauge,
    record_waiting: Gauge,
    log_entries: Gauge,
    sign_ins: Family<SignInLabels, Counter>,
    witnesses: Standing,
    indexing: indexing::Standing,
}

/// What cannot be counted when it happens and is looked at when somebody asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Levels {
    /// Requests under way.
    pub(crate) in_flight: usize,
    /// The local model's load; nothing of anything where there is none.
    pub(crate) local: local_model::Load,
    /// What was recorded since the start.
    pub(crate) record: Counts,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    endpoint: &'static str,
    status: u16,
    destination: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignInLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    destination: Arc<str>,
    ending: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    destination: Arc<str>,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DestinationLabels {
    destination: Arc<str>,
}

impl Metrics {
    /// Counts at zero.
    pub(crate) fn new(availability: &Availability) -> Self {
        let mut registry = Registry::with_prefix("gwanmun");
        let metrics = Self {
            nowhere: NO_DESTINATION.into(),
            requests: Family::default(),
            outcomes: Family::default(),
            tokens: Family::default(),
            first_byte: Family::new_with_constructor(histogram),
            total: Family::new_with_constructor(histogram),
            in_flight: Gauge::default(),
            local: local::Local::default(),
            record_failures: Counter::default(),
            record_permits: Gauge::default(),
            record_refusals: Gauge::default(),
            record_outcomes: Gauge::default(),
            record_waiting: Gauge::default(),
            log_entries: Gauge::default(),
            sign_ins: Family::default(),
            witnesses: Standing::default(),
            indexing: indexing::Standing::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests by endpoint, status and destination", metrics.requests.clone());
        registry.register("outcomes", "Answers by destination and how they ended", metrics.outcomes.clone());
        registry.register("tokens", "Tokens of prompts and of answers delivered", metrics.tokens.clone());
        registry.register_with_unit(
            "first_byte",
            "From a request's arrival to the first byte of its answer",
            Unit::Seconds,
            metrics.first_byte.clone(),
        );
        registry.register_with_unit(
            "answer",
            "From a request's arrival to the end of its answer",
            Unit::Seconds,
            metrics.total.clone(),
        );
        registry.register("in_flight", "Requests under way", metrics.in_flight.clone());
        metrics.local.register(&mut registry);
        registry.register("record_permits", "Permits that the audit log gave", metrics.record_permits.clone());
        registry.register("record_refusals", "Refusals that the audit log took", metrics.record_refusals.clone());
        registry.register("record_outcomes", "Outcomes that the audit log was given", metrics.record_outcomes.clone());
        registry.register("record_waiting", "Entries that wait for the disk", metrics.record_waiting.clone());
        registry.register("log_entries", "Entries that the audit log holds", metrics.log_entries.clone());
        registry.register(
            "record_failures",
            "Entries that the audit log could not take",
            metrics.record_failures.clone(),
        );
        registry.register(
            "sign_ins",
            "Wishes to sign in to the console, by what came of them",
            metrics.sign_ins.clone(),
        );
        metrics.witnesses.register(&mut registry);
        metrics.indexing.register(&mut registry);
        availability.register(&mut registry);
        Self { registry, ..metrics }
    }

    /// Where what is known of witnesses is told.
    pub(crate) fn witnesses(&self) -> &Standing {
        &self.witnesses
    }

    /// Where what is known of the request index is told.
    pub(crate) fn indexing(&self) -> &indexing::Standing {
        &self.indexing
    }

    /// A response's head is made.
    pub(crate) fn answered(&self, endpoint: &'static str, status: u16, destination: Option<Arc<str>>) {
        let destination = destination.unwrap_or_else(|| Arc::clone(&self.nowhere));
        self.requests.get_or_create(&RequestLabels { endpoint, status, destination }).inc();
    }

    /// The first byte of an answer is handed over, this long after its request arrived.
    pub(crate) fn first_byte(&self, destination: &Arc<str>, after: Duration) {
        let labels = DestinationLabels { destination: Arc::clone(destination) };
        self.first_byte.get_or_create(&labels).observe(after.as_secs_f64());
    }

    /// An answer has ended: how, this long after its request arrived, with these tokens.
    pub(crate) fn ended(&self, destination: &Arc<str>, ending: &'static str, after: Duration, tokens: (u64, u64)) {
        let label = || Arc::clone(destination);
        self.outcomes.get_or_create(&OutcomeLabels { destination: label(), ending }).inc();
        self.total.get_or_create(&DestinationLabels { destination: label() }).observe(after.as_secs_f64());
        let (prompt, answer) = tokens;
        self.tokens.get_or_create(&TokenLabels { destination: label(), direction: "prompt" }).inc_by(prompt);
        self.tokens.get_or_create(&TokenLabels { destination: label(), direction: "answer" }).inc_by(answer);
    }

    /// Somebody wished to sign in to the console.
    pub(crate) fn signed_in(&self, result: &'static str) {
        self.sign_ins.get_or_create(&SignInLabels { result }).inc();
    }

    /// The audit log could not take an entry.
    pub(crate) fn not_recorded(&self) {
        self.record_failures.inc();
    }

    /// Everything as text.
    pub(crate) fn text(&self, levels: Levels) -> Result<String, std::fmt::Error> {
        self.in_flight.set(gauge(levels.in_flight));
        let record = levels.record;
        for (level, count) in [
            (&self.record_permits, record.permitted),
            (&self.record_refusals, record.refused),
            (&self.record_outcomes, record.ended),
            (&self.record_waiting, record.waiting),
            (&self.log_entries, record.entries.unwrap_or(0)),
        ] {
            level.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.local.tell(&levels.local);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn histogram() -> Histogram {
    let (start, factor, length) = BUCKETS;
    Histogram::new(exponential_buckets(start, factor, length))
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
