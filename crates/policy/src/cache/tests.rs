//! The cache gives back what was found, finds again what it forgot, and never keeps more than it may.

use super::*;
use crate::space::Set;

fn combination(number: u32) -> Combination {
    let mut combination = Combination::default();
    combination.set_bits(Set::Findings, number.into());
    combination
}

fn len(cache: &Cache) -> usize {
    let len = |shard: &Mutex<Generations>| {
        let shard = shard.lock().unwrap();
        shard.young.len() + shard.old.len()
    };
    cache.shards.iter().map(len).sum()
}

/// Asks; whether it had to be found.
fn ask(cache: &Cache, number: u32) -> bool {
    let mut found = false;
    let verdict = cache.verdict(&combination(number), || {
        found = true;
        Arc::new(Verdict(Vec::with_capacity(number as usize % 8)))
    });
    assert_eq!(verdict.iter().count(), 0);
    found
}

#[test]
fn what_was_found_is_not_found_again() {
    let cache = Cache::of(4);
    assert!((0..1_000).all(|number| ask(&cache, number)));
    assert!((0..1_000).all(|number| !ask(&cache, number)));
    assert_eq!(len(&cache), 1_000);
}

#[test]
fn it_never_keeps_more_than_it_may_and_keeps_what_is_asked_for() {
    // So many destinations that a generation of a shard holds few verdicts.
    let cache = Cache::of(8_000);
    let most = 2 * SHARDS * cache.most;
    assert!(most * 16 * 8_000 <= MOST_BYTES && cache.most > 8, "{most}");
    let mut again = 0;
    for number in 0..20_000 {
        assert!(ask(&cache, number + 1));
        again += u32::from(ask(&cache, 0));
        assert!(len(&cache) <= most, "{}", len(&cache));
    }
    // The one that is asked for all the time moves up whenever a generation passes.
    assert_eq!(again, 1);
}
