//! The one thread that seals and writes: it alone holds keys, and syncs once for all who wait.
//!
//! After the first failure it never writes, syncs or acknowledges again, for a later sync may succeed over bytes that the
//! disk has lost (Rebello et al., ATC 2020). Knows nothing of databases, nor of what the bytes say.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::PayloadError;
use super::disk::{Disk, Growing};
use super::form::{FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader, Place, RequestTag, TAG_BYTES};
use super::form::{file_name, file_number};
use super::keys::{DataKey, FileKey, KeyId, Month, OriginHash};
use crate::tasks;

/// A file that has passed this is followed by the next: small enough to be copied and looked through.
pub(super) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes that wait for the disk; who brings more waits. At 64 KiB a frame, some hundred answers at once.
pub(super) const BYTES_WAITING_MAX: u32 = 16 * 1024 * 1024;
/// Sealed bytes that are written in one piece.
const WRITE_BYTES: usize = 1024 * 1024;
/// Messages of one batch: what waits longest waits for two syncs.
const BATCH_MESSAGES_MAX: usize = 4096;
/// Files open at once. At the turn of a month the answers begun before it still go to its file.
const FILES_OPEN_MAX: usize = 2;

/// What the writer is asked.
pub(super) enum Message {
    /// From now on frames may name this key.
    Learn { id: KeyId, key: DataKey },
    /// The key has been destroyed. Frames that name it are dropped: what they hold is erased.
    Forget { id: KeyId },
    /// Seal and write this.
    Frame(Frame),
    /// Make all that came before durable, then tell.
    Sync(oneshot::Sender<Result<(), PayloadError>>),
    /// Make all that came before durable, then do this; do it too if that fails.
    Then(Then),
    /// Write what came before, and end.
    Close,
}

/// What is done when something is durable, or will never be: must be quick and must not block.
pub(super) type Then = Box<dyn FnOnce() + Send>;

/// A piece of a request or an answer.
pub(super) struct Frame {
    pub(super) key: KeyId,
    pub(super) month: Month,
    pub(super) request: RequestTag,
    pub(super) place: Place,
    pub(super) text: Bytes,
    /// Held until the piece is written; the last piece of a dropped payload has none.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// The way to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Queue {
    messages: mpsc::UnboundedSender<Message>,
    room: Arc<Semaphore>,
    failed: watch::Receiver<bool>,
}

/// The running writer. Finish it after all requests have ended, and before the log is closed.
#[derive(Debug)]
pub struct Sealing {
    messages: mpsc::UnboundedSender<Message>,
    thread: JoinHandle<Result<(), PayloadError>>,
}

/// Starts the writer in `folder`.
pub(super) fn start(
    disk: Box<dyn Disk>,
    folder: PathBuf,
    origin: OriginHash,
    file_bytes_max: u64,
) -> io::Result<(Queue, Sealing)> {
    let (messages, inbox) = mpsc::unbounded_channel();
    let (failing, failed) = watch::channel(false);
    let room = Arc::new(Semaphore::new(BYTES_WAITING_MAX as usize));
    let queue = Queue { messages: messages.clone(), room: Arc::clone(&room), failed };
    let (keys, open, numbers) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
    let writer = Writer { files: Files { disk, folder, origin, file_bytes_max, open, numbers }, keys, room, failing };
    let thread = tasks::thread("payloads", move || writer.run(inbox))?;
    Ok((queue, Sealing { messages, thread }))
}

impl Queue {
    /// Waits until `bytes` more may wait for the disk.
    pub(super) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, PayloadError> {
        // A frame is never larger than all the room there is.
        let bytes = u32::try_from(bytes).unwrap_or(BYTES_WAITING_MAX);
        Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| PayloadError::Failed)
    }

    /// Sends a message. After the end or a failure nobody reads it, and whoever waits learns that.
    pub(super) fn send(&self, message: Message) {
        if let Err(mpsc::error::SendError(message)) = self.messages.send(message) {
            refuse(std::iter::once(message));
        }
    }

    pub(super) fn failed(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }
}

