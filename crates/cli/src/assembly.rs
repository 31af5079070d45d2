//! The road, put together in this process: data directory, configuration, audit log, keys, model. `serve` opens a port on it,
//! `ask` walks it without one. Knows what is needed and in which order it is made and ended; not what each part does.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use axum::Router;
use gateway::{
    app::{App, Parts},
    availability::Availability,
    changes,
    clock::Clock,
    config::{self, Config, Live, LogMode},
    data_dir::DataDir,
    database::Database,
    drill::Follower,
    keys::{KeyStore, KeyText},
    payloads::{PayloadSecret, Payloads, Sealing},
    record::{Began, Recorder},
    tasks::Tasks,
};
use tokio::runtime::Runtime;

use crate::{
    embedder::{self, Embedder},
    failure::Failure,
    floor::{Choice, Floor},
    models::{self, Fetching},
    terminal::Terminal,
};

/// The configuration's file in the data directory, where no other is named.
const CONFIG_FILE: &str = "gwanmun.toml";

/// What the road is made from.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The data directory; made where it is absent or empty.
    pub(crate) data_dir: PathBuf,
    /// The configuration's file, which must be there; without one, `gwanmun.toml` of the data directory if that is there.
    pub(crate) config_file: Option<PathBuf>,
    /// `--model`
    pub(crate) model: Option<String>,
    /// `--no-model`
    pub(crate) no_model: bool,
    /// How a model is fetched.
    pub(crate) fetching: Fetching,
    /// `--listen`
    pub(crate) listen: Option<SocketAddr>,
    /// `--console`
    pub(crate) console: Option<SocketAddr>,
}

impl Plan {
    /// A plan that follows the configuration.
    pub(crate) fn in_place(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            config_file: None,
            model: None,
            no_model: false,
            fetching: Fetching::default(),
            listen: None,
            console: None,
        }
    }

    /// Where the configuration is, or would be.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.config_file.clone().unwrap_or_else(|| self.data_dir.join(CONFIG_FILE))
    }

    /// Reads the configuration; the defaults where there is no file and none was named.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let path = self.config_path();
        if self.config_file.is_none() && !path.exists() {
            return Ok(Config::default());
        }
        Config::load(&path).map_err(|mistakes| {
            Failure::trouble(format!("the configuration is wrong\n{mistakes}"))
                .hint("mend these lines; `gwanmun check` looks again")
        })
    }
}

/// The road in this process.
pub(crate) struct Assembly {
    pub(crate) data_dir: DataDir,
    pub(crate) config: Live,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) keys: KeyStore,
    pub(crate) recorder: Recorder,
    /// Where requests and answers are kept, if they are.
    pub(crate) payloads: Option<Payloads>,
    sealing: Option<Sealing>,
    /// How each place is doing.
    pub(crate) availability: Availability,
    pub(crate) app: Arc<App>,
    pub(crate) floor: Option<Floor>,
    pub(crate) embedder: Option<Embedder>,
}

impl Assembly {
    /// Puts it together. Holds the data directory alone until [`Assembly::end`].
    pub(crate) fn new(
        plan: &Plan,
        config: Config,
        runtime: &Runtime,
        terminal: &mut Terminal,
    ) -> Result<Self, Failure> {
        let clock = Clock::system();
        let data_dir = DataDir::open(&plan.data_dir, &clock)?;
        let choice = Choice::of(plan.model.as_deref(), plan.no_model, config.local.model.as_ref());
        let store = models::store(&data_dir.models(), &plan.fetching);
        // Before the audit log is opened: a model that cannot be had leaves no trace of a process that never served.
        let floor = Floor::start(&choice, &config.local, &store, &clock, terminal)?;
        let chosen = if plan.no_model { None } else { embedder::Chosen::of(&config.local, &store)? };
        let embedder = Embedder::start(chosen, &config.local, &store, &clock, terminal)?;
        let recorder = open_log(&data_dir, &config, &clock)?;
        let secret = data_dir.key_hash_secret()?;
        let (config, log_config) = (config.clone().live(), config);
        let availability = Availability::new(&clock, config.clone());
        let keys = runtime.block_on(async {
            let keys = KeyStore::open(Database::open(&data_dir.database()).await?, secret).await?;
            let pulled = [
                floor.as_ref().and_then(|floor| floor.pulled.as_ref()),
                embedder.as_ref().and_then(|embedder| embedder.pulled.as_ref()),
            ];
            for pulled in pulled.into_iter().flatten() {
                changes::leave(keys.database(), pulled).await?;
            }
            // What was changed while nothing served: it is in the log before anything is answered.
            changes::take_in(&keys, &availability, &recorder).await?;
            Ok::<_, Failure>(keys)
        })?;
        let (payloads, sealing) = open_payloads(&data_dir, &log_config, &keys, &recorder, &clock)?.unzip();
        let tasks = Tasks::new(clock.clone());
        let app = App::new(Parts {
            config: config.clone(),
            keys: keys.ring(),
            recorder: recorder.clone(),
            payloads: payloads.clone(),
            local: floor.as_ref().map(|floor| floor.model.clone()),
            embedder: embedder.as_ref().map(|embedder| embedder.model.clone()),
            availability: availability.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
        })
        .map_err(|error| Failure::trouble(format!("the system gives no random bytes: {error}")))?;
        Ok(Self {
            data_dir,
            config,
            clock,
            tasks,
            keys,
            recorder,
            payloads,
            sealing,
            availability,
            app,
            floor,
            embedder,
        })
    }

