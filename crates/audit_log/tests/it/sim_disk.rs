//! A file system in memory that keeps apart what was written and what is durable, and fails where it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use audit_log::{Appending, Disk};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An error, and nothing was done.
    Failed,
    /// An error, though it was done.
    FailedButPersisted,
    /// An error, and half of it was done.
    Torn,
    /// The process ends here: nothing is done any more.
    Crash,
}

/// Where it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Entry,
    Sync,
    Tile,
    Signed,
    Checkpoint,
    Rename,
    FileSync,
    DirSync,
    NewSegment,
    Resume,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// How many such operations go well before.
    pub(crate) after: usize,
}

/// What a power cut leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PowerCut {
    /// Nothing.
    LosesAll,
    /// All: only the process ended.
    LosesNothing,
    /// Of each file a part, of the names every second.
    KeepsParts(u64),
    /// Of each file a later page but not an earlier one.
    Reorders(u64),
}

#[derive(Default, Clone)]
struct Inode {
    current: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Default, Clone)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    locks: BTreeMap<PathBuf, std::sync::Weak<()>>,
    fault: Option<Fault>,
    dead: bool,
    hit: bool,
    /// Bytes that files may still grow by, where there is an end to them.
    room: Option<usize>,
    reads: Vec<PathBuf>,
}

#[derive(Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

/// What an operation is to do.
#[derive(Clone, Copy)]
enum Way {
    Done,
    Not,
    Half,
    DoneWithError,
}

fn broken() -> io::Error {
    io::Error::other("the disk failed, as the test asked")
}

fn absent() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl State {
    fn way(&mut self, places: &[Place]) -> Way {
        if self.dead {
            return Way::Not;
        }
        let Some(fault) = &mut self.fault else { return Way::Done };
        if !places.contains(&fault.place) {
            return Way::Done;
        }
        if fault.after > 0 {
            fault.after -= 1;
            return Way::Done;
        }
        let kind = fault.kind;
        self.fault = None;
        self.hit = true;
        match kind {
            Kind::Failed => Way::Not,
            Kind::FailedButPersisted => Way::DoneWithError,
            Kind::Torn => Way::Half,
            Kind::Crash => {
                self.dead = true;
                Way::Not
            }
        }
    }

    fn inode(&mut self, path: &Path) -> io::Result<&mut Inode> {
        let number = *self.names.get(path).ok_or_else(absent)?;
        Ok(&mut self.inodes[number])
    }

    /// How many of these bytes there is room for, and the error where not for all.
    fn take_room(&mut self, wanted: usize) -> (usize, io::Result<()>) {
        let Some(room) = &mut self.room else { return (wanted, Ok(())) };
        let taken = wanted.min(*room);
        *room -= taken;
        // ENOSPC, as the real one says it.
        (taken, if taken == wanted { Ok(()) } else { Err(io::Error::from_raw_os_error(28)) })
    }

    fn parent_is_there(&self, path: &Path) -> io::Result<()> {
        if self.dirs.contains(path.parent().unwrap()) { Ok(()) } else { Err(absent()) }
    }

    fn new_inode(&mut self, path: &Path) -> usize {
        self.inodes.push(Inode::default());
        self.names.insert(path.to_owned(), self.inodes.len() - 1);
        self.inodes.len() - 1
    }
}

fn sync(inode: &mut Inode, way: Way) -> io::Result<()> {
    match way {
        Way::Done => inode.durable = inode.current.clone(),
        Way::DoneWithError => {
            inode.durable = inode.current.clone();
            return Err(broken());
        }
        Way::Half => {
            let half = inode.durable.len() + inode.current.len().saturating_sub(inode.durable.len()) / 2;
            inode.durable = inode.current[..half.min(inode.current.len())].to_vec();
            return Err(broken());
        }
        Way::Not => return Err(broken()),
    }
    Ok(())
}

