//! How long a start takes on a log of many segments: from its resume file, and with every segment read.
//! `cargo run --release -p audit_log --example restart [DIR] [MIB]`; the last line is JSON.

#![expect(clippy::print_stdout, reason = "it is a command")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Instant, SystemTime};

use audit_log::{Body, Count, Digest, Ending, Log, Outcome, Refusal, Settings, Text};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mib: u64 = arguments.next().map_or(Ok(1_024), |text| text.parse())?;
    let dir = tempfile::tempdir_in(dir)?;
    let path = dir.path().join("log");
    let entries = fill(&path, mib << 20)?;
    let bytes = bytes_below(&path.join("segments"))?;
    println!(
        "{entries} entries, {} MiB of segments, {} KiB of resume files",
        bytes >> 20,
        bytes_below(&path.join("resume"))? >> 10
    );
    let mut quick = Vec::new();
    for _ in 0..3 {
        quick.push(open(&path, false)?);
    }
    let thorough = open(&path, true)?;
    let quick = quick.into_iter().fold(f64::INFINITY, f64::min);
    println!("{{\"mib\":{},\"entries\":{entries},\"start_s\":{quick:.3},\"rebuild_s\":{thorough:.3}}}", bytes >> 20);
    Ok(())
}

fn settings(scan_all: bool) -> Settings {
    let clock = Arc::new(|| SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default());
    Settings { scan_all, waiting_max: 20_000, ..Settings::new(clock) }
}

/// Writes so many bytes of entries; tells how many entries.
fn fill(path: &Path, bytes: u64) -> Fallible<u64> {
    Log::create(path, "gwanmun.bench/0000000000000002", &settings(false))?;
    let (log, _) = Log::open(path, settings(false))?;
    let body = refusal()?;
    let (done, told) = channel();
    let (mut written, mut waiting) = (0, 0_u64);
    while written < bytes {
        let done = done.clone();
        log.append(&body, move |result| assert!(done.send(result).is_ok(), "nobody counts"))?;
        waiting += 1;
        written += 700;
        if waiting > 10_000 {
            told.iter().take(5_000).for_each(drop);
            waiting -= 5_000;
        }
    }
    // So that the last segment is not empty and something is open at the end.
    log.append_and_wait(&outcome()?)?;
    log.close()?;
    Ok(log.size())
}

fn open(path: &Path, scan_all: bool) -> Fallible<f64> {
    let start = Instant::now();
    let (log, recovered) = Log::open(path, settings(scan_all))?;
    let seconds = start.elapsed().as_secs_f64();
    let how = if scan_all { "every segment read" } else { "from the resume file" };
    println!("opened {} entries, {how}, in {seconds:.3} s", recovered.entries);
    log.close()?;
    Ok(seconds)
}

fn bytes_below(dir: &Path) -> Fallible<u64> {
    let mut bytes = 0;
    for item in std::fs::read_dir(dir)? {
        bytes += item?.metadata()?.len();
    }
    Ok(bytes)
}

fn refusal() -> Fallible<Body> {
    Ok(Body::Refusal(Refusal {
        request: Text::new("req-0193b7c2f1d84e3a9c55")?,
        key: Text::new("k_7f31a2")?,
        team: Text::new("통계청 분석팀")?,
        surface: Text::new("chat")?,
        model: Some(Text::new("exaone-4.0-32b")?),
        reason: Text::new(
            "no_permitted_destination; filled up to the length of a decision with two destinations, tokens and money held",
        )?,
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        commitment: Digest([3; 32]),
    }))
}

fn outcome() -> Fallible<Body> {
    Ok(Body::Outcome(Outcome {
        decision: Count(0),
        request: Text::new("req-0193b7c2f1d84e3a9c55")?,
        ending: Ending::Lost,
        reason: None,
        status: None,
        destination: None,
        attempts: 0,
        prompt_tokens: None,
        completion_tokens: None,
        answer_bytes: Count(0),
        commitment: None,
        duration_us: None,
        tls_group: None,
        finish: None,
        label: None,
        cost: None,
    }))
}
