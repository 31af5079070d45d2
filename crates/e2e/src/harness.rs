//! A whole gateway in the test's own process: real sockets, a scripted local model, the wall for its provider, an audit
//! log on disk. A test sees all that happened: the answer ([`crate::client`]), what the provider heard ([`crate::wall`]), what the
//! log says ([`crate::entries`]). It must not link an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gateway::app::{App, Parts};
use gateway::availability::{self, Availability};
use gateway::changes;
use gateway::clock::Clock;
use gateway::config::{Config, Destination, Judged, Live, RemoteModel, Secret};
use gateway::database::Database;
use gateway::indexing;
use gateway::keys::{HashSecret, KeyRing, KeyStore};
use gateway::public_log::{self, PublicLogParts};
use gateway::record::{Began, CommitmentSecret, RecordError, Recorder};
use gateway::routes;
use gateway::serve::{self, Serving};
use gateway::tasks::Tasks;
use gateway::witnesses::Witnesses;
use local_model::scripted::{self, Probe, Script};
use local_model::{LocalModel, Running, Stop};
use request_index::Index;

use crate::client::Client;
use crate::entries::Entries;
use crate::payloads::SealedPayloads;
use crate::place::Place;
use crate::wall::{Role, Wall};

/// The key that the gateway shows to the wall: a canary, which no caller, log or metric may ever show.
pub const PROVIDER_KEY: &str = "sk-wall-CANARY-4f1d0c7e9b";

/// How long an end may take before it counts as a hang.
const END_TIME_MAX: Duration = Duration::from_secs(20);

/// How soon a request index must have what the log has signed; it looks twice a second.
const INDEX_TIME_MAX: Duration = Duration::from_secs(5);

/// What a test wants of a gateway.
pub struct Setup {
    script: Option<Script>,
    config: Config,
    remote: Vec<(Role, Vec<String>)>,
    /// A configuration to be read, and the facts of its catalogue.
    text: Option<(String, String)>,
    log: Option<ChangeLog>,
    place: Option<Place>,
}

/// What a test changes of how the audit log is kept.
type ChangeLog = Box<dyn FnOnce(&mut audit_log::Settings) + Send>;

impl Setup {
    /// A gateway without any model.
    pub fn empty() -> Self {
        Self { script: None, config: Config::default(), remote: Vec::new(), text: None, log: None, place: None }
    }

    /// A gateway whose local model does what the script says.
    pub fn local(script: Script) -> Self {
        Self { script: Some(script), ..Self::empty() }
    }

    /// Adds the wall in one of its roles as a destination of that name, with these models; policy `open`.
    #[must_use]
    pub fn remote(mut self, role: Role, models: &[&str]) -> Self {
        self.remote.push((role, models.iter().map(|&model| model.to_owned()).collect()));
        self.config.policy = Judged::shipped("open").expect("it is shipped");
        self
    }

    /// Reads its configuration from this text, in which `{national}` and `{foreign}` stand for the wall's addresses; the folder
    /// `catalog` that it may name holds these facts.
    #[must_use]
    pub fn configured(mut self, text: &str, facts: &str) -> Self {
        self.text = Some((text.to_owned(), facts.to_owned()));
        self
    }

