//! Follows the configuration file: a good change is taken as one value once the audit log names it, a bad one is refused
//! and the last good one stays.
//!
//! Knows nothing of what the settings do; it tells which of them wait for a restart.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use audit_log::{Action, Administration, Text, Word};
use tokio::signal::unix::{SignalKind, signal};

use super::{Config, Live, Mistakes, Version, read_file};
use crate::clock::Clock;
use crate::record::{RecordError, Recorder};
use crate::tasks::Tasks;

/// How often the file is looked at: an edit is in force before the operator has turned to the next window.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A configuration file that is being followed.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    live: Live,
    /// What the file looked like when it was last read.
    seen: Option<Seen>,
    /// What was last read and judged, good or bad: told of once.
    judged: Option<String>,
}

/// What tells a changed file without reading it.
type Seen = (SystemTime, u64);

/// What came of a look at the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It is as it was, or could not be read just now.
    Same,
    /// It has changed and is in force, but for the settings named, which wait for a restart.
    Applied {
        /// The settings that wait for a restart.
        waiting: Vec<&'static str>,
    },
    /// It has changed and is wrong; what was in force stays.
    Refused(Mistakes),
    /// It has changed and is right, but the audit log does not take the change: what was in force stays, and the file is
    /// looked at again.
    Unrecorded(RecordError),
}

impl Source {
    /// Follows the file at `path`, which `live` was made of. A file that is not there yet is taken when it comes.
    pub fn new(path: PathBuf, live: Live) -> Self {
        Self { path, live, seen: None, judged: None }
    }

    /// Reads the file if it seems changed, or in any case if `asked`, and takes what is good: it is in force when `recorder`
    /// has made the change durable.
    pub async fn look(&mut self, asked: bool, recorder: &Recorder) -> Looked {
        let Ok((text, seen)) = self.read(asked) else { return Looked::Same };
        self.seen = seen;
        let Some(text) = text else { return Looked::Same };
        let in_force = self.live.load_full();
        if self.judged.as_ref().is_some_and(|judged| *judged == text) || Version::of(&text) == in_force.version {
            return Looked::Same;
        }
        let judged = Config::parse(&text, &self.path.display().to_string());
        self.judged = Some(text);
        match judged {
            Err(mistakes) => Looked::Refused(mistakes),
            Ok(config) => {
                if let Err(error) = recorder.administration(change(in_force.version, config.version)).await {
                    (self.judged, self.seen) = (None, None);
                    return Looked::Unrecorded(error);
                }
                let waiting = in_force.waiting_for_restart(&config);
                self.live.store(Arc::new(config));
                Looked::Applied { waiting }
            }
        }
    }

    /// Tells the operator what came of a look.
    fn tell(&self, looked: &Looked, asked: bool) {
        let (file, version) = (self.path.display(), self.live.load().version);
        match looked {
            Looked::Same if asked => {
                tracing::info!(%version, "`{file}` is unchanged: version {version} stays in force");
            }
            Looked::Same => {}
            Looked::Applied { waiting } => {
                tracing::info!(%version, "`{file}` has changed: version {version} is in force");
                for setting in waiting {
                    tracing::warn!(setting, "`{setting}` has changed, and needs a restart to take effect");
                }
            }
            Looked::Unrecorded(error) => {
                tracing::error!(%error, "`{file}` has changed, but {error}; version {version} stays in force");
            }
            Looked::Refused(mistakes) => {
                tracing::error!(%version, "`{file}` has changed and is refused; version {version} stays in force\n{mistakes}");
            }
        }
    }

    /// The file's text, unless it looks as it did.
    fn read(&self, asked: bool) -> io::Result<(Option<String>, Option<Seen>)> {
        let about = std::fs::metadata(&self.path)?;
        let seen = Some((about.modified()?, about.len()));
        if seen == self.seen && !asked {
            return Ok((None, seen));
        }
        Ok((Some(read_file(&self.path)?), seen))
    }
}

/// One version of the configuration takes the place of another. Who has written the file is not known.
fn change(from: Version, to: Version) -> Administration {
    let detail = [("from", from), ("to", to)];
    let named =
        |(name, version): (&str, Version)| Some((Word::new(name).ok()?, Text::of(&hex::encode(version.hash()))));
    Administration {
        action: Action::ConfigurationChange,
        subject: Text::of("configuration"),
        by: Text::of("file"),
        detail: detail.into_iter().filter_map(named).collect(),
    }
}

/// Follows the file for as long as the process lives: once a second, and at once at SIGHUP. Tells in the log what came of it.
pub fn follow(mut source: Source, recorder: Recorder, tasks: &Tasks, clock: Clock) -> io::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    tasks.start("configuration", |stop| async move {
        loop {
            let asked = tokio::select! {
                () = stop.draining() => break,
                asked = hangups.recv() => asked.is_some(),
                () = clock.sleep(LOOK_EVERY) => false,
            };
            let looked = source.look(asked, &recorder).await;
            source.tell(&looked, asked);
        }
    });
    Ok(())
}
