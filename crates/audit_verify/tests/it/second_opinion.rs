//! The writer's directories held against this verifier, and this test's tiny writer's against the writer's own start: two
//! readings of one specification.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit_log::{
    Action, Administration, Attempt, Body, Cost, Count, Decision, Digest, Ending, Erasure, Log, Outcome, Refusal,
    Settings, Start, Stop, Text, Word,
};
use audit_verify::{FindingKind, Kept, Options, VerifierKey, check_proof, verify};

use crate::writer::{self, Keys, ORIGIN, Story};

const NAME: &str = "gwanmun.local/8877665544332211";

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn word(word: &str) -> Word {
    Word::new(word).unwrap()
}

fn settings() -> Settings {
    let ticks = AtomicU64::new(1_790_000_000_000);
    let clock = Arc::new(move || Duration::from_millis(ticks.fetch_add(1, Ordering::Relaxed)));
    Settings { checkpoint_every: Duration::ZERO, segment_bytes_max: 20_000, ..Settings::new(clock) }
}

fn decision(request: &str, full: bool) -> Body {
    Body::Decision(Decision {
        request: text(request),
        key: text("k_7f"),
        team: text("산업부 \"A\" \\ 팀"),
        surface: text("chat"),
        model: text("exaone"),
        stream: full,
        choices: 1,
        request_bytes: Count(u64::MAX),
        prompt_tokens: full.then_some(Count(12)),
        answer_tokens_max: full.then_some(Count((1 << 53) - 1)),
        destinations: vec![text("local"), text("national/kr")],
        class: full.then_some(audit_log::Class::Sensitive),
        findings: full.then(|| BTreeMap::from([(word("kr.rrn"), Count(2))])),
        skipped: full.then(|| vec![text("foreign (withdrawn: region)")]),
        rules: full.then(|| vec![text("at-home"), text("disguised-abroad")]),
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: full.then_some(Digest([5; 32])),
        law: full.then_some(Digest([6; 32])),
        reservation: full.then(|| text("res_1")),
        commitment: Digest([3; 32]),
    })
}

fn outcome(decision: u64, request: &str, full: bool) -> Body {
    Body::Outcome(Outcome {
        decision: Count(decision),
        request: text(request),
        ending: if full { Ending::Answered } else { Ending::Cancelled },
        reason: (!full).then(|| text("caller_left")),
        status: full.then_some(200),
        destination: full.then(|| text("national/kr")),
        attempts: 2,
        prompt_tokens: full.then_some(Count(12)),
        completion_tokens: full.then_some(Count(1 << 53)),
        answer_bytes: Count(512),
        seam_at: full.then_some(Count(48)),
        commitment: full.then_some(Digest([4; 32])),
        duration_us: full.then_some(Count(1_234_567)),
        first_byte_us: full.then_some(Count(234_567)),
        tls_group: full.then(|| text("X25519MLKEM768")),
        finish: full.then(|| text("stop")),
        hidden: full.then_some(Count(3)),
        findings: full.then(|| BTreeMap::from([(word("email"), Count(1))])),
        label: full.then(|| text("ai-generated")),
        review: full.then(|| text("human")),
        cost: full.then_some(Cost { amount: 17, currency: *b"KRW" }),
    })
}

/// Entries of every kind, each with all of its fields and with as few as it can have.
fn write_all_kinds(log: &Log) {
    let add = |body: Body| log.append_and_wait(&body).unwrap().index;
    add(Body::Start(Start { version: text("0.1.0"), config: Digest([2; 32]) }));
    for full in [true, false] {
        let request = format!("req-{full}");
        let decided = add(decision(&request, full));
        let (number, reason) = (2, text("unreachable"));
        let destination = text("national/kr");
        let request_id = text(&request);
        let (answer_bytes, completion_tokens) = (full.then_some(Count(300)), full.then_some(Count(17)));
        let decision = Count(decided);
        let attempt =
            Attempt { decision, request: request_id, destination, number, reason, answer_bytes, completion_tokens };
        add(Body::Attempt(attempt));
        add(outcome(decided, &request, full));
        add(Body::Refusal(Refusal {
            request: text("req-r"),
            key: text("k_7f"),
            team: text("team"),
            surface: text("completions"),
            model: full.then(|| text("exaone")),
            reason: text("no_such_model"),
            rule: full.then(|| text("not-abroad")),
            skipped: full.then(|| vec![text("foreign (outage)")]),
            class: full.then_some(audit_log::Class::Classified),
            findings: full.then(|| BTreeMap::from([(word("card"), Count(1))])),
            policy: Digest([1; 32]),
            config: Digest([2; 32]),
            catalog: full.then_some(Digest([5; 32])),
            commitment: Digest([3; 32]),
        }));
        let detail = if full { BTreeMap::from([(word("team"), text("water"))]) } else { BTreeMap::new() };
        let (subject, by) = (text("k_8"), text("admin"));
        add(Body::Administration(Administration { action: Action::KeyCreate, subject, by, detail }));
    }
    add(Body::Erasure(Erasure { scope: text("water/2026-05"), keys: vec![text("pk_1")], by: text("admin") }));
    add(Body::Stop(Stop { reason: text("asked") }));
}

fn wait_and_close(log: Log) {
    log.wait_for_checkpoint(log.size()).unwrap();
    log.close().unwrap();
    drop(log);
}

fn given(directory: &Path) -> Options {
    let keys = std::fs::read_to_string(directory.join("key.pub")).unwrap();
    Options { keys: VerifierKey::read_all(&keys).unwrap(), tiles: true, ..Options::default() }
}

