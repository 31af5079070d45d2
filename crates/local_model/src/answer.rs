//! The reader's end of a job: its events, in order, with a bound on how many wait to be read. Knows nothing of how they
//! come about.

use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use crate::Token;
use crate::scheduler::Message;

/// What a reader is told when the thread went away without a word.
const ENDED_SILENTLY: &str = "the local model was stopped before the answer was complete";

/// One thing that happened to an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// More of a choice's text.
    Text {
        /// Which choice, from 0.
        choice: u32,
        /// Whole characters; never part of a stop string. Empty only where tokens without text have scores.
        text: String,
        /// Where in `text` marks begin that the model wrote as the control tokens they are, in bytes; see [`crate::Messages`].
        marks: Vec<usize>,
        /// The scores of the tokens that begin in `text`; empty unless the job asked for log-probabilities.
        tokens: Vec<TokenScore>,
        /// Tokens that the model has produced for this choice so far.
        completion_tokens: u32,
    },
    /// A choice is complete.
    Finished {
        /// Which choice, from 0.
        choice: u32,
        /// Why it ended.
        reason: Finish,
        /// Tokens that the model produced for it, the end token and those of a stop string included.
        completion_tokens: u32,
        /// Tokens of the prompt that were not computed for it: an earlier prompt of the same owner began alike.
        cached_tokens: usize,
    },
    /// The answer is lost, all choices of it that are not finished; nothing follows.
    Failed {
        /// What went wrong, in words for the operator and the caller.
        message: String,
    },
}

/// Why a choice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended its turn, or a stop string came.
    Stop,
    /// It reached `answer_tokens_max` or the end of the context.
    Length,
}

/// How likely a token was, in the model's own distribution: before temperature, bias and penalties, as OpenAI's API
/// reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenScore {
    /// The token that was chosen.
    pub token: Token,
    /// The bytes that it stands for; possibly part of a character.
    pub bytes: Vec<u8>,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The likeliest tokens, likeliest first, with their bytes and log-probabilities; as many as the job asked for.
    pub top: Vec<(Token, Vec<u8>, f32)>,
}

/// The events of one job. Dropping it cancels the job: no token of it is computed after the step under way. Not reading
/// it pauses this job once a bounded number of events wait, and no other job; but a paused job keeps its slots, so whoever
/// stops reading for good must drop it.
#[derive(Debug)]
pub struct Answer {
    events: mpsc::Receiver<Event>,
    failure: Arc<OnceLock<String>>,
    unfinished: u32,
    /// Told when this is dropped early; given up at the end, so that a finished answer does not keep the thread waiting.
    thread: Option<Sender<Message>>,
}

impl Answer {
    pub(crate) fn new(
        events: mpsc::Receiver<Event>,
        failure: Arc<OnceLock<String>>,
        choices: u32,
        thread: Sender<Message>,
    ) -> Self {
        Self { events, failure, unfinished: choices, thread: Some(thread) }
    }

    /// The next event, or nothing after the last: every choice's [`Event::Finished`], or one [`Event::Failed`]. May be
    /// abandoned and called again without losing an event.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await;
        self.account(event)
    }

    /// As [`Answer::next`], for code that polls.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(context).map(|event| self.account(event))
    }

    /// As [`Answer::next`], for threads outside an async runtime; inside one it panics.
    pub fn blocking_next(&mut self) -> Option<Event> {
        let event = self.events.blocking_recv();
        self.account(event)
    }

    /// Holds the books: a stream that ends with choices unfinished has failed, and says so once.
    fn account(&mut self, event: Option<Event>) -> Option<Event> {
        let event = match event {
            None if self.unfinished > 0 => {
                self.unfinished = 0;
                let message = self.failure.get().map_or(ENDED_SILENTLY, String::as_str).to_owned();
                Some(Event::Failed { message })
            }
            Some(Event::Finished { .. }) => {
                self.unfinished = self.unfinished.saturating_sub(1);
                event
            }
            Some(Event::Text { .. } | Event::Failed { .. }) | None => event,
        };
        if self.unfinished == 0 {
            self.thread = None;
        }
        event
    }
}

impl Drop for Answer {
    /// The thread sees the closed channel at its next step; if it is idle, it must be told to look.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.events.close();
            // A thread that is gone needs no telling.
            let _ = thread.send(Message::Look);
        }
    }
}
