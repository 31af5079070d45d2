//! The breaker, step by step and under random histories; time is a number.

use std::time::Duration;

use proptest::prelude::*;

use super::{Breaker, FAILURES_IN_A_ROW, Pass, Phase, REST_MAX, RETRY_AFTER_MAX, SPREAD_PER_MILLE};
use crate::{availability::Outage, clock::Moment};

/// The chance that changes no rest.
const MIDDLE: u32 = SPREAD_PER_MILLE;

fn at(millis: u64) -> Moment {
    Moment::from_micros(millis * 1000)
}

fn fail(breaker: &mut Breaker, now: Moment) -> bool {
    let pass = breaker.enter(now).unwrap();
    breaker.failed(pass, Outage::Unavailable, None, now, MIDDLE)
}

/// One whose first rest lasts until 1,000 ms.
fn resting() -> Breaker {
    let mut breaker = Breaker::default();
    let opened: Vec<bool> = (0..FAILURES_IN_A_ROW).map(|_| fail(&mut breaker, at(0))).collect();
    assert_eq!(opened, [false, false, true]);
    breaker
}

#[test]
fn three_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
    let mut breaker = Breaker::default();
    for _ in 0..10 {
        assert!(!fail(&mut breaker, at(0)) && !fail(&mut breaker, at(0)));
        let pass = breaker.enter(at(0)).unwrap();
        breaker.succeeded(pass);
    }
    assert!(breaker.stands(at(0)).is_ok());
    let rest = resting().enter(at(999)).unwrap_err();
    assert_eq!((rest.until, rest.outage), (at(1000), Outage::Unavailable));
}

#[test]
fn after_its_rest_one_request_tries_it_and_no_other_until_that_has_ended() {
    let mut breaker = resting();
    let probe = breaker.enter(at(1000)).unwrap();
    assert!(probe.probe);
    assert!(breaker.enter(at(60_000)).is_err(), "a second one");
    breaker.freed(probe);
    let probe = breaker.enter(at(60_000)).unwrap();
    breaker.succeeded(probe);
    assert!(breaker.enter(at(60_000)).is_ok_and(|pass| !pass.probe));
    assert!(breaker.enter(at(60_000)).is_ok_and(|pass| !pass.probe));
}

#[test]
fn rests_double_up_to_the_longest_and_begin_anew_after_a_success() {
    let mut breaker = resting();
    let mut now = at(1000);
    for rest in [2, 4, 5, 5] {
        assert!(fail(&mut breaker, now));
        let until = breaker.stands(now).unwrap_err().until;
        assert_eq!(until.since(now), Duration::from_secs(rest));
        now = until;
    }
    let probe = breaker.enter(now).unwrap();
    breaker.succeeded(probe);
    for _ in 0..FAILURES_IN_A_ROW {
        fail(&mut breaker, now);
    }
    assert_eq!(breaker.stands(now).unwrap_err().until.since(now), Duration::from_secs(1));
}

#[test]
fn a_wait_that_the_provider_asks_for_is_kept_from_its_first_word_and_no_longer_than_an_hour() {
    for (asked, kept) in [(7, 7), (86_400, RETRY_AFTER_MAX.as_secs())] {
        let mut breaker = Breaker::default();
        let pass = breaker.enter(at(0)).unwrap();
        assert!(breaker.failed(pass, Outage::Overloaded, Some(Duration::from_secs(asked)), at(0), MIDDLE));
        assert_eq!(breaker.stands(at(0)).unwrap_err().until, at(kept * 1000));
    }
    // One that is shorter than a rest makes no rest shorter.
    let mut breaker = resting();
    let probe = breaker.enter(at(1000)).unwrap();
    breaker.failed(probe, Outage::Overloaded, Some(Duration::from_millis(10)), at(1000), MIDDLE);
    assert_eq!(breaker.stands(at(1000)).unwrap_err().until, at(3000));
}

