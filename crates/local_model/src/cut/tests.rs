//! Against sorting.

use proptest::prelude::*;

use super::{Cut, drop_below};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_floor_is_where_sorting_finds_it(
        weights in prop::collection::vec(prop_oneof![0.0_f32..=1.0, 0.0_f32..1e-6, Just(0.0), Just(0.25)], 1..200),
        count in 1_u32..250,
        share in 0.0_f64..1.0,
    ) {
        let mut cut = Cut::default();
        let mut sorted: Vec<f32> = weights.iter().copied().filter(|&weight| weight > 0.0).collect();
        sorted.sort_by(|one, other| other.total_cmp(one));

        let floor = cut.floor(&weights, f64::from(count), |_| 1.0);
        let kept = weights.iter().filter(|&&weight| weight >= floor).count();
        let expected = sorted.get(count as usize - 1).map_or(sorted.len(), |&last| {
            sorted.iter().filter(|&&weight| weight >= last).count()
        });
        prop_assert_eq!(kept, expected);

        let total: f64 = sorted.iter().copied().map(f64::from).sum();
        let floor = cut.floor(&weights, share * total, f64::from);
        let held: f64 = sorted.iter().copied().filter(|&weight| weight >= floor).map(f64::from).sum();
        let above: f64 = sorted.iter().copied().filter(|&weight| weight > floor).map(f64::from).sum();
        prop_assert!(held >= share * total * (1.0 - 1e-9));
        prop_assert!(above <= share * total * (1.0 + 1e-9));
        prop_assert!(sorted.is_empty() || held > 0.0);
    }
}

#[test]
fn dropping_keeps_the_floor_itself() {
    let mut weights = [0.5, 0.25, 0.125];
    drop_below(&mut weights, 0.25);
    assert!(weights.iter().zip([0.5, 0.25, 0.0]).all(|(one, other)| (one - other).abs() < 1e-9));
}
