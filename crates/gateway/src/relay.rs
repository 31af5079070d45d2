//! Step 9: passes an answer on and meters it; the outcome is durable before the end marker.
//!
//! All that lives as long as a streamed answer is in one struct, [`Delivery`]. It must not know which destination answers,
//! nor what the bytes mean.

mod account;
mod given;
mod joined;
mod marks;
mod restore;
mod resume;
mod seam;
mod wishes;

use std::{sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use wire::{error::Code, sse};

pub(crate) use account::{Account, Usage};
pub(crate) use marks::Marks;
pub(crate) use restore::{AnswerMask, Restoring};
pub(crate) use resume::Resumable;
pub(crate) use seam::{Partial, continuing, goes_on};
pub(crate) use wishes::{WISHES, Wishes};

use given::Given;
use joined::Joined;
use resume::Making;
use seam::{Trimmer, unjoinable};
use wishes::RESUME_HEADER;

use crate::{
    app::App,
    clock::Sleep,
    config::Continuity,
    destinations::Source,
    dispatch::{Begun, Onward},
    error::{ApiError, Fault},
    keys::Caller,
};

/// An answer that has begun.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What has come, and where the rest comes from.
    pub(crate) begun: Begun,
    /// What it owes when it ends.
    pub(crate) account: Account,
    /// Who may go on with it where it breaks off.
    pub(crate) onward: Onward,
}

/// What a source gives next.
#[derive(Debug)]
pub(crate) enum Piece {
    /// More of the answer: whole events of a stream.
    Part(Bytes),
    /// The answer is complete; this is left to hand over before the end marker.
    Complete(Bytes),
    /// The answer is lost.
    Broken(ApiError),
}

/// Passes the answer on: the head now, the body as it comes, until `answer_time_max` after the request's arrival.
pub(crate) async fn relay(
    answer: Answer,
    wishes: Wishes,
    answer_time_max: Duration,
) -> Result<(Response, Marks), ApiError> {
    let Answer { begun, mut account, onward } = answer;
    let Begun { source, first, restoring, stream } = begun;
    let joins = wishes.continuity == Continuity::Splice;
    let given = (stream && (joins || account.marks().is_degraded())).then(|| Given::new(joins));
    let source = Restored { first: Some(first), source, joined: None, restoring };
    let deadline = account.app().clock().sleep_until(account.arrived().plus(answer_time_max));
    let marks = account.marks().clone();
    let mut response = if stream {
        account.told(StatusCode::OK);
        let delivery = Delivery { source, account, onward, given, seam_at: None, joins, deadline, step: Step::Flowing };
        stream_response(delivery, wishes.resume, &marks)
    } else {
        whole_response(collect(source, account, deadline).await?)
    };
    marks.write(response.headers_mut());
    Ok((response, marks))
}

/// Goes on with an answer whose caller's connection had dropped, after the last event that the headers name; nothing where they
/// name none.
pub(crate) async fn take_up(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
) -> Option<Result<(Response, Marks), ApiError>> {
    let taken_up = app.resumable().take_up(headers, caller).await?;
    Some(taken_up.map(|(body, marks)| {
        let mut response = event_stream(body);
        marks.write(response.headers_mut());
        (response, marks)
    }))
}

/// A streamed answer under way: everything that lives as long as it does. Dropping it is how a caller leaves: the source
/// stops its work, the account sends its outcome.
struct Delivery {
    source: Restored,
    account: Account,
    onward: Onward,
    /// What the caller has, where something may have to follow from it.
    given: Option<Given>,
    /// After how many characters another destination went on.
    seam_at: Option<u64>,
    /// Whether another is to go on where this one breaks off.
    joins: bool,
    deadline: Sleep,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Pieces are passed on as they come.
    Flowing,
    /// All is handed over but the end marker, which waits for the outcome.
    Closing,
    /// Nothing follows.
    Ended,
}

/// A source, with what is done to its pieces.
struct Restored {
    /// What had come before the answer was known to have begun.
    first: Option<Piece>,
    source: Source,
    /// Where it goes on with another's answer.
    joined: Option<Joined>,
    restoring: Restoring,
}

