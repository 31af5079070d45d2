//! Opening the record: reading it back, cutting what a crash tore, refusing what is damaged, ending what was left open.
//!
//! What was acknowledged is never cut. Knows nothing of requests but that a decision wants an outcome.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::commitment::CommitmentSecret;
use super::entry::{Ending, Entry, Outcome};
use super::file::{DiskFile, RecordFile};
use super::line::{self, Line};
use super::writer::{self, Writing};
use super::{Mode, Recorder};
use crate::clock::Clock;

/// The record's file in its folder.
pub(super) const FILE_NAME: &str = "entries.jsonl";
/// The format that this code writes and reads. See `spec/record.md`.
const FORMAT: u32 = 1;

/// What was found when the record was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Entries read back.
    pub entries: u64,
    /// Bytes of a torn tail, acknowledged to nobody, that were cut.
    pub cut_bytes: u64,
    /// Decisions without outcome, which have been given the outcome [`Ending::Lost`].
    pub lost: u64,
}

/// Why the record was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no record where one must be.
    #[error("the record `{}` is missing: restore it from a copy; it is never begun anew in a directory that had one", path.display())]
    Missing {
        /// Where it must be.
        path: PathBuf,
    },
    /// It was changed after it was written.
    #[error(
        "the record `{}` is damaged at byte {offset} (entry {seq}): {what}; restore it from a copy, and keep this one as evidence",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// The number of the entry that is damaged.
        seq: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A newer version wrote it.
    #[error("the record `{}` has format {found}, and this version reads format {FORMAT}: use the version that wrote it", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The disk or its permissions.
    #[error("the record `{}` cannot be opened: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl Recorder {
    /// Begins a record in the folder `folder`, which has none. Folder and file are synced when this returns.
    pub fn begin(folder: &Path, clock: &Clock) -> io::Result<()> {
        let mut file = DiskFile(OpenOptions::new().append(true).create_new(true).open(folder.join(FILE_NAME))?);
        let mut first = Vec::new();
        line::render(&mut first, 0, 0, &Entry::Begun { at: clock.wall(), format: FORMAT }.to_fields());
        file.append(&first)?;
        file.sync()?;
        File::open(folder)?.sync_all()
    }

    /// Reads the record in the folder `folder` and changes nothing, also beside a process that writes to it: what an opening
    /// would find, and do.
    pub fn examine(folder: &Path) -> Result<Recovered, OpenError> {
        let path = folder.join(FILE_NAME);
        let told = |error| OpenError::Io { path: path.clone(), error };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OpenError::Missing { path }),
            Err(error) => return Err(told(error)),
        };
        let found = read_back(&mut file, &path)?;
        let cut_bytes = file.metadata().map_err(told)?.len().saturating_sub(found.whole_bytes);
        Ok(Recovered { entries: found.next, cut_bytes, lost: found.open.len() as u64 })
    }

    /// Opens the record in the folder `folder`, and ends what the process before left open. Blocks while it reads.
    pub fn open(
        folder: &Path,
        secret: CommitmentSecret,
        clock: Clock,
    ) -> Result<(Self, Writing, Recovered), OpenError> {
        let path = folder.join(FILE_NAME);
        let told = |error| OpenError::Io { path: path.clone(), error };
        let mut file = match OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OpenError::Missing { path }),
            Err(error) => return Err(told(error)),
        };
        let found = read_back(&mut file, &path)?;
        let cut_bytes = file.metadata().map_err(told)?.len() - found.whole_bytes;
        if cut_bytes > 0 {
            // Synced before anything is appended: else a crash could leave old and new bytes side by side.
            file.set_len(found.whole_bytes).and_then(|()| file.sync_all()).map_err(told)?;
        }
        let mut file: Box<dyn RecordFile> = Box::new(DiskFile(file));
        let recovered = Recovered { entries: found.next, cut_bytes, lost: found.open.len() as u64 };
        let next = end_what_was_open(file.as_mut(), &found, recovered, &clock).map_err(told)?;
        let (queue, writing) = writer::start(file, next, clock.clone()).map_err(told)?;
        Ok((Self::new(secret, clock, Mode::Synced(queue)), writing, recovered))
    }
}

