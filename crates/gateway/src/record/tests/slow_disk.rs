//! A disk whose syncs of the log's entries wait, and fail, when a test says so. All else is the real disk's.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use audit_log::{Appending, Disk, RealDisk};

/// What the syncs are told to do, and how many there were.
#[derive(Default)]
pub(super) struct Orders {
    /// Syncs wait for [`Orders::release`].
    pub(super) hold: AtomicBool,
    /// Syncs fail.
    pub(super) fail: AtomicBool,
    syncs: AtomicU32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    held: bool,
    released: bool,
}

impl Orders {
    /// Waits until a sync is held.
    pub(super) fn reached_sync(&self) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |state| !state.held).unwrap());
    }

    /// Lets the sync that is held go on, and holds no other.
    pub(super) fn release(&self) {
        self.hold.store(false, Ordering::SeqCst);
        self.state.lock().unwrap().released = true;
        self.changed.notify_all();
    }

    /// Syncs of entries that were begun.
    pub(super) fn syncs(&self) -> u32 {
        self.syncs.load(Ordering::SeqCst)
    }

    fn sync(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        if self.hold.load(Ordering::SeqCst) {
            let mut state = self.state.lock().unwrap();
            state.held = true;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |state| !state.released).unwrap());
        }
        if self.fail.load(Ordering::SeqCst) { Err(io::Error::other("planted: the disk is gone")) } else { Ok(()) }
    }
}

pub(super) struct SlowDisk {
    pub(super) real: RealDisk,
    pub(super) orders: Arc<Orders>,
}

struct SlowFile {
    real: Box<dyn Appending>,
    orders: Arc<Orders>,
}

impl Appending for SlowFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.real.append(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.orders.sync()?;
        self.real.sync_data()
    }
}

impl Disk for SlowDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn Appending>> {
        let real = self.real.open(path, create)?;
        Ok(Box::new(SlowFile { real, orders: Arc::clone(&self.orders) }))
    }

    fn write(&self, path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
        self.real.write(path, bytes, secret)
    }

    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.real.rewrite(path, offset, bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.real.sync_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.real.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.real.rename(from, to)
    }

    fn read(&self, path: &Path, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        self.real.read(path, offset, limit)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.real.length(path)
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.real.truncate(path, length)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.real.list(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.real.make_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.real.remove(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.real.lock(path)
    }
}
