//! The model's thread.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::{Engine, Event, Job, Load, Settings, Stop, TextCodec};

/// What the thread is told.
pub(crate) enum Message {
    /// A job to do.
    Job(Box<Ticket>),
    /// Something may have changed: a reader has read, or left.
    Look,
    /// An end to all this.
    Stop(Stop),
}

/// A job and where its answer goes.
pub(crate) struct Ticket {
    job: Job,
    events: mpsc::Sender<Event>,
    failure: Arc<OnceLock<String>>,
    thread: Sender<Message>,
}

impl Ticket {
    pub(crate) fn new(
        job: Job,
        events: mpsc::Sender<Event>,
        failure: Arc<OnceLock<String>>,
        thread: Sender<Message>,
    ) -> Self {
        Self { job, events, failure, thread }
    }
}

/// What the thread tells of itself.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) queued: AtomicUsize,
    pub(crate) stopped: OnceLock<String>,
    retry_after_seconds: AtomicU64,
    load: Mutex<Load>,
}

impl Gauges {
    pub(crate) fn load(&self) -> Load {
        let load = *self.load.lock().unwrap_or_else(PoisonError::into_inner);
        Load { queued: self.queued.load(Ordering::Acquire), ..load }
    }

    pub(crate) fn retry_after(&self) -> Duration {
        Duration::from_secs(self.retry_after_seconds.load(Ordering::Acquire).max(1))
    }
}

pub(crate) struct Scheduler {
    inbox: Receiver<Message>,
    gauges: Arc<Gauges>,
}

impl Scheduler {
    pub(crate) fn new(
        _engine: Box<dyn Engine>,
        _codec: Arc<dyn TextCodec>,
        inbox: Receiver<Message>,
        gauges: Arc<Gauges>,
        _settings: Settings,
    ) -> Self {
        Self { inbox, gauges }
    }

    pub(crate) fn run(self) {
        for message in self.inbox.iter() {
            match message {
                Message::Job(ticket) => {
                    let _ = ticket.failure.set("the scheduler is not written yet".to_owned());
                    drop((ticket.job, ticket.events, ticket.thread));
                    self.gauges.queued.fetch_sub(1, Ordering::AcqRel);
                }
                Message::Look => {}
                Message::Stop(_) => return,
            }
        }
    }
}
