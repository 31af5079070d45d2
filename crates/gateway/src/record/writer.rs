//! The one thread that writes the record: everything that waits goes out in one write and one sync.
//!
//! After the first failure it never writes, syncs or acknowledges again, for a later sync may succeed over bytes that the
//! disk has lost (Rebello et al., ATC 2020). Knows nothing of what entries say.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};

use super::entry::{Entry, Fields};
use super::file::RecordFile;
use super::{Permit, RecordError, Unnumbered, line};
use crate::clock::Clock;
use crate::tasks;

/// Entries that may wait for the disk before new decisions are refused: at 512 bytes each, 8 MiB; at 4 ms a sync and
/// [`BATCH_ENTRIES_MAX`] a batch, some tens of milliseconds. Outcomes always fit: there are no more of them than permits.
pub(super) const ENTRIES_WAITING_MAX: usize = 16 * 1024;
/// Entries of one batch: what waits longest waits for two syncs.
const BATCH_ENTRIES_MAX: usize = 4096;

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Message {
    /// Write a decision; then number its permit and hand it out. Whoever asked may be gone: then the permit is dropped, and
    /// by that abandoned.
    Decision { fields: Fields, permit: Unnumbered, made: oneshot::Sender<Result<Permit, RecordError>> },
    /// Write an entry; then tell its number to whoever wants it.
    Other { fields: Fields, written: Option<oneshot::Sender<Result<u64, RecordError>>> },
    /// Write what came before, the closing entry, and end.
    Close,
}

/// The way to the writer.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    messages: mpsc::UnboundedSender<Message>,
    waiting: Arc<AtomicUsize>,
    failed: watch::Receiver<bool>,
}

/// The running writer. Finish it after everything else, so that the last outcomes are written.
#[derive(Debug)]
pub struct Writing {
    queue: Queue,
    thread: JoinHandle<Result<(), RecordError>>,
}

/// Starts the writer on `file`, whose next entry is `next`.
pub(super) fn start(file: Box<dyn RecordFile>, next: u64, clock: Clock) -> io::Result<(Queue, Writing)> {
    let (messages, inbox) = mpsc::unbounded_channel();
    let (failing, failed) = watch::channel(false);
    let waiting = Arc::new(AtomicUsize::new(0));
    let queue = Queue { messages, waiting: Arc::clone(&waiting), failed };
    let writer = Writer { file, next, clock, waiting, failing, lines: Vec::new() };
    let thread = tasks::thread("record", move || writer.run(inbox))?;
    Ok((queue.clone(), Writing { queue, thread }))
}

impl Queue {
    /// Sends a message that may be refused.
    pub(super) fn send_if_room(&self, message: Message) -> Result<(), RecordError> {
        if *self.failed.borrow() {
            return Err(RecordError::Failed);
        }
        let waiting = self.waiting();
        if waiting >= ENTRIES_WAITING_MAX {
            return Err(RecordError::Busy { waiting });
        }
        self.send(message);
        Ok(())
    }

    /// Sends a message that must not be lost. After the end or a failure nobody reads it, and whoever waits learns that.
    pub(super) fn send(&self, message: Message) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.messages.send(message).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn failed(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }
}

impl Writing {
    /// Writes what waits and the closing entry, and ends the thread. Blocks for as long as the disk takes.
    pub fn finish(self) -> Result<(), RecordError> {
        self.queue.send(Message::Close);
        self.thread.join().unwrap_or(Err(RecordError::Failed))
    }
}

struct Writer {
    file: Box<dyn RecordFile>,
    /// The number of the next entry. Owner: the writer alone.
    next: u64,
    clock: Clock,
    waiting: Arc<AtomicUsize>,
    failing: watch::Sender<bool>,
    /// The batch's lines; kept to be used again.
    lines: Vec<u8>,
}

impl Writer {
    fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) -> Result<(), RecordError> {
        let mut batch = Vec::new();
        while let Some(first) = inbox.blocking_recv() {
            batch.push(first);
            while batch.len() < BATCH_ENTRIES_MAX
                && let Ok(message) = inbox.try_recv()
            {
                batch.push(message);
            }
            self.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
            let closing = batch.iter().any(|message| matches!(message, Message::Close));
            if let Err(error) = self.write(&batch) {
                tracing::error!(%error, "the record cannot be written: {error}; nothing is sent from now on");
                // Told before anybody is answered, so that whoever is refused finds the failure already stated.
                self.failing.send_replace(true);
                inbox.close();
                refuse(batch.drain(..));
                refuse(std::iter::from_fn(|| inbox.blocking_recv()));
                return Err(RecordError::Failed);
            }
            self.acknowledge(batch.drain(..));
            if closing {
                inbox.close();
                break;
            }
        }
        Ok(())
    }

    /// Puts the batch on the disk.
    fn write(&mut self, batch: &[Message]) -> io::Result<()> {
        self.lines.clear();
        let first = self.next;
        for (seq, message) in (first..).zip(batch) {
            match message {
                Message::Decision { fields, .. } | Message::Other { fields, .. } => {
                    line::render(&mut self.lines, seq, first, fields);
                }
                Message::Close => {
                    let fields = Entry::Stopped { at: self.clock.wall() }.to_fields();
                    line::render(&mut self.lines, seq, first, &fields);
                }
            }
        }
        self.file.append(&self.lines)?;
        self.file.sync()
    }

    /// Tells everybody in the batch, which is durable now, in its order.
    fn acknowledge(&mut self, batch: impl Iterator<Item = Message>) {
        for message in batch {
            let entry = self.next;
            self.next += 1;
            match message {
                // Nobody may be there any more to be told. A permit that nobody takes is dropped, and sends its outcome.
                Message::Decision { permit, made, .. } => drop(made.send(Ok(permit.number(entry)))),
                Message::Other { written: Some(written), .. } => drop(written.send(Ok(entry))),
                Message::Other { written: None, .. } | Message::Close => {}
            }
        }
    }
}

impl Drop for Writer {
    /// A writer that ends by a defect has failed as well: the process must not seem ready without it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failing.send_replace(true);
        }
    }
}

/// Tells everybody that nothing is acknowledged any more.
fn refuse(batch: impl Iterator<Item = Message>) {
    for message in batch {
        match message {
            Message::Decision { made, .. } => drop(made.send(Err(RecordError::Failed))),
            Message::Other { written: Some(written), .. } => drop(written.send(Err(RecordError::Failed))),
            Message::Other { written: None, .. } | Message::Close => {}
        }
    }
}
