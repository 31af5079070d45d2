//! Logs with nothing wrong, what is told of them, and each contradiction between entries.

use audit_verify::{FindingKind, Kept, KeysFrom, Options, Report, VerifierKey, verify};
use serde_json::json;

use crate::writer::{self, Keys, ORIGIN, Story, TIME};

fn options(keys: &Keys) -> Options {
    Options { keys: VerifierKey::read_all(&keys.key_pub()).unwrap(), ..Options::default() }
}

fn report_on(entries: &[Vec<u8>], options: &dyn Fn(&Keys) -> Options) -> Report {
    let keys = Keys::new(ORIGIN, 1);
    let directory = tempfile::tempdir().unwrap();
    writer::write(directory.path(), &writer::files(entries, &keys, &[], 4096));
    verify(directory.path(), &options(&keys)).unwrap()
}

fn kinds_found(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.kind.word()).collect()
}

#[test]
fn logs_of_every_small_size_hold() {
    let keys = Keys::new(ORIGIN, 1);
    let story = Story::of(70);
    for length in 0..=story.entries.len() {
        let entries = &story.entries[..length];
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("segments")).unwrap();
        writer::write(directory.path(), &writer::files(entries, &keys, &[], 2048));
        let report = verify(directory.path(), &options(&keys)).unwrap();
        assert!(report.holds() && report.findings.is_empty(), "{length}: {report}");
        assert_eq!(report.entries, length as u64);
        assert_eq!(report.checkpoint.unwrap().root_matches, Some(true));
    }
}

