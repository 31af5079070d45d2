//! Segment files, read from the first byte to the last: headers, records, and where either is not what it must be.
//!
//! Gives records away in batches and goes on after damage as far as the format lets it, so that one bad byte does not hide
//! the next. It does not look into entries.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc::{CRC_32_ISCSI, Crc, Table};
use sha2::{Digest, Sha256};

use crate::report::{Finding, FindingKind};
use crate::search::next_record;
use crate::tree::Hash;

/// Fills the first 16 bytes of a segment, with zeros after it.
const MAGIC: &[u8; 16] = b"gwanmun-log-1\n\0\0";

const HEADER_BYTES: u64 = 32;

/// Length, checksum, durable size and leaf hash: what stands before each entry.
pub(crate) const RECORD_HEADER_BYTES: usize = 48;

pub(crate) const ENTRY_BYTES_MAX: u32 = 65_535;

/// CRC-32C (Castagnoli), which the iSCSI standard names.
static CASTAGNOLI: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Entries' bytes in a batch, before the last one is added: large enough to pay for handing it over, small enough that
/// all batches under way fit in a few megabytes.
const BATCH_BYTES: usize = 256 * 1024;

/// A record as it stands on disk.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Where it begins in its file.
    pub(crate) offset: u64,
    /// Whether the record's checksum is that of its bytes.
    pub(crate) checksum_holds: bool,
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
    /// Bytes that are no record, as far as the next one or the end of the file.
    Unreadable(Unreadable),
}

/// Bytes that are no record.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) file: Arc<str>,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    /// The place in the log of the entry that should begin here, if none is missing before.
    pub(crate) entry: u64,
    /// Whether they stand in the last file, where a crash may have left them.
    pub(crate) in_last: bool,
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
    let (mut next, mut certain) = (0, true);
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
            certain,
            give: &mut *give,
        };
        if !reading.run(origin)? {
            return Ok(());
        }
        (next, certain) = (reading.next, reading.certain);
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
    /// Whether `next` is known: behind unreadable bytes it is only a guess, until the next file's name tells.
    certain: bool,
    give: &'a mut dyn FnMut(Piece) -> bool,
}

impl Reading<'_> {
    /// False when nobody listens any more.
    fn run(&mut self, origin: &str) -> io::Result<bool> {
        if !self.certain {
            (self.after_gap, self.certain, self.next) = (true, true, self.segment.first);
        } else if self.segment.first != self.next {
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
            let bytes = self.length;
            return Ok(self.unreadable(bytes));
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
            if !whole && !self.pass_over()? {
                return Ok(false);
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

    /// False when the bytes at the offset do not form a record, or one whose length cannot be believed.
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
            let entry = batch.entries.get(begins..).unwrap_or_default();
            let checksum_holds = checksum_of(length, durable, &leaf, entry) == checksum;
            if !checksum_holds && !self.record_follows(record_bytes)? {
                batch.entries.truncate(begins);
                return Ok(false);
            }
            batch.records.push(Record { offset: self.offset, checksum_holds, durable, leaf, begins, length });
            self.offset += record_bytes;
            self.next = self.next.saturating_add(1);
        }
        Ok(true)
    }

    /// Whether the next sound record, or the end of the file, comes just so many bytes behind the offset: then a length can be
    /// believed though the checksum does not hold. Leaves the file there.
    fn record_follows(&mut self, record_bytes: u64) -> io::Result<bool> {
        let behind = self.offset + record_bytes;
        let next = next_record(self.file.get_mut(), self.offset + 1, self.length)?;
        self.file.seek(SeekFrom::Start(behind))?;
        Ok(next.unwrap_or(self.length) == behind)
    }

    /// Tells of the bytes that are no record and goes on where the next one begins.
    fn pass_over(&mut self) -> io::Result<bool> {
        let next = next_record(self.file.get_mut(), self.offset + 1, self.length)?.unwrap_or(self.length);
        self.file.seek(SeekFrom::Start(next))?;
        let heard = self.unreadable(next - self.offset);
        (self.offset, self.after_gap, self.certain) = (next, true, false);
        // At least the entry that should have begun here is missing.
        self.next = self.next.saturating_add(1);
        Ok(heard)
    }

    fn unreadable(&mut self, bytes: u64) -> bool {
        let (file, offset, entry) = (Arc::clone(&self.segment.shown), self.offset, self.next);
        (self.give)(Piece::Unreadable(Unreadable { file, offset, bytes, entry, in_last: self.last }))
    }

    fn fault(&mut self, kind: FindingKind, offset: u64, wrong: String) -> bool {
        (self.give)(Piece::Fault(Finding::at(kind, &self.segment.shown, offset, Some(self.next), wrong)))
    }
}

/// The checksum over all of a record's other bytes.
pub(crate) fn checksum_of(length: u32, durable: u64, leaf: &Hash, entry: &[u8]) -> u32 {
    let mut checksum = CASTAGNOLI.digest();
    checksum.update(&length.to_be_bytes());
    checksum.update(&durable.to_be_bytes());
    checksum.update(leaf);
    checksum.update(entry);
    checksum.finalize()
}

pub(crate) fn split_record_header(header: &[u8; RECORD_HEADER_BYTES]) -> Option<(u32, u32, u64, Hash)> {
    let (length, rest) = header.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let (durable, leaf) = rest.split_first_chunk::<8>()?;
    let (length, checksum) = (u32::from_be_bytes(*length), u32::from_be_bytes(*checksum));
    Some((length, checksum, u64::from_be_bytes(*durable), leaf.try_into().ok()?))
}

#[cfg(test)]
mod tests;
