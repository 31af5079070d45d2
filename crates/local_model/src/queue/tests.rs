//! Turns are taken, and nobody is forgotten.

use std::sync::Arc;

use super::Queue;

/// Takes whole jobs until the queue is empty.
fn drain(queue: &mut Queue) -> Vec<u64> {
    let mut order = Vec::new();
    while let Some(job) = queue.next(|_| true) {
        order.push(job);
        queue.end_turn(job);
        queue.remove(job);
    }
    order
}

#[test]
fn callers_take_turns_and_each_callers_jobs_keep_their_order() {
    let mut queue = Queue::default();
    let callers: Vec<Arc<str>> = ["greedy", "modest", "late"].map(Arc::from).to_vec();
    for job in 0..5 {
        queue.push(&callers[0], job);
    }
    queue.push(&callers[1], 10);
    queue.push(&callers[2], 20);
    queue.push(&callers[1], 11);
    assert_eq!(drain(&mut queue), [0, 10, 20, 1, 11, 2, 3, 4]);
}

#[test]
fn a_job_may_keep_its_place_for_several_turns() {
    let mut queue = Queue::default();
    queue.push(&Arc::from("many choices"), 1);
    queue.push(&Arc::from("one choice"), 2);
    assert_eq!(queue.next(|_| true), Some(1));
    queue.end_turn(1);
    assert_eq!(queue.next(|_| true), Some(2));
    queue.end_turn(2);
    queue.remove(2);
    assert_eq!(queue.next(|_| true), Some(1));
}

#[test]
fn a_job_that_is_not_ready_lets_others_by_and_keeps_its_turn() {
    let mut queue = Queue::default();
    for (caller, job) in [("a", 1), ("a", 2), ("b", 3)] {
        queue.push(&Arc::from(caller), job);
    }
    assert_eq!(queue.next(|job| job != 1), Some(2), "the same caller's");
    assert_eq!(queue.next(|job| job == 3), Some(3));
    queue.end_turn(3);
    assert_eq!(queue.next(|_| true), Some(1));
    assert_eq!(queue.next(|_| false), None);
}

#[test]
fn a_job_that_is_taken_out_leaves_nothing_behind() {
    let mut queue = Queue::default();
    queue.push(&Arc::from("a"), 1);
    queue.push(&Arc::from("b"), 2);
    queue.remove(1);
    queue.remove(7);
    assert_eq!(queue.jobs().collect::<Vec<_>>(), [2]);
    queue.remove(2);
    assert_eq!(queue.next(|_| true), None);
    queue.end_turn(2);
}
