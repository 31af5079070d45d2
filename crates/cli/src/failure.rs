//! How a subcommand ends: with an answer, or with a failure that says what happened and how to mend it.

use std::{io, process::ExitCode};

use audit_log::LogError;
use console::AccountError;
use gateway::{
    changes::ChangeError, data_dir::DataDirError, database::DatabaseError, indexing::IndexingError,
    keys::KeyStoreError, public_log::WitnessError, serve::ListenError, witnesses::PolicyFileError,
};
use model_store::StoreError;
use request_index::IndexError;

use crate::terminal::Terminal;

/// The exit statuses; scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Yes = 0,
    No = 1,
    Trouble = 2,
    Usage = 64,
    /// Stopped by Ctrl-C, as a shell says it: 128 and the signal's number.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a subcommand found, where it could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    /// The work was done, and the answer is no.
    No,
    /// The user stopped it.
    Interrupted,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes => Exit::Yes.into(),
            Answer::No => Exit::No.into(),
            Answer::Interrupted => Exit::Interrupted.into(),
        }
    }
}

/// Why a subcommand could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// The machine, the disk, the network or a server was in the way.
    pub(crate) fn trouble(message: impl Into<String>) -> Self {
        Self { exit: Exit::Trouble, message: message.into(), hint: None }
    }

    /// What was typed makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), hint: None }
    }

    /// How to mend it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// How to mend it, where that is known.
    pub(crate) fn mend(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Tells it, and gives the exit status.
    pub(crate) fn tell(&self, terminal: &mut Terminal) -> ExitCode {
        if !self.message.is_empty() {
            terminal.error(&self.message, self.hint.as_deref());
        }
        self.exit.into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = if matches!(error, StoreError::BadSource { .. }) { Exit::Usage } else { Exit::Trouble };
        Self { exit, message: error.to_string(), hint: error.hint() }
    }
}

/// Failures of the gateway's parts; each says itself how to mend it.
macro_rules! told_by_itself {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::trouble(error.to_string())
            }
        })+
    };
}

told_by_itself!(
    AccountError,
    ChangeError,
    DataDirError,
    DatabaseError,
    IndexError,
    IndexingError,
    KeyStoreError,
    ListenError,
    LogError,
    PolicyFileError,
    WitnessError
);

/// What the terminal refused. A reader that has seen enough (`| head`) is told nothing.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Yes, message: String::new(), hint: None };
        }
        Self::trouble(format!("could not write the answer: {error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}
