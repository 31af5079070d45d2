//! Reads a log back when it is opened, from the newest resume file on: every record checked, the torn tail judged, the tree grown
//! again, tiles repaired.
//!
//! Nothing is changed on disk before all of it has been found sound; then at most two things are: what follows from the
//! segments is written again, and a tail that nobody can have been promised is cut. This file must not know keys.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit_entry::{Body, Decision, Entry};
use tlog::{Checkpoint, Hash, leaf_hash};

use crate::disk::Disk;
use crate::error::LogError;
use crate::grown::Grown;
use crate::segment::{self, HEADER_BYTES, Record};
use crate::settle::resume_path;
use crate::tiles::{Parts, Repair, TileWriter};
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    pub(crate) parts: Parts,
    /// Every segment was read.
    pub(crate) whole: bool,
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
    /// Below this size, hashes need not be computed again: the root that is compared stands for them.
    rehash_from: u64,
    origin: &'a str,
    /// The byte of the last segment from which on no entry is signed.
    unsigned: u64,
}

/// Where whole records end in a segment, or the whole of it if nothing is torn.
struct SegmentEnd {
    length: u64,
    torn: u64,
}

/// Reads a log from its newest resume file on, or, where there is none that holds or `scan_all` asks for it, the whole of it;
/// `vouched` are its `signed` and its `checkpoint`.
pub(crate) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    origin: &str,
    vouched: &[Vouched],
    scan_all: bool,
) -> Result<Resumed, LogError> {
    let segments = dir.join("segments");
    let firsts = segment_firsts(disk, &segments)?;
    let read = |grown: &Grown, repair| read_segments(disk, dir, (origin, vouched), &firsts, (grown.clone(), repair));
    let resumed = if scan_all { None } else { newest_resume(disk, dir, (origin, vouched), &firsts)? };
    // Whatever does not come out right from there is judged by the segments alone.
    let resumed = resumed.and_then(|grown| Some((read(&grown, Repair::No).ok()?, grown)));
    let ((scan, tail, cut), from) = match resumed {
        Some((read, grown)) => (read, Some(grown)),
        None => (read(&Grown::default(), Repair::No)?, None),
    };
    let whole = from.is_none();
    if whole {
        // From here on, until they are written again, no start may pass by tiles that are being mended.
        forget_resumes(disk, dir)?;
    }
    let (scan, tail, cut) =
        if scan.tiles.found_wrong { read(&from.unwrap_or_default(), Repair::Yes)? } else { (scan, tail, cut) };
    if let Some(cut) = &cut {
        cut_tail(disk, &segments, cut)?;
    }
    settle(disk, &segments, (&tail, scan.unsigned), origin)?;
    scan.finish(tail, cut, whole)
}

/// The newest resume file that is whole and of this log, and stands where a segment begins of which something is signed.
fn newest_resume(
    disk: &dyn Disk,
    dir: &Path,
    (origin, vouched): (&str, &[Vouched]),
    firsts: &[u64],
) -> Result<Option<Grown>, LogError> {
    let signed = vouched.iter().map(|vouched| vouched.checkpoint.size).min().unwrap_or(0);
    for first in firsts.iter().rev().filter(|first| **first > 0 && **first < signed) {
        let path = resume_path(dir, *first);
        let bytes = match disk.read(&path, 0, usize::MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read.map_err(LogError::disk(&path))?,
        };
        let grown = Grown::parse(&bytes, origin).filter(|grown| grown.size() == *first);
        if grown.is_some() {
            return Ok(grown);
        }
    }
    Ok(None)
}

fn forget_resumes(disk: &dyn Disk, dir: &Path) -> Result<(), LogError> {
    let path = dir.join("resume");
    match disk.remove(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed.map_err(LogError::disk(&path))?,
    }
    disk.sync_dir(dir).map_err(LogError::disk(dir))
}

