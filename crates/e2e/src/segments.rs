//! The bytes of the audit log's segments as an outsider reads them (`spec/audit_log.md`, section 2): a header, then records one
//! after another. Knows nothing of who wrote them, and checks no more than their shape: hashes and signatures are the
//! verifier's.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The bytes before the first record.
pub const HEADER_BYTES: usize = 32;

/// Length, checksum, durable size and leaf hash, which stand before an entry.
const RECORD_HEAD_BYTES: usize = 4 + 4 + 8 + 32;

/// What every segment begins with.
const MAGIC: &[u8] = b"gwanmun-log-1\n\0\0";

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// How many entries it says were durable when it was written.
    pub durable: u64,
    /// The leaf hash that stands beside the entry.
    pub leaf: &'a [u8],
    /// The entry, as it was written.
    pub entry: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record at the start of these bytes, if it is whole, and what follows it.
    pub fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = u32::from_be_bytes(*bytes.first_chunk()?);
        let (head, rest) = bytes.split_at_checked(RECORD_HEAD_BYTES)?;
        let (durable, leaf) = head.get(8..)?.split_first_chunk()?;
        let durable = u64::from_be_bytes(*durable);
        let (entry, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        (!entry.is_empty()).then_some((Self { durable, leaf, entry }, rest))
    }

    /// As it lies in a segment, with zeros for what only a verifier looks at.
    pub fn bytes(durable: u64, entry: &[u8]) -> Vec<u8> {
        let length = u32::try_from(entry.len()).expect("an entry is short").to_be_bytes();
        [length.as_slice(), &[0; 4], &durable.to_be_bytes(), &[0; 32], entry].concat()
    }
}

/// The index of its first entry, from a segment's header.
pub fn first_of(bytes: &[u8]) -> Option<u64> {
    let rest = bytes.strip_prefix(MAGIC)?;
    Some(u64::from_be_bytes(*rest.first_chunk()?))
}

/// A segment's header, with zeros for the log's name.
pub fn header(first: u64) -> Vec<u8> {
    [MAGIC, &first.to_be_bytes(), &[0; 8]].concat()
}

/// The segment files of a log, in their order.
pub fn files(log: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(log.join("segments")).expect("a log has segments");
    let mut files: Vec<PathBuf> = folder.map(|file| file.expect("a folder can be read").path()).collect();
    files.sort();
    files
}

/// Shows every whole record of a log, in order. Panics where an entry is missing between two segments.
pub fn each(log: &Path, mut see: impl FnMut(&Record<'_>)) {
    let mut seen = 0_u64;
    for file in files(log) {
        let bytes = std::fs::read(&file).expect("a segment can be read");
        // Made, but not filled when its process was killed.
        let Some(first) = first_of(&bytes) else { continue };
        assert_eq!(first, seen, "{} begins where the one before does not end", file.display());
        let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
        while let Some((record, after)) = Record::split(rest) {
            see(&record);
            seen += 1;
            rest = after;
        }
    }
}

/// Every whole entry of a log, in order, as it was written. Panics as [`each`] does.
pub fn entries(log: &Path) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    each(log, |record| entries.push(record.entry.to_vec()));
    entries
}

/// What an entry says.
pub fn fields(entry: &[u8]) -> Value {
    serde_json::from_slice(entry).expect("an entry is JSON")
}

/// A number of the log: above 2^53 - 1 they are strings of digits.
pub fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests;
