//! `POST /v1/chat/completions`: the road, a step a line. Each step is the module of its name, and what it returns is the
//! only key to the next.

use std::sync::Arc;

use axum::{extract::Request, response::Response};

use crate::{
    admit::{admit, room_for_body},
    app::App,
    arrange::arrange,
    decide::decide,
    dispatch::dispatch,
    drill::as_if,
    error::ApiError,
    identify::identify,
    inspect::{Declared, inspect},
    outgoing::prepare,
    permit::record,
    read::{Surface, read},
    relay::{Marks, Wishes, relay, take_up},
    reserve::reserve,
    routes::Arrival,
};

/// Answers a conversation.
pub(crate) async fn chat(app: &Arc<App>, arrival: &Arrival, request: Request) -> Result<(Response, Marks), ApiError> {
    road(Surface::Chat, app, arrival, request).await
}

/// One request, straight. Its [`Arrival`] names it; one version of the configuration judges all of it.
pub(crate) async fn road(
    surface: Surface,
    app: &Arc<App>,
    arrival: &Arrival,
    request: Request,
) -> Result<(Response, Marks), ApiError> {
    let force = app.in_force();
    let (head, body) = request.into_parts();

    let caller = identify(&head.headers, app.keys())?;
    if let Some(taken_up) = take_up(app, &head.headers, &caller).await {
        return taken_up;
    }
    let room = |bytes| room_for_body(&caller, app.gate(), bytes);
    let declared = Declared::read(&head.headers)?;
    let ask = Arc::new(read(surface, &head.headers, body, &force.config.limits, app.clock(), room).await?);
    let wishes = Wishes::read(&head.headers, &caller, &ask, &force.judgement)?;
    let slot = admit(caller, app.gate(), &force.config.admission, arrival.at)?;
    app.shadows().beside(app, surface, arrival, &slot.caller().team, &head, &ask);
    let facts = inspect(slot.caller(), &ask, &declared, &force.judgement, app).await?;
    let decision = as_if(decide(&facts, &force.judgement), arrival, &force.judgement);
    let (decision, forms) = prepare(decision, Arc::clone(&ask), &facts, app.pseudonym_key(arrival), app).await?;
    let decision = arrange(decision, &ask, &facts, &arrival.id, app, &force.judgement);
    let (decision, reservation) = reserve(decision, &slot, force.config.admission.tokens_in_flight_per_key_max);
    let recorded = record(app, decision, &facts, &ask, arrival).await?;
    let answer = dispatch(recorded, forms, slot, reservation, &force, app, arrival).await?;
    relay(answer, wishes, force.config.limits.answer_time_max).await
}
