//! The one thread that appends: it takes all entries that wait, writes them in one piece, syncs once, and only then says so.
//! Where many come back after each sync, it lets them gather for the next.
//!
//! This file must not know tiles, checkpoints or keys. After the first error of the disk nothing is acknowledged and nothing
//! tried again: what the disk then holds, only a new start can find out.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit_entry::{Fields, Replica, Stamp};
use tlog::leaf_hash;

use crate::disk::{Appending, Disk, explain};
use crate::segment::{self, Record};

/// Time since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Where an acknowledged entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its index in the log.
    pub index: u64,
    /// The time it carries.
    pub at: Duration,
}

/// Why an entry is not in the log, as far as can be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// So many entries wait for the disk that no more are taken.
    #[error("{waiting} entries wait for the disk; try again shortly")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// The log has been told to stop.
    #[error("the log has been closed")]
    Closed,
    /// The disk failed: the entry may be in the log after the next start, or not.
    #[error("the log has failed and takes no entries until the next start: {0}")]
    Failed(Arc<str>),
}

/// Told on the writer's thread once the entry is durable, or will never be known to be: must be quick and must not block.
pub(crate) type OnDurable = Box<dyn FnOnce(Result<Appended, Refused>) + Send>;

/// Whether an entry is refused where too many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    WhileThereIs,
    /// It completes one that is in the log: those were refused in time, so there are no more of it than of them.
    Owed,
}

struct Pending {
    fields: Fields,
    on_durable: OnDurable,
}

/// What the log is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Running,
    Closing,
    Failed(Arc<str>),
}

/// What the threads and those who append share.
pub(crate) struct State {
    waiting: Vec<Pending>,
    /// The writer sleeps until so many entries wait; 0 while it is awake.
    writer_wakes_at: usize,
    pub(crate) writer_ended: bool,
    /// The signer sleeps until more is durable.
    pub(crate) signer_sleeps: bool,
    pub(crate) stage: Stage,
    /// How many entries are acknowledged.
    pub(crate) durable: u64,
    /// How often a checkpoint has been put in place: tells those who wait that there is something to look at.
    checkpoints: u64,
}

/// The shared state and its bells.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Rung for the writer: there is work, or the end.
    work: Condvar,
    /// Rung for the signer and for whoever waits for it: more is durable, or signed, or the end.
    pub(crate) progress: Condvar,
    waiting_max: usize,
    on_failure: Box<dyn Fn(&str) + Send + Sync>,
}

