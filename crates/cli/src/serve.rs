//! `gwanmun serve`: puts the road together, opens the ports, says what is needed to use it, ends in order.

mod banner;
mod console;

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use gateway::{
    availability, changes, config, drill, indexing,
    keys::WantedKey,
    payloads::Payloads,
    serve::{self, Port, Serving},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use self::{banner::Banner, console::Console};
use crate::{
    assembly::{Assembly, Plan},
    failure::{Answer, Failure},
    models::Fetching,
    operator,
    place::Place,
    runtime,
    terminal::Terminal,
};

/// The first key is for the operator to begin with.
const FIRST_KEY: &str = "first";
const FIRST_TEAM: &str = "operator";

const EXAMPLES: &str = "\
Examples:
  gwanmun serve                                       the starter model is fetched at the first start
  gwanmun serve --model ./my-model.gguf               a model of one's own
  gwanmun serve --model qwen2.5-coder-1.5b-instruct-q4_k_m
  gwanmun serve --no-model --config ./gwanmun.toml    only the destinations that are configured
  gwanmun serve --listen 0.0.0.0:4000                 for other machines too

Ctrl-C or SIGTERM lets answers under way finish (a second one does not), SIGHUP reads the configuration again.";

/// Serve the API
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Where the API listens [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where the console is, and the audit log for strangers [default: 127.0.0.1:4001]
    #[arg(long, value_name = "ADDRESS:PORT")]
    console: Option<SocketAddr>,
    /// The configuration [default: gwanmun.toml in the data directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The model on this machine: a GGUF file, a model's folder (its path holds a `/`), or the name of a stored or known one
    /// [default: the starter model]
    #[arg(long, value_name = "FILE.gguf|FOLDER/|NAME", conflicts_with = "no_model")]
    model: Option<String>,
    /// Run no model on this machine
    #[arg(long)]
    no_model: bool,
    #[command(flatten)]
    fetching: Fetching,
}

impl Serve {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let plan = Plan {
            data_dir: place.data_dir(),
            config_file: self.config,
            model: self.model,
            no_model: self.no_model,
            fetching: self.fetching,
            listen: self.listen,
            console: self.console,
        };
        let mut config = plan.config()?;
        config.server.listen = plan.listen.unwrap_or(config.server.listen);
        config.server.console = plan.console.unwrap_or(config.server.console);
        let runtime = runtime::new()?;
        let addresses = (config.server.listen, config.server.console);
        // A port that is taken is told before anything is made or fetched.
        drop(runtime.block_on(listen(addresses))?);
        raise_open_files_limit();
        let assembly = Assembly::new(&plan, config, &runtime, terminal)?;
        let mut signals = runtime.block_on(async { Signals::new() })?;
        let served = runtime.block_on(until_told(&assembly, &plan, addresses, &mut signals, terminal));
        if served.is_ok() {
            terminal.note("stopping: answers under way are finished first; a second Ctrl-C drops them");
        }
        let finished = assembly.end(&runtime, signals.told());
        served?;
        terminal.note(if finished? {
            "stopped: all answers were finished"
        } else {
            "stopped: some answers were dropped"
        });
        Ok(Answer::Yes)
    }
}

