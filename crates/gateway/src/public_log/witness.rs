//! Opens this gateway's witness: its key from the data directory, the logs that it watches from a policy file.
//!
//! What is cosigned the witness itself decides; this file must not know when.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tlog::{Role, SigningKeys, VerifierKey};
use tlog_witness::{Answer, Directory, Witness};

use crate::clock::Clock;
use crate::data_dir::witness_name;
use crate::witnesses::policy_file::{self, PolicyFileError};

/// The secret key, in the witness's directory; made with the data directory.
const KEY: &str = "key";
/// The longest key file that is read: it has two lines of some sixty bytes.
const KEY_BYTES_MAX: u64 = 4096;

/// Why there is no witness. Each says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The key is not there or not readable.
    #[error("the witness's key `{}` cannot be read: {error}", path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The key is no key.
    #[error("the witness's key `{}` is damaged: {what}; restore it from a copy", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The policy that says what to watch cannot be used.
    #[error(transparent)]
    Watch(#[from] PolicyFileError),
    /// What it had cosigned is not readable, or somebody else has the directory.
    #[error(transparent)]
    Memory(#[from] tlog_witness::WitnessError),
}

/// Opens the witness in `dir`, called after the log `origin` beside it; it watches the logs of the policy `watch`, or none.
pub fn open_witness(dir: &Path, origin: &str, watch: Option<&Path>, clock: &Clock) -> Result<Witness, WitnessError> {
    let path = dir.join(KEY);
    let key = read_key(&path)?;
    let keys = SigningKeys::parse(&witness_name(origin), Role::Witness, &key)
        .map_err(|error| WitnessError::Key { path, what: error.to_string() })?;
    let logs = watch.map(watched).transpose()?.unwrap_or_default();
    let clock = clock.clone();
    let since_1970 = move || Duration::from_secs(u64::try_from(clock.wall().as_second()).unwrap_or(0));
    Ok(Witness::open(Directory::open(dir)?, keys, logs, Arc::new(since_1970))?)
}

/// Tells the operator of what a witness is for: somebody's log that is not one log.
pub(super) fn tell(answer: &Answer) {
    match answer {
        Answer::NotConsistent => tracing::error!(
            "a watched log asked for a cosignature under a history that does not extend the one cosigned before: it was \
             refused; its checkpoint and the one kept here are evidence if its owner cannot explain them"
        ),
        Answer::Conflict(size) => {
            tracing::debug!(size, "a log asked for a cosignature from another size than was cosigned");
        }
        Answer::Malformed(_) | Answer::NotSigned | Answer::UnknownLog | Answer::Failed(_) => {
            tracing::debug!(status = answer.status(), "a request to cosign was refused");
        }
        Answer::Cosigned(_) => tracing::debug!("a checkpoint was cosigned"),
    }
}

fn watched(path: &Path) -> Result<Vec<VerifierKey>, PolicyFileError> {
    let policy = policy_file::read(path)?;
    if policy.logs().is_empty() {
        let what = "has no `log` line: write `log <vkey>` for each key of each log to be watched";
        return Err(PolicyFileError::Nobody { path: path.to_owned(), what });
    }
    Ok(policy.logs().iter().map(|log| log.key.clone()).collect())
}

fn read_key(path: &Path) -> Result<String, WitnessError> {
    let mut key = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(KEY_BYTES_MAX).read_to_string(&mut key));
    read.map_err(|error| WitnessError::Unread { path: path.to_owned(), error })?;
    Ok(key)
}
