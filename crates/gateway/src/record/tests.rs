//! The record on good and bad disks: what is acknowledged is kept, what is torn is cut, what is damaged is refused.

#![expect(clippy::disallowed_methods, reason = "a test may leave half a file")]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value;

use super::entry::Entry;
use super::file::RecordFile;
use super::line::{self, Line};
use super::recover::FILE_NAME;
use super::*;

fn clock() -> Clock {
    Clock::by_hand("2026-11-21T10:00:00.123456Z".parse::<Timestamp>().unwrap()).0
}

fn secret() -> CommitmentSecret {
    CommitmentSecret::new(&[7; 32])
}

fn decision(id: &str) -> Decision {
    Decision {
        request_id: id.into(),
        key_id: "0123456789ab".into(),
        team: "데이터".into(),
        surface: "chat",
        model: "m".into(),
        stream: true,
        choices: 1,
        request_bytes: (1 << 53) + 1,
        prompt_tokens: Some(1 << 53),
        answer_tokens_max: None,
        destinations: vec!["local".into(), "b".into()],
        policy: "deny",
        config: "c0ffee".into(),
        request: secret().begin(id, Part::Request).over(b"what was asked"),
    }
}

fn refusal(id: &str) -> Refusal {
    let Decision { request_id, key_id, team, surface, policy, config, request, .. } = decision(id);
    Refusal { request_id, key_id, team, surface, model: None, reason: "model_not_found", policy, config, request }
}

fn answered() -> Outcome {
    Outcome {
        status: Some(200),
        destination: Some("b".into()),
        attempts: 2,
        prompt_tokens: Some(3),
        completion_tokens: Some(4),
        answer_bytes: 5,
        answer: Some(secret().begin("r", Part::Answer).over(b"hello")),
        ..Outcome::bare(Ending::Answered, None)
    }
}

fn begun() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Recorder::begin(folder.path(), &clock()).unwrap();
    folder
}

fn open(folder: &Path) -> Result<(Recorder, Writing, Recovered), OpenError> {
    Recorder::open(folder, secret(), clock())
}

/// Every entry of the record, its check and numbers checked.
fn entries(folder: &Path) -> Vec<Value> {
    let bytes = fs::read(folder.join(FILE_NAME)).unwrap();
    let (mut rest, mut entries) = (bytes.as_slice(), Vec::new());
    while let Line::Whole { json, bytes } = line::read(rest) {
        let entry: Value = serde_json::from_slice(json).unwrap();
        assert_eq!(entry["seq"], entries.len());
        assert!(entry["batch"].as_u64() <= entry["seq"].as_u64());
        entries.push(entry);
        rest = &rest[bytes..];
    }
    assert_eq!(rest, b"", "nothing but whole lines");
    entries
}

fn kinds(folder: &Path) -> Vec<String> {
    let say = |entry: &Value| match (&entry["kind"], &entry["ending"]) {
        (Value::String(kind), Value::String(ending)) => format!("{kind} {} {ending}", entry["decision"]),
        (kind, _) => kind.as_str().unwrap().to_owned(),
    };
    entries(folder).iter().map(say).collect()
}

#[tokio::test]
async fn decision_refusal_and_outcome_are_durable_when_told() {
    let folder = begun();
    let (recorder, writing, recovered) = open(folder.path()).unwrap();
    assert_eq!(recovered, Recovered { entries: 1, cut_bytes: 0, lost: 0 });
    let permit = recorder.decision(decision("a")).await.unwrap();
    assert_eq!((permit.entry(), &**permit.request_id()), (2, "a"));
    assert_eq!(permit.destinations(), [Arc::from("local"), Arc::from("b")]);
    assert_eq!(kinds(folder.path()), ["begun", "started", "decision"]);
    assert_eq!(recorder.refusal(&refusal("b")).await, Ok(3));
    assert_eq!(permit.outcome(&answered()).await, Ok(4));
    assert_eq!(kinds(folder.path()), ["begun", "started", "decision", "refusal", "outcome 2 answered"]);
    assert_eq!(recorder.counts(), Counts { permitted: 1, refused: 1, ended: 1, waiting: 0 });
    drop(recorder.decision(decision("c")).await.unwrap());
    writing.finish().unwrap();
    assert_eq!(kinds(folder.path())[5..], ["decision", "outcome 5 abandoned", "stopped"]);
    assert_eq!(
        recorder.decision(decision("d")).await.unwrap_err(),
        RecordError::Failed,
        "after the end nothing is taken"
    );
    assert_eq!(open(folder.path()).unwrap().2, Recovered { entries: 8, cut_bytes: 0, lost: 0 });
}

