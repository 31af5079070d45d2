//! Tests of reservations: held tokens never pass the limit, and all come back.

use std::sync::Arc;

use http::StatusCode;

use super::{Reservation, reserve};
use crate::{
    admit::{Gate, Slot, admit},
    clock::{Clock, Moment},
    config::{Admission, Config, Registered},
    contents::Contents,
    decide::{Decision, decide},
    error::ApiError,
    inspect::facts_of_contents,
    judge::{FloorModel, Judgement},
    keys::Caller,
    read::Surface,
    tasks::Tasks,
};

fn slot() -> Slot {
    let gate = Arc::new(Gate::new(Tasks::new(Clock::system()).stop()));
    let caller =
        Arc::new(Caller { key_id: "k".into(), name: "n".into(), team: "t".into(), registered: Registered::default() });
    admit(caller, &gate, &Admission::default(), Moment::default()).unwrap()
}

/// A permitted decision that may take `tokens`.
fn decision(slot: &Slot, tokens: u64) -> Decision {
    let floor = FloorModel { name: "m".into(), context_tokens: u64::MAX, serves: [].into() };
    let judgement = Judgement::new(&Config::default(), Some(&floor));
    let contents = Arc::new(Contents::default());
    let mut facts = facts_of_contents(slot.caller(), Surface::Chat, "m", contents, &judgement);
    (facts.prompt_bytes, facts.answer_tokens_max) = (tokens, Some(0));
    decide(&facts, &judgement)
}

/// What is held, or with which status the request is refused.
fn hold(slot: &Slot, tokens: u64) -> Result<Reservation, StatusCode> {
    match reserve(decision(slot, tokens), slot, 100) {
        (Decision::Permitted(_), held) => Ok(held),
        (Decision::Refused(refusal), _) => Err(ApiError::from(refusal).status()),
    }
}

#[test]
fn tokens_are_held_to_the_limit_and_come_back() {
    let slot = slot();
    let held = hold(&slot, 60).unwrap();
    assert_eq!(hold(&slot, 41).unwrap_err(), StatusCode::TOO_MANY_REQUESTS);
    let exactly = hold(&slot, 40).unwrap();
    drop(exactly);
    held.settle();
    hold(&slot, 100).unwrap();
    assert_eq!(hold(&slot, 101).unwrap_err(), StatusCode::BAD_REQUEST, "waiting would not help");
}
