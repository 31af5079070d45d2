//! Segment files, read from the first byte to the last: headers, records, and where either is not what it must be.
//!
//! Gives records away in batches and goes on after damage as far as the format lets it, so that one bad byte does not hide
//! the next. It does not look into entries.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::report::{Finding, FindingKind};
use crate::tree::Hash;

/// Fills the first 16 bytes of a segment, with zeros after it.
const MAGIC: &[u8; 16] = b"gwanmun-log-1\n\0\0";

const HEADER_BYTES: u64 = 32;

/// Length, checksum, durable size and leaf hash: what stands before each entry.
pub(crate) const RECORD_HEADER_BYTES: usize = 48;

const ENTRY_BYTES_MAX: u32 = 65_535;

/// Entries' bytes in a batch, before the last one is added: large enough to pay for handing it over, small enough that
/// all batches under way fit in a few megabytes.
const BATCH_BYTES: usize = 256 * 1024;

/// A record as it stands on disk. Its checksum has not been compared yet.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Where it begins in its file.
    pub(crate) offset: u64,
    pub(crate) checksum: u32,
    /// How many entries were durable when it was written.
    pub(crate) durable: u64,
    pub(crate) leaf: Hash,
    /// Where its entry lies in the batch.
    pub(crate) begins: usize,
    pub(crate) length: u32,
}

/// Records that follow one another in one file, with nothing between them.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The file, as findings name it.
    pub(crate) file: Arc<str>,
    /// The first record's place in the log.
    pub(crate) first: u64,
    /// Whether entries are missing before the first record.
    pub(crate) after_gap: bool,
    pub(crate) records: Vec<Record>,
    pub(crate) entries: Vec<u8>,
}

impl Batch {
    /// The entry of a record of this batch.
    pub(crate) fn entry(&self, record: &Record) -> &[u8] {
        let length = usize::try_from(record.length).unwrap_or(usize::MAX);
        self.entries.get(record.begins..record.begins.saturating_add(length)).unwrap_or_default()
    }
}

/// What comes out of reading, in the order of the log.
#[derive(Debug)]
pub(crate) enum Piece {
    Records(Batch),
    Fault(Finding),
    /// The last file ends in bytes that are not a whole record.
    Torn {
        file: Arc<str>,
        offset: u64,
        bytes: u64,
        entry: u64,
    },
}

/// One segment file and the place in the log its name claims.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) shown: Arc<str>,
    pub(crate) first: u64,
}

/// Lists `segments/` in order. Files of other names are findings: nobody but the log writes there.
pub(crate) fn list(directory: &Path) -> io::Result<(Vec<Segment>, Vec<Finding>)> {
    let (mut segments, mut findings) = (Vec::new(), Vec::new());
    for file in std::fs::read_dir(directory.join("segments"))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        let shown: Arc<str> = format!("segments/{name}").into();
        let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 20);
        let plain = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        match plain.and_then(|digits| digits.parse().ok()) {
            Some(first) if file.file_type()?.is_file() => segments.push(Segment { path: file.path(), shown, first }),
            _ => findings.push(Finding::of_file(
                FindingKind::UnexpectedFile,
                &shown,
                "its name is not that of a segment: 20 digits and `.seg`".to_owned(),
            )),
        }
    }
    segments.sort_by_key(|segment| segment.first);
    Ok((segments, findings))
}

/// Reads all segments and hands over what they hold until `give` says that nobody listens any more.
pub(crate) fn read(segments: &[Segment], origin: &str, give: &mut dyn FnMut(Piece) -> bool) -> io::Result<()> {
    let mut next = 0;
    for (place, segment) in segments.iter().enumerate() {
        let file = File::open(&segment.path)?;
        let length = file.metadata()?.len();
        let mut reading = Reading {
            segment,
            length,
            last: place + 1 == segments.len(),
            file: BufReader::with_capacity(BATCH_BYTES, file),
            offset: 0,
            next,
            after_gap: false,
            give: &mut *give,
        };
        if !reading.run(origin)? {
            return Ok(());
        }
        next = reading.next;
    }
    Ok(())
}

struct Reading<'a> {
    segment: &'a Segment,
    length: u64,
    last: bool,
    file: BufReader<File>,
    offset: u64,
    next: u64,
    after_gap: bool,
    give: &'a mut dyn FnMut(Piece) -> bool,
}

