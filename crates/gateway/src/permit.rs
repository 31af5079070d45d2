//! Step 7, the road's side of it: writes a decision down as an entry of the audit log, and comes back with the permit.
//!
//! It must not know how the log is kept; only [`crate::record`] makes permits.

use std::sync::Arc;

use audit_log::{Count, Digest, Text};
use http::StatusCode;
use wire::error::Code;

use crate::{
    app::App,
    decide::{Decision, Permitted, Refusal},
    error::ApiError,
    inspect::Facts,
    payloads::{Payload, PayloadError},
    read::Ask,
    record::{Commitment, Part, Permit, RecordError},
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
            let decided = recorder.decision(Arc::clone(&arrival.id), entry);
            let (permit, payload) = tokio::join!(decided, keep(app, facts, ask, arrival));
            let permit = permit.map_err(failed)?;
            // A permit without its payload is dropped, and by that abandoned.
            let payload = payload.map_err(|error| not_kept(error).marked(&Marks::refused(permit.entry())))?;
            Ok(Recorded { permit, payload })
        }
        Decision::Refused(refusal) => {
            let entry = refused_entry(&refusal, facts, arrival, request);
            let (entry, kept) = tokio::join!(recorder.refusal(entry), keep(app, facts, ask, arrival));
            let marks = Marks::refused(entry.map_err(failed)?);
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

fn permitted_entry(
    permitted: &Permitted,
    facts: &Facts<'_>,
    arrival: &Arrival,
    request: Commitment,
) -> audit_log::Decision {
    let judge = permitted.judge();
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
        destinations: permitted.destinations().iter().map(|offer| Text::of(&offer.destination)).collect(),
        class: None,
        findings: None,
        policy: Digest(judge.policy),
        config: Digest(judge.config.hash()),
        catalog: None,
        law: None,
        reservation: None,
        commitment: request.digest(),
    }
}

fn refused_entry(refusal: &Refusal, facts: &Facts<'_>, arrival: &Arrival, request: Commitment) -> audit_log::Refusal {
    let judge = refusal.judge();
    audit_log::Refusal {
        request: Text::of(&arrival.id),
        key: Text::of(&facts.caller.key_id),
        team: Text::of(&facts.caller.team),
        surface: Text::of(facts.surface.name()),
        // Where the policy knows it; never what else a caller typed.
        model: refusal.known_model().map(|model| Text::of(model)),
        reason: Text::of(refusal.reason()),
        policy: Digest(judge.policy),
        config: Digest(judge.config.hash()),
        commitment: request.digest(),
    }
}
