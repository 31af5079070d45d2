//! The log opened for writing, by a command: only where no server holds it.

use std::{path::Path, sync::Arc, time::Duration};

use audit_log::{Log, LogError, Recovered, Settings, Text};
use gateway::clock::Clock;

use crate::{failure::Failure, operator};

/// Opens it; none where another process holds it.
pub(super) fn open(directory: &Path, settings: Settings) -> Result<Option<(Log, Recovered)>, Failure> {
    match Log::open(directory, settings) {
        Ok(opened) => Ok(Some(opened)),
        Err(LogError::Locked(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// As a command opens it.
pub(super) fn settings() -> Settings {
    let clock = Clock::system();
    Settings::new(Arc::new(move || {
        // Before 1970 no log was written: such a clock is told as its beginning.
        Duration::try_from(clock.wall().duration_since(jiff::Timestamp::UNIX_EPOCH)).unwrap_or_default()
    }))
}

/// Closes it, so that all of it is written and signed.
pub(super) fn close(log: &Log) -> Result<(), Failure> {
    log.close().map_err(|why| Failure::trouble(format!("the log could not be closed: {why}")))
}

/// Who does it, as entries name them.
pub(super) fn by() -> Text {
    Text::of(&operator::by())
}