#[tokio::test]
async fn who_stops_waiting_for_a_decision_leaves_it_abandoned() {
    let folder = begun();
    let (recorder, writing, _) = open(folder.path()).unwrap();
    let mut unanswered = Box::pin(recorder.decision(decision("a")));
    assert!((&mut unanswered).now_or_never().is_none());
    drop(unanswered);
    // Written after it, so when this is durable, so is the other.
    let permit = recorder.decision(decision("b")).await.unwrap();
    let _ = permit.outcome(&answered()).await.unwrap();
    writing.finish().unwrap();
    let kinds = kinds(folder.path());
    assert!(kinds.contains(&"outcome 2 abandoned".to_owned()), "{kinds:?}");
    assert_eq!(open(folder.path()).unwrap().2.lost, 0);
}

#[tokio::test]
async fn a_record_that_is_off_makes_permits_and_writes_nothing() {
    let recorder = Recorder::off(secret(), clock());
    let permit = recorder.decision(decision("a")).await.unwrap();
    assert_eq!(permit.outcome(&answered()).await, Ok(0));
    assert_eq!(recorder.refusal(&refusal("b")).await, Ok(2));
    assert_eq!(recorder.counts(), Counts { permitted: 1, refused: 1, ended: 1, waiting: 0 });
    // Whoever waits for a failure waits on: a channel that is closed would look like one.
    assert!(recorder.failed().has_changed().is_ok());
}

/// A record with two open decisions, one ended, and where its last batch begins.
fn sample() -> Vec<u8> {
    let at = clock().wall();
    let mut bytes = Vec::new();
    let (a, b, c) = (decision("a"), decision("b"), decision("c"));
    let outcome = answered();
    let rows = [
        (0, Entry::Begun { at, format: 1 }),
        (1, Entry::Started { at, version: "0", cut_bytes: 0, lost: 0 }),
        (2, Entry::decision(at, &a)),
        (3, Entry::outcome(at, 2, "a", &outcome, Some(9))),
        (3, Entry::decision(at, &b)),
        (5, Entry::decision(at, &c)),
        (5, Entry::Stopped { at }),
    ];
    for (seq, (batch, entry)) in (0..).zip(rows) {
        line::render(&mut bytes, seq, batch, &entry.to_fields());
    }
    bytes
}

fn line_ends(bytes: &[u8]) -> Vec<usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

fn folder_of(bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), bytes).unwrap();
    folder
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_to_the_last_whole_entry() {
    let whole = sample();
    let ends = line_ends(&whole);
    for torn_at in ends[1]..whole.len() {
        for zeros in [0, 1, 4096] {
            let mut torn = whole[..torn_at].to_vec();
            torn.extend(vec![0; zeros]);
            let kept = ends.iter().filter(|end| **end <= torn_at).count();
            let cut = (kept as u64, ends[kept - 1] as u64);
            // A line that lacks only its end, in whose place a zero stands, is not what a disk leaves.
            let damaged = whole[torn_at] == b'\n' && zeros == 1 && torn_at % 512 != 0;
            let expected = if damaged { Err(cut) } else { Ok(cut) };
            assert_eq!(read_back(&torn), expected, "torn at {torn_at} with {zeros} zeros");
        }
    }
}