/// What a record holds.
#[derive(Debug)]
pub(super) struct Found {
    /// The number of the next entry.
    pub(super) next: u64,
    /// Decisions without outcome: number and request id.
    open: BTreeMap<u64, Arc<str>>,
    /// Where the last whole line ends.
    pub(super) whole_bytes: u64,
}

/// What recovery has to know of an entry.
#[derive(Deserialize)]
struct Head<'a> {
    seq: u64,
    batch: u64,
    kind: &'a str,
    #[serde(default)]
    request_id: Option<Arc<str>>,
    #[serde(default)]
    decision: Option<Whole>,
    #[serde(default)]
    format: Option<u32>,
}

/// Reads a record from its start. A piece at a time: it may be larger than memory.
pub(super) fn read_back(from: &mut impl Read, path: &Path) -> Result<Found, OpenError> {
    let mut found = Found { next: 0, open: BTreeMap::new(), whole_bytes: 0 };
    let mut piece = Piece::default();
    let damaged = |found: &Found, what| OpenError::Damaged {
        path: path.to_owned(),
        offset: found.whole_bytes,
        seq: found.next,
        what,
    };
    loop {
        let Line::Whole { json, bytes } = line::read(piece.rest()) else {
            let more = piece.fill(from).map_err(|error| OpenError::Io { path: path.to_owned(), error })?;
            if more {
                continue;
            }
            return match tail(piece.rest(), found.whole_bytes, found.next) {
                Tail::End | Tail::Torn if found.next > 0 => Ok(found),
                Tail::End | Tail::Torn => Err(damaged(&found, "its first entry is not there")),
                Tail::Damaged(what) => Err(damaged(&found, what)),
            };
        };
        match found.take(json) {
            Ok(()) => {}
            Err(Wrong::Format(format)) => return Err(OpenError::Format { path: path.to_owned(), found: format }),
            Err(Wrong::Entry(what)) => return Err(damaged(&found, what)),
        }
        found.next += 1;
        found.whole_bytes += bytes as u64;
        piece.from += bytes;
    }
}

