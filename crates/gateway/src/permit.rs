//! Step 7, the road's side of it: writes a decision down as an entry of the audit log, and comes back with the permit.
//!
//! It must not know how the log is kept; only [`crate::record`] makes permits.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::policy::Class;
use audit_log::{Count, Digest, Text, Word};
use http::StatusCode;
use wire::error::Code;

use crate::{
    app::App,
    decide::{Decision, Permitted, Refusal, Skipped},
    error::ApiError,
    inspect::Facts,
    payloads::{Payload, PayloadError},
    read::Ask,
    record::{Commitment, Part, Permit, RecordError, counted},
    relay::Marks,
    routes::Arrival,
};

/// A request that may be sent.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// Its decision is durable.
    pub(crate) permit: Permit,
    /// Its text is durable too, where it is kept; takes the answer's.
    pub(crate) payload: Option<Payload>,
}

/// Makes `decision` durable, and the request where it is kept. What is permitted gives a permit; what is refused is told to
/// the caller, once that is done.
pub(crate) async fn record(
    app: &App,
    decision: Decision,
    facts: &Facts<'_>,
    ask: &Ask,
    arrival: &Arrival,
) -> Result<Recorded, ApiError> {
    let recorder = app.recorder();
    let failed = |error| {
        app.metrics().not_recorded();
        not_recorded(error)
    };
    let request = recorder.commit(&arrival.id, Part::Request).over(&ask.bytes);
    match decision {
        Decision::Permitted(permitted) => {
            let entry = permitted_entry(&permitted, facts, arrival, request);
            let decided = recorder.decision(Arc::clone(&arrival.id), arrival.at, entry);
            let (permit, payload) = tokio::join!(decided, keep(app, facts, ask, arrival));
            let permit = permit.map_err(failed)?;
            // A permit without its payload is dropped, and by that abandoned.
            let marks = Marks::of(permit.entry(), facts.class);
            let payload = payload.map_err(|error| not_kept(error).marked(&marks))?;
            Ok(Recorded { permit, payload })
        }
        Decision::Refused(refusal) => {
            let entry = refused_entry(&refusal, facts, arrival, request);
            let (entry, kept) = tokio::join!(recorder.refusal(entry), keep(app, facts, ask, arrival));
            let marks = Marks::of(entry.map_err(failed)?, facts.class).refused(refusal.rule());
            let error = kept.err().map_or_else(|| ApiError::from(refusal), not_kept);
            Err(error.marked(&marks))
        }
    }
}

/// Keeps the request, where requests are kept; durable when this returns.
async fn keep(app: &App, facts: &Facts<'_>, ask: &Ask, arrival: &Arrival) -> Result<Option<Payload>, PayloadError> {
    let Some(payloads) = app.payloads() else { return Ok(None) };
    let mut payload = payloads.begin(&facts.caller.team, &arrival.id).await?;
    payload.request(&ask.bytes).await?;
    payload.durable().await?;
    Ok(Some(payload))
}

/// The request or its answer cannot be kept: nothing was sent, or nothing more will be.
pub(crate) fn not_kept(error: PayloadError) -> ApiError {
    let message = "this gateway keeps requests and answers, sealed, and cannot keep this one; without that nothing is sent \
                   or answered";
    ApiError::gateway(StatusCode::SERVICE_UNAVAILABLE, Code::InternalError, message)
        .detail(error)
        .retry_after(std::time::Duration::from_secs(1))
}

/// The log cannot take an entry: nothing was sent, and nothing will be.
pub(crate) fn not_recorded(error: RecordError) -> ApiError {
    let code = match error {
        RecordError::Busy { .. } => Code::ServerBusy,
        RecordError::Failed(_) | RecordError::Unwritable(_) => Code::InternalError,
    };
    let message = "the audit log cannot take this request's entry, and without one nothing is sent or answered";
    ApiError::gateway(StatusCode::SERVICE_UNAVAILABLE, code, message)
        .detail(error)
        .retry_after(std::time::Duration::from_secs(1))
}

/// What was found, for entries.
fn found(facts: &Facts<'_>) -> (audit_log::Class, Option<BTreeMap<Word, Count>>) {
    let class = match facts.class {
        Class::Open => audit_log::Class::Open,
        Class::Sensitive => audit_log::Class::Sensitive,
        Class::Classified => audit_log::Class::Classified,
    };
    (class, counted(&facts.contents.counts()))
}

fn permitted_entry(
    permitted: &Permitted,
    facts: &Facts<'_>,
    arrival: &Arrival,
    request: Commitment,
) -> audit_log::Decision {
    let hashes = permitted.hashes();
    let (class, findings) = found(facts);
    let mut rules: Vec<Text> = Vec::new();
    for rule in permitted.places().iter().flat_map(|place| &place.terms.rules) {
        let rule = Text::of(rule);
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    audit_log::Decision {
        request: Text::of(&arrival.id),
        key: Text::of(&facts.caller.key_id),
        team: Text::of(&facts.caller.team),
        surface: Text::of(facts.surface.name()),
        model: Text::of(permitted.model()),
        stream: facts.stream,
        choices: facts.choices,
        request_bytes: Count(facts.prompt_bytes),
        prompt_tokens: None,
        answer_tokens_max: facts.answer_tokens_max.map(Count),
        destinations: permitted.places().iter().map(|place| Text::of(&place.link.label)).collect(),
        skipped: skipped(permitted.skipped()),
        class: Some(class),
        findings,
        rules: (!rules.is_empty()).then_some(rules),
        policy: Digest(hashes.policy),
        config: Digest(hashes.config.hash()),
        catalog: Some(Digest(hashes.catalog)),
        law: None,
        reservation: None,
        commitment: request.digest(),
    }
}

fn refused_entry(refusal: &Refusal, facts: &Facts<'_>, arrival: &Arrival, request: Commitment) -> audit_log::Refusal {
    let hashes = refusal.hashes();
    let (class, findings) = found(facts);
    audit_log::Refusal {
        request: Text::of(&arrival.id),
        key: Text::of(&facts.caller.key_id),
        team: Text::of(&facts.caller.team),
        surface: Text::of(facts.surface.name()),
        // Where the policy knows it; never what else a caller typed.
        model: refusal.known_model().map(|model| Text::of(model)),
        reason: Text::of(refusal.reason()),
        rule: refusal.rule().map(|rule| Text::of(rule)),
        skipped: skipped(refusal.skipped()),
        class: Some(class),
        findings,
        policy: Digest(hashes.policy),
        config: Digest(hashes.config.hash()),
        catalog: Some(Digest(hashes.catalog)),
        commitment: request.digest(),
    }
}

/// Those that are permitted and are not asked, for entries: each label once.
fn skipped(places: &[Skipped]) -> Option<Vec<Text>> {
    let told: Vec<Text> = places.iter().map(|it| Text::of(&it.to_string())).collect();
    (!told.is_empty()).then_some(told)
}
