//! The bytes of a segment file: its header, its records, its name (`spec/audit_log.md`, section 2).
//!
//! This file must not know the file system, nor what an entry says.

use audit_entry::ENTRY_BYTES_MAX;
use sha2::{Digest as _, Sha256};

use tlog::Hash;

/// A segment that has passed this is closed, and the next begins.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// The bytes before the first record.
pub(crate) const HEADER_BYTES: usize = 32;
/// The bytes of a record before its entry: length, checksum, durable size, leaf hash.
pub(crate) const RECORD_HEAD_BYTES: usize = 4 + 4 + 8 + 32;

const MAGIC: &[u8; 16] = b"gwanmun-log-1\n\0\0";

/// The file name of the segment whose first entry has this index.
pub(crate) fn file_name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The index in a segment's file name; none for a name that is no segment's.
pub(crate) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// A segment's first 32 bytes.
pub(crate) fn header(first: u64, origin: &str) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    let (index, log) = rest.split_at_mut(8);
    magic.copy_from_slice(MAGIC);
    index.copy_from_slice(&first.to_be_bytes());
    let hash = Sha256::digest(origin.as_bytes());
    log.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    header
}

/// One record as it lies in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// How many entries of the log were durable when this one was written.
    pub(crate) durable: u64,
    /// The leaf hash as written.
    pub(crate) leaf: Hash,
    /// The entry.
    pub(crate) entry: &'a [u8],
}

impl<'a> Record<'a> {
    /// The bytes it takes in the file.
    pub(crate) fn bytes(&self) -> usize {
        RECORD_HEAD_BYTES + self.entry.len()
    }

    /// Adds the record to what will be written. An entry's length is 1 to [`ENTRY_BYTES_MAX`]: the caller has seen to it.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        let length = u32::try_from(self.entry.len()).unwrap_or(u32::MAX).to_be_bytes();
        let durable = self.durable.to_be_bytes();
        to.extend_from_slice(&length);
        to.extend_from_slice(&checksum(length, durable, &self.leaf, self.entry).to_be_bytes());
        to.extend_from_slice(&durable);
        to.extend_from_slice(&self.leaf);
        to.extend_from_slice(self.entry);
    }

    /// Reads the record at the start of these bytes; none if no whole and undamaged record stands there.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let (durable, rest) = rest.split_first_chunk::<8>()?;
        let (leaf, rest) = rest.split_first_chunk::<32>()?;
        let wanted = u32::from_be_bytes(*length) as usize;
        if !(1..=ENTRY_BYTES_MAX).contains(&wanted) {
            return None;
        }
        let entry = rest.get(..wanted)?;
        (checksum(*length, *durable, leaf, entry) == u32::from_be_bytes(*sum)).then_some(Record {
            durable: u64::from_be_bytes(*durable),
            leaf: *leaf,
            entry,
        })
    }
}

/// CRC-32C (Castagnoli) over all of a record but the checksum itself.
fn checksum(length: [u8; 4], durable: [u8; 8], leaf: &Hash, entry: &[u8]) -> u32 {
    let head = crc32c::crc32c_append(crc32c::crc32c(&length), &durable);
    crc32c::crc32c_append(crc32c::crc32c_append(head, leaf), entry)
}

#[cfg(test)]
mod tests;
