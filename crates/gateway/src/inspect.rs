//! Step 4: all that the judge may know of a request: who asks, what is needed, how large. Pure.
//!
//! What texts hold will be found here; it must not know policy, nor where anything goes.

use wire::needs::Needed;

use crate::{
    admit::Slot,
    keys::Caller,
    read::{Ask, Surface, Words},
};

/// What the server knows of a request when it judges.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts<'a> {
    /// Whose request it is.
    pub(crate) caller: &'a Caller,
    /// By which address it came.
    pub(crate) surface: Surface,
    /// The model asked for, as the caller spelt it.
    pub(crate) model: &'a str,
    /// What the request needs beyond text in and text out.
    pub(crate) needs: Vec<Needed>,
    /// Size of the body; the prompt has at most as many tokens.
    pub(crate) prompt_bytes: u64,
    /// Tokens that each answer may have, where the caller says.
    pub(crate) answer_tokens_max: Option<u64>,
    /// Answers wanted.
    pub(crate) choices: u32,
    /// Answers made to choose them from.
    pub(crate) candidates: u64,
    /// Whether the answer is streamed.
    pub(crate) stream: bool,
}

/// Gathers the facts of an admitted request.
pub(crate) fn inspect<'a>(slot: &'a Slot, ask: &'a Ask) -> Facts<'a> {
    Facts {
        caller: slot.caller(),
        surface: ask.surface(),
        model: ask.model(),
        needs: needs(&ask.words),
        prompt_bytes: ask.bytes.len() as u64,
        answer_tokens_max: ask.answer_tokens_max().map(u64::from),
        choices: ask.choices(),
        candidates: ask.candidates().into(),
        stream: ask.streams(),
    }
}

fn needs(words: &Words) -> Vec<Needed> {
    match words {
        Words::Chat(request) => request.needs(),
        Words::Completion(request) => request.needs(),
    }
}
