//! Sealed payloads: requests and answers kept encrypted, so that destroying a key erases them and every proof of the log
//! still holds (`spec/payloads.md`).
//!
//! One key a team and month; one thread that seals and writes, and that alone holds keys. A request gives its bytes to its
//! [`Payload`] and waits until they are durable. It must not know the road, nor what the bytes mean.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::clock::Clock;
use crate::database::{Database, DatabaseError, Watch};
use crate::tasks::Tasks;

pub use keys::{Month, NotAMonth, PayloadSecret};
pub use read::{Damage, Kept, KeptPart, ReadError, Wanted, read};
pub use table::{EraseError, Erased, erase};
pub use writer::Sealing;

mod disk;
mod form;
mod keys;
mod read;
mod table;
mod writer;

use disk::{Disk, Machine};
use form::{FRAME_TEXT_BYTES_MAX, Part, Place, RequestTag};
use keys::{KeyId, OriginHash};
use table::Table;
use writer::{FILE_BYTES_MAX, Frame, Message, Queue};

/// How often it is looked for keys that another process has destroyed: they are forgotten within a second, the reading
/// included.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Bytes of an answer that are gathered before they are sealed: a frame for each event of a stream would be a quarter header.
const ANSWER_BYTES_GATHERED: usize = 16 * 1024;
/// Bytes of one answer that are kept; what is longer is broken off. A reader holds a whole one in memory.
pub const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Seals payloads. Cheap to clone; clones share keys and writer.
#[derive(Clone)]
pub struct Payloads(Arc<Shared>);

struct Shared {
    clock: Clock,
    queue: Queue,
    table: Table,
    /// The key of each team and month, by name; the writer has the keys themselves. At most one for each team and month in
    /// which this process served.
    known: Mutex<HashMap<(Box<str>, Month), KeyId>>,
    /// Held by whoever makes a key or looks for destroyed ones, so that neither undoes what the other does.
    changing: tokio::sync::Mutex<()>,
}

/// The request and answer of one request, on their way to the disk. Dropped, it seals what it was given.
pub struct Payload {
    queue: Queue,
    key: KeyId,
    month: Month,
    request: RequestTag,
    answer: Answer,
}

/// What is known of the answer so far.
#[derive(Debug, Default)]
struct Answer {
    bytes: u64,
    /// Given, not yet on the way.
    gathered: BytesMut,
    frames: u32,
    begun: bool,
    ended: bool,
}

/// Why a payload is not kept, or cannot be known to be.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// A write or a sync failed once. Nothing is acknowledged any more until the process has started again.
    #[error("sealed payloads cannot be written, so nothing is sent any more until the process has started again")]
    Failed,
    /// The answer is longer than is kept.
    #[error("the answer is longer than the {ANSWER_BYTES_MAX} bytes that are kept of one")]
    TooLong,
    /// A key that another secret wrapped.
    #[error("the payload key {id} of team `{}` does not open with `payload.secret`: restore the secret or the database from the same copy", team.escape_debug())]
    Foreign {
        /// The key.
        id: String,
        /// Whose.
        team: String,
    },
    /// The system gave no chance.
    #[error("no payload key could be made: {0}")]
    NotMade(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Payloads {
    /// Starts sealing into `folder`, for the log of that origin. Fails only where the system gives no thread.
    pub fn open(
        folder: &Path,
        secret: PayloadSecret,
        database: Database,
        origin: &str,
        clock: Clock,
    ) -> io::Result<(Self, Sealing)> {
        let table = Table { database, secret, origin: OriginHash::of(origin) };
        Self::on(Box::new(Machine), folder.to_owned(), FILE_BYTES_MAX, table, clock)
    }

    fn on(
        disk: Box<dyn Disk>,
        folder: PathBuf,
        file_bytes_max: u64,
        table: Table,
        clock: Clock,
    ) -> io::Result<(Self, Sealing)> {
        let (queue, sealing) = writer::start(disk, folder, table.origin, file_bytes_max)?;
        let (known, changing) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok((Self(Arc::new(Shared { clock, queue, table, known, changing })), sealing))
    }

    /// Begins the payload of a request. The first of a team and month waits for its key to be made.
    pub async fn begin(&self, team: &str, request_id: &str) -> Result<Payload, PayloadError> {
        if *self.0.queue.failed().borrow() {
            return Err(PayloadError::Failed);
        }
        let month = Month::of(self.0.clock.wall());
        let key = match self.0.known(team, month) {
            Some(key) => key,
            None => self.0.learn(team, month).await?,
        };
        let (queue, request) = (self.0.queue.clone(), RequestTag::of(request_id));
        Ok(Payload { queue, key, month, request, answer: Answer::default() })
    }

    /// Turns true when a write or sync has failed. The process should then end.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.0.queue.failed()
    }

    /// Forgets keys that another process destroys, for as long as the process lives. If the database cannot be read, the keys
    /// stay known, and the log says so once.
    pub fn follow(&self, tasks: &Tasks) {
        let payloads = self.clone();
        tasks.start("payload keys", |stop| async move {
            let mut watch = Watch::default();
            let mut failing = false;
            loop {
                tokio::select! {
                    // While answers drain, which takes no longer than the end of the process may, no key is learnt any
                    // more; with the process the known ones end.
                    () = stop.draining() => break,
                    () = payloads.0.clock.sleep(LOOK_EVERY) => {}
                }
                match payloads.0.look(&mut watch).await {
                    Ok(()) => failing = false,
                    Err(error) if failing => tracing::debug!(%error, "the payload keys still cannot be read"),
                    Err(error) => {
                        failing = true;
                        tracing::error!(%error, "{error}; no destroyed payload key is seen");
                    }
                }
            }
        });
    }
}

