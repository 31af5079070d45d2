//! What stands between the load and the fake provider: nothing, nginx, or our gateway in one of its settings. Each is a
//! process of its own on a processor of its own where the machine has two, and ends when dropped.

use std::fs;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::children::{self, Running};
use crate::repository::Repository;

/// Processors: the subject has one for itself, the load and the provider share the other.
const SUBJECT_CORE: &str = "0";
const OTHERS_CORE: &str = "1";

/// How long a subject may take to answer for the first time.
const START_TIME_MAX: Duration = Duration::from_secs(20);

/// One of the things compared.
#[derive(Debug)]
pub(super) struct Subject {
    /// Its name in the tables.
    pub(super) name: &'static str,
    /// Where it takes requests.
    pub(super) address: SocketAddr,
    /// The key it wants.
    pub(super) key: String,
    /// Its process; none for the direct call.
    pub(super) process: Option<Running>,
    /// From its start to its first whole answer.
    pub(super) started_in: Option<Duration>,
}

/// What subjects are started with.
pub(super) struct Stage<'a> {
    pub(super) repository: &'a Repository,
    /// A folder for configurations and data, removed by who made it.
    pub(super) folder: PathBuf,
    /// The fake provider.
    pub(super) provider: SocketAddr,
}

impl Stage<'_> {
    /// The fake provider itself: what no hop can be better than.
    pub(super) fn direct(&self) -> Subject {
        Subject { name: "direct", address: self.provider, key: "none".to_owned(), process: None, started_in: None }
    }

    /// nginx as a plain reverse proxy with kept connections; nothing where it is not installed.
    pub(super) fn nginx(&self) -> Result<Option<Subject>> {
        if !children::exists("nginx", "-v") {
            return Ok(None);
        }
        let (folder, address) = (self.folder.join("nginx"), free_address()?);
        fs::create_dir_all(&folder)?;
        let config = folder.join("nginx.conf");
        write(&config, &nginx_config(&folder, address, self.provider))?;
        let mut command = pinned(self.repository, "nginx", SUBJECT_CORE);
        command.args(["-e", "stderr", "-p"]).arg(&folder).arg("-c").arg(&config);
        started("nginx", address, "none".to_owned(), &folder, &mut command).map(Some)
    }

    /// Our gateway, release build, with `settings` added to its configuration.
    pub(super) fn gwanmun(&self, name: &'static str, settings: &str) -> Result<Subject> {
        self.prepared(name, settings)?.start()
    }

    /// The same with a model of its own, which computes on the same processor.
    pub(super) fn with_model(&self, name: &'static str, settings: &str, model: &Path) -> Result<Subject> {
        let mut prepared = self.prepared(name, settings)?;
        prepared.command = self.serving(&prepared.folder, prepared.address)?;
        prepared.command.arg("--model").arg(model);
        prepared.start()
    }

    /// A place for our gateway: its first start makes the data directory and shows the key; what is timed are starts after it.
    pub(super) fn prepared(&self, name: &'static str, settings: &str) -> Result<Prepared> {
        let (folder, address) = (self.folder.join(name), free_address()?);
        fs::create_dir_all(&folder)?;
        write(&folder.join("gwanmun.toml"), &gwanmun_config(self.provider, settings))?;
        let mut command = self.serving(&folder, address)?;
        command.arg("--no-model");
        let mut first = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::null()))?;
        let key = shown_key(&mut first)?;
        first.end()?;
        let data = folder.join("data");
        Ok(Prepared { name, address, key, folder, data, command })
    }

    /// The command that serves in `folder`; which model it runs is still to be said.
    fn serving(&self, folder: &Path, address: SocketAddr) -> Result<Command> {
        let binary = self.repository.built("release", "gwanmun");
        let mut command = pinned(self.repository, &binary.to_string_lossy(), SUBJECT_CORE);
        let console = free_address()?.to_string();
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(folder.join("data"))
            .arg("--config")
            .arg(folder.join("gwanmun.toml"));
        command.args(["--listen", &address.to_string(), "--console", &console]);
        Ok(command)
    }
}

/// A gateway's data directory and how it is started there.
#[derive(Debug)]
pub(super) struct Prepared {
    name: &'static str,
    address: SocketAddr,
    key: String,
    folder: PathBuf,
    /// The data directory.
    pub(super) data: PathBuf,
    command: Command,
}

impl Prepared {
    /// Starts it, and waits for its first answer.
    pub(super) fn start(&mut self) -> Result<Subject> {
        started(self.name, self.address, self.key.clone(), &self.folder, &mut self.command)
    }
}