#[test]
fn chance_makes_a_rest_a_fifth_longer_or_shorter_at_most() {
    let rest = |chance| {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_IN_A_ROW {
            let pass = breaker.enter(at(0)).unwrap();
            breaker.failed(pass, Outage::Timeout, None, at(0), chance);
        }
        breaker.stands(at(0)).unwrap_err().until.since(at(0))
    };
    assert_eq!((rest(0), rest(400)), (Duration::from_millis(800), Duration::from_millis(1200)));
    for chance in (0..u32::MAX).step_by(99_999_989) {
        assert!((800..=1200).contains(&rest(chance).as_millis()), "{chance}");
    }
}

#[test]
fn what_was_sent_before_it_opened_says_nothing_of_it_afterwards() {
    let mut breaker = Breaker::default();
    let early: Vec<Pass> = (0..8).map(|_| breaker.enter(at(0)).unwrap()).collect();
    for pass in &early[..3] {
        breaker.failed(*pass, Outage::Connection, None, at(10), MIDDLE);
    }
    let until = breaker.stands(at(10)).unwrap_err().until;
    breaker.failed(early[3], Outage::Connection, None, at(500), MIDDLE);
    breaker.succeeded(early[4]);
    assert_eq!(breaker.stands(at(500)).unwrap_err().until, until, "neither longer nor over");
    let probe = breaker.enter(until).unwrap();
    breaker.freed(early[5]);
    assert!(breaker.enter(until).is_err(), "another's end does not give the try away");
    breaker.succeeded(probe);
    breaker.failed(early[6], Outage::Connection, None, until, MIDDLE);
    assert!(breaker.stands(until).is_ok());
}

#[test]
fn one_that_begins_to_answer_lets_all_back_on_trial() {
    let mut breaker = resting();
    let mut probe = breaker.enter(at(1000)).unwrap();
    breaker.began(&mut probe);
    assert!(breaker.enter(at(1000)).is_ok_and(|pass| !pass.probe), "an answer can take minutes");
    assert!(breaker.failed(probe, Outage::Broken, None, at(1500), MIDDLE), "cut in the middle: it was no recovery");
    assert_eq!(breaker.stands(at(1500)).unwrap_err().until, at(3500), "and its rest is the next longer one");
}

#[test]
fn answers_that_begin_and_break_off_open_it_too() {
    let mut breaker = Breaker::default();
    for opened in [false, false, true] {
        let mut pass = breaker.enter(at(0)).unwrap();
        breaker.began(&mut pass);
        assert_eq!(breaker.failed(pass, Outage::Broken, None, at(0), MIDDLE), opened);
    }
}

#[test]
fn doubt_lets_one_through_at_a_time_without_a_rest() {
    let mut breaker = Breaker::default();
    let (first, second) = (breaker.enter(at(0)).unwrap(), breaker.enter(at(0)).unwrap());
    breaker.doubt(first, Outage::Unavailable, at(0));
    breaker.doubt(second, Outage::Unavailable, at(0));
    let probe = breaker.enter(at(0)).unwrap();
    assert!(probe.probe && breaker.enter(at(0)).is_err());
    breaker.succeeded(probe);
    assert!(breaker.enter(at(0)).is_ok_and(|pass| !pass.probe));
}

