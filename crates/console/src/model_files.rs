//! Model files in the data directory, as people fetch and remove them from a page: one fetch at a time, which goes on when the page is
//! left and ends when the process is told to stop. Every model that comes or goes leaves its change for the log.
//!
//! It must not know pages, nor what a file holds: `inspect` says that.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit_log::Action;
use gateway::changes::{self, Change};
use gateway::clock::Clock;
use gateway::database::Database;
use gateway::tasks::{Phase, Stop, Tasks};
use jiff::Timestamp;
use model_store::{Facts, KnownModel, ModelName, Progress, Record, Store, StoreError, Stored, Wanted};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::answer::Refused;

/// The name of the work, among the process's tasks.
const WORK: &str = "model files";

/// What the console may do with model files.
pub struct ModelFiles {
    /// Where they are kept, and how they are fetched.
    pub store: Store,
    /// Says what a file is, or in its own words why it cannot be served.
    pub inspect: fn(&Path) -> Result<Facts, String>,
    /// The models that may be fetched, by name.
    pub known: Vec<KnownModel>,
    /// The file that the local model runs from.
    pub running: Option<PathBuf>,
}

/// That a model is in the data directory now.
pub fn model_added(record: &Record, by: &str) -> Change {
    let sha256 = record.sha256.to_string();
    let detail = [("sha256", sha256.as_str()), ("source", record.source.as_str())];
    Change::administration(Action::ModelAdd, record.name.as_str(), by, &detail)
}

/// That a model is no longer there.
pub fn model_removed(name: &ModelName, by: &str) -> Change {
    Change::administration(Action::ModelRemove, name.as_str(), by, &[])
}

/// The model files of this machine, and the fetch that is under way or was the last.
pub(crate) struct Models(Arc<Shared>);

struct Shared {
    files: ModelFiles,
    database: Database,
    clock: Clock,
    tasks: Tasks,
    /// Owner: the fetch that runs; without one, whoever begins the next.
    state: watch::Sender<State>,
}

/// What changes while pages look.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) fetch: Option<Fetch>,
    /// Models removed from pages since the start.
    removed: u64,
}

/// A fetch.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    pub(crate) name: ModelName,
    /// Who began it: their account's name.
    pub(crate) account: String,
    pub(crate) step: Step,
    /// Somebody has told it to stop.
    pub(crate) stopping: bool,
    pub(crate) ended: Option<Timestamp>,
}

/// How far a fetch is, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing has been heard of it yet.
    Begun,
    /// `done` bytes of what is named are here, of `total` where that is known.
    Fetching { what: String, done: u64, total: Option<u64> },
    /// It was cut, and is tried again.
    Retrying { what: String, why: String },
    /// All is here, and looked at.
    Checking,
    /// It is in the data directory.
    Stored,
    /// It was told to stop; what came whole is kept.
    Stopped,
    /// The store's words.
    Failed { why: String, hint: Option<String> },
}

/// Why something is not done with a model file.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// No known model has that name.
    Unknown,
    /// That one is being fetched.
    UnderWay(ModelName),
    /// The disk is too full.
    NoRoom {
        needed: u64,
        free: u64,
    },
    /// The local model runs from it.
    Runs,
    Store(StoreError),
    /// Our fault.
    Ours(String),
}

/// What is stored, and what can be fetched.
pub(crate) struct Here {
    /// Each with whether the local model runs from it.
    pub(crate) stored: Vec<(Stored, bool)>,
    pub(crate) broken: Vec<StoreError>,
    pub(crate) fetchable: Vec<Fetchable>,
    /// Bytes that may still be written; none where nobody can say.
    pub(crate) free: Option<u64>,
}

/// A known model that is not stored.
pub(crate) struct Fetchable {
    pub(crate) model: KnownModel,
    /// Bytes of it that an earlier fetch has left.
    pub(crate) left: u64,
    /// Bytes that are still needed for it.
    pub(crate) needed: u64,
}

impl Models {
    pub(crate) fn new(files: ModelFiles, database: Database, clock: Clock, tasks: Tasks) -> Self {
        Self(Arc::new(Shared { files, database, clock, tasks, state: watch::Sender::default() }))
    }

    /// What changes while pages look.
    pub(crate) fn state(&self) -> State {
        self.0.state.borrow().clone()
    }

