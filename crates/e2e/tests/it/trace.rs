//! The kernel's view of the built command (promises 6 and 7): nobody is told of an entry, of an answer's end or of a checkpoint
//! before the disk must have kept what stands behind it. And each rule of that check, broken by a defect in the same command.
//! Needs the command that `cargo xtask test` builds, `strace`, and for the defects a C compiler; what is missing is said.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use audit_log::{Action, Administration, Body, Log, Settings, Text, Word};
use e2e::command::{Site, terminate};
use e2e::trace::{Breach, Judge, Rule, Seen, TRACED, World};
use e2e::wall::{Role, Wall};

use crate::shim::Shim;
use crate::views::{asking, streaming};

/// Requests one after another, so that nothing else can have synced what an answer stands on; then requests at once.
const ALONE: usize = 8;
const AT_ONCE: usize = 24;

/// Bytes of one write that the trace shows: more than a batch of entries takes.
const SHOWN_BYTES_MAX: &str = "1048576";

/// A segment is closed when it has passed this (`spec/audit_log.md`).
const SEGMENT_BYTES: usize = 64 << 20;

/// Entries that nearly fill one, at 64 KiB each; and the bytes then left in it, fewer than the requests write.
const FILLERS: u64 = 1024;
const LEFT_BYTES: usize = 16_000;

/// Whether `strace` can be used here.
fn traceable() -> bool {
    let probe = std::process::Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let able = probe.as_ref().is_ok_and(std::process::ExitStatus::success);
    if !able {
        let why = probe.map_or_else(|error| error.to_string(), |status| status.to_string());
        eprintln!("SKIPPED, NOTHING IS PROVED: `strace` cannot be used here ({why}); Debian has it as `strace`");
    }
    able
}

/// Serves a while under `strace`, with a defect or without, and gives what the kernel saw.
async fn traced(site: &Site, wall: &Wall, defect: Option<(&Shim, &str)>) -> (Seen, Vec<Breach>) {
    let log = site.log();
    let world = World { listen: site.address, destinations: wall.address(Role::National).ip(), log: &log };
    let judge = Judge::new(world);
    let file = site.folder().join("trace");
    let mut strace: Vec<OsString> =
        ["strace", "-f", "-qq", "-yy", "-xx", "-s", SHOWN_BYTES_MAX, "-e", "signal=none", "-o"]
            .map(OsString::from)
            .to_vec();
    strace.extend([file.clone().into(), "-e".into(), format!("trace={TRACED}").into()]);
    for (name, value) in defect.iter().flat_map(|(shim, defect)| shim.environment(defect)) {
        strace.extend(["-E".into(), format!("{name}={value}").into()]);
    }
    let mut child = site.started_by(&strace).spawn().unwrap();
    site.until_open(&mut child).await;
    ask(site).await;
    // What is told to end is the server; `strace` ends with it and has written all by then.
    terminate(server_of(child.id().unwrap())).await;
    assert!(child.wait().await.unwrap().success(), "{}", site.said());
    judge.judge(&std::fs::read_to_string(&file).unwrap()).unwrap()
}

async fn ask(site: &Site) {
    let request = |number: usize| match number % 2 {
        0 => asking("wall-small", "?"),
        _ => streaming("wall-small", "?"),
    };
    for number in 0..ALONE {
        let answer = site.client().chat(&request(number)).await;
        assert!(answer.claims_to_be_complete(), "{answer}");
    }
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..AT_ONCE {
        let client = site.client();
        callers.spawn(async move { client.chat(&request(number)).await.claims_to_be_complete() });
    }
    assert!(callers.join_all().await.into_iter().all(|complete| complete));
}

fn server_of(strace: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    children.trim().parse().unwrap()
}

