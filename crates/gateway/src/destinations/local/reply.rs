//! The local model's answer as it comes: events of one job a prompt, told in the words of the API.

use std::{
    fmt,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use local_model::{Answer, Event};
use wire::error::Code;

use super::words::Words;
use crate::{
    destinations::Errand,
    error::ApiError,
    relay::{Piece, Usage},
};

/// An answer under way. Dropping it cancels its jobs.
pub(crate) struct Reply {
    /// One for each prompt; its choices are numbered after those of the prompts before it.
    answers: Vec<Answer>,
    choices_each: u32,
    /// Choices that have not finished, over all prompts.
    unfinished: u32,
    stream: bool,
    words: Words,
}

impl Reply {
    pub(super) fn new(answers: Vec<Answer>, words: Words, errand: &Errand) -> Self {
        let unfinished = errand.ask.choices();
        let prompts = u32::try_from(answers.len()).unwrap_or(u32::MAX).max(1);
        Self { answers, choices_each: unfinished / prompts, unfinished, stream: errand.stream, words }
    }

    /// See [`crate::destinations::Source::next`].
    pub(crate) async fn next(&mut self) -> Piece {
        let piece = if self.stream { self.next_events().await } else { self.whole().await };
        piece.unwrap_or_else(Piece::Broken)
    }

    /// See [`crate::destinations::Source::says_something`].
    pub(crate) fn says_something(&self) -> bool {
        self.words.says_something()
    }

    /// Tokens of the prompts, and of the answers so far.
    pub(crate) fn usage(&self) -> Usage {
        self.words.usage()
    }

    async fn next_events(&mut self) -> Result<Piece, ApiError> {
        let event = self.next_event().await?;
        let mut out = BytesMut::new();
        self.words.event(event, &mut out);
        if self.unfinished > 0 {
            return Ok(Piece::Part(out.freeze()));
        }
        self.words.usage_event(&mut out);
        Ok(Piece::Complete(out.freeze()))
    }

    async fn whole(&mut self) -> Result<Piece, ApiError> {
        while self.unfinished > 0 {
            let event = self.next_event().await?;
            self.words.keep(event);
        }
        Ok(Piece::Complete(Bytes::from(self.words.whole())))
    }

    /// The next event of any prompt, its choice numbered over all prompts.
    async fn next_event(&mut self) -> Result<Event, ApiError> {
        let event = std::future::poll_fn(|context| self.poll_event(context)).await;
        match event {
            Some(Event::Failed { message }) => Err(failed(&message)),
            Some(event) => {
                if let Event::Finished { .. } = event {
                    self.unfinished = self.unfinished.saturating_sub(1);
                }
                Ok(event)
            }
            None => Err(failed("the answer ended before it was complete")),
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut open = false;
        for (prompt, answer) in (0_u32..).zip(&mut self.answers) {
            match answer.poll_next(context) {
                Poll::Ready(Some(event)) => {
                    let before = prompt.saturating_mul(self.choices_each);
                    return Poll::Ready(Some(numbered(event, before)));
                }
                Poll::Ready(None) => {}
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(None) }
    }
}

fn numbered(event: Event, before: u32) -> Event {
    match event {
        Event::Text { choice, text, marks, tokens, completion_tokens } => {
            Event::Text { choice: choice.saturating_add(before), text, marks, tokens, completion_tokens }
        }
        Event::Finished { choice, reason, completion_tokens, cached_tokens } => {
            Event::Finished { choice: choice.saturating_add(before), reason, completion_tokens, cached_tokens }
        }
        failed @ Event::Failed { .. } => failed,
    }
}

fn failed(detail: &str) -> ApiError {
    let message = "the local model could not finish its answer";
    ApiError::destination(StatusCode::INTERNAL_SERVER_ERROR, Code::AnswerInterrupted, message).detail(detail)
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("unfinished", &self.unfinished).finish_non_exhaustive()
    }
}
