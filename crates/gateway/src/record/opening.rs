//! The log at a start: made with the data directory, opened, and told what the last process could not say any more.
//!
//! It must not know how a log is read back; what was found is handed on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use audit_log::{Body, Cut, Digest, Ending, Log, LogError, OpenDecision, Recovered, Settings, Start, Text};
use tokio::sync::watch;

use super::{CommitmentSecret, Mode, Outcome, Recorder};
use crate::clock::Clock;

/// What an origin begins with; 64 hex digits of chance follow, so that no two logs have one name.
const ORIGIN_PREFIX: &str = "gwanmun.local/";

/// What the log says of the process that begins to serve.
#[derive(Clone, Copy, Debug)]
pub struct Began<'a> {
    /// The program's version.
    pub version: &'a str,
    /// SHA-256 of the configuration's text.
    pub config: [u8; 32],
}

/// What was found in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Entries that were there.
    pub entries: u64,
    /// Decisions without outcome; each has got the outcome `lost`.
    pub lost: u64,
    /// The tail that was cut, if one was: bytes that nobody had been promised.
    pub cut: Option<Cut>,
}

impl Recorder {
    /// Makes a log in the folder `dir`, which is absent or empty, under a new name.
    pub fn begin(dir: &Path, clock: &Clock) -> Result<(), LogError> {
        let mut chance = [0; 32];
        getrandom::fill(&mut chance)
            .map_err(|error| LogError::Disk { path: dir.to_owned(), error: std::io::Error::other(error) })?;
        let origin = format!("{ORIGIN_PREFIX}{}", hex::encode(chance));
        Log::create(dir, &origin, &Settings::new(since_epoch(clock.clone())))
    }

    /// Opens the log in `dir`, which must be there. Every decision that has no outcome gets the outcome `lost`; then the
    /// log says who began.
    pub fn open(
        dir: &Path,
        secret: CommitmentSecret,
        clock: Clock,
        began: Began<'_>,
    ) -> Result<(Self, Opened), LogError> {
        let settings = Settings::new(since_epoch(clock.clone()));
        Self::open_with(dir, secret, clock, began, settings)
    }

    /// As [`Recorder::open`], with other settings of the log than the usual ones: another disk, for tests.
    pub fn open_with(
        dir: &Path,
        secret: CommitmentSecret,
        clock: Clock,
        began: Began<'_>,
        mut settings: Settings,
    ) -> Result<(Self, Opened), LogError> {
        let failed = Arc::new(watch::Sender::new(false));
        let failing = Arc::clone(&failed);
        settings.on_failure = Box::new(move |why| {
            tracing::error!("the audit log has failed: {why}; nothing more is recorded, and nothing more is sent");
            failing.send_replace(true);
        });
        let (log, Recovered { entries, open, cut }) = Log::open(dir, settings)?;
        for OpenDecision { index, decision } in &open {
            let lost = Outcome::bare(Ending::Lost, None).entry(*index, decision.request.clone(), None);
            log.append_owed(&Body::Outcome(lost), |_| {})?;
        }
        let start = Start { version: Text::of(began.version), config: Digest(began.config) };
        // Behind the others in one queue: when this is durable, they are.
        log.append_and_wait(&Body::Start(start))?;
        let found = Opened { entries, lost: open.len() as u64, cut };
        Ok((Self::new(secret, clock, Mode::Kept(Arc::new(log)), failed), found))
    }
}

/// The clock as the log asks it. A machine set to before 1970 is told 1970.
fn since_epoch(clock: Clock) -> audit_log::Clock {
    Arc::new(move || Duration::try_from(clock.wall().duration_since(jiff::Timestamp::UNIX_EPOCH)).unwrap_or_default())
}
