//! The acts of the demonstration, on the real command: what is shown, and what must be true of each.

use std::collections::BTreeSet;
use std::{
    io::{self, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    Acts,
    callers::{Callers, Count},
    provider::Provider,
};
use crate::{client::Client, entries::Entries};

/// After detection, of a hundred requests at most so many may still reach who refuses.
const TOUCHED_PERCENT_MAX: u64 = 1;
/// A withdrawal must be known within so much time.
const DETECTED_WITHIN: Duration = Duration::from_secs(2);

/// The model that callers ask for.
const MODEL: &str = "assistant";

/// What was claimed, and whether it is so.
pub type Claim = (String, bool);

struct Stage {
    command: PathBuf,
    data: PathBuf,
    server: Server,
    client: Client,
    began: Instant,
    claims: Vec<Claim>,
}

/// Plays it: tells it line by line, and gives what was claimed.
///
/// # Errors
/// Where the command does not start, or the machine is in the way.
pub async fn play(command: &Path, model: &Path, acts: Acts, tell: &mut impl FnMut(&str)) -> io::Result<Vec<Claim>> {
    let folder = tempfile::tempdir()?;
    let (one, other) = (Provider::start().await?, Provider::start().await?);
    tell(
        "two foreign providers and the local model; callers ask `assistant`, which goes to foreign-a, foreign-b, then the local floor",
    );
    let mut stage = Stage::set(command, model, folder.path(), (&one, &other)).await?;
    tell(&format!(
        "{:>5}  {:<34} {:>8} {:>8} {:>8} {:>6} {:>6} {:>9} {:>9}",
        "time", "act", "requests", "answered", "degraded", "errors", "silent", "foreign-a", "foreign-b"
    ));
    let callers = Callers::start(&stage.client, MODEL, (acts.callers, acts.tokens));
    let mut line = Line { act: "all is well", earlier: Count::default(), heard: (0, 0) };
    stage.act(acts.before, &callers, (&one, &other), &mut line, tell).await;
    let calm = callers.count();
    stage.claim(
        "before the cut every request is answered from abroad",
        calm.answered > 0 && calm.honest + calm.silent + calm.degraded == 0,
    );

    one.refuse(true);
    other.refuse(true);
    let cut = now_us();
    line.act = "both refuse: 403, mid-sentence too";
    stage.act(acts.refused, &callers, (&one, &other), &mut line, tell).await;
    let detected = stage.detection(cut);
    let at_end = (one.heard(), other.heard());
    stage.after_the_cut(&callers, calm, (&one, &other), &detected, tell);

    one.refuse(false);
    other.refuse(false);
    line.act = "healthy again, not approved";
    stage.act(acts.healed, &callers, (&one, &other), &mut line, tell).await;
    stage.claim("nothing goes back unapproved, though both would answer", (one.heard(), other.heard()) == at_end);

    for subject in stage.withdrawn() {
        stage.approve(&subject, tell)?;
    }
    line.act = "approved: it returns";
    stage.act(acts.approved, &callers, (&one, &other), &mut line, tell).await;
    stage.claim(
        "after `gwanmun restore … --approve` it is asked again",
        one.heard() + other.heard() > at_end.0 + at_end.1,
    );
    let all = callers.end().await;
    stage.close(all, tell)
}

/// The server. One that is not ended well, because an act failed, is killed.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One act's line of the table.
struct Line {
    act: &'static str,
    earlier: Count,
    heard: (u64, u64),
}

impl Stage {
    async fn set(
        command: &Path,
        model: &Path,
        folder: &Path,
        (one, other): (&Provider, &Provider),
    ) -> io::Result<Self> {
        let (data, config) = (folder.join("data"), folder.join("gwanmun.toml"));
        let (api, console) = (free()?, free()?);
        std::fs::write(&config, configuration(&api, &console, one, other))?;
        let server = Command::new(command)
            .args(["serve", "--data-dir"])
            .arg(&data)
            .arg("--config")
            .arg(&config)
            .arg("--model")
            .arg(model)
            .stdout(Stdio::piped())
            .stderr(Stdio::from(std::fs::File::create(folder.join("said"))?))
            .spawn()?;
        let mut server = Server(server);
        let output = server.0.stdout.take().ok_or_else(|| io::Error::other("its output is not piped"))?;
        let key = tokio::task::spawn_blocking(move || key(BufReader::new(output))).await.map_err(io::Error::other)?;
        let key = key.ok_or_else(|| {
            io::Error::other(format!(
                "the command did not start: {}",
                std::fs::read_to_string(folder.join("said")).unwrap_or_default()
            ))
        })?;
        // Other commands find the configuration in the data directory.
        std::fs::copy(&config, data.join("gwanmun.toml"))?;
        let address = api.parse().map_err(io::Error::other)?;
        let client = Client::new(address, &key);
        let claims = Vec::new();
        Ok(Self { command: command.to_owned(), data, server, client, began: Instant::now(), claims })
    }

    /// Lets it go on for so many seconds, and tells each.
    async fn act(
        &self,
        seconds: u64,
        callers: &Callers,
        (one, other): (&Provider, &Provider),
        line: &mut Line,
        tell: &mut impl FnMut(&str),
    ) {
        for _ in 0..seconds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (count, heard) = (callers.count(), (one.heard(), other.heard()));
            let last = count.since(line.earlier);
            let time = self.began.elapsed().as_secs();
            tell(&format!(
                "{time:>4}s  {:<34} {:>8} {:>8} {:>8} {:>6} {:>6} {:>9} {:>9}",
                line.act,
                last.requests,
                last.answered,
                last.degraded,
                last.honest,
                last.silent,
                heard.0 - line.heard.0,
                heard.1 - line.heard.1
            ));
            (line.earlier, line.heard) = (count, heard);
        }
    }

    /// When each foreign provider was known to be withdrawn, in microseconds after the cut: as the log's entries say it.
    fn detection(&self, cut: u64) -> Vec<(String, u64)> {
        let entries = Entries::read(&self.data.join("log"));
        let withdrawn = entries.of("administration").filter(|entry| entry["action"] == "withdrawal.begin");
        let at = |entry: &Value| entry["at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let mut known: Vec<(String, u64)> = Vec::new();
        for entry in withdrawn {
            let subject = entry["subject"].as_str().unwrap_or_default();
            let after =
                at(entry).and_then(|at| u64::try_from(at.as_microsecond()).ok()).map(|at| at.saturating_sub(cut));
            // A graver cause that takes over is an entry of its own; known it was from the first.
            if let Some(after) = after
                && !known.iter().any(|(known, _)| known == subject)
            {
                known.push((subject.to_owned(), after));
            }
        }
        known
    }

    fn after_the_cut(
        &mut self,
        callers: &Callers,
        calm: Count,
        (one, other): (&Provider, &Provider),
        detected: &[(String, u64)],
        tell: &mut impl FnMut(&str),
    ) {
        let cut = callers.count().since(calm);
        for (subject, after) in detected {
            tell(&format!(
                "withdrawn: {subject}, {}.{:03} s after the first refusal could come",
                after / 1_000_000,
                after % 1_000_000 / 1000
            ));
        }
        let within = detected.iter().filter(|(_, after)| Duration::from_micros(*after) <= DETECTED_WITHIN).count();
        self.claim("both are known to be withdrawn within two seconds, in the log", within == 2 && detected.len() == 2);
        self.claim("some answers were cut in mid-sentence", one.broken_off() + other.broken_off() > 0);
        self.claim(
            "every request after the cut got a whole answer or an honest error",
            cut.silent == 0 && cut.requests > 0,
        );
        self.claim("the local floor answers, and says that it is degraded", cut.degraded > 0);
        let touched = self.touched_after();
        let all = cut.requests.max(1);
        tell(&format!("after detection {touched} of {all} requests still reached a provider that refuses"));
        self.claim(
            "after detection at most one request in a hundred touches them",
            touched * 100 <= all * TOUCHED_PERCENT_MAX,
        );
    }

    /// Requests that were sent abroad after detection: decisions later than the withdrawals that still name a foreign place first.
    fn touched_after(&self) -> u64 {
        let entries = Entries::read(&self.data.join("log"));
        let last = entries.0.iter().rposition(|entry| entry["action"] == "withdrawal.begin").unwrap_or(entries.0.len());
        let later = entries.0.iter().skip(last + 1).filter(|entry| entry["kind"] == "decision");
        let abroad = |entry: &&Value| {
            entry["destinations"].as_array().is_some_and(|places| places.iter().any(|place| place != "local"))
        };
        later.filter(abroad).count() as u64
    }

    /// What is withdrawn, as the log has it.
    fn withdrawn(&self) -> Vec<String> {
        let entries = Entries::read(&self.data.join("log"));
        let subjects = entries.of("administration").filter(|entry| entry["action"] == "withdrawal.begin");
        let subjects: BTreeSet<&str> = subjects.filter_map(|entry| entry["subject"].as_str()).collect();
        subjects.into_iter().map(str::to_owned).collect()
    }

    fn approve(&mut self, subject: &str, tell: &mut impl FnMut(&str)) -> io::Result<()> {
        tell(&format!("$ gwanmun restore {subject} --approve"));
        let done = self.run(&["restore", subject, "--approve", "--why", "the demonstration goes on"])?;
        self.claim(&format!("`restore {subject} --approve` is taken"), done.status.success());
        Ok(())
    }

    /// The end: the server, its log, and what became of everything.
    fn close(mut self, all: Count, tell: &mut impl FnMut(&str)) -> io::Result<Vec<Claim>> {
        let told = Command::new("kill").args(["-TERM", &self.server.0.id().to_string()]).status()?;
        let ended = self.server.0.wait()?;
        self.claim("the server ends well", told.success() && ended.success());
        let verified = self.run(&["audit", "verify"])?;
        self.claim("`gwanmun audit verify`: the log holds", verified.status.success());
        let entries = Entries::read(&self.data.join("log"));
        let faults = entries.faults();
        self.claim("each decision has exactly one outcome", faults.is_empty());
        let requests = entries.of("decision").count() + entries.of("refusal").count();
        self.claim("the log knows every request that callers sent", requests as u64 == all.requests);
        let percent =
            |count: u64| format!("{}.{} %", count * 100 / all.requests.max(1), count * 1000 / all.requests.max(1) % 10);
        tell(&format!(
            "{} requests: {} answered whole ({}), {} by the local floor ({}), {} honest errors, {} silent truncations; {} entries",
            all.requests,
            all.answered,
            percent(all.answered),
            all.degraded,
            percent(all.degraded),
            all.honest,
            all.silent,
            entries.0.len()
        ));
        self.claim("no answer was silently truncated", all.silent == 0);
        Ok(self.claims)
    }

    fn claim(&mut self, what: &str, is_so: bool) {
        self.claims.push((what.to_owned(), is_so));
    }

    fn run(&self, words: &[&str]) -> io::Result<Output> {
        Command::new(&self.command).args(words).arg("--data-dir").arg(&self.data).output()
    }
}

fn configuration(api: &str, console: &str, one: &Provider, other: &Provider) -> String {
    let destination = |name: &str, provider: &Provider| {
        format!(
            "[[destination]]\nname = \"{name}\"\nbase_url = \"{}\"\nmodels = [{{ name = \"large\", upstream = \"{name}-large\" }}]\nprovider = \"azure\"\n\n",
            provider.base_url()
        )
    };
    format!(
        "[server]\nlisten = \"{api}\"\nconsole = \"{console}\"\n\n[policy]\nuse = \"open\"\nhome = \"KR\"\n\n{}{}[[route]]\nmodel = \"{MODEL}\"\n\
         destinations = [\"foreign-a/large\", \"foreign-b/large\", \"local\"]\n",
        destination("foreign-a", one),
        destination("foreign-b", other),
    )
}

/// The key that the first start shows; what it says after that is read on and dropped.
fn key(output: impl io::BufRead + Send + 'static) -> Option<String> {
    let mut lines = output.lines().map_while(Result::ok);
    let key = lines.find_map(|line| {
        let at = line.find("sk-gwm-")?;
        Some(line.get(at..)?.split_whitespace().next()?.to_owned())
    })?;
    std::thread::spawn(move || lines.for_each(drop));
    Some(key)
}

fn free() -> io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn now_us() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
