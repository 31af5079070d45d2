//! Follows the configuration file and those that it names: a good change is taken as one value once the audit log names it, a
//! bad one is refused and the last good one stays.
//!
//! Knows nothing of what the settings do; it tells which of them wait for a restart.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use audit_log::{Action, Administration, Text, Word};
use sha2::{Digest as _, Sha256};
use tokio::signal::unix::{SignalKind, signal};

use super::{Authorities, Config, Editor, Live, Mistakes, UsedPolicy, read_file};
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
    /// What the command line has set, whatever the file says.
    listen: Option<SocketAddr>,
    console: Option<SocketAddr>,
    /// What the files looked like when they were last read.
    seen: Vec<Seen>,
    /// What was wrong with them then: told of once.
    refused: Option<Mistakes>,
    /// What the log was told of a change that is not in force yet.
    noted: Vec<Administration>,
}

/// What tells a changed file without reading it; none where it is not there.
type Seen = (PathBuf, Option<(SystemTime, u64)>);

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
        Self { path, live, listen: None, console: None, seen: Vec::new(), refused: None, noted: Vec::new() }
    }

    /// Where the command line says that the two ports are: what the file says of them is no change.
    #[must_use]
    pub fn listening(self, listen: Option<SocketAddr>, console: Option<SocketAddr>) -> Self {
        Self { listen, console, ..self }
    }

    /// Reads the files if one seems changed, or in any case if `asked`, and takes what is good: it is in force when
    /// `recorder` has made the change durable.
    pub async fn look(&mut self, asked: bool, recorder: &Recorder) -> Looked {
        let seen = self.looks();
        if seen == self.seen && !asked {
            return Looked::Same;
        }
        let Ok(text) = read_file(&self.path) else { return Looked::Same };
        self.seen = seen;
        match self.parse(text).await {
            Err(mistakes) => self.refuse(mistakes),
            // Who has written the files is not known.
            Ok(config) => self.take(config, "file", recorder).await,
        }
    }

    /// What the text means, for this file.
    pub(super) async fn parse(&self, text: String) -> Result<Config, Mistakes> {
        // To compile and prove a large policy takes a while.
        let file = self.path.display().to_string();
        let parsed = tokio::task::spawn_blocking(move || Config::parse(&text, &file)).await;
        parsed.unwrap_or_else(|_| {
            let what = "could not be judged: this program broke off over it, which is a defect of it".to_owned();
            Err(Mistakes::of_file(&self.path.display().to_string(), what))
        })
    }

    /// Puts in force what the files say now, changed by `by`, once the log has it.
    pub(super) async fn take(&mut self, mut config: Config, by: &str, recorder: &Recorder) -> Looked {
        config.server.listen = self.listen.unwrap_or(config.server.listen);
        config.server.console = self.console.unwrap_or(config.server.console);
        let in_force = self.live.load_full();
        if let Some(vanished) = vanished_settings(&in_force, &config) {
            return self.refuse(vanished);
        }
        self.refused = None;
        // What the command line has set differs from the file, and is no change of it.
        let changes = changes(&in_force, &config, by);
        if changes.is_empty() {
            return Looked::Same;
        }
        for change in changes {
            if self.noted.contains(&change) {
                continue;
            }
            if let Err(error) = recorder.administration(change.clone()).await {
                self.seen.clear();
                return Looked::Unrecorded(error);
            }
            self.noted.push(change);
        }
        self.noted.clear();
        let waiting = in_force.waiting_for_restart(&config);
        self.live.store(Arc::new(config));
        Looked::Applied { waiting }
    }

    /// The configuration's file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is in force.
    pub(super) fn in_force(&self) -> Arc<Config> {
        self.live.load_full()
    }

    /// What was in force stays; the same mistakes are told of once.
    fn refuse(&mut self, mistakes: Mistakes) -> Looked {
        if self.refused.as_ref() == Some(&mistakes) {
            return Looked::Same;
        }
        self.refused = Some(mistakes.clone());
        Looked::Refused(mistakes)
    }

    /// Tells the operator what came of a look.
    pub(super) fn tell(&self, looked: &Looked, asked: bool) {
        let (file, version) = (self.path.display(), self.live.load().version);
        match looked {
            Looked::Same if asked => {
                tracing::info!(%version, "`{file}` is unchanged: version {version} stays in force");
            }
            Looked::Same => {}
            Looked::Applied { waiting } => {
                tracing::info!(%version, "`{file}` or a file that it names has changed: version {version} is in force");
                for setting in waiting {
                    tracing::warn!(setting, "`{setting}` has changed, and needs a restart to take effect");
                }
            }
            Looked::Unrecorded(error) => {
                tracing::error!(%error, "`{file}` or a file that it names has changed, but {error}; version {version} stays in force");
            }
            Looked::Refused(mistakes) => {
                tracing::error!(%version, "`{file}` or a file that it names has changed and is refused; version {version} stays in force\n{mistakes}");
            }
        }
    }

    /// What the files look like now: the configuration, those that it names, and those that were found wrong.
    fn looks(&self) -> Vec<Seen> {
        let named = self.live.load().files();
        let wrong = self.refused.iter().flat_map(Mistakes::list).map(|mistake| PathBuf::from(&mistake.file));
        let mut files: Vec<PathBuf> = std::iter::once(self.path.clone()).chain(named).chain(wrong).collect();
        files.sort();
        files.dedup();
        let about = |path: &PathBuf| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        files
            .into_iter()
            .map(|path| {
                let about = about(&path);
                (path, about)
            })
            .collect()
    }
}

