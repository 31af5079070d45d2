//! Policy files (C2SP `tlog-policy`) from the disk, with errors that name the file.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tlog::{Policy, PolicyError};

/// The longest policy that is read, in bytes.
const POLICY_BYTES_MAX: u64 = 1024 * 1024;

/// Why a policy file is not used. Each says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// It is not there or not readable.
    #[error("the policy `{}` cannot be read: {error}", path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is no policy.
    #[error("the policy `{}` is wrong in {error}: its form is c2sp.org/tlog-policy's", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and in which line.
        error: PolicyError,
    },
    /// It names nobody of those that it is read for.
    #[error("the policy `{}` {what}", path.display())]
    Nobody {
        /// The file.
        path: PathBuf,
        /// What it lacks, and what to write.
        what: &'static str,
    },
    /// A witness cannot be asked at its address.
    #[error("the policy `{}` names `{}`, where nobody can be asked: {what}", path.display(), url.escape_debug())]
    Address {
        /// The file.
        path: PathBuf,
        /// The address.
        url: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads a policy file.
pub(crate) fn read(path: &Path) -> Result<Policy, PolicyFileError> {
    let mut text = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(POLICY_BYTES_MAX + 1).read_to_end(&mut text));
    read.map_err(|error| PolicyFileError::Unread { path: path.to_owned(), error })?;
    Policy::parse(&text).map_err(|error| PolicyFileError::Wrong { path: path.to_owned(), error })
}
