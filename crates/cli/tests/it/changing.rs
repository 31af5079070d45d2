//! What operators change reaches the audit log: beside a running server within a second, without one at the next start.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::Bench;

/// A change is looked for every half second, and signed within another.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// What the log says that operators did, in order: action and subject.
fn told(bench: &Bench) -> Vec<(String, String)> {
    let lines = bench.ok(&["audit", "show", "--kind", "administration", "--json"]);
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    entries.map(|line| (word(&line["entry"]["action"]), word(&line["entry"]["subject"]))).collect()
}

/// Waits until the log holds so many changes.
#[expect(clippy::disallowed_methods, reason = "a server that never says it must not hang the test")]
fn until(bench: &Bench, count: usize) -> Vec<(String, String)> {
    let since = Instant::now();
    loop {
        let told = told(bench);
        if told.len() >= count {
            return told;
        }
        assert!(since.elapsed() < SEEN_WITHIN, "the log says only {told:?}");
    }
}

#[test]
fn keys_models_and_settings_are_entries_whether_or_not_a_server_runs() {
    let bench = Bench::new();
    let model = bench.model();
    bench.ok(&["model", "import", "tiny.gguf"]);
    let config = ".local/share/gwanmun/gwanmun.toml";
    bench.put(config, b"[admission]\nrequests_in_flight_max = 7\n");
    let server = bench.serve(&["--model", &model]);
    let first = server.key().unwrap().to_owned();
    let made = bench.ok(&["key", "create", "--name", "app", "--team", "payments"]);
    until(&bench, 3);
    bench.put(config, b"[admission]\nrequests_in_flight_max = 8\n");
    until(&bench, 4);
    bench.ok(&["key", "revoke", "app"]);
    let told = until(&bench, 5);
    let actions: Vec<&str> = told.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["model.add", "key.create", "key.create", "configuration.change", "key.revoke"]);
    assert_eq!(told[0].1, "tiny");
    assert_eq!(told[2].1, told[4].1, "the same key");
    assert_eq!(server.end().exit, Some(0));
    bench.ok(&["audit", "verify"]);
    let exported = bench.ok(&["audit", "export", "--format", "jsonl"]);
    for secret in [first.as_str(), made.trim()] {
        assert!(!exported.contains(secret), "a key is in no entry");
    }
    assert!(exported.contains(r#""by":"uid "#), "who did it: {exported}");

    bench.ok(&["model", "remove", "tiny"]);
    assert_eq!(told.len(), until(&bench, 5).len(), "nobody holds the log, so nobody writes");
    let server = bench.serve(&["--model", &model]);
    assert_eq!(until(&bench, 6)[5], ("model.remove".to_owned(), "tiny".to_owned()));
    assert_eq!(server.end().exit, Some(0));
}