    /// Goes on from what is kept there.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Changes the configuration.
    #[must_use]
    pub fn change(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Changes how the audit log is kept: on which disk, with how many entries waiting.
    #[must_use]
    pub fn log(mut self, change: impl FnOnce(&mut audit_log::Settings) + Send + 'static) -> Self {
        self.log = Some(Box::new(change));
        self
    }

    /// Starts wall and gateway.
    pub async fn start(self) -> TestGateway {
        let Self { script, mut config, remote, text, log: change_log, place } = self;
        let wall = Wall::start().await;
        let place = place.unwrap_or_default();
        if let Some((text, facts)) = text {
            config = read_config(&wall, &place, &text, &facts);
        }
        config.destinations.extend(remote.iter().map(|(role, models)| Arc::new(destination(&wall, *role, models))));
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        let recorder = open_log(&place.log_dir(), &config, &clock, change_log);
        let payloads = SealedPayloads::open(&place, &config, &recorder, &clock, &tasks).await;
        let keys = KeyRing::new(HashSecret::new(&[8; HashSecret::BYTES]));
        let key = keys.add_ephemeral("test", "testers").expect("chance").reveal().to_owned();
        let probe = script.as_ref().map(Script::probe);
        let model = script.map(|script| start_model(script, &config, &clock));
        let config: Live = Arc::new(ArcSwap::from_pointee(config));
        let local = model.as_ref().map(|(model, _)| model.clone());
        let availability = Availability::new(&clock, Arc::clone(&config));
        let database = follow_withdrawals(&place, &availability, &recorder, &tasks).await;
        let parts = Parts {
            config: Arc::clone(&config),
            keys: keys.clone(),
            recorder: recorder.clone(),
            payloads: payloads.as_ref().map(|sealed| sealed.payloads.clone()),
            embedder: None,
            local,
            availability: availability.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
        };
        let app = App::new(parts).expect("chance");
        availability::follow_returns(&app, database.clone(), &tasks);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback listens");
        let address = listener.local_addr().expect("a listener has an address");
        let (router, refuse) = (routes::router(Arc::clone(&app)), routes::refuse(Arc::clone(&app)));
        let serving =
            Serving { router, refuse, config: Arc::clone(&config), tasks: tasks.clone(), clock: clock.clone() };
        let console = serve_console(&place, &recorder, &serving).await;
        tasks.start("listener", |_| serve::serve(listener, serving));
        let running = model.map(|(_, running)| running);
        TestGateway {
            client: Client::new(address, &key),
            console,
            app,
            wall,
            keys,
            config,
            availability,
            database,
            probe,
            payloads,
            place: Some(place),
            tasks,
            recorder: Some(recorder),
            running,
        }
    }
}

fn read_config(wall: &Wall, place: &Place, text: &str, facts: &str) -> Config {
    let text =
        text.replace("{national}", &wall.base_url(Role::National)).replace("{foreign}", &wall.base_url(Role::Foreign));
    place.write("catalog/facts.toml", facts);
    let path = place.write("gwanmun.toml", &text);
    Config::load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn open_log(log: &Path, config: &Config, clock: &Clock, change: Option<ChangeLog>) -> Recorder {
    let secret = CommitmentSecret::new(&[7; CommitmentSecret::BYTES]);
    let began = Began { version: "test", config: config.version.hash() };
    let time = || std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970");
    let mut settings = audit_log::Settings::new(Arc::new(time));
    if let Some(change) = change {
        change(&mut settings);
    }
    let (recorder, _) = Recorder::open_with(log, secret, clock.clone(), began, settings).expect("a log opens");
    recorder
}

/// Takes in what is withdrawn, and follows it, as the command does. The keys of a test are not in the database.
async fn follow_withdrawals(
    place: &Place,
    availability: &Availability,
    recorder: &Recorder,
    tasks: &Tasks,
) -> Database {
    let database = Database::open(&place.database()).await.expect("a database");
    let keys = KeyStore::open(database.clone(), HashSecret::new(&[8; HashSecret::BYTES])).await.expect("a database");
    // A log that a test has made fail takes nothing; the task tries again.
    let _ = changes::take_in(&keys, availability, recorder).await;
    changes::follow(keys, availability.clone(), recorder.clone(), tasks, Clock::system());
    availability::follow(availability.clone(), database.clone(), tasks, Clock::system());
    database
}

/// Opens the console's port, as the command does.
async fn serve_console(place: &Place, recorder: &Recorder, road: &Serving) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback listens");
    let listening = listener.local_addr().expect("a listener has an address");
    let watch = road.config.load().audit_log.watch.clone();
    let witness = public_log::open_witness(&place.witness_dir(), &place.origin(), watch.as_deref(), &road.clock);
    let router = public_log::router(PublicLogParts {
        log: recorder.log().map(Arc::clone),
        witness: Arc::new(witness.expect("a witness opens")),
        listening,
        open_entries: true,
        clock: road.clock.clone(),
        tasks: road.tasks.clone(),
    });
    let serving = Serving { router, refuse: public_log::refuse(), ..road.clone() };
    road.tasks.start("console listener", |_| serve::serve(listener, serving));
    Client { address: listening, key: None, headers: Vec::new() }
}

fn start_model(script: Script, config: &Config, clock: &Clock) -> (LocalModel, Running) {
    let clock = clock.clone();
    let clock: local_model::Clock = Arc::new(move || Duration::from_micros(clock.now().as_micros()));
    let mut settings = local_model::Settings::new(clock);
    settings.queue_jobs_max = config.local.queue_jobs_max;
    settings.sequences_max = config.local.sequences_max;
    // To the step: what is guessed would come at once, and a scripted model repeats what it is told.
    settings.speculation = false;
    LocalModel::start(scripted::model(script), settings).expect("a thread for the model")
}

/// Waits until a request index has taken in so many entries of its log.
pub async fn until_indexed(index: &Index, entries: u64) {
    let reached = tokio::time::timeout(INDEX_TIME_MAX, async {
        while index.next_entry().await.expect("an index") < entries {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    reached.await.unwrap_or_else(|_| panic!("the index did not take in {entries} entries"));
}

/// The wall in one role, as a configuration would name it.
pub fn destination(wall: &Wall, role: Role, models: &[String]) -> Destination {
    let base_url = wall.base_url(role).parse().expect("the wall's address is a URI");
    let models = models.iter().map(|name| RemoteModel::plain(name.as_str())).collect();
    Destination {
        key: Some(Secret::new(PROVIDER_KEY)),
        connect_time_max: Duration::from_secs(2),
        first_byte_time_max: Duration::from_secs(2),
        idle_time_max: Duration::from_secs(1),
        total_time_max: Duration::from_secs(30),
        ..Destination::plain(role.name().into(), base_url, models)
    }
}

/// A running gateway. [`TestGateway::end`] must be called: it is what checks that nothing was left without an outcome.
pub struct TestGateway {
    /// A caller with a good key.
    pub client: Client,
    /// A caller of the console's port, without any key.
    pub console: Client,
    /// The provider.
    pub wall: Wall,
    /// Who may call.
    pub keys: KeyRing,
    /// The configuration in force; storing another one is a reload.
    pub config: Live,
    /// The local model's engine, where there is one.
    pub probe: Option<Probe>,
    /// How each place is doing.
    pub availability: Availability,
    /// Where withdrawals are kept; commands of other processes write to it too.
    pub database: Database,
    /// Requests and answers, where the configuration wants them kept.
    pub payloads: Option<SealedPayloads>,
    app: Arc<App>,
    place: Option<Place>,
    tasks: Tasks,
    recorder: Option<Recorder>,
    running: Option<Running>,
}

impl TestGateway {
    /// The local model's engine.
    pub fn engine(&self) -> &Probe {
        self.probe.as_ref().expect("a gateway with a local model")
    }

    /// The audit log as it stands. Entries of requests whose answer has come are in it.
    pub fn log(&self) -> Entries {
        Entries::read(&self.log_dir())
    }

    /// A value of `/metrics`, by its line's beginning.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.client.get("/metrics").await.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().parse().unwrap_or(f64::NAN)
    }

    /// Begins to ask the witnesses of this policy to cosign.
    pub fn ask_witnesses(&self, policy: &str) {
        let path = self.place().write("witnesses", policy);
        let clock = Clock::system();
        let witnesses = Witnesses::read(&path, &clock).expect("a policy with witnesses");
        let log = self.recorder.as_ref().and_then(Recorder::log).expect("a log");
        witnesses.ask(log, self.app.witnesses(), &clock, &self.tasks);
    }

    /// Begins to index requests; gives where the index is.
    pub fn index_requests(&self) -> PathBuf {
        let path = self.place().request_index();
        indexing::follow(&self.app, path.clone());
        path
    }

    /// Waits until a checkpoint covers all that was acknowledged; gives its size.
    pub async fn signed(&self) -> u64 {
        let log = Arc::clone(self.recorder.as_ref().and_then(Recorder::log).expect("a log"));
        let signed = tokio::task::spawn_blocking(move || log.wait_for_checkpoint(log.size()));
        signed.await.expect("no panic").expect("the log signs").checkpoint.size
    }

    /// Begins a graceful end: nothing new is let in, what has begun goes on.
    pub fn drain(&self) {
        self.tasks.drain();
    }

    /// Ends it gracefully and checks the log as outsiders; gives its entries.
    pub async fn end(self) -> Entries {
        self.leave().await.0
    }

    /// As [`TestGateway::end`]; gives the place too, to go on from.
    pub async fn leave(mut self) -> (Entries, Place) {
        self.finish().await.expect("the log is written");
        (checked(&self.log_dir()), self.place.take().expect("ended once"))
    }

    /// Ends one whose log has failed. A new start reads what lies on the disk then, and gives its entries, checked.
    pub async fn end_failed(mut self) -> Entries {
        self.finish().await.expect_err("the log has failed");
        let again = self.place().copy();
        let recorder = open_log(&again.log_dir(), &self.config.load(), &Clock::system(), None);
        let closed = tokio::task::spawn_blocking(move || recorder.close("the test is over")).await;
        closed.expect("no panic").expect("the log is written");
        checked(&again.log_dir())
    }

    async fn finish(&mut self) -> Result<(), RecordError> {
        let finished = tokio::time::timeout(END_TIME_MAX * 2, self.tasks.end(END_TIME_MAX)).await;
        assert_eq!(finished, Ok(true), "what was begun did not finish: {:?}", self.tasks.alive());
        if let Some(running) = self.running.take() {
            tokio::task::spawn_blocking(|| running.stop(Stop::Cancel)).await.expect("the model's thread ends");
        }
        if let Some(payloads) = &mut self.payloads {
            payloads.finish().expect("everything is sealed");
        }
        let recorder = self.recorder.take().expect("ended once");
        tokio::task::spawn_blocking(move || recorder.close("the test is over")).await.expect("no panic")
    }

    /// Where it keeps what it keeps.
    pub fn place(&self) -> &Place {
        self.place.as_ref().expect("it has not ended")
    }

    /// Where the audit log lies.
    pub fn log_dir(&self) -> PathBuf {
        self.place().log_dir()
    }
}

/// The entries of a closed log, once it has been found sound, by this harness and by the verifier.
fn checked(log: &Path) -> Entries {
    let entries = Entries::read(log);
    assert_eq!(entries.faults(), Vec::<String>::new());
    let report = audit_verify::verify(log, &audit_verify::Options::default()).expect("a log");
    assert!(report.holds(), "{report}");
    entries
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        assert!(self.recorder.is_none() || std::thread::panicking(), "a test must call `end`, which checks the log");
    }
}
