//! Step 9: passes an answer on and meters it; the outcome is durable before the end marker.
//!
//! All that lives as long as a streamed answer is in one struct, [`Delivery`]. It must not know which destination answers,
//! nor what the bytes mean.

mod account;
mod marks;
mod restore;
mod seam;

use std::time::Duration;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use wire::{error::Code, sse};

pub(crate) use account::{Account, Usage};
pub(crate) use marks::Marks;
pub(crate) use restore::{AnswerMask, Restoring};
pub(crate) use seam::{Partial, continuing};

use crate::{
    clock::Sleep,
    destinations::Source,
    dispatch::{Begun, Onward},
    error::ApiError,
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
pub(crate) async fn relay(answer: Answer, answer_time_max: Duration) -> Result<(Response, Marks), ApiError> {
    let Answer { begun, mut account, onward } = answer;
    let Begun { source, first, restoring, stream } = begun;
    let source = Restored { first: Some(first), source, restoring };
    let deadline = account.app().clock().sleep_until(account.arrived().plus(answer_time_max));
    let marks = account.marks().clone();
    let mut response = if stream {
        account.told(StatusCode::OK);
        stream_response(Delivery { source, account, deadline, step: Step::Flowing })
    } else {
        whole_response(collect(source, account, deadline).await?)
    };
    marks.write(response.headers_mut());
    Ok((response, marks))
}

/// A streamed answer under way: everything that lives as long as it does. Dropping it is how a caller leaves: the source
/// stops its work, the account sends its outcome.
struct Delivery {
    source: Restored,
    account: Account,
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
    restoring: Restoring,
}

impl Delivery {
    /// The next bytes for the transport.
    async fn next(&mut self) -> Option<Bytes> {
        if self.step == Step::Flowing {
            match next_piece(&mut self.source, &mut self.deadline).await {
                Piece::Part(bytes) => return Some(self.hand_over(bytes).await),
                Piece::Complete(rest) => {
                    self.step = Step::Closing;
                    if !rest.is_empty() {
                        return Some(self.hand_over(rest).await);
                    }
                }
                Piece::Broken(error) => return Some(self.break_off(error).await),
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
        match self.account.hand_over(&bytes).await {
            Ok(()) => bytes,
            Err(error) => self.break_off(error).await,
        }
    }

    /// The explicit end of an answer that is not complete: an error event, and no end marker.
    async fn break_off(&mut self, error: ApiError) -> Bytes {
        self.step = Step::Ended;
        let error = self.account.failed(error).await;
        error.log(self.account.request_id());
        sse::error(&error.body())
    }
}

fn stream_response(delivery: Delivery) -> Response {
    let body = stream::unfold(delivery, async |mut delivery| {
        let bytes = delivery.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), delivery))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Waits for the whole answer; the caller sees it once its outcome is durable.
async fn collect(mut source: Restored, mut account: Account, mut deadline: Sleep) -> Result<Bytes, ApiError> {
    account.whole();
    let body = match next_piece(&mut source, &mut deadline).await {
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

async fn next_piece(source: &mut Restored, deadline: &mut Sleep) -> Piece {
    if let Some(first) = source.first.take() {
        return source.restoring.piece(first);
    }
    tokio::select! {
        biased;
        piece = source.source.next() => source.restoring.piece(piece),
        () = deadline => Piece::Broken(ApiError::gateway(
            StatusCode::GATEWAY_TIMEOUT,
            Code::UpstreamTimeout,
            "the answer took longer than this gateway lets an answer take",
        )),
    }
}
