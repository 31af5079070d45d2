//! Rotary position embedding (Su et al. 2021): the angle by which each pair of a head's components turns at a position.

use crate::shape::Angles;

/// Turns per position of each pair, in radians.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    frequencies: Vec<f64>,
}

impl Rope {
    /// Pair i of `head_dim / 2` turns by `base^(−2i / head_dim)`, divided by the stretch and by its factor where the file
    /// brings factors (Llama 3's longer contexts).
    pub(crate) fn new(head_dim: usize, angles: Angles, factors: Option<&[f32]>) -> Self {
        let frequency = |pair: usize| {
            let factor = factors.and_then(|factors| factors.get(pair)).copied().unwrap_or(1.0);
            f64::from(angles.base).powf(-2.0 * pair as f64 / head_dim as f64)
                / f64::from(angles.stretch)
                / f64::from(factor)
        };
        Self { frequencies: (0..head_dim / 2).map(frequency).collect() }
    }

    /// Cosines and sines of a position's angles, a pair each.
    pub(crate) fn angles(&self, position: usize, cosines: &mut [f32], sines: &mut [f32]) {
        for ((frequency, cosine), sine) in self.frequencies.iter().zip(cosines).zip(sines) {
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            (*cosine, *sine) = (cos as f32, sin as f32);
        }
    }
}

#[cfg(test)]
mod tests;
