//! What every request shares: built once from its [`Parts`], each of which a test can stand in for.
//!
//! It owns no steps; it is where they find keys, clock, record, destinations and the configuration in force.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use http::StatusCode;
use local_model::{EmbeddingModel, LocalModel};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use wire::{error::Code, needs::Need};

use crate::{
    admit::Gate,
    availability::Availability,
    clock::Clock,
    config::{self, Config},
    destinations::{
        Destination,
        local::{Embedder, Floor},
        remote::{Remote, Ways},
    },
    drill::Shadows,
    error::ApiError,
    inspect::Conversations,
    judge::{FloorModel, Judgement, Link},
    keys::KeyRing,
    metrics::{Levels, Metrics},
    payloads::Payloads,
    record::Recorder,
    relay::Resumable,
    routes::Arrival,
    tasks::Tasks,
};

pub use crate::judge::LOCAL_DESTINATION;

/// What a process is made of.
pub struct Parts {
    /// The configuration in force; replaced while the process runs.
    pub config: config::Live,
    /// Who may call.
    pub keys: KeyRing,
    /// Where decisions and outcomes are made durable.
    pub recorder: Recorder,
    /// Where requests and answers are kept, if they are.
    pub payloads: Option<Payloads>,
    /// The local floor's model, where there is one.
    pub local: Option<LocalModel>,
    /// What makes vectors of texts on this machine, where something does.
    pub embedder: Option<EmbeddingModel>,
    /// How each place is doing.
    pub availability: Availability,
    /// The time.
    pub clock: Clock,
    /// The tasks of the process; when they are told to drain, no request is let in any more.
    pub tasks: Tasks,
}

/// What every request shares.
pub struct App {
    config: config::Live,
    in_force: ArcSwap<InForce>,
    /// Held by who works out what follows from a new configuration.
    renewing: Mutex<()>,
    keys: KeyRing,
    recorder: Recorder,
    payloads: Option<Payloads>,
    local: Option<LocalModel>,
    embedder: Option<EmbeddingModel>,
    availability: Availability,
    ways: Ways,
    clock: Clock,
    tasks: Tasks,
    gate: Arc<Gate>,
    conversations: Conversations,
    /// What of the traffic a shadow drill asks again.
    shadows: Shadows,
    /// Answers that their callers may take up again.
    resumable: Resumable,
    /// One for each core: so many long requests are read at once, and the others wait.
    asides: Semaphore,
    /// What pseudonyms are drawn from: of this process, so that nobody can link those of two.
    pseudonyms: [u8; 32],
    metrics: Metrics,
    /// When the process began to offer its models, in seconds since 1970.
    began_seconds: u64,
    /// Begins the names of requests: different in each process, so that names do not come twice.
    run: u64,
    requests: AtomicU64,
}

/// One version of the configuration, and what follows from it. A request takes one and keeps it to its end.
pub struct InForce {
    /// What it follows from.
    pub config: Arc<Config>,
    /// What judges.
    pub judgement: Arc<Judgement>,
    destinations: Vec<(Arc<str>, Destination)>,
    /// It is `local` too, for who asks for its model.
    embedder: Option<Destination>,
}

impl App {
    /// Puts the parts together, and reads the system's TLS roots. Fails only where the system gives no random bytes.
    pub fn new(parts: Parts) -> Result<Arc<Self>, getrandom::Error> {
        Self::with_ways(parts, Ways::of_system())
    }

