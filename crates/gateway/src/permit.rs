//! Step 7, the road's side of it: writes a decision down as the record wants it, and comes back with the permit.
//!
//! It must not know how the record is kept; only [`crate::record`] makes permits.

use std::sync::Arc;

use http::StatusCode;
use wire::error::Code;

use crate::{
    app::App,
    decide::{Decision, Permitted, Refusal},
    error::ApiError,
    inspect::Facts,
    read::Ask,
    record::{self, Commitment, Part, Permit, RecordError},
    relay::Marks,
    routes::Arrival,
};

/// The policy that judges today, as entries name it.
const POLICY: &str = "local only, listed keys; remote as configured";

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
            recorder.decision(entry).await.map_err(failed)
        }
        Decision::Refused(refusal) => {
            let entry = refused_entry(&refusal, facts, arrival, request);
            let entry = recorder.refusal(&entry).await.map_err(failed)?;
            Err(ApiError::from(refusal).marked(&Marks::refused(entry)))
        }
    }
}

/// The record cannot take an entry: nothing was sent, and nothing will be.
pub(crate) fn not_recorded(error: RecordError) -> ApiError {
    let code = match error {
        RecordError::Busy { .. } => Code::ServerBusy,
        RecordError::Failed => Code::InternalError,
    };
    let message = "the record cannot take this request's entry, and without one nothing is sent or answered";
    ApiError::gateway(StatusCode::SERVICE_UNAVAILABLE, code, message)
        .detail(error)
        .retry_after(std::time::Duration::from_secs(1))
}

fn permitted_entry(
    permitted: &Permitted,
    facts: &Facts<'_>,
    arrival: &Arrival,
    request: Commitment,
) -> record::Decision {
    record::Decision {
        request_id: Arc::clone(&arrival.id),
        key_id: Arc::clone(&facts.caller.key_id),
        team: Arc::clone(&facts.caller.team),
        surface: facts.surface.name(),
        model: Arc::clone(permitted.model()),
        stream: facts.stream,
        choices: facts.choices,
        request_bytes: facts.prompt_bytes,
        prompt_tokens: None,
        answer_tokens_max: facts.answer_tokens_max,
        destinations: permitted.destinations().iter().map(|offer| Arc::clone(&offer.destination)).collect(),
        policy: POLICY,
        config: Arc::clone(permitted.policy()),
        request,
    }
}

fn refused_entry(refusal: &Refusal, facts: &Facts<'_>, arrival: &Arrival, request: Commitment) -> record::Refusal {
    record::Refusal {
        request_id: Arc::clone(&arrival.id),
        key_id: Arc::clone(&facts.caller.key_id),
        team: Arc::clone(&facts.caller.team),
        surface: facts.surface.name(),
        model: refusal.known_model().cloned(),
        reason: refusal.reason(),
        policy: POLICY,
        config: Arc::clone(refusal.policy()),
        request,
    }
}
