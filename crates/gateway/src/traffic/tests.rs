//! Counting entries: who asked, who answered, how it ended; what drills ask is kept apart; and that a stretch of a real log is found.

use std::sync::Arc as StdArc;

use audit_log::{Body, Log, Replica, Settings};
use serde_json::json;

use super::*;

/// A decision of the team `a` for `m`, permitted at `far` and `local`.
pub(crate) fn decision(team: &str, request: &str) -> Body {
    let hash = "00".repeat(32);
    let body = json!({
        "request": request, "key": "k", "team": team, "surface": "chat", "model": "m", "stream": false, "choices": 1,
        "request_bytes": 10, "destinations": ["far", "local"], "class": "open",
        "policy": hash, "config": hash, "commitment": hash,
    });
    Body::Decision(serde_json::from_value(body).unwrap_or_else(|error| panic!("{error}")))
}

/// How the decision at that index ended.
pub(crate) fn outcome(decision: u64, ending: &str, label: &str, duration_us: u64) -> Body {
    let body = json!({
        "decision": decision, "request": "r", "ending": ending, "reason": (ending == "failed").then_some("upstream_error"),
        "destination": label, "attempts": 1, "prompt_tokens": 7, "completion_tokens": 30, "answer_bytes": 5,
        "duration_us": duration_us,
    });
    Body::Outcome(serde_json::from_value(body).unwrap_or_else(|error| panic!("{error}")))
}

fn entry(index: u64, at: u64, body: Body) -> Entry {
    Entry { at: Duration::from_secs(at), replica: Replica(1), seq: index, body }
}

fn counted(bodies: Vec<(u64, Body)>) -> Traffic {
    let mut counter = Counter::callers();
    for (index, (at, body)) in (0..).zip(bodies) {
        counter.add(index, &entry(index, at, body));
    }
    counter.finish("test")
}

#[test]
fn a_request_counts_where_it_was_answered_and_how_long_it_took() {
    let traffic = counted(vec![
        (3600, decision("a", "1")),
        (3601, decision("a", "2")),
        (3602, outcome(0, "answered", "far", 1_000_000)),
        (3603, outcome(1, "answered", "local", 3_000_000)),
        (3604, decision("a", "3")),
        (3605, outcome(4, "failed", "far", 9)),
        (3606, decision("a", "4")),
        (3607, outcome(6, "cancelled", "far", 9)),
        (3608, decision("a", "5")),
    ]);
    let [kind] = traffic.kinds.as_slice() else { panic!("{:?}", traffic.kinds) };
    assert_eq!((&*kind.team, &*kind.model, kind.class), ("a", "m", Some(Class::Open)));
    assert_eq!((kind.requests, kind.answers(), kind.failures(), kind.left, kind.open), (5, 2, 1, 1, 1));
    assert_eq!(kind.failed.get("upstream_error"), Some(&1));
    assert_eq!(kind.hours.get(&1), Some(&(5, 60)));
    assert_eq!((traffic.took.count(), traffic.requests(), traffic.hours()), (2, 5, 1));
    let local = &traffic.served[&("m".into(), "local".into())];
    assert_eq!((local.answers, local.completion_tokens, local.best_minute_tokens), (1, 30, 30));
    assert_eq!((traffic.read.first, traffic.read.end, traffic.read.from, traffic.read.until), (0, 9, 3600, 3608));
}

#[test]
fn what_a_drill_asks_is_none_of_the_callers_traffic() {
    let bodies = || vec![(1, decision("a", "1")), (1, decision("a", "1-shadow")), (1, decision(DRILL_TEAM, "2"))];
    assert_eq!(counted(bodies()).requests(), 1);
    let mut shadows = Counter::shadows();
    for (index, (at, body)) in (0..).zip(bodies()) {
        shadows.add(index, &entry(index, at, body));
    }
    assert_eq!(shadows.finish("test").requests(), 1);
}

#[test]
fn the_best_minute_is_of_one_minute() {
    let one = |index: u64, at: u64| vec![(at, decision("a", "r")), (at, outcome(index, "answered", "far", 1))];
    let bodies = [one(0, 0), one(2, 59), one(4, 60), one(6, 600)].concat();
    let traffic = counted(bodies);
    assert_eq!(traffic.served[&("m".into(), "far".into())].best_minute_tokens, 60);
}

#[test]
fn a_log_is_read_from_the_moment_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let seconds = StdArc::new(std::sync::atomic::AtomicU64::new(0));
    let clock = StdArc::clone(&seconds);
    // The clock goes on by a second each time that it is asked.
    let settings =
        Settings::new(Arc::new(move || Duration::from_secs(clock.fetch_add(1, std::sync::atomic::Ordering::SeqCst))));
    Log::create(folder.path(), "test.example/log", &settings).unwrap();
    let (log, _) = Log::open(folder.path(), settings).unwrap();
    for index in 0..600 {
        log.append_and_wait(&decision("a", &index.to_string())).unwrap();
    }
    log.close().unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let all = Traffic::since(&reader, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((all.requests(), all.read.end), (600, 600));
    let late = Timestamp::from_second(i64::try_from(all.read.until).unwrap() - 99).unwrap();
    let some = Traffic::since(&reader, late).unwrap();
    assert!((10..=100).contains(&some.requests()), "{}", some.requests());
    assert!((all.read.until - 99..all.read.until - 90).contains(&some.read.from), "{:?}", some.read);
}