    /// As [`App::new`], with these ways outside.
    pub(crate) fn with_ways(parts: Parts, ways: Ways) -> Result<Arc<Self>, getrandom::Error> {
        let Parts { config, keys, recorder, payloads, local, embedder, availability, clock, tasks } = parts;
        let here = (local.as_ref(), embedder.as_ref());
        let in_force = ArcSwap::from_pointee(InForce::new(config.load_full(), here, &ways, &clock));
        let began_seconds = u64::try_from(clock.wall().as_second()).unwrap_or(0);
        let mut pseudonyms = [0; 32];
        getrandom::fill(&mut pseudonyms)?;
        Ok(Arc::new(Self {
            config,
            in_force,
            renewing: Mutex::default(),
            keys,
            recorder,
            payloads,
            local,
            embedder,
            ways,
            clock,
            gate: Arc::new(Gate::new(tasks.stop())),
            tasks,
            conversations: Conversations::default(),
            shadows: Shadows::default(),
            resumable: Resumable::default(),
            asides: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
            pseudonyms,
            metrics: Metrics::new(&availability),
            availability,
            began_seconds,
            run: getrandom::u64()?,
            requests: AtomicU64::new(0),
        }))
    }

    /// The configuration in force, with what follows from it. After a change, the first request to ask works that out.
    pub fn in_force(&self) -> Arc<InForce> {
        let known = self.in_force.load_full();
        if Arc::ptr_eq(&known.config, &self.config.load()) {
            return known;
        }
        // One works it out, the others wait for it. A poisoned lock holds nothing that could be half done.
        let _turn = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.in_force.load_full();
        if Arc::ptr_eq(&known.config, &self.config.load()) {
            return known;
        }
        let here = (self.local.as_ref(), self.embedder.as_ref());
        let fresh = InForce::new(self.config.load_full(), here, &self.ways, &self.clock);
        let fresh = Arc::new(fresh);
        self.in_force.store(Arc::clone(&fresh));
        fresh
    }

    /// A request has come: names it and reads the clock.
    pub(crate) fn arrival(&self) -> Arrival {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        Arrival { id: format!("{:016x}{number:08x}", self.run).into(), at: self.clock.now(), without: None }
    }

    /// Why requests should not be sent here, if they should not.
    pub fn trouble(&self) -> Option<Trouble> {
        if self.gate.is_draining() {
            return Some(Trouble::Stopping);
        }
        if *self.recorder.failed().borrow() {
            return Some(Trouble::Log);
        }
        if self.payloads.as_ref().is_some_and(|payloads| *payloads.failed().borrow()) {
            return Some(Trouble::Payloads);
        }
        Some(Trouble::LocalStopped(self.local_stopped()?.to_owned()))
    }

    /// Why the local model answers no more, where there is one that does not.
    pub fn local_stopped(&self) -> Option<&str> {
        self.local.as_ref().and_then(LocalModel::stopped)
    }

    /// How many requests are under way.
    pub fn in_flight(&self) -> usize {
        self.gate.in_flight()
    }

    /// What `GET /metrics` answers.
    pub(crate) fn metrics_text(&self) -> Result<String, ApiError> {
        self.availability.measure(self.in_force().judgement.judge().destinations());
        let local = self.local.as_ref().map(LocalModel::load);
        let levels =
            Levels { in_flight: self.in_flight(), local: local.unwrap_or_default(), record: self.recorder.counts() };
        self.metrics.text(levels).map_err(|error| {
            let message = "the metrics could not be written";
            ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalError, message).detail(error)
        })
    }

    /// The local floor's model, where there is one: what it is, and how busy.
    pub fn local(&self) -> Option<&LocalModel> {
        self.local.as_ref()
    }

    /// What makes vectors of texts on this machine, where something does.
    pub fn embedder(&self) -> Option<&EmbeddingModel> {
        self.embedder.as_ref()
    }

    /// When the process began to offer its models, in seconds since 1970.
    pub(crate) fn began_seconds(&self) -> u64 {
        self.began_seconds
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.keys
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) fn payloads(&self) -> Option<&Payloads> {
        self.payloads.as_ref()
    }

    /// How each place is doing.
    pub(crate) fn availability(&self) -> &Availability {
        &self.availability
    }

    /// Answers that their callers may take up again.
    pub(crate) fn resumable(&self) -> &Resumable {
        &self.resumable
    }

    /// The highest class that conversations have had.
    pub(crate) fn conversations(&self) -> &Conversations {
        &self.conversations
    }

    /// What of the traffic a shadow drill asks again.
    pub(crate) fn shadows(&self) -> &Shadows {
        &self.shadows
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// What the pseudonyms of one request are drawn from.
    pub(crate) fn pseudonym_key(&self, arrival: &Arrival) -> [u8; 32] {
        Sha256::new().chain_update(self.pseudonyms).chain_update(arrival.id.as_bytes()).finalize().into()
    }

    /// Does what takes long beside the road, so that others do not wait for it; `None` where it did not come to its end.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _turn = self.asides.acquire().await.ok()?;
        self.tasks.blocking(name, work).await
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where what is known of the request index is told, for `/metrics`.
    pub(crate) fn indexing(&self) -> &crate::indexing::Standing {
        self.metrics.indexing()
    }

    /// Counts a wish to sign in to the console, for `/metrics`: what came of it, in a word of ours.
    pub fn count_sign_in(&self, result: &'static str) {
        self.metrics.signed_in(result);
    }

    /// Where what is known of the log's witnesses is told, for `/metrics`.
    pub fn witnesses(&self) -> &crate::witnesses::Standing {
        self.metrics.witnesses()
    }
}

