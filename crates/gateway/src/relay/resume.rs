//! Answers that go on for a while though their caller's connection has dropped, and that the same caller takes up again where it
//! stopped. Each is owned by one task, which makes it, keeps its events within limits, and hands them to whoever reads.
//!
//! It must not know what the events say.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderName, StatusCode};
use tokio::sync::{mpsc, oneshot};
use wire::error::Code;

use super::Marks;
use super::restore::events;
use crate::{
    clock::{Clock, Sleep},
    error::ApiError,
    keys::Caller,
    tasks::{Stop, Tasks},
};

/// By which a caller names the last event that it has.
const LAST_EVENT_HEADER: HeaderName = HeaderName::from_static("last-event-id");
/// Answers that are kept at once, and of one key: with the next limit 128 MiB at most.
const ANSWERS_MAX: usize = 256;
const ANSWERS_PER_KEY_MAX: usize = 16;
/// Bytes of events that are kept of one answer. What its reader has taken goes first; without a reader the answer waits.
const KEPT_BYTES_MAX: usize = 512 * 1024;
/// Events on their way to a reader.
const UNDER_WAY_MAX: usize = 16;
/// Readers that ask at once for one answer.
const ASKING_MAX: usize = 4;

/// The answers that can be taken up.
#[derive(Clone, Default)]
pub(crate) struct Resumable(Arc<Mutex<HashMap<Arc<str>, Known>>>);

/// How an answer's task is found. The task takes it out when it ends.
struct Known {
    key_id: Arc<str>,
    marks: Marks,
    asking: mpsc::Sender<Asking>,
}

/// Somebody wants the events from this number on.
struct Asking {
    from: u64,
    reply: oneshot::Sender<Option<Taking>>,
}

/// An answer as it is made.
pub(super) type Making = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// One answer, kept by its task.
struct Keeping {
    id: Arc<str>,
    /// None once it has ended.
    making: Option<Making>,
    /// Events that are kept; the first has the number `first`.
    events: VecDeque<Bytes>,
    first: u64,
    bytes: usize,
    reader: Option<Reader>,
    span: Duration,
    /// When it is given up: set while nobody reads, and once it has ended.
    until: Option<Sleep>,
    clock: Clock,
}

struct Reader {
    events: mpsc::Sender<Bytes>,
    /// The number of the event that it takes next.
    next: u64,
    /// Whether it has all of an answer that has ended: without that its end is a cut.
    has_all: Arc<AtomicBool>,
}

/// A reader's end of it.
struct Taking {
    events: mpsc::Receiver<Bytes>,
    has_all: Arc<AtomicBool>,
}

/// A reader that takes events from that number on.
fn reader(next: u64) -> (Reader, Taking) {
    let (sender, events) = mpsc::channel(UNDER_WAY_MAX);
    let has_all = Arc::new(AtomicBool::new(false));
    (Reader { events: sender, next, has_all: Arc::clone(&has_all) }, Taking { events, has_all })
}

/// What happened to an answer.
enum Happened {
    Asked(Option<Asking>),
    Made(Option<Bytes>),
    Taken,
    ReaderLeft,
    TimeIsUp,
    Draining,
}

impl Resumable {
    /// Has a task make the answer `id`, and gives the body that reads it; gives the answer back where there is no room for it.
    pub(super) fn keep(
        &self,
        (id, key_id): (&Arc<str>, &Arc<str>),
        marks: &Marks,
        making: Making,
        span: Duration,
        (tasks, clock): (&Tasks, &Clock),
    ) -> Result<Body, Making> {
        let (asking, inbox) = mpsc::channel(ASKING_MAX);
        {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let own = known.values().filter(|known| known.key_id == *key_id).count();
            if known.len() >= ANSWERS_MAX || own >= ANSWERS_PER_KEY_MAX {
                return Err(making);
            }
            known.insert(Arc::clone(id), Known { key_id: Arc::clone(key_id), marks: marks.clone(), asking });
        }
        let (reader, taking) = reader(1);
        let keeping = Keeping {
            id: Arc::clone(id),
            making: Some(making),
            events: VecDeque::new(),
            first: 1,
            bytes: 0,
            reader: Some(reader),
            span,
            until: None,
            clock: clock.clone(),
        };
        let listed = Listed { resumable: self.clone(), id: Arc::clone(id) };
        tasks.start("answer", |stop| async move {
            let _listed = listed;
            keeping.keep(inbox, &stop).await;
        });
        Ok(body(taking))
    }

    /// What is left of an answer after the event that the headers name, if they name one.
    pub(crate) async fn take_up(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Option<Result<(Body, Marks), ApiError>> {
        let last = headers.get(LAST_EVENT_HEADER)?;
        // Whether an answer is another's or is not there at all is not told.
        let gone = || {
            let message = "there is no answer of this key to take up after that event: it was never asked for so, its time is \
                           over, or the event is not kept any more";
            ApiError::caller(StatusCode::NOT_FOUND, Code::InvalidValue, message).param(LAST_EVENT_HEADER.as_str())
        };
        let named = last.to_str().ok().and_then(|last| last.rsplit_once('.'));
        let Some((id, number)) = named.and_then(|(id, number)| Some((id, number.parse::<u64>().ok()?))) else {
            return Some(Err(gone()));
        };
        let found = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let own = known.get(id).filter(|known| known.key_id == caller.key_id);
            own.map(|known| (known.asking.clone(), known.marks.clone()))
        };
        let Some((asking, marks)) = found else { return Some(Err(gone())) };
        let (reply, replied) = oneshot::channel();
        // A task that is gone by now answers nothing.
        let _ = asking.send(Asking { from: number.saturating_add(1), reply }).await;
        Some(replied.await.ok().flatten().map(|taking| (body(taking), marks)).ok_or_else(gone))
    }
}

