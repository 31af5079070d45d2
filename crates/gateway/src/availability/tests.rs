//! The whole: what one request learns from what others have seen, by a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use ::policy::Destination;
use proptest::prelude::*;

use super::{
    Answered, Availability, Cause, Diagnosis, Evidence, Extent, Outage, Sickness, State, Symptom, Visit, diagnose,
};
use crate::{
    clock::{Clock, Hand},
    config::Config,
    withdrawal::Subject,
};

const KEY: &str = "key-one";

fn availability() -> (Availability, Hand) {
    let (clock, hand) = Clock::by_hand("2026-11-21T12:00:00Z".parse().unwrap());
    (Availability::new(&clock, Config::default().live()), hand)
}

fn place(name: &str, model: &str) -> Destination {
    let id = format!("{name}/{model}").into();
    Destination { id, name: name.into(), model: model.into(), ..Destination::default() }
}

fn sick(sickness: Sickness, extent: Extent) -> Diagnosis {
    let evidence = Evidence { what: "it is a test", status: Some(401), code: None };
    Diagnosis { sickness, extent, retry_after: None, evidence }
}

fn certain(cause: Cause, extent: Extent) -> Diagnosis {
    sick(Sickness::Withdrawal { cause, certain: true }, extent)
}

fn suspected(cause: Cause) -> Diagnosis {
    sick(Sickness::Withdrawal { cause, certain: false }, Extent::Destination)
}

fn outage() -> Diagnosis {
    sick(Sickness::Outage(Outage::Unavailable), Extent::Model)
}

#[test]
fn a_certain_withdrawal_takes_the_whole_destination_or_one_model_at_once() {
    let (health, _hand) = availability();
    let (large, small, other) = (place("abroad", "large"), place("abroad", "small"), place("home", "large"));
    health.enter(&large).unwrap().failed(&certain(Cause::Model, Extent::Model), KEY);
    assert!(matches!(health.state(&large), State::Withdrawn { cause: Cause::Model, .. }));
    assert_eq!((health.state(&small), health.state(&other)), (State::Ready, State::Ready));
    health.enter(&small).unwrap().failed(&certain(Cause::Region, Extent::Destination), KEY);
    assert!(matches!(health.state(&small), State::Withdrawn { cause: Cause::Region, .. }));
    assert!(matches!(health.enter(&large), Err(State::Withdrawn { cause: Cause::Model, .. })), "the older one is told");
    assert_eq!(health.state(&other), State::Ready);
    let subjects: Vec<String> = health.withdrawals().iter().map(|it| it.subject.to_string()).collect();
    assert_eq!(subjects, ["abroad/large", "destination:abroad"]);
    assert_eq!(&*health.withdrawals()[0].why, "it is a test (401)");
    assert_eq!(&*health.withdrawals()[0].by, "gateway");
}

#[test]
fn a_withdrawal_does_not_heal_however_long_one_waits() {
    let (health, hand) = availability();
    let abroad = place("abroad", "large");
    health.enter(&abroad).unwrap().failed(&certain(Cause::Legal, Extent::Destination), KEY);
    for _ in 0..100 {
        hand.advance(Duration::from_hours(24));
        assert!(health.enter(&abroad).is_err());
    }
}

#[test]
fn a_suspicion_takes_three_requests_one_after_the_other() {
    let (health, _hand) = availability();
    let (abroad, other_model) = (place("abroad", "large"), place("abroad", "small"));
    health.enter(&abroad).unwrap().failed(&suspected(Cause::Credentials), KEY);
    let checking = health.enter(&abroad).unwrap();
    assert!(matches!(health.enter(&abroad), Err(State::Resting { .. })), "while it is doubted, one at a time asks");
    checking.failed(&suspected(Cause::Credentials), KEY);
    assert!(health.withdrawals().is_empty());
    // The key is the destination's: another model of it is asked with the same one.
    health.enter(&other_model).unwrap().failed(&suspected(Cause::Credentials), KEY);
    assert!(matches!(health.state(&abroad), State::Withdrawn { cause: Cause::Credentials, .. }));
}

