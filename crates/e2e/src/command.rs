//! The built command as a process of its own, with the real model: what a user starts. Paths come from the environment,
//! where `cargo xtask test` puts them; without them there is nothing to start.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::Client;

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
    /// The key that its first start showed.
    pub key: String,
    /// The model that it serves.
    pub model: String,
    binary: PathBuf,
    folder: tempfile::TempDir,
    child: Child,
}

/// A Python interpreter with the official client; nothing where none was prepared.
pub fn python() -> Option<PathBuf> {
    prepared("GWANMUN_TEST_PYTHON")
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
        let (binary, model) = (prepared("GWANMUN_TEST_BINARY")?, prepared("GWANMUN_TEST_MODEL")?);
        let folder = tempfile::tempdir().expect("a folder for data");
        let address = free_address();
        let mut command = Command::new(&binary);
        command.arg("serve").arg("--data-dir").arg(folder.path().join("data")).arg("--model").arg(model);
        command.args(["--listen", &address.to_string(), "--console", &free_address().to_string()]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the command starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let key = tokio::time::timeout(START_TIME_MAX, async {
            loop {
                let line = lines.next_line().await.expect("its output is text").expect("a key before its output ends");
                if let Some(at) = line.find("sk-gwm-") {
                    let key = line.get(at..).unwrap_or_default();
                    break key
                        .chars()
                        .take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter))
                        .collect::<String>();
                }
            }
        });
        let key = key.await.expect("a key within a minute");
        // Whatever else it says must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let mut server = Self { address, key, model: String::new(), binary, folder, child };
        server.until_ready().await;
        let models = server.client().get("/v1/models").await.json();
        models["data"][0]["id"].as_str().expect("a model").clone_into(&mut server.model);
        Some(server)
    }

    /// `http://` and its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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

    /// Ends it as a service manager would, and waits; it must end well.
    pub async fn end(mut self) {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.is_ok_and(|status| status.success()));
        let status =
            tokio::time::timeout(END_TIME_MAX, self.child.wait()).await.expect("it ends").expect("it was ours");
        assert!(status.success(), "it ended with {status}");
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

/// An address that was free a moment ago; a port taken in between fails the start, loudly.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback listens");
    listener.local_addr().expect("a listener has an address")
}
