//! A model that makes vectors of texts: its thread, its queue, and the two seams to what computes it. Knows nothing of HTTP, nor
//! of what a vector is used for.
//!
//! Callers take turns, and a job of many texts is computed in pieces: a caller with one sentence need not wait for another's two
//! thousand. A job whose answer nobody waits for any more is dropped before its next piece.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io, thread};

use tokio::sync::oneshot;

use crate::gauges::Gauges;
use crate::{Clock, CodecError, EngineError, Load, ModelCard, Refused, Stop, Token};

/// Jobs that may wait by default.
const QUEUE_JOBS_MAX: usize = 256;
/// What a waiter is told when the thread went away without a word.
const ENDED_SILENTLY: &str = "the local model was stopped before the vectors were computed";

/// What computes vectors. One thread owns it; it may use others of its own.
pub trait Embedder: Send {
    /// Tokens of all texts together that one [`Embedder::embed`] computes; at least one text always fits.
    fn batch_tokens_max(&self) -> usize;

    /// A vector for each text, in their order; each text is whole, as [`TextTokens`] made it, and never empty.
    fn embed(&mut self, texts: &[&[Token]]) -> Result<Vec<Vec<f32>>, EngineError>;
}

/// Text to the tokens that such a model reads. Shared between threads; pure.
pub trait TextTokens: Send + Sync {
    /// A text with the tokens that the model wants round it.
    fn encode(&self, text: &str) -> Result<Vec<Token>, CodecError>;

    /// Tokens of a text, with those round it that the model wants; unchanged where they are there already.
    fn whole(&self, tokens: &[Token]) -> Vec<Token>;
}

/// A model whose weights are in memory.
pub struct LoadedEmbedder {
    /// What it is; [`ModelCard::dimensions`] says how long its vectors are.
    pub card: ModelCard,
    /// What computes it.
    pub embedder: Box<dyn Embedder>,
    /// Its tokenizer.
    pub codec: Arc<dyn TextTokens>,
}

/// What an operator may set.
#[derive(Clone)]
pub struct EmbeddingSettings {
    /// Jobs that may wait; further ones are refused with [`Refused::Busy`]. At least 1.
    pub queue_jobs_max: usize,
    /// Tells the time, for measuring speed.
    pub clock: Clock,
}

impl EmbeddingSettings {
    /// The defaults, with this clock.
    pub fn new(clock: Clock) -> Self {
        Self { queue_jobs_max: QUEUE_JOBS_MAX, clock }
    }
}

impl fmt::Debug for EmbeddingSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddingSettings").field("queue_jobs_max", &self.queue_jobs_max).finish_non_exhaustive()
    }
}

/// Texts to make vectors of.
#[derive(Clone, Debug)]
pub struct EmbeddingJob {
    /// Who asks. Callers take turns.
    pub caller: Arc<str>,
    /// The texts as tokens, those round them among them.
    pub texts: Vec<Vec<Token>>,
}

/// The vectors of one job.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// One for each text, in their order, each of the model's dimensions.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens of all texts together.
    pub tokens: u64,
}

/// A model that makes vectors. Cheap to clone; its thread ends when it is stopped, or when the last handle is gone.
#[derive(Clone)]
pub struct EmbeddingModel {
    inner: Arc<Inner>,
}

struct Inner {
    card: ModelCard,
    codec: Arc<dyn TextTokens>,
    inbox: Sender<Message>,
    gauges: Arc<Gauges>,
    queue_jobs_max: usize,
}

enum Message {
    Job(Underway),
    Stop(Stop),
}

/// A job that has its place in the queue.
struct Underway {
    job: EmbeddingJob,
    made: Vectors,
    answer: oneshot::Sender<Result<Vectors, EngineError>>,
}

impl EmbeddingModel {
    /// Starts the model's one thread. Fails only where the system gives no thread.
    pub fn start(model: LoadedEmbedder, settings: EmbeddingSettings) -> io::Result<(Self, EmbedderRunning)> {
        let LoadedEmbedder { card, embedder, codec } = model;
        let (inbox, messages) = mpsc::channel();
        let gauges = Arc::new(Gauges::default());
        let worker = Worker {
            embedder,
            messages,
            turns: VecDeque::new(),
            gauges: Arc::clone(&gauges),
            clock: settings.clock,
            totals: Load::default(),
            busy: Duration::ZERO,
            waiting_tokens: 0,
            stopping: None,
        };
        let thread = thread::Builder::new().name("embedding model".to_owned()).spawn(move || {
            crate::give_way();
            worker.run();
        })?;
        let running = EmbedderRunning { thread, inbox: inbox.clone(), gauges: Arc::clone(&gauges) };
        let queue_jobs_max = settings.queue_jobs_max.max(1);
        Ok((Self { inner: Arc::new(Inner { card, codec, inbox, gauges, queue_jobs_max }) }, running))
    }

