//! Step 8: sends a permitted request to the destinations that its permit names, in their order, until one begins to answer. The
//! only code that contacts one.
//!
//! It must not know policy: it can reach nothing that the permit does not list. Where one does not do its part, the next is asked,
//! as long as nothing of an answer has been handed over; each attempt after the first is durable in the log before it is made.

mod hedge;
mod next;

use std::sync::Arc;

use bytes::BytesMut;
use http::StatusCode;
use wire::error::Code;

use crate::{
    admit::Slot,
    app::{App, InForce},
    availability::Visit,
    clock::Moment,
    contents::Contents,
    decide::Sick,
    destinations::{Errand, Source},
    error::{ApiError, Fault},
    outgoing::{Forms, Outgoing},
    permit::Recorded,
    read::Surface,
    relay::{Account, Answer, AnswerMask, Partial, Piece, Restoring, goes_on},
    reserve::Reservation,
    routes::Arrival,
};
use hedge::Raced;
use next::{Next, Tried, next};

/// What is held of an answer that has not said anything yet. Openings and comments stay far below; more than this is passed on.
const UNSAID_BYTES_MAX: usize = 64 * 1024;

/// The destinations of one permit: those that were asked, and those that may be asked still.
#[derive(Debug)]
pub(crate) struct Onward {
    app: Arc<App>,
    force: Arc<InForce>,
    forms: Forms,
    /// As the permit lists them.
    permitted: Vec<Arc<str>>,
    caller: Arc<str>,
    team: Arc<str>,
    arrival: Arrival,
    /// When the whole answer has to be there.
    deadline: Moment,
    tried: Vec<Tried>,
}

/// An answer that has begun: something has been said, or all of it has.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Where the rest comes from.
    pub(crate) source: Source,
    /// What has come.
    pub(crate) first: Piece,
    /// What is done to its pieces.
    pub(crate) restoring: Restoring,
    /// Whether it is wanted as a stream.
    pub(crate) stream: bool,
}

/// Contacts the destinations of the permit. From here on the request's account is open; however this ends, it closes with one
/// outcome.
pub(crate) async fn dispatch(
    recorded: Recorded,
    forms: Forms,
    slot: Slot,
    reservation: Reservation,
    force: &Arc<InForce>,
    app: &Arc<App>,
    arrival: &Arrival,
) -> Result<Answer, ApiError> {
    let asked = forms.asked.clone();
    let mut onward = Onward {
        app: Arc::clone(app),
        force: Arc::clone(force),
        forms,
        permitted: recorded.permit.destinations().to_vec(),
        caller: Arc::clone(&slot.caller().key_id),
        team: Arc::clone(&slot.caller().team),
        arrival: arrival.clone(),
        deadline: arrival.at.plus(force.config.limits.answer_time_max),
        tried: Vec::new(),
    };
    let mut account = Account::open(app, recorded, slot, reservation, asked, arrival);
    app.availability().request();
    match onward.next(&mut account, None, None).await {
        Ok(begun) => Ok(Answer { begun, account, onward }),
        Err(error) => Err(account.failed(error).await),
    }
}

impl Onward {
    /// Asks the next of the permitted destinations, and the next, until one begins to answer; to go on from `partial` where part of
    /// the answer has been handed over. `failed` is why the one before did not do. The last error where none is left.
    pub(crate) async fn next(
        &mut self,
        account: &mut Account,
        failed: Option<ApiError>,
        partial: Option<Partial>,
    ) -> Result<Begun, ApiError> {
        let mut last = failed;
        loop {
            let next = next(&self.places(), &self.tried);
            let (place, pause) = match next {
                Next::Place(place) => (place, None),
                Next::Again(place, pause) => (place, Some(pause)),
                Next::Nobody => return Err(last.unwrap_or_else(nobody)),
            };
            if let Some(pause) = pause
                && self.app.clock().within(self.left(), self.app.clock().sleep(pause)).await.is_none()
            {
                return Err(last.unwrap_or_else(nobody));
            }
            let visit = match self.enter(place, last.as_ref(), partial.as_ref()) {
                Ok(visit) => visit,
                Err(tried) => {
                    self.tried.push(tried);
                    continue;
                }
            };
            account.attempt(self.outgoing(place)?, last.as_ref(), visit).await?;
            let (place, begun, beside) = self.ask(place, partial.clone(), account).await;
            self.tried.extend(beside);
            match begun {
                Ok(begun) => {
                    self.tried.push(Tried::asked(place, None));
                    return Ok(begun);
                }
                Err(error) => {
                    account.left(&error);
                    self.tried.push(Tried::asked(place, Some(&error)));
                    last = Some(told(error, self.outgoing(place)?));
                }
            }
        }
    }