impl Reading<'_> {
    /// False when nobody listens any more.
    fn run(&mut self, origin: &str) -> io::Result<bool> {
        if self.segment.first != self.next {
            let wrong = format!("it begins at entry {}, but entry {} must come next", self.segment.first, self.next);
            if !self.fault(FindingKind::SegmentGap, 0, wrong) {
                return Ok(false);
            }
            self.after_gap = true;
            self.next = self.segment.first;
        }
        if self.length < HEADER_BYTES {
            let wrong = format!("it has {} bytes, fewer than its header of 32", self.length);
            if !self.last || self.after_gap {
                return Ok(self.fault(FindingKind::SegmentHeader, 0, wrong));
            }
            let torn = self.torn();
            return Ok((self.give)(torn));
        }
        if let Some(wrong) = self.read_header(origin)?
            && !self.fault(FindingKind::SegmentHeader, 0, wrong)
        {
            return Ok(false);
        }
        self.read_records()
    }

    /// What is wrong with the header, if anything is.
    fn read_header(&mut self, origin: &str) -> io::Result<Option<String>> {
        let mut header = [0; 32];
        self.file.read_exact(&mut header)?;
        self.offset = HEADER_BYTES;
        let (magic, rest) = header.split_at(16);
        let (first, origin_hash) = rest.split_at(8);
        let wrong = if magic != MAGIC {
            Some("it does not begin with `gwanmun-log-1`, or something stands where zeros must".to_owned())
        } else if first != self.segment.first.to_be_bytes() {
            Some("its header and its name disagree about its first entry".to_owned())
        } else if !Sha256::digest(origin).starts_with(origin_hash) {
            Some("its header names another log's origin".to_owned())
        } else {
            None
        };
        Ok(wrong)
    }

    fn read_records(&mut self) -> io::Result<bool> {
        loop {
            let mut batch = self.new_batch();
            let whole = self.fill(&mut batch)?;
            if !batch.records.is_empty() {
                self.after_gap = false;
                if !(self.give)(Piece::Records(batch)) {
                    return Ok(false);
                }
            }
            if self.offset == self.length {
                return Ok(true);
            }
            if !whole {
                return Ok(self.end_in_damage());
            }
        }
    }

    fn new_batch(&self) -> Batch {
        Batch {
            file: Arc::clone(&self.segment.shown),
            first: self.next,
            after_gap: self.after_gap,
            records: Vec::with_capacity(1024),
            entries: Vec::with_capacity(BATCH_BYTES + 4096),
        }
    }

    /// False when the bytes at the offset do not form a record.
    fn fill(&mut self, batch: &mut Batch) -> io::Result<bool> {
        while batch.entries.len() < BATCH_BYTES && self.offset < self.length {
            let left = self.length - self.offset;
            if left < RECORD_HEADER_BYTES as u64 {
                return Ok(false);
            }
            let mut header = [0; RECORD_HEADER_BYTES];
            self.file.read_exact(&mut header)?;
            let Some((length, checksum, durable, leaf)) = split_record_header(&header) else {
                return Ok(false);
            };
            let record_bytes = RECORD_HEADER_BYTES as u64 + u64::from(length);
            if length == 0 || length > ENTRY_BYTES_MAX || record_bytes > left {
                return Ok(false);
            }
            let begins = batch.entries.len();
            batch.entries.resize(begins + usize::try_from(length).unwrap_or(0), 0);
            self.file.read_exact(batch.entries.get_mut(begins..).unwrap_or_default())?;
            batch.records.push(Record { offset: self.offset, checksum, durable, leaf, begins, length });
            self.offset += record_bytes;
            self.next = self.next.saturating_add(1);
        }
        Ok(true)
    }

    /// What does not form a record at the end of the last file may be what a crash left; anywhere else it may not.
    fn end_in_damage(&mut self) -> bool {
        if self.last {
            let torn = self.torn();
            return (self.give)(torn);
        }
        let left = self.length - self.offset;
        let wrong = format!("no whole record begins here, and {left} bytes after it cannot be read");
        let offset = self.offset;
        self.fault(FindingKind::DamagedRecord, offset, wrong)
    }

    fn torn(&self) -> Piece {
        let file = Arc::clone(&self.segment.shown);
        Piece::Torn { file, offset: self.offset, bytes: self.length - self.offset, entry: self.next }
    }

    fn fault(&mut self, kind: FindingKind, offset: u64, wrong: String) -> bool {
        (self.give)(Piece::Fault(Finding::at(kind, &self.segment.shown, offset, Some(self.next), wrong)))
    }
}

fn split_record_header(header: &[u8; RECORD_HEADER_BYTES]) -> Option<(u32, u32, u64, Hash)> {
    let (length, rest) = header.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let (durable, leaf) = rest.split_first_chunk::<8>()?;
    let (length, checksum) = (u32::from_be_bytes(*length), u32::from_be_bytes(*checksum));
    Some((length, checksum, u64::from_be_bytes(*durable), leaf.try_into().ok()?))
}
