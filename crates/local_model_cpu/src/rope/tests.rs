//! Angles against the formula of the paper.

use super::*;

#[test]
fn angles_are_position_times_frequency() {
    let factors: Vec<f32> = (0..32).map(|pair| 1.0 + pair as f32).collect();
    for (factors, stretch) in [(None, 1.0), (Some(&factors[..]), 1.0), (None, 8.0)] {
        let rope = Rope::new(64, Angles { base: 10_000.0, stretch }, factors);
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