fn started(
    name: &'static str,
    address: SocketAddr,
    key: String,
    folder: &Path,
    command: &mut Command,
) -> Result<Subject> {
    let said = folder.join("said");
    let begun = children::now();
    let process = Running::start(command.stdout(Stdio::null()).stderr(fs::File::create(&said)?))?;
    while !answers(address, &key) {
        if begun.elapsed() > START_TIME_MAX {
            bail!("{name} does not answer at {address}: {}", fs::read_to_string(&said)?.trim());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(Subject { name, address, key, process: Some(process), started_in: Some(begun.elapsed()) })
}

/// Starts the fake provider's fast role.
pub(super) fn provider(repository: &Repository) -> Result<(Running, SocketAddr)> {
    let wall = repository.built("release", "wall");
    let mut command = pinned(repository, &wall.to_string_lossy(), OTHERS_CORE);
    let mut process = Running::start(command.args(["serve", "127.0.3.1:0"]).stdout(Stdio::piped()))?;
    let mut line = String::new();
    process.stdout().context("the provider's output is not to be had")?.read_line(&mut line)?;
    Ok((process, line.trim().parse().context("the provider did not say where it listens")?))
}

/// The load generator, with its arguments to come.
pub(super) fn load(repository: &Repository) -> Command {
    pinned(repository, &repository.built("release", "wall").to_string_lossy(), OTHERS_CORE)
}

/// One turn of load on a subject, of a model, streamed or not: what the load generator says of it. A request that failed is an
/// error: what is not answered costs nothing.
pub(super) fn loaded(
    repository: &Repository,
    subject: &Subject,
    callers: usize,
    seconds: f64,
    (model, stream): (&str, bool),
) -> Result<Value> {
    let mut command = load(repository);
    command.args(["load", &subject.address.to_string(), &callers.to_string(), &seconds.to_string(), &subject.key]);
    command.args([model, if stream { "true" } else { "false" }]);
    let output = children::quietly(&mut command)?;
    let told: Value =
        serde_json::from_str(output.lines().last().unwrap_or_default()).context("the load generator said no JSON")?;
    let failures = told.get("failures").and_then(Value::as_f64).unwrap_or(0.0);
    if failures > 0.0 {
        bail!("{}: {failures} requests of {callers} callers of `{model}` failed", subject.name);
    }
    Ok(told)
}

/// On one processor where there is a way to say so and a second one to be apart from.
fn pinned(repository: &Repository, program: &str, core: &str) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cores < 2 || !children::exists("taskset", "--version") {
        return repository.command(program);
    }
    let mut command = repository.command("taskset");
    command.args(["-c", core, program]);
    command
}

/// The key that a first start shows, from its own words.
fn shown_key(first: &mut Running) -> Result<String> {
    let lines = first.stdout().context("the gateway's output is not to be had")?.lines();
    for line in lines {
        let line = line?;
        if let Some(at) = line.find("sk-gwm-") {
            let key = line.get(at..).unwrap_or_default();
            return Ok(key
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
                .collect());
        }
    }
    bail!("the gateway's first start showed no key")
}

/// The body that a path is answered with.
pub(super) fn get(subject: &Subject, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(subject.address)?;
    let (address, key) = (subject.address, &subject.key);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer has no body")?;
    Ok(body.to_owned())
}

/// Whether a whole chat answer comes back.
fn answers(address: SocketAddr, key: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) else { return false };
    let body = r#"{"model":"bench","messages":[{"role":"user","content":"?"}]}"#;
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut answer = [0; 64];
    let asked =
        stream.set_read_timeout(Some(Duration::from_secs(2))).and_then(|()| stream.write_all(request.as_bytes()));
    asked
        .and_then(|()| stream.read(&mut answer))
        .is_ok_and(|count| answer.get(..count).unwrap_or_default().starts_with(b"HTTP/1.1 200"))
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[expect(clippy::disallowed_methods, reason = "a scratch folder, gone after the run: a torn file costs nothing")]
fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn nginx_config(folder: &Path, listen: SocketAddr, provider: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream provider {{ server {provider}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen {listen} backlog=4096;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off; proxy_read_timeout 300s; }}
  }}
}}
"
    )
}

fn gwanmun_config(provider: SocketAddr, settings: &str) -> String {
    let mut models = vec!["bench".to_owned(), "held".to_owned()];
    models.extend(super::road::STREAMS.iter().map(|name| (*name).to_owned()));
    let models: Vec<String> = models.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "{settings}
[policy]
use = \"open\"

[admission]
requests_in_flight_max = 4096
requests_in_flight_per_key_max = 4096

[[destination]]
name = \"provider\"
base_url = \"http://{provider}/v1\"
models = [{}]
",
        models.join(", ")
    )
}
