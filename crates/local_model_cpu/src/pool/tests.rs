//! Every item is done once, by whoever; panics are told and survived; idle helpers sleep.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use super::*;

#[test]
fn every_item_is_done_once_whatever_the_numbers() {
    for threads in [1, 2, 5] {
        let mut pool = Pool::start(threads).unwrap();
        assert_eq!(pool.threads(), threads);
        for items in [0, 1, 2, 7, 64, 1000] {
            for grain in [0, 1, 3, 64, 5000] {
                let done: Vec<AtomicU32> = (0..items).map(|_| AtomicU32::new(0)).collect();
                let count = |item: usize| {
                    done[item].fetch_add(1, Ordering::Relaxed);
                };
                pool.share(items, grain, &|range| range.for_each(count)).unwrap();
                assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{threads} {items} {grain}");
            }
        }
    }
}

#[test]
fn helpers_take_part_even_after_they_slept() {
    let mut pool = Pool::start(3).unwrap();
    for _ in 0..3 {
        // All three must be inside at once, or this never ends.
        let (inside, all) = (Mutex::new(0), Condvar::new());
        pool.share(3, 1, &|_| {
            let mut inside = inside.lock().unwrap();
            *inside += 1;
            all.notify_all();
            drop(all.wait_while(inside, |inside| *inside < 3).unwrap());
        })
        .unwrap();
        while pool.shared.sleeping.load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
    }
}

#[test]
fn thousands_of_small_pieces_in_a_row_are_all_done() {
    let mut pool = Pool::start(4).unwrap();
    let done = AtomicUsize::new(0);
    for _ in 0..20_000 {
        pool.share(8, 1, &|range| {
            done.fetch_add(range.len(), Ordering::Relaxed);
        })
        .unwrap();
    }
    assert_eq!(done.load(Ordering::Relaxed), 160_000);
}

#[test]
fn a_panic_is_told_and_the_pool_goes_on() {
    for threads in [1, 3] {
        let mut pool = Pool::start(threads).unwrap();
        for items in [1, 50] {
            let failed = pool.share(items, 1, &|range| assert_ne!(range.end, items, "as the test wants"));
            assert_eq!(failed, Err(Panicked));
            let done = AtomicUsize::new(0);
            pool.share(50, 1, &|range| {
                done.fetch_add(range.len(), Ordering::Relaxed);
            })
            .unwrap();
            assert_eq!(done.load(Ordering::Relaxed), 50);
        }
    }
}
