//! What a test turns a model into while it runs: a provider that was well and falls sick, and recovers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::fault::Fault;

/// What a model does from now on, whatever its name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// One of the faults; [`Fault::None`] is health.
    Fault(Fault),
    /// This status with this body, and no `Retry-After`.
    Says(u16, &'static str),
    /// The connection is reset before a byte of an answer.
    Reset,
}

/// What each model was turned into.
#[derive(Clone, Debug, Default)]
pub(super) struct Turned(Arc<Mutex<HashMap<String, Turn>>>);

impl Turned {
    /// From now on.
    pub(super) fn turn(&self, model: &str, into: Turn) {
        self.0.lock().expect("nothing panics with it").insert(model.to_owned(), into);
    }

    /// What the model does now.
    pub(super) fn of(&self, model: &str) -> Turn {
        let turned = self.0.lock().expect("nothing panics with it").get(model).copied();
        turned.unwrap_or_else(|| Turn::Fault(Fault::of(model)))
    }
}