    /// What the model is.
    pub fn card(&self) -> &ModelCard {
        &self.inner.card
    }

    /// Its tokenizer.
    pub fn codec(&self) -> &dyn TextTokens {
        &*self.inner.codec
    }

    /// How busy it is; of what a chat's model counts it has jobs that wait, texts and their tokens.
    pub fn load(&self) -> Load {
        self.inner.gauges.load()
    }

    /// Why it takes no more jobs, once it does not.
    pub fn stopped(&self) -> Option<&str> {
        self.inner.gauges.stopped()
    }

    /// Queues a job, or says why not. Never blocks.
    pub fn submit(&self, job: EmbeddingJob) -> Result<Embedding, Refused> {
        let Inner { card, inbox, gauges, queue_jobs_max, .. } = &*self.inner;
        check(card, &job)?;
        if gauges.stopped().is_some() {
            return Err(Refused::Stopped);
        }
        gauges.enter_queue(*queue_jobs_max)?;
        let (answer, waits) = oneshot::channel();
        let made = Vectors { vectors: Vec::with_capacity(job.texts.len()), tokens: 0 };
        match inbox.send(Message::Job(Underway { job, made, answer })) {
            Ok(()) => Ok(Embedding { waits }),
            Err(_) => Err(Refused::Stopped),
        }
    }
}

impl fmt::Debug for EmbeddingModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddingModel").field("model", &self.inner.card.name).finish_non_exhaustive()
    }
}

/// Holds a job against what the model can do.
fn check(card: &ModelCard, job: &EmbeddingJob) -> Result<(), Refused> {
    if job.texts.is_empty() {
        return Err(Refused::Unservable("there is no text".to_owned()));
    }
    for (index, text) in job.texts.iter().enumerate() {
        if text.is_empty() {
            return Err(Refused::Unservable(format!("text {index} has no tokens")));
        }
        if text.len() as u64 > card.context_tokens {
            let model = card.name.clone();
            return Err(Refused::TextTooLong { index, tokens: text.len(), most: card.context_tokens, model });
        }
        if let Some(token) = text.iter().find(|&&token| u64::from(token) >= card.vocabulary) {
            let last = card.vocabulary.saturating_sub(1);
            return Err(Refused::Unservable(format!(
                "text {index} holds token {token}; the model `{}` has tokens 0 to {last} of a vocabulary of its own",
                card.name
            )));
        }
    }
    Ok(())
}

/// The vectors of one job, once they are computed. Dropping it cancels what is not computed yet.
#[derive(Debug)]
pub struct Embedding {
    waits: oneshot::Receiver<Result<Vectors, EngineError>>,
}

impl Future for Embedding {
    type Output = Result<Vectors, EngineError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let silent = |_| Err(EngineError(ENDED_SILENTLY.to_owned()));
        Pin::new(&mut self.waits).poll(context).map(|told| told.unwrap_or_else(silent))
    }
}

/// The model's thread. Dropping this leaves it to run for as long as there are handles.
#[must_use]
#[derive(Debug)]
pub struct EmbedderRunning {
    thread: JoinHandle<()>,
    inbox: Sender<Message>,
    gauges: Arc<Gauges>,
}

impl EmbedderRunning {
    /// Tells the thread to stop and blocks until it has ended; new jobs are refused from here on.
    pub fn stop(self, stop: Stop) {
        let Self { thread, inbox, gauges } = self;
        gauges.stop("it was told to stop");
        // A thread that is gone needs no telling.
        let _ = inbox.send(Message::Stop(stop));
        drop((inbox, gauges));
        if thread.join().is_err() {
            tracing::error!("the embedding model's thread ended in a panic");
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Job(_) => "Job",
            Self::Stop(_) => "Stop",
        })
    }
}

/// What the thread owns.
struct Worker {
    embedder: Box<dyn Embedder>,
    messages: Receiver<Message>,
    /// Callers in the order of their turns, each with its jobs.
    turns: VecDeque<(Arc<str>, VecDeque<Underway>)>,
    gauges: Arc<Gauges>,
    clock: Clock,
    totals: Load,
    /// Time spent computing so far.
    busy: Duration,
    /// Tokens of jobs that wait.
    waiting_tokens: u64,
    stopping: Option<Stop>,
}

impl Worker {
    fn run(mut self) {
        while self.hear() {
            self.step();
            self.publish();
        }
    }