/// The same policy, whose settings are gone: an editor may be writing them, and without them its classes are others.
fn vanished_settings(from: &Config, to: &Config) -> Option<Mistakes> {
    let gone = from.policy.used == to.policy.used && from.policy.has_settings && !to.policy.has_settings;
    let UsedPolicy::File(rules) = &to.policy.used else { return None };
    let what = "is gone, and the policy in force has its classes from it: put it back, or give the rules another name";
    gone.then(|| Mistakes::of_file(&rules.with_extension("toml").display().to_string(), what.to_owned()))
}

/// What the log is told when one configuration takes the place of another, by `by`.
fn changes(from: &Config, to: &Config, by: &str) -> Vec<Administration> {
    let change = |action, subject: &str, from: [u8; 32], to: [u8; 32]| {
        let detail = [("from", from), ("to", to)];
        let named = |(name, hash): (&str, [u8; 32])| Some((Word::new(name).ok()?, Text::of(&hex::encode(hash))));
        let detail = detail.into_iter().filter_map(named).collect();
        (from != to).then(|| Administration { action, subject: Text::of(subject), by: Text::of(by), detail })
    };
    let hashes =
        |config: &Config| (config.version.hash(), config.policy.rules.hash(), config.policy.catalog.hash().bytes());
    let ((version, policy, catalog), (next_version, next_policy, next_catalog)) = (hashes(from), hashes(to));
    let changes = [
        change(Action::ConfigurationChange, "configuration", version, next_version),
        change(Action::PolicyChange, to.policy.rules.name(), policy, next_policy),
        change(Action::CatalogChange, "catalogue", catalog, next_catalog),
        change(Action::ConfigurationChange, "certificates", certificates(from), certificates(to)),
    ];
    changes.into_iter().flatten().chain(renewed(from, to, by)).collect()
}

/// Secrets that are others though the configuration calls them the same: of them the log holds no hash.
fn renewed<'a>(from: &'a Config, to: &'a Config, by: &'a str) -> impl Iterator<Item = Administration> + 'a {
    let others = to.secrets().filter(|(what, secret)| {
        let before = from.secrets().find(|(known, _)| known == what);
        before.is_some_and(|(_, before)| before.reveal() != secret.reveal())
    });
    others.map(|(what, _)| Administration {
        action: Action::ConfigurationChange,
        subject: Text::of(&what),
        by: Text::of(by),
        detail: BTreeMap::new(),
    })
}

/// The operator's own authorities, as one hash: their file may change where the configuration does not.
fn certificates(config: &Config) -> [u8; 32] {
    let mut hash = Sha256::new();
    for destination in config.destinations.iter().filter(|it| it.authorities.is_some()) {
        hash.update(destination.name.as_bytes());
        for certificate in destination.authorities.iter().flat_map(Authorities::certificates) {
            hash.update(Sha256::digest(certificate));
        }
    }
    hash.finalize().into()
}

/// Follows the file for as long as the process lives: once a second, and at once at SIGHUP. Tells in the log what came of it.
/// What is changed from within goes through the editor that comes back.
pub fn follow(mut source: Source, recorder: Recorder, tasks: &Tasks, clock: Clock) -> io::Result<Editor> {
    let mut hangups = signal(SignalKind::hangup())?;
    let (editor, mut wanted) = Editor::new();
    tasks.start("configuration", |stop| async move {
        loop {
            let asked = tokio::select! {
                () = stop.draining() => break,
                asked = hangups.recv() => asked.is_some(),
                Some(wanted) = wanted.recv() => {
                    wanted.carry_out(&mut source, &recorder).await;
                    continue;
                }
                () = clock.sleep(LOOK_EVERY) => false,
            };
            let looked = source.look(asked, &recorder).await;
            source.tell(&looked, asked);
        }
    });
    Ok(editor)
}