/// An answer's place among those known; leaves it when dropped.
struct Listed {
    resumable: Resumable,
    id: Arc<str>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.resumable.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Keeping {
    async fn keep(mut self, mut inbox: mpsc::Receiver<Asking>, stop: &Stop) {
        loop {
            match self.happens(&mut inbox, stop).await {
                Happened::Asked(Some(asking)) => self.read_by(asking),
                Happened::Made(Some(bytes)) => self.number(&bytes),
                Happened::Made(None) => {
                    self.making = None;
                    self.until = Some(self.clock.sleep(self.span));
                }
                Happened::Taken => {}
                Happened::ReaderLeft => {
                    self.reader = None;
                    let until = self.until.take();
                    self.until = Some(until.unwrap_or_else(|| self.clock.sleep(self.span)));
                }
                // Nobody is there to read it, or the process ends.
                Happened::Asked(None) | Happened::TimeIsUp | Happened::Draining => return,
            }
            self.finish_reader();
        }
    }

    /// The next that happens. Giving up the wait loses nothing: the answer under way is kept by its stream.
    async fn happens(&mut self, inbox: &mut mpsc::Receiver<Asking>, stop: &Stop) -> Happened {
        let has_room = self.bytes < KEPT_BYTES_MAX || self.make_room();
        let Self { making, events, first, reader, until, .. } = self;
        let is_read = reader.is_some();
        let place = reader.as_ref().map_or(0, |reader| reader.next.saturating_sub(*first));
        let waiting = usize::try_from(place).ok().and_then(|place| events.get(place)).cloned();
        let giving = async {
            match (reader.as_mut(), waiting) {
                (None, _) => std::future::pending().await,
                (Some(reader), Some(event)) => {
                    if reader.events.send(event).await.is_err() {
                        return Happened::ReaderLeft;
                    }
                    reader.next = reader.next.saturating_add(1);
                    Happened::Taken
                }
                (Some(reader), None) => {
                    reader.events.closed().await;
                    Happened::ReaderLeft
                }
            }
        };
        let made = async {
            match making.as_mut().filter(|_| has_room) {
                None => std::future::pending().await,
                Some(making) => making.next().await,
            }
        };
        let time = async {
            match until.as_mut() {
                None => std::future::pending().await,
                Some(until) => until.await,
            }
        };
        tokio::select! {
            biased;
            asking = inbox.recv() => Happened::Asked(asking),
            given = giving => given,
            bytes = made => Happened::Made(bytes),
            () = time, if !is_read => Happened::TimeIsUp,
            () = stop.draining(), if !is_read => Happened::Draining,
        }
    }

    /// Forgets what the reader has taken, where that makes room.
    fn make_room(&mut self) -> bool {
        let taken = self.reader.as_ref().map_or(self.first, |reader| reader.next);
        while self.bytes >= KEPT_BYTES_MAX && self.first < taken {
            let Some(event) = self.events.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(event.len());
            self.first = self.first.saturating_add(1);
        }
        self.bytes < KEPT_BYTES_MAX
    }

    /// The number that the next event will have.
    fn next(&self) -> u64 {
        self.first.saturating_add(self.events.len() as u64)
    }

    /// Keeps these events, each under its number.
    fn number(&mut self, bytes: &Bytes) {
        for event in events(bytes) {
            let mut numbered = BytesMut::from(format!("id: {}.{}\n", self.id, self.next()).as_bytes());
            numbered.extend_from_slice(event.raw);
            self.bytes = self.bytes.saturating_add(numbered.len());
            self.events.push_back(numbered.freeze());
        }
    }

    /// Somebody reads from there on; who read before reads no more.
    fn read_by(&mut self, asking: Asking) {
        if !(self.first..=self.next()).contains(&asking.from) {
            let _ = asking.reply.send(None);
            return;
        }
        let (reader, taking) = reader(asking.from);
        if asking.reply.send(Some(taking)).is_ok() {
            self.reader = Some(reader);
            if self.making.is_some() {
                self.until = None;
            }
        }
    }

    /// A reader that has all of an answer that has ended is done.
    fn finish_reader(&mut self) {
        let next = self.next();
        if self.making.is_none()
            && let Some(reader) = self.reader.take_if(|reader| reader.next >= next)
        {
            reader.has_all.store(true, Ordering::Release);
        }
    }
}

/// What a reader gets. Where it ends before the answer does, because another reads or the process stops, the body is cut, so that
/// nobody takes it for whole.
fn body(taking: Taking) -> Body {
    Body::from_stream(stream::unfold(Some(taking), async |taking| {
        let mut taking = taking?;
        match taking.events.recv().await {
            Some(event) => Some((Ok(event), Some(taking))),
            None if taking.has_all.load(Ordering::Acquire) => None,
            None => Some((Err(std::io::Error::other("the answer goes on elsewhere")), None)),
        }
    }))
}

#[cfg(test)]
mod tests;