#[test]
fn the_report_says_what_was_read() {
    let mut story = Story::of(30);
    let open = story.decision("r-open", &["local"]);
    let report = report_on(&story.entries, &options);
    assert!(report.holds(), "{report}");
    assert_eq!(report.keys_from, KeysFrom::Given);
    assert_eq!((report.open.count, report.open.entries.as_slice()), (1, &[open][..]));
    assert_eq!(report.kinds["decision"], 11);
    assert_eq!(report.kinds["outcome"], 10);
    assert_eq!(report.replicas[0].next_seq, story.entries.len() as u64);
    assert_eq!(report.first_at.as_deref(), Some("2026-05-01T00:00:00Z"));
    let text = report.to_string();
    assert!(text.contains(&format!("open        1 decisions without outcome, entries {open}")), "{text}");
    assert!(text.ends_with("result      the log holds\n"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["checkpoint"]["signatures"][1]["algorithm"], "ml-dsa-44-cosignature");
    assert_eq!(json["keys_from"], "given");
}

#[test]
fn keys_beside_the_log_are_told_as_such() {
    let report = report_on(&Story::of(10).entries, &|_| Options::default());
    assert!(report.holds(), "{report}");
    assert_eq!(report.keys_from, KeysFrom::BesideTheLog);
    assert!(report.to_string().contains("whoever can rewrite the log can rewrite them"), "{report}");
}

#[test]
fn an_unsigned_tail_is_told_and_is_no_fault() {
    let keys = Keys::new(ORIGIN, 1);
    let story = Story::of(40);
    let directory = tempfile::tempdir().unwrap();
    let mut files = writer::files(&story.entries, &keys, &[], 1 << 20);
    let signed = writer::files(&story.entries[..25], &keys, &[], 1 << 20);
    files.insert("checkpoint".to_owned(), signed["checkpoint"].clone());
    files.insert("signed".to_owned(), signed["signed"].clone());
    files.get_mut("segments/00000000000000000000.seg").unwrap().extend_from_slice(&[0, 0, 1, 9, 7]);
    writer::write(directory.path(), &files);
    let report = verify(directory.path(), &options(&keys)).unwrap();
    assert!(report.holds(), "{report}");
    let tail = report.unsigned.unwrap();
    assert_eq!((tail.from, tail.entries), (25, story.entries.len() as u64 - 25));
    assert_eq!(report.torn.unwrap().bytes, 5);
}

#[test]
fn kept_checkpoints_are_held_against_the_log() {
    let keys = Keys::new(ORIGIN, 1);
    let story = Story::of(60);
    let leaves: Vec<_> = story.entries.iter().map(|entry| writer::leaf(entry)).collect();
    let kept = (1..40).map(|size| Kept {
        name: format!("kept-{size}"),
        note: writer::checkpoint(&keys, &[], &leaves[..size], TIME).into_bytes(),
    });
    let kept: Vec<Kept> = kept.collect();
    let report = report_on(&story.entries, &|keys| Options { kept: kept.clone(), ..options(keys) });
    assert!(report.holds() && report.kept.iter().all(|kept| kept.consistent), "{report}");

    let mut other = story.entries.clone();
    other[20] = Story::of(3).entries[0].clone();
    let report = report_on(&other, &|keys| Options { kept: kept.clone(), ..options(keys) });
    for kept in &report.kept {
        assert_eq!(kept.consistent, kept.size.unwrap() <= 20, "{report}");
    }
    assert!(kinds_found(&report).contains(&"history-rewritten"));
}

/// What a story tells wrong, and what is found. Every other part of these logs is sound, so each is found by its own rule.
#[test]
fn each_contradiction_is_found_by_its_rule() {
    type Tell = fn(&mut Story);
    let cases: &[(&str, FindingKind, Tell)] = &[
        ("outcome of nothing", FindingKind::OutcomeWithoutDecision, |story| _ = story.outcome(3, "r", None)),
        ("outcome of a later entry", FindingKind::OutcomeWithoutDecision, |story| {
            story.outcome(1 << 40, "r", None);
        }),
        ("second outcome", FindingKind::SecondOutcome, |story| {
            let decision = story.decision("r", &["local"]);
            story.outcome(decision, "r", Some("local"));
            story.outcome(decision, "r", Some("local"));
        }),
        ("attempt of nothing", FindingKind::AttemptWithoutDecision, |story| _ = story.attempt(0, "r", "local", 2)),
        ("attempt after the end", FindingKind::AttemptWithoutDecision, |story| {
            let decision = story.decision("r", &["local"]);
            story.outcome(decision, "r", Some("local"));
            story.attempt(decision, "r", "local", 2);
        }),
        ("attempt elsewhere", FindingKind::NotPermitted, |story| {
            let decision = story.decision("r", &["local", "national"]);
            story.attempt(decision, "r", "foreign", 2);
        }),
        ("served elsewhere", FindingKind::NotPermitted, |story| {
            let decision = story.decision("r", &["local"]);
            story.outcome(decision, "r", Some("foreign"));
        }),
        ("another's outcome", FindingKind::OtherRequest, |story| {
            let decision = story.decision("r", &["local"]);
            story.outcome(decision, "s", Some("local"));
        }),
        ("attempts out of order", FindingKind::CounterJump, |story| {
            let decision = story.decision("r", &["local", "national"]);
            story.attempt(decision, "r", "national", 3);
            story.attempt(decision, "r", "local", 3);
        }),
        ("a counter that leaps", FindingKind::CounterJump, |story| {
            story.add("stop", json!({"reason": "asked", "seq": story.entries.len() + 1}));
        }),
        ("a counter that repeats", FindingKind::CounterJump, |story| {
            story.add("stop", json!({"reason": "asked", "seq": story.entries.len() - 1}));
        }),
        ("a replica that does not begin at 0", FindingKind::CounterJump, |story| {
            story.add("stop", json!({"reason": "asked", "seq": 7, "replica": "00000000000000bb"}));
        }),
        ("time backwards", FindingKind::TimeBackwards, |story| {
            story.add("stop", json!({"reason": "asked", "at": "2026-04-30T23:59:54.000000Z"}));
        }),
        ("time beyond the signature", FindingKind::TimeAfterSignature, |story| {
            story.add("stop", json!({"reason": "asked", "at": "2027-04-30T23:59:54.000000Z"}));
        }),
        ("an unknown field", FindingKind::NotInSchema, |story| {
            story.add("stop", json!({"reason": "asked", "prompt": "hello"}));
        }),
        ("not JSON", FindingKind::NotCanonical, |story| story.entries.push(b"{\"v\":1".to_vec())),
    ];
    for (name, kind, tell) in cases {
        let mut story = Story::of(12);
        tell(&mut story);
        let report = report_on(&story.entries, &options);
        assert!(report.findings.iter().all(|finding| finding.kind == *kind), "{name}: {report}");
        assert!(!report.findings.is_empty(), "{name}: {report}");
        let last = report.findings.last().unwrap();
        if *kind != FindingKind::TimeAfterSignature {
            assert_eq!(last.entry, Some(story.entries.len() as u64 - 1), "{name}: {report}");
            assert!(last.offset.is_some() && last.file.starts_with("segments/"), "{name}: {report}");
        }
        assert!(!last.wrong.is_empty() && !last.means.is_empty());
    }
}

#[test]
fn small_steps_back_in_time_are_tolerated() {
    let mut story = Story::of(12);
    story.add("stop", json!({"reason": "asked", "at": "2026-04-30T23:59:56.000000Z"}));
    let report = report_on(&story.entries, &options);
    assert!(report.findings.is_empty(), "{report}");
}