/// A caller whom a provider refuses for what it asks must not take the provider from all others.
#[test]
fn what_one_caller_alone_is_refused_takes_six_and_what_two_are_refused_three() {
    let mut refused = suspected(Cause::Credentials);
    refused.evidence.status = Some(403);
    let abroad = place("abroad", "large");
    for (callers, enough) in [([KEY, KEY], 6), ([KEY, "key-two"], 3)] {
        let (health, _hand) = availability();
        for (count, caller) in callers.iter().cycle().take(enough).enumerate() {
            assert!(health.withdrawals().is_empty(), "after {count} of {enough}");
            health.enter(&abroad).unwrap().failed(&refused, caller);
        }
        assert!(matches!(health.state(&abroad), State::Withdrawn { cause: Cause::Credentials, .. }), "after {enough}");
    }
}

#[test]
fn a_success_ends_a_suspicion_and_lets_all_back() {
    let (health, _hand) = availability();
    let abroad = place("abroad", "large");
    for _ in 0..10 {
        health.enter(&abroad).unwrap().failed(&suspected(Cause::Credentials), KEY);
        health.enter(&abroad).unwrap().failed(&suspected(Cause::Credentials), KEY);
        health.enter(&abroad).unwrap().answered(&Answered::default());
        let (one, two) = (health.enter(&abroad), health.enter(&abroad));
        assert!(one.is_ok() && two.is_ok());
    }
    assert!(health.withdrawals().is_empty());
}

#[test]
fn a_caller_that_leaves_and_a_request_at_fault_say_nothing_of_the_place() {
    let (health, hand) = availability();
    let abroad = place("abroad", "large");
    for _ in 0..10 {
        drop(health.enter(&abroad).unwrap());
        health.enter(&abroad).unwrap().refused_by_request();
    }
    assert_eq!(health.state(&abroad), State::Ready);
    (0..3).for_each(|_| health.enter(&abroad).unwrap().failed(&outage(), KEY));
    hand.advance(Duration::from_secs(2));
    drop(health.enter(&abroad).unwrap());
    assert!(health.enter(&abroad).is_ok(), "the try is free again");
    assert_eq!(health.figures(&abroad.id).in_flight, 0);
}

#[test]
fn the_local_floor_has_no_breaker_and_cannot_be_withdrawn() {
    let (health, _hand) = availability();
    let floor = Destination { id: "local".into(), name: "local".into(), local: true, ..Destination::default() };
    health.rehearse(
        Some(vec![Subject::Outside("KR".into()), Subject::Destination("local".into())]),
        jiff::Timestamp::MAX,
    );
    (0..10).for_each(|_| health.enter(&floor).unwrap().failed(&outage(), KEY));
    assert_eq!(health.state(&floor), State::Ready);
}

#[test]
fn what_a_drill_rehearses_is_withdrawn_until_it_is_taken_back() {
    let (health, _hand) = availability();
    let abroad = place("abroad", "large");
    health.rehearse(Some(vec![Subject::Destination("abroad".into())]), jiff::Timestamp::MAX);
    let rehearsed = health.rehearsed().unwrap();
    assert_eq!((rehearsed.subjects.len(), rehearsed.until), (1, jiff::Timestamp::MAX));
    assert!(matches!(health.enter(&abroad), Err(State::Withdrawn { cause: Cause::Drill, .. })));
    assert!(health.withdrawals().is_empty(), "it is not one");
    health.rehearse(None, jiff::Timestamp::MAX);
    assert!(health.rehearsed().is_none());
    assert_eq!(health.state(&abroad), State::Ready);
}