/// Serves until a signal or a failed audit log says stop.
async fn until_told(
    assembly: &Assembly,
    plan: &Plan,
    addresses: (SocketAddr, SocketAddr),
    signals: &mut Signals,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let (listener, console_listener) = listen(addresses).await?;
    let console = Console::new(assembly, &console_listener)?;
    let key = first_key(assembly).await?;
    let (tasks, clock) = (&assembly.tasks, &assembly.clock);
    changes::follow(
        assembly.keys.clone(),
        assembly.availability.clone(),
        assembly.recorder.clone(),
        tasks,
        clock.clone(),
    );
    availability::follow(assembly.availability.clone(), assembly.keys.database().clone(), tasks, clock.clone());
    availability::follow_returns(&assembly.app, assembly.keys.database().clone(), tasks);
    if let Some(payloads) = &assembly.payloads {
        payloads.follow(&assembly.tasks);
    }
    let source = config::Source::new(plan.config_path(), assembly.config.clone()).listening(plan.listen, plan.console);
    let editor = config::follow(source, assembly.recorder.clone(), &assembly.tasks, assembly.clock.clone())
        .map_err(|error| Failure::trouble(format!("SIGHUP cannot be listened to: {error}")))?;
    drill::follow(assembly.follower());
    indexing::follow(&assembly.app, assembly.data_dir.request_index());
    let address = listener.local_addr().unwrap_or(addresses.0);
    let console_address = console_listener.local_addr().unwrap_or(addresses.1);
    // Taken back when this ends: who looks for a server finds none that is stopping.
    let _announced = announce(assembly, address)?;
    open(assembly, listener);
    console.open(assembly, (plan, editor), address, console_listener);
    tell(assembly, (address, console_address), key.as_deref(), terminal)?;
    let mut log_failed = assembly.recorder.failed();
    let mut sealing_failed = assembly.payloads.as_ref().map(Payloads::failed);
    tokio::select! {
        () = signals.told() => Ok(()),
        _ = log_failed.wait_for(|failed| *failed) => {
            Err(Failure::trouble("the audit log cannot be written, so nothing more is answered")
                .hint("the lines above say why; when the disk is mended, `gwanmun audit verify` says what the log holds"))
        }
        () = turned(sealing_failed.as_mut()) => {
            Err(Failure::trouble("sealed payloads cannot be written, so nothing more is answered")
                .hint("the lines above say why; mend the disk, or set `[audit_log] payloads = \"none\"`"))
        }
    }
}

/// Listens for the API and for the console.
async fn listen((api, console): (SocketAddr, SocketAddr)) -> Result<(TcpListener, TcpListener), serve::ListenError> {
    Ok((serve::listen(api, Port::Api).await?, serve::listen(console, Port::Console).await?))
}

/// Waits until it says that something has failed; for ever where there is nothing that can.
async fn turned(failed: Option<&mut tokio::sync::watch::Receiver<bool>>) {
    if let Some(failed) = failed
        && failed.wait_for(|failed| *failed).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

fn open(assembly: &Assembly, listener: TcpListener) {
    let serving = Serving {
        router: assembly.router(),
        refuse: gateway::routes::refuse(std::sync::Arc::clone(&assembly.app)),
        config: assembly.config.clone(),
        tasks: assembly.tasks.clone(),
        clock: assembly.clock.clone(),
    };
    assembly.tasks.start("listener", |_| serve::serve(listener, serving));
}

/// Tells other commands on this machine where the server is.
fn announce(assembly: &Assembly, address: SocketAddr) -> Result<gateway::data_dir::Announced, Failure> {
    let key = assembly.own_key()?;
    Ok(assembly.data_dir.announce(&banner::url(address), &key)?)
}

/// The first key, made where there never was one.
async fn first_key(assembly: &Assembly) -> Result<Option<String>, Failure> {
    if !assembly.keys.list().await?.is_empty() {
        return Ok(None);
    }
    let made =
        assembly.keys.create(&WantedKey::new(FIRST_KEY, FIRST_TEAM), &operator::by(), assembly.clock.wall()).await?;
    changes::take_in(&assembly.keys, &assembly.availability, &assembly.recorder).await?;
    Ok(Some(made.text.reveal().to_owned()))
}

fn tell(
    assembly: &Assembly,
    (listen, console): (SocketAddr, SocketAddr),
    key: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let data_dir =
        std::path::absolute(assembly.data_dir.path()).unwrap_or_else(|_| assembly.data_dir.path().to_owned());
    let banner = Banner {
        version: env!("CARGO_PKG_VERSION"),
        listen,
        console,
        data_dir: &data_dir.display().to_string(),
        key,
        model: assembly.floor.as_ref().map(|floor| floor.model.card()),
        notes: assembly.floor.as_ref().map_or(&[], |floor| &floor.notes),
        embedder: assembly.embedder.as_ref().map(|embedder| embedder.model.card()),
    };
    for line in banner.lines() {
        writeln!(terminal.out(), "{line}")?;
    }
    Ok(terminal.out().flush()?)
}

/// What tells a server to stop.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::trouble(format!("signals cannot be listened to: {error}")));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Each connection is an open file; common soft limits (1,024) are below what `limits.connections_max` admits.
fn raise_open_files_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit on open files could not be raised: {error}");
    }
}
