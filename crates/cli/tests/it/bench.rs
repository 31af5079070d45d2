//! A home directory of its own, and the command run in it without any of our environment.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::tiny_model;

pub(crate) struct Bench {
    home: TempDir,
}

/// What a command printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) exit: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Where the data directory is by default.
    pub(crate) fn data(&self) -> PathBuf {
        self.path(".local/share/gwanmun")
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
            .unwrap();
        path
    }

    /// A tiny model's file.
    pub(crate) fn model(&self) -> String {
        self.put("tiny.gguf", &tiny_model::bytes()).display().to_string()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gwanmun"));
        command.args(arguments).env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Told {
        self.told(&self.command(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// With the bench's own folder written as `HOME`.
    fn told(&self, output: &Output) -> Told {
        Told { exit: output.status.code(), out: self.plain(&output.stdout), err: self.plain(&output.stderr) }
    }

    fn plain(&self, bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap().replace(&self.home.path().display().to_string(), "HOME")
    }

    /// What a command said that succeeded.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let told = self.run(arguments);
        assert_eq!(told.exit, Some(0), "{arguments:?}: {}", told.err);
        told.out
    }

    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        Server::start(self, arguments)
    }
}

/// A `gwanmun serve` on a free port; killed when dropped.
pub(crate) struct Server {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// What it said when it was ready, up to and with the line that says how to stop.
    pub(crate) banner: Vec<String>,
    pub(crate) url: String,
}

impl Server {
    fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut command = bench.command(&["serve", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"]);
        let spawned = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut banner = Vec::new();
        while !banner.last().is_some_and(|line: &String| line.starts_with("  stop")) {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                let output = child.wait_with_output().unwrap();
                panic!("it ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
            }
            banner.push(bench.plain(line.trim_end().as_bytes()));
        }
        let api = banner.iter().find_map(|line| line.strip_prefix("  API     ")).unwrap();
        let url = api.trim_end_matches("/v1").to_owned();
        Self { child, lines, banner, url }
    }

    /// The key that it showed, if it showed one.
    pub(crate) fn key(&self) -> Option<&str> {
        self.banner.iter().find_map(|line| line.strip_prefix("  key     "))
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it as a service manager does; gives what else it said.
    pub(crate) fn end(mut self) -> Told {
        self.signal("-TERM");
        let mut out = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut out).unwrap();
        let mut err = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut err).unwrap();
        Told { exit: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that lies under a folder.
pub(crate) fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            found.push(path.strip_prefix(folder).unwrap().display().to_string());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}