    /// Waits until the fetch is as wished.
    #[cfg(test)]
    pub(crate) async fn until(&self, wished: impl Fn(&Fetch) -> bool) -> Fetch {
        let mut state = self.0.state.subscribe();
        let state = state.wait_for(|state| state.fetch.as_ref().is_some_and(&wished)).await.unwrap();
        state.fetch.clone().unwrap()
    }

    /// What is stored, and what can be fetched.
    pub(crate) async fn here(&self) -> Result<Here, Refused> {
        let shared = Arc::clone(&self.0);
        let here = self.0.tasks.blocking(WORK, move || shared.files.here()).await;
        here.ok_or_else(|| Refused::ours("the model files could not be looked at"))?.map_err(Refused::ours)
    }

    /// One stored model, whether sound or not, and whether the local model runs from it.
    pub(crate) async fn one(&self, name: ModelName) -> Result<(Result<Stored, StoreError>, bool), Refused> {
        let shared = Arc::clone(&self.0);
        let look = move || (shared.files.store.show(&name), shared.files.runs(&name));
        self.0.tasks.blocking(WORK, look).await.ok_or_else(|| Refused::ours("the model files could not be looked at"))
    }

    /// Begins to fetch the known model of that name for an account.
    pub(crate) async fn fetch(&self, name: &str, account: &str) -> Result<(), NotDone> {
        let known = self.0.files.known.iter().find(|known| known.name.as_str() == name).ok_or(NotDone::Unknown)?;
        let wanted = Wanted::known(known).map_err(NotDone::Store)?;
        let shared = Arc::clone(&self.0);
        let looked = self.0.tasks.blocking(WORK, {
            let wanted = wanted.clone();
            move || shared.files.refuse_if_vain(&wanted)
        });
        looked.await.unwrap_or_else(|| Err(NotDone::Ours("the disk could not be looked at".to_owned())))?;
        self.0.begin(&wanted.name, account)?;
        let (shared, by) = (Arc::clone(&self.0), crate::accounts::by(account));
        self.0.tasks.start(WORK, |stop| async move {
            let (runtime, working) = (Handle::current(), Arc::clone(&shared));
            let work = move || working.pull(&wanted, &by, &stop, &runtime);
            let ended = shared.tasks.blocking(WORK, work).await;
            let defect = || Step::Failed { why: "it ended by a defect in the program".to_owned(), hint: None };
            shared.end(ended.unwrap_or_else(defect));
        });
        Ok(())
    }

    /// Tells the fetch that is under way to stop.
    pub(crate) fn stop(&self) {
        self.0.state.send_modify(|state| {
            if let Some(fetch) = &mut state.fetch {
                fetch.stopping = true;
            }
        });
    }

    /// Removes a stored model, sound or broken, but never the one that runs.
    pub(crate) async fn remove(&self, name: ModelName, account: &str) -> Result<(), NotDone> {
        let (shared, by, runtime) = (Arc::clone(&self.0), crate::accounts::by(account), Handle::current());
        // All of it beside the page: a reader who leaves meanwhile must not leave a model that went without an entry.
        let removed = self.0.tasks.blocking(WORK, move || shared.remove(&name, &by, &runtime)).await;
        removed.unwrap_or_else(|| Err(NotDone::Ours("the model could not be removed".to_owned())))
    }
}

impl ModelFiles {
    fn here(&self) -> Result<Here, StoreError> {
        let listing = self.store.list()?;
        let absent = |known: &&KnownModel| matches!(self.store.show(&known.name), Err(StoreError::NotThere(_)));
        let fetchable = self.known.iter().filter(absent).map(|model| {
            let left = self.store.left_bytes(&model.name);
            let needed = Wanted::known(model).ok().and_then(|wanted| wanted.room()).unwrap_or(0).saturating_sub(left);
            Fetchable { model: model.clone(), left, needed }
        });
        let with_whether = |stored: Stored| {
            let runs = self.runs(&stored.record.name);
            (stored, runs)
        };
        Ok(Here {
            fetchable: fetchable.collect(),
            stored: listing.models.into_iter().map(with_whether).collect(),
            broken: listing.broken,
            free: self.store.free_bytes().ok(),
        })
    }

    /// Whether the local model runs from that model's file, by whichever path it was started.
    fn runs(&self, name: &ModelName) -> bool {
        let real = |path: &Path| path.canonicalize().ok();
        let running = self.running.as_deref().and_then(real);
        running.is_some() && real(&self.store.path_of(name)) == running
    }