/// What can happen next.
#[derive(Clone, Debug)]
enum Step {
    Enter,
    Began(usize),
    Succeeded(usize),
    Failed(usize, Option<u64>),
    Doubted(usize),
    Freed(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let asked = prop_oneof![4 => Just(None), 1 => (0_u64..20_000).prop_map(Some)];
    prop_oneof![
        6 => Just(Step::Enter),
        1 => (0_usize..8).prop_map(Step::Began),
        2 => (0_usize..8).prop_map(Step::Succeeded),
        4 => (0_usize..8, asked).prop_map(|(which, asked)| Step::Failed(which, asked)),
        1 => (0_usize..8).prop_map(Step::Doubted),
        1 => (0_usize..8).prop_map(Step::Freed),
        3 => (0_u64..3_000).prop_map(Step::Wait),
    ]
}

/// Plays a history; after every step at most one request tries a place that is at rest. Gives what is still under way.
fn play(breaker: &mut Breaker, steps: &[Step], chance: u32) -> (Vec<Pass>, Moment) {
    let (mut now, mut under_way) = (at(0), Vec::<Pass>::new());
    let take = |under_way: &mut Vec<Pass>, which: usize| {
        let which = which.checked_rem(under_way.len())?;
        Some(under_way.swap_remove(which))
    };
    for step in steps {
        match *step {
            Step::Enter => under_way.extend(breaker.enter(now)),
            Step::Wait(millis) => now = now.plus(Duration::from_millis(millis)),
            Step::Began(which) => {
                if let Some(which) = which.checked_rem(under_way.len()) {
                    breaker.began(&mut under_way[which]);
                }
            }
            Step::Succeeded(which) => take(&mut under_way, which).into_iter().for_each(|pass| breaker.succeeded(pass)),
            Step::Freed(which) => take(&mut under_way, which).into_iter().for_each(|pass| breaker.freed(pass)),
            Step::Doubted(which) => {
                if let Some(pass) = take(&mut under_way, which) {
                    breaker.doubt(pass, Outage::Unavailable, now);
                }
            }
            Step::Failed(which, asked) => {
                let asked = asked.map(Duration::from_millis);
                if let Some(pass) = take(&mut under_way, which) {
                    breaker.failed(pass, Outage::Timeout, asked, now, chance);
                }
            }
        }
        let trying = under_way.iter().filter(|pass| pass.probe).count();
        assert!(trying <= 1, "{trying} try at once after {step:?}");
        let held_back = matches!(breaker.phase, Phase::Open { trying: true, .. });
        assert!(!held_back || trying == 1, "nobody tries it, and nobody may: {step:?}");
    }
    (under_way, now)
}

proptest! {
    #[test]
    fn whatever_happened_one_request_at_a_time_tries_a_place(steps in prop::collection::vec(step(), 0..200), chance: u32) {
        play(&mut Breaker::default(), &steps, chance);
    }

    /// Steady requests, one each 100 ms; the place has just recovered, and asked for no longer wait.
    #[test]
    fn whatever_happened_it_heals_within_ten_seconds_of_recovery(steps in prop::collection::vec(step(), 0..200), chance: u32) {
        let mut breaker = Breaker::default();
        let without_waits: Vec<Step> = steps
            .into_iter()
            .map(|step| if let Step::Failed(which, _) = step { Step::Failed(which, None) } else { step })
            .collect();
        let (under_way, recovered) = play(&mut breaker, &without_waits, chance);
        for pass in under_way {
            breaker.freed(pass);
        }
        let mut now = recovered;
        while now.since(recovered) < Duration::from_secs(10) {
            if let Ok(pass) = breaker.enter(now) {
                breaker.succeeded(pass);
            }
            now = now.plus(Duration::from_millis(100));
        }
        prop_assert_eq!(breaker.phase, Phase::Closed);
    }

    /// A place that stays dark under any steady load of 100 requests a second or more.
    #[test]
    fn after_detection_at_most_one_in_a_hundred_touches_a_dark_place(per_second in 100_u64..1_000, seconds in 2_u64..30, chance: u32) {
        let mut breaker = resting();
        let (mut touched, requests) = (0_u64, per_second * seconds);
        for number in 0..requests {
            let now = Moment::from_micros(number * 1_000_000 / per_second);
            if let Ok(pass) = breaker.enter(now) {
                touched += 1;
                breaker.failed(pass, Outage::Connection, None, now, chance);
            }
        }
        prop_assert!(touched * 100 <= requests, "{touched} of {requests}");
    }
}

#[test]
fn the_longest_rest_leaves_time_to_heal_within_ten_seconds() {
    let longest = REST_MAX * (1000 + SPREAD_PER_MILLE) / 1000;
    assert!(longest + Duration::from_secs(2) < Duration::from_secs(10));
}
