//! The audit log on the road: a permit only on the log's word, exactly one outcome for each, and nothing after a failure.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use audit_log::{Action, Count, Digest, RealDisk, Settings, Text, Word};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

mod slow_disk;

use slow_disk::{Orders, SlowDisk};

fn clock() -> Clock {
    Clock::by_hand("2026-11-21T10:00:00.123456Z".parse::<Timestamp>().unwrap()).0
}

fn secret() -> CommitmentSecret {
    CommitmentSecret::new(&[7; 32])
}

fn began() -> Began<'static> {
    Began { version: "1.2.3", config: [3; 32] }
}

fn decision(id: &str) -> Decision {
    Decision {
        request: Text::of(id),
        key: Text::of("0123456789ab"),
        team: Text::of("데이터"),
        surface: Text::of("chat"),
        model: Text::of("m"),
        stream: true,
        choices: 1,
        request_bytes: Count((1 << 53) + 1),
        prompt_tokens: None,
        answer_tokens_max: None,
        destinations: vec![Text::of("local"), Text::of("b")],
        class: None,
        findings: None,
        rules: None,
        skipped: None,
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: None,
        law: None,
        reservation: None,
        commitment: secret().begin(id, Part::Request).over(b"what was asked").digest(),
    }
}

fn refusal(id: &str) -> Refusal {
    let Decision { request, key, team, surface, policy, config, commitment, .. } = decision(id);
    let reason = Text::of("model_not_found");
    Refusal {
        request,
        key,
        team,
        surface,
        model: None,
        reason,
        rule: None,
        skipped: None,
        class: None,
        findings: None,
        policy,
        config,
        catalog: None,
        commitment,
    }
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
        first_byte: Some(Duration::from_micros(700)),
        tls_group: Some("X25519MLKEM768"),
        finish: Some("stop"),
        ..Outcome::bare(Ending::Answered, None)
    }
}

fn begun() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Recorder::begin(folder.path(), &clock()).unwrap();
    folder
}

fn open(folder: &Path) -> (Recorder, Opened) {
    Recorder::open(folder, secret(), clock(), began()).unwrap()
}

async fn decide(recorder: &Recorder, id: &str) -> Result<Permit, RecordError> {
    recorder.decision(id.into(), recorder.0.clock.now(), decision(id)).await
}

/// Every entry that lies in a log's segments, read by the format alone: what the disk holds, whatever was signed.
pub(crate) fn entries(dir: &Path) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(dir.join("segments")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        let bytes = fs::read(file).unwrap();
        let mut rest = &bytes[32..];
        while let Some((length, _)) = rest.split_first_chunk::<4>() {
            let end = 48 + u32::from_be_bytes(*length) as usize;
            entries.push(serde_json::from_slice(&rest[48..end]).unwrap());
            rest = &rest[end..];
        }
    }
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
    let (recorder, found) = open(folder.path());
    assert_eq!(found, Opened { entries: 0, lost: 0, cut: None });
    let permit = decide(&recorder, "a").await.unwrap();
    assert_eq!((permit.entry(), &**permit.request_id()), (Some(1), "a"));
    assert_eq!(permit.destinations(), [Arc::from("local"), Arc::from("b")]);
    assert_eq!(kinds(folder.path()), ["start", "decision"]);
    assert_eq!(recorder.refusal(refusal("b")).await, Ok(Some(2)));
    let attempt = NextAttempt {
        destination: "b",
        number: 2,
        reason: "upstream_timeout",
        answer_bytes: 0,
        completion_tokens: None,
    };
    assert_eq!(permit.attempt(&attempt).await, Ok(Some(3)));
    assert_eq!(permit.outcome(&answered()).await, Ok(Some(4)));
    assert_eq!(kinds(folder.path()), ["start", "decision", "refusal", "attempt", "outcome 1 answered"]);
    let counts = Counts { permitted: 1, refused: 1, ended: 1, waiting: 0, entries: Some(5) };
    assert_eq!(recorder.counts(), counts);
    drop(decide(&recorder, "c").await.unwrap());
    recorder.close("told to stop").unwrap();
    assert_eq!(kinds(folder.path())[5..], ["decision", "outcome 5 abandoned", "stop"]);
    assert!(matches!(decide(&recorder, "d").await, Err(RecordError::Failed(_))), "after the end nothing is taken");
    drop(recorder);
    assert_eq!(open(folder.path()).1, Opened { entries: 8, lost: 0, cut: None });
}

