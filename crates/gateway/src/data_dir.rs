//! The data directory: its layout, how it is made, who holds it, and how others on the machine find the running server.
//!
//! It is made aside and renamed into place, so that it is there whole or not at all; and it is never made where one was.
//! It knows names and permissions, not what the files hold.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use audit_log::LogError;
use tlog::{Role, SigningKeys};

use crate::clock::Clock;
use crate::keys::HashSecret;
use crate::record::{CommitmentSecret, Recorder};

pub use running::{Announced, Running};

mod running;

const LOG: &str = "log";
const WITNESS: &str = "witness";
const PAYLOADS: &str = "payloads";
/// The folder of the form before the audit log.
const RECORD: &str = "record";
const MODELS: &str = "models";
const DRILLS: &str = "drills";
const RUN: &str = "run";
const KEYS: &str = "gwanmun.db";
const REQUESTS: &str = "requests.sqlite";
const KEY_HASH_SECRET: &str = "key-hash.secret";
const COMMITMENT_SECRET: &str = "commitment.secret";
const PAYLOAD_SECRET: &str = "payload.secret";
const LOCK: &str = "lock";
/// For its owner alone.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// A data directory that is there and whole, as far as names and permissions go.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held by the one process that serves from it.
    lock: Option<File>,
    made: bool,
}