/// Why a whole line is not the next entry.
enum Wrong {
    Format(u32),
    Entry(&'static str),
}

impl Found {
    fn take(&mut self, json: &[u8]) -> Result<(), Wrong> {
        let head: Head<'_> =
            serde_json::from_slice(json).map_err(|_| Wrong::Entry("its words are not those of an entry"))?;
        if head.seq != self.next || head.batch > head.seq {
            return Err(Wrong::Entry("an entry is missing, doubled or out of its order"));
        }
        match (head.kind, head.format) {
            ("begun", Some(format)) if format != FORMAT => return Err(Wrong::Format(format)),
            ("begun", Some(_)) if head.seq == 0 => {}
            (_, _) if head.seq == 0 => return Err(Wrong::Entry("its first entry does not begin a record")),
            ("decision", _) => {
                let id = head.request_id.ok_or(Wrong::Entry("a decision has no request id"))?;
                self.open.insert(head.seq, id);
            }
            ("outcome", _) => {
                let of = head.decision.and_then(Whole::number);
                let ended = of.and_then(|of| self.open.remove(&of));
                ended.ok_or(Wrong::Entry("an outcome belongs to no open decision"))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The part of a record that is being read.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    from: usize,
}

impl Piece {
    /// How much is read at once.
    const READ_BYTES: u64 = 1024 * 1024;
    /// More than any batch holds: behind so much, no whole line is looked for any more.
    const BYTES_MAX: usize = 64 * 1024 * 1024;

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }

    /// Reads on. False at the end, or when what is read is too long to be one line and all that a crash can leave.
    fn fill(&mut self, from: &mut impl Read) -> io::Result<bool> {
        self.bytes.drain(..self.from);
        self.from = 0;
        Ok(self.bytes.len() < Self::BYTES_MAX && from.take(Self::READ_BYTES).read_to_end(&mut self.bytes)? > 0)
    }
}

/// A whole number, as a number or as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Whole {
    Number(u64),
    Text(String),
}

impl Whole {
    fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// What stands behind the last whole line.
#[derive(Debug, PartialEq, Eq)]
enum Tail {
    /// Nothing.
    End,
    /// What a crash leaves of a batch that was not synced, and so not acknowledged.
    Torn,
    /// Something that a crash does not leave.
    Damaged(&'static str),
}

/// Judges `rest`, which stands at the byte `offset`, where entry `seq` should stand and no whole line does.
///
/// A crash leaves the beginning of what was being written, with zeros where the disk had not got to. A batch is begun only
/// when the one before it is durable; so a later whole line of a batch that begins after `seq` proves that `seq` was durable.
fn tail(rest: &[u8], offset: u64, seq: u64) -> Tail {
    let Some(last) = rest.last() else { return Tail::End };
    let later = rest
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .filter_map(|(at, _)| rest.get(at + 1..))
        .filter_map(|after| match line::read(after) {
            Line::Whole { json, .. } => serde_json::from_slice::<Head<'_>>(json).ok(),
            Line::Broken => None,
        });
    for head in later {
        if head.batch > seq {
            return Tail::Damaged("a later entry shows that it was acknowledged");
        }
    }
    let torn_at_its_end = *last != b'\n' && !whole_but_for_its_end(rest);
    if torn_at_its_end || has_unwritten_sectors(rest, offset) {
        return Tail::Torn;
    }
    Tail::Damaged("its check does not fit its bytes")
}

/// What a disk writes at once, at least.
const SECTOR_BYTES: u64 = 512;

/// Whether there are zeros, and all of them are what sectors leave that were not written: from the start of the batch or of
/// a sector, to the end of a sector or of all.
fn has_unwritten_sectors(rest: &[u8], offset: u64) -> bool {
    let mut any = false;
    let mut at = 0;
    for run in rest.chunk_by(|one, next| (*one == 0) == (*next == 0)) {
        let (start, end) = (at, at + run.len());
        at = end;
        if run.first() == Some(&0) {
            let at_border = |at: usize| (offset + at as u64).is_multiple_of(SECTOR_BYTES);
            if !((start == 0 || at_border(start)) && (end == rest.len() || at_border(end))) {
                return false;
            }
            any = true;
        }
    }
    any
}

/// Whether the last of the broken lines lacks nothing but its line feed, which another byte has replaced.
fn whole_but_for_its_end(rest: &[u8]) -> bool {
    let start = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let Some((_, line)) = rest.get(start..).and_then(<[u8]>::split_last) else { return false };
    let ended = [line, b"\n"].concat();
    matches!(line::read(&ended), Line::Whole { bytes, .. } if bytes == ended.len())
}

/// Writes that a process has started, and the outcome of every decision that has none. Returns the next entry's number.
fn end_what_was_open(file: &mut dyn RecordFile, found: &Found, recovered: Recovered, clock: &Clock) -> io::Result<u64> {
    let at = clock.wall();
    let started =
        Entry::Started { at, version: env!("CARGO_PKG_VERSION"), cut_bytes: recovered.cut_bytes, lost: recovered.lost };
    let lost = Outcome::bare(Ending::Lost, None);
    let outcomes = found.open.iter().map(|(decision, id)| Entry::outcome(at, *decision, id, &lost, None));
    let mut lines = Vec::new();
    let mut next = found.next;
    for entry in std::iter::once(started).chain(outcomes) {
        line::render(&mut lines, next, found.next, &entry.to_fields());
        next += 1;
    }
    file.append(&lines)?;
    file.sync()?;
    Ok(next)
}