#[tokio::test]
async fn an_outcome_says_all_that_is_known_and_a_start_says_who_began() {
    let folder = begun();
    let (clock, hand) = Clock::by_hand("2026-11-21T10:00:00.123456Z".parse::<Timestamp>().unwrap());
    let (recorder, _) = Recorder::open(folder.path(), secret(), clock.clone(), began()).unwrap();
    let arrived = clock.now();
    hand.advance(Duration::from_millis(3));
    let permit = recorder.decision("r".into(), arrived, decision("r")).await.unwrap();
    hand.advance(Duration::from_millis(4));
    let _ = permit.outcome(&answered()).await.unwrap();
    let entries = entries(folder.path());
    assert_eq!((&entries[0]["version"], &entries[0]["config"]), (&json!("1.2.3"), &json!("03".repeat(32))));
    for (name, value) in [
        ("request", json!("r")),
        ("status", json!(200)),
        ("destination", json!("b")),
        ("attempts", json!(2)),
        ("prompt_tokens", json!(3)),
        ("completion_tokens", json!(4)),
        ("answer_bytes", json!(5)),
        ("tls_group", json!("X25519MLKEM768")),
        ("finish", json!("stop")),
        ("duration_us", json!(7_000)),
        ("first_byte_us", json!(700)),
        ("at", json!("2026-11-21T10:00:00.130456Z")),
    ] {
        assert_eq!(entries[2][name], value, "{name}");
    }
    assert_eq!(entries[1]["request_bytes"], "9007199254740993", "above what readers of JSON hold exactly");
}

#[tokio::test]
async fn who_stops_waiting_for_a_decision_leaves_it_abandoned() {
    let folder = begun();
    let orders = Arc::new(Orders::default());
    let (recorder, _) = Recorder::open_with(folder.path(), secret(), clock(), began(), settings(&orders)).unwrap();
    // Held, so that the decision cannot be durable before somebody waits for it.
    orders.hold.store(true, Ordering::SeqCst);
    let mut unanswered = Box::pin(decide(&recorder, "a"));
    assert!((&mut unanswered).now_or_never().is_none());
    drop(unanswered);
    orders.reached_sync();
    orders.release();
    // Written after it, so when this is durable, so is the other.
    let permit = decide(&recorder, "b").await.unwrap();
    let _ = permit.outcome(&answered()).await.unwrap();
    recorder.close("test").unwrap();
    let kinds = kinds(folder.path());
    assert!(kinds.contains(&"outcome 1 abandoned".to_owned()), "{kinds:?}");
    drop(recorder);
    assert_eq!(open(folder.path()).1.lost, 0);
}

#[tokio::test]
async fn a_decision_that_a_dead_process_left_open_is_lost_at_the_next_start() {
    let folder = begun();
    let (recorder, _) = open(folder.path());
    let permit = decide(&recorder, "a").await.unwrap();
    // A process that is killed drops nothing.
    std::mem::forget(permit);
    let copy = tempfile::tempdir().unwrap();
    copy_tree(folder.path(), copy.path());
    let (second, found) = open(copy.path());
    assert_eq!((found.entries, found.lost), (2, 1));
    assert_eq!(kinds(copy.path()), ["start", "decision", "outcome 1 lost", "start"]);
    second.close("test").unwrap();
    drop(second);
    assert_eq!(open(copy.path()).1.lost, 0, "once");
}

#[tokio::test]
async fn nothing_is_acknowledged_before_its_sync_and_nothing_after_a_failed_one() {
    let folder = begun();
    let orders = Arc::new(Orders::default());
    let (recorder, _) = Recorder::open_with(folder.path(), secret(), clock(), began(), settings(&orders)).unwrap();
    let mut failed = recorder.failed();
    orders.hold.store(true, Ordering::SeqCst);
    let mut waiting = Box::pin(decide(&recorder, "a"));
    assert!((&mut waiting).now_or_never().is_none());
    orders.reached_sync();
    assert!((&mut waiting).now_or_never().is_none(), "written, not synced, not told");
    orders.fail.store(true, Ordering::SeqCst);
    orders.release();
    assert!(matches!(waiting.await, Err(RecordError::Failed(why)) if why.contains("planted")));
    failed.wait_for(|failed| *failed).await.unwrap();
    let syncs = orders.syncs();
    assert!(matches!(decide(&recorder, "b").await, Err(RecordError::Failed(_))));
    assert!(matches!(recorder.refusal(refusal("c")).await, Err(RecordError::Failed(_))));
    assert_eq!(orders.syncs(), syncs, "a failed sync is not tried again");
    assert!(recorder.close("test").is_err());
}