impl Delivery {
    /// The next bytes for the transport.
    async fn next(&mut self) -> Option<Bytes> {
        while self.step == Step::Flowing {
            match self.source.next(&mut self.deadline, self.given.as_ref()).await {
                Piece::Part(bytes) if bytes.is_empty() => {}
                Piece::Part(bytes) => return Some(self.hand_over(bytes).await),
                Piece::Complete(rest) => {
                    self.step = Step::Closing;
                    let rest = self.with_last_words(rest);
                    if !rest.is_empty() {
                        return Some(self.hand_over(rest).await);
                    }
                }
                Piece::Broken(error) => {
                    if let Err(error) = self.go_on(error).await {
                        return Some(self.break_off(error).await);
                    }
                }
            }
        }
        if self.step == Step::Closing {
            self.account.found(self.source.restoring.counts());
            return Some(match self.account.answered().await {
                Ok(()) => {
                    self.step = Step::Ended;
                    Bytes::from_static(sse::DONE)
                }
                Err(error) => self.break_off(error).await,
            });
        }
        None
    }

    async fn hand_over(&mut self, bytes: Bytes) -> Bytes {
        self.account.meter(self.source.source.usage());
        if let (Some(at), true) = (self.seam_at, self.source.is_joined()) {
            self.account.seam(at);
        }
        match self.account.hand_over(&bytes).await {
            Ok(()) => {
                if let Some(given) = &mut self.given {
                    given.note(&bytes);
                }
                bytes
            }
            Err(error) => self.break_off(error).await,
        }
    }

    /// The answer has broken off. Where that is wished and can be done exactly, the next permitted destination goes on with it,
    /// once; otherwise the error to tell.
    async fn go_on(&mut self, error: ApiError) -> Result<(), ApiError> {
        if !self.joins || self.seam_at.is_some() || error.fault() != Fault::Destination {
            return Err(error);
        }
        let usage = self.source.source.usage();
        let Some((partial, seam_at)) = self.partial(usage.completion_tokens).map_err(|why| not_joined(&error, why))?
        else {
            return Err(error);
        };
        self.account.meter(usage.clone());
        self.account.left(&error);
        let (broke_off, trimmer) = (error.message().to_owned(), Trimmer::new(&partial));
        let begun = self.onward.next(&mut self.account, Some(error), Some(partial)).await.map_err(|error| {
            // Where nobody was left to ask, that is the first one's own error.
            if error.message() == broke_off {
                not_joined(&error, "no other destination may or can go on with it")
            } else {
                error
            }
        })?;
        let label = self.account.marks().destination().unwrap_or_default();
        let trimmer = if let Source::Local(_) = begun.source { None } else { trimmer };
        self.seam_at = Some(seam_at);
        self.source.first = Some(begun.first);
        self.source.source = begun.source;
        self.source.joined = Some(Joined::new(trimmer, &label, seam_at, usage));
        Ok(())
    }

    /// What was given, for another to go on from, and how many characters that is; or why none may.
    fn partial(&self, tokens: Option<u64>) -> Result<Option<(Partial, u64)>, &'static str> {
        let (Some(given), Some(sent)) = (&self.given, self.onward.sent()) else { return Ok(None) };
        if let Some(why) = unjoinable(&sent.form.ask) {
            return Err(why);
        }
        if !self.onward.is_plain() || self.source.restoring.edits() {
            return Err("the request was disguised, or its answer is masked");
        }
        Ok(Some((given.partial(tokens)?, given.characters())))
    }

    /// The last events, and after them one that tells what was out of the ordinary.
    fn with_last_words(&mut self, rest: Bytes) -> Bytes {
        let Some(given) = &mut self.given else { return rest };
        let degraded = self.account.marks().is_degraded();
        if self.seam_at.is_none() && !degraded {
            return rest;
        }
        given.note(&rest);
        let answered: Vec<&str> = self.onward.answered().map(|label| &**label).collect();
        let mut told = serde_json::Map::new();
        told.insert("destinations".to_owned(), json!(answered));
        told.extend(self.seam_at.map(|at| ("seam_at".to_owned(), json!(at))));
        told.extend(degraded.then(|| ("degraded".to_owned(), json!("local"))));
        let last = given.chunk(json!([]), Some(("gwanmun", Value::Object(told))));
        [rest, last].concat().into()
    }

    /// The explicit end of an answer that is not complete: an error event that says how to go on, and no end marker.
    async fn break_off(&mut self, error: ApiError) -> Bytes {
        self.step = Step::Ended;
        if self.source.joined.is_some() {
            // What the second took before it could not be joined is its own.
            self.account.meter(self.source.source.usage());
        }
        let error = self.account.failed(error).await;
        error.log(self.account.request_id());
        let mut body = serde_json::to_value(error.body()).unwrap_or_default();
        if let Some(body) = body.as_object_mut() {
            let given = self.given.as_ref().filter(|_| self.joins).map(Given::characters);
            let given = given.or_else(|| self.source.source.usage().characters);
            let hint = if self.joins { HINT_JOINED } else { HINT };
            body.insert("gwanmun".to_owned(), json!({"given_characters": given, "to_go_on": hint}));
        }
        sse::event(body.to_string().as_bytes())
    }
}