/// Why a data directory is not used. Each says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// There is something else at its place.
    #[error("`{}` is not a directory: choose another with `--data-dir`", path.display())]
    NotADirectory {
        /// Its place.
        path: PathBuf,
    },
    /// There is a directory that is not ours.
    #[error("`{}` holds other files, and is not a data directory of gwanmun: choose an empty or a new one with `--data-dir`", path.display())]
    NotOurs {
        /// Its place.
        path: PathBuf,
    },
    /// Something that must be there is not.
    #[error("`{}` is missing: restore the data directory from a copy; it is never made anew over an old one", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
    },
    /// It is of the form that had a plain record in the place of the audit log.
    #[error("`{}` holds the record of an earlier version, and no audit log: run `gwanmun audit adopt`, which begins one and keeps the record as it is", path.display())]
    EarlierForm {
        /// Its place.
        path: PathBuf,
    },
    /// Others can read a secret.
    #[error("others can read the secret `{}`: run `chmod 600` on it, and renew what it protects if others had access", path.display())]
    SecretOpen {
        /// The secret.
        path: PathBuf,
    },
    /// A secret of another length.
    #[error("the secret `{}` is damaged: it must be 32 bytes; restore it from a copy", path.display())]
    SecretDamaged {
        /// The secret.
        path: PathBuf,
    },
    /// Another process serves from it.
    #[error("`{}` is in use by process {pid}: end that one, or choose another with `--data-dir`", path.display())]
    Locked {
        /// Its place.
        path: PathBuf,
        /// The process, as far as it told.
        pid: String,
    },
    /// It cannot be written.
    #[error("`{}` cannot be written ({error}): give this user the right to write there, or choose another with `--data-dir`", path.display())]
    NotWritable {
        /// What cannot be written.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Anything else.
    #[error("the data directory `{}` cannot be used: {error}", path.display())]
    Io {
        /// What cannot be used.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl DataDir {
    /// Opens the directory at `path` for the process that serves from it, alone. One that is absent or empty is made.
    pub fn open(path: &Path, clock: &Clock) -> Result<Self, DataDirError> {
        let mut dir = Self::join(path, clock)?;
        let lock_path = path.join(LOCK);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE_FILE)
            .open(&lock_path)
            .map_err(|error| told(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let read = lock.read_to_string(&mut pid);
                let pid = if read.is_ok() && !pid.trim().is_empty() { pid.trim().to_owned() } else { "unknown".into() };
                return Err(DataDirError::Locked { path: path.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(told(&lock_path, error)),
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(|error| told(&lock_path, error))?;
        dir.lock = Some(lock);
        running::forget(&dir.path.join(RUN))?;
        Ok(dir)
    }

    /// Opens the directory at `path` beside a process that may be serving from it. One that is absent or empty is made.
    pub fn join(path: &Path, clock: &Clock) -> Result<Self, DataDirError> {
        let made = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none() && make(path, clock)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, clock)?,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(DataDirError::NotADirectory { path: path.to_owned() });
            }
            Err(error) => return Err(told(path, error)),
        };
        let dir = Self { path: path.to_owned(), lock: None, made };
        dir.check()?;
        Ok(dir)
    }

    /// Whether it was made just now.
    pub fn made(&self) -> bool {
        self.made
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the audit log is.
    pub fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// The audit log's name.
    pub fn log_origin(&self) -> Result<String, DataDirError> {
        let path = self.log().join("origin");
        let origin = fs::read_to_string(&path).map_err(|error| told(&path, error))?;
        Ok(origin.trim_end().to_owned())
    }

    /// Where the keys and the memory of the witness for other logs are.
    pub fn witness(&self) -> PathBuf {
        self.path.join(WITNESS)
    }

    /// Where sealed requests and answers are.
    pub fn payloads(&self) -> PathBuf {
        self.path.join(PAYLOADS)
    }

    /// Where model files are.
    pub fn models(&self) -> PathBuf {
        self.path.join(MODELS)
    }

    /// The folder of drills' reports; need not be there.
    pub fn drills(&self) -> PathBuf {
        self.path.join(DRILLS)
    }

    /// The database: keys, and what waits for the log.
    pub fn database(&self) -> PathBuf {
        self.path.join(KEYS)
    }

    /// The request index; need not be there, for it is made from the log.
    pub fn request_index(&self) -> PathBuf {
        self.path.join(REQUESTS)
    }

    /// The secret under which keys are hashed.
    pub fn key_hash_secret(&self) -> Result<HashSecret, DataDirError> {
        read_secret(&self.path.join(KEY_HASH_SECRET)).map(|bytes| HashSecret::new(&bytes))
    }

    /// The secret from which the salts of commitments are derived.
    pub fn commitment_secret(&self) -> Result<CommitmentSecret, DataDirError> {
        read_secret(&self.path.join(COMMITMENT_SECRET)).map(|bytes| CommitmentSecret::new(&bytes))
    }

    /// The secret under which the keys of sealed payloads are wrapped.
    pub fn payload_secret(&self) -> Result<[u8; 32], DataDirError> {
        read_secret(&self.path.join(PAYLOAD_SECRET))
    }

    /// Everything that was made must still be there: what is missing now was lost.
    fn check(&self) -> Result<(), DataDirError> {
        let parts = [LOG, WITNESS, PAYLOADS, MODELS, KEYS, KEY_HASH_SECRET, COMMITMENT_SECRET, PAYLOAD_SECRET];
        let missing: Vec<_> = parts.iter().map(|part| self.path.join(part)).filter(|part| !part.exists()).collect();
        match missing.into_iter().next() {
            None => Ok(()),
            Some(_) if parts.iter().all(|part| !self.path.join(part).exists()) => {
                Err(DataDirError::NotOurs { path: self.path.clone() })
            }
            Some(_) if self.path.join(RECORD).exists() && !self.path.join(LOG).exists() => {
                Err(DataDirError::EarlierForm { path: self.path.clone() })
            }
            Some(path) => Err(DataDirError::Missing { path }),
        }
    }
}

/// Makes the directory aside and puts it in place. False if another process was quicker.
fn make(path: &Path, clock: &Clock) -> Result<bool, DataDirError> {
    let name = path.file_name().ok_or_else(|| DataDirError::NotADirectory { path: path.to_owned() })?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(|error| told(parent, error))?;
    // Held while making, so that two first starts do not make one directory.
    let held =
        File::open(parent).and_then(|parent| parent.lock().map(|()| parent)).map_err(|error| told(parent, error))?;
    if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Ok(false);
    }
    let mut aside_name = std::ffi::OsString::from(".");
    aside_name.push(name);
    aside_name.push(".making");
    let aside = parent.join(aside_name);
    // What a process left that died here.
    if aside.exists() {
        fs::remove_dir_all(&aside).map_err(|error| told(&aside, error))?;
    }
    let filled = fill(&aside, clock).and_then(|()| fs::rename(&aside, path)).and_then(|()| held.sync_all());
    if let Err(error) = filled {
        // The first error is the one to tell; nothing half-made is left, if the disk still lets us.
        let _ = fs::remove_dir_all(&aside);
        return Err(told(path, error));
    }
    Ok(true)
}

fn fill(folder: &Path, clock: &Clock) -> io::Result<()> {
    let private = |path: PathBuf| DirBuilder::new().mode(PRIVATE_FOLDER).create(path);
    private(folder.to_owned())?;
    private(folder.join(MODELS))?;
    // An empty file is an empty database.
    write_private(&folder.join(KEYS), b"")?;
    for name in [KEY_HASH_SECRET, COMMITMENT_SECRET] {
        write_secret(&folder.join(name))?;
    }
    fill_notary(folder, clock)?;
    File::open(folder)?.sync_all()
}

/// The audit log and what stands beside it.
fn fill_notary(folder: &Path, clock: &Clock) -> io::Result<()> {
    let private = |path: PathBuf| DirBuilder::new().mode(PRIVATE_FOLDER).create(path);
    private(folder.join(LOG))?;
    Recorder::begin(&folder.join(LOG), clock).map_err(of_log)?;
    let origin = fs::read_to_string(folder.join(LOG).join("origin"))?;
    make_witness(&folder.join(WITNESS), origin.trim_end())?;
    private(folder.join(PAYLOADS))?;
    write_secret(&folder.join(PAYLOAD_SECRET))
}

/// Makes the folder of a witness for other logs, with new keys, beside the log `origin`.
pub fn make_witness(folder: &Path, origin: &str) -> io::Result<()> {
    DirBuilder::new().mode(PRIVATE_FOLDER).create(folder)?;
    let keys = SigningKeys::generate(&witness_name(origin), Role::Witness).map_err(io::Error::other)?;
    write_private(&folder.join("key"), keys.to_file().as_bytes())
}

/// What a process calls itself when it cosigns for others: after its own log.
pub fn witness_name(origin: &str) -> String {
    format!("{origin}/witness")
}

fn write_secret(path: &Path) -> io::Result<()> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    write_private(path, &secret)
}

