//! Scores against the definition of log-softmax.

use proptest::prelude::*;

use super::score;
use crate::scripted::{self, Script};

proptest! {
    #[test]
    fn scores_are_the_log_softmax(logits in prop::collection::vec(-20.0_f32..20.0, 1..200), token: u32, top in 0_u8..=20) {
        let codec = scripted::model(Script::new()).codec;
        let token = token % u32::try_from(logits.len()).expect("few");
        let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
        let expected = |token: usize| f64::from(logits[token]) - total.ln();
        let score = score(&logits, token, top, &*codec);
        prop_assert!((f64::from(score.logprob) - expected(token as usize)).abs() < 1e-4);
        let mut order: Vec<u32> = (0..).take(logits.len()).collect();
        order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
        order.truncate(usize::from(top));
        prop_assert_eq!(score.top.iter().map(|(token, ..)| *token).collect::<Vec<_>>(), order);
        for (token, bytes, logprob) in &score.top {
            prop_assert!((f64::from(*logprob) - expected(*token as usize)).abs() < 1e-4);
            prop_assert_eq!(&bytes[..], codec.bytes(*token));
        }
    }
}

#[test]
fn the_impossible_is_told_in_numbers() {
    let codec = scripted::model(Script::new()).codec;
    let logits = [f32::NEG_INFINITY, 1.0, f32::NAN, 1.0];
    let score = score(&logits, 0, 4, &*codec);
    assert!((score.logprob - -9_999.0).abs() < f32::EPSILON);
    let top: Vec<(u32, f32)> = score.top.iter().map(|(token, _, logprob)| (*token, *logprob)).collect();
    let half = 0.5_f32.ln();
    assert_eq!(top.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 3, 0, 2]);
    assert!(top.iter().zip([half, half, -9_999.0, -9_999.0]).all(|((_, one), other)| (one - other).abs() < 1e-6));
}
