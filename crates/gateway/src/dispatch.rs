//! Step 8: sends a permitted request to a destination that its permit names. The only function that contacts one.
//!
//! It must not know policy: it can reach nothing that the permit does not list. One destination, one attempt; more than one
//! comes with fallback chains.

use std::sync::Arc;

use http::StatusCode;
use wire::error::Code;

use crate::{
    admit::Slot,
    app::{App, InForce},
    destinations::Errand,
    error::ApiError,
    permit::Recorded,
    read::Ask,
    relay::{Account, Answer},
    reserve::Reservation,
    routes::Arrival,
};

/// Contacts the first destination of the permit. From here on the request's account is open; however this ends, it closes
/// with one outcome.
pub(crate) async fn dispatch(
    recorded: Recorded,
    ask: Ask,
    slot: Slot,
    reservation: Reservation,
    force: &InForce,
    app: &Arc<App>,
    arrival: &Arrival,
) -> Result<Answer, ApiError> {
    let first = recorded.permit.destinations().first();
    let Some((name, destination)) = first.and_then(|name| force.destination(name)) else {
        // The permit was made from the same configuration, so this is a defect; the permit's drop records it.
        let message = "the destination that was permitted is not there any more";
        return Err(ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::NoDestination, message));
    };
    let errand = Errand {
        caller: Arc::clone(&slot.caller().key_id),
        answer_id: Arc::clone(&arrival.id),
        created: u64::try_from(app.clock().wall().as_second()).unwrap_or(0),
        stream: ask.streams(),
        ask,
    };
    let stream = errand.stream;
    let model = Arc::from(errand.ask.model());
    let mut account = Account::open(app, recorded, slot, reservation, Arc::clone(name), model, arrival);
    account.attempted();
    match destination.send(errand).await {
        Ok(source) => Ok(Answer { source, account, stream }),
        Err(error) => Err(account.failed(error).await),
    }
}
