//! Why a log could not be made, opened or read: each names the file, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use audit_entry::EntryError;
use tlog::NoteError;

/// Why a log could not be made, opened or read. Nothing has been overwritten.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("`{}`: {}", path.display(), crate::disk::explain(error))]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The directory is no log.
    #[error("`{}` is no log: it has no file `origin`; name the directory of a log, or make one", .0.display())]
    NotALog(PathBuf),
    /// Something is there already.
    #[error("`{}` is not empty: a log is only made where nothing is", .0.display())]
    NotEmpty(PathBuf),
    /// Another process writes this log.
    #[error("`{}` is held by another process: stop that one first", .0.display())]
    Locked(PathBuf),
    /// The log holds something that no crash leaves behind.
    #[error("`{}`, byte {offset}: {what}; keep a copy of the whole directory, then bring the log back from a replica or a backup", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// What follows from the segments is missing or wrong; the entries themselves are not touched by that.
    #[error("`{}`: {what}; stop whatever writes this log and run `gwanmun audit rebuild`, which writes the tiles again", path.display())]
    Tiles {
        /// The directory of the tiles.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file of the log can't be understood.
    #[error("`{}`: {error}; bring the file back from a backup", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: NoteError,
    },
    /// The entry asked for is not covered by a checkpoint yet, or does not exist.
    #[error("entry {index} is not there: the newest checkpoint covers {size} entries")]
    NoSuchEntry {
        /// What was asked for.
        index: u64,
        /// How many are covered.
        size: u64,
    },
    /// The entry can't be written.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The log no longer takes entries.
    #[error(transparent)]
    Refused(#[from] crate::writer::Refused),
}

impl LogError {
    pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> LogError + use<> {
        let path = path.to_owned();
        move |error| LogError::Disk { path, error }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(NoteError) -> LogError + use<> {
        let path = path.to_owned();
        move |error| LogError::File { path, error }
    }
}
