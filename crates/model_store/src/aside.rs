//! A model on its way in: a folder beside the stored models that holds what has come so far, hashed as it comes, and that
//! becomes a stored model by one rename. Knows nothing of where the bytes come from.
//!
//! `models/.pull/NAME/` holds `model.gguf.part`, or a folder's files in `model.part/`, and `resume.json`; the folder's lock
//! (flock) is held while it is worked on, and goes with the process that held it.

mod files;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::ControlFlow,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::{Digest, KeptFile, ModelName, Record, StoreError, digest::Hasher, folder};
use files::weights_in;

/// Where models on their way in lie, in the store's folder; no model's name begins with a dot.
pub(crate) const FOLDER: &str = ".pull";
/// A stored model's file, in its folder.
pub(crate) const MODEL_FILE: &str = "model.gguf";
/// The folder of a stored model that is several files, in its folder.
pub(crate) const MODEL_FOLDER: &str = "model";
/// A stored model's record, in its folder.
pub(crate) const RECORD_FILE: &str = "record.json";
const PART_FILE: &str = "model.gguf.part";
const PART_FOLDER: &str = "model.part";
const RESUME_FILE: &str = "resume.json";
/// Bytes read at once when copying or hashing.
const CHUNK_BYTES: usize = 1 << 18;

/// What must be known to go on with an interrupted pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Resume {
    /// The source as spelled; another source starts anew.
    source: String,
    /// Pieces of a source in several pieces that are wholly here.
    pieces: usize,
    /// Bytes that those pieces make; anything after them is of the next piece.
    bytes: u64,
}

/// Bytes of a model that an interrupted pull has left; none where there was none.
pub(crate) fn left_bytes(store: &Path, name: &ModelName) -> u64 {
    let home = store.join(FOLDER).join(name.as_str());
    let of_file = fs::metadata(home.join(PART_FILE)).map_or(0, |part| part.len());
    let of_folder = weights_in(&home.join(PART_FOLDER)).filter_map(|path| Some(fs::metadata(path).ok()?.len()));
    of_folder.fold(of_file, u64::saturating_add)
}

/// A model on its way in.
pub(crate) struct Aside {
    name: ModelName,
    store: PathBuf,
    folder: PathBuf,
    /// Its lock is what keeps other pulls of this model out.
    _lock: OwnedFd,
    part: File,
    hasher: Hasher,
    length: u64,
    resume: Resume,
    /// What is here of a model that is a folder.
    files: Option<Vec<KeptFile>>,
    /// Whether files of a folder that are whole are worth keeping when the pull is cut.
    keeps_files: bool,
    /// Whether an interrupted pull has left weights of a folder, which nobody has looked at yet.
    left_weights: bool,
}

