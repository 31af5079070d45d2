//! The record's file: appended to and synced, never anything else.
//!
//! A seam, so that a test can stand in a disk that fails. Knows nothing of lines.

use std::fs::File;
use std::io::{self, Write as _};

/// Where lines go.
pub(super) trait RecordFile: Send {
    /// Puts all of `bytes` at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything appended is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file of the machine, opened for appending.
#[derive(Debug)]
pub(super) struct DiskFile(pub(super) File);

impl RecordFile for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The length is needed to read what was appended, so fdatasync writes it too.
        self.0.sync_data()
    }
}