/// How a caller goes on after an answer that broke off.
const HINT: &str = "what was given stands; ask again with it as the assistant's last message, or ask with the header \
                    `x-gwanmun-continuity: splice` to have another destination go on by itself";
const HINT_JOINED: &str = "what was given stands; ask again with it as the assistant's last message";

/// The error of an answer that broke off, with why no other destination's was joined to it.
fn not_joined(error: &ApiError, why: &str) -> ApiError {
    let message = format!("{error}; no other destination went on with it: {why}");
    let told = ApiError::destination(error.status(), Code::AnswerInterrupted, message);
    told.diagnosed(error.diagnosis().cloned())
}

impl Restored {
    /// Whether another's answer has been joined to the first's.
    fn is_joined(&self) -> bool {
        self.joined.as_ref().is_some_and(Joined::is_joined)
    }

    /// The next piece, as the caller may have it; within the time for the whole answer.
    async fn next(&mut self, deadline: &mut Sleep, given: Option<&Given>) -> Piece {
        let piece = if let Some(first) = self.first.take() {
            first
        } else {
            tokio::select! {
                biased;
                piece = self.source.next() => piece,
                () = deadline => Piece::Broken(ApiError::gateway(
                    StatusCode::GATEWAY_TIMEOUT,
                    Code::UpstreamTimeout,
                    "the answer took longer than this gateway lets an answer take",
                )),
            }
        };
        let piece = match (&mut self.joined, given) {
            (Some(joined), Some(given)) => joined.piece(piece, given),
            (Some(_), None) | (None, _) => piece,
        };
        self.restoring.piece(piece)
    }
}

/// A body that is made as it is read; with `resume` by a task, so that it goes on for so long without a reader.
fn stream_response(delivery: Delivery, resume: Option<Duration>, marks: &Marks) -> Response {
    let app = Arc::clone(delivery.account.app());
    let ids = (Arc::clone(delivery.account.name()), Arc::clone(delivery.account.key_id()));
    let making: Making = Box::pin(stream::unfold(delivery, async |mut delivery| {
        let bytes = delivery.next().await?;
        Some((bytes, delivery))
    }));
    let kept = match resume {
        None => Err(making),
        Some(span) => {
            let process = (app.tasks(), app.clock());
            let kept = app.resumable().keep((&ids.0, &ids.1), marks, making, span, process);
            kept.map(|body| (body, span))
        }
    };
    match kept {
        Ok((body, span)) => {
            let mut response = event_stream(body);
            response.headers_mut().insert(RESUME_HEADER, HeaderValue::from(span.as_secs()));
            response
        }
        Err(making) => event_stream(Body::from_stream(making.map(Ok::<_, std::convert::Infallible>))),
    }
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Waits for the whole answer; the caller sees it once its outcome is durable.
async fn collect(mut source: Restored, mut account: Account, mut deadline: Sleep) -> Result<Bytes, ApiError> {
    account.whole();
    let body = match source.next(&mut deadline, None).await {
        Piece::Part(bytes) | Piece::Complete(bytes) => bytes,
        Piece::Broken(error) => return Err(account.failed(error).await),
    };
    account.told(StatusCode::OK);
    account.meter(source.source.usage());
    account.found(source.restoring.counts());
    let answered = match account.hand_over(&body).await {
        Ok(()) => account.answered().await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(()) => Ok(body),
        Err(error) => Err(account.failed(error).await),
    }
}

fn whole_response(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
