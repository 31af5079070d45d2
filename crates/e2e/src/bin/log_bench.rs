//! The audit log measured alone, one figure a call, so that whoever compares can take turns: each prints one JSON object.
//! `raw DIR SECONDS` appends and syncs without a log; `write DIR SECONDS WRITERS DELAY_MS` appends entries, each sync made so much
//! slower; `fill DIR ENTRIES MIB` makes a log or adds to it until it has both, and a last segment that is nearly full, which is
//! what a start must read; `open DIR` opens it, `verify DIR` verifies it.
//! Knows the writer and the verifier, and no server.
#![expect(clippy::print_stdout, reason = "what it measured is its output")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::cast_precision_loss, reason = "figures of a few digits")]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime};

use audit_log::{Body, Count, Decision, Digest, Disk, Ending, Log, Outcome, SEGMENT_BYTES_MAX, Settings, Text};
use e2e::hooked_disk::{HookedDisk, Synced};
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Clock ticks in a second as `/proc` counts them.
const TICKS_PER_SECOND: f64 = 100.0;

/// Bytes of one raw append: about an entry with its record.
const RAW_BYTES: usize = 1024;

/// Entries in flight while a log is only filled.
const FILLING: usize = 2_048;

/// Entries after which is looked whether there are enough.
const FILLED_AT_ONCE: u64 = 5_000;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = match arguments.as_slice() {
        ["raw", dir, seconds] => raw(Path::new(dir), seconds.parse()?)?,
        ["write", dir, seconds, writers, delay_ms] => {
            write(Path::new(dir), seconds.parse()?, writers.parse()?, delay_ms.parse()?)?
        }
        ["fill", dir, entries, mib] => fill(Path::new(dir), entries.parse()?, mib.parse()?)?,
        ["open", dir] => open(Path::new(dir))?,
        ["verify", dir] => verify(Path::new(dir))?,
        _ => {
            return Err("raw DIR SECONDS | write DIR SECONDS WRITERS DELAY_MS | fill DIR ENTRIES MIB | open DIR | \
                        verify DIR"
                .into());
        }
    };
    println!("{told}");
    Ok(())
}

/// One thread that appends a kilobyte and syncs, over and over: what no log on this disk can do more often.
fn raw(dir: &Path, seconds: f64) -> Fallible<Value> {
    let mut file = OpenOptions::new().append(true).create(true).open(dir.join("raw"))?;
    let (begun, mut syncs) = (Instant::now(), 0_u32);
    while begun.elapsed().as_secs_f64() < seconds {
        file.write_all(&[b'x'; RAW_BYTES])?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(json!({"syncs_s": f64::from(syncs) / begun.elapsed().as_secs_f64()}))
}

/// So many writers in flight, each with its next entry as soon as its last is durable, as a server's requests are.
fn write(dir: &Path, seconds: f64, writers: usize, delay_ms: f64) -> Fallible<Value> {
    let delay = Duration::from_secs_f64(delay_ms / 1000.0);
    let syncs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&syncs);
    let disk: Arc<dyn Disk> = Arc::new(HookedDisk::new(move |synced| {
        std::thread::sleep(delay);
        counted.fetch_add(u64::from(synced == Synced::Entries), Ordering::Relaxed);
        Ok(())
    }));
    let settings = || Settings { disk: Arc::clone(&disk), ..settings() };
    Log::create(dir, "gwanmun.bench/0000000000000001", &settings())?;
    let (log, _) = Log::open(dir, settings())?;
    let (cpu, begun) = (cpu_seconds()?, Instant::now());
    let entries = append(&log, writers, |_| begun.elapsed().as_secs_f64() < seconds)?;
    let took = begun.elapsed().as_secs_f64();
    log.close()?;
    // With the closing: the tree and the signatures are part of what an entry costs.
    let cpu = cpu_seconds()? - cpu;
    let bytes = segment_bytes(dir)?;
    let (entries, syncs) = (entries as f64, syncs.load(Ordering::Relaxed) as f64);
    Ok(json!({
        "entries_s": entries / took,
        "entries_per_sync": entries / syncs,
        "cpu_us": cpu * 1e6 / entries,
        "bytes": bytes as f64 / entries,
    }))
}