#[test]
fn figures_are_learnt_from_answers() {
    let (health, hand) = availability();
    let abroad = place("abroad", "large");
    let mut visit = health.enter(&abroad).unwrap();
    assert_eq!(health.figures(&abroad.id).in_flight, 1);
    hand.advance(Duration::from_millis(300));
    visit.began(Duration::from_millis(300));
    hand.advance(Duration::from_secs(2));
    let answered =
        Answered { prompt_bytes: 1000, prompt_tokens: Some(300), completion_tokens: Some(50), ..Answered::default() };
    visit.answered(&answered);
    let figures = health.figures(&abroad.id);
    assert_eq!((figures.first_byte, figures.in_flight), (Some(Duration::from_millis(300)), 0));
    assert_eq!(figures.tokens_per_second, Some(25.0));
    assert_eq!(figures.tokens_per_byte(inspect::language::Language::Korean), Some(0.3));
}

/// Leaving what is certainly withdrawn is not what makes an outage worse, and costs nothing.
#[test]
fn at_once_no_more_than_ten_and_a_fifth_of_the_requests_are_retried() {
    for requests in [0, 5, 100, 1000] {
        let (health, _hand) = availability();
        (0..requests).for_each(|_| health.request());
        (0..1000).for_each(|_| assert!(health.may_retry(Some(&certain(Cause::Region, Extent::Destination)))));
        let granted = (0..=requests).filter(|_| health.may_retry(Some(&outage()))).count();
        assert_eq!(granted, usize::min(10 + requests / 5, requests + 1), "of {requests}");
        if requests > 20 {
            assert!(!health.may_retry(Some(&suspected(Cause::Credentials))), "what is suspected is not free");
        }
    }
}

/// What can happen to a destination with two models.
#[derive(Clone, Debug)]
enum Step {
    Enter(bool),
    End(usize, u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Enter),
        3 => (0_usize..16, any::<u8>()).prop_map(|(which, how)| Step::End(which, how)),
        1 => (0_u64..4_000).prop_map(Step::Wait),
    ]
}

fn end(visit: Visit, how: u8) {
    match how % 12 {
        0..4 => visit.answered(&Answered::default()),
        4..8 => visit.failed(&outage(), KEY),
        8 => visit.failed(&suspected(Cause::Credentials), KEY),
        9 => visit.failed(&suspected(Cause::Tls), KEY),
        10 => drop(visit),
        _ if how > 250 => visit.failed(&certain(Cause::Region, Extent::Destination), KEY),
        _ => visit.refused_by_request(),
    }
}

proptest! {
    /// Whatever happens: once a destination is withdrawn nobody enters it again, and what is under way is counted to the end.
    #[test]
    fn nobody_is_sent_to_what_is_withdrawn(steps in prop::collection::vec(step(), 0..300)) {
        let (health, hand) = availability();
        let places = [place("abroad", "large"), place("abroad", "small")];
        let mut under_way: Vec<(Arc<str>, Visit)> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(millis) => hand.advance(Duration::from_millis(millis)),
                Step::Enter(first) => {
                    let place = &places[usize::from(first)];
                    let (state, entered) = (health.state(place), health.enter(place));
                    let withdrawn = !health.withdrawals().is_empty();
                    prop_assert_eq!(entered.is_ok(), state == State::Ready, "what is said and what is done");
                    prop_assert!(!withdrawn || entered.is_err());
                    under_way.extend(entered.map(|visit| (Arc::clone(&place.id), visit)));
                }
                Step::End(which, how) => {
                    if let Some(which) = which.checked_rem(under_way.len()) {
                        end(under_way.swap_remove(which).1, how);
                    }
                }
            }
            for place in &places {
                let mine = under_way.iter().filter(|(id, _)| *id == place.id).count();
                prop_assert_eq!(health.figures(&place.id).in_flight as usize, mine);
            }
        }
    }
}

#[test]
fn a_diagnosis_has_a_word_for_records() {
    let told = diagnose(&Symptom::Refused).unwrap();
    assert_eq!((told.word(), told.is_withdrawal()), ("connection", false));
    let told = diagnose(&Symptom::Tls).unwrap();
    assert_eq!((told.word(), told.is_withdrawal()), ("tls", true));
}
