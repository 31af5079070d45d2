//! `audit`: logs verified, entries shown, exported and proved, proofs checked; and what is told of each that does not hold.

use std::{fs, path::Path, sync::Arc, time::Duration};

use audit_log::{
    Action, Administration, Body, Count, Decision, Digest, Ending, Log, Outcome, Refusal, Settings, Start, Text,
};
use serde_json::Value;
use tlog::{Note, Role, SignedCheckpoint, SigningKeys};

use crate::bench::{Bench, Told};

const ORIGIN: &str = "gwanmun.test/0123456789abcdef";

/// A log with a start, two requests that were answered, one that was refused, a change by an operator whose name would be a
/// formula, and a decision that is still open: entries 0 to 7.
const STORY: u64 = 8;

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn decision(request: &str, team: &str) -> Body {
    Body::Decision(Decision {
        request: text(request),
        key: text("k7f"),
        team: text(team),
        surface: text("chat"),
        model: text("exaone"),
        stream: true,
        choices: 1,
        request_bytes: Count(200),
        prompt_tokens: None,
        answer_tokens_max: Some(Count(256)),
        destinations: vec![text("local"), text("national")],
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
    })
}

fn outcome(decision: u64, request: &str) -> Body {
    Body::Outcome(Outcome {
        decision: Count(decision),
        request: text(request),
        ending: Ending::Answered,
        reason: None,
        status: Some(200),
        destination: Some(text("local")),
        attempts: 1,
        prompt_tokens: Some(Count(12)),
        completion_tokens: Some(Count(34)),
        answer_bytes: Count(512),
        seam_at: None,
        commitment: Some(Digest([4; 32])),
        duration_us: Some(Count(1_234_567)),
        first_byte_us: Some(Count(234_567)),
        tls_group: None,
        finish: Some(text("stop")),
        hidden: None,
        findings: None,
        label: None,
        review: None,
        cost: None,
    })
}

fn story() -> Vec<Body> {
    vec![
        Body::Start(Start { version: text("0.1.0"), config: Digest([2; 32]) }),
        decision("req-a", "산업부"),
        decision("req-b", "payments"),
        outcome(2, "req-b"),
        outcome(1, "req-a"),
        Body::Refusal(Refusal {
            request: text("req-c"),
            key: text("k7f"),
            team: text("payments"),
            surface: text("chat"),
            model: Some(text("gpt, \"large\"")),
            reason: text("model_not_found"),
            rule: None,
            skipped: None,
            class: None,
            findings: None,
            policy: Digest([1; 32]),
            config: Digest([2; 32]),
            catalog: None,
            commitment: Digest([5; 32]),
        }),
        Body::Administration(Administration {
            action: Action::KeyCreate,
            subject: text("=HYPERLINK(\"http://x\")"),
            by: text("'operator"),
            detail: [].into(),
        }),
        decision("req-d", "payments"),
    ]
}

fn settings() -> Settings {
    let clock = || Duration::from_secs(1_790_000_000);
    Settings { checkpoint_every: Duration::ZERO, ..Settings::new(Arc::new(clock)) }
}

/// Makes a log at `path` and appends.
fn log(path: &Path, origin: &str, entries: &[Body]) {
    Log::create(path, origin, &settings()).unwrap();
    append(path, entries);
}

fn append(path: &Path, entries: &[Body]) {
    let (log, _) = Log::open(path, settings()).unwrap();
    for entry in entries {
        log.append_and_wait(entry).unwrap();
    }
    log.close().unwrap();
}

/// A bench with the story's log in `log` and a copy of its keys from elsewhere in `auditor/key.pub`.
fn bench() -> Bench {
    let bench = Bench::new();
    log(&bench.path("log"), ORIGIN, &story());
    bench.put("auditor/key.pub", &fs::read(bench.path("log/key.pub")).unwrap());
    bench
}

fn verified(bench: &Bench, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["audit", "verify", "log", "--json"].iter().chain(arguments).copied().collect();
    let told = bench.run(&arguments);
    let report: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"));
    assert_eq!(report["holds"], told.exit == Some(0), "{report:#}");
    assert_eq!(report["holds"], report["faults"] == 0, "{report:#}");
    report
}

/// The kinds of findings that are faults, each with its file.
fn faults(report: &Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "fault");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    findings.map(|finding| (text(finding, "kind"), text(finding, "file"))).collect()
}

const GIVEN: [&str; 2] = ["--key", "auditor/key.pub"];

