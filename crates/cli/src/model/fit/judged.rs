//! What was found of each model on a machine: for programs as it is, for people laid out by `shown`.

use ::catalog::fit::{CACHE_BYTES_A_VALUE, Demand, Verdict};
use local_model_cpu::Settings;
use serde::Serialize;

use super::{
    candidate::{Candidate, Form, From},
    machine::Machine,
};

/// Tokens of a page of the floor's cache: a sequence takes whole ones.
const PAGE_TOKENS: u64 = 64;

/// A model on a machine.
#[derive(Serialize)]
pub(super) struct Judged {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    pub(super) from: From,
    pub(super) architecture: Option<String>,
    /// Whether the floor computes it; none where its architecture is not known.
    pub(super) floor: Option<bool>,
    pub(super) parameters: u64,
    pub(super) active_parameters: u64,
    pub(super) cache_bytes_a_token: u64,
    pub(super) cache_is_estimated: bool,
    /// What was asked for, or the most that the model takes.
    pub(super) context_tokens: u64,
    pub(super) sequences: u64,
    pub(super) cache_bytes: u64,
    /// What `[local] cache_mib` must be for that, where the floor's default is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) needs_cache_mib: Option<u64>,
    /// The same of `[local] context_tokens_max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) needs_context_tokens_max: Option<u64>,
    /// The fewest bits first.
    pub(super) forms: Vec<JudgedForm>,
}

/// It, stored in one way.
#[derive(Serialize)]
pub(super) struct JudgedForm {
    pub(super) quantisation: String,
    #[serde(skip)]
    pub(super) name: String,
    pub(super) weight_bytes: u64,
    pub(super) needed_bytes: u64,
    pub(super) verdict: Word,
    /// The longest context that fits, where the one asked for does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context_tokens_at_most: Option<u64>,
    pub(super) tokens_per_second_estimate: Speed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    Fits,
    FitsWithContext,
    DoesNotFit,
}

/// Tokens a second of one sequence, about, as memory lets them.
#[derive(Serialize)]
pub(super) struct Speed {
    /// Of the first token after a short prompt.
    pub(super) at_the_start: f64,
    /// With the whole context before it.
    pub(super) with_full_context: f64,
}

impl Judged {
    pub(super) fn of(candidate: Candidate, asked: Demand, machine: &Machine) -> Self {
        let context_tokens = asked.context_tokens.min(candidate.context_tokens_max.unwrap_or(u64::MAX));
        let demand = Demand { context_tokens, ..asked };
        let first = candidate.forms.first().map(|form| form.sizes);
        let cache_bytes_a_token = first.map_or(CACHE_BYTES_A_VALUE, |sizes| sizes.cache_bytes_a_token);
        let floor = candidate.is_floors();
        let cache_bytes = first.map_or(0, |sizes| sizes.cache_bytes(demand));
        let defaults = Settings::default();
        let paged = Demand { context_tokens: context_tokens.next_multiple_of(PAGE_TOKENS), ..demand };
        let paged_bytes = first.map_or(0, |sizes| sizes.cache_bytes(paged));
        // What a server computes has settings of its own.
        let over = |needed: u64, given: usize| (floor != Some(false) && needed > given as u64).then_some(needed);
        // What only servers read does not run here.
        let forms = candidate.forms.iter().filter(|form| form.is_floors);
        Self {
            floor,
            parameters: candidate.parameters,
            active_parameters: candidate.active,
            cache_bytes_a_token,
            cache_is_estimated: candidate.cache_is_estimated,
            context_tokens,
            sequences: asked.sequences,
            cache_bytes,
            needs_cache_mib: over(paged_bytes, defaults.cache_bytes).map(|bytes| bytes.div_ceil(1 << 20)),
            needs_context_tokens_max: over(context_tokens, defaults.context_tokens_max),
            forms: forms.map(|form| JudgedForm::of(form, demand, machine)).collect(),
            name: candidate.name,
            title: candidate.title,
            from: candidate.from,
            architecture: candidate.architecture,
        }
    }

    /// The form with the most bits that fits as asked; else the fewest bits with a shorter context; else none.
    pub(super) fn best(&self) -> Option<&JudgedForm> {
        let fits = self.forms.iter().rev().find(|form| form.verdict == Word::Fits);
        fits.or_else(|| self.forms.iter().find(|form| form.verdict == Word::FitsWithContext))
    }

    pub(super) fn fits(&self) -> bool {
        self.forms.iter().any(|form| form.verdict == Word::Fits)
    }
}

impl JudgedForm {
    fn of(form: &Form, demand: Demand, machine: &Machine) -> Self {
        let sizes = &form.sizes;
        let (verdict, context_tokens_at_most) = match sizes.verdict(demand, machine.memory_bytes) {
            Verdict::Fits => (Word::Fits, None),
            Verdict::FitsWithContext(tokens) => (Word::FitsWithContext, Some(tokens)),
            Verdict::DoesNotFit => (Word::DoesNotFit, None),
        };
        let speed = |tokens| rounded(sizes.tokens_per_second(tokens, machine.bandwidth_bytes_per_second));
        Self {
            quantisation: form.id.clone(),
            name: form.name.clone(),
            weight_bytes: sizes.weight_bytes,
            needed_bytes: sizes.bytes(demand),
            verdict,
            context_tokens_at_most,
            tokens_per_second_estimate: Speed {
                at_the_start: speed(0),
                with_full_context: speed(context_tokens_at_most.unwrap_or(demand.context_tokens)),
            },
        }
    }
}

/// To a hundredth: an estimate is no better than that.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
