//! Entries for tests, as a gateway would write them. Entry 0 of a log is its start.

use std::collections::BTreeMap;

use audit_entry::{
    Action, Administration, Attempt, Body, Class, Count, Decision, Digest, Ending, Outcome, Refusal, Text, Word,
};

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub(crate) fn decided(request: &str, team: &str, destinations: &[&str]) -> Body {
    Body::Decision(Decision {
        request: text(request),
        key: text("k_1"),
        team: text(team),
        surface: text("chat"),
        model: text("m"),
        stream: true,
        choices: 1,
        request_bytes: Count(10),
        prompt_tokens: None,
        answer_tokens_max: None,
        destinations: destinations.iter().map(|destination| text(destination)).collect(),
        skipped: Some(vec![text("gone (withdrawn)")]),
        class: Some(Class::Sensitive),
        findings: Some(BTreeMap::from([(Word::new("kr.rrn").unwrap(), Count(2))])),
        rules: Some(vec![text("rule-one")]),
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: None,
        law: None,
        reservation: None,
        commitment: Digest([3; 32]),
    })
}

pub(crate) fn attempted(decision: u64, request: &str, destination: &str) -> Body {
    Body::Attempt(Attempt {
        decision: Count(decision),
        request: text(request),
        destination: text(destination),
        number: 2,
        reason: text("timeout"),
        answer_bytes: None,
        completion_tokens: None,
    })
}

pub(crate) fn ended(decision: u64, request: &str, ending: Ending, destination: &str) -> Body {
    Body::Outcome(Outcome {
        decision: Count(decision),
        request: text(request),
        ending,
        reason: (ending != Ending::Answered).then(|| text("upstream_error")),
        status: Some(200),
        destination: Some(text(destination)),
        attempts: 2,
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
    })
}

pub(crate) fn refused(request: &str, team: &str) -> Body {
    Body::Refusal(Refusal {
        request: text(request),
        key: text("k_2"),
        team: text(team),
        surface: text("embeddings"),
        model: None,
        reason: text("not_permitted"),
        rule: Some(text("no-secrets")),
        skipped: None,
        class: Some(Class::Classified),
        findings: None,
        policy: Digest([1; 32]),
        config: Digest([2; 32]),
        catalog: None,
        commitment: Digest([3; 32]),
    })
}

pub(crate) fn administered(action: Action, subject: &str, by: &str) -> Body {
    Body::Administration(Administration {
        action,
        subject: text(subject),
        by: text(by),
        detail: BTreeMap::from([(Word::new("why").unwrap(), text("it is time"))]),
    })
}
