//! Step 8: sends a permitted request to the destinations that its permit names, in their order, until one answers. The only
//! function that contacts one.
//!
//! It must not know policy: it can reach nothing that the permit does not list. Where one does not do its part, the next is
//! asked, as long as nothing of an answer has begun; each attempt after the first is durable in the log before it is made.

use std::sync::Arc;

use http::StatusCode;
use wire::error::Code;

use crate::{
    admit::Slot,
    app::{App, InForce},
    destinations::{Destination, Errand},
    error::{ApiError, Fault},
    outgoing::{Forms, Outgoing},
    permit::Recorded,
    read::Surface,
    relay::{Account, Answer, AnswerMask, Restoring},
    reserve::Reservation,
    routes::Arrival,
};

/// Contacts the destinations of the permit. From here on the request's account is open; however this ends, it closes with one
/// outcome.
pub(crate) async fn dispatch(
    recorded: Recorded,
    forms: Forms,
    slot: Slot,
    reservation: Reservation,
    force: &InForce,
    app: &Arc<App>,
    arrival: &Arrival,
) -> Result<Answer, ApiError> {
    let permitted = recorded.permit.destinations().to_vec();
    let caller = Arc::clone(&slot.caller().key_id);
    let mut account = Account::open(app, recorded, slot, reservation, forms.class, arrival);
    let mut history: Vec<Fault> = Vec::new();
    let mut last = None;
    while let Some(place) = next_place(permitted.len(), &history) {
        let found = permitted.get(place).and_then(|label| forms.of(label));
        let Some((outgoing, destination)) =
            found.and_then(|it| Some((it, force.destination(&it.place.link.destination)?)))
        else {
            // The permit was made from the same configuration, so this is a defect; the account's end records it.
            let message = "the destination that was permitted is not there any more";
            let error = ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::NoDestination, message);
            return Err(account.failed(error).await);
        };
        if let Err(error) = account.attempt(outgoing, last.as_ref()).await {
            return Err(account.failed(error).await);
        }
        match send(outgoing, destination, &caller, app, arrival).await {
            Ok(source) => {
                let stream = outgoing.form.ask.streams();
                let restoring = restoring(outgoing, force);
                return Ok(Answer { source, account, stream, restoring });
            }
            Err(error) => {
                history.push(error.fault());
                last = Some(told(error, outgoing));
            }
        }
    }
    let message = "no destination is permitted";
    let none = || ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::NoDestination, message);
    Err(account.failed(last.unwrap_or_else(none)).await)
}

/// Which of so many permitted places is asked next, after those asked before have ended so: the one after the last, unless the
/// last failed by the caller's fault or ours, which another place would not mend. Pure.
fn next_place(permitted: usize, history: &[Fault]) -> Option<usize> {
    match history.last() {
        None | Some(Fault::Destination) => Some(history.len()).filter(|next| *next < permitted),
        Some(Fault::Caller | Fault::Gateway) => None,
    }
}

/// What is done to an answer from there: disguised originals come back, and what the rules want masked in it is masked.
fn restoring(outgoing: &Outgoing, force: &InForce) -> Restoring {
    let (form, wanted) = (&outgoing.form, &outgoing.place.terms.answer);
    if form.ask.surface() == Surface::Embeddings {
        // Vectors hold no words.
        return Restoring::new(false, None, None);
    }
    let mask = (!wanted.is_empty()).then(|| AnswerMask::new(force.judgement.identifiers(), wanted));
    Restoring::new(form.ask.streams(), form.map.clone(), mask)
}

/// What a provider says of a request may repeat it: of one that was disguised, its words are not passed on.
fn told(error: ApiError, outgoing: &Outgoing) -> ApiError {
    let is_plain = outgoing.form.map.is_none() && outgoing.place.terms.answer.is_empty();
    if is_plain || outgoing.place.link.local || error.fault() != Fault::Caller {
        return error;
    }
    let message =
        "the destination refused the request; its words are not passed on, because what it was sent was changed";
    ApiError::caller(error.status(), Code::InvalidValue, message)
}

async fn send(
    outgoing: &Outgoing,
    destination: &Destination,
    caller: &Arc<str>,
    app: &App,
    arrival: &Arrival,
) -> Result<crate::destinations::Source, ApiError> {
    let errand = Errand {
        caller: Arc::clone(caller),
        answer_id: Arc::clone(&arrival.id),
        created: u64::try_from(app.clock().wall().as_second()).unwrap_or(0),
        stream: outgoing.form.ask.streams(),
        model: Arc::clone(&outgoing.place.link.model),
        ask: Arc::clone(&outgoing.form.ask),
        continuing: None,
    };
    destination.send(errand).await
}

#[cfg(test)]
mod tests;
