//! The road measured: what each subject costs a request and an event, and what it holds. Rounds are interleaved, so that a
//! machine that grows slow does so for all; each figure is the median of the rounds, and its ratio is to nginx.

use std::fs;
use std::io::BufRead as _;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::subject::{self, Stage, Subject};
use super::{beside, median, process};
use crate::children::{self, Running};
use crate::repository::Repository;

/// Streams that the fake provider's fast role knows by name: as fast as it can; ten milliseconds apart; five apart.
pub(super) const STREAMS: [&str; 3] = [FLOOD, PACED, FIRST];
const FLOOD: &str = "events-500";
const PACED: &str = "paced-100-10000";
const FIRST: &str = "paced-4-5000";

/// Streams held open at once.
const HELD: usize = 1000;

/// One figure: how it is called, what it is taken from, and how it is made of what was measured.
struct Figure {
    name: &'static str,
    callers: usize,
    model: &'static str,
    stream: bool,
    of: fn(&Measured) -> f64,
}

/// What one turn of load gave.
struct Measured {
    cpu_seconds: f64,
    load: Value,
}

impl Measured {
    fn number(&self, name: &str) -> f64 {
        self.load.get(name).and_then(Value::as_f64).unwrap_or(0.0)
    }

    fn cpu_us_per(&self, name: &str) -> f64 {
        self.cpu_seconds * 1e6 / self.number(name).max(1.0)
    }
}

const FIGURES: [Figure; 6] = [
    Figure {
        name: "CPU µs a request, 64 callers",
        callers: 64,
        model: "bench",
        stream: false,
        of: |m| m.cpu_us_per("answers"),
    },
    Figure {
        name: "requests a second, 64 callers",
        callers: 64,
        model: "bench",
        stream: false,
        of: |m| m.number("answers") / m.number("seconds"),
    },
    Figure { name: "p50 µs, 1 caller", callers: 1, model: "bench", stream: false, of: |m| m.number("p50_us") },
    Figure {
        name: "CPU µs an event, 32 streams at full speed",
        callers: 32,
        model: FLOOD,
        stream: true,
        of: |m| m.cpu_us_per("events"),
    },
    Figure {
        name: "CPU µs an event, 100 streams, one in 10 ms",
        callers: 100,
        model: PACED,
        stream: true,
        of: |m| m.cpu_us_per("events"),
    },
    Figure {
        name: "µs to the first event, 1 caller, paced",
        callers: 1,
        model: FIRST,
        stream: true,
        of: |m| m.number("first_event_p50_us"),
    },
];

/// Measures and prints the table; the same as JSON.
pub(super) fn run(repository: &Repository, quick: bool) -> Result<Value> {
    println!("building (release) …");
    let build = ["build", "--release", "--quiet", "-p", "gwanmun", "-p", "e2e", "--bins"];
    if !children::run(repository.command("cargo").args(build))? {
        anyhow::bail!("the release build failed");
    }
    let folder = std::env::temp_dir().join(format!("gwanmun-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = measure(repository, quick, &folder);
    // What is left of a run that failed helps nobody.
    drop(fs::remove_dir_all(&folder));
    result
}

fn measure(repository: &Repository, quick: bool, folder: &std::path::Path) -> Result<Value> {
    let (_provider, address) = subject::provider(repository)?;
    let stage = Stage { repository, folder: folder.to_owned(), provider: address };
    let mut subjects = vec![stage.direct()];
    match stage.nginx()? {
        Some(nginx) => subjects.push(nginx),
        None => println!("nginx is not installed (Debian: `nginx-light`): no ratios to it"),
    }
    subjects.push(stage.gwanmun("bare", "[audit_log]\nmode = \"off\"\n")?);
    subjects.push(stage.gwanmun("synced", "[audit_log]\nmode = \"synced\"\n")?);
    let mut told = Map::new();
    once(repository, &subjects, &mut told)?;
    let (rounds, seconds) = if quick { (1, 0.5) } else { (3, 2.0) };
    for figure in &FIGURES {
        let mut values = vec![Vec::new(); subjects.len()];
        for _ in 0..rounds {
            for (subject, values) in subjects.iter().zip(&mut values) {
                values.push((figure.of)(&turn(repository, subject, figure, seconds)?));
            }
        }
        let medians: Vec<f64> = values.into_iter().map(median).collect();
        tell(figure.name, &subjects, &medians, &mut told);
    }
    // Nobody else works beside what is measured now.
    drop(subjects);
    told.insert("beside a busy local model".to_owned(), beside::run(repository, &stage, quick)?);
    Ok(Value::Object(told))
}

/// What needs no rounds: taken before the load, while every subject is fresh.
fn once(repository: &Repository, subjects: &[Subject], told: &mut Map<String, Value>) -> Result<()> {
    let started: Vec<f64> =
        subjects.iter().map(|subject| subject.started_in.unwrap_or_default().as_secs_f64() * 1000.0).collect();
    tell("ms from start to first answer", subjects, &started, told);
    let mut idle = Vec::new();
    let mut held = Vec::new();
    for subject in subjects {
        let Some(running) = &subject.process else {
            idle.push(0.0);
            held.push(0.0);
            continue;
        };
        let before = process::resident_kib(running.pid())?;
        idle.push(before / 1024.0);
        let holding = hold(repository, subject)?;
        held.push((process::resident_kib(running.pid())? - before) / f64::from(u32::try_from(HELD)?));
        drop(holding);
    }
    tell("MiB resident, idle", subjects, &idle, told);
    tell("KiB an open stream, 1,000 held", subjects, &held, told);
    Ok(())
}

fn hold(repository: &Repository, subject: &Subject) -> Result<Running> {
    let mut command = subject::load(repository);
    command.args(["hold", &subject.address.to_string(), &HELD.to_string(), &subject.key, "held"]);
    let mut holding = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    let mut line = String::new();
    holding.stdout().context("the load's output is not to be had")?.read_line(&mut line)?;
    if line.trim() != HELD.to_string() {
        anyhow::bail!("{} did not hold {HELD} streams", subject.name);
    }
    Ok(holding)
}

fn turn(repository: &Repository, subject: &Subject, figure: &Figure, seconds: f64) -> Result<Measured> {
    let cpu = || subject.process.as_ref().map_or(Ok(0.0), |running| process::cpu_seconds(running.pid()));
    let load = |seconds| subject::loaded(repository, subject, figure.callers, seconds, (figure.model, figure.stream));
    // Warm: connections are made, pools filled.
    load(seconds / 10.0)?;
    std::thread::sleep(Duration::from_millis(20));
    let before = cpu()?;
    let load = load(seconds)?;
    let measured = Measured { cpu_seconds: cpu()? - before, load };
    Ok(measured)
}

/// One line: each subject's value, and ours as a multiple of nginx's.
fn tell(name: &str, subjects: &[Subject], values: &[f64], told: &mut Map<String, Value>) {
    let nginx = subjects.iter().zip(values).find(|(subject, _)| subject.name == "nginx").map(|(_, value)| *value);
    let mut row = Map::new();
    let mut cells = Vec::new();
    for (subject, value) in subjects.iter().zip(values).filter(|(_, value)| **value != 0.0) {
        let ratio = nginx.filter(|nginx| *nginx > 0.0 && subject.name != "nginx").map(|nginx| value / nginx);
        let times = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2} ×)"));
        cells.push(format!("{} {value:.1}{times}", subject.name));
        row.insert(subject.name.to_owned(), json!({"value": value, "times_nginx": ratio}));
    }
    println!("{name:<46}{}", cells.join("   "));
    told.insert(name.to_owned(), Value::Object(row));
}