    /// Says at once what a fetch would find: that the model is there, or that the disk is too full.
    fn refuse_if_vain(&self, wanted: &Wanted) -> Result<(), NotDone> {
        match self.store.show(&wanted.name) {
            Err(StoreError::NotThere(_)) => {}
            Ok(_) => return Err(NotDone::Store(StoreError::AlreadyThere(wanted.name.clone()))),
            Err(error) => return Err(NotDone::Store(error)),
        }
        let free = self.store.free_bytes().map_err(NotDone::Store)?;
        let needed = wanted.room().unwrap_or(0).saturating_sub(self.store.left_bytes(&wanted.name));
        if needed > free { Err(NotDone::NoRoom { needed, free }) } else { Ok(()) }
    }
}

impl Shared {
    /// Takes the one place that there is for a fetch.
    fn begin(&self, name: &ModelName, account: &str) -> Result<(), NotDone> {
        let mut under_way = None;
        self.state.send_if_modified(|state| {
            under_way = state.fetch.as_ref().filter(|fetch| !fetch.step.over()).map(|fetch| fetch.name.clone());
            if under_way.is_none() {
                let (name, account) = (name.clone(), account.to_owned());
                state.fetch = Some(Fetch { name, account, step: Step::Begun, stopping: false, ended: None });
            }
            under_way.is_none()
        });
        under_way.map_or(Ok(()), |name| Err(NotDone::UnderWay(name)))
    }

    /// Fetches, and leaves the change for the log. On a thread of its own; how it ended.
    fn pull(&self, wanted: &Wanted, by: &str, stop: &Stop, runtime: &Handle) -> Step {
        let pulled =
            self.files.store.pull(wanted, &self.files.inspect, &mut |progress| self.hear(Step::of(progress), stop));
        match pulled {
            Ok(stored) => match self.leave(&model_added(&stored.record, by), runtime) {
                Ok(()) => Step::Stored,
                Err(why) => Step::Failed { why, hint: None },
            },
            Err(StoreError::Stopped) => Step::Stopped,
            Err(error) => Step::Failed { why: error.to_string(), hint: error.hint() },
        }
    }

    /// Hears how far the fetch is, and says whether it goes on.
    fn hear(&self, heard: Step, stop: &Stop) -> ControlFlow<()> {
        let mut told_to_stop = false;
        self.state.send_if_modified(|state| {
            let Some(fetch) = &mut state.fetch else { return false };
            told_to_stop = fetch.stopping;
            let changed = fetch.step != heard;
            fetch.step = heard;
            changed
        });
        // What has come is kept, and nobody should wait for the rest of it at the process's end.
        if told_to_stop || stop.phase() > Phase::Running { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end(&self, step: Step) {
        let now = self.clock.wall();
        self.state.send_modify(|state| {
            if let Some(fetch) = &mut state.fetch {
                fetch.step = step;
                fetch.ended = Some(now);
            }
        });
    }

    fn remove(&self, name: &ModelName, by: &str, runtime: &Handle) -> Result<(), NotDone> {
        if self.files.runs(name) {
            return Err(NotDone::Runs);
        }
        self.files.store.remove(name).map_err(NotDone::Store)?;
        self.state.send_modify(|state| {
            state.removed += 1;
            // That it is stored is no longer true.
            state.fetch.take_if(|fetch| fetch.name == *name && fetch.step == Step::Stored);
        });
        self.leave(&model_removed(name, by), runtime).map_err(NotDone::Ours)
    }

    fn leave(&self, change: &Change, runtime: &Handle) -> Result<(), String> {
        let left = runtime.block_on(changes::leave(&self.database, change));
        left.map(drop).map_err(|error| format!("it is done, but could not be left for the audit log: {error}"))
    }
}

impl Step {
    fn of(progress: Progress<'_>) -> Self {
        match progress {
            Progress::Fetching { what, done, total } => Self::Fetching { what: what.to_owned(), done, total },
            Progress::Checking => Self::Checking,
            Progress::Retrying { what, why } => Self::Retrying { what: what.to_owned(), why: why.to_owned() },
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn over(&self) -> bool {
        matches!(self, Self::Stored | Self::Stopped | Self::Failed { .. })
    }
}