impl Shared {
    pub(crate) fn new(durable: u64, waiting_max: usize, on_failure: Box<dyn Fn(&str) + Send + Sync>) -> Shared {
        let state = State {
            waiting: Vec::new(),
            writer_wakes_at: 0,
            writer_ended: false,
            signer_sleeps: false,
            stage: Stage::Running,
            durable,
            checkpoints: 0,
        };
        Shared { state: Mutex::new(state), work: Condvar::new(), progress: Condvar::new(), waiting_max, on_failure }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has been noted as a failure; the state itself is never left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn append(&self, fields: Fields, room: Room, on_durable: OnDurable) -> Result<(), Refused> {
        let mut state = self.state();
        match &state.stage {
            Stage::Running => {}
            // What a last callback owes, as the outcome of a decision that nobody waits for any more, still goes in.
            Stage::Closing if room == Room::Owed && !state.writer_ended => {}
            Stage::Closing => return Err(Refused::Closed),
            Stage::Failed(why) => return Err(Refused::Failed(Arc::clone(why))),
        }
        if room == Room::WhileThereIs && state.waiting.len() >= self.waiting_max {
            return Err(Refused::Busy { waiting: state.waiting.len() });
        }
        state.waiting.push(Pending { fields, on_durable });
        let wakes = state.writer_wakes_at > 0 && state.waiting.len() >= state.writer_wakes_at;
        if wakes {
            state.writer_wakes_at = 0;
        }
        drop(state);
        if wakes {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Ends the log: from here on nothing is acknowledged. The first reason stays.
    pub(crate) fn fail(&self, why: &str) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Failed(_)) {
            return;
        }
        let reason: Arc<str> = why.into();
        state.stage = Stage::Failed(Arc::clone(&reason));
        let unwritten = std::mem::take(&mut state.waiting);
        drop(state);
        self.ring();
        (self.on_failure)(why);
        for pending in unwritten {
            (pending.on_durable)(Err(Refused::Failed(Arc::clone(&reason))));
        }
    }

    /// Takes no more entries; what waits is still written.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        if state.stage == Stage::Running {
            state.stage = Stage::Closing;
        }
        state.writer_wakes_at = 0;
        drop(state);
        self.ring();
    }

    /// Counts entries as acknowledged; false if the log has failed meanwhile.
    fn publish(&self, durable: u64) -> bool {
        let mut state = self.state();
        let sound = !matches!(state.stage, Stage::Failed(_));
        if sound {
            state.durable = durable;
        }
        let asleep = std::mem::take(&mut state.signer_sleeps);
        drop(state);
        if asleep {
            self.progress.notify_all();
        }
        sound
    }

    fn end_of_writer(&self) {
        self.state().writer_ended = true;
        self.ring();
    }

    pub(crate) fn tell_of_checkpoint(&self) {
        self.state().checkpoints += 1;
        self.progress.notify_all();
    }

    /// How many checkpoints there have been, for [`Shared::wait_for_checkpoint`].
    pub(crate) fn checkpoints(&self) -> u64 {
        self.state().checkpoints
    }

    /// Waits until there has been one more than `seen`; an error if none will come.
    pub(crate) fn wait_for_checkpoint(&self, seen: u64) -> Result<(), Refused> {
        let still = |state: &mut State| state.checkpoints == seen && state.stage == Stage::Running;
        let waited = self.progress.wait_while(self.state(), still);
        let state = waited.unwrap_or_else(PoisonError::into_inner);
        match &state.stage {
            Stage::Failed(why) => Err(Refused::Failed(Arc::clone(why))),
            Stage::Closing if state.checkpoints == seen => Err(Refused::Closed),
            Stage::Running | Stage::Closing => Ok(()),
        }
    }

    pub(crate) fn ring(&self) {
        // Whoever has looked and is about to sleep does so before the bell, not between.
        drop(self.state());
        self.work.notify_all();
        self.progress.notify_all();
    }

    /// Sleeps until there is work, and a little longer where more is to be expected; none when there will be no more.
    fn take_work(&self, spare: Vec<Pending>, expected: &Expected) -> Option<Vec<Pending>> {
        let mut state = self.state();
        let mut gathered = expected.wait < GATHERING_MIN;
        loop {
            if matches!(state.stage, Stage::Failed(_)) {
                return None;
            }
            let enough = gathered || state.waiting.len() >= expected.entries || state.stage == Stage::Closing;
            if !state.waiting.is_empty() && enough {
                return Some(std::mem::replace(&mut state.waiting, spare));
            }
            if !state.waiting.is_empty() {
                state.writer_wakes_at = expected.entries;
                let waited = self.work.wait_timeout(state, expected.wait);
                (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                (state.writer_wakes_at, gathered) = (0, true);
                continue;
            }
            if state.stage == Stage::Closing {
                // Under the same lock, so that nothing is taken that nobody would write.
                state.writer_ended = true;
                return None;
            }
            state.writer_wakes_at = 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.writer_wakes_at = 0;
        }
    }
}

/// Below this, gathering would cost more than it brings: timers wake some tens of microseconds late.
const GATHERING_MIN: Duration = Duration::from_micros(100);
/// However slow the disk is, nobody waits longer than this for others.
const GATHERING_MAX: Duration = Duration::from_millis(2);

/// What the last batch says of the next. Those who wait for their entries come back one by one after each sync; a sync for the
/// first of them alone would make all others wait for two.
#[derive(Debug, Default)]
struct Expected {
    /// As many entries as the last batch had.
    entries: usize,
    /// A quarter of the time that it took: what the first one waits is less than what the others gain.
    wait: Duration,
}

