//! Chooses a token from a row of logits. Pure but for its own random numbers, which depend on seed and choice alone; knows
//! nothing of text, queues or the engine.
//!
//! The order of operations is vLLM's (its V1 sampler), so that the parameters mean here what they mean there: bias, then
//! repetition, frequency and presence penalties, then temperature, min-p, top-k, top-p (over what the earlier two left),
//! then the draw. llama.cpp by default divides by temperature last, so its top-p does not depend on temperature. The
//! repetition penalty (Keskar et al. 2019, arXiv:1909.05858) looks at prompt and answer as in Hugging Face
//! `transformers`; frequency and presence at the answer only, as in OpenAI's API. Min-p: Nguyen et al. 2024,
//! arXiv:2407.01082; top-p: Holtzman et al. 2019, arXiv:1904.09751.
//!
//! A logit that is not a number is never chosen; an infinite one counts as the largest finite one.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};

use crate::{Sampling, Token};

/// Below this temperature the likeliest token is taken: the quotients would leave what an `f32` holds.
const TEMPERATURE_GREEDY: f32 = 1e-5;

/// How many of the likeliest candidates top-p sorts at first; most distributions hold 90 % in fewer. Eight times as many
/// at each further try keeps the tries few.
const NUCLEUS_FIRST_TRY: usize = 128;
const NUCLEUS_GROWTH: usize = 8;

/// Chooses the tokens of one choice.
#[derive(Debug)]
pub(crate) struct Sampler {
    sampling: Sampling,
    chance: Xoshiro256PlusPlus,
    /// How often the answer holds each token so far.
    answered: HashMap<Token, u32>,
    /// What the prompt holds; empty where no penalty asks.
    prompt: HashSet<Token>,
}

/// Buffers that all samplers of a thread share, so that none allocates a vocabulary's worth for each token.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    logits: Vec<f32>,
    candidates: Vec<Candidate>,
}

/// A token that may be drawn, and how likely it is compared with the likeliest.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    token: Token,
    weight: f32,
}

impl Sampler {
    /// `choice` counts from 0; each draws its own random numbers.
    pub(crate) fn new(sampling: Sampling, choice: u32, prompt: &[Token]) -> Self {
        let repetition = (sampling.repetition_penalty - 1.0).abs() > f32::EPSILON;
        let prompt = if repetition { prompt.iter().copied().collect() } else { HashSet::new() };
        Self { chance: random_numbers(sampling.seed, choice), sampling, answered: HashMap::new(), prompt }
    }

    /// The next token, or nothing where no logit is a number above negative infinity.
    pub(crate) fn choose(&mut self, logits: &[f32], scratch: &mut Scratch) -> Option<Token> {
        let Scratch { logits: adjusted, candidates } = scratch;
        let logits = if self.adjusts() {
            adjusted.clear();
            adjusted.extend_from_slice(logits);
            self.adjust(adjusted);
            adjusted
        } else {
            logits
        };
        let (likeliest, max) = likeliest(logits)?;
        let token = if self.sampling.temperature < TEMPERATURE_GREEDY {
            likeliest
        } else {
            self.weigh(logits, max, candidates);
            self.keep_top_k(candidates);
            self.keep_top_p(candidates);
            draw(candidates, self.chance.random())?
        };
        let times = self.answered.entry(token).or_default();
        *times = times.saturating_add(1);
        Some(token)
    }

    fn adjusts(&self) -> bool {
        let Sampling { frequency_penalty, presence_penalty, logit_bias, .. } = &self.sampling;
        let penalises = *frequency_penalty != 0.0 || *presence_penalty != 0.0;
        !logit_bias.is_empty() || !self.prompt.is_empty() || (penalises && !self.answered.is_empty())
    }

    fn adjust(&self, logits: &mut [f32]) {
        let sampling = &self.sampling;
        for &(token, bias) in &sampling.logit_bias {
            change(logits, token, |logit| logit + bias);
        }
        // An empty prompt set says that the repetition penalty is off: a prompt is never empty.
        if !self.prompt.is_empty() {
            let answered = self.answered.keys().filter(|token| !self.prompt.contains(token));
            for &token in self.prompt.iter().chain(answered) {
                let penalty = sampling.repetition_penalty;
                change(logits, token, |logit| if logit > 0.0 { logit / penalty } else { logit * penalty });
            }
        }
        for (&token, &times) in &self.answered {
            #[expect(clippy::cast_precision_loss, reason = "an answer has far fewer than 2^24 tokens")]
            let penalty = sampling.frequency_penalty.mul_add(times as f32, sampling.presence_penalty);
            change(logits, token, |logit| logit - penalty);
        }
    }

