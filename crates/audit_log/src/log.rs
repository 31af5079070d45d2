//! A log as its owner sees it: made, opened, appended to, read, proved, closed.
//!
//! This file must not know how entries, tiles or signatures are written: it joins the parts that do, and owns their threads.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use audit_entry::{Action, Administration, Body, EntryError, Replica, Text, Word};
use sha2::{Digest as _, Sha256};

use tlog::{
    Checkpoint, Hash, Note, NoteError, Proof, Role, Signature, SignedCheckpoint, SigningKeys, VerifierKey, empty_root,
};

use crate::disk::{Disk, RealDisk, replace};
use crate::error::LogError;
use crate::opening::{Opened, open_files};
use crate::reader::Reader;
use crate::recover::Recovered;
use crate::segment::{self, SEGMENT_BYTES_MAX};
use crate::signer::{Published, Signer, persist_then_sign};
use crate::writer::{Appended, Clock, Refused, Room, Shared, Stage, Writer};

/// Entries that may wait for the disk by default: at 64 KiB each they take 256 MiB, as a rule three.
pub const WAITING_MAX: usize = 4_096;
/// The least time between two checkpoints.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// What a log is told by its owner.
pub struct Settings {
    /// Tells the time.
    pub clock: Clock,
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// Entries that may wait for the disk; more are refused as busy.
    pub waiting_max: usize,
    /// The least time between two checkpoints.
    pub checkpoint_every: Duration,
    /// A segment that has passed this many bytes is closed.
    pub segment_bytes_max: u64,
    /// Whether opening reads every segment and writes again what follows from them, tiles and `resume/`, as a rebuild does.
    pub scan_all: bool,
    /// Told once, on a thread of the log, when the disk has failed: from then on nothing is acknowledged.
    pub on_failure: Box<dyn Fn(&str) + Send + Sync>,
}

impl Settings {
    /// The real disk, the default limits, and nobody told of a failure but those who append.
    pub fn new(clock: Clock) -> Settings {
        Settings {
            clock,
            disk: Arc::new(RealDisk),
            waiting_max: WAITING_MAX,
            checkpoint_every: CHECKPOINT_EVERY,
            segment_bytes_max: SEGMENT_BYTES_MAX,
            scan_all: false,
            on_failure: Box::new(|_| {}),
        }
    }
}

/// An open log. Dropping it closes it.
pub struct Log {
    disk: Arc<dyn Disk>,
    reader: Reader,
    shared: Arc<Shared>,
    published: Arc<Published>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Freed when the threads are gone.
    _lock: Box<dyn Send + Sync>,
}

impl Log {
    /// Makes a log in a directory that does not exist or is empty, under this name, with new keys, and signs its empty tree.
    /// The file `origin` comes last: without it a directory is no log.
    pub fn create(dir: &Path, origin: &str, settings: &Settings) -> Result<(), LogError> {
        let disk = &*settings.disk;
        disk.make_dir(dir).map_err(LogError::disk(dir))?;
        if !disk.list(dir).map_err(LogError::disk(dir))?.is_empty() {
            return Err(LogError::NotEmpty(dir.to_owned()));
        }
        let keys = SigningKeys::generate(origin, Role::Log).map_err(LogError::file(&dir.join("origin")))?;
        let segments = dir.join("segments");
        let made = || {
            disk.make_dir(&segments)?;
            let first = segments.join(segment::file_name(0));
            disk.write(&first, &segment::header(0, origin), false)?;
            disk.sync_file(&first)?;
            disk.sync_dir(&segments)?;
            disk.make_dir(&dir.join("tile"))?;
            replace(disk, &dir.join("key"), keys.to_file().as_bytes(), true)?;
            replace(disk, &dir.join("key.pub"), keys.to_public_file().as_bytes(), false)?;
            let empty = Checkpoint { origin: origin.to_owned(), size: 0, root: empty_root() };
            let signed = persist_then_sign(disk, dir, &keys, empty, (settings.clock)().as_secs())?;
            replace(disk, &dir.join("checkpoint"), signed.to_string().as_bytes(), false)?;
            replace(disk, &dir.join("origin"), format!("{origin}\n").as_bytes(), false)?;
            dir.parent().map_or(Ok(()), |parent| disk.sync_dir(parent))
        };
        made().map_err(LogError::disk(dir))
    }