fn place_of_write(path: &Path) -> &'static [Place] {
    match path.to_str().unwrap() {
        path if path.contains("/tile/") => &[Place::Tile],
        path if path.contains("/resume/") => &[Place::Resume],
        path if path.ends_with("/signed.new") => &[Place::Signed],
        path if path.ends_with("/checkpoint.new") => &[Place::Checkpoint],
        _ => &[],
    }
}

impl SimDisk {
    /// Lets this go wrong from now on.
    pub(crate) fn plan(&self, fault: Fault) {
        let mut state = self.0.lock().unwrap();
        state.fault = Some(fault);
        state.hit = false;
    }

    /// Lets files grow by so many bytes more, or without end.
    pub(crate) fn set_room(&self, room: Option<usize>) {
        self.0.lock().unwrap().room = room;
    }

    /// Whether the planned fault has happened.
    pub(crate) fn was_hit(&self) -> bool {
        self.0.lock().unwrap().hit
    }

    /// The machine goes off and on again: what was open is gone, what was not synced is as `cut` says.
    pub(crate) fn restart(&self, cut: PowerCut) {
        let mut state = self.0.lock().unwrap();
        state.fault = None;
        state.dead = false;
        state.locks.clear();
        match cut {
            PowerCut::LosesAll => state.names = state.durable_names.clone(),
            PowerCut::LosesNothing => {}
            PowerCut::KeepsParts(seed) | PowerCut::Reorders(seed) => {
                let (now, before) = (state.names.clone(), state.durable_names.clone());
                let kept = now.into_iter().filter(|(path, inode)| {
                    before.get(path) == Some(inode) || (inode + seed as usize).is_multiple_of(2)
                });
                let mut names: BTreeMap<_, _> = kept.collect();
                for (path, inode) in before {
                    names.entry(path).or_insert(inode);
                }
                state.names = names;
            }
        }
        for inode in &mut state.inodes {
            let synced = inode.durable.len();
            inode.current = match cut {
                PowerCut::LosesAll => inode.durable.clone(),
                PowerCut::LosesNothing => inode.current.clone(),
                PowerCut::KeepsParts(seed) => {
                    let more = inode.current.len().saturating_sub(synced);
                    let kept = if more == 0 { inode.current.len() } else { synced + seed as usize % (more + 1) };
                    if inode.current.starts_with(&inode.durable) {
                        inode.current[..kept].to_vec()
                    } else {
                        inode.durable.clone()
                    }
                }
                PowerCut::Reorders(seed) => {
                    let mut bytes = inode.current.clone();
                    if bytes.starts_with(&inode.durable) && bytes.len() > synced {
                        let hole = synced + seed as usize % (bytes.len() - synced);
                        let end = (hole + 512).min(bytes.len());
                        bytes[hole..end].fill(0);
                        bytes
                    } else {
                        inode.durable.clone()
                    }
                }
            };
            inode.durable = inode.current.clone();
        }
        state.durable_names = state.names.clone();
    }

    /// Changes a file behind the log's back.
    pub(crate) fn edit(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock().unwrap();
        let inode = state.inode(path).unwrap();
        change(&mut inode.current);
        inode.durable = inode.current.clone();
    }