    /// What `next` must know of the places.
    fn places(&self) -> Vec<next::Place> {
        let link = |label: &Arc<str>| self.forms.of(label).map(|outgoing| &outgoing.place.link);
        let place = |label| {
            let link = link(label);
            next::Place {
                local: link.is_some_and(|link| link.local),
                context_tokens: link.and_then(|link| link.context_tokens),
            }
        };
        self.permitted.iter().map(place).collect()
    }

    /// Goes to a place, or says why it is passed over.
    fn enter(&self, place: usize, last: Option<&ApiError>, partial: Option<&Partial>) -> Result<Visit, Tried> {
        let passed_over = || Tried::passed_over(place);
        let outgoing = self.outgoing(place).map_err(|_| passed_over())?;
        let link = &outgoing.place.link;
        let judge = self.force.judgement.judge();
        let destination = judge.destinations().get(link.judged).ok_or_else(passed_over)?;
        let can_go_on = |partial| self.goes_on_at(place, partial) && goes_on(&outgoing.form.ask, partial, link.local);
        if partial.is_some_and(|partial| !can_go_on(partial)) {
            return Err(passed_over());
        }
        let availability = self.app.availability();
        let is_retry = last.is_some() && !link.local;
        if is_retry && !availability.may_retry(last.and_then(ApiError::diagnosis)) {
            return Err(passed_over());
        }
        availability.enter(destination).map_err(|state| {
            let how = Sick::of(state, self.app.clock());
            tracing::debug!(destination = %link.label, ?how, "passed over: it is sick by now");
            passed_over()
        })
    }

    /// Whether an answer that another has begun can go on at that place. What was answered was not there when it was decided on, so
    /// nothing may have to be hidden from the place: not of the request, and nothing that would be found in the answer. And the
    /// caller has been told the first one's labels and review: the second's must be among them.
    fn goes_on_at(&self, place: usize, partial: &Partial) -> bool {
        let (Ok(there), Some(first)) = (self.outgoing(place), self.sent()) else { return false };
        let (terms, told) = (&there.place.terms, &first.place.terms);
        let is_told = terms.labels.iter().all(|label| told.labels.contains(label)) && (told.review || !terms.review);
        let hides_nothing = there.is_plain() && terms.edits.is_empty();
        is_told && hides_nothing && (there.place.link.local || self.holds_nothing(partial))
    }

    /// Whether nothing is found in what was answered so far: policy has judged the request without it.
    fn holds_nothing(&self, partial: &Partial) -> bool {
        let body = serde_json::json!({ "model": "", "messages": [{ "role": "assistant", "content": partial.text() }] });
        let body = bytes::Bytes::from(body.to_string());
        let contents = Contents::read(&body, Surface::Chat, self.force.judgement.identifiers());
        contents.kinds().next().is_none()
    }

    /// Whether the answer that has begun is what the caller sees of it, so that another can go on from it.
    pub(crate) fn is_plain(&self) -> bool {
        self.sent().is_some_and(Outgoing::is_plain)
    }

    /// The request that is being answered, in the form in which the place has it that began to answer last.
    pub(crate) fn sent(&self) -> Option<&Outgoing> {
        self.outgoing(self.tried.iter().rfind(|tried| tried.began())?.place()).ok()
    }

