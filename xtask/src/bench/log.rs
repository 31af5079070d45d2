//! The audit log measured: durable entries a second against what the same disk syncs without a log, how long it takes to read it
//! back and to verify it, and what a request pays for it. Turns are taken within a round, each figure is the median of the rounds,
//! and each ratio is to the raw syncs of its own round.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::median;
use super::subject::{self, Stage, Subject};
use crate::children;
use crate::repository::Repository;

/// Writers at once.
const WRITERS: [usize; 4] = [1, 16, 64, 256];

/// The disk that the aim for entries a second speaks of: one sync takes it so long.
const SLOW_SYNC_MS: f64 = 4.0;
const SLOW_WRITERS: usize = 64;

/// Callers of the server at once.
const CALLERS: [usize; 3] = [1, 32, 128];

/// How much to measure.
struct Size {
    rounds: usize,
    /// Of one turn.
    seconds: f64,
    /// In the log that is verified.
    entries: u64,
    /// Of the log that a start reads back, at least.
    mib: u64,
}

const FULL: Size = Size { rounds: 3, seconds: 3.0, entries: 1_000_000, mib: 1024 };
const QUICK: Size = Size { rounds: 1, seconds: 1.0, entries: 50_000, mib: 64 };

struct Bench<'a> {
    repository: &'a Repository,
    /// On the disk that is built on, not in memory: what syncs in memory proves nothing.
    folder: PathBuf,
    size: Size,
    told: Map<String, Value>,
}

/// Measures and prints the table; the same as JSON.
pub(super) fn run(repository: &Repository, quick: bool) -> Result<Value> {
    println!("building (release) …");
    let build = ["build", "--release", "--quiet", "-p", "gwanmun", "-p", "e2e", "--bins"];
    if !children::run(repository.command("cargo").args(build))? {
        anyhow::bail!("the release build failed");
    }
    let folder = repository.built("bench", &std::process::id().to_string());
    fs::create_dir_all(&folder)?;
    let mut bench =
        Bench { repository, folder: folder.clone(), size: if quick { QUICK } else { FULL }, told: Map::new() };
    let measured = bench.entries().and_then(|()| bench.added()).and_then(|()| bench.read_back());
    // What is left of a run that failed helps nobody.
    drop(fs::remove_dir_all(&folder));
    measured?;
    Ok(Value::Object(bench.told))
}

