//! Rotary position embedding (Su et al. 2021): the angle by which each pair of a head's components turns at a position.

use std::f64::consts::PI;

use crate::shape::{Angles, Stretch};

/// Turns per position of each pair, in radians.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    frequencies: Vec<f64>,
    /// What cosines and sines are multiplied with.
    loudness: f64,
}

impl Rope {
    /// Pair i of `head_dim / 2` turns by `base^(−2i / head_dim)`, divided as the stretch says and by its factor where the
    /// file brings factors (Llama 3's longer contexts).
    pub(crate) fn new(head_dim: usize, angles: Angles, factors: Option<&[f32]>) -> Self {
        let frequency = |pair: usize| {
            let factor = factors.and_then(|factors| factors.get(pair)).copied().unwrap_or(1.0);
            f64::from(angles.base).powf(-2.0 * pair as f64 / head_dim as f64) * slowing(head_dim, angles, pair as f64)
                / f64::from(factor)
        };
        let loudness = match angles.stretch {
            Stretch::Evenly(_) => 1.0,
            Stretch::Yarn { loudness, .. } => loudness.into(),
        };
        Self { frequencies: (0..head_dim / 2).map(frequency).collect(), loudness }
    }

    /// Cosines and sines of a position's angles, a pair each.
    pub(crate) fn angles(&self, position: usize, cosines: &mut [f32], sines: &mut [f32]) {
        for ((frequency, cosine), sine) in self.frequencies.iter().zip(cosines).zip(sines) {
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            (*cosine, *sine) = ((cos * self.loudness) as f32, (sin * self.loudness) as f32);
        }
    }
}

/// What the stretch multiplies a pair's frequency with.
fn slowing(head_dim: usize, angles: Angles, pair: f64) -> f64 {
    match angles.stretch {
        Stretch::Evenly(divisor) => 1.0 / f64::from(divisor),
        Stretch::Yarn { factor, context_tokens, turns, whole_pairs, .. } => {
            // The pair, not a whole one, that turns so often within the tokens first taught.
            let pair_of = |turns: f32| {
                let tokens_a_turn = f64::from(context_tokens) / (f64::from(turns) * 2.0 * PI);
                head_dim as f64 * tokens_a_turn.ln() / (2.0 * f64::from(angles.base).ln())
            };
            let [mut first, mut last] = turns.map(pair_of);
            if whole_pairs {
                (first, last) = (first.floor(), last.ceil());
            }
            (first, last) = (first.max(0.0), last.min(head_dim as f64 - 1.0));
            let stretched = ((pair - first) / (last - first).max(0.001)).clamp(0.0, 1.0);
            stretched / f64::from(factor) + (1.0 - stretched)
        }
    }
}

#[cfg(test)]
mod tests;
