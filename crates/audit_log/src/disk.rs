//! The few things that the log does to a file system, as a trait, so that tests can fail, tear and cut them; and the real one.
//!
//! This file must not know what the files mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A file system, reduced to what the log uses. Paths are the whole ones, as the log was given its directory.
pub trait Disk: Send + Sync {
    /// Opens a file for appending; `create` makes it, and fails if it is there already.
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn Appending>>;
    /// Makes a file of these bytes or replaces its content, without syncing; `secret` allows nobody but the owner to read it.
    fn write(&self, path: &Path, bytes: &[u8], secret: bool) -> io::Result<()>;
    /// Writes bytes over those that stand from `offset` on, without syncing: they are written to the disk anew, though they are
    /// the same.
    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes what the file holds durable.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Puts a file in the place of another, at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// The bytes from `offset` on, at most `limit` of them, fewer at the end of the file.
    fn read(&self, path: &Path, offset: u64, limit: usize) -> io::Result<Vec<u8>>;
    /// The length of a file in bytes.
    fn length(&self, path: &Path) -> io::Result<u64>;
    /// Cuts a file to this length.
    fn truncate(&self, path: &Path, length: u64) -> io::Result<()>;
    /// The names in a directory, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Makes a directory and those above it, where they are not there yet.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a file, or a directory with all that it holds.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Takes the exclusive lock of this file, made if it is not there; none if somebody else holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>>;
}

/// An open file that grows.
pub trait Appending: Send {
    /// Adds bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was added durable: returns after the disk says so (`fdatasync`).
    fn sync_data(&mut self) -> io::Result<()>;
}

/// What the system said, and what whoever runs the log can do about it.
pub(crate) fn explain(error: &io::Error) -> String {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    if full { format!("{error}: free some room on this disk, then start again") } else { error.to_string() }
}

/// Reads a whole small file; `limit` bounds what a damaged one can cost.
pub(crate) fn read_whole(disk: &dyn Disk, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let bytes = disk.read(path, 0, limit + 1)?;
    if bytes.len() > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Replaces a file so that after a crash it holds either the old bytes or the new ones, and after this call the new ones.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
    let aside = path.with_added_extension("new");
    disk.write(&aside, bytes, secret)?;
    disk.sync_file(&aside)?;
    disk.rename(&aside, path)?;
    match path.parent() {
        Some(parent) => disk.sync_dir(parent),
        None => Ok(()),
    }
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn Appending>> {
        let file = OpenOptions::new().append(true).create_new(create).mode(0o644).open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    fn write(&self, path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
        let mode = if secret { 0o600 } else { 0o644 };
        OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?.write_all(bytes)
    }

    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).open(path)?.write_all_at(bytes, offset)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn read(&self, path: &Path, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let there = file.metadata()?.len().saturating_sub(offset);
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(usize::try_from(there).unwrap_or(limit).min(limit));
        file.take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        OpenOptions::new().write(true).open(path)?.set_len(length)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(path)?.map(|item| Ok(item?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o644).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

struct RealFile(File);

impl Appending for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
