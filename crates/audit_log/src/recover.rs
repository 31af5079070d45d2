//! Reads a log back when it is opened: every record checked, the torn tail judged, the tree grown again, tiles repaired.
//!
//! Nothing is changed on disk before all of it has been found sound; then at most two things are: tiles, which follow from the
//! segments, are written again, and a tail that nobody can have been promised is cut. This file must not know keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memchr::memmem;

use tlog::{Checkpoint, Edge, Hash, leaf_hash};

use crate::disk::Disk;
use crate::entry::{Body, Decision, Entry};
use crate::error::LogError;
use crate::segment::{self, HEADER_BYTES, Record};
use crate::tiles::{Repair, TileWriter, Trust};
use crate::writer::Tail;

/// A decision that has no outcome: the process ended before it could say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDecision {
    /// The index of its entry.
    pub index: u64,
    /// What was decided.
    pub decision: Decision,
}

/// A tail that was cut: bytes of entries that were never acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub path: PathBuf,
    /// What it was cut to; 0 where the whole file was removed.
    pub length: u64,
    /// How many bytes went.
    pub bytes: u64,
}

/// What was found in a log when it was opened.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// How many entries it has.
    pub entries: u64,
    /// Decisions without an outcome, in their order: the caller appends an outcome `lost` for each.
    pub open: Vec<OpenDecision>,
    /// The tail that was cut, if one was.
    pub cut: Option<Cut>,
}

/// What the threads go on from.
pub(crate) struct Resumed {
    pub(crate) recovered: Recovered,
    pub(crate) tail: Tail,
    pub(crate) last_at: Duration,
    pub(crate) parts: (Edge, Vec<u8>),
}

/// A state that the log has vouched for, and the file that says so.
pub(crate) struct Vouched {
    pub(crate) path: PathBuf,
    pub(crate) checkpoint: Checkpoint,
}

struct Scan<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    vouched: &'a [Vouched],
    tiles: TileWriter<'a>,
    open: BTreeMap<u64, Box<[u8]>>,
    last: Vec<u8>,
    /// Below this size, hashes need not be computed again: the root that is compared stands for them.
    rehash_from: u64,
    origin: &'a str,
}

/// Where whole records end in a segment, or the whole of it if nothing is torn.
struct SegmentEnd {
    length: u64,
    torn: u64,
}

/// Reads the whole log; `vouched` are its `signed` and its `checkpoint`.
pub(crate) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    origin: &str,
    vouched: &[Vouched],
    scan_all: bool,
) -> Result<Resumed, LogError> {
    let segments = dir.join("segments");
    let firsts = segment_firsts(disk, &segments)?;
    let read = |repair| read_segments(disk, dir, origin, vouched, &firsts, (repair, scan_all));
    let (scan, tail, cut) = read(Repair::No)?;
    let (scan, tail, cut) = if scan.tiles.found_wrong { read(Repair::Yes)? } else { (scan, tail, cut) };
    if let Some(cut) = &cut {
        cut_tail(disk, &segments, cut)?;
    }
    settle(disk, &segments, &tail, origin)?;
    scan.finish(tail, cut)
}

fn read_segments<'a>(
    disk: &'a dyn Disk,
    dir: &'a Path,
    origin: &'a str,
    vouched: &'a [Vouched],
    firsts: &[u64],
    (repair, scan_all): (Repair, bool),
) -> Result<(Scan<'a>, Tail, Option<Cut>), LogError> {
    let mut scan = Scan {
        disk,
        dir,
        vouched,
        tiles: TileWriter::new(disk, dir, Trust::Length, repair),
        open: BTreeMap::new(),
        last: Vec::new(),
        rehash_from: vouched.iter().map(|vouched| vouched.checkpoint.size).max().unwrap_or(0),
        origin,
    };
    scan.compare_roots()?;
    let mut tail = Tail { first: 0, bytes: 0, new: false };
    let mut cut = None;
    for (position, first) in firsts.iter().enumerate() {
        let path = dir.join("segments").join(segment::file_name(*first));
        if *first != scan.size() {
            let what = format!("entries {} to {first} are missing before this segment", scan.size());
            return Err(LogError::Damaged { path, offset: 0, what });
        }
        // What an earlier start or a busy hour ago wrote has reached the disk; the end is looked at closely.
        scan.tiles.trust = if scan_all || position + 2 >= firsts.len() { Trust::Nothing } else { Trust::Length };
        let end = scan.segment(&path, *first, position + 1 == firsts.len())?;
        if end.torn > 0 || end.length == 0 {
            cut = Some(Cut { path, length: end.length, bytes: end.torn });
        }
        if end.length > 0 || position == 0 {
            tail = Tail { first: *first, bytes: end.length, new: false };
        }
    }
    scan.check_nothing_lost()?;
    Ok((scan, tail, cut))
}

