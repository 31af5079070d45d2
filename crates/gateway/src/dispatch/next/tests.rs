//! Who is asked next, case by case.

use http::StatusCode;
use wire::error::Code;

use super::{Next, PAUSE, Place, Tried, next};
use crate::{
    availability::{Cause, Diagnosis, Evidence, Extent, Outage, Sickness},
    error::ApiError,
};

const REMOTE: Place = Place { local: false, context_tokens: None };
const FLOOR: Place = Place { local: true, context_tokens: Some(2_048) };

fn sick(sickness: Sickness) -> ApiError {
    let evidence = Evidence { what: "it said so", status: None, code: None };
    let diagnosis = Diagnosis { sickness, extent: Extent::Destination, retry_after: None, evidence };
    ApiError::destination(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, "no").diagnosed(diagnosis)
}

fn outage(outage: Outage) -> ApiError {
    sick(Sickness::Outage(outage))
}

fn caller(code: &str) -> ApiError {
    ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidValue, "no").foreign_code(code)
}

#[test]
fn the_permit_is_followed_in_its_order() {
    let places = [REMOTE, REMOTE, FLOOR];
    assert_eq!(next(&places, &[]), Next::Place(0));
    let failed = Tried::asked(0, Some(&outage(Outage::Timeout)));
    assert_eq!(next(&places, &[failed]), Next::Place(1));
    let both = [failed, Tried::asked(1, Some(&outage(Outage::Overloaded)))];
    assert_eq!(next(&places, &both), Next::Place(2));
    assert_eq!(next(&[], &[]), Next::Nobody);
}

#[test]
fn what_only_stumbled_has_one_second_chance_before_the_floor() {
    let places = [REMOTE, FLOOR];
    let stumbled = Tried::asked(0, Some(&outage(Outage::Connection)));
    assert_eq!(next(&places, &[stumbled]), Next::Again(0, PAUSE));
    assert_eq!(next(&places, &[stumbled, stumbled]), Next::Place(1), "the second chance is used up");
    assert_eq!(next(&places, &[stumbled, Tried::passed_over(0)]), Next::Place(1), "no retry was left");
    assert_eq!(next(&[REMOTE], &[stumbled, stumbled]), Next::Nobody);
    for final_ in [outage(Outage::Timeout), outage(Outage::Overloaded), outage(Outage::Broken)] {
        assert_eq!(next(&places, &[Tried::asked(0, Some(&final_))]), Next::Place(1), "{final_:?}");
    }
}

#[test]
fn what_was_withdrawn_is_left_and_not_asked_again() {
    for certain in [true, false] {
        let error = sick(Sickness::Withdrawal { cause: Cause::Credentials, certain });
        assert_eq!(next(&[REMOTE], &[Tried::asked(0, Some(&error))]), Next::Nobody);
        assert_eq!(next(&[REMOTE, FLOOR], &[Tried::asked(0, Some(&error))]), Next::Place(1));
    }
}

#[test]
fn the_requests_own_fault_is_asked_of_nobody_else() {
    for error in [caller("invalid_value"), caller("content_filter")] {
        assert_eq!(next(&[REMOTE, REMOTE, FLOOR], &[Tried::asked(0, Some(&error))]), Next::Nobody);
    }
}

#[test]
fn what_is_too_long_goes_on_to_a_longer_context_only() {
    let of = |context_tokens| Place { local: false, context_tokens };
    let too_long = Tried::asked(0, Some(&caller("context_length_exceeded")));
    assert_eq!(next(&[of(Some(8_000)), of(Some(4_000)), of(Some(32_000)), FLOOR], &[too_long]), Next::Place(2));
    assert_eq!(next(&[of(Some(8_000)), of(Some(4_000)), FLOOR], &[too_long]), Next::Nobody);
    assert_eq!(next(&[of(None), of(Some(4_000))], &[too_long]), Next::Place(1), "who knows");
}

#[test]
fn an_answer_that_broke_off_goes_on_elsewhere() {
    let began = Tried::asked(0, None);
    assert_eq!(next(&[REMOTE, REMOTE, FLOOR], &[began]), Next::Place(1));
    assert_eq!(next(&[REMOTE], &[began]), Next::Nobody);
}
