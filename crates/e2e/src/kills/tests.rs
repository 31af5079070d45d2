//! That chance can be replayed, and that half of the kills come while it starts.

use super::*;

#[test]
fn a_seed_replays_its_moments() {
    let moments = |seed| {
        let mut chance = Chance::new(seed);
        let starting = Plan { kills: 40, seed }.starting(&mut chance);
        starting.into_iter().map(|starting| Moment::choose(starting, &mut chance)).collect::<Vec<_>>()
    };
    assert_eq!(moments(7), moments(7));
    assert_ne!(moments(7), moments(8));
    let serving = moments(7).iter().filter(|moment| matches!(moment, Moment::Serving { .. })).count();
    assert_eq!(serving, 20);
}

#[test]
fn chance_reaches_all_of_a_range() {
    let mut chance = Chance::new(1);
    let mut seen = [0; 10];
    for _ in 0..1000 {
        seen[chance.below_index(seen.len())] += 1;
    }
    assert!(seen.iter().all(|count| (50..200).contains(count)), "{seen:?}");
}