#[test]
fn what_is_cut_is_cut_on_the_disk_and_open_decisions_get_their_one_outcome() {
    let whole = sample();
    let ends = line_ends(&whole);
    for (torn_at, lost) in [(ends[2], 1), (ends[3] - 1, 1), (ends[4] + 100, 1), (ends[5] + 1, 2)] {
        let folder = folder_of(&whole[..torn_at]);
        let kept = *ends.iter().rev().find(|end| **end <= torn_at).unwrap();
        let (_, writing, recovered) = open(folder.path()).unwrap();
        writing.finish().unwrap();
        assert_eq!((recovered.cut_bytes, recovered.lost), ((torn_at - kept) as u64, lost));
        assert_eq!(fs::read(folder.path().join(FILE_NAME)).unwrap()[..kept], whole[..kept]);
        let ends_lost = kinds(folder.path()).iter().filter(|kind| kind.ends_with("lost")).count() as u64;
        assert_eq!(ends_lost, lost);
        assert_eq!(open(folder.path()).unwrap().2.lost, 0);
    }
}

/// How many entries and bytes of `record` are whole; or where the damage is.
fn read_back(record: &[u8]) -> Result<(u64, u64), (u64, u64)> {
    match recover::read_back(&mut &*record, Path::new("test")) {
        Ok(found) => Ok((found.next, found.whole_bytes)),
        Err(OpenError::Damaged { offset, seq, .. }) => Err((seq, offset)),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn sectors_that_were_not_written_within_the_last_batch_are_a_tear() {
    let whole = sample();
    let ends = line_ends(&whole);
    let clear = |from: usize| {
        let mut cleared = whole.clone();
        cleared[from..(from + 1).next_multiple_of(512)].fill(0);
        cleared
    };
    assert!((ends[4] + 1).next_multiple_of(512) < ends[6], "the last batch spans the end of a sector");
    assert_eq!(read_back(&clear(ends[4])), Ok((5, ends[4] as u64)));
    // The same within an earlier batch, which a later one shows to have been synced, is not.
    assert_eq!(read_back(&clear(ends[1])), Err((2, ends[1] as u64)));
    // Nor is what no sector leaves.
    let mut cleared = whole.clone();
    cleared[ends[4] + 10..ends[4] + 40].fill(0);
    assert_eq!(read_back(&cleared), Err((5, ends[4] as u64)));
}

#[test]
fn one_changed_byte_anywhere_is_damage() {
    let whole = sample();
    for at in 0..whole.len() {
        for flip in [1_u8, 0x20, 0x80, whole[at]] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            assert!(read_back(&damaged).is_err(), "byte {at} with {flip:#x}");
        }
    }
}

#[test]
fn what_is_damaged_is_not_touched() {
    let mut damaged = sample();
    damaged[100] ^= 1;
    let folder = folder_of(&damaged);
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is damaged at byte ") && error.contains("restore it from a copy"), "{error}");
    assert_eq!(fs::read(folder.path().join(FILE_NAME)).unwrap(), damaged);
}

#[test]
fn a_record_longer_than_what_is_read_at_once_is_read_whole() {
    let mut long = sample();
    let mut seq = 7;
    while long.len() < 3 * 1024 * 1024 {
        line::render(&mut long, seq, seq, &Entry::refusal(clock().wall(), &refusal("x")).to_fields());
        seq += 1;
    }
    assert_eq!(read_back(&long), Ok((seq, long.len() as u64)));
    long.truncate(long.len() - 1);
    assert_eq!(read_back(&long).unwrap().0, seq - 1);
}

#[test]
fn an_entry_taken_out_doubled_or_moved_is_damage() {
    let whole = sample();
    let ends = line_ends(&whole);
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for at in 0..ends.len() - 1 {
        let mut without = lines.clone();
        without.remove(at);
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        let mut moved = lines.clone();
        moved.swap(at, at + 1);
        for changed in [without, doubled, moved] {
            let error = open(folder_of(&changed.concat()).path()).unwrap_err();
            assert!(matches!(error, OpenError::Damaged { .. }), "at {at}: {error}");
        }
    }
}

#[test]
fn a_record_that_is_missing_empty_or_newer_is_refused_with_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let error = open(empty.path()).unwrap_err();
    assert!(
        matches!(error, OpenError::Missing { .. }) && error.to_string().contains("restore it from a copy"),
        "{error}"
    );
    assert!(matches!(open(folder_of(b"").path()), Err(OpenError::Damaged { seq: 0, offset: 0, .. })));
    assert!(matches!(open(folder_of(&sample()[..40]).path()), Err(OpenError::Damaged { seq: 0, .. })));
    let mut newer = Vec::new();
    line::render(&mut newer, 0, 0, &Entry::Begun { at: clock().wall(), format: 2 }.to_fields());
    assert!(matches!(open(folder_of(&newer).path()), Err(OpenError::Format { found: 2, .. })));
    assert!(Recorder::begin(folder_of(b"x").path(), &clock()).is_err(), "a record is never begun over another");
}