/// Fills a log that nobody holds until its segment is nearly full, so that the next begins while it is watched.
fn fill(log: &Path) {
    let time = || SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let (log, recovered) = Log::open(log, Settings::new(Arc::new(time))).unwrap();
    assert!(recovered.open.is_empty());
    let segment = log.dir().join("segments").join(format!("{:020}.seg", 0));
    // Large ones up to where a bundle ends, so that none of them is written again with every checkpoint; then small ones.
    let (told, done) = std::sync::mpsc::channel();
    for _ in recovered.entries..FILLERS {
        let told = told.clone();
        log.append(&filler(31), move |result| told.send(result.is_ok()).unwrap()).unwrap();
    }
    drop(told);
    assert!(done.iter().all(|durable| durable) && log.size() == FILLERS);
    while usize::try_from(std::fs::metadata(&segment).unwrap().len()).unwrap() + LEFT_BYTES < SEGMENT_BYTES {
        log.append_and_wait(&filler(1)).unwrap();
    }
    log.close().unwrap();
}

/// An entry of about 2 KiB for each text in it; the last is shorter, so that 31 of them fit.
fn filler(texts: usize) -> Body {
    let text = |bytes| Text::new("x".repeat(bytes)).unwrap();
    let bytes = |number| if number + 1 < texts { 2048 } else { 1200 };
    let named = |number| (Word::new(format!("filler-{number:02}")).unwrap(), text(bytes(number)));
    Body::Administration(Administration {
        action: Action::ConfigurationChange,
        subject: text(8),
        by: text(8),
        detail: (0..texts).map(named).collect(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_before_the_disk_must_have_kept_it() {
    let wall = Wall::start().await;
    let Some(site) = Site::new(&wall.configuration(Role::National, &["wall-small"])).await else { return };
    if !traceable() {
        return;
    }
    fill(&site.log());
    let unsynced = site.copy();
    let (seen, breaches) = traced(&site, &wall, None).await;
    assert_eq!(breaches.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    let all = ALONE + AT_ONCE;
    assert!(seen.told == all && seen.ended == all && seen.sent == all, "{seen:?}");
    assert!(seen.checkpoints >= 2 && seen.segments == 1, "{seen:?}");

    // The first records of a new segment stand on the folder's sync too.
    let Some(shim) = Shim::compile(site.folder()) else { return };
    let (_, breaches) = traced(&unsynced, &wall, Some((&shim, "segments-folder-sync"))).await;
    assert!(breaches.iter().any(|breach| breach.rule == Rule::Told), "{breaches:?}");
}

/// Each rule fails on its defect, in the same command: what is left out never reaches the kernel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_defect_is_seen() {
    let wall = Wall::start().await;
    let Some(site) = Site::new(&wall.configuration(Role::National, &["wall-small"])).await else { return };
    let Some(shim) = Shim::compile(site.folder()) else { return };
    if !traceable() {
        return;
    }
    // What each breaks in every run, and what it may break besides, as other syncs fall in between or not.
    let rows: [(&str, &[Rule], &[Rule]); 6] = [
        ("none", &[], &[]),
        ("segment-sync", &[Rule::Told, Rule::Ended, Rule::Sent, Rule::Signed, Rule::Recorded], &[]),
        ("outcome-sync", &[Rule::Ended, Rule::Recorded], &[Rule::Signed]),
        ("signed-sync", &[Rule::Signed], &[]),
        ("checkpoint-sync", &[Rule::Signed], &[]),
        ("log-folder-sync", &[Rule::Signed], &[]),
    ];
    for (defect, broken, besides) in rows {
        let (seen, breaches) = traced(&site.copy(), &wall, Some((&shim, defect))).await;
        assert!(seen.told == ALONE + AT_ONCE, "{defect}: {seen:?}");
        let rules: std::collections::BTreeSet<Rule> = breaches.iter().map(|breach| breach.rule).collect();
        assert!(broken.iter().all(|rule| rules.contains(rule)), "{defect}: {breaches:?}");
        assert!(rules.iter().all(|rule| broken.contains(rule) || besides.contains(rule)), "{defect}: {breaches:?}");
    }
}
