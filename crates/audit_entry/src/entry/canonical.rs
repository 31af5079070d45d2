//! The one writing of an entry: an RFC 8785 object from fields that come in any order.
//!
//! Names are ASCII, so the order of their bytes is RFC 8785's order of UTF-16 units; numbers are whole and at most 2^53 − 1, so
//! their decimal digits are ECMAScript's; serde_json escapes in strings just what RFC 8785 escapes, the same way.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Count, ENTRY_BYTES_MAX, EntryError, Replica, SCHEMA_VERSION};

/// The most that the log's own fields add: `"at":"…27"`, `"replica":"…16"`, `"seq":…18`, `"v":1`, and their commas.
const STAMP_BYTES_MAX: usize = 128;

/// What the log adds to each entry beside its counter: the same for all that are written together.
#[derive(Debug, Clone)]
pub struct Stamp {
    at: String,
    replica: String,
}

impl Stamp {
    /// The time since the Unix epoch, cut to microseconds, and the writer; fails for a time that RFC 3339 can't say.
    pub fn new(at: Duration, replica: Replica) -> Result<Stamp, EntryError> {
        Ok(Stamp { at: format_time(at)?, replica: format!("{:016x}", replica.0) })
    }
}

/// An entry's fields, each written, not yet in order, and without those that the log adds.
#[derive(Debug, Default)]
pub struct Fields {
    written: Vec<u8>,
    fields: Vec<(&'static str, Range<usize>)>,
}

impl Fields {
    /// Adds a field; one that is absent (`None`) leaves no trace.
    pub(super) fn add(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), EntryError> {
        if self.written.capacity() == 0 {
            self.written.reserve(1024);
            self.fields.reserve(24);
        }
        let start = self.written.len();
        serde_json::to_writer(&mut self.written, value).map_err(|error| EntryError::Schema(error.to_string()))?;
        if self.written.get(start..) == Some(b"null") {
            self.written.truncate(start);
        } else {
            self.fields.push((name, start..self.written.len()));
        }
        Ok(())
    }

    /// Whether the whole entry, with the log's own fields at their longest, fits in a record.
    pub(super) fn check_length(&self) -> Result<(), EntryError> {
        let names: usize = self.fields.iter().map(|(name, _)| name.len() + 4).sum();
        let whole = self.written.len() + names + 2 + STAMP_BYTES_MAX;
        if whole > ENTRY_BYTES_MAX { Err(EntryError::TooLong(whole)) } else { Ok(()) }
    }

    /// Adds the whole object, with the log's own fields, to `to`.
    pub fn write(mut self, stamp: &Stamp, seq: u64, to: &mut Vec<u8>) -> Result<(), EntryError> {
        self.add("at", &stamp.at)?;
        self.add("replica", &stamp.replica)?;
        self.add("seq", &Count(seq))?;
        self.add("v", &SCHEMA_VERSION)?;
        self.fields.sort_unstable_by_key(|(name, _)| *name);
        let mut before = b'{';
        for (name, range) in &self.fields {
            to.extend_from_slice(&[before, b'"']);
            to.extend_from_slice(name.as_bytes());
            to.extend_from_slice(b"\":");
            to.extend_from_slice(self.written.get(range.clone()).unwrap_or_default());
            before = b',';
        }
        to.push(b'}');
        Ok(())
    }
}

/// RFC 3339 in UTC with six decimals.
fn format_time(at: Duration) -> Result<String, EntryError> {
    let outside = || EntryError::Schema("`at` lies outside the years that can be written".to_owned());
    let microseconds = i64::try_from(at.as_micros()).map_err(|_| outside())?;
    let time = Timestamp::from_microsecond(microseconds).map_err(|_| outside())?;
    let mut text = String::with_capacity(27);
    write!(text, "{time:.6}").map_err(|_| outside())?;
    Ok(text)
}

pub(super) fn parse_time(text: &str) -> Result<Duration, EntryError> {
    let wrong = || EntryError::Schema(format!("`at` is `{text}`, not a time in UTC with microseconds"));
    let time: Timestamp = text.parse().map_err(|_| wrong())?;
    Ok(Duration::from_micros(u64::try_from(time.as_microsecond()).map_err(|_| wrong())?))
}

pub(super) fn parse_replica(text: &str) -> Result<Replica, EntryError> {
    let bits = u64::from_str_radix(text, 16);
    bits.map(Replica).map_err(|_| EntryError::Schema(format!("`replica` is `{text}`, not 16 hex digits")))
}
