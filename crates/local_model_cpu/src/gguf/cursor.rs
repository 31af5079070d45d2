//! A place in the file's bytes that moves forward and never past the end. It must not know what the bytes mean.

use std::ops::Range;

use crate::LoadError;

/// Reads little-endian values one after another.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// The next `count` bytes' place; `what` names them in the message where the file ends before.
    pub(super) fn skip(&mut self, count: u64, what: &str) -> Result<Range<usize>, LoadError> {
        let end = usize::try_from(count).ok().and_then(|count| self.position.checked_add(count));
        match end.filter(|end| *end <= self.bytes.len()) {
            Some(end) => {
                let range = self.position..end;
                self.position = end;
                Ok(range)
            }
            None => Err(LoadError::damaged(
                self.position,
                format!("{what} needs {count} bytes, but only {} remain", self.remaining()),
            )),
        }
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, LoadError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, LoadError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A string: its length in 64 bits, then its bytes, which must be UTF-8.
    pub(super) fn string(&mut self, what: &str) -> Result<Range<usize>, LoadError> {
        let length = self.u64(what)?;
        let range = self.skip(length, what)?;
        match std::str::from_utf8(&self.bytes[range.clone()]) {
            Ok(_) => Ok(range),
            Err(error) => Err(LoadError::damaged(range.start + error.valid_up_to(), format!("{what} is not UTF-8"))),
        }
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], LoadError> {
        let range = self.skip(N as u64, what)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[range]);
        Ok(array)
    }
}
