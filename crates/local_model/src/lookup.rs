//! Guesses what an answer says next by what followed the same words before, in the prompt or in the answer itself (prompt
//! lookup: Saxena 2023; as `transformers` and vLLM have it). A guess costs nothing to make; computing one that is wrong costs
//! time, so each sequence guesses more while it is right and rests while it is wrong. Pure.

use crate::Token;

/// Tokens guessed at once, at most. A step over so many more costs two to three times one over a single token.
pub(crate) const GUESS_MAX: usize = 7;

/// Tokens guessed at first.
const GUESS_FIRST: usize = 3;

/// Tokens that must have stood together before to be taken for the same words.
const ALIKE_MIN: usize = 3;

/// Steps without a guess after a wrong one: doubled with each, up to the second.
const REST_FIRST: u32 = 4;
const REST_MAX: u32 = 64;

/// What one sequence has learned about guessing.
#[derive(Debug)]
pub(crate) struct Lookup {
    length: usize,
    /// Steps to come without a guess.
    resting: u32,
    rest: u32,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { length: GUESS_FIRST, resting: 0, rest: REST_FIRST }
    }
}

impl Lookup {
    /// What probably follows `tokens`: at most `most` of them, often nothing.
    pub(crate) fn guess<'a>(&self, tokens: &'a [Token], most: usize) -> &'a [Token] {
        let most = most.min(self.length);
        if self.resting > 0 || most == 0 {
            return &[];
        }
        let (Some((_, before)), Some(last)) = (tokens.split_last(), tokens.last_chunk::<ALIKE_MIN>()) else {
            return &[];
        };
        // The latest place counts: a text goes on as it did last.
        let latest = before.windows(ALIKE_MIN).rposition(|window| window == last);
        let follows = latest.and_then(|place| tokens.get(place.saturating_add(ALIKE_MIN)..)).unwrap_or_default();
        follows.get(..most).unwrap_or(follows)
    }

    /// Learns that of so many guessed tokens so many were right; none guessed is a step of rest.
    pub(crate) fn learn(&mut self, guessed: usize, right: usize) {
        if guessed == 0 {
            self.resting = self.resting.saturating_sub(1);
        } else if right == guessed {
            self.length = self.length.saturating_mul(2).min(GUESS_MAX);
            self.rest = REST_FIRST;
        } else if right * 2 < guessed {
            self.length = GUESS_FIRST;
            self.resting = self.rest;
            self.rest = self.rest.saturating_mul(2).min(REST_MAX);
        }
    }
}

#[cfg(test)]
mod tests;
