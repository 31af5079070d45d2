//! Callers who ask one after the other, half of them for streams, and say what each answer was: whole, an honest error, or a silent
//! truncation, which must never be.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use crate::client::{Answer, Client};

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub requests: u64,
    /// Whole answers.
    pub answered: u64,
    /// Of them, those marked as degraded.
    pub degraded: u64,
    /// Errors that say that they are errors.
    pub honest: u64,
    /// What looks like an answer and is none.
    pub silent: u64,
    /// The longest that anything took, in milliseconds.
    pub slowest_ms: u64,
}

/// Callers at work until they are told to stop.
#[derive(Debug)]
pub struct Callers {
    count: Arc<Mutex<Count>>,
    stop: Arc<AtomicBool>,
    working: Vec<tokio::task::JoinHandle<()>>,
}

impl Callers {
    /// So many begin to ask this model, for answers of so many tokens at most.
    pub fn start(client: &Client, model: &str, (callers, tokens): (usize, u32)) -> Self {
        let (count, stop) = (Arc::new(Mutex::<Count>::default()), Arc::new(AtomicBool::new(false)));
        let working = (0..callers).map(|number| {
            let (client, model) = (client.clone(), model.to_owned());
            let (count, stop) = (Arc::clone(&count), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let stream = number % 2 == 0;
                    let question = "Say in a sentence what a gate at a frontier is for.";
                    let body = json!({"model": model, "stream": stream, "max_tokens": tokens,
                        "messages": [{"role": "user", "content": question}]});
                    let since = Instant::now();
                    let answer = client.chat(&body).await;
                    let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                    count.add(&answer, stream, since.elapsed());
                }
            })
        });
        let working = working.collect();
        Self { count, stop, working }
    }

    /// What became of their requests so far.
    pub fn count(&self) -> Count {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets each finish the request that it is at; what became of all.
    pub async fn end(self) -> Count {
        self.stop.store(true, Ordering::SeqCst);
        for caller in self.working {
            caller.await.expect("a caller does not fail");
        }
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn add(&mut self, answer: &Answer, stream: bool, took: Duration) {
        self.requests += 1;
        self.slowest_ms = self.slowest_ms.max(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        if answer.claims_to_be_complete() {
            self.answered += 1;
            self.degraded += u64::from(!answer.header("x-gwanmun-degraded").is_empty());
        } else if is_honest(answer, stream) {
            self.honest += 1;
        } else {
            self.silent += 1;
            eprintln!("a silent truncation: {answer}");
        }
    }

    /// What came between an earlier count and this one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            answered: self.answered - earlier.answered,
            degraded: self.degraded - earlier.degraded,
            honest: self.honest - earlier.honest,
            silent: self.silent - earlier.silent,
            slowest_ms: self.slowest_ms,
        }
    }
}

/// Whether it says that it is an error: by its status, or by an event and without an end marker.
fn is_honest(answer: &Answer, stream: bool) -> bool {
    let is_error =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| !value["error"].is_null());
    if answer.status >= 400 {
        return is_error(&answer.text());
    }
    let events = answer.events();
    stream && events.iter().any(|event| is_error(event)) && !events.iter().any(|event| event == "[DONE]")
}