impl Aside {
    /// Begins, or goes on with what an interrupted pull of the same name and source left.
    pub(crate) fn open(store: &Path, name: &ModelName, source: &str) -> Result<Self, StoreError> {
        let folder = store.join(FOLDER).join(name.as_str());
        fs::create_dir_all(&folder).map_err(StoreError::disk("create", &folder))?;
        let lock = rustix::fs::open(&folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|e| StoreError::disk("open", &folder)(e.into()))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StoreError::Busy(name.clone())),
            locked => locked.map_err(|e| StoreError::disk("lock", &folder)(e.into()))?,
        }
        let left: Option<Resume> =
            fs::read(folder.join(RESUME_FILE)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let goes_on = left.as_ref().is_some_and(|left| left.source == source);
        // What other sources, or a process that was killed at its last step, have left would become a part of this model.
        let strangers = [MODEL_FOLDER, "wheel"].into_iter().chain((!goes_on).then_some(PART_FOLDER));
        for stranger in strangers.map(|name| folder.join(name)).filter(|path| path.exists()) {
            fs::remove_dir_all(&stranger).map_err(StoreError::disk("delete", &stranger))?;
        }
        let left_weights = weights_in(&folder.join(PART_FOLDER)).next().is_some();
        let resume = left.filter(|_| goes_on).unwrap_or(Resume { source: source.to_owned(), pieces: 0, bytes: 0 });
        let path = folder.join(PART_FILE);
        let part = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(!goes_on)
            .open(&path)
            .map_err(StoreError::disk("create", &path))?;
        let mut aside = Self {
            name: name.clone(),
            store: store.to_owned(),
            folder,
            _lock: lock,
            part,
            hasher: Hasher::default(),
            length: 0,
            resume,
            files: None,
            keeps_files: false,
            left_weights,
        };
        aside.write_resume()?;
        aside.hash_what_is_here()?;
        Ok(aside)
    }

    fn hash_what_is_here(&mut self) -> Result<(), StoreError> {
        let path = self.part_path();
        let read = |part: &mut File, hasher: &mut Hasher| -> io::Result<u64> {
            part.seek(SeekFrom::Start(0))?;
            let mut buffer = vec![0; CHUNK_BYTES];
            let mut length = 0;
            loop {
                let count = part.read(&mut buffer)?;
                if count == 0 {
                    return Ok(length);
                }
                hasher.update(buffer.get(..count).unwrap_or_default());
                length += count as u64;
            }
        };
        self.hasher = Hasher::default();
        self.length = read(&mut self.part, &mut self.hasher).map_err(StoreError::disk("read", &path))?;
        Ok(())
    }

    /// Bytes of the model that are here.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Pieces that are wholly here, for a source in several.
    pub(crate) fn pieces(&self) -> usize {
        self.resume.pieces
    }

    /// The folder, for whatever else a source needs on its way.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file, or the folder, as far as it has come.
    pub(crate) fn part_path(&self) -> PathBuf {
        self.folder.join(if self.is_folder() { PART_FOLDER } else { PART_FILE })
    }

    /// Whether the model is several files.
    pub(crate) fn is_folder(&self) -> bool {
        self.files.is_some()
    }

    /// Its files, where it is several.
    pub(crate) fn files(&self) -> &[KeptFile] {
        self.files.as_deref().unwrap_or_default()
    }

    /// Whether a pull of the same source could go on with what is here.
    pub(crate) fn is_worth_keeping(&self) -> bool {
        let has_weights = || self.files().iter().any(|kept| folder::is_weights(Path::new(&kept.path)));
        self.left_weights || if self.is_folder() { self.keeps_files && has_weights() } else { self.length > 0 }
    }

    /// Forgets all bytes.
    pub(crate) fn restart(&mut self) -> Result<(), StoreError> {
        self.resume.pieces = 0;
        self.resume.bytes = 0;
        self.drop_unfinished_piece()
    }

    /// Forgets the bytes after the last whole piece.
    pub(crate) fn drop_unfinished_piece(&mut self) -> Result<(), StoreError> {
        if self.length < self.resume.bytes {
            self.resume.pieces = 0;
            self.resume.bytes = 0;
        }
        if self.length != self.resume.bytes {
            let path = self.part_path();
            self.part.set_len(self.resume.bytes).map_err(StoreError::disk("shorten", &path))?;
            self.hash_what_is_here()?;
        }
        self.write_resume()
    }

    /// Notes that all bytes up to here are whole pieces, one more than before.
    pub(crate) fn piece_done(&mut self) -> Result<(), StoreError> {
        let path = self.part_path();
        self.part.sync_data().map_err(StoreError::disk("write", &path))?;
        self.resume.pieces += 1;
        self.resume.bytes = self.length;
        self.write_resume()
    }

    fn write_resume(&self) -> Result<(), StoreError> {
        write_whole(&self.folder, RESUME_FILE, &serde_json::to_vec(&self.resume).unwrap_or_default())
    }

    /// Appends bytes.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.part_path();
        self.part.write_all(bytes).map_err(StoreError::disk("write", &path))?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Appends all that a reader gives; `after_each` hears how many bytes are here, and may stop it. A reader's failure is
    /// given back apart from the disk's.
    pub(crate) fn append_all(
        &mut self,
        reader: &mut dyn Read,
        after_each: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<io::Result<()>, StoreError> {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(Ok(())),
                Ok(count) => self.append(buffer.get(..count).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(error)),
            }
            if after_each(self.length).is_break() {
                return Err(StoreError::Stopped);
            }
        }
    }

    /// The digest of what is here.
    pub(crate) fn digest(&self) -> Digest {
        if let Some(files) = &self.files {
            return folder::digest(files);
        }
        self.hasher.clone().finish()
    }

    /// Makes what is here the stored model, with its record, in one rename.
    pub(crate) fn place(self, record: &Record) -> Result<PathBuf, StoreError> {
        let part = self.part_path();
        let file = self.folder.join(if self.is_folder() { MODEL_FOLDER } else { MODEL_FILE });
        if self.is_folder() {
            let empty = self.folder.join(PART_FILE);
            fs::remove_file(&empty).map_err(StoreError::disk("delete", &empty))?;
            sync_folder(&part)?;
        } else {
            self.part.sync_all().map_err(StoreError::disk("write", &part))?;
            let other = self.folder.join(PART_FOLDER);
            if other.exists() {
                fs::remove_dir_all(&other).map_err(StoreError::disk("delete", &other))?;
            }
        }
        let json = serde_json::to_vec_pretty(record)
            .map_err(|e| StoreError::Record { path: self.folder.join(RECORD_FILE), why: e.to_string() })?;
        write_whole(&self.folder, RECORD_FILE, &json)?;
        fs::rename(&part, &file).map_err(StoreError::disk("rename", &part))?;
        let resume = self.folder.join(RESUME_FILE);
        fs::remove_file(&resume).map_err(StoreError::disk("delete", &resume))?;
        sync_folder(&self.folder)?;
        let place = self.store.join(self.name.as_str());
        fs::rename(&self.folder, &place).map_err(StoreError::disk("rename", &self.folder))?;
        sync_folder(&self.store)?;
        Ok(place)
    }

    /// Deletes what is here.
    pub(crate) fn discard(self) -> Result<(), StoreError> {
        fs::remove_dir_all(&self.folder).map_err(StoreError::disk("delete", &self.folder))
    }
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    write().map_err(StoreError::disk("write", &path))
}

/// Makes a folder's names durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(StoreError::disk("sync", folder))
}
