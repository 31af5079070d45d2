//! What a disk must have kept, and no more: the audit log's segments and its two small files, as writes, syncs and renames have
//! made them durable so far. Assumes the least that a file system promises. Knows the log's layout; not sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::segments::{self, HEADER_BYTES, Record};

/// One entry, as far as rules speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It permits a request.
    Decision,
    /// It ends the decision of that index.
    Outcome(u64),
    /// Any other.
    Other,
}

/// A log's files in one directory.
#[derive(Debug)]
pub(super) struct Durable {
    log: PathBuf,
    segments: BTreeMap<PathBuf, Segment>,
    small: BTreeMap<PathBuf, Small>,
    /// All that has stood in `signed`, durably.
    signed: BTreeSet<Vec<u8>>,
    /// All entries written, durable or not.
    pub(super) entries: Vec<Kind>,
    /// Segments begun since the trace began.
    pub(super) begun: usize,
    /// Tells small files apart that bear the same name one after another.
    made: u64,
    /// What lay in the directory is being read: it says nothing of the trace.
    reading: bool,
}

/// What a sync covers: all that was there when it began.
#[derive(Clone, Debug)]
pub(super) struct Covered {
    path: PathBuf,
    /// Of a file: its number, if it is a small one, and its length.
    file: (u64, usize),
    /// Of a folder: the names in it, and what they stood for.
    names: Vec<(PathBuf, u64)>,
}

#[derive(Debug, Default)]
struct Segment {
    /// What was written and is not taken apart yet.
    rest: Vec<u8>,
    bytes: usize,
    first: Option<u64>,
    /// The place in the file after each record.
    ends: Vec<usize>,
    synced: usize,
    named: bool,
}

#[derive(Clone, Debug, Default)]
struct Small {
    number: u64,
    content: Vec<u8>,
    /// The content is durable, under whatever name.
    synced: bool,
    /// The name is durable.
    named: bool,
}

impl Durable {
    /// The log as it lies in its directory before the trace begins. All but its last segment is taken for durable: a start must
    /// settle what may have been left by the end before it.
    pub(super) fn of_directory(log: &Path) -> Self {
        let mut durable = Self { reading: true, ..Self::empty(log) };
        let files = segments::files(log);
        for file in &files {
            durable.opened(file, true);
            let bytes = std::fs::read(file).expect("a segment can be read");
            durable.written(file, &bytes).expect("the log is whole before it is traced");
            if Some(file) != files.last() {
                let synced = durable.covered(file);
                durable.synced(&synced);
                durable.segments.entry(file.clone()).or_default().named = true;
            }
        }
        durable.reading = false;
        durable.signed.insert(std::fs::read(log.join("signed")).expect("a log has a file `signed`"));
        durable
    }

    /// No log yet.
    pub(super) fn empty(log: &Path) -> Self {
        let (segments, small, signed, entries) = Default::default();
        Self { log: log.to_owned(), segments, small, signed, entries, begun: 0, made: 0, reading: false }
    }

    /// Whether the file is one of those followed.
    pub(super) fn follows(&self, path: &Path) -> bool {
        self.is_segment(path) || path.parent() == Some(&self.log)
    }