    /// The road, to be walked with [`Assembly::own_key`] or any other.
    pub(crate) fn router(&self) -> Router {
        gateway::routes::router(Arc::clone(&self.app))
    }

    /// What drills need of this process.
    pub(crate) fn follower(&self) -> Follower {
        Follower {
            app: Arc::clone(&self.app),
            availability: self.availability.clone(),
            database: self.keys.database().clone(),
            keys: self.keys.ring(),
            recorder: self.recorder.clone(),
            folder: self.data_dir.drills(),
            clock: self.clock.clone(),
            tasks: self.tasks.clone(),
        }
    }

    /// A key that is good for as long as this process runs.
    pub(crate) fn own_key(&self) -> Result<KeyText, Failure> {
        let made = self.keys.ring().add_ephemeral("ask", "operator");
        made.map_err(|error| Failure::trouble(format!("the system gives no random bytes: {error}")))
    }

    /// Lets answers under way finish, within the configured limit or until `hurry` says so; then ends everything, the
    /// audit log last. Whether all finished by themselves.
    pub(crate) fn end(self, runtime: &Runtime, hurry: impl Future<Output = ()>) -> Result<bool, Failure> {
        let drain = self.config.load().limits.drain_time_max;
        let finished = runtime.block_on(async {
            self.tasks.drain();
            let finished = tokio::select! {
                () = hurry => false,
                ended = self.clock.within(drain, self.tasks.ended()) => ended.is_some(),
            };
            self.tasks.cancel();
            self.tasks.ended().await;
            // What the last requests showed: kept, and in the log that is still open.
            let settled = self.availability.settle(self.keys.database()).await;
            if let Err(error) = settled {
                tracing::error!(%error, "what was withdrawn last is not kept: {error}");
            } else if let Err(error) = changes::settle(self.keys.database(), &self.recorder).await {
                tracing::error!(%error, "what was withdrawn last is kept, and comes into the log at the next start: {error}");
            }
            finished
        });
        if let Some(floor) = self.floor {
            floor.end();
        }
        if let Some(embedder) = self.embedder {
            embedder.end();
        }
        // Before the log: the last outcomes wait for their answers to be kept.
        let sealed = self.sealing.map_or(Ok(()), Sealing::finish);
        let reason = if finished { "told to stop" } else { "told to stop; some answers were dropped" };
        self.recorder
            .close(reason)
            .map_err(|error| Failure::trouble(format!("the audit log could not be closed: {error}")))?;
        sealed.map_err(|error| Failure::trouble(format!("the sealed payloads could not be finished: {error}")))?;
        Ok(finished)
    }
}

/// What seals requests and answers, where the configuration wants them kept.
fn open_payloads(
    data_dir: &DataDir,
    config: &Config,
    keys: &KeyStore,
    recorder: &Recorder,
    clock: &Clock,
) -> Result<Option<(Payloads, Sealing)>, Failure> {
    if config.audit_log.payloads == config::Payloads::None {
        return Ok(None);
    }
    let Some(log) = recorder.log() else {
        tracing::warn!("payloads are not kept while the audit log is off");
        return Ok(None);
    };
    let secret = PayloadSecret::new(&data_dir.payload_secret()?);
    let opened = Payloads::open(&data_dir.payloads(), secret, keys.database().clone(), log.origin(), clock.clone());
    let opened = opened.map_err(|error| Failure::trouble(format!("payloads cannot be sealed: {error}")))?;
    Ok(Some(opened))
}

/// The audit log, read back, with what a process that died could not say any more.
fn open_log(data_dir: &DataDir, config: &Config, clock: &Clock) -> Result<Recorder, Failure> {
    let secret = data_dir.commitment_secret()?;
    if config.audit_log.mode == LogMode::Off {
        return Ok(Recorder::off(secret, clock.clone()));
    }
    let began = Began { version: env!("CARGO_PKG_VERSION"), config: config.version.hash() };
    let (recorder, found) = Recorder::open(&data_dir.log(), secret, clock.clone(), began)?;
    tracing::debug!(?found, "the audit log was read back");
    if let Some(cut) = &found.cut {
        let file = cut.path.display();
        tracing::warn!(bytes = cut.bytes, "`{file}` ended in the middle of entries that nobody was told of: cut");
    }
    if found.lost > 0 {
        tracing::warn!(lost = found.lost, "{} requests were under way when the last process ended: lost", found.lost);
    }
    Ok(recorder)
}
