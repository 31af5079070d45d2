//! The real disk with something done before each sync: a gate, a fault, a wait. All else is the real disk's. It must not know
//! what is done.

use std::io;
use std::path::Path;
use std::sync::Arc;

use audit_log::{Appending, Disk, RealDisk};

/// What is about to be synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synced {
    /// A segment: entries are acknowledged when it has been.
    Entries,
    /// Another file, or the names in a directory.
    Other,
}

type Hook = Arc<dyn Fn(Synced) -> io::Result<()> + Send + Sync>;

/// A disk that asks before it syncs; where the answer is an error, that is the sync's.
#[derive(Clone)]
pub struct HookedDisk(Hook);

impl HookedDisk {
    /// Asks this before each sync.
    pub fn new(before_sync: impl Fn(Synced) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(before_sync))
    }
}

struct HookedFile(Box<dyn Appending>, Hook);

impl Appending for HookedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        (self.1)(Synced::Entries)?;
        self.0.sync_data()
    }
}

impl Disk for HookedDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn Appending>> {
        Ok(Box::new(HookedFile(RealDisk.open(path, create)?, Arc::clone(&self.0))))
    }

    fn write(&self, path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
        RealDisk.write(path, bytes, secret)
    }

    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        RealDisk.rewrite(path, offset, bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        (self.0)(Synced::Other)?;
        RealDisk.sync_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        (self.0)(Synced::Other)?;
        RealDisk.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn read(&self, path: &Path, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        RealDisk.read(path, offset, limit)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        RealDisk.length(path)
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        RealDisk.truncate(path, length)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.make_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        RealDisk.lock(path)
    }
}
