//! Pages are handed out whole, to one sequence at a time, and come back.

mod beginnings;

use std::collections::HashSet;

use super::*;
use crate::samples::Random;

fn cache(pages: usize, slots: usize) -> Cache {
    Cache::new(PageShape { layers: 2, kv_heads: 2, head_dim: 16 }, pages, slots).unwrap()
}

fn pages(cache: &mut Cache, slot: Slot) -> Vec<usize> {
    cache.parts_mut().0.of(slot).unwrap().pages.clone()
}

#[test]
fn a_sequence_gets_as_many_pages_as_its_tokens_need() {
    let mut cache = cache(8, 4);
    for (tokens, expected) in [(1, 1), (64, 1), (65, 2), (8 * 64, 8)] {
        let slot = cache.reserve(tokens).unwrap();
        assert_eq!(pages(&mut cache, slot).len(), expected, "{tokens}");
        cache.release(slot);
    }
    assert_eq!(cache.reserve(8 * 64 + 1), None);
}

#[test]
fn exhausted_pages_or_slots_refuse_until_something_is_released() {
    let mut cache = cache(4, 2);
    let first = cache.reserve(3 * 64).unwrap();
    assert_eq!(cache.reserve(2 * 64), None, "pages");
    let second = cache.reserve(64).unwrap();
    assert_eq!(cache.reserve(0), None, "slots");
    cache.release(first);
    cache.release(first);
    assert!(cache.reserve(4 * 64).is_none());
    assert!(cache.reserve(3 * 64).is_some());
    cache.release(second);
    cache.release(Slot(99));
    assert!(cache.reserve(64).is_some());
    assert!(cache.reserve(1).is_none());
}

#[test]
fn no_page_is_ever_held_twice() {
    let mut cache = cache(32, 8);
    let mut random = Random(23);
    let mut held: Vec<Slot> = Vec::new();
    for _ in 0..2000 {
        if random.byte() < 128 {
            held.extend(cache.reserve(random.byte() as usize + 1));
        } else if !held.is_empty() {
            let slot = held.swap_remove(random.byte() as usize % held.len());
            cache.release(slot);
        }
        let all: Vec<usize> = held.iter().flat_map(|slot| pages(&mut cache, *slot)).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(all.len() + cache.free.len(), 32);
    }
}

#[test]
fn heads_of_all_pages_lie_side_by_side() {
    let mut cache = cache(3, 1);
    let shape = cache.shape();
    let mut next = 0;
    for page in 0..3 {
        for layer in 0..2 {
            for head in 0..2 {
                assert_eq!(shape.head(page, layer, head), next);
                next += head_values(16);
            }
        }
    }
    assert_eq!(cache.parts_mut().1.len(), next);
    assert_eq!(shape.bytes() * 3, next * 2);
}
