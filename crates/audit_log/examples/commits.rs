//! How many durable entries a second the log takes, at 1, 16, 64 and 256 writers, against raw `fdatasync`s of the same disk in
//! the same run. `cargo run --release -p audit_log --example commits [DIR] [SECONDS]`; the last line is JSON.

#![expect(clippy::print_stdout, reason = "it is a command")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::cast_precision_loss, reason = "figures of a few digits")]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use audit_log::{Body, Count, Decision, Digest, Ending, Log, Settings, Text};
use rustix::time::{ClockId, clock_gettime};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let seconds = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let dir = tempfile::tempdir_in(dir)?;
    let time = Duration::from_secs(seconds);
    let raw = raw_syncs(dir.path(), time)?;
    println!("raw fdatasync of 1 KiB appended: {raw:.0}/s ({:.2} ms)", 1e3 / raw);
    let mut rows = Vec::new();
    for writers in [1, 16, 64, 256] {
        let run = run(&dir.path().join(format!("log{writers}")), writers, time)?;
        println!(
            "{writers:>4} writers: {:>7.0} entries/s, {:>6.1} per raw sync, {:>5.1} µs CPU an entry (append itself {:.1} µs)",
            run.rate,
            run.rate / raw,
            run.cpu_us,
            run.append_us
        );
        rows.push(format!(
            "{{\"writers\":{writers},\"entries_s\":{:.0},\"per_raw_sync\":{:.2},\"cpu_us\":{:.2},\"append_us\":{:.2}}}",
            run.rate,
            run.rate / raw,
            run.cpu_us,
            run.append_us
        ));
    }
    let restart = reopen(&dir.path().join("log256"))?;
    println!("{{\"raw_syncs_s\":{raw:.0},\"rows\":[{}],\"reopen_mib_s\":{restart:.0}}}", rows.join(","));
    Ok(())
}

/// One thread that appends a kilobyte and syncs, over and over.
fn raw_syncs(dir: &Path, time: Duration) -> Fallible<f64> {
    let mut file = OpenOptions::new().append(true).create_new(true).open(dir.join("raw"))?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < time {
        file.write_all(&[b'x'; 1024])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

struct Run {
    rate: f64,
    cpu_us: f64,
    append_us: f64,
}

fn settings() -> Settings {
    Settings::new(Arc::new(|| SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()))
}

/// So many writers in flight, each with its next entry as soon as its last is durable, as a server's requests are.
fn run(dir: &Path, writers: u64, time: Duration) -> Fallible<Run> {
    Log::create(dir, "gwanmun.bench/0000000000000001", &settings())?;
    let (log, _) = Log::open(dir, settings())?;
    let log = Arc::new(log);
    let decision = sample()?;
    let (done, appending) = (Arc::new(AtomicU64::new(0)), AtomicU64::new(0));
    let cpu = process_cpu();
    let start = Instant::now();
    // Tokens come back on the writer's thread and are spent by this one, so that threads are not what is measured.
    let (give_back, free) = std::sync::mpsc::channel();
    for _ in 0..writers {
        give_back.send(())?;
    }
    let mut index = 0_u64;
    while start.elapsed() < time {
        free.recv()?;
        // One thread appends, so entries stand in the order of their making: each outcome follows its decision.
        let body = if index.is_multiple_of(2) { decision.clone() } else { outcome(index - 1)? };
        index += 1;
        let (done, give_back) = (Arc::clone(&done), give_back.clone());
        let before = thread_cpu();
        log.append(&body, move |result| {
            done.fetch_add(u64::from(result.is_ok()), Ordering::Relaxed);
            let _ = give_back.send(());
        })?;
        appending.fetch_add(thread_cpu().saturating_sub(before), Ordering::Relaxed);
    }
    let entries = done.load(Ordering::Relaxed) as f64;
    let rate = entries / start.elapsed().as_secs_f64();
    let cpu_us = process_cpu().saturating_sub(cpu) as f64 / 1e3 / entries;
    log.close()?;
    Ok(Run { rate, cpu_us, append_us: appending.load(Ordering::Relaxed) as f64 / 1e3 / entries })
}

/// How fast a log is read back and checked when it is opened, in MiB a second.
fn reopen(dir: &Path) -> Fallible<f64> {
    let mut bytes = 0;
    for item in std::fs::read_dir(dir.join("segments"))? {
        bytes += item?.metadata()?.len();
    }
    let start = Instant::now();
    let (log, recovered) = Log::open(dir, settings())?;
    let seconds = start.elapsed().as_secs_f64();
    println!("opened {} entries, {} MiB, in {seconds:.3} s", recovered.entries, bytes >> 20);
    log.close()?;
    Ok(bytes as f64 / f64::from(1 << 20) / seconds)
}

fn sample() -> Fallible<Body> {
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
        destinations: vec![Text::new("local/smollm2")?, Text::new("naver/kr")?],
        class: None,
        findings: None,
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: None,
        law: None,
        reservation: None,
        commitment: Digest([3; 32]),
    }))
}

fn outcome(decision: u64) -> Fallible<Body> {
    Ok(Body::Outcome(audit_log::Outcome {
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
        commitment: Some(Digest([4; 32])),
        duration_us: Some(Count(1_234_567)),
        tls_group: None,
        finish: Some(Text::new("stop")?),
        label: None,
        cost: None,
    }))
}

fn process_cpu() -> u64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn thread_cpu() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