#[tokio::test]
async fn a_full_queue_refuses_decisions_and_takes_outcomes() {
    let folder = begun();
    let orders = Arc::new(Orders::default());
    let settings = Settings { waiting_max: 2, ..settings(&orders) };
    let (recorder, _) = Recorder::open_with(folder.path(), secret(), clock(), began(), settings).unwrap();
    let permit = decide(&recorder, "a").await.unwrap();
    orders.hold.store(true, Ordering::SeqCst);
    let mut first = Box::pin(decide(&recorder, "b"));
    assert!((&mut first).now_or_never().is_none());
    // The writer has taken that one; the queue is empty and fills.
    orders.reached_sync();
    let mut others = [Box::pin(decide(&recorder, "c")), Box::pin(decide(&recorder, "d"))];
    for other in &mut others {
        assert!(other.now_or_never().is_none());
    }
    assert!(matches!(decide(&recorder, "e").await, Err(RecordError::Busy { waiting: 2 })));
    let outcome = permit.outcome(&answered());
    assert_eq!(recorder.counts().waiting, 4);
    orders.release();
    let [second, third] = others;
    let permits = (first.await.unwrap(), second.await.unwrap(), third.await.unwrap());
    assert_eq!(outcome.await, Ok(Some(5)));
    drop(permits);
    recorder.close("test").unwrap();
    let kinds = kinds(folder.path());
    assert_eq!(kinds.iter().filter(|kind| *kind == "decision").count(), 4, "the refused one is not there: {kinds:?}");
}

#[tokio::test]
async fn what_operators_change_is_an_entry_and_keys_can_be_replaced() {
    let folder = begun();
    let (recorder, _) = open(folder.path());
    let body = Administration {
        action: Action::KeyCreate,
        subject: Text::of("0123456789ab"),
        by: Text::of("uid 1000"),
        detail: [(Word::new("team").unwrap(), Text::of("t"))].into(),
    };
    assert_eq!(recorder.administration(body).await, Ok(Some(1)));
    let before = recorder.log().unwrap().public_keys();
    recorder.rotate_keys(Text::of("uid 1000")).await.unwrap();
    assert_ne!(before, recorder.log().unwrap().public_keys());
    let written = entries(folder.path());
    assert_eq!((&written[1]["action"], &written[1]["detail"]), (&json!("key.create"), &json!({"team": "t"})));
    assert_eq!(written[2]["action"], "key.rotate");
}

#[tokio::test]
async fn off_counts_and_writes_nothing() {
    let recorder = Recorder::off(secret(), clock());
    let permit = decide(&recorder, "a").await.unwrap();
    assert_eq!(permit.entry(), None, "no answer names an entry that is not there");
    assert_eq!(recorder.refusal(refusal("b")).await, Ok(None));
    assert_eq!(permit.outcome(&answered()).await, Ok(None));
    assert_eq!(recorder.counts(), Counts { permitted: 1, refused: 1, ended: 1, waiting: 0, entries: None });
    assert!(recorder.log().is_none());
    recorder.close("test").unwrap();
}

fn settings(orders: &Arc<Orders>) -> Settings {
    let disk = Arc::new(SlowDisk { real: RealDisk, orders: Arc::clone(orders) });
    let clock = clock();
    let clock: audit_log::Clock = Arc::new(move || Duration::from_millis(clock.wall().as_millisecond().unsigned_abs()));
    // One checkpoint is enough for a test: its syncs are not those that are counted.
    Settings { disk, checkpoint_every: Duration::from_hours(1), ..Settings::new(clock) }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            match fs::copy(entry.path(), target) {
                // Written aside, and renamed since it was listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}