    /// Takes in what was said, waiting for it where there is nothing to do; whether to go on.
    fn hear(&mut self) -> bool {
        loop {
            let idle = self.turns.is_empty();
            let cancelled = self.stopping == Some(Stop::Cancel);
            if cancelled || (idle && self.stopping.is_some()) {
                return false;
            }
            let message = if idle { self.messages.recv().ok() } else { self.messages.try_recv().ok() };
            match message {
                Some(Message::Job(job)) => self.enter(job),
                Some(Message::Stop(stop)) => self.stopping = Some(stop),
                None => return !idle,
            }
        }
    }

    fn enter(&mut self, underway: Underway) {
        self.waiting_tokens = self.waiting_tokens.saturating_add(tokens(&underway.job.texts));
        let caller = Arc::clone(&underway.job.caller);
        match self.turns.iter_mut().find(|(one, _)| *one == caller) {
            Some((_, jobs)) => jobs.push_back(underway),
            None => self.turns.push_back((caller, VecDeque::from([underway]))),
        }
    }

    /// Computes a piece of the next caller's oldest job.
    fn step(&mut self) {
        let Some((caller, mut jobs)) = self.turns.pop_front() else { return };
        if let Some(mut underway) = jobs.pop_front() {
            if underway.answer.is_closed() {
                self.leave(&underway);
            } else {
                match self.advance(&mut underway) {
                    Ok(false) => jobs.push_front(underway),
                    Ok(true) => {
                        self.leave(&underway);
                        // Whoever has left needs no answer.
                        let _ = underway.answer.send(Ok(underway.made));
                    }
                    Err(error) => {
                        self.leave(&underway);
                        tracing::error!(%error, "vectors of texts could not be computed: {error}");
                        let _ = underway.answer.send(Err(error));
                    }
                }
            }
        }
        if !jobs.is_empty() {
            self.turns.push_back((caller, jobs));
        }
    }

    /// Gives the job's place and what is left of it back.
    fn leave(&mut self, underway: &Underway) {
        let left = underway.job.texts.get(underway.made.vectors.len()..).unwrap_or_default();
        self.waiting_tokens = self.waiting_tokens.saturating_sub(tokens(left));
        self.gauges.leave_queue();
    }

    /// Computes as many of a job's texts as fit one batch; whether they were the last.
    fn advance(&mut self, underway: &mut Underway) -> Result<bool, EngineError> {
        let Underway { job, made, .. } = underway;
        let left = job.texts.get(made.vectors.len()..).unwrap_or_default();
        let mut room = self.embedder.batch_tokens_max();
        let fits = |text: &&Vec<Token>| {
            let fits = text.len() <= room;
            room = room.saturating_sub(text.len());
            fits
        };
        let some: Vec<&[Token]> = left.iter().take_while(fits_first(fits)).map(Vec::as_slice).collect();
        let began = (self.clock)();
        let embedder = &mut self.embedder;
        let vectors = catch_unwind(AssertUnwindSafe(|| embedder.embed(&some)))
            .unwrap_or_else(|_| Err(EngineError("a computing thread panicked".to_owned())))?;
        self.busy = self.busy.saturating_add((self.clock)().saturating_sub(began));
        if vectors.len() != some.len() {
            return Err(EngineError(format!("{} vectors came of {} texts", vectors.len(), some.len())));
        }
        let computed = some.iter().map(|text| text.len() as u64).sum::<u64>();
        made.tokens = made.tokens.saturating_add(computed);
        made.vectors.extend(vectors);
        self.waiting_tokens = self.waiting_tokens.saturating_sub(computed);
        self.totals.prompts_total = self.totals.prompts_total.saturating_add(some.len() as u64);
        self.totals.prompt_tokens_total = self.totals.prompt_tokens_total.saturating_add(computed);
        Ok(made.vectors.len() == job.texts.len())
    }

    /// Tells how busy it is, and how long what waits will take at the speed so far.
    fn publish(&self) {
        let done = self.totals.prompt_tokens_total.max(1);
        let micros = self.busy.as_micros().saturating_mul(u128::from(self.waiting_tokens)) / u128::from(done);
        let retry_after = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        self.gauges.publish(self.totals, retry_after.saturating_add(Duration::from_secs(1)));
    }
}

/// The first passes always: a batch has at least one text.
fn fits_first<T>(mut fits: impl FnMut(&T) -> bool) -> impl FnMut(&T) -> bool {
    let mut first = true;
    move |one| std::mem::take(&mut first) | fits(one)
}

fn tokens(texts: &[Vec<Token>]) -> u64 {
    texts.iter().map(|text| text.len() as u64).sum()
}

#[cfg(test)]
mod tests;