    fn is_segment(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| folder == self.log.join("segments"))
    }

    /// A file was opened; `fresh` if it was made or emptied.
    pub(super) fn opened(&mut self, path: &Path, fresh: bool) {
        if !fresh {
            return;
        }
        if self.is_segment(path) {
            self.begun += usize::from(!self.reading);
            self.segments.insert(path.to_owned(), Segment::default());
        } else if self.follows(path) {
            self.made += 1;
            self.small.insert(path.to_owned(), Small { number: self.made, ..Small::default() });
        }
    }

    /// Bytes were added to a file; an error if they are not as the specification has them.
    pub(super) fn written(&mut self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        if let Some(small) = self.small.get_mut(path) {
            small.content.extend_from_slice(bytes);
            small.synced = false;
            return Ok(());
        }
        let durable = self.size();
        let Some(segment) = self.segments.get_mut(path) else { return Ok(()) };
        segment.rest.extend_from_slice(bytes);
        segment.bytes += bytes.len();
        if segment.first.is_none() {
            if segment.rest.len() < HEADER_BYTES {
                return Ok(());
            }
            let first = segments::first_of(&segment.rest).ok_or("a segment without its header")?;
            segment.rest.drain(..HEADER_BYTES);
            segment.first = Some(first);
        }
        let mut left = segment.rest.as_slice();
        let mut wrong = None;
        while let Some((record, after)) = Record::split(left) {
            left = after;
            segment.ends.push(segment.bytes - left.len());
            self.entries.push(kind(record.entry));
            if record.durable > durable && !self.reading {
                wrong = Some(format!("a record says that {} entries were durable, and {durable} were", record.durable));
            }
        }
        segment.rest = left.to_vec();
        wrong.map_or(Ok(()), Err)
    }

    /// What a sync that begins now covers.
    pub(super) fn covered(&self, path: &Path) -> Covered {
        let segment = self.segments.get(path).map(|segment| (0, segment.bytes));
        let small = self.small.get(path).map(|small| (small.number, small.content.len()));
        let segments = self.segments.keys().map(|name| (name, 0));
        let names = segments.chain(self.small.iter().map(|(name, small)| (name, small.number)));
        let names = names.filter(|(name, _)| name.parent() == Some(path));
        Covered {
            path: path.to_owned(),
            file: segment.or(small).unwrap_or_default(),
            names: names.map(|(name, number)| (name.clone(), number)).collect(),
        }
    }

    /// That sync has succeeded.
    pub(super) fn synced(&mut self, covered: &Covered) {
        if let Some(segment) = self.segments.get_mut(&covered.path) {
            segment.synced = segment.synced.max(covered.file.1);
        }
        if let Some(small) = self.small.get_mut(&covered.path) {
            small.synced |= (small.number, small.content.len()) == covered.file;
        }
        for (name, number) in &covered.names {
            if let Some(segment) = self.segments.get_mut(name) {
                segment.named = true;
            }
            if let Some(small) = self.small.get_mut(name).filter(|small| small.number == *number) {
                small.named = true;
            }
        }
        self.note_signed();
    }

    /// A file has taken the place of another.
    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        if let Some(small) = self.small.remove(from) {
            self.small.insert(to.to_owned(), Small { named: false, ..small });
        }
        self.note_signed();
    }

    fn note_signed(&mut self) {
        let signed = self.small.get(&self.log.join("signed")).filter(|signed| signed.synced && signed.named);
        self.signed.extend(signed.map(|signed| signed.content.clone()));
    }

    /// How many entries, from the first on without a gap, nothing can take away any more.
    pub(super) fn size(&self) -> u64 {
        let mut size = 0;
        let mut segments: Vec<&Segment> = self.segments.values().collect();
        // One that is made and has no header yet holds nothing, and takes nothing from those before it.
        segments.sort_by_key(|segment| (segment.first.is_none(), segment.first));
        for segment in segments {
            if segment.first != Some(size) || !segment.named {
                break;
            }
            let durable = segment.ends.partition_point(|end| *end <= segment.synced);
            size += durable as u64;
            if durable < segment.ends.len() {
                break;
            }
        }
        size
    }

    /// What is wrong with putting this file in the place of `checkpoint` now.
    pub(super) fn wrong_with_checkpoint(&self, from: &Path) -> Option<String> {
        let Some(file) = self.small.get(from) else { return Some("nobody wrote it".to_owned()) };
        if !file.synced {
            return Some("its bytes are not durable".to_owned());
        }
        if !self.signed.iter().any(|signed| !signed.is_empty() && file.content.starts_with(signed)) {
            return Some("what it signs does not stand in `signed`, durably".to_owned());
        }
        let text = String::from_utf8_lossy(&file.content);
        let size = text.lines().nth(1).and_then(|size| size.parse::<u64>().ok());
        let Some(size) = size else { return Some("it names no size".to_owned()) };
        (size > self.size()).then(|| format!("it covers {size} entries, and {} are durable", self.size()))
    }

    /// Whether a file takes the place of the newest checkpoint.
    pub(super) fn is_checkpoint(&self, path: &Path) -> bool {
        path == self.log.join("checkpoint")
    }
}

fn kind(entry: &[u8]) -> Kind {
    let fields: serde_json::Value = serde_json::from_slice(entry).unwrap_or_default();
    match fields["kind"].as_str() {
        Some("decision") => Kind::Decision,
        Some("outcome") => segments::number(&fields["decision"]).map_or(Kind::Other, Kind::Outcome),
        _ => Kind::Other,
    }
}