/// A disk whose appends or syncs can be made to fail, or to wait.
#[derive(Clone, Default)]
struct TestDisk {
    bytes: Arc<Mutex<Vec<u8>>>,
    synced: Arc<Mutex<usize>>,
    fail_append_at: Option<u32>,
    fail_sync_at: Option<u32>,
    appends: Arc<AtomicU32>,
    syncs: Arc<AtomicU32>,
    gate: Option<Arc<Mutex<mpsc::Receiver<()>>>>,
}

impl RecordFile for TestDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = self.appends.fetch_add(1, Ordering::SeqCst);
        if Some(count) == self.fail_append_at {
            self.bytes.lock().unwrap().extend(&bytes[..bytes.len() / 2]);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.lock().unwrap().extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            gate.lock().unwrap().recv().unwrap();
        }
        if Some(self.syncs.fetch_add(1, Ordering::SeqCst)) == self.fail_sync_at {
            return Err(io::Error::other("the disk says no"));
        }
        *self.synced.lock().unwrap() = self.bytes.lock().unwrap().len();
        Ok(())
    }
}

fn on(disk: &TestDisk) -> (Recorder, Writing) {
    let (queue, writing) = writer::start(Box::new(disk.clone()), 0, clock()).unwrap();
    (Recorder::new(secret(), clock(), Mode::Synced(queue)), writing)
}

#[tokio::test]
async fn after_the_first_failure_nothing_is_acknowledged_written_or_synced() {
    let failing_sync = TestDisk { fail_sync_at: Some(1), ..TestDisk::default() };
    let failing_append = TestDisk { fail_append_at: Some(1), ..TestDisk::default() };
    for disk in [failing_sync, failing_append] {
        let (recorder, writing) = on(&disk);
        let mut failed = recorder.failed();
        let permit = recorder.decision(decision("a")).await.unwrap();
        assert!(!*failed.borrow());
        assert_eq!(recorder.decision(decision("b")).await.unwrap_err(), RecordError::Failed);
        assert!(*failed.borrow_and_update(), "the process is told to end");
        let (appends, syncs) = (disk.appends.load(Ordering::SeqCst), disk.syncs.load(Ordering::SeqCst));
        for _ in 0..3 {
            assert_eq!(recorder.decision(decision("c")).await.unwrap_err(), RecordError::Failed);
            assert_eq!(recorder.refusal(&refusal("d")).await, Err(RecordError::Failed));
        }
        assert_eq!(permit.outcome(&answered()).await, Err(RecordError::Failed));
        assert_eq!(writing.finish(), Err(RecordError::Failed));
        assert_eq!((disk.appends.load(Ordering::SeqCst), disk.syncs.load(Ordering::SeqCst)), (appends, syncs));
    }
}

