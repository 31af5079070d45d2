//! Keeps an eye on how long a JSON number grows. A grammar lets it go on for ever, and small models do: with digits that no program
//! reads any more. Reasoning before the JSON is passed over. It must not know grammars.

use std::sync::Arc;

use crate::{Dialect, Reasoning, TextCodec, Thought, Token};

/// Digits of a number, those after its point included: as many as any 64-bit number, whole or not, can tell apart, and some.
const DIGITS_MAX: u32 = 19;

/// Follows an answer in JSON.
#[derive(Clone)]
pub(super) struct Numbers {
    codec: Arc<dyn TextCodec>,
    before: Before,
    place: Place,
}

/// What comes before the JSON.
#[derive(Clone)]
enum Before {
    /// Reasoning, perhaps; and what has been said so far.
    Perhaps(Thought, Vec<u8>),
    /// What ends with one of these; and the last that was said.
    Until(Vec<&'static [u8]>, Vec<u8>),
    /// Nothing more.
    Nothing,
}

/// Where in the JSON the answer is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    in_text: bool,
    escaped: bool,
    /// Digits of the number under way.
    digits: u32,
}

impl Numbers {
    /// Follows an answer that may begin with reasoning, or with messages that are not JSON.
    pub(super) fn after(reasoning: Reasoning, codec: Arc<dyn TextCodec>) -> Self {
        let Dialect { messages, thought, calls, .. } = *codec.dialect();
        let before = match (messages, thought, reasoning) {
            (Some(messages), _, _) => Before::until(&[messages.answer, calls.middle]),
            (None, None, _) | (None, Some(_), Reasoning::Done) => Before::Nothing,
            (None, Some(thought), Reasoning::Open) => Before::until(&[thought.close]),
            (None, Some(thought), Reasoning::Possible) => Before::Perhaps(thought, Vec::new()),
        };
        Self { codec, before, place: Place::default() }
    }

    /// Takes note of what a token says.
    pub(super) fn take(&mut self, token: Token) {
        // What a family writes round its messages ends with a mark: the same letters are none.
        let may_end = self.codec.dialect().messages.is_none() || self.codec.is_mark(token);
        for &byte in self.codec.bytes(token) {
            self.before.pass(byte, may_end);
            if matches!(self.before, Before::Nothing) {
                self.place.pass(byte);
            }
        }
    }

    /// Whether the number under way should end.
    pub(super) fn is_long(&self) -> bool {
        self.place.digits >= DIGITS_MAX
    }

    /// Whether the token would make the number longer still.
    pub(super) fn goes_on(&self, token: Token) -> bool {
        self.codec.bytes(token).first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
    }
}

impl Before {
    fn until(ends: &[&'static str]) -> Self {
        Self::Until(ends.iter().map(|end| end.as_bytes()).collect(), Vec::new())
    }

    fn pass(&mut self, byte: u8, may_end: bool) {
        match self {
            Self::Perhaps(thought, said) => {
                said.push(byte);
                let open = thought.open.as_bytes();
                if *said == open {
                    *self = Self::until(&[thought.close]);
                } else if !open.starts_with(said) {
                    // Not one letter of JSON begins reasoning: this is its first.
                    *self = Self::Nothing;
                }
            }
            Self::Until(ends, last) => {
                last.push(byte);
                if may_end && ends.iter().any(|end| last.ends_with(end)) {
                    *self = Self::Nothing;
                } else if ends.iter().all(|end| last.len() > end.len()) {
                    last.remove(0);
                }
            }
            Self::Nothing => {}
        }
    }
}

impl Place {
    fn pass(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' => self.in_text = !self.in_text,
            b'0'..=b'9' if !self.in_text => self.digits = self.digits.saturating_add(1),
            b'.' | b'-' | b'+' | b'e' | b'E' if !self.in_text => {}
            _ => self.digits = 0,
        }
    }
}