impl Shared {
    fn known(&self, team: &str, month: Month) -> Option<KeyId> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(Box::from(team), month)).copied()
    }

    async fn learn(&self, team: &str, month: Month) -> Result<KeyId, PayloadError> {
        let _changing = self.changing.lock().await;
        // Another request of the team may have been quicker.
        if let Some(key) = self.known(team, month) {
            return Ok(key);
        }
        let (id, key) = self.table.find_or_make(team, month, self.clock.wall()).await?;
        // Before the name is known, so that no frame comes to the writer before its key.
        self.queue.send(Message::Learn { id, key });
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert((Box::from(team), month), id);
        Ok(id)
    }

    /// Forgets what was destroyed, if another connection has changed the database since the last look.
    async fn look(&self, watch: &mut Watch) -> Result<(), DatabaseError> {
        let _changing = self.changing.lock().await;
        if let Some(state) = watch.look(&self.table.database).await? {
            let in_force = self.table.in_force().await?;
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, id| {
                let stays = in_force.contains(id);
                if !stays {
                    self.queue.send(Message::Forget { id: *id });
                }
                stays
            });
            drop(known);
            watch.settle(state);
        }
        Ok(())
    }
}

impl Payload {
    /// Sends the whole request on its way. Waits while too much waits for the disk.
    pub async fn request(&mut self, bytes: &[u8]) -> Result<(), PayloadError> {
        let mut pieces = bytes.chunks(FRAME_TEXT_BYTES_MAX).zip(0..).peekable();
        if bytes.is_empty() {
            let place = Place { part: Part::Request, number: 0, last: true };
            self.send(place, Bytes::new(), None);
        }
        while let Some((piece, number)) = pieces.next() {
            let room = self.queue.room(piece.len()).await?;
            let place = Place { part: Part::Request, number, last: pieces.peek().is_none() };
            self.send(place, Bytes::copy_from_slice(piece), Some(room));
        }
        Ok(())
    }

    /// Takes more of the answer, which [`Payload::flow`] sends on its way before more is taken. After an error nothing of
    /// `bytes` was taken.
    pub fn answer(&mut self, bytes: &[u8]) -> Result<(), PayloadError> {
        let after = self.answer.bytes.saturating_add(bytes.len() as u64);
        if after > ANSWER_BYTES_MAX {
            return Err(PayloadError::TooLong);
        }
        self.answer.bytes = after;
        self.answer.begun |= !bytes.is_empty();
        self.answer.gathered.extend_from_slice(bytes);
        Ok(())
    }

    /// Sends on its way what has gathered. Waits while too much waits for the disk. Dropping it loses nothing.
    pub async fn flow(&mut self) -> Result<(), PayloadError> {
        while self.answer.gathered.len() >= ANSWER_BYTES_GATHERED {
            let bytes = self.answer.gathered.len().min(FRAME_TEXT_BYTES_MAX);
            let room = self.queue.room(bytes).await?;
            self.send_answer(bytes, false, Some(room));
        }
        Ok(())
    }

    /// Waits until everything on its way is durable.
    pub async fn durable(&self) -> Result<(), PayloadError> {
        let (told, durable) = oneshot::channel();
        self.queue.send(Message::Sync(told));
        durable.await.unwrap_or(Err(PayloadError::Failed))
    }

    /// The answer has ended, if it has begun: waits until all of it is durable. Dropping it loses nothing.
    pub async fn finish(&mut self) -> Result<(), PayloadError> {
        self.flow().await?;
        self.end();
        self.durable().await
    }

    /// The answer has ended and nobody waits: does `then` once all of it is durable, or will never be.
    pub fn finish_then(mut self, then: impl FnOnce() + Send + 'static) {
        self.end();
        self.queue.send(Message::Then(Box::new(then)));
    }

    /// Sends the last of the answer, without waiting for room: less than a gathering, unless whoever gave it has gone.
    fn end(&mut self) {
        if self.answer.begun && !self.answer.ended {
            while self.answer.gathered.len() > FRAME_TEXT_BYTES_MAX {
                self.send_answer(FRAME_TEXT_BYTES_MAX, false, None);
            }
            self.send_answer(self.answer.gathered.len(), true, None);
        }
    }

    fn send_answer(&mut self, bytes: usize, last: bool, room: Option<OwnedSemaphorePermit>) {
        let text = self.answer.gathered.split_to(bytes).freeze();
        let place = Place { part: Part::Answer, number: self.answer.frames, last };
        self.answer.frames += 1;
        self.answer.ended = last;
        self.send(place, text, room);
    }

    fn send(&self, place: Place, text: Bytes, room: Option<OwnedSemaphorePermit>) {
        let Self { key, month, request, .. } = *self;
        self.queue.send(Message::Frame(Frame { key, month, request, place, text, room }));
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Payloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payloads")
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("key", &self.key)
            .field("answer_bytes", &self.answer.bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