#[tokio::test]
async fn what_waits_is_synced_together_and_told_only_then() {
    let (open_gate, gate) = mpsc::channel();
    let disk = TestDisk { gate: Some(Arc::new(Mutex::new(gate))), ..TestDisk::default() };
    let (recorder, writing) = on(&disk);
    let mut asked: Vec<_> = (0..64).map(|at| Box::pin(recorder.decision(decision(&at.to_string())))).collect();
    for one in &mut asked {
        assert!(one.as_mut().now_or_never().is_none(), "nothing is told before it is synced");
    }
    // The first sync takes what had come by then; the second all the rest.
    open_gate.send(()).unwrap();
    open_gate.send(()).unwrap();
    let permits = futures_util::future::join_all(asked).await;
    assert!(permits.iter().all(Result::is_ok));
    assert!(disk.syncs.load(Ordering::SeqCst) <= 2, "64 decisions, two syncs");
    assert_eq!(*disk.synced.lock().unwrap(), disk.bytes.lock().unwrap().len());
    // Each permit that is dropped sends an outcome, which may come in a batch of its own.
    drop(permits);
    for _ in 0..100 {
        open_gate.send(()).unwrap();
    }
    writing.finish().unwrap();
}

#[tokio::test]
async fn decisions_are_refused_when_too_many_wait_and_outcomes_are_not() {
    let (open_gate, gate) = mpsc::channel();
    let disk = TestDisk { gate: Some(Arc::new(Mutex::new(gate))), ..TestDisk::default() };
    let (recorder, writing) = on(&disk);
    open_gate.send(()).unwrap();
    let permit = recorder.decision(decision("first")).await.unwrap();
    let filling: Vec<_> = (0..writer::ENTRIES_WAITING_MAX * 2)
        .map_while(|_| {
            let mut one = Box::pin(recorder.refusal(Box::leak(Box::new(refusal("x")))));
            one.as_mut().now_or_never().is_none().then_some(one)
        })
        .collect();
    assert!(filling.len() >= writer::ENTRIES_WAITING_MAX);
    let refused = recorder.decision(decision("y")).await.unwrap_err();
    assert!(matches!(refused, RecordError::Busy { waiting } if waiting >= writer::ENTRIES_WAITING_MAX));
    let outcome = permit.outcome(&answered());
    for _ in 0..100 {
        let _ = open_gate.send(());
    }
    assert!(outcome.await.is_ok());
    drop(filling);
    writing.finish().unwrap();
}

#[test]
fn the_lines_of_the_specification_are_ours() {
    let vectors = include_str!("../../../../spec/record.vectors.jsonl");
    let at: Timestamp = "2026-11-21T10:00:00.123Z".parse().unwrap();
    let mut written = Vec::new();
    let of = decision("0190-a");
    let no = refusal("0190-b");
    let outcome = answered();
    let lost = Outcome::bare(Ending::Lost, None);
    let rows = [
        (0, Entry::Begun { at, format: 1 }),
        (1, Entry::Started { at, version: "0.1.0", cut_bytes: 0, lost: 0 }),
        (2, Entry::decision(at, &of)),
        (2, Entry::refusal(at, &no)),
        (4, Entry::outcome(at, 2, "0190-a", &outcome, Some(1500))),
        (5, Entry::decision(at, &of)),
        (6, Entry::Started { at, version: "0.1.0", cut_bytes: 17, lost: 1 }),
        (6, Entry::outcome(at, 5, "0190-a", &lost, None)),
        (8, Entry::Stopped { at }),
    ];
    for (seq, (batch, entry)) in (0..).zip(rows) {
        line::render(&mut written, seq, batch, &entry.to_fields());
    }
    assert_eq!(String::from_utf8(written).unwrap(), vectors);
    let (_, writing, recovered) = open(folder_of(vectors.as_bytes()).path()).unwrap();
    writing.finish().unwrap();
    assert_eq!(recovered, Recovered { entries: 9, cut_bytes: 0, lost: 0 });
}