fn read_segments<'a>(
    disk: &'a dyn Disk,
    dir: &'a Path,
    (origin, vouched): (&'a str, &'a [Vouched]),
    firsts: &[u64],
    (grown, repair): (Grown, Repair),
) -> Result<(Scan<'a>, Tail, Option<Cut>), LogError> {
    let from = grown.size();
    let rehash_from = match repair {
        Repair::No => vouched.iter().map(|vouched| vouched.checkpoint.size).max().unwrap_or(0),
        // What is written again in the place of another must be what was signed, byte for byte.
        Repair::Yes => 0,
    };
    let tiles = TileWriter::comparing(disk, dir, grown, repair);
    let mut scan = Scan { disk, dir, vouched, tiles, rehash_from, origin, unsigned: 0 };
    scan.compare_roots()?;
    let mut tail = Tail { first: 0, bytes: 0, new: false };
    let mut cut = None;
    for (position, first) in (1..).zip(firsts).filter(|(_, first)| **first >= from) {
        let path = dir.join("segments").join(segment::file_name(*first));
        if *first != scan.size() {
            let what = format!("entries {} to {first} are missing before this segment", scan.size());
            return Err(LogError::Damaged { path, offset: 0, what });
        }
        if *first > from {
            scan.tiles.end_segment(origin);
        }
        let end = scan.segment(&path, *first, position == firsts.len())?;
        if end.torn > 0 || end.length == 0 {
            cut = Some(Cut { path, length: end.length, bytes: end.torn });
        }
        if end.length > 0 || *first == 0 {
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

/// What a process that was killed left written need not be on the disk yet: it is, before anything builds on it. Where its
/// last sync failed, the system may hold pages for clean that never reached the disk (Rebello et al., ATC 2020): what nothing
/// signed covers, from byte `unsigned` of the last segment on, is written anew.
fn settle(disk: &dyn Disk, segments: &Path, (tail, unsigned): (&Tail, u64), origin: &str) -> Result<(), LogError> {
    let path = segments.join(segment::file_name(tail.first));
    if tail.bytes == 0 {
        disk.write(&path, &segment::header(tail.first, origin), false).map_err(LogError::disk(&path))?;
    } else if unsigned < tail.bytes {
        let bytes = disk.read(&path, unsigned, usize::MAX).map_err(LogError::disk(&path))?;
        disk.rewrite(&path, unsigned, &bytes).map_err(LogError::disk(&path))?;
    }
    disk.sync_file(&path).map_err(LogError::disk(&path))?;
    disk.sync_dir(segments).map_err(LogError::disk(segments))
}

impl Scan<'_> {
    fn size(&self) -> u64 {
        self.tiles.grown().size()
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
        let signed = self.vouched.iter().map(|vouched| vouched.checkpoint.size).min().unwrap_or(0);
        self.unsigned = if first < signed { bytes.len() as u64 } else { 0 };
        while let Some(record) = bytes.get(offset..).and_then(Record::read) {
            if self.size() == signed && first < signed {
                self.unsigned = offset as u64;
            }
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
        self.compare_roots()
    }

    /// Where the tree has a size that was vouched for, it must have that root.
    fn compare_roots(&self) -> Result<(), LogError> {
        let size = self.size();
        let mut here = self.vouched.iter().filter(|vouched| vouched.checkpoint.size == size).peekable();
        if here.peek().is_none() {
            return Ok(());
        }
        let root: Hash = self.tiles.grown().edge.root();
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

    fn finish(self, mut tail: Tail, cut: Option<Cut>, whole: bool) -> Result<Resumed, LogError> {
        let grown = self.tiles.grown();
        let last_at = if grown.last.is_empty() { Duration::ZERO } else { Entry::parse(&grown.last)?.at };
        let mut open = Vec::with_capacity(grown.open.len());
        for (index, bytes) in &grown.open {
            if let Body::Decision(decision) = Entry::parse(bytes)?.body {
                open.push(OpenDecision { index: *index, decision });
            }
        }
        tail.bytes = tail.bytes.max(HEADER_BYTES as u64);
        let recovered = Recovered { entries: grown.size(), open, cut };
        Ok(Resumed { recovered, tail, last_at, parts: self.tiles.into_parts(), whole })
    }
}