impl Sealing {
    /// Writes what waits and ends the thread. Blocks for as long as the disk takes.
    pub fn finish(self) -> Result<(), PayloadError> {
        // If nobody reads it, the thread has ended by itself, and says why.
        drop(self.messages.send(Message::Close));
        self.thread.join().unwrap_or(Err(PayloadError::Failed))
    }
}

struct Writer {
    files: Files,
    /// Every key that may seal. Owner: the writer alone.
    keys: HashMap<KeyId, DataKey>,
    room: Arc<Semaphore>,
    failing: watch::Sender<bool>,
}

impl Writer {
    fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) -> Result<(), PayloadError> {
        let mut waiting = Vec::new();
        while let Some(first) = inbox.blocking_recv() {
            let (mut next, mut taken, mut closing) = (Some(first), 0, false);
            let mut done = Ok(());
            while let Some(message) = next.take() {
                match message {
                    Message::Learn { id, key } => drop(self.keys.insert(id, key)),
                    Message::Forget { id } => self.forget(id),
                    Message::Frame(frame) => done = done.and_then(|()| self.seal(frame)),
                    Message::Close => closing = true,
                    who @ (Message::Sync(_) | Message::Then(_)) => waiting.push(who),
                }
                taken += 1;
                next = if taken < BATCH_MESSAGES_MAX { inbox.try_recv().ok() } else { None };
            }
            // Bytes for which nobody waits yet are left to the system until somebody does.
            if closing || !waiting.is_empty() {
                done = done.and_then(|()| self.files.sync());
            }
            if let Err(error) = done {
                tracing::error!(%error, "sealed payloads cannot be written: {error}; nothing is sent from now on");
                // Told before anybody is answered, so that whoever is refused finds the failure already stated.
                self.failing.send_replace(true);
                inbox.close();
                self.room.close();
                refuse(waiting.drain(..));
                refuse(std::iter::from_fn(|| inbox.blocking_recv()));
                return Err(PayloadError::Failed);
            }
            acknowledge(waiting.drain(..));
            if closing {
                inbox.close();
                self.room.close();
                refuse(std::iter::from_fn(|| inbox.blocking_recv()));
                break;
            }
        }
        Ok(())
    }

    fn seal(&mut self, frame: Frame) -> io::Result<()> {
        // A key that is not known has been destroyed: what it would seal is erased.
        let Some(key) = self.keys.get(&frame.key) else { return Ok(()) };
        self.files.append(key, frame)
    }

    fn forget(&mut self, id: KeyId) {
        self.keys.remove(&id);
        for file in self.files.open.values_mut() {
            file.keys.remove(&id);
        }
    }
}

impl Drop for Writer {
    /// A writer that ends by a defect has failed as well: the process must not seem ready without it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failing.send_replace(true);
            self.room.close();
        }
    }
}

struct Files {
    disk: Box<dyn Disk>,
    folder: PathBuf,
    origin: OriginHash,
    file_bytes_max: u64,
    open: BTreeMap<Month, Open>,
    /// The number of the last file of each month that this process has opened.
    numbers: BTreeMap<Month, u64>,
}

/// A file that this process has made.
struct Open {
    file: Box<dyn Growing>,
    header: FileHeader,
    keys: HashMap<KeyId, FileKey>,
    frames: u64,
    bytes: u64,
    /// Sealed, not yet written.
    buffer: Vec<u8>,
    /// Something was sealed since the last sync.
    dirty: bool,
    /// Its name may not be durable yet.
    new: bool,
}

