//! An answer as it comes over HTTP: its text to the terminal, its failures in words. Knows nothing of how it was asked.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use http_body_util::{BodyExt as _, Limited};
use wire::{
    answer::{ChatChunk, FinishReason},
    error::ErrorBody,
    sse::{DONE_DATA, Decoder},
};

use crate::{
    failure::{Answer, Failure},
    terminal::Terminal,
};

/// One event of an answer: a token and its frame, with much room.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// An answer that is not streamed: a list of models, an error.
const WHOLE_BYTES_MAX: usize = 1 << 20;

/// Writes a streamed answer's text as it comes.
pub(super) async fn tell(response: Response<Body>, terminal: &mut Terminal) -> Result<Answer, Failure> {
    if response.status() != StatusCode::OK {
        return Err(refused(response).await);
    }
    let mut text_began = false;
    let told = pieces(response.into_body(), &mut text_began, terminal).await;
    // Also what is told of a failure begins on a line of its own.
    if text_began {
        writeln!(terminal.out())?;
    }
    told.map(|()| Answer::Yes)
}

async fn pieces(mut body: Body, text_began: &mut bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut events = Decoder::new(EVENT_BYTES_MAX);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken_off(&error.to_string()))?;
        if let Ok(bytes) = frame.into_data() {
            events.push(&bytes);
        }
        while let Some(event) = events.next_event().map_err(|error| broken_off(&error.to_string()))? {
            if event.data == DONE_DATA {
                return Ok(());
            }
            *text_began |= write(&piece(&event.data)?, terminal)?;
        }
    }
    Err(broken_off("it ended before its end was told"))
}

/// Whether text was written.
fn write(chunk: &ChatChunk, terminal: &mut Terminal) -> Result<bool, Failure> {
    let mut wrote = false;
    for choice in &chunk.choices {
        if let Some(text) = choice.delta.content.as_deref().filter(|text| !text.is_empty()) {
            write!(terminal.out(), "{text}")?;
            terminal.out().flush()?;
            wrote = true;
        }
        if choice.finish_reason == Some(FinishReason::Length) {
            terminal.note("\n(cut: the tokens granted were used up; `--max-tokens` grants more)");
        }
    }
    Ok(wrote)
}

fn piece(data: &[u8]) -> Result<ChatChunk, Failure> {
    if let Ok(told) = serde_json::from_slice::<ErrorBody>(data) {
        return Err(Failure::trouble(told.error.message));
    }
    serde_json::from_slice(data).map_err(|error| broken_off(&format!("a piece of it cannot be read: {error}")))
}

fn broken_off(why: &str) -> Failure {
    Failure::trouble(format!("the answer broke off: {why}"))
}

/// An answer that is not streamed.
pub(super) async fn whole(response: Response<Body>) -> Result<Vec<u8>, Failure> {
    if response.status() != StatusCode::OK {
        return Err(refused(response).await);
    }
    bytes(response.into_body()).await
}

async fn bytes(body: Body) -> Result<Vec<u8>, Failure> {
    let whole = Limited::new(body, WHOLE_BYTES_MAX).collect().await;
    whole.map(|whole| whole.to_bytes().to_vec()).map_err(|error| broken_off(&error.to_string()))
}

/// What a refusal says, and how to mend it where that is plain.
async fn refused(response: Response<Body>) -> Failure {
    let status = response.status();
    let told = bytes(response.into_body()).await.unwrap_or_default();
    let message = match serde_json::from_slice::<ErrorBody>(&told) {
        Ok(told) => told.error.message,
        Err(_) => format!("the server answered {status}"),
    };
    let failure = Failure::trouble(message);
    match status {
        StatusCode::UNAUTHORIZED => {
            failure.hint("`gwanmun key create` makes a key; give it with `--key` or in GWANMUN_KEY")
        }
        StatusCode::NOT_FOUND => failure.hint("without `--model` the first model that is offered answers"),
        _ => failure,
    }
}