/// The segments' first indexes in order; files that are no segments are refused.
fn segment_firsts(disk: &dyn Disk, segments: &Path) -> Result<Vec<u64>, LogError> {
    let mut firsts = Vec::new();
    for name in disk.list(segments).map_err(LogError::disk(segments))? {
        let first = segment::first_of(&name).ok_or_else(|| LogError::Damaged {
            path: segments.join(&name),
            offset: 0,
            what: "this file is no segment".to_owned(),
        })?;
        firsts.push(first);
    }
    firsts.sort_unstable();
    if firsts.first() != Some(&0) {
        let what = "the first segment is missing".to_owned();
        return Err(LogError::Damaged { path: segments.join(segment::file_name(0)), offset: 0, what });
    }
    Ok(firsts)
}

/// Cuts what was torn, durably, before anything is added.
fn cut_tail(disk: &dyn Disk, segments: &Path, cut: &Cut) -> Result<(), LogError> {
    if cut.length == 0 {
        disk.remove(&cut.path).map_err(LogError::disk(&cut.path))?;
    } else {
        disk.truncate(&cut.path, cut.length).map_err(LogError::disk(&cut.path))?;
    }
    disk.sync_dir(segments).map_err(LogError::disk(segments))
}

/// What a process that was killed left written need not be on the disk yet: it is, before anything builds on it.
fn settle(disk: &dyn Disk, segments: &Path, tail: &Tail, origin: &str) -> Result<(), LogError> {
    let path = segments.join(segment::file_name(tail.first));
    if tail.bytes == 0 {
        disk.write(&path, &segment::header(tail.first, origin), false).map_err(LogError::disk(&path))?;
    }
    disk.sync_file(&path).map_err(LogError::disk(&path))?;
    disk.sync_dir(segments).map_err(LogError::disk(segments))
}

