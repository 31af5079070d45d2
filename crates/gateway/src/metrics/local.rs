//! What the local model counts, for `GET /metrics`. It does not know how any of it comes about.

use std::sync::atomic::Ordering;

use local_model::Load;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::gauge;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    kind: &'static str,
}

/// The local model's figures, as they were last told.
#[derive(Debug, Default)]
pub(super) struct Local {
    running: Gauge,
    queued: Gauge,
    cache_tokens: Gauge,
    tokens: Family<TokenLabels, Counter>,
}

impl Local {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("local_running", "Sequences that the local model computes", self.running.clone());
        registry.register("local_queued", "Requests that wait for the local model", self.queued.clone());
        registry.register(
            "local_cache_tokens",
            "Tokens reserved in the local model's cache",
            self.cache_tokens.clone(),
        );
        registry.register(
            "local_tokens",
            "Tokens of the local model: computed of prompts, cached from earlier prompts, answered, drafted ahead, drafted rightly",
            self.tokens.clone(),
        );
    }

    pub(super) fn tell(&self, load: &Load) {
        self.running.set(gauge(load.running));
        self.queued.set(gauge(load.queued));
        self.cache_tokens.set(gauge(load.cache_tokens_held));
        for (kind, total) in [
            ("prompt", load.prompt_tokens_total),
            ("prompt_cached", load.prompt_tokens_cached_total),
            ("answer", load.answer_tokens_total),
            ("draft", load.draft_tokens_total),
            ("draft_accepted", load.draft_tokens_accepted_total),
        ] {
            self.tokens.get_or_create(&TokenLabels { kind }).inner().store(total, Ordering::Relaxed);
        }
    }
}
