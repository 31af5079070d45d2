//! What a witness has cosigned, kept so that it outlives the process and a loss of power: one small file for each log.
//!
//! A witness that forgets could cosign two histories. This file must not know signatures.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tlog::{Checkpoint, NOTE_BYTES_MAX, NoteError};

/// Why a witness can't be opened, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The file system refused.
    #[error("`{}`: {error}", path.display())]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another process is this witness.
    #[error("`{}` is held by another process: stop that one first", .0.display())]
    Locked(PathBuf),
    /// What was remembered can't be understood.
    #[error("`{}`: {error}; bring the file back from a backup: without it this witness could cosign a second history", path.display())]
    State {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: NoteError,
    },
    /// The keys could not sign.
    #[error("{0}")]
    Keys(NoteError),
}

/// What a witness remembers: for each log the newest checkpoint that it may have cosigned.
pub trait Memory: Send + Sync {
    /// What is remembered of the log of this name; none if nothing ever was.
    fn recall(&self, origin: &str) -> Result<Option<Checkpoint>, WitnessError>;

    /// Remembers in the place of what was; returns once that outlives a loss of power.
    fn remember(&self, checkpoint: &Checkpoint) -> Result<(), WitnessError>;
}

/// A memory in a directory, which one process holds.
#[derive(Debug)]
pub struct Directory {
    dir: PathBuf,
    /// Freed with the memory.
    _lock: File,
}

impl Directory {
    /// Opens the directory, made if it is not there, and locks it.
    pub fn open(dir: &Path) -> Result<Directory, WitnessError> {
        fs::create_dir_all(dir).map_err(at(dir))?;
        let path = dir.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Directory { dir: dir.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(WitnessError::Locked(dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    /// Origins may hold any letters; their hashes are file names.
    fn path_of(&self, origin: &str) -> PathBuf {
        self.dir.join(format!("{}.cosigned", hex::encode(Sha256::digest(origin.as_bytes()))))
    }
}

impl Memory for Directory {
    fn recall(&self, origin: &str) -> Result<Option<Checkpoint>, WitnessError> {
        let path = self.path_of(origin);
        let wrong = |error| WitnessError::State { path: path.clone(), error };
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(at(&path))?,
        };
        let mut bytes = Vec::new();
        file.take(NOTE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(at(&path))?;
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(wrong(NoteError::new("it is too long")));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong(NoteError::new("it is not UTF-8")))?;
        let checkpoint = Checkpoint::parse(&text).map_err(wrong)?;
        if checkpoint.origin == origin {
            return Ok(Some(checkpoint));
        }
        Err(wrong(NoteError::new(format!("it is of the log `{}`, not of `{origin}`", checkpoint.origin))))
    }

    /// After a crash the file holds either the old checkpoint or the new one, and after this call the new one.
    fn remember(&self, checkpoint: &Checkpoint) -> Result<(), WitnessError> {
        let path = self.path_of(&checkpoint.origin);
        let aside = path.with_added_extension("new");
        let remembered = || {
            let mut file = File::create(&aside)?;
            file.write_all(checkpoint.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        remembered().map_err(at(&path))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WitnessError + use<> {
    let path = path.to_owned();
    move |error| WitnessError::Disk { path, error }
}

#[cfg(test)]
mod tests;