/// Decisions and outcomes in turns while `going` says so, told the number of the next; how many, all durable.
fn append(log: &Log, in_flight: usize, going: impl Fn(u64) -> bool) -> Fallible<u64> {
    let decision = decision()?;
    let first = log.size();
    // One thread appends, and tokens come back from the log's: threads are not what is measured. So the entries stand in the
    // order of their making, and each outcome follows its decision.
    let (give_back, free) = channel();
    for _ in 0..in_flight {
        give_back.send(true)?;
    }
    let mut index = first;
    while going(index) {
        if !free.recv()? {
            return Err("the log has failed".into());
        }
        let body = if (index - first).is_multiple_of(2) { decision.clone() } else { outcome(index - 1)? };
        let give_back = give_back.clone();
        log.append(&body, move |result| {
            // Once it is over nobody counts any more.
            let _ = give_back.send(result.is_ok());
        })?;
        index += 1;
    }
    for _ in 0..in_flight {
        free.recv()?;
    }
    Ok(index - first)
}

fn fill(dir: &Path, entries: u64, mib: u64) -> Fallible<Value> {
    if !dir.join("origin").exists() {
        Log::create(dir, "gwanmun.bench/0000000000000001", &settings())?;
    }
    let (log, _) = Log::open(dir, settings())?;
    let nearly = |dir| Ok::<bool, io::Error>(mib == 0 || last_segment_bytes(dir)? > SEGMENT_BYTES_MAX * 7 / 8);
    while log.size() < entries || segment_bytes(dir)? < mib << 20 || !nearly(dir)? {
        let wanted = entries.saturating_sub(log.size());
        let until = log.size() + if wanted == 0 { FILLED_AT_ONCE } else { wanted.min(FILLED_AT_ONCE) };
        append(&log, FILLING, |index| index < until)?;
    }
    log.close()?;
    Ok(json!({"entries": log.size(), "bytes": segment_bytes(dir)?}))
}

fn open(dir: &Path) -> Fallible<Value> {
    let begun = Instant::now();
    let (log, recovered) = Log::open(dir, settings())?;
    let seconds = begun.elapsed().as_secs_f64();
    log.close()?;
    let (bytes, last) = (segment_bytes(dir)?, last_segment_bytes(dir)?);
    Ok(json!({"seconds": seconds, "entries": recovered.entries, "bytes": bytes, "last_segment_bytes": last}))
}

fn verify(dir: &Path) -> Fallible<Value> {
    let begun = Instant::now();
    let report = audit_verify::verify(dir, &audit_verify::Options::default())?;
    let seconds = begun.elapsed().as_secs_f64();
    if !report.holds() {
        return Err(format!("the log does not hold:\n{report}").into());
    }
    Ok(json!({"seconds": seconds, "entries": report.entries, "bytes": report.entry_bytes}))
}

fn settings() -> Settings {
    Settings::new(Arc::new(|| SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()))
}

fn segment_bytes(dir: &Path) -> io::Result<u64> {
    std::fs::read_dir(dir.join("segments"))?.map(|file| Ok(file?.metadata()?.len())).sum()
}

fn last_segment_bytes(dir: &Path) -> io::Result<u64> {
    let files =
        std::fs::read_dir(dir.join("segments"))?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    files.iter().max().map_or(Ok(0), |last| Ok(std::fs::metadata(last)?.len()))
}

/// Processor seconds of this process, user and system, ended threads too. The second field of its line is a name in brackets;
/// utime and stime are the 14th and 15th of all.
fn cpu_seconds() -> Fallible<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

fn decision() -> Fallible<Body> {
    Ok(Body::Decision(Decision {
        request: Text::new("req-0193b7c2f1d84e3a9c55")?,
        key: Text::new("k_7f31a2")?,
        team: Text::new("통계청 분석팀")?,
        surface: Text::new("chat")?,
        model: Text::new("exaone-4.0-32b")?,
        stream: true,
        choices: 1,
        request_bytes: Count(2_048),
        prompt_tokens: Some(Count(512)),
        answer_tokens_max: Some(Count(1_024)),
        destinations: vec![Text::new("local/smollm2")?, Text::new("national/large")?],
        class: None,
        findings: None,
        rules: None,
        skipped: None,
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: None,
        law: None,
        reservation: None,
        commitment: Digest([3; 32]),
    }))
}

fn outcome(decision: u64) -> Fallible<Body> {
    Ok(Body::Outcome(Outcome {
        decision: Count(decision),
        request: Text::new("req-0193b7c2f1d84e3a9c55")?,
        ending: Ending::Answered,
        reason: None,
        status: Some(200),
        destination: Some(Text::new("local/smollm2")?),
        attempts: 1,
        prompt_tokens: Some(Count(512)),
        completion_tokens: Some(Count(230)),
        answer_bytes: Count(9_120),
        seam_at: None,
        commitment: Some(Digest([4; 32])),
        duration_us: Some(Count(1_234_567)),
        first_byte_us: Some(Count(234_567)),
        tls_group: None,
        finish: Some(Text::new("stop")?),
        hidden: None,
        findings: None,
        label: None,
        review: None,
        cost: None,
    }))
}
