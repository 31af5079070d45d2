//! Keeps an eye on how long a JSON number grows. A grammar lets it go on for ever, and small models do: with digits that no program
//! reads any more. It must not know grammars.

use std::sync::Arc;

use crate::{TextCodec, Token};

/// Digits of a number, those after its point included: as many as any 64-bit number, whole or not, can tell apart, and some.
const DIGITS_MAX: u32 = 19;

/// Follows an answer in JSON.
#[derive(Clone)]
pub(super) struct Numbers {
    pub(super) codec: Arc<dyn TextCodec>,
    pub(super) place: Place,
}

/// Where in the JSON the answer is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    in_text: bool,
    escaped: bool,
    /// Digits of the number under way.
    digits: u32,
}

impl Numbers {
    /// Takes note of what a token says.
    pub(super) fn take(&mut self, token: Token) {
        for &byte in self.codec.bytes(token) {
            self.place.pass(byte);
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