#[test]
fn a_log_that_holds_is_told_with_all_that_was_verified() {
    let bench = bench();
    let Told { exit, out, err } = bench.run(&["audit", "verify", "log", "--key", "auditor/key.pub", "--tiles"]);
    assert_eq!((exit, err.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], format!("{ORIGIN} in log"));
    assert!(lines[1].starts_with("✓ keys         ") && lines[1].contains("(ML-DSA-44 cosignature)"), "{out}");
    for says in [
        "               from auditor/key.pub\n",
        "✓ checkpoint   8 entries, root ",
        "; the entries lead to it\n               signed by the log: Ed25519, ML-DSA-44 cosignature at 2026-09-21T14:13:20Z\n",
        "– witnesses    none asked for",
        "✓ entries      8 in 1 segment, ",
        "               1 administration, 3 decision, 2 outcome, 1 refusal, 1 start\n",
        "✓ accounts     every outcome and attempt belongs to its decision",
        "1 decision without outcome yet, under way or to be closed as lost at the next start: 7\n",
        "✓ counters     1 replica, no number left out or given twice\n",
        " files compared with the segments\n",
    ] {
        assert!(out.contains(says), "{says:?} is not in\n{out}");
    }
    assert_eq!(*lines.last().unwrap(), "the log holds: 8 entries, as they were signed");

    let report = verified(&bench, &GIVEN);
    assert_eq!(
        (&report["entries"], &report["keys_from"], &report["open"]["entries"][0]),
        (&8.into(), &"given".into(), &7.into())
    );
}

#[test]
fn keys_from_beside_the_log_are_taken_and_loudly_doubted() {
    let bench = bench();
    let out = bench.ok(&["audit", "verify", "log"]);
    assert!(out.contains("from beside the log: whoever can rewrite the log can rewrite them"), "{out}");
    assert!(out.ends_with("the log holds (8 entries), as far as the keys beside it can be trusted\n"), "{out}");
    assert_eq!(verified(&bench, &[])["keys_from"], "beside-the-log");
}