    /// Another disk that holds the same.
    pub(crate) fn copy(&self) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }

    /// The files read since the last call.
    pub(crate) fn take_reads(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.0.lock().unwrap().reads)
    }

    /// Everything on the disk, for holding two moments against each other.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.0.lock().unwrap();
        state.names.iter().map(|(path, inode)| (path.clone(), state.inodes[*inode].current.clone())).collect()
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn Appending>> {
        let mut state = self.0.lock().unwrap();
        let number = if create {
            state.parent_is_there(path)?;
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            match state.way(&[Place::NewSegment]) {
                Way::Done => state.new_inode(path),
                Way::Not => return Err(broken()),
                Way::Half | Way::DoneWithError => {
                    state.new_inode(path);
                    return Err(broken());
                }
            }
        } else {
            *state.names.get(path).ok_or_else(absent)?
        };
        Ok(Box::new(SimFile { disk: self.clone(), number }))
    }

    fn write(&self, path: &Path, bytes: &[u8], _secret: bool) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.parent_is_there(path)?;
        let way = state.way(place_of_write(path));
        if matches!(way, Way::Not) {
            return Err(broken());
        }
        let number = state.names.get(path).copied().unwrap_or_else(|| state.new_inode(path));
        let kept = if matches!(way, Way::Half) { bytes.len() / 2 } else { bytes.len() };
        let (kept, room) = state.take_room(kept);
        state.inodes[number].current = bytes[..kept].to_vec();
        if matches!(way, Way::Done) { room } else { Err(broken()) }
    }

    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let current = &mut state.inode(path)?.current;
        let start = usize::try_from(offset).unwrap();
        current[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let way = state.way(&[Place::FileSync]);
        sync(state.inode(path)?, way)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let way = state.way(&[Place::DirSync]);
        if matches!(way, Way::Not) {
            return Err(broken());
        }
        let half = matches!(way, Way::Half);
        let within = |name: &Path| name.parent() == Some(path);
        let now: Vec<_> =
            state.names.iter().filter(|(name, _)| within(name)).map(|(name, inode)| (name.clone(), *inode)).collect();
        if !half {
            state.durable_names.retain(|name, _| !within(name));
        }
        let kept = if half { now.len() / 2 } else { now.len() };
        state.durable_names.extend(now.into_iter().take(kept));
        if matches!(way, Way::Done) { Ok(()) } else { Err(broken()) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.parent_is_there(to)?;
        let way = state.way(match place_of_write(to) {
            [] => &[Place::Rename],
            derived => derived,
        });
        if matches!(way, Way::Not | Way::Half) {
            return Err(broken());
        }
        let number = state.names.remove(from).ok_or_else(absent)?;
        state.names.insert(to.to_owned(), number);
        if matches!(way, Way::Done) { Ok(()) } else { Err(broken()) }
    }

    fn read(&self, path: &Path, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let mut state = self.0.lock().unwrap();
        state.reads.push(path.to_owned());
        let bytes = &state.inode(path)?.current;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        Ok(rest[..rest.len().min(limit)].to_vec())
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().inode(path)?.current.len() as u64)
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().inode(path)?.current.truncate(length as usize);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        if !state.dirs.contains(path) {
            return Err(absent());
        }
        let all = state.names.keys().chain(&state.dirs).filter(|name| name.parent() == Some(path));
        Ok(all.map(|name| name.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().dirs.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.names.remove(path).is_some() {
            return Ok(());
        }
        if !state.dirs.contains(path) {
            return Err(absent());
        }
        state.names.retain(|name, _| !name.starts_with(path));
        state.dirs.retain(|dir| !dir.starts_with(path));
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let mut state = self.0.lock().unwrap();
        if state.locks.get(path).is_some_and(|held| held.strong_count() > 0) {
            return Ok(None);
        }
        let lock = Arc::new(());
        state.locks.insert(path.to_owned(), Arc::downgrade(&lock));
        Ok(Some(Box::new(lock)))
    }
}

struct SimFile {
    disk: SimDisk,
    number: usize,
}

impl Appending for SimFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock().unwrap();
        let way = state.way(&[Place::Entry]);
        let kept = match way {
            Way::Not => return Err(broken()),
            Way::Half => bytes.len() / 2,
            Way::Done | Way::DoneWithError => bytes.len(),
        };
        let (kept, room) = state.take_room(kept);
        state.inodes[self.number].current.extend_from_slice(&bytes[..kept]);
        if matches!(way, Way::Done) { room } else { Err(broken()) }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut state = self.disk.0.lock().unwrap();
        let way = state.way(&[Place::Sync]);
        let number = self.number;
        sync(&mut state.inodes[number], way)
    }
}