    /// Opens a log, checks it, and starts its two threads. See [`Recovered`] for what the caller then owes it.
    pub fn open(dir: &Path, settings: Settings) -> Result<(Log, Recovered), LogError> {
        let Opened { lock, origin, keys, newest, cosigned, resumed } = open_files(dir, &settings)?;
        let Settings { clock, disk, waiting_max, checkpoint_every, segment_bytes_max, scan_all: _, on_failure } =
            settings;
        let shared = Arc::new(Shared::new(resumed.recovered.entries, waiting_max, on_failure));
        let published = Arc::new(Published::new(newest, cosigned, keys.public().clone()));
        let segments = dir.join("segments");
        let last = segments.join(segment::file_name(resumed.tail.first));
        let writer = Writer {
            file: disk.open(&last, false).map_err(LogError::disk(&last))?,
            disk: Arc::clone(&disk),
            segments,
            origin: Arc::clone(&origin),
            replica: replica_of(&origin),
            clock: Arc::clone(&clock),
            segment_bytes_max,
            size: resumed.recovered.entries,
            last_at: resumed.last_at,
            tail: resumed.tail.clone(),
        };
        let signer = Signer {
            disk: Arc::clone(&disk),
            dir: dir.to_owned(),
            clock,
            every: checkpoint_every,
            keys,
            position: (resumed.tail.first, resumed.tail.bytes),
            parts: resumed.parts,
        };
        let log = Log {
            reader: Reader::of(Arc::clone(&disk), dir.to_owned(), origin),
            disk,
            shared: Arc::clone(&shared),
            published: Arc::clone(&published),
            threads: Mutex::default(),
            _lock: lock,
        };
        let for_signer = (Arc::clone(&shared), published);
        log.start("audit-writer", move || writer.run(&shared))?;
        log.start("audit-signer", move || signer.run(&for_signer.0, &for_signer.1))?;
        Ok((log, resumed.recovered))
    }

    fn start(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), LogError> {
        let shared = Arc::clone(&self.shared);
        let guarded = move || {
            // A panic here is a fault of ours; it must not leave anybody waiting for an acknowledgement.
            if catch_unwind(AssertUnwindSafe(body)).is_err() {
                shared.fail("a thread of the log panicked");
            }
        };
        let thread = Builder::new().name(name.to_owned()).spawn(guarded).map_err(LogError::disk(self.dir()))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.reader.origin()
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        self.reader.dir()
    }

    /// Hands in an entry. `on_durable` is called once, on a thread of the log, when the entry is durable or will never be
    /// known to be; it must be quick, must not block and must not close the log. Never blocks itself, but for a moment's lock.
    pub fn append(
        &self,
        body: &Body,
        on_durable: impl FnOnce(Result<Appended, Refused>) + Send + 'static,
    ) -> Result<(), LogError> {
        Ok(self.shared.append(body.to_fields()?, Room::WhileThereIs, Box::new(on_durable))?)
    }

    /// As [`Log::append`], but never refused as busy: for an entry that completes one already in the log, as an outcome does.
    pub fn append_owed(
        &self,
        body: &Body,
        on_durable: impl FnOnce(Result<Appended, Refused>) + Send + 'static,
    ) -> Result<(), LogError> {
        Ok(self.shared.append(body.to_fields()?, Room::Owed, Box::new(on_durable))?)
    }

    /// Hands in an entry and waits until it is durable.
    pub fn append_and_wait(&self, body: &Body) -> Result<Appended, LogError> {
        let (tell, told) = sync_channel(1);
        // Nobody is left to hear it only if this thread is gone.
        self.append(body, move |result| drop(tell.send(result)))?;
        Ok(told.recv().map_err(|_| Refused::Closed)??)
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        self.published.newest()
    }

    /// How many entries are acknowledged; those above the newest checkpoint's size follow within a second.
    pub fn size(&self) -> u64 {
        self.shared.state().durable
    }

    /// Why the log no longer takes entries, if it doesn't.
    pub fn failure(&self) -> Option<Arc<str>> {
        match &self.shared.state().stage {
            Stage::Failed(why) => Some(Arc::clone(why)),
            Stage::Running | Stage::Closing => None,
        }
    }

    /// The keys that verify what is signed now.
    pub fn public_keys(&self) -> Arc<[VerifierKey; 2]> {
        self.published.public()
    }

    /// Waits for a checkpoint of at least this size, which must be acknowledged already.
    pub fn wait_for_checkpoint(&self, size: u64) -> Result<Arc<SignedCheckpoint>, LogError> {
        self.wait_until(|newest| newest.checkpoint.size >= size)
    }

    fn wait_until(&self, done: impl Fn(&SignedCheckpoint) -> bool) -> Result<Arc<SignedCheckpoint>, LogError> {
        loop {
            let seen = self.shared.checkpoints();
            let newest = self.checkpoint();
            if done(&newest) {
                return Ok(newest);
            }
            self.shared.wait_for_checkpoint(seen)?;
        }
    }