impl Expected {
    fn after(entries: usize, took: Duration) -> Expected {
        Expected { entries, wait: (took / 4).min(GATHERING_MAX) }
    }
}

/// Where the last segment stands.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// The index of its first entry.
    pub(crate) first: u64,
    pub(crate) bytes: u64,
    /// Its name may not be durable yet.
    pub(crate) new: bool,
}

/// What the writer's thread owns.
pub(crate) struct Writer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) segments: PathBuf,
    pub(crate) origin: Arc<str>,
    pub(crate) replica: Replica,
    pub(crate) clock: Clock,
    pub(crate) segment_bytes_max: u64,
    pub(crate) tail: Tail,
    pub(crate) file: Box<dyn Appending>,
    pub(crate) size: u64,
    pub(crate) last_at: Duration,
}

impl Writer {
    /// Runs until the log is closed or fails.
    pub(crate) fn run(mut self, shared: &Shared) {
        let mut spare = Vec::new();
        let mut buffer = Vec::new();
        let mut expected = Expected::default();
        while let Some(mut batch) = shared.take_work(spare, &expected) {
            let (entries, begun) = (batch.len(), (self.clock)());
            match self.commit(&mut batch, &mut buffer) {
                Ok(first) => {
                    expected = Expected::after(entries, (self.clock)().saturating_sub(begun));
                    if shared.publish(self.size) {
                        acknowledge(&mut batch, first, self.last_at);
                    }
                }
                Err(error) => {
                    let path = self.segments.join(segment::file_name(self.tail.first));
                    shared.fail(&format!("`{}`, byte {}: {}", path.display(), self.tail.bytes, explain(&error)));
                }
            }
            // Whoever has not been acknowledged by now never will be.
            refuse(shared, &mut batch);
            spare = batch;
        }
        shared.end_of_writer();
    }

    /// Writes a batch and makes it durable; gives the index of its first entry. All of a batch carry the same time.
    fn commit(&mut self, batch: &mut [Pending], buffer: &mut Vec<u8>) -> io::Result<u64> {
        if self.tail.bytes >= self.segment_bytes_max {
            self.begin_segment()?;
        }
        let first = self.size;
        let now = (self.clock)();
        self.last_at = self.last_at.max(Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(u64::MAX)));
        buffer.clear();
        let stamp = Stamp::new(self.last_at, self.replica).map_err(io::Error::other)?;
        let mut entry = Vec::new();
        for (pending, seq) in batch.iter_mut().zip(first..) {
            entry.clear();
            std::mem::take(&mut pending.fields).write(&stamp, seq, &mut entry).map_err(io::Error::other)?;
            Record { durable: first, leaf: leaf_hash(&entry), entry: &entry }.write(buffer);
        }
        self.file.append(buffer)?;
        self.file.sync_data()?;
        if self.tail.new {
            self.disk.sync_dir(&self.segments)?;
            self.tail.new = false;
        }
        self.tail.bytes += buffer.len() as u64;
        self.size += batch.len() as u64;
        Ok(first)
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let path = self.segments.join(segment::file_name(self.size));
        self.tail = Tail { first: self.size, bytes: segment::HEADER_BYTES as u64, new: true };
        self.file = self.disk.open(&path, true)?;
        self.file.append(&segment::header(self.size, &self.origin))
    }
}

fn acknowledge(batch: &mut Vec<Pending>, first: u64, at: Duration) {
    for (pending, index) in batch.drain(..).zip(first..) {
        (pending.on_durable)(Ok(Appended { index, at }));
    }
}

fn refuse(shared: &Shared, batch: &mut Vec<Pending>) {
    if batch.is_empty() {
        return;
    }
    let why = match &shared.state().stage {
        Stage::Failed(why) => Arc::clone(why),
        Stage::Running | Stage::Closing => "the log stopped".into(),
    };
    for pending in batch.drain(..) {
        (pending.on_durable)(Err(Refused::Failed(Arc::clone(&why))));
    }
}