#[test]
fn what_the_writer_writes_holds_here() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("log");
    Log::create(&directory, NAME, &settings()).unwrap();
    let (log, _) = Log::open(&directory, settings()).unwrap();
    write_all_kinds(&log);
    let kept = Kept { name: "kept".to_owned(), note: std::fs::read(directory.join("checkpoint")).unwrap() };
    let mut open = None;
    for number in 0..300 {
        let request = format!("req-{number}");
        let decided = log.append_and_wait(&decision(&request, true)).unwrap().index;
        if number == 150 {
            open = Some(decided);
        } else {
            log.append_and_wait(&outcome(decided, &request, true)).unwrap();
        }
    }
    log.wait_for_checkpoint(log.size()).unwrap();
    for index in [0, 1, 255, 256, log.size() - 1] {
        let proof = log.prove(index).unwrap().to_string();
        let proved = check_proof(&proof, &given(&directory).keys, None).unwrap();
        assert_eq!((proved.index, proved.origin.as_str()), (index, NAME));
        assert_eq!(proved.entry.as_bytes(), log.entries(index..index + 1).unwrap()[0]);
    }
    wait_and_close(log);
    let report = verify(&directory, &Options { kept: vec![kept], ..given(&directory) }).unwrap();
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!(report.open.entries, [open.unwrap()]);
    assert_eq!(report.kinds.len(), 8, "every kind was written: {report}");
    assert!(report.segments > 5 && report.derived_files > 4 && report.kept[0].consistent, "{report}");
    assert_eq!(report.checkpoint.unwrap().signatures.len(), 2);
}

#[test]
fn a_restarted_and_rekeyed_log_holds_here() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("log");
    Log::create(&directory, NAME, &settings()).unwrap();
    let (log, _) = Log::open(&directory, settings()).unwrap();
    write_all_kinds(&log);
    wait_and_close(log);
    let kept = Kept { name: "kept".to_owned(), note: std::fs::read(directory.join("checkpoint")).unwrap() };
    let (log, _) = Log::open(&directory, settings()).unwrap();
    log.rotate_keys(text("admin")).unwrap();
    write_all_kinds(&log);
    wait_and_close(log);
    let beside = Options { tiles: true, kept: vec![kept.clone()], ..Options::default() };
    let report = verify(&directory, &beside).unwrap();
    assert!(report.findings.is_empty(), "{report}");
    assert!(report.keys.len() == 4 && report.kept[0].consistent, "{report}");
    // The new keys alone do not vouch for what the old ones signed.
    let report = verify(&directory, &Options { kept: vec![kept], ..given(&directory) }).unwrap();
    assert!(report.findings.iter().all(|finding| finding.kind == FindingKind::NotSigned), "{report}");
}

#[test]
fn what_the_tiny_writer_writes_is_opened_and_continued_by_the_writer() {
    let keys = Keys::new(ORIGIN, 1);
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("log");
    let story = Story::of(100);
    let mut files = writer::files(&story.entries, &keys, &[], 20_000);
    let seed = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [1; 32]);
    files.insert("key".to_owned(), format!("ed25519 {seed}\nml-dsa-44 {seed}\n").into_bytes());
    writer::write(&directory, &files);
    let (log, _) = Log::open(&directory, settings()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(log.size(), story.entries.len() as u64);
    assert_eq!(log.entries(0..log.size()).unwrap(), story.entries);
    write_all_kinds(&log);
    wait_and_close(log);
    let report = verify(&directory, &given(&directory)).unwrap();
    assert!(report.entries > story.entries.len() as u64, "{report}");
    // The writer goes on under its own replica's name, from the log's size: the one thing it could not know of a log that
    // another made.
    let kinds: Vec<FindingKind> = report.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::CounterJump], "{report}");
    assert_eq!(report.findings[0].entry, Some(story.entries.len() as u64));
}

/// What one reads as an entry the other reads as one.
#[test]
fn both_readers_accept_and_refuse_the_same_entries() {
    let sound = |entry: &str| {
        let keys = Keys::new(ORIGIN, 1);
        let directory = tempfile::tempdir().unwrap();
        writer::write(directory.path(), &writer::files(&[entry.as_bytes().to_vec()], &keys, &[], 1 << 20));
        let report = verify(directory.path(), &Options::default()).unwrap();
        let not_an_entry = [FindingKind::NotCanonical, FindingKind::NotInSchema];
        !report.findings.iter().any(|finding| not_an_entry.contains(&finding.kind))
    };
    let (mut turn, mut compared) = (0, 0);
    for entry in Story::of(12).entries {
        let entry = String::from_utf8(entry).unwrap();
        assert!(sound(&entry) && audit_log::Entry::parse(entry.as_bytes()).is_ok(), "{entry}");
        for (at, character) in entry.char_indices() {
            for other in [" ", "", "0", "9", "\"", "-", "\\u0041", "null", "Z"] {
                turn += 1;
                if turn % 97 != 0 {
                    continue;
                }
                compared += 1;
                let (before, after) = entry.split_at(at);
                let changed = format!("{before}{other}{}", after.strip_prefix(character).unwrap());
                let theirs = audit_log::Entry::parse(changed.as_bytes());
                assert_eq!(sound(&changed), theirs.is_ok(), "{changed}: {theirs:?}");
            }
        }
    }
    assert!(compared > 300, "{compared}");
    assert_eq!(Text::new("").is_ok(), sound(&story_with_reason("")));
    assert_eq!(Text::new("a\u{7f}").is_ok(), sound(&story_with_reason("a\u{7f}")));
}

fn story_with_reason(reason: &str) -> String {
    let mut story = Story::default();
    story.add("stop", serde_json::json!({ "reason": reason }));
    String::from_utf8(story.entries.remove(0)).unwrap()
}