    /// Fills `candidates` with what min-p leaves, in the order of the vocabulary.
    fn weigh(&self, logits: &[f32], max: f32, candidates: &mut Vec<Candidate>) {
        let floor = self.sampling.min_p.max(f32::MIN_POSITIVE).ln();
        let temperature = self.sampling.temperature;
        candidates.clear();
        for (token, &logit) in (0..).zip(logits) {
            let distance = (usable(logit) - max) / temperature;
            if distance >= floor {
                candidates.push(Candidate { token, weight: distance.exp() });
            }
        }
    }

    fn keep_top_k(&self, candidates: &mut Vec<Candidate>) {
        let k = self.sampling.top_k as usize;
        if k > 0 && k < candidates.len() {
            likeliest_first(candidates, k);
            candidates.truncate(k);
        }
    }

    /// Keeps the fewest of the likeliest candidates that hold `top_p` of what all of them weigh; always at least one.
    fn keep_top_p(&self, candidates: &mut Vec<Candidate>) {
        if self.sampling.top_p >= 1.0 {
            return;
        }
        let share = f64::from(self.sampling.top_p) * total(candidates);
        let mut first = NUCLEUS_FIRST_TRY;
        loop {
            let first_now = first.min(candidates.len());
            likeliest_first(candidates, first_now);
            let mut held = 0.0;
            let reaches = candidates.iter().take(first_now).position(|candidate| {
                held += f64::from(candidate.weight);
                held >= share
            });
            if let Some(last) = reaches {
                return candidates.truncate(last + 1);
            }
            if first_now == candidates.len() {
                return;
            }
            first = first.saturating_mul(NUCLEUS_GROWTH);
        }
    }
}

/// A generator for one choice. Choices are seeded by the seed's own successive numbers, so that their streams have nothing
/// to do with those of neighbouring seeds. The generator is named, not `StdRng`: that one may change between releases.
fn random_numbers(seed: u64, choice: u32) -> Xoshiro256PlusPlus {
    let mut seeds = Xoshiro256PlusPlus::seed_from_u64(seed);
    for _ in 0..choice {
        seeds.next_u64();
    }
    Xoshiro256PlusPlus::seed_from_u64(seeds.next_u64())
}

/// A logit that can be compared and subtracted.
pub(crate) fn usable(logit: f32) -> f32 {
    if logit.is_nan() { f32::NEG_INFINITY } else { logit.min(f32::MAX) }
}

/// The token with the highest logit, the first of equals, and that logit.
fn likeliest(logits: &[f32]) -> Option<(Token, f32)> {
    let max = logits.iter().copied().map(usable).fold(f32::NEG_INFINITY, f32::max);
    let (token, _) = (0..).zip(logits).find(|&(_, &logit)| usable(logit) >= max)?;
    (max > f32::NEG_INFINITY).then_some((token, max))
}

fn change(logits: &mut [f32], token: Token, to: impl FnOnce(f32) -> f32) {
    if let Some(logit) = logits.get_mut(token as usize) {
        *logit = to(*logit);
    }
}

/// Moves the `count` likeliest candidates to the front and sorts them; equals stand in the order of the vocabulary.
fn likeliest_first(candidates: &mut [Candidate], count: usize) {
    if count > 0 && count < candidates.len() {
        candidates.select_nth_unstable_by(count - 1, |one, other| by_weight(*one, *other));
    }
    candidates.get_mut(..count).unwrap_or_default().sort_unstable_by(|one, other| by_weight(*one, *other));
}

fn by_weight(one: Candidate, other: Candidate) -> Ordering {
    other.weight.total_cmp(&one.weight).then(one.token.cmp(&other.token))
}

fn total(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|candidate| f64::from(candidate.weight)).sum()
}

/// The candidate at this share (0 to 1) of all their weight.
fn draw(candidates: &[Candidate], share: f64) -> Option<Token> {
    let mut left = share * total(candidates);
    let drawn = candidates.iter().find(|candidate| {
        left -= f64::from(candidate.weight);
        left < 0.0
    });
    // Rounding may leave a crumb at the very end.
    drawn.or(candidates.last()).map(|candidate| candidate.token)
}

#[cfg(test)]
mod tests;