    /// Labels of the places that have begun to answer, in that order.
    pub(crate) fn answered(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tried.iter().filter(|tried| tried.began()).filter_map(|tried| self.permitted.get(tried.place()))
    }

    /// How long the answer may still take.
    pub(crate) fn left(&self) -> std::time::Duration {
        self.deadline.since(self.app.clock().now())
    }

    fn outgoing(&self, place: usize) -> Result<&Outgoing, ApiError> {
        self.permitted.get(place).and_then(|label| self.forms.of(label)).ok_or_else(not_there)
    }

    /// Asks one place (or two, where the route wants that), and waits for the first piece that says something: until then its failure
    /// can be hidden. Gives the place that answered, or failed last.
    async fn ask(
        &self,
        place: usize,
        partial: Option<Partial>,
        account: &mut Account,
    ) -> (usize, Result<Begun, ApiError>, Option<Tried>) {
        let clock = self.app.clock();
        let sent = clock.now();
        let asking = async {
            match partial {
                None => self.race(place, account).await,
                partial @ Some(_) => Raced::alone(place, sent, self.first_words(place, partial).await),
            }
        };
        let Some(Raced { place, sent, answered, beside }) = clock.within(self.left(), asking).await else {
            let message = "the answer took longer than this gateway lets an answer take";
            let error = ApiError::gateway(StatusCode::GATEWAY_TIMEOUT, Code::UpstreamTimeout, message);
            return (place, Err(error), None);
        };
        let begun = answered.and_then(|(source, first)| {
            let outgoing = self.outgoing(place)?;
            account.began(clock.now().since(sent));
            let restoring = restoring(outgoing, &self.force);
            Ok(Begun { source, first, restoring, stream: outgoing.form.ask.streams() })
        });
        (place, begun, beside)
    }

    /// Sends the request to one place; comes back with the first piece that says something.
    async fn first_words(&self, place: usize, continuing: Option<Partial>) -> Result<(Source, Piece), ApiError> {
        let outgoing = self.outgoing(place)?;
        let destination = self.force.destination_of(&outgoing.place.link).ok_or_else(not_there)?;
        let errand = Errand {
            caller: Arc::clone(&self.caller),
            team: Arc::clone(&self.team),
            answer_id: Arc::clone(&self.arrival.id),
            created: u64::try_from(self.app.clock().wall().as_second()).unwrap_or(0),
            stream: outgoing.form.ask.streams(),
            model: Arc::clone(&outgoing.place.link.model),
            ask: Arc::clone(&outgoing.form.ask),
            continuing,
        };
        let mut source = destination.send(errand).await?;
        let mut held = BytesMut::new();
        loop {
            match source.next().await {
                Piece::Part(bytes) => {
                    held.extend_from_slice(&bytes);
                    if source.says_something() || held.len() > UNSAID_BYTES_MAX {
                        return Ok((source, Piece::Part(held.freeze())));
                    }
                }
                Piece::Complete(bytes) => {
                    held.extend_from_slice(&bytes);
                    return Ok((source, Piece::Complete(held.freeze())));
                }
                Piece::Broken(error) => return Err(error),
            }
        }
    }
}

/// The permit was made from the same configuration, so this is a defect; the account's end records it.
fn not_there() -> ApiError {
    let message = "the destination that was permitted is not there any more";
    ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::NoDestination, message)
}

/// All that were left have become sick since the request was decided on.
fn nobody() -> ApiError {
    let message = "no destination that may answer can answer now";
    let error = ApiError::destination(StatusCode::SERVICE_UNAVAILABLE, Code::Outage, message);
    error.retry_after(std::time::Duration::from_secs(1))
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
    if outgoing.is_plain() || outgoing.place.link.local || error.fault() != Fault::Caller {
        return error;
    }
    let message =
        "the destination refused the request; its words are not passed on, because what it was sent was changed";
    ApiError::caller(error.status(), Code::InvalidValue, message)
}

#[cfg(test)]
mod tests;