/// What the system said of the log's files; the directory's own errors name the place.
fn of_log(error: LogError) -> io::Error {
    if let LogError::Disk { error, .. } = error { error } else { io::Error::other(error) }
}

/// Writes a new file that only its owner can read, and syncs it.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn read_secret(path: &Path) -> Result<[u8; 32], DataDirError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DataDirError::Missing { path: path.to_owned() });
        }
        Err(error) => return Err(told(path, error)),
    };
    let mode = file.metadata().map_err(|error| told(path, error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(DataDirError::SecretOpen { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(64).read_to_end(&mut bytes).map_err(|error| told(path, error))?;
    bytes.try_into().map_err(|_| DataDirError::SecretDamaged { path: path.to_owned() })
}

fn told(path: &Path, error: io::Error) -> DataDirError {
    use io::ErrorKind::{AlreadyExists, NotADirectory, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    let path = path.to_owned();
    let kind = error.kind();
    if matches!(kind, PermissionDenied | ReadOnlyFilesystem | StorageFull) {
        DataDirError::NotWritable { path, error }
    } else if matches!(kind, NotADirectory | AlreadyExists) {
        DataDirError::NotADirectory { path }
    } else {
        DataDirError::Io { path, error }
    }
}

#[cfg(test)]
mod tests;
