//! Tests of admission: counts come back, rates hold to the microsecond.

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::{BODY_BYTES_MAX, BODY_BYTES_PER_KEY_MAX, Gate, admit, room_for_body};
use crate::{
    clock::{Clock, Moment},
    config::{Admission, Registered},
    keys::Caller,
    tasks::Tasks,
};

fn gate() -> (Arc<Gate>, Tasks) {
    let tasks = Tasks::new(Clock::system());
    (Arc::new(Gate::new(tasks.stop())), tasks)
}

fn caller(key_id: &str) -> Arc<Caller> {
    Arc::new(Caller { key_id: key_id.into(), name: "n".into(), team: "t".into(), registered: Registered::default() })
}

fn at(millis: u64) -> Moment {
    Moment::default().plus(Duration::from_millis(millis))
}

#[test]
fn a_slot_is_free_again_when_it_is_dropped_and_a_greedy_key_costs_only_itself() {
    let (gate, _tasks) = gate();
    let limits = Admission { requests_in_flight_max: 3, requests_in_flight_per_key_max: 2, ..Admission::default() };
    let first = admit(caller("a"), &gate, &limits, at(0)).unwrap();
    let _second = admit(caller("a"), &gate, &limits, at(0)).unwrap();
    let third = admit(caller("a"), &gate, &limits, at(0)).unwrap_err();
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    let _other = admit(caller("b"), &gate, &limits, at(0)).unwrap();
    let full = admit(caller("c"), &gate, &limits, at(0)).unwrap_err();
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(gate.in_flight(), 3, "who was turned away holds nothing");
    drop(first);
    assert_eq!(gate.in_flight(), 2);
    admit(caller("a"), &gate, &limits, at(0)).unwrap();
}

#[test]
fn the_bytes_of_bodies_are_held_to_a_limit_for_each_key_and_for_all() {
    let (gate, _tasks) = gate();
    let half = BODY_BYTES_PER_KEY_MAX / 2;
    let first = room_for_body(&caller("a"), &gate, half).unwrap();
    let second = room_for_body(&caller("a"), &gate, half).unwrap();
    let full = room_for_body(&caller("a"), &gate, 1).unwrap_err();
    assert_eq!(full.status(), StatusCode::TOO_MANY_REQUESTS);
    let keys = (BODY_BYTES_MAX - BODY_BYTES_PER_KEY_MAX) / BODY_BYTES_PER_KEY_MAX;
    let others: Vec<_> = (0..keys)
        .map(|key| room_for_body(&caller(&format!("other {key}")), &gate, BODY_BYTES_PER_KEY_MAX).unwrap())
        .collect();
    let busy = room_for_body(&caller("b"), &gate, 1).unwrap_err();
    assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop((first, others));
    room_for_body(&caller("a"), &gate, half).unwrap();
    assert!(room_for_body(&caller("c"), &gate, BODY_BYTES_MAX + 1).is_err(), "not beside others");
    drop(second);
    room_for_body(&caller("c"), &gate, BODY_BYTES_MAX + 1).unwrap();
}

#[test]
fn a_minute_s_requests_may_come_at_once_and_then_one_by_one() {
    let (gate, _tasks) = gate();
    let limits = Admission { requests_per_minute_per_key: Some(4), ..Admission::default() };
    for _ in 0..4 {
        admit(caller("a"), &gate, &limits, at(0)).unwrap();
    }
    assert_eq!(admit(caller("a"), &gate, &limits, at(0)).unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
    admit(caller("a"), &gate, &limits, at(14_999)).unwrap_err();
    admit(caller("a"), &gate, &limits, at(15_000)).unwrap();
    admit(caller("a"), &gate, &limits, at(15_000)).unwrap_err();
    admit(caller("b"), &gate, &limits, at(15_000)).unwrap();
    assert_eq!(gate.in_flight(), 0);
}