impl Scan<'_> {
    fn size(&self) -> u64 {
        self.tiles.edge().size()
    }

    /// Reads one segment. In the last one a tail may be torn; elsewhere every byte belongs to a record.
    fn segment(&mut self, path: &Path, first: u64, last: bool) -> Result<SegmentEnd, LogError> {
        let bytes = self.disk.read(path, 0, usize::MAX).map_err(LogError::disk(path))?;
        let damaged = |offset: usize, what: &str| LogError::Damaged {
            path: path.to_owned(),
            offset: offset as u64,
            what: what.to_owned(),
        };
        if bytes.get(..HEADER_BYTES) != Some(&segment::header(first, self.origin)) {
            // Made, but not filled before the end: then no entry in it was acknowledged.
            if last && self.never_acknowledged(&bytes) {
                return Ok(SegmentEnd { length: 0, torn: bytes.len() as u64 });
            }
            return Err(damaged(0, "the segment's header is not this log's"));
        }
        let mut offset = HEADER_BYTES;
        while let Some(record) = bytes.get(offset..).and_then(Record::read) {
            if record.durable > self.size() {
                return Err(damaged(offset, "a record claims more entries before it than there are"));
            }
            self.entry(&record, path, offset)?;
            offset += record.bytes();
        }
        let rest = bytes.get(offset..).unwrap_or_default();
        let whole = rest.is_empty() || (last && self.never_acknowledged(rest));
        if !whole {
            return Err(damaged(
                offset,
                &format!("entry {} is damaged, and it may have been acknowledged", self.size()),
            ));
        }
        Ok(SegmentEnd { length: offset as u64, torn: rest.len() as u64 })
    }

    /// Whether no entry from the torn one on can have been acknowledged: none was signed, and no whole record further on was
    /// written after the torn one had become durable. (A disk may keep a later page of one batch and lose an earlier.)
    fn never_acknowledged(&self, rest: &[u8]) -> bool {
        let torn = self.size();
        let signed = self.vouched.iter().any(|vouched| vouched.checkpoint.size > torn);
        // A record's length is below 65,536, so it begins with two zero bytes, which no JSON holds: few places to try.
        let mut starts = rest.windows(2).enumerate().filter(|(_, pair)| *pair == [0, 0]);
        let later = |at: usize| rest.get(at..).and_then(Record::read).is_some_and(|record| record.durable > torn);
        !signed && !starts.any(|(at, _)| later(at))
    }

    fn entry(&mut self, record: &Record<'_>, path: &Path, offset: usize) -> Result<(), LogError> {
        let index = self.size();
        if index >= self.rehash_from && leaf_hash(record.entry) != record.leaf {
            let what = format!("the hash of entry {index} is not its own");
            return Err(LogError::Damaged { path: path.to_owned(), offset: offset as u64, what });
        }
        self.tiles.add(record.leaf, record.entry).map_err(LogError::disk(&self.dir.join("tile")))?;
        // Canonical JSON: a quote inside a string has a backslash before it, so these bytes stand nowhere else.
        if memmem::find(record.entry, b"\"kind\":\"decision\"").is_some() {
            self.open.insert(index, record.entry.into());
        } else if memmem::find(record.entry, b"\"kind\":\"outcome\"").is_some()
            && let Some(decision) = decision_of(record.entry)
        {
            self.open.remove(&decision);
        }
        self.last.clear();
        self.last.extend_from_slice(record.entry);
        self.compare_roots()
    }

    /// Where the tree has a size that was vouched for, it must have that root.
    fn compare_roots(&self) -> Result<(), LogError> {
        let size = self.size();
        let mut here = self.vouched.iter().filter(|vouched| vouched.checkpoint.size == size).peekable();
        if here.peek().is_none() {
            return Ok(());
        }
        let root: Hash = self.tiles.edge().root();
        here.find(|vouched| vouched.checkpoint.root != root).map_or(Ok(()), |vouched| {
            let what = format!("the first {size} entries do not have the root that this file vouches for");
            Err(LogError::Damaged { path: vouched.path.clone(), offset: 0, what })
        })
    }

    fn check_nothing_lost(&self) -> Result<(), LogError> {
        let size = self.size();
        match self.vouched.iter().find(|vouched| vouched.checkpoint.size > size) {
            None => Ok(()),
            Some(vouched) => {
                let what = format!("it vouches for {} entries, the segments hold {size}", vouched.checkpoint.size);
                Err(LogError::Damaged { path: vouched.path.clone(), offset: 0, what })
            }
        }
    }

    fn finish(self, mut tail: Tail, cut: Option<Cut>) -> Result<Resumed, LogError> {
        let entries = self.size();
        let last_at = if self.last.is_empty() { Duration::ZERO } else { Entry::parse(&self.last)?.at };
        let mut open = Vec::with_capacity(self.open.len());
        for (index, bytes) in self.open {
            if let Body::Decision(decision) = Entry::parse(&bytes)?.body {
                open.push(OpenDecision { index, decision });
            }
        }
        tail.bytes = tail.bytes.max(HEADER_BYTES as u64);
        let recovered = Recovered { entries, open, cut };
        Ok(Resumed { recovered, tail, last_at, parts: self.tiles.into_parts() })
    }
}

/// The index of the decision that an outcome belongs to.
fn decision_of(entry: &[u8]) -> Option<u64> {
    let name = b"\"decision\":";
    let value = entry.get(memmem::find(entry, name)? + name.len()..)?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let digits = value.split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
