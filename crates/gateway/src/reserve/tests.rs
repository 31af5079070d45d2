//! Tests of reservations: held tokens never pass the limit, and all come back.

use std::sync::Arc;

use http::StatusCode;

use super::{Reservation, reserve};
use crate::{
    admit::{Gate, Slot, admit},
    clock::{Clock, Moment},
    config::{Admission, RemotePolicy, Version},
    decide::{Decision, Offer, Place, Policy, decide},
    error::ApiError,
    inspect::Facts,
    keys::Caller,
    read::Surface,
    tasks::Tasks,
};

fn slot() -> Slot {
    let gate = Arc::new(Gate::new(Tasks::new(Clock::system()).stop()));
    let caller = Arc::new(Caller { key_id: "k".into(), name: "n".into(), team: "t".into() });
    admit(caller, &gate, &Admission::default(), Moment::default()).unwrap()
}

/// A permitted decision that may take `tokens`.
fn decision(slot: &Slot, tokens: u64) -> Decision {
    let offer = Offer {
        model: "m".into(),
        place: Place::Local,
        destination: "local".into(),
        understands_everything: false,
        context_tokens: None,
        answer_tokens_default: None,
    };
    let facts = Facts {
        caller: slot.caller(),
        surface: Surface::Chat,
        model: "m",
        needs: Vec::new(),
        prompt_bytes: tokens,
        answer_tokens_max: None,
        choices: 1,
        candidates: 1,
        stream: false,
    };
    decide(&facts, &Policy::new(Version::of("v"), RemotePolicy::Deny, vec![offer]))
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
