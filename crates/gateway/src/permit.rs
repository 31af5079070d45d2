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
    read::Ask,
    record::{Commitment, Part, Permit, RecordError},
    relay::Marks,
    routes::Arrival,
};

/// Makes `decision` durable. What is permitted gives a permit; what is refused is told to the caller, once it is durable.
pub(crate) async fn record(
    app: &App,
    decision: Decision,
    facts: &Facts<'_>,
    ask: &Ask,
    arrival: &Arrival,
) -> Result<Permit, ApiError> {
    let recorder = app.recorder();
    let failed = |error| {
        app.metrics().not_recorded();
        not_recorded(error)
    };
    let request = recorder.commit(&arrival.id, Part::Request).over(&ask.bytes);
    match decision {
        Decision::Permitted(permitted) => {
            let entry = permitted_entry(&permitted, facts, arrival, request);
            recorder.decision(Arc::clone(&arrival.id), entry).await.map_err(failed)
        }
        Decision::Refused(refusal) => {
            let entry = refused_entry(&refusal, facts, arrival, request);
            let entry = recorder.refusal(entry).await.map_err(failed)?;
            Err(ApiError::from(refusal).marked(&Marks::refused(entry)))
        }
    }
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
