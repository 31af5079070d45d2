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
//! A logit that is not a number is never chosen; an infinite one counts as the largest finite one. Tokens that are exactly
//! as likely as the last that top-k or top-p keeps are kept with it.

use std::collections::{HashMap, HashSet};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};

use crate::cut::{self, Cut};
use crate::{Sampling, Token, exponential};

/// Below this temperature the likeliest token is taken: the quotients would leave what an `f32` holds.
const TEMPERATURE_GREEDY: f32 = 1e-5;

/// Tokens that a draw passes over at once while looking for its place.
const DRAW_BLOCK: usize = 256;

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
    /// Logits of tokens that may come; the others' are negative infinity.
    pub(crate) masked: Vec<f32>,
    logits: Vec<f32>,
    /// How likely each token is compared with the likeliest; 0 where it may not be drawn.
    weights: Vec<f32>,
    cut: Cut,
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
        let Scratch { logits: adjusted, weights, cut, masked: _ } = scratch;
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
            self.weigh(logits, max, weights);
            self.keep_top_k(weights, cut);
            self.keep_top_p(weights, cut);
            draw(weights, self.chance.random())?
        };
        self.note(token);
        Some(token)
    }

    /// Takes note of a token that the answer holds without having been drawn.
    pub(crate) fn note(&mut self, token: Token) {
        let times = self.answered.entry(token).or_default();
        *times = times.saturating_add(1);
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

    /// Fills `weights`; what min-p cuts off weighs nothing.
    fn weigh(&self, logits: &[f32], max: f32, weights: &mut Vec<f32>) {
        let per_degree = self.sampling.temperature.recip();
        let weight = |&logit: &f32| exponential::of_negative((usable(logit) - max) * per_degree);
        weights.clear();
        weights.extend(logits.iter().map(weight));
        if self.sampling.min_p > 0.0 {
            cut::drop_below(weights, self.sampling.min_p);
        }
    }

    fn keep_top_k(&self, weights: &mut [f32], cut: &mut Cut) {
        if self.sampling.top_k > 0 {
            let floor = cut.floor(weights, f64::from(self.sampling.top_k), |_| 1.0);
            cut::drop_below(weights, floor);
        }
    }

    /// Keeps the fewest of the likeliest tokens that hold `top_p` of what all of them weigh; always at least one.
    fn keep_top_p(&self, weights: &mut [f32], cut: &mut Cut) {
        if self.sampling.top_p < 1.0 {
            let share = f64::from(self.sampling.top_p) * exponential::sum(weights);
            let floor = cut.floor(weights, share, f64::from);
            cut::drop_below(weights, floor);
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

/// The token at this share (0 to 1) of all weight, in the order of the vocabulary.
fn draw(weights: &[f32], share: f64) -> Option<Token> {
    let mut left = share * exponential::sum(weights);
    let mut last = None;
    for (first, block) in (0..).step_by(DRAW_BLOCK).zip(weights.chunks(DRAW_BLOCK)) {
        let held = exponential::sum(block);
        if held > 0.0 {
            last = Some((first, block));
            if left < held {
                break;
            }
            left -= held;
        }
    }
    let (first, block) = last?;
    let mut drawn = None;
    for (token, &weight) in (first..).zip(block).filter(|&(_, &weight)| weight > 0.0) {
        drawn = Some(token);
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    // Rounding may leave a crumb past the end: it falls to a token that may be drawn.
    drawn
}

#[cfg(test)]
mod tests;
