//! Entries, clocks and settings that tests use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit_log::{Body, Count, Decision, Digest, Disk, Ending, Outcome, Settings, Text};

pub(crate) const ORIGIN: &str = "gwanmun.test/0123456789abcdef";

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub(crate) fn decision(number: u64) -> Body {
    Body::Decision(Decision {
        request: text(&format!("req-{number}")),
        key: text("k_7f"),
        team: text("산업부 \"A\""),
        surface: text("chat"),
        model: text("exaone"),
        stream: number.is_multiple_of(2),
        choices: 1,
        request_bytes: Count(200 + number),
        prompt_tokens: Some(Count(12)),
        answer_tokens_max: Some(Count(256)),
        destinations: vec![text("local"), text("national/kr")],
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

pub(crate) fn outcome(decision: u64) -> Body {
    Body::Outcome(Outcome {
        decision: Count(decision),
        request: text(&format!("req-{decision}")),
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

/// A clock that goes on by a second at each look, so that no test depends on the machine's.
pub(crate) fn clock() -> Arc<dyn Fn() -> Duration + Send + Sync> {
    let ticks = AtomicU64::new(1_790_000_000);
    Arc::new(move || Duration::from_secs(ticks.fetch_add(1, Ordering::Relaxed)))
}

/// Small segments and checkpoints as often as can be: much happens in few entries.
pub(crate) fn settings(disk: Arc<dyn Disk>) -> Settings {
    Settings { disk, checkpoint_every: Duration::ZERO, segment_bytes_max: 20_000, ..Settings::new(clock()) }
}
