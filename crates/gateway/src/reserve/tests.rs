//! Tests of reservations: held tokens never pass the limit, and all come back.

use std::sync::Arc;

use http::StatusCode;

use super::reserve;
use crate::{
    admit::{Gate, Slot, admit},
    clock::{Clock, Moment},
    config::{Admission, RemotePolicy, Version},
    decide::{Decision, Offer, Place, Policy, decide},
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

#[test]
fn tokens_are_held_to_the_limit_and_come_back() {
    let slot = slot();
    let held = reserve(&decision(&slot, 60), &slot, 100).unwrap();
    let more = reserve(&decision(&slot, 41), &slot, 100).unwrap_err();
    assert_eq!(more.status(), StatusCode::TOO_MANY_REQUESTS);
    let exactly = reserve(&decision(&slot, 40), &slot, 100).unwrap();
    drop(exactly);
    held.settle();
    reserve(&decision(&slot, 100), &slot, 100).unwrap();
    let never = reserve(&decision(&slot, 101), &slot, 100).unwrap_err();
    assert_eq!(never.status(), StatusCode::BAD_REQUEST, "waiting would not help");
}
