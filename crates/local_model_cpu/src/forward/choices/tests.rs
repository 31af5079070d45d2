//! Choices against the same written plainly.

use proptest::prelude::*;

use super::*;
use crate::shape::Presence;

const EXPERTS: Experts = Experts {
    count: 4,
    used: 2,
    feed_width: 32,
    shared_width: 0,
    dense_layers: 0,
    scoring: Scoring::Softmax,
    normalised: false,
    scale: 1.0,
    choice_biases: Presence::Never,
};

fn chosen(experts: &Experts, biases: Option<&[f32]>, results: &[f32]) -> Vec<Choice> {
    let mut to = vec![Choice::default(); experts.used];
    choose(experts, biases, &mut results.to_vec(), &mut to);
    to
}

#[test]
fn the_best_are_chosen_in_the_order_of_their_numbers() {
    let numbers =
        |results: &[f32]| chosen(&EXPERTS, None, results).iter().map(|choice| choice.expert).collect::<Vec<_>>();
    assert_eq!(numbers(&[1.0, 4.0, 3.0, 2.0]), [1, 2]);
    assert_eq!(numbers(&[4.0, 1.0, 2.0, 3.0]), [0, 3]);
    assert_eq!(numbers(&[1.0, 1.0, 1.0, 1.0]), [0, 1], "the first where all are equal");
    assert_eq!(chosen(&EXPERTS, None, &[f32::NAN; 4]).len(), 2, "a broken network ends no process");
}

#[test]
fn a_bias_counts_in_the_choice_alone() {
    let experts = Experts { scoring: Scoring::Sigmoid, ..EXPERTS };
    let biased = chosen(&experts, Some(&[0.0, 0.0, 0.0, 1.0]), &[0.0, 2.0, 1.0, -1.0]);
    let sigmoid = |value: f32| 1.0 / (1.0 + (-value).exp());
    let expected = [Choice { expert: 1, weight: sigmoid(2.0) }, Choice { expert: 3, weight: sigmoid(-1.0) }];
    assert_eq!(biased, expected);
}

proptest! {
    #[test]
    fn weights_are_what_the_sizes_say(
        steps in prop::collection::vec(-384_i16..384, 4..40),
        used in 1_usize..5,
        normalised: bool,
    ) {
        // Steps that no rounding of scores makes equal.
        let results: Vec<f32> = steps.into_iter().map(|step| f32::from(step) / 64.0).collect();
        let mut best: Vec<usize> = (0..results.len()).collect();
        best.sort_by(|a, b| results[*b].total_cmp(&results[*a]));
        best.truncate(used);
        best.sort_unstable();
        for scoring in [Scoring::Softmax, Scoring::Sigmoid, Scoring::SoftmaxOfChosen] {
            let experts = Experts { count: results.len(), used, scoring, normalised, scale: 2.5, ..EXPERTS };
            let choices = chosen(&experts, None, &results);
            let power = |expert: usize| f64::from(results[expert]).exp();
            let all: f64 = (0..results.len()).map(power).sum();
            let score = |expert: usize| match scoring {
                Scoring::Softmax => power(expert) / all,
                Scoring::Sigmoid => 1.0 / (1.0 + 1.0 / power(expert)),
                Scoring::SoftmaxOfChosen => power(expert),
            };
            let sum: f64 = best.iter().map(|expert| score(*expert)).sum();
            let divisor = if normalised || scoring == Scoring::SoftmaxOfChosen { sum } else { 1.0 };
            for (choice, expert) in choices.iter().zip(&best) {
                prop_assert_eq!(choice.expert, *expert);
                let expected = 2.5 * score(*expert) / divisor;
                prop_assert!((f64::from(choice.weight) - expected).abs() <= 1e-5 * (1.0 + expected), "{scoring:?}");
            }
        }
    }
}