#[test]
fn commitments_open_with_their_salt_alone_and_hide_without() {
    let same = |id: &str, part, bytes: &[u8]| secret().begin(id, part).over(bytes);
    let one = same("r", Part::Request, b"yes");
    let mut in_pieces = secret().begin("r", Part::Request);
    in_pieces.update(b"y");
    in_pieces.update(b"es");
    assert_eq!(in_pieces.finish(), one);
    for other in [same("s", Part::Request, b"yes"), same("r", Part::Answer, b"yes"), same("r", Part::Request, b"no")] {
        assert_ne!(other, one);
    }
    assert_ne!(CommitmentSecret::new(&[8; 32]).begin("r", Part::Request).over(b"yes"), one);
}

/// Not a test of its own: what the test below runs in a process that it kills.
#[test]
fn child_that_writes_until_it_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "how the parent hands over the folder")]
    let Some(folder) = std::env::var_os("GWANMUN_TEST_RECORD_FOLDER") else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (recorder, _writing, _) = open(Path::new(&folder)).unwrap();
    runtime.block_on(async {
        let writers = (0..16).map(|writer| {
            let recorder = recorder.clone();
            async move {
                for at in 0_u64.. {
                    let permit = recorder.decision(decision(&format!("{writer}-{at}"))).await.unwrap();
                    // One line, one write: the parent never reads half of it.
                    print_line(&format!("acknowledged decision {}\n", permit.entry()));
                    let entry = permit.outcome(&answered()).await.unwrap();
                    print_line(&format!("acknowledged outcome {entry}\n"));
                }
            }
        });
        futures_util::future::join_all(writers).await;
    });
}

fn print_line(line: &str) {
    io::Write::write_all(&mut io::stderr(), line.as_bytes()).unwrap();
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    use std::io::BufRead as _;
    let folder = begun();
    let me = std::env::current_exe().unwrap();
    for round in 0..20 {
        let mut child = std::process::Command::new(&me)
            .args(["--exact", "record::tests::child_that_writes_until_it_is_killed", "--nocapture"])
            .env("GWANMUN_TEST_RECORD_FOLDER", folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut heard = io::BufReader::new(child.stderr.take().unwrap());
        let mut acknowledged = Vec::new();
        let mut line = String::new();
        while heard.read_line(&mut line).unwrap() > 0 {
            acknowledged.extend(line.strip_prefix("acknowledged ").map(|rest| rest.trim().to_owned()));
            line.clear();
            if acknowledged.len() == 1 + round * 7 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() > round * 7, "the child wrote: {acknowledged:?}");
        let before = fs::read(folder.path().join(FILE_NAME)).unwrap();
        let (_, writing, _) = open(folder.path()).unwrap();
        writing.finish().unwrap();
        let after = entries(folder.path());
        for told in &acknowledged {
            let (kind, seq) = told.split_once(' ').unwrap();
            assert_eq!(after[seq.parse::<usize>().unwrap()]["kind"], kind, "round {round}: {told} was acknowledged");
        }
        assert!(
            fs::read(folder.path().join(FILE_NAME))
                .unwrap()
                .starts_with(&before[..before.len().saturating_sub(64 * 1024)])
        );
        // Every decision has exactly one outcome.
        let of = |kind: &str, field: &str| {
            let mut all: Vec<u64> =
                after.iter().filter(|e| e["kind"] == kind).map(|e| e[field].as_u64().unwrap()).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(of("decision", "seq"), of("outcome", "decision"), "round {round}");
    }
}

#[test]
fn durations_come_from_the_clock() {
    let (clock, hand) = Clock::by_hand(Timestamp::UNIX_EPOCH);
    let folder = begun();
    let (recorder, writing, _) = Recorder::open(folder.path(), secret(), clock).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let permit = runtime.block_on(recorder.decision(decision("a"))).unwrap();
    hand.advance(Duration::from_millis(1500));
    runtime.block_on(permit.outcome(&answered())).unwrap();
    writing.finish().unwrap();
    assert_eq!(entries(folder.path())[3]["duration_us"], 1_500_000);
    assert_eq!(entries(folder.path())[3]["at"], "1970-01-01T00:00:01.500Z");
}
