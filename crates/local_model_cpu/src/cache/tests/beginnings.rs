//! Pages that are shared: found again by their owner alone, never written twice, given up when their room is needed.

use std::collections::HashMap;

use super::*;

fn begin(cache: &mut Cache, owner: &str, prompt: &[Token], tokens: usize) -> Option<(Slot, usize)> {
    cache.begin(&Beginning { owner, prompt, tokens })
}

/// A prompt of whole pages, each of one token again and again.
fn prompt(of_pages: &[Token]) -> Vec<Token> {
    of_pages.iter().flat_map(|&token| [token; PAGE_TOKENS]).collect()
}

#[test]
fn a_beginning_is_found_again_by_its_owner_alone_and_never_whole() {
    let mut cache = cache(8, 4);
    let asked = prompt(&[1, 2, 3]);
    let (slot, known) = begin(&mut cache, "one", &asked, 200).unwrap();
    assert_eq!(known, 0);
    let first = pages(&mut cache, slot);
    cache.share(slot, "one", &asked[..190]);
    cache.release(slot);
    let mut found = |owner: &str, prompt: &[Token]| {
        let (slot, known) = begin(&mut cache, owner, prompt, prompt.len() + 1).unwrap();
        let held = pages(&mut cache, slot);
        assert_eq!(held[..known / PAGE_TOKENS], first[..known / PAGE_TOKENS]);
        cache.release(slot);
        known
    };
    assert_eq!(found("one", &asked), 128, "the third page was not full");
    assert_eq!(found("one", &asked[..128]), 64, "one token is left to compute");
    assert_eq!(found("one", &asked[..129]), 128);
    assert_eq!(found("one", &prompt(&[1, 3, 3])), 64);
    assert_eq!(found("one", &prompt(&[2, 3])), 0, "pages in the middle begin nothing");
    assert_eq!(found("two", &asked), 0);
}

#[test]
fn what_is_longest_unused_makes_room_and_of_one_sequence_the_end_first() {
    let mut cache = cache(4, 4);
    for of_pages in [[1, 2], [3, 4]] {
        let asked = prompt(&of_pages);
        let (slot, _) = begin(&mut cache, "one", &asked, 128).unwrap();
        cache.share(slot, "one", &asked);
        cache.release(slot);
    }
    let known = |cache: &mut Cache, of_pages: &[Token]| {
        let asked = prompt(of_pages);
        let (slot, known) = begin(cache, "one", &asked, asked.len()).unwrap();
        cache.release(slot);
        known
    };
    assert_eq!(known(&mut cache, &[1, 2, 9]), 128, "four pages are known; one was forgotten for the third page");
    assert_eq!(known(&mut cache, &[3, 4, 9]), 64);
    // Room for all is made of all.
    let all = cache.reserve(4 * PAGE_TOKENS).unwrap();
    cache.release(all);
    assert_eq!(known(&mut cache, &[1, 2, 9]), 0);
}

#[test]
fn what_somebody_holds_is_not_given_up() {
    let mut cache = cache(3, 4);
    let asked = prompt(&[1, 2]);
    let (slot, _) = begin(&mut cache, "one", &asked, 128).unwrap();
    cache.share(slot, "one", &asked);
    assert!(cache.reserve(2 * PAGE_TOKENS).is_none());
    let (other, known) = begin(&mut cache, "one", &prompt(&[1, 2, 3]), 192).unwrap();
    assert_eq!(known, 128);
    assert_eq!(pages(&mut cache, other)[..2], pages(&mut cache, slot)[..]);
    cache.release(slot);
    assert!(cache.reserve(1).is_none(), "the other holds them still");
    cache.release(other);
    assert!(cache.reserve(3 * PAGE_TOKENS).is_some());
}

#[test]
fn two_that_computed_the_same_come_to_hold_the_same() {
    let mut cache = cache(8, 4);
    let asked = prompt(&[1, 2]);
    let slots = [0, 1].map(|_| begin(&mut cache, "one", &asked, 200).unwrap().0);
    for slot in slots {
        cache.share(slot, "one", &asked);
    }
    let held = slots.map(|slot| pages(&mut cache, slot));
    assert_eq!(held[0][..2], held[1][..2]);
    assert_ne!(held[0][2..], held[1][2..]);
    assert_eq!(cache.free.len(), 8 - 2 - 4);
}

/// A sequence as the test knows it.
struct Known {
    slot: Slot,
    owner: &'static str,
    prompt: Vec<Token>,
}

/// Whatever is begun, shared and ended in whatever order: what a sequence begins with is its own prompt's, computed for its owner;
/// what it may write to is its own; no page is lost.
#[test]
fn whatever_happens_a_sequence_begins_with_what_is_its_own() {
    let mut cache = cache(24, 6);
    let mut random = Random(31);
    let mut live: Vec<Known> = Vec::new();
    // What a page holds: whose, and all tokens up to its end.
    let mut holds: HashMap<usize, (&str, Vec<Token>)> = HashMap::new();
    let (mut reused, mut full) = (0, 0);
    for _ in 0..20_000 {
        if random.byte() < 140 {
            let owner = ["one", "two"][usize::from(random.byte() % 2)];
            let of_pages: Vec<Token> = (0..=random.byte() % 5).map(|_| Token::from(random.byte() % 3)).collect();
            let prompt = prompt(&of_pages);
            let tokens = prompt.len() + usize::from(random.byte());
            let Some((slot, known)) = begin(&mut cache, owner, &prompt, tokens) else {
                full += 1;
                continue;
            };
            reused += known;
            assert!(known < prompt.len());
            for (index, page) in pages(&mut cache, slot).into_iter().enumerate() {
                let end = (index + 1) * PAGE_TOKENS;
                if end <= known {
                    assert_eq!(holds[&page], (owner, prompt[..end].to_vec()));
                } else {
                    let end = end.min(prompt.len());
                    holds.insert(page, (owner, prompt[..end].to_vec()));
                }
            }
            live.push(Known { slot, owner, prompt });
        } else if !live.is_empty() {
            let at = usize::from(random.byte()) % live.len();
            if random.byte() < 200 {
                cache.share(live[at].slot, live[at].owner, &live[at].prompt);
            }
            if random.byte() < 200 {
                cache.release(live.swap_remove(at).slot);
            }
        }
        let mut own = HashSet::new();
        let mut all = HashSet::new();
        for known in &live {
            let shared = cache.parts_mut().0.of(known.slot).unwrap().shared / PAGE_TOKENS;
            for (index, page) in pages(&mut cache, known.slot).into_iter().enumerate() {
                all.insert(page);
                assert!(index < shared || own.insert(page), "a page that two may write to");
            }
        }
        let idle = (0..24).filter(|page| cache.holders[*page] == 0 && cache.kept.holds(*page)).count();
        assert_eq!(all.len() + idle + cache.free.len(), 24);
        assert!(cache.free.iter().all(|page| cache.holders[*page] == 0 && !cache.kept.holds(*page)));
    }
    assert!(reused > 100_000 && full > 100, "{reused} {full}");
}