#[test]
fn a_flipped_byte_is_named_with_file_and_offset() {
    let bench = bench();
    let segment = "log/segments/00000000000000000000.seg";
    let mut bytes = fs::read(bench.path(segment)).unwrap();
    // The first record begins after the segment's header of 32 bytes; its entry 48 bytes later.
    bytes[32 + 48 + 5] ^= 1;
    bench.put(segment, &bytes);
    let report = verified(&bench, &GIVEN);
    let finding =
        &report["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == "bad-checksum").unwrap();
    assert_eq!(
        (&finding["file"], &finding["offset"], &finding["entry"]),
        (&"segments/00000000000000000000.seg".into(), &32.into(), &0.into())
    );
    let told = bench.run(&["audit", "verify", "log", "--key", "auditor/key.pub"]);
    assert_eq!(told.exit, Some(1));
    assert!(
        told.out.contains("✗ fault        bad-checksum in segments/00000000000000000000.seg, byte 32, entry 0\n"),
        "{}",
        told.out
    );
    assert!(told.out.lines().last().unwrap().starts_with("the log does not hold: "), "{}", told.out);
}

#[test]
fn other_keys_than_the_logs_are_not_taken() {
    let bench = bench();
    let others = SigningKeys::generate(ORIGIN, Role::Log).unwrap();
    bench.put("other.pub", others.to_public_file().as_bytes());
    let report = verified(&bench, &["--key", "other.pub"]);
    let not_signed = ("not-signed".to_owned(), "checkpoint".to_owned());
    assert_eq!(faults(&report), [not_signed.clone(), not_signed], "{report:#}");
}

#[test]
fn keys_that_were_replaced_are_named_as_such_and_old_and_new_hold_together() {
    let bench = bench();
    bench.ok(&["audit", "proof", "3", "--dir", "log", "--out", "old.proof"]);
    let rotated: Value = serde_json::from_str(&bench.ok(&[
        "audit",
        "key",
        "rotate",
        "--dir",
        "log",
        "--proof",
        "handover.proof",
        "--json",
    ]))
    .unwrap();
    assert_eq!(rotated["old_keys"], "log/key.pub.9", "{rotated}");
    let told = bench.run(&["audit", "verify", "log", "--key", "auditor/key.pub"]);
    assert_eq!(told.exit, Some(1));
    assert!(told.out.contains("the log replaced these after 9 entries"), "{}", told.out);
    let report = verified(&bench, &["--key", "auditor/key.pub", "--key", "log/key.pub", "--kept", "old.proof"]);
    assert_eq!((&report["holds"], &report["kept"][0]["consistent"]), (&true.into(), &true.into()), "{report:#}");
    // Beside the log each time's keys have their own file.
    assert_eq!(verified(&bench, &["--kept", "old.proof"])["holds"], true);
    // What was proved under the old keys stays proved under them.
    bench.ok(&["audit", "check", "old.proof", "--key", "auditor/key.pub"]);
    let shown = bench.ok(&["audit", "key", "show", "--dir", "log"]);
    assert_eq!(shown, fs::read_to_string(bench.path("log/key.pub")).unwrap());
    assert_eq!(
        rotated["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect::<Vec<_>>(),
        shown.lines().collect::<Vec<_>>()
    );
    // Whoever trusts the old keys learns the new ones from them.
    vouched(&bench, "auditor/key.pub", &shown);
    let again = bench.run(&["audit", "key", "rotate", "--dir", "log", "--proof", "handover.proof"]);
    assert_eq!((again.exit, again.err.lines().next()), (Some(2), Some("error: `handover.proof` is there already")));
    assert_eq!(bench.ok(&["audit", "key", "show", "--dir", "log"]), shown);
    let entry = bench.ok(&["audit", "show", "8", "--dir", "log"]);
    assert!(entry.contains("key.rotate") && entry.contains(shown.lines().next().unwrap()), "{entry}");
}

/// The handover's proof holds under the old keys, and names these new ones.
fn vouched(bench: &Bench, old: &str, new: &str) {
    let checked = bench.ok(&["audit", "check", "handover.proof", "--key", old, "--json"]);
    let checked: Value = serde_json::from_str(&checked).unwrap();
    let detail = &checked["entry"]["detail"];
    let named: Vec<&str> = ["ed25519", "ml_dsa_44"].iter().map(|name| detail[name].as_str().unwrap()).collect();
    assert_eq!(named, new.lines().collect::<Vec<_>>());
}

#[test]
fn a_cut_tail_is_found_by_a_kept_checkpoint() {
    let bench = bench();
    // The same keys over the first five entries: what somebody would show who holds the log's keys and cuts it.
    let keep = |name: &str| bench.put(name, &fs::read(bench.path("log/checkpoint")).unwrap());
    keep("kept.checkpoint");
    fs::remove_dir_all(bench.path("log/segments")).unwrap();
    let (key, public) = (fs::read(bench.path("log/key")).unwrap(), fs::read(bench.path("log/key.pub")).unwrap());
    fs::remove_dir_all(bench.path("log")).unwrap();
    Log::create(&bench.path("log"), ORIGIN, &settings()).unwrap();
    let keys = SigningKeys::parse(ORIGIN, Role::Log, std::str::from_utf8(&key).unwrap()).unwrap();
    resign(&bench, &keys);
    bench.put("log/key", &key);
    bench.put("log/key.pub", &public);
    append(&bench.path("log"), &story()[..5]);
    assert_eq!(verified(&bench, &GIVEN)["holds"], true);
    let report = verified(&bench, &["--key", "auditor/key.pub", "--kept", "kept.checkpoint"]);
    let kinds: Vec<String> = faults(&report).into_iter().map(|(kind, file)| format!("{kind} {file}")).collect();
    assert_eq!(kinds, ["entries-missing kept.checkpoint", "rolled-back kept.checkpoint"], "{report:#}");
    let told = bench.run(&["audit", "verify", "log", "--key", "auditor/key.pub", "--kept", "kept.checkpoint"]);
    assert!(
        told.out.contains("✗ kept         kept.checkpoint, 8 entries: this log does not extend it\n"),
        "{}",
        told.out
    );
}

/// Signs the empty tree of the log with these keys, in the place of its own.
fn resign(bench: &Bench, keys: &SigningKeys) {
    let path = bench.path("log/checkpoint");
    let signed = SignedCheckpoint::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    let text = signed.note.text.clone();
    let signatures = keys.sign(&text, &signed.checkpoint, 1_790_000_000).unwrap().into();
    let note = Note { text, signatures };
    let resigned = SignedCheckpoint { checkpoint: signed.checkpoint, note };
    bench.put("log/checkpoint", resigned.to_string().as_bytes());
}

#[test]
fn a_policy_demands_its_witnesses() {
    let bench = bench();
    let witness = SigningKeys::generate("witness.example/w1", Role::Witness).unwrap();
    let policy = format!("witness w1 {}\nquorum w1\n", witness.public()[1]);
    bench.put("policy", policy.as_bytes());
    let report = verified(&bench, &["--key", "auditor/key.pub", "--witness", "policy"]);
    assert_eq!(faults(&report), [("quorum-not-met".to_owned(), "checkpoint".to_owned())]);
    let signed = SignedCheckpoint::parse(&fs::read_to_string(bench.path("log/checkpoint")).unwrap()).unwrap();
    let mut cosigned = signed.clone();
    cosigned.note.signatures.extend(witness.sign(&signed.note.text, &signed.checkpoint, 1_790_000_001).unwrap());
    bench.put("log/checkpoint", cosigned.to_string().as_bytes());
    let out = bench.ok(&["audit", "verify", "log", "--key", "auditor/key.pub", "--witness", "policy"]);
    assert!(
        out.contains("✓ witnesses    quorum `w1` met\n               cosigned by witness.example/w1 (ML-DSA-44 cosignature at 2026"),
        "{out}"
    );
    bench.put("bad-policy", b"witness w1\n");
    let told = bench.run(&["audit", "verify", "log", "--witness", "bad-policy"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: `bad-policy` is not a policy: line 1 of the policy: "), "{}", told.err);
}

#[test]
fn a_proof_is_made_and_checked_and_shows_its_entry() {
    let bench = bench();
    let proof = bench.ok(&["audit", "proof", "4", "--dir", "log"]);
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{proof}");
    assert_eq!(bench.ok(&["audit", "proof", "4", "--dir", "log", "--out", "4.proof"]), "");
    assert_eq!(fs::read_to_string(bench.path("4.proof")).unwrap(), proof);
    let left: Vec<String> =
        crate::bench::tree(&bench.path("")).into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(left, Vec::<String>::new());
    let again = bench.run(&["audit", "proof", "4", "--dir", "log", "--out", "4.proof"]);
    assert_eq!((again.exit, again.err.lines().next()), (Some(2), Some("error: `4.proof` is there already")));

    let out = bench.ok(&["audit", "check", "4.proof", "--key", "auditor/key.pub"]);
    assert!(
        out.starts_with(&format!(
            "entry 4 of {ORIGIN}\n  kind               outcome\n  at                 2026-09-21T14:13:20.000000Z\n"
        )),
        "{out}"
    );
    assert!(out.contains("\n  request            req-a\n"), "{out}");
    assert!(out.contains("\n✓ checkpoint   8 entries, root "), "{out}");
    assert!(out.ends_with("the proof holds: this entry stands in the log, unchanged since it was signed\n"), "{out}");
    let checked: Value =
        serde_json::from_str(&bench.ok(&["audit", "check", "4.proof", "--key", "auditor/key.pub", "--json"])).unwrap();
    assert_eq!(
        (&checked["holds"], &checked["index"], &checked["keys_from"]),
        (&true.into(), &4.into(), &"given".into())
    );
    assert_eq!(checked["entry"]["request"], "req-a");

    bench.put(
        "policy",
        format!(
            "log {}\nquorum none\n",
            fs::read_to_string(bench.path("log/key.pub")).unwrap().lines().next().unwrap()
        )
        .as_bytes(),
    );
    let out = bench.ok(&["audit", "check", "4.proof", "--witness", "policy"]);
    assert!(out.contains("✓ keys         from the policy\n"), "{out}");
}

#[test]
fn a_proof_that_proves_nothing_is_told_why() {
    let bench = bench();
    bench.ok(&["audit", "proof", "4", "--dir", "log", "--out", "4.proof"]);
    let proof = fs::read_to_string(bench.path("4.proof")).unwrap();
    log(&bench.path("other"), "gwanmun.test/fedcba9876543210", &story());
    bench.ok(&["audit", "proof", "4", "--dir", "other", "--out", "other.proof"]);
    bench.put("moved.proof", proof.replace("\nindex 4\n", "\nindex 5\n").as_bytes());
    let (head, checkpoint) = proof.split_once("\n\n").unwrap();
    bench.put("resized.proof", format!("{head}\n\n{}", checkpoint.replacen("\n8\n", "\n9\n", 1)).as_bytes());
    let table = [
        (
            "other.proof",
            "the proof does not hold: the proof's checkpoint does not hold: none of the keys is one of `gwanmun.test/fedcba9876543210`",
        ),
        ("moved.proof", "the proof does not hold: the entry is not the one at 5 of the log's first 8 entries"),
        ("resized.proof", "the proof does not hold: the proof's checkpoint does not hold: "),
    ];
    for (file, says) in table {
        let told = bench.run(&["audit", "check", file, "--key", "auditor/key.pub"]);
        assert_eq!(told.exit, Some(1), "{file}: {told:?}");
        assert!(told.out.starts_with(says), "{file}: {}", told.out);
        let told = bench.run(&["audit", "check", file, "--key", "auditor/key.pub", "--json"]);
        let refused: Value = serde_json::from_str(&told.out).unwrap();
        assert_eq!((told.exit, &refused["holds"]), (Some(1), &false.into()), "{file}");
    }
}

#[test]
fn what_cannot_be_read_is_trouble_and_says_what_helps() {
    let bench = bench();
    bench.put("page.html", b"<!doctype html>");
    bench.put("empty/other", b"");
    bench.ok(&["audit", "proof", "4", "--dir", "log", "--out", "4.proof"]);
    let mut table: Vec<(&[&str], i32, &str)> = vec![
        (
            &["verify"],
            2,
            "error: there is no directory `HOME/.local/share/gwanmun`\nhint: the first `gwanmun serve` makes it",
        ),
        (&["verify", "none"], 2, "error: there is no directory `none`\nhint: name a log's directory"),
        (
            &["verify", "empty"],
            2,
            "error: `empty` is not a log, nor a data directory with a log in it: there is no file `origin`",
        ),
        (&["verify", "log", "--key", "none.pub"], 2, "error: cannot read `none.pub`: "),
        (&["verify", "log", "--key", "page.html"], 2, "error: `page.html` holds no usable keys: "),
        (&["verify", "log", "--kept", "none"], 2, "error: cannot read `none`: "),
        (&["check", "page.html", "--key", "auditor/key.pub"], 2, "error: `page.html` is not a proof: "),
        (&["check", "none"], 2, "error: cannot read `none`: "),
        (
            &["check", "4.proof"],
            64,
            "error: a proof does not bring the keys it is held against, and this machine has no log of its own",
        ),
        (&["show", "--dir", "empty"], 2, "error: `empty` is not a log"),
        (
            &["show", "8", "--dir", "log"],
            2,
            "error: there is no entry 8 under a checkpoint: the newest covers entries 0 to 7\nhint: ",
        ),
        (&["show", "4", "--last", "3", "--dir", "log"], 64, "error: the argument '[ENTRY]' cannot be used with"),
        (
            &["proof", "99", "--dir", "log"],
            2,
            "error: there is no entry 99 under a checkpoint: the newest covers entries 0 to 7\nhint: ",
        ),
        (&["proof", "4", "--cosigned", "--dir", "none"], 2, "error: there is no directory `none`"),
        (&["proof", "four", "--dir", "log"], 64, "error: invalid value 'four'"),
        (&["export", "--dir", "log"], 64, "error: the following required arguments were not provided:\n  --format"),
    ];
    table.push((&["show", "--kind", "decisions"], 64, "error: invalid value 'decisions'"));
    for (arguments, exit, says) in table {
        let told = bench.run(&[&["audit"], arguments].concat());
        assert_eq!(told.exit, Some(exit), "{arguments:?}: {told:?}");
        assert!(told.err.starts_with(says), "{arguments:?}: {}", told.err);
        assert_eq!(told.out, "", "{arguments:?}");
    }
    // A secret is never shown, though it was given as the wrong file.
    let told = bench.run(&["audit", "verify", "log", "--key", "log/key"]);
    let secret = fs::read_to_string(bench.path("log/key")).unwrap();
    assert!(
        told.err.starts_with("error: `log/key` holds a log's secret keys, not its public ones\nhint: "),
        "{}",
        told.err
    );
    assert!(!told.err.contains(secret.lines().next().unwrap().strip_prefix("ed25519 ").unwrap()), "{}", told.err);
}

#[test]
fn entries_are_shown_filtered_and_with_what_belongs_to_them() {
    let bench = bench();
    let shown = bench.ok(&["audit", "show", "--dir", "log"]);
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len() as u64, STORY + 1, "{shown}");
    assert_eq!(
        cells(lines[0]),
        ["ENTRY", "TIME", "KIND", "KEY", "TEAM", "MODEL", "DESTINATION", "TOKENS", "BYTES", "WHAT"]
    );
    assert_eq!(
        cells(lines[2]),
        ["1", "2026-09-21T14:13:20", "decision", "k7f", "산업부", "exaone", "local", "national", "-", "200", "chat"]
    );
    assert_eq!(
        cells(lines[5]),
        [
            "4",
            "2026-09-21T14:13:20",
            "outcome",
            "k7f",
            "산업부",
            "exaone",
            "local",
            "12+34",
            "512",
            "answered",
            "in",
            "1234",
            "ms",
            "(entry",
            "1)"
        ]
    );

    let indices = |arguments: &[&str]| -> Vec<u64> {
        let arguments: Vec<&str> =
            ["audit", "show", "--dir", "log", "--json"].iter().chain(arguments).copied().collect();
        let out = bench.ok(&arguments);
        out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap()).collect()
    };
    assert_eq!(indices(&["--last", "3"]), [5, 6, 7]);
    assert_eq!(indices(&["--from", "2", "--to", "4"]), [2, 3, 4]);
    assert_eq!(indices(&["--from", "2", "--last", "2"]), [6, 7]);
    assert_eq!(indices(&["--kind", "outcome"]), [3, 4]);
    assert_eq!(indices(&["--request", "req-a"]), [1, 4]);
    assert_eq!(indices(&["--team", "payments"]), [2, 3, 5, 7]);
    assert_eq!(indices(&["--team", "payments", "--kind", "outcome"]), [3]);
    assert_eq!(indices(&["4"]), [4, 1]);
    assert_eq!(indices(&["1"]), [1, 4]);
    assert_eq!(indices(&["0"]), [0]);
    assert_eq!(bench.ok(&["audit", "show", "--dir", "log", "--team", "none"]), "no entry fits\n");

    let one = bench.ok(&["audit", "show", "1", "--dir", "log"]);
    assert!(one.starts_with(&format!("entry 1 of {ORIGIN}\n  kind               decision\n")), "{one}");
    assert!(one.contains("\n  destinations       [\"local\",\"national\"]\n"), "{one}");
    assert!(one.contains("\nbelongs to it: entry 4\n  kind               outcome\n"), "{one}");
    // The first line of JSON is the entry as the log holds it.
    let json = bench.ok(&["audit", "show", "0", "--dir", "log", "--json"]);
    let entry = "{\"at\":\"2026-09-21T14:13:20.000000Z\",\"config\":";
    assert!(json.starts_with(&format!("{{\"index\":0,\"entry\":{entry}")), "{json}");
}

/// What a reader of RFC 4180 makes of it.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && letters.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted);
    rows
}

#[test]
fn entries_are_exported_as_json_lines_and_as_csv_that_no_spreadsheet_takes_for_formulas() {
    let bench = bench();
    let lines = bench.ok(&["audit", "export", "--dir", "log", "--format", "jsonl"]);
    assert_eq!(lines.lines().count() as u64, STORY);
    let shown = bench.ok(&["audit", "show", "--dir", "log", "--from", "0", "--json"]);
    assert_eq!(lines, shown);

    bench.ok(&["audit", "export", "--dir", "log", "--format", "csv", "--out", "all.csv"]);
    let text = fs::read_to_string(bench.path("all.csv")).unwrap();
    let rows = csv(&text);
    assert_eq!(rows.len() as u64, STORY + 1);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let cell =
        |row: usize, column: &str| rows[row + 1][rows[0].iter().position(|name| name == column).unwrap()].clone();
    assert_eq!((cell(1, "index"), cell(1, "kind"), cell(1, "team")), ("1".into(), "decision".into(), "산업부".into()));
    assert_eq!(cell(1, "destinations"), "[\"local\",\"national\"]");
    assert_eq!(cell(5, "model"), "gpt, \"large\"");
    assert_eq!(cell(6, "subject"), "'=HYPERLINK(\"http://x\")");
    assert_eq!(cell(6, "by"), "''operator");
    assert_eq!(
        (cell(3, "decision"), cell(3, "duration_us"), cell(3, "reason")),
        ("2".into(), "1234567".into(), String::new())
    );
    assert!(!rows.iter().flatten().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t'])));
    // Every field that an entry has is in a column.
    for line in lines.lines() {
        let entry = &serde_json::from_str::<Value>(line).unwrap()["entry"];
        for name in entry.as_object().unwrap().keys().filter(|name| *name != "v") {
            assert!(rows[0].contains(name), "{name}");
        }
    }
    let outcomes =
        bench.ok(&["audit", "export", "--dir", "log", "--format", "csv", "--kind", "outcome", "--from", "4"]);
    assert_eq!(csv(&outcomes).len(), 2);
}

#[test]
fn what_was_derived_is_written_again_where_nobody_holds_the_log() {
    let bench = bench();
    fs::remove_dir_all(bench.path("log/tile")).unwrap();
    let told = bench.run(&["audit", "proof", "4", "--dir", "log"]);
    assert_eq!((told.exit, told.out.as_str()), (Some(2), ""));
    assert!(told.err.contains("run `gwanmun audit rebuild`"), "{}", told.err);
    {
        let (held, _) = Log::open(&bench.path("log"), settings()).unwrap();
        let told = bench.run(&["audit", "rebuild", "--dir", "log"]);
        assert_eq!(told.exit, Some(2));
        assert!(told.err.starts_with("error: `log` is held by a running server\nhint: stop it first"), "{}", told.err);
        held.close().unwrap();
    }
    fs::remove_dir_all(bench.path("log/tile")).unwrap();
    let told = bench.ok(&["audit", "rebuild", "--dir", "log"]);
    assert_eq!(told, "written again from 8 entries: tiles, and what a start reads\n");
    assert!(bench.ok(&["audit", "proof", "4", "--dir", "log"]).starts_with("c2sp.org/tlog-proof@v1\n"));
    let report = verified(&bench, &["--key", "auditor/key.pub", "--tiles"]);
    assert_eq!(report["notices"], 0, "{report:#}");

    // What is damaged is told, and nothing is written over it.
    let segment = "log/segments/00000000000000000000.seg";
    let mut bytes = fs::read(bench.path(segment)).unwrap();
    bytes[32 + 48 + 5] ^= 1;
    bench.put(segment, &bytes);
    let told = bench.run(&["audit", "rebuild", "--dir", "log"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: `log/segments/00000000000000000000.seg`, byte 32: "), "{}", told.err);
    assert_eq!(fs::read(bench.path(segment)).unwrap(), bytes);
}

/// What tests ask.
fn question(model: &str) -> String {
    format!("{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}],\"max_tokens\":2}}")
}

/// Asks a running server once; gives the entry that its answer names.
fn asked(server: &crate::bench::Server, key: &str, model: &str) -> u64 {
    let body = question(model);
    let output = std::process::Command::new("curl")
        .args(["--silent", "--include", "--header", &format!("Authorization: Bearer {key}")])
        .args(["--header", "Content-Type: application/json", "--data", &body])
        .arg(format!("{}/v1/chat/completions", server.url))
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let header =
        answer.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("x-gwanmun-entry: ").map(str::to_owned));
    header.unwrap_or_else(|| panic!("{answer}")).trim().parse().unwrap()
}

#[test]
fn beside_a_running_server_its_log_is_shown_proved_and_given_new_keys() {
    let bench = Bench::new();
    let model = bench.model();
    let server = bench.serve(&["--model", &model]);
    let key = server.key().unwrap().to_owned();
    let answered = asked(&server, &key, "tiny");
    // At once: the proof waits for the checkpoint that is to cover the entry.
    bench.ok(&["audit", "proof", &answered.to_string(), "--out", "answer.proof"]);
    let checked = bench.ok(&["audit", "check", "answer.proof"]);
    assert!(checked.contains("from this machine's own log; `--key` names others"), "{checked}");
    assert!(checked.contains("  kind               decision\n"), "{checked}");
    let refused = asked(&server, &key, "nobody");
    let proof = bench.ok(&["audit", "proof", &refused.to_string()]);
    bench.put("refusal.proof", proof.as_bytes());
    let checked: Value = serde_json::from_str(&bench.ok(&["audit", "check", "refusal.proof", "--json"])).unwrap();
    assert_eq!((&checked["kind"], &checked["keys_from"]), (&"refusal".into(), &"this-machine".into()));
    assert_eq!(checked["entry"]["reason"], "model_not_found");
    let shown = bench.ok(&["audit", "show", &answered.to_string(), "--json"]);
    let kinds: Vec<Value> =
        shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"]["kind"].clone()).collect();
    assert_eq!(kinds, ["decision", "outcome"], "{shown}");

    let told = bench.run(&["audit", "rebuild"]);
    assert_eq!(told.exit, Some(2));
    assert!(
        told.err.starts_with("error: `HOME/.local/share/gwanmun/log` is held by a running server\nhint: stop it first"),
        "{}",
        told.err
    );

    bench.put("old.pub", bench.ok(&["audit", "key", "show"]).as_bytes());
    let rotated: Value =
        serde_json::from_str(&bench.ok(&["audit", "key", "rotate", "--proof", "handover.proof", "--json"])).unwrap();
    let old = rotated["old_keys"].as_str().unwrap().replace("HOME", &bench.path("").display().to_string());
    assert_eq!(fs::read_to_string(old).unwrap(), fs::read_to_string(bench.path("old.pub")).unwrap());
    let new = bench.ok(&["audit", "key", "show"]);
    bench.put("new.pub", new.as_bytes());
    vouched(&bench, "old.pub", &new);
    let later = asked(&server, &key, "tiny");
    bench.ok(&["audit", "proof", &later.to_string(), "--out", "later.proof"]);
    bench.ok(&["audit", "check", "later.proof", "--key", "new.pub"]);
    assert_eq!(bench.run(&["audit", "check", "later.proof", "--key", "old.pub"]).exit, Some(1));
    bench.ok(&["audit", "check", "answer.proof", "--key", "old.pub"]);
    let verify =
        ["audit", "verify", "--key", "old.pub", "--key", "new.pub", "--kept", "answer.proof", "--kept", "later.proof"];
    bench.ok(&verify);
    assert_eq!(server.end().exit, Some(0));
    let out = bench.ok(&verify);
    assert!(out.contains("1 stop\n") && !out.contains("without outcome"), "{out}");
    assert!(out.lines().last().unwrap().starts_with("the log holds: "), "{out}");
}

#[test]
fn a_data_directory_of_the_earlier_form_is_adopted_once_and_a_lost_log_is_not_made_anew() {
    let bench = Bench::new();
    bench.ok(&["key", "create", "--name", "a"]);
    let data = bench.data();
    let take_away = |parts: &[&str]| {
        for part in parts {
            let path = data.join(part);
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
    };
    let told = bench.run(&["audit", "adopt"]);
    assert!(told.err.starts_with("error: `HOME/.local/share/gwanmun` has a log already\n"), "{}", told.err);
    take_away(&["log", "witness", "payloads", "payload.secret"]);
    let told = bench.run(&["audit", "adopt"]);
    assert!(told.err.contains("holds no earlier record: there is no file `record/entries.jsonl`"), "{}", told.err);

    let record = b"0000002a 0123456789abcdef {\"seq\":0}\n0000002a 0123456789abcdef {\"seq\":1}\ntorn";
    bench.put(".local/share/gwanmun/record/entries.jsonl", record);
    for arguments in [&["serve", "--listen", "127.0.0.1:0", "--no-model"][..], &["audit", "show"][..]] {
        let told = bench.run(arguments);
        assert_eq!(told.exit, Some(2), "{arguments:?}");
        assert!(told.err.contains("`gwanmun audit adopt`"), "{arguments:?}: {}", told.err);
    }
    let before = crate::bench::tree(&data);
    let out = bench.ok(&["audit", "adopt"]);
    assert!(
        out.starts_with(
            "the log begins with what HOME/.local/share/gwanmun/record/entries.jsonl was: 2 lines, SHA-256 "
        ),
        "{out}"
    );
    let shown: Value = serde_json::from_str(&bench.ok(&["audit", "show", "0", "--json"])).unwrap();
    let entry = &shown["entry"];
    assert_eq!((&entry["action"], &entry["subject"]), (&"record.adopt".into(), &"record/entries.jsonl".into()));
    assert_eq!((&entry["detail"]["lines"], &entry["detail"]["bytes"]), (&"2".into(), &record.len().to_string().into()));
    let sum = std::process::Command::new("sha256sum").arg(data.join("record/entries.jsonl")).output().unwrap();
    assert!(sum.stdout.starts_with(entry["detail"]["sha256"].as_str().unwrap().as_bytes()), "{entry}");
    assert_eq!(fs::read(data.join("record/entries.jsonl")).unwrap(), record);
    let after = crate::bench::tree(&data);
    assert!(before.iter().all(|path| after.contains(path)), "{after:?}");
    assert!(!after.iter().any(|path| path.contains("adopting")), "{after:?}");
    bench.ok(&["audit", "verify"]);
    assert_eq!(bench.serve(&["--no-model"]).end().exit, Some(0));
    assert_eq!(bench.run(&["audit", "adopt"]).exit, Some(2));

    take_away(&["log"]);
    let told = bench.run(&["audit", "adopt"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: `HOME/.local/share/gwanmun` has lost its log: `HOME/"), "{}", told.err);
    assert!(!data.join("log").exists() && data.join("payload.secret").exists());
}

/// Seals a request as a server does that keeps payloads.
fn seal(data: &Path, team: &str, request_id: &str, body: &str) {
    use gateway::{clock::Clock, data_dir::DataDir, database::Database, payloads};
    let clock = Clock::system();
    let data_dir = DataDir::join(data, &clock).unwrap();
    let origin = fs::read_to_string(data.join("log/origin")).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let database = Database::open(&data_dir.database()).await.unwrap();
        let secret = payloads::PayloadSecret::new(&data_dir.payload_secret().unwrap());
        let opened = payloads::Payloads::open(&data_dir.payloads(), secret, database, origin.trim_end(), clock);
        let (kept, sealing) = opened.unwrap();
        let mut payload = kept.begin(team, request_id).await.unwrap();
        payload.request(body.as_bytes()).await.unwrap();
        payload.durable().await.unwrap();
        drop((payload, kept));
        sealing.finish().unwrap();
    });
}

#[test]
fn what_is_kept_is_opened_held_against_the_log_and_erased_with_an_entry() {
    let bench = Bench::new();
    let server = bench.serve(&["--no-model"]);
    let key = server.key().unwrap().to_owned();
    let (entry, other) = (asked(&server, &key, "nobody").to_string(), asked(&server, &key, "nobody").to_string());
    bench.ok(&["audit", "proof", &other]);
    let facts = |entry: &str| -> Value {
        serde_json::from_str::<Value>(&bench.ok(&["audit", "show", entry, "--json"])).unwrap()["entry"].clone()
    };
    let (asked, month) = (facts(&entry), facts(&entry)["at"].as_str().unwrap().chars().take(7).collect::<String>());
    let team = asked["team"].as_str().unwrap();
    let told = bench.run(&["audit", "show", &entry, "--payload"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: no payload of the request `"), "{}", told.err);

    seal(&bench.data(), team, asked["request"].as_str().unwrap(), &question("nobody"));
    let shown = bench.ok(&["audit", "show", &entry, "--payload"]);
    assert!(
        shown.starts_with("✓ request      77 bytes, the very bytes that the log's commitment is about\n"),
        "{shown}"
    );
    assert!(shown.contains(&question("nobody")), "{shown}");
    // Bytes that are not what the log speaks of.
    seal(&bench.data(), team, facts(&other)["request"].as_str().unwrap(), "{}\u{1b}[2J");
    let told = bench.run(&["audit", "show", &other, "--payload"]);
    assert_eq!(told.exit, Some(1));
    assert!(
        told.out.starts_with("✗ request      6 bytes, not the bytes that the log's commitment is about\n"),
        "{}",
        told.out
    );
    assert!(!told.out.contains('\u{1b}'), "{}", told.out);
    let json: Value = serde_json::from_str(&bench.run(&["audit", "show", &other, "--payload", "--json"]).out).unwrap();
    assert_eq!((&json["request"]["matches"], &json["request"]["whole"]), (&false.into(), &true.into()));

    let erase = ["audit", "erase", "--team", team, "--month", &month];
    let told = bench.run(&erase);
    assert_eq!(told.exit, Some(64));
    assert!(told.err.contains("\nhint: say `--yes` where that is meant"), "{}", told.err);
    let told = bench.run(&["audit", "erase", "--team", team, "--month", "november", "--yes"]);
    assert!(told.exit == Some(64) && told.err.contains("`november` is not a month"), "{}", told.err);
    let told = bench.run(&["audit", "erase", "--team", "nobody", "--month", &month, "--yes"]);
    assert!(told.exit == Some(2) && told.err.contains("no payloads of team `nobody` in "), "{}", told.err);
    let erased: Value = serde_json::from_str(&bench.ok(&[&erase[..], &["--yes", "--json"]].concat())).unwrap();
    let said = facts(&erased["entry"].to_string());
    assert_eq!((&said["kind"], &said["keys"]), (&"erasure".into(), &erased["keys"]), "{erased}");
    let told = bench.run(&["audit", "show", &entry, "--payload"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: the payload was erased at "), "{}", told.err);
    let told = bench.run(&[&erase[..], &["--yes"]].concat());
    assert!(told.exit == Some(2) && told.err.contains("were erased at "), "{}", told.err);
    // Every proof still holds.
    bench.put("p", bench.ok(&["audit", "proof", &entry]).as_bytes());
    bench.ok(&["audit", "check", "p"]);
    assert_eq!(server.end().exit, Some(0));
    bench.ok(&["audit", "verify"]);
}