impl Files {
    /// Seals a frame into the file of its month.
    fn append(&mut self, key: &DataKey, frame: Frame) -> io::Result<()> {
        let month = frame.month;
        if self.open.get(&month).is_some_and(|file| file.bytes >= self.file_bytes_max) {
            self.close(month)?;
        }
        if !self.open.contains_key(&month) {
            while self.open.len() >= FILES_OPEN_MAX
                && let Some(oldest) = self.open.keys().next().copied()
            {
                self.close(oldest)?;
            }
            let file = self.create(month)?;
            self.open.insert(month, file);
        }
        let Some(file) = self.open.get_mut(&month) else { return Ok(()) };
        file.seal(self.origin, key, frame)
    }

    /// Makes everything sealed so far durable.
    fn sync(&mut self) -> io::Result<()> {
        for (month, file) in &mut self.open {
            sync(&*self.disk, &self.folder, *month, file)?;
        }
        Ok(())
    }

    fn close(&mut self, month: Month) -> io::Result<()> {
        match self.open.remove(&month) {
            Some(mut file) => sync(&*self.disk, &self.folder, month, &mut file),
            None => Ok(()),
        }
    }

    fn create(&mut self, month: Month) -> io::Result<Open> {
        let folder = self.folder.join(month.to_string());
        let last = if let Some(last) = self.numbers.get(&month) {
            *last
        } else {
            self.disk.make_folder(&folder)?;
            let names = self.disk.names(&folder)?;
            names.iter().filter_map(|name| file_number(name)).max().unwrap_or(0)
        };
        let number = last.saturating_add(1);
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let header = FileHeader { origin: self.origin, number, salt };
        let file = self.disk.create(&folder.join(file_name(number)))?;
        self.numbers.insert(month, number);
        let buffer = header.to_bytes().to_vec();
        let (keys, bytes) = (HashMap::new(), FILE_HEADER_BYTES as u64);
        Ok(Open { file, header, keys, frames: 0, bytes, buffer, dirty: true, new: true })
    }
}

fn sync(disk: &dyn Disk, payloads: &Path, month: Month, file: &mut Open) -> io::Result<()> {
    if !file.dirty {
        return Ok(());
    }
    file.flush()?;
    file.file.sync()?;
    if file.new {
        disk.sync_folder(&payloads.join(month.to_string()))?;
        disk.sync_folder(payloads)?;
        file.new = false;
    }
    file.dirty = false;
    Ok(())
}

impl Open {
    fn seal(&mut self, origin: OriginHash, key: &DataKey, frame: Frame) -> io::Result<()> {
        let Frame { key: id, request, place, text, room, month: _ } = frame;
        let file_key = match self.keys.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(key.file_key(origin, id, &self.header).map_err(io::Error::other)?),
        };
        let sealed_bytes = u32::try_from(text.len() + TAG_BYTES).map_err(io::Error::other)?;
        let number = self.frames;
        let header = FrameHeader { sealed_bytes, number, key: id, request, place }.to_bytes();
        self.buffer.extend_from_slice(&header);
        let from = self.buffer.len();
        self.buffer.extend_from_slice(&text);
        file_key.seal(number, &header, &mut self.buffer, from).map_err(io::Error::other)?;
        self.frames += 1;
        self.bytes += FRAME_HEADER_BYTES as u64 + u64::from(sealed_bytes);
        self.dirty = true;
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        // The text is sealed; others may bring theirs.
        drop(room);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Tells everybody that what they wait for is durable.
fn acknowledge(waiting: impl Iterator<Item = Message>) {
    for message in waiting {
        match message {
            // Whoever asked may be gone.
            Message::Sync(told) => drop(told.send(Ok(()))),
            Message::Then(then) => then(),
            Message::Learn { .. } | Message::Forget { .. } | Message::Frame(_) | Message::Close => {}
        }
    }
}

/// Tells everybody that nothing is acknowledged any more.
fn refuse(waiting: impl Iterator<Item = Message>) {
    for message in waiting {
        match message {
            Message::Sync(told) => drop(told.send(Err(PayloadError::Failed))),
            Message::Then(then) => then(),
            Message::Learn { .. } | Message::Forget { .. } | Message::Frame(_) | Message::Close => {}
        }
    }
}
