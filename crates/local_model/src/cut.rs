//! Finds where to cut off the unlikely tokens of a row without sorting it: weights are thrown into buckets by size, and only
//! the bucket through which the border runs is sorted. So the cost hardly depends on how many tokens are kept, and no
//! caller's parameters make a step much slower for the others. Pure.

/// Buckets are an `f32`'s exponent and the first five bits of its fraction: 32 for each power of two.
const BUCKET_SHIFT: u32 = 18;

/// Buckets for weights from 0 to 1.
const BUCKETS: usize = (1.0_f32.to_bits() >> BUCKET_SHIFT) as usize + 1;

/// Buffers for [`Cut::floor`].
#[derive(Debug, Default)]
pub(crate) struct Cut {
    held: Vec<f64>,
    border: Vec<f32>,
}

impl Cut {
    /// The highest floor such that the weights at or above it hold `enough`, as `measure` counts each of them. At least the
    /// heaviest is above it; if all together do not hold `enough`, all that are not 0 are. Weights lie between 0 and 1.
    pub(crate) fn floor(&mut self, weights: &[f32], enough: f64, measure: impl Fn(f32) -> f64) -> f32 {
        self.held.clear();
        self.held.resize(BUCKETS, 0.0);
        for &weight in weights.iter().filter(|&&weight| weight > 0.0) {
            if let Some(held) = self.held.get_mut(bucket(weight)) {
                *held += measure(weight);
            }
        }
        let mut before = 0.0;
        let border = self.held.iter().enumerate().rev().find(|&(_, &held)| {
            let reaches = held > 0.0 && before + held >= enough;
            before += if reaches { 0.0 } else { held };
            reaches
        });
        let Some((border, _)) = border else { return f32::MIN_POSITIVE };

        self.border.clear();
        self.border.extend(weights.iter().filter(|&&weight| weight > 0.0 && bucket(weight) == border));
        self.border.sort_unstable_by(|one, other| other.total_cmp(one));
        let floor = self.border.iter().find(|&&weight| {
            before += measure(weight);
            before >= enough
        });
        // The bucket's sum may have been rounded up to what is enough: then all of it is needed.
        floor.or(self.border.last()).copied().unwrap_or(f32::MIN_POSITIVE)
    }
}

/// Sets what is below the floor to 0.
pub(crate) fn drop_below(weights: &mut [f32], floor: f32) {
    for weight in weights {
        *weight = if *weight >= floor { *weight } else { 0.0 };
    }
}

fn bucket(weight: f32) -> usize {
    (weight.to_bits() >> BUCKET_SHIFT) as usize
}

#[cfg(test)]
mod tests;
