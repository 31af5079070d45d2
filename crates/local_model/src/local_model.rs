//! The handle to a model's thread: starts it, takes jobs, refuses what cannot be served, tells the load. Never computes
//! and never blocks, but for [`Running::join`] and [`Running::stop`].

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io, thread};

use crate::gauges::Gauges;
use crate::reader::Reader;
use crate::scheduler::{Message, Scheduler};
use crate::{Answer, Capacity, Forms, Job, Load, LoadedModel, ModelCard, Refused, TextCodec};

/// Time since any fixed moment, never running backwards. Comes in as an argument so that tests own time.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Jobs that may wait by default: 200 streams at once must all be served, and some more.
const QUEUE_JOBS_MAX: usize = 256;

/// Sequences that are computed at once by default. More in a batch costs each stream pace without computing more in all
/// once the arithmetic, not the reading of weights, is the limit; on a few cores that is well below this.
const SEQUENCES_MAX: usize = 64;

/// Events of an answer that may wait to be read before the answer pauses. Enough to bridge a reader's hiccup, small
/// enough that hundreds of slow readers hold little memory (an event is a token's text, some 100 bytes).
const EVENTS_UNREAD_MAX: usize = 32;

/// What an operator may set.
#[derive(Clone)]
pub struct Settings {
    /// Jobs that may wait; further ones are refused with [`Refused::Busy`]. At least 1.
    pub queue_jobs_max: usize,
    /// Sequences that are computed at once, at most; the engine's own limits also hold. At least 1.
    pub sequences_max: usize,
    /// Whether what is computed of a prompt stays for later ones of the same owner that begin alike, as long as there is room.
    pub prefix_cache: bool,
    /// Whether what an answer will probably say is computed ahead: what followed the same words before. Changes no answer, but
    /// for the rounding of a sum.
    pub speculation: bool,
    /// Tells the time, for measuring speed.
    pub clock: Clock,
}

impl Settings {
    /// The defaults, with this clock.
    pub fn new(clock: Clock) -> Self {
        Self {
            queue_jobs_max: QUEUE_JOBS_MAX,
            sequences_max: SEQUENCES_MAX,
            prefix_cache: true,
            speculation: true,
            clock,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("queue_jobs_max", &self.queue_jobs_max)
            .field("sequences_max", &self.sequences_max)
            .field("prefix_cache", &self.prefix_cache)
            .field("speculation", &self.speculation)
            .finish_non_exhaustive()
    }
}

/// A model that answers. Cheap to clone; its thread ends when it is stopped, or when the last handle is gone.
#[derive(Clone)]
pub struct LocalModel {
    inner: Arc<Inner>,
}

struct Inner {
    card: ModelCard,
    codec: Arc<dyn TextCodec>,
    capacity: Capacity,
    forms: Forms,
    messages: Sender<Message>,
    gauges: Arc<Gauges>,
    queue_jobs_max: usize,
}

impl LocalModel {
    /// Starts the model's one thread. Fails only where the system gives no thread.
    pub fn start(model: LoadedModel, settings: Settings) -> io::Result<(Self, Running)> {
        let LoadedModel { card, engine, codec } = model;
        let capacity = engine.capacity();
        let queue_jobs_max = settings.queue_jobs_max.max(1);
        let (messages, inbox) = mpsc::channel();
        let gauges = Arc::new(Gauges::default());
        let scheduler = Scheduler::new(engine, Arc::clone(&codec), inbox, Arc::clone(&gauges), settings);
        let thread = thread::Builder::new().name("local model".to_owned()).spawn(move || {
            crate::give_way();
            scheduler.run();
        })?;
        let running = Running { thread, messages: messages.clone(), gauges: Arc::clone(&gauges) };
        let forms = Forms::new(Arc::clone(&codec), capacity.vocabulary);
        let inner = Inner { card, codec, capacity, forms, messages, gauges, queue_jobs_max };
        Ok((Self { inner: Arc::new(inner) }, running))
    }

    /// What the model is.
    pub fn card(&self) -> &ModelCard {
        &self.inner.card
    }

    /// Its tokenizer and chat template.
    pub fn codec(&self) -> &dyn TextCodec {
        &*self.inner.codec
    }

    /// Makes forms that its answers can be held to.
    pub fn forms(&self) -> &Forms {
        &self.inner.forms
    }

    /// What its engine can hold.
    pub fn capacity(&self) -> Capacity {
        self.inner.capacity
    }

    /// Queues a job, or says why not. Never blocks.
    pub fn submit(&self, job: Job) -> Result<Answer, Refused> {
        let inner = &*self.inner;
        job.check(&inner.capacity)?;
        if inner.gauges.stopped().is_some() {
            return Err(Refused::Stopped);
        }
        inner.gauges.enter_queue(inner.queue_jobs_max)?;
        let (sender, events) = tokio::sync::mpsc::channel(EVENTS_UNREAD_MAX);
        let failure = Arc::new(OnceLock::new());
        let answer = Answer::new(events, Arc::clone(&failure), job.choices, inner.messages.clone());
        let reader = Reader::new(sender, failure, inner.messages.clone());
        match inner.messages.send(Message::Job(Box::new(job), reader)) {
            Ok(()) => Ok(answer),
            Err(_) => Err(Refused::Stopped),
        }
    }

    /// How busy it is.
    pub fn load(&self) -> Load {
        self.inner.gauges.load()
    }

    /// Why it takes no more jobs, once it does not: it was told to stop, or its engine broke.
    pub fn stopped(&self) -> Option<&str> {
        self.inner.gauges.stopped()
    }
}

impl fmt::Debug for LocalModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalModel").field("model", &self.inner.card.name).finish_non_exhaustive()
    }
}

/// How a model stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// What was taken is answered first; readers who do not read hold this up.
    Finish,
    /// What is not answered yet fails.
    Cancel,
}

/// The model's thread. Dropping this leaves it to run for as long as there are handles.
#[must_use]
#[derive(Debug)]
pub struct Running {
    thread: JoinHandle<()>,
    messages: Sender<Message>,
    gauges: Arc<Gauges>,
}

impl Running {
    /// Tells the thread to stop, and returns at once: new jobs are refused from here on. `Cancel` may follow `Finish`.
    pub fn tell(&self, stop: Stop) {
        self.gauges.stop("it was told to stop");
        // A thread that is gone needs no telling.
        let _ = self.messages.send(Message::Stop(stop));
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Blocks until the thread has ended.
    pub fn join(self) {
        let Self { thread, messages, gauges } = self;
        // Our own end of the channel would keep a thread without other handles waiting.
        drop((messages, gauges));
        if thread.join().is_err() {
            tracing::error!("the local model's thread ended in a panic");
        }
    }

    /// Tells the thread to stop and blocks until it has ended.
    pub fn stop(self, stop: Stop) {
        self.tell(stop);
        self.join();
    }
}