impl Bench<'_> {
    /// Durable entries a second, and what each costs.
    fn entries(&mut self) -> Result<()> {
        let (mut raw, mut rows) = (Vec::new(), vec![Row::default(); WRITERS.len()]);
        let mut slow = Row::default();
        for round in 0..self.size.rounds {
            let folder = self.folder.join(format!("round{round}"));
            fs::create_dir_all(&folder)?;
            let seconds = self.size.seconds.to_string();
            let syncs = number(&self.tool(&["raw"], &folder, &[&seconds])?, "syncs_s")?;
            raw.push(syncs);
            for (writers, row) in WRITERS.iter().zip(&mut rows) {
                row.add(&self.written(&folder, *writers, 0.0)?, syncs)?;
            }
            // On a quicker disk each sync waits as long as the slow one would take.
            let missing_ms = (SLOW_SYNC_MS - 1000.0 / syncs).max(0.0);
            slow.add(&self.written(&folder, SLOW_WRITERS, missing_ms)?, syncs)?;
            fs::remove_dir_all(&folder)?;
        }
        let syncs = median(raw);
        println!("raw fdatasync of 1 KiB appended: {syncs:.0}/s, {:.2} ms each", 1000.0 / syncs);
        self.told.insert("raw_syncs_s".to_owned(), json!(syncs));
        for (writers, row) in WRITERS.iter().zip(rows) {
            self.tell(&format!("{writers} writers"), row);
        }
        self.tell(&format!("{SLOW_WRITERS} writers, a sync made to take {SLOW_SYNC_MS} ms at least"), slow);
        Ok(())
    }

    fn written(&self, folder: &Path, writers: usize, delay_ms: f64) -> Result<Value> {
        let log = folder.join("log");
        let seconds = self.size.seconds.to_string();
        let told = self.tool(&["write"], &log, &[&seconds, &writers.to_string(), &delay_ms.to_string()])?;
        fs::remove_dir_all(&log)?;
        Ok(told)
    }

    fn tell(&mut self, name: &str, row: Row) {
        let (entries, ratio, cpu) = (median(row.entries_s), median(row.per_sync), median(row.cpu_us));
        let together = median(row.per_own_sync);
        println!(
            "{name:<50}{entries:>9.0} entries/s {ratio:>7.2} a raw sync {together:>6.1} a sync of its own {cpu:>6.1} µs CPU an entry"
        );
        let told = json!({"entries_s": entries, "per_raw_sync": ratio, "per_own_sync": together, "cpu_us": cpu});
        self.told.insert(name.to_owned(), told);
    }

    /// What a request pays: the same server with the log and without, in turns.
    fn added(&mut self) -> Result<()> {
        let (_provider, address) = subject::provider(self.repository)?;
        let stage = Stage { repository: self.repository, folder: self.folder.clone(), provider: address };
        let off = stage.gwanmun("off", "[audit_log]\nmode = \"off\"\n")?;
        let on = stage.gwanmun("on", "[audit_log]\nmode = \"synced\"\n")?;
        for callers in CALLERS {
            let mut values: [Vec<f64>; 4] = Default::default();
            for _ in 0..self.size.rounds {
                for (subject, place) in [(&off, 0), (&on, 2)] {
                    let told = self.turn(subject, callers)?;
                    let [p50, p99] = [number(&told, "p50_us")?, number(&told, "p99_us")?];
                    values.iter_mut().skip(place).zip([p50, p99]).for_each(|(values, value)| values.push(value));
                }
            }
            let [off_p50, off_p99, on_p50, on_p99] = values.map(median);
            let name = format!("a request's µs, {callers} callers");
            println!(
                "{name:<50}p50 {off_p50:.0} without, {on_p50:.0} with ({:+.0})   p99 {off_p99:.0} without, {on_p99:.0} with ({:+.0})",
                on_p50 - off_p50,
                on_p99 - off_p99
            );
            let told =
                json!({"off": {"p50_us": off_p50, "p99_us": off_p99}, "on": {"p50_us": on_p50, "p99_us": on_p99}});
            self.told.insert(name, told);
        }
        Ok(())
    }

    fn turn(&self, subject: &Subject, callers: usize) -> Result<Value> {
        let load = |seconds| subject::loaded(self.repository, subject, callers, seconds, ("bench", false));
        // Warm: connections are made, pools filled.
        load(self.size.seconds / 10.0)?;
        load(self.size.seconds)
    }

    /// How long it takes to verify a log, to open it, and to start a server on it.
    fn read_back(&mut self) -> Result<()> {
        let (_provider, address) = subject::provider(self.repository)?;
        let stage = Stage { repository: self.repository, folder: self.folder.clone(), provider: address };
        let mut prepared = stage.prepared("restart", "")?;
        let log = prepared.data.join("log");
        self.tool(&["fill"], &log, &[&self.size.entries.to_string(), "0"])?;
        self.read_by(&log, "verify")?;
        self.tool(&["fill"], &log, &["0", &self.size.mib.to_string()])?;
        self.read_by(&log, "open")?;
        let mut seconds = Vec::new();
        for _ in 0..self.size.rounds {
            let started = prepared.start()?;
            seconds.push(started.started_in.unwrap_or_default().as_secs_f64());
            if let Some(process) = started.process {
                process.end()?;
            }
        }
        let seconds = median(seconds);
        println!("{:<50}{seconds:>9.2} s", "from a server's start on it to its first answer");
        self.told.insert("server".to_owned(), json!({"seconds": seconds}));
        Ok(())
    }

    fn read_by(&mut self, log: &Path, how: &str) -> Result<()> {
        let (mut seconds, mut last) = (Vec::new(), Value::Null);
        for _ in 0..self.size.rounds {
            last = self.tool(&[how], log, &[])?;
            seconds.push(number(&last, "seconds")?);
        }
        let (seconds, entries) = (median(seconds), number(&last, "entries")?);
        let mib = number(&last, "bytes")? / f64::from(1 << 20);
        let tail = last.get("last_segment_bytes").and_then(Value::as_f64);
        let tail =
            tail.map_or(String::new(), |bytes| format!(", {:.0} MiB in the last segment", bytes / f64::from(1 << 20)));
        println!("{how:<50}{seconds:>9.2} s for {entries:.0} entries, {mib:.0} MiB{tail}");
        self.told.insert(how.to_owned(), json!({"seconds": seconds, "of": last}));
        Ok(())
    }

    fn tool(&self, words: &[&str], dir: &Path, more: &[&str]) -> Result<Value> {
        let mut command = self.repository.command(self.repository.built("release", "log_bench"));
        let output = children::quietly(command.args(words).arg(dir).args(more))?;
        serde_json::from_str(output.lines().last().unwrap_or_default()).context("a measurement printed no JSON object")
    }
}

/// One figure's rounds.
#[derive(Clone, Debug, Default)]
struct Row {
    entries_s: Vec<f64>,
    per_sync: Vec<f64>,
    /// How many entries went with one sync of the log.
    per_own_sync: Vec<f64>,
    cpu_us: Vec<f64>,
}

impl Row {
    fn add(&mut self, told: &Value, syncs: f64) -> Result<()> {
        let entries = number(told, "entries_s")?;
        self.entries_s.push(entries);
        self.per_sync.push(entries / syncs);
        self.per_own_sync.push(number(told, "entries_per_sync")?);
        self.cpu_us.push(number(told, "cpu_us")?);
        Ok(())
    }
}

fn number(told: &Value, name: &str) -> Result<f64> {
    told.get(name).and_then(Value::as_f64).with_context(|| format!("a measurement told no `{name}`"))
}
