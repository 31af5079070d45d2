//! Entries for tests, as a gateway would write them.

use std::collections::BTreeMap;
use std::time::Duration;

use audit_entry::{
    Action, Administration, Attempt, Body, Class, Count, Decision, Digest, Ending, Entry, Outcome, Refusal, Replica,
    Text, Word,
};

use crate::request::Axes;

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub(crate) fn counts(counts: &[(&str, u64)]) -> Option<BTreeMap<Word, Count>> {
    let counts: BTreeMap<_, _> =
        counts.iter().map(|(kind, count)| (Word::new(*kind).unwrap(), Count(*count))).collect();
    (!counts.is_empty()).then_some(counts)
}

pub(crate) fn entry(seq: u64, at_ms: u64, body: Body) -> (u64, Entry) {
    (seq, Entry { at: Duration::from_millis(at_ms), replica: Replica(7), seq, body })
}

/// Permitted in `KR` first, then elsewhere.
pub(crate) fn decision(request: &str) -> Decision {
    Decision {
        request: text(request),
        key: text("k_1"),
        team: text("통계청"),
        surface: text("chat"),
        model: text("m"),
        stream: true,
        choices: 1,
        request_bytes: Count(10),
        prompt_tokens: None,
        answer_tokens_max: None,
        destinations: vec![text("national"), text("abroad/m2"), text("local")],
        skipped: None,
        class: Some(Class::Sensitive),
        findings: counts(&[("kr.rrn", 2)]),
        rules: Some(vec![text("one"), text("two")]),
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: None,
        law: None,
        reservation: None,
        commitment: Digest([3; 32]),
    }
}

pub(crate) fn refusal(request: &str, reason: &str) -> Refusal {
    Refusal {
        request: text(request),
        key: text("k_2"),
        team: text("audit"),
        surface: text("embeddings"),
        model: None,
        reason: text(reason),
        rule: Some(text("no-secrets")),
        skipped: Some(vec![text("national (outage)")]),
        class: Some(Class::Classified),
        findings: None,
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: None,
        commitment: Digest([3; 32]),
    }
}

pub(crate) fn attempt(decision: u64, number: u32, destination: &str) -> Attempt {
    Attempt {
        decision: Count(decision),
        request: text("r"),
        destination: text(destination),
        number,
        reason: text("timeout"),
        answer_bytes: Some(Count(5)),
        completion_tokens: None,
    }
}

pub(crate) fn outcome(decision: u64, ending: Ending, destination: Option<&str>) -> Outcome {
    Outcome {
        decision: Count(decision),
        request: text("r"),
        ending,
        reason: (ending != Ending::Answered).then(|| text("upstream_error")),
        status: Some(200),
        destination: destination.map(text),
        attempts: 1,
        prompt_tokens: Some(Count(100)),
        completion_tokens: Some(Count(30)),
        answer_bytes: Count(900),
        seam_at: None,
        commitment: None,
        duration_us: Some(Count(2_000)),
        first_byte_us: Some(Count(900)),
        tls_group: Some(text("X25519MLKEM768")),
        finish: Some(text("stop")),
        hidden: Some(Count(2)),
        findings: None,
        label: Some(text("ai-written")),
        review: None,
        cost: None,
    }
}

pub(crate) fn administration(action: Action, subject: &str) -> Administration {
    Administration {
        action,
        subject: text(subject),
        by: text("cli:kim"),
        detail: BTreeMap::from([(Word::new("why").unwrap(), text("it is time"))]),
    }
}

/// What a gateway would know of those places.
pub(crate) fn axes(_model: &str, label: &str) -> Option<Axes> {
    let of = |processed: &str, controlled: &[&str]| Axes {
        processed_in: vec![processed.to_owned()],
        controlled_by: controlled.iter().map(|&code| code.to_owned()).collect(),
    };
    match label {
        "national" => Some(of("KR", &["KR", "US"])),
        "local" => Some(of("KR", &["KR"])),
        "abroad/m2" => Some(of("US", &["US"])),
        _ => None,
    }
}