    /// As [`Reader::entries`], under the newest checkpoint.
    pub fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LogError> {
        self.reader.entries_of(self.checkpoint().checkpoint.size, range)
    }

    /// As [`Reader::prove`], under the newest checkpoint.
    pub fn prove(&self, index: u64) -> Result<Proof, LogError> {
        self.reader.prove_under(&self.checkpoint(), index)
    }

    /// As [`Reader::consistency`], under the newest checkpoint.
    pub fn consistency(&self, old: u64) -> Result<Option<(Vec<Hash>, SignedCheckpoint)>, LogError> {
        let newest = self.checkpoint();
        Ok(self.consistency_under(&newest, old)?.map(|proof| (proof, SignedCheckpoint::clone(&newest))))
    }

    /// The proof that a checkpoint of this log extends its first `old` entries, none if it covers fewer: witnesses are asked
    /// together about one.
    pub fn consistency_under(&self, checkpoint: &SignedCheckpoint, old: u64) -> Result<Option<Vec<Hash>>, LogError> {
        self.reader.consistency_under(checkpoint, old)
    }

    /// The newest checkpoint that witnesses have cosigned, if any have.
    pub fn cosigned(&self) -> Option<Arc<SignedCheckpoint>> {
        self.published.cosigned()
    }

    /// Takes the signature lines that a witness answered with when it was asked to cosign `asked`: keeps those by these keys
    /// with the checkpoint, if it is still the newest, and in `cosigned` (`spec/audit_log.md`, section 3). Tells how many hold.
    pub fn add_cosignatures(
        &self,
        asked: &SignedCheckpoint,
        answer: &str,
        witnesses: &[VerifierKey],
    ) -> Result<usize, LogError> {
        let path = self.dir().join("checkpoint");
        let lines = answer.lines().map(Signature::parse).collect::<Result<Vec<_>, NoteError>>();
        let known: Vec<Signature> = lines
            .map_err(LogError::file(&path))?
            .into_iter()
            .filter(|signature| witnesses.iter().any(|key| key.is_named_by(signature)))
            .collect();
        let note = Note { text: asked.note.text.clone(), signatures: known.clone() };
        let cosigned = SignedCheckpoint { checkpoint: asked.checkpoint.clone(), note };
        let held = cosigned.verify(witnesses).map_err(LogError::file(&path))?.len();
        if held == 0 {
            return Ok(0);
        }
        let added = self.published.add_signatures(&*self.disk, self.dir(), asked, &known);
        added.inspect_err(|error| self.shared.fail(&error.to_string())).map_err(LogError::disk(&path))?;
        Ok(held)
    }

    /// Replaces the log's keys: an entry names the new ones, the old ones sign a checkpoint that covers it, and from then on
    /// the new ones sign. Returns when they have.
    pub fn rotate_keys(&self, by: Text) -> Result<Arc<[VerifierKey; 2]>, LogError> {
        let new = SigningKeys::generate(self.origin(), Role::Log).map_err(LogError::file(&self.dir().join("key")))?;
        let [classical, post_quantum] = new.public().each_ref().map(ToString::to_string);
        let named = |name: &str, key: String| -> Result<_, EntryError> { Ok((Word::new(name)?, Text::new(key)?)) };
        let body = Body::Administration(Administration {
            action: Action::KeyRotate,
            subject: Text::new(self.origin())?,
            by,
            detail: [named("ed25519", classical)?, named("ml_dsa_44", post_quantum)?].into(),
        });
        let appended = self.append_and_wait(&body)?;
        self.wait_for_checkpoint(appended.index + 1)?;
        let public = new.public().clone();
        self.published.rotate(new);
        self.shared.ring();
        self.wait_until(|newest| public.iter().all(|key| newest.note.signatures.iter().any(|by| key.is_named_by(by))))?;
        Ok(self.public_keys())
    }

    /// Takes no more entries, writes and signs those that wait, and ends the threads. An error if the log had failed.
    pub fn close(&self) -> Result<(), Refused> {
        self.shared.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Whoever drops the last of the log in a callback is on one of its threads, and they wait for each other: they end by
        // themselves.
        let on_one_of_them = threads.iter().any(|thread| thread.thread().id() == std::thread::current().id());
        for thread in threads.into_iter().filter(|_| !on_one_of_them) {
            // A panic has been noted as a failure already.
            let _ = thread.join();
        }
        self.failure().map_or(Ok(()), |why| Err(Refused::Failed(why)))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Whoever wants to hear of a failure closes the log first.
        let _ = self.close();
    }
}

/// The writer's name that entries carry: the first 64 bits of SHA-256(origin).
fn replica_of(origin: &str) -> Replica {
    let hash = Sha256::digest(origin.as_bytes());
    Replica(hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}
