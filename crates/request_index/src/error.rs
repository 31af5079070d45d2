//! What can go wrong with the index; each says how to mend it. It must not know who asks.

use std::io;
use std::path::PathBuf;

/// Why the index did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file, or what it holds.
    #[error("the request index `{}` failed: {error}; `gwanmun index rebuild` makes it again from the log", path.display())]
    Failed {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        error: sqlx::Error,
    },
    /// It was made by another version, or is not ours.
    #[error("the request index `{}` cannot be brought up to date: {error}; `gwanmun index rebuild` makes it again from the log", path.display())]
    Migration {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        error: sqlx::migrate::MigrateError,
    },
    /// The file cannot be made, removed or put in place.
    #[error("the request index `{}` cannot be made: {error}; see that this user may write there and that the disk has room", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Entries came that do not follow what has been taken.
    #[error("the request index `{}` was given entry {given}, and entry {expected} is the next: entries come in their order, none left out", path.display())]
    OutOfOrder {
        /// Which file.
        path: PathBuf,
        /// The entry that is the next.
        expected: u64,
        /// The one that came.
        given: u64,
    },
    /// It was made from another log.
    #[error("the request index `{}` was made from the log `{of}`, not from `{origin}`: `gwanmun index rebuild` makes it again from this one", path.display())]
    OtherLog {
        /// Which file.
        path: PathBuf,
        /// The log that it was made from.
        of: String,
        /// The log that is there.
        origin: String,
    },
    /// More points in time were asked for than are told at once.
    #[error(
        "{buckets} points in time are more than the {max} that are told at once: ask for longer ones, or for a shorter time"
    )]
    TooFine {
        /// How many it would be.
        buckets: u64,
        /// The most.
        max: u64,
    },
}