impl InForce {
    fn new(
        config: Arc<Config>,
        (local, embedder): (Option<&LocalModel>, Option<&EmbeddingModel>),
        ways: &Ways,
        clock: &Clock,
    ) -> Self {
        let mut destinations = Vec::new();
        let floor = local.map(|model| Floor::new(model.clone(), config.local.answer_tokens_default));
        let model = floor.as_ref().map(|floor| FloorModel {
            name: Arc::clone(floor.model_name()),
            context_tokens: floor.context_tokens(),
            serves: floor.serves(),
        });
        let vectors = embedder.map(|model| FloorModel {
            name: model.card().name.as_str().into(),
            context_tokens: model.card().context_tokens,
            serves: [Need::Embeddings].into(),
        });
        let judgement = Arc::new(Judgement::with_embedder(&config, model.as_ref(), vectors.as_ref()));
        if let Some(floor) = floor {
            destinations.push((LOCAL_DESTINATION.into(), Destination::Local(floor)));
        }
        for remote in &config.destinations {
            let name = Arc::clone(&remote.name);
            let remote = Remote::new(Arc::clone(remote), ways, clock);
            destinations.push((name, Destination::Remote(Box::new(remote))));
        }
        let embedder = embedder.map(|model| Destination::Embedder(Embedder::new(model.clone())));
        Self { config, judgement, destinations, embedder }
    }

    /// Where a link leads.
    pub(crate) fn destination_of(&self, link: &Link) -> Option<&Destination> {
        let embeds = link.serves(Need::Embeddings);
        if link.local && embeds { self.embedder.as_ref() } else { self.destination(&link.destination) }
    }

    /// The destination of that name.
    pub(crate) fn destination(&self, name: &str) -> Option<&Destination> {
        self.destinations.iter().find(|(known, _)| &**known == name).map(|(_, destination)| destination)
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InForce").field("judgement", &self.judgement).finish_non_exhaustive()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("local", &self.local).finish_non_exhaustive()
    }
}

/// Why requests should not be sent to a gateway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It ends.
    #[error("the gateway is shutting down")]
    Stopping,
    /// What cannot be recorded is not answered.
    #[error("the audit log cannot be written")]
    Log,
    /// What cannot be kept, where it must be, is not answered.
    #[error("sealed payloads cannot be written")]
    Payloads,
    /// Nothing stands by any more; why, in the model's own words.
    #[error("the local model has stopped: {0}")]
    LocalStopped(String),
}

impl Trouble {
    /// Ends the names of messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Log => "log",
            Self::Payloads => "payloads",
            Self::LocalStopped(_) => "local-stopped",
        }
    }
}
