//! Which experts a token asks, and what each one's word counts for. It must not know what experts compute.

use crate::shape::Experts;
use crate::shape::experts::Scoring;

/// An expert that a token asks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    pub(crate) expert: usize,
    /// What its result is multiplied with.
    pub(crate) weight: f32,
}

/// Chooses by the router's results, which become scores: the best, by number where two are equal; in the order of their
/// numbers, so that sums do not depend on which token came first to which expert.
pub(crate) fn choose(experts: &Experts, biases: Option<&[f32]>, scores: &mut [f32], to: &mut [Choice]) {
    match experts.scoring {
        Scoring::Softmax => softmax(scores.iter_mut()),
        Scoring::Sigmoid => scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + (-*score).exp())),
        Scoring::SoftmaxOfChosen => {}
    }
    let worth = |expert: usize| scores[expert] + biases.map_or(0.0, |biases| biases[expert]);
    let mut found = 0;
    for (expert, score) in scores.iter().enumerate() {
        let worth_more = |other: &Choice| worth(other.expert).total_cmp(&worth(expert)).is_ge();
        let place = to[..found].iter().rposition(worth_more).map_or(0, |better| better + 1);
        if place < to.len() {
            found = to.len().min(found + 1);
            to[place..found].rotate_right(1);
            to[place] = Choice { expert, weight: *score };
        }
    }
    to.sort_unstable_by_key(|choice| choice.expert);
    let weights = to.iter_mut().map(|choice| &mut choice.weight);
    if experts.scoring == Scoring::SoftmaxOfChosen {
        softmax(weights);
    } else if experts.normalised {
        let sum = weights.map(|weight| *weight).sum::<f32>().max(f32::MIN_POSITIVE);
        for choice in to.iter_mut() {
            choice.weight /= sum;
        }
    }
    for choice in to {
        choice.weight *= experts.scale;
    }
}

fn softmax<'a>(values: impl Iterator<Item = &'a mut f32>) {
    let mut values: Vec<&mut f32> = values.collect();
    let greatest = values.iter().fold(f32::NEG_INFINITY, |greatest, value| greatest.max(**value));
    let mut sum = 0.0;
    for value in &mut values {
        **value = (**value - greatest).exp();
        sum += **value;
    }
    for value in values {
        *value /= sum;
    }
}

#[cfg(test)]
mod tests;
