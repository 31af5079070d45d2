//! What all pages share: built once from its [`Parts`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use gateway::{
    app::App,
    availability::{Availability, State},
    clock::Clock,
    config,
    keys::KeyStore,
    record::Recorder,
    tasks::Tasks,
};

use request_index::Index;
use tokio::sync::{OnceCell, Semaphore};

use crate::accounts::Accounts;
use crate::answer::Refused;
use crate::asking;
use crate::live::Live;
use crate::model_files::{ModelFiles, Models};
use crate::screens::first_steps::practice;
use crate::screens::jurisdictions::Proofs;
use crate::screens::overview::Cuts;

/// What the console is made of.
pub struct Parts {
    /// The road's shared state: who judges, what is in flight, how places are doing.
    pub app: Arc<App>,
    /// The API, in process: what people ask models here walks the road.
    pub api: Router,
    /// The public log and the witness: what a stranger may have, on the same port.
    pub public_log: Router,
    /// The same with the log's entries: for those who may see the log.
    pub whole_log: Router,
    /// Keys, and the database that accounts share with them.
    pub keys: KeyStore,
    /// How each place is doing.
    pub availability: Availability,
    /// Where entries are made durable.
    pub recorder: Recorder,
    /// Where the settings are.
    pub settings: Settings,
    /// The model files of this machine.
    pub models: ModelFiles,
    /// Where drills leave their reports.
    pub drills: PathBuf,
    /// Where the request index is, or will be.
    pub request_index: PathBuf,
    /// Where the port listens.
    pub listening: SocketAddr,
    /// Where the API listens, for the snippets that people copy.
    pub api_listening: SocketAddr,
    /// The time.
    pub clock: Clock,
    /// The tasks of the process.
    pub tasks: Tasks,
}

/// The configuration, and whether it may be changed here.
pub struct Settings {
    /// The one in force.
    pub live: config::Live,
    /// Its file, whether it is there or not.
    pub path: PathBuf,
    /// Where it is changed. None where the file was named on the command line: then it is somebody else's to change, and is shown only.
    pub editor: Option<config::Editor>,
}

/// What all pages share.
pub(crate) struct Site {
    pub(crate) app: Arc<App>,
    pub(crate) api: Router,
    pub(crate) public_log: Router,
    pub(crate) whole_log: Router,
    pub(crate) keys: KeyStore,
    pub(crate) accounts: Accounts,
    pub(crate) availability: Availability,
    pub(crate) recorder: Recorder,
    pub(crate) settings: Settings,
    pub(crate) models: Models,
    pub(crate) drills: PathBuf,
    request_index: PathBuf,
    index: OnceCell<Index>,
    pub(crate) listening: SocketAddr,
    pub(crate) api_listening: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) live: Live,
    /// By which keys signed-in people ask models.
    pub(crate) asking_keys: asking::Keys,
    pub(crate) cuts: Cuts,
    pub(crate) practice: practice::State,
    /// What was proved of the policy last.
    pub(crate) proofs: Proofs,
    /// Whose turn it is to compare two policies: it takes a processor for seconds.
    pub(crate) comparing: Arc<Semaphore>,
}

impl Site {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let Parts {
            app,
            api,
            public_log,
            whole_log,
            keys,
            availability,
            recorder,
            settings,
            models,
            drills,
            request_index,
            listening,
            api_listening,
            clock,
            tasks,
        } = parts;
        let accounts = Accounts::new(keys.database().clone());
        let models = Models::new(models, keys.database().clone(), clock.clone(), tasks.clone());
        let site = Self {
            app,
            api,
            public_log,
            whole_log,
            keys,
            accounts,
            availability,
            recorder,
            settings,
            models,
            drills,
            request_index,
            index: OnceCell::new(),
            listening,
            api_listening,
            clock,
            tasks,
            live: Live::default(),
            asking_keys: asking::Keys::default(),
            cuts: Cuts::default(),
            practice: practice::State::default(),
            proofs: Proofs::default(),
            comparing: Arc::new(Semaphore::new(1)),
        };
        Arc::new(site)
    }

    /// How a place is doing, the floor too: nobody can withdraw it, and its model can stop.
    pub(crate) fn stand(&self, place: &policy::Destination) -> Stand {
        if place.local && self.app.local_stopped().is_some() {
            return Stand::Stopped;
        }
        Stand::Asked(self.availability.state(place))
    }

    /// The index of requests; none where there is no log to make it from.
    pub(crate) async fn index(&self) -> Result<Option<&Index>, Refused> {
        if self.recorder.log().is_none() {
            return Ok(None);
        }
        let opened = self.index.get_or_try_init(|| Index::open(&self.request_index)).await;
        opened.map(Some).map_err(Refused::ours)
    }
}

/// How a place is doing.
#[derive(Clone, Debug)]
pub(crate) enum Stand {
    /// As whoever asks there finds it.
    Asked(State),
    /// The local model has stopped.
    Stopped,
}

impl Stand {
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self, Self::Asked(state) if state.is_ready())
    }

    /// `ready`, `resting`, `withdrawn` or `stopped`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Asked(state) => state.word(),
            Self::Stopped => "stopped",
        }
    }

    /// The outage or the cause, as entries name it; nothing where there is none.
    pub(crate) fn why(&self) -> &'static str {
        match self {
            Self::Asked(state) => state.why().unwrap_or_default(),
            Self::Stopped => "",
        }
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("listening", &self.listening).finish_non_exhaustive()
    }
}
