//! The index as a file: made for its owner alone, removed with what SQLite keeps beside it, put in place whole. It must not know what
//! the file holds.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::IndexError;

/// For its owner alone.
const PRIVATE_FILE: u32 = 0o600;
/// What SQLite keeps beside a database in WAL mode. They belong to one database: beside another they would be read as its own.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Makes an empty file where there is none: an empty file is an empty database.
pub(crate) fn make(path: &Path) -> Result<(), IndexError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(PRIVATE_FILE).open(path);
    made.map(drop).map_err(|error| failed(path, error))
}

/// Removes the index at `path`, if there is one. Nobody may have it open.
///
/// # Errors
/// Where the disk does not let it.
pub fn remove(path: &Path) -> Result<(), IndexError> {
    // First the database: of what is left without it SQLite believes nothing.
    for path in [path.to_owned()].into_iter().chain(BESIDE.map(|suffix| beside(path, suffix))) {
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Ok(())
}

/// Puts the index at `aside`, which has been closed, at the place of the one at `path`. Nobody may have that one open. A process that
/// dies in between leaves none at `path`, which is made again from the log.
///
/// # Errors
/// Where the disk does not let it.
pub fn replace(aside: &Path, path: &Path) -> Result<(), IndexError> {
    File::open(aside).and_then(|file| file.sync_all()).map_err(|error| failed(aside, error))?;
    remove(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let renamed = fs::rename(aside, path).and_then(|()| File::open(folder)).and_then(|folder| folder.sync_all());
    renamed.map_err(|error| failed(path, error))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn failed(path: &Path, error: io::Error) -> IndexError {
    IndexError::File { path: path.to_owned(), error }
}
