//! Angles against the formula of the paper.

use super::*;

#[test]
fn angles_are_position_times_frequency() {
    let factors: Vec<f32> = (0..32).map(|pair| 1.0 + pair as f32).collect();
    for (factors, stretch) in [(None, 1.0), (Some(&factors[..]), 1.0), (None, 8.0)] {
        let rope = Rope::new(64, Angles { base: 10_000.0, stretch: Stretch::Evenly(stretch) }, factors);
        for position in [0, 1, 77, 8191] {
            let (mut cosines, mut sines) = ([0.0; 32], [0.0; 32]);
            rope.angles(position, &mut cosines, &mut sines);
            for pair in 0..32 {
                let factor = factors.map_or(1.0, |factors| f64::from(factors[pair]));
                let angle = position as f64 / 10_000_f64.powf(pair as f64 / 32.0) / factor / f64::from(stretch);
                assert!((f64::from(cosines[pair]) - angle.cos()).abs() < 1e-6, "{position} {pair}");
                assert!((f64::from(sines[pair]) - angle.sin()).abs() < 1e-6, "{position} {pair}");
            }
        }
    }
}

/// The frequency of each pair, and how loud the first is, from two positions' angles.
fn frequencies(stretch: Stretch) -> (Vec<f64>, f64) {
    let rope = Rope::new(64, Angles { base: 150_000.0, stretch }, None);
    let (mut cosines, mut sines) = ([0.0; 32], [0.0; 32]);
    rope.angles(1, &mut cosines, &mut sines);
    let loud = cosines[0].hypot(sines[0]);
    (sines.iter().zip(cosines).map(|(sine, cosine)| f64::from(sine.atan2(cosine))).collect(), loud.into())
}

#[test]
fn yarn_stretches_slow_pairs_and_leaves_fast_ones() {
    let yarn = |whole_pairs| Stretch::Yarn {
        factor: 32.0,
        context_tokens: 4096.0,
        turns: [32.0, 1.0],
        whole_pairs,
        loudness: 1.25,
    };
    let (plain, _) = frequencies(Stretch::Evenly(1.0));
    let (stretched, loud) = frequencies(yarn(true));
    assert!((loud - 1.25).abs() < 1e-6);
    // Pair 8.09 turns 32 times within 4,096 tokens, pair 17.40 once.
    for (pair, (stretched, plain)) in stretched.iter().zip(&plain).enumerate() {
        let share = ((pair as f64 - 8.0) / 10.0).clamp(0.0, 1.0);
        let expected = plain * (share / 32.0 + 1.0 - share);
        assert!((stretched / expected - 1.0).abs() < 1e-5, "pair {pair}: {stretched} and not {expected}");
    }
    let (exact, _) = frequencies(yarn(false));
    let share = (12.0 - 8.0928) / (17.3964 - 8.0928);
    assert!((exact[12] / plain[12] - (share / 32.0 + 1.0 - share)).abs() < 1e-4);
    assert!((exact[12] / stretched[12] - 1.0).abs() > 1e-3, "rounding makes a difference");
}
