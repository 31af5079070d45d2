//! Where one destination's answer is joined to another's: what was given, how the next is asked to go on, where its words are
//! cut. Pure; it must not know streams, sockets or destinations.
//!
//! No destination is taken to go on with a begun turn: many refuse one. The next is asked, in the conversation's language, to
//! repeat the last words given, and its answer is cut after them. Where they do not stand near its beginning, once and beyond
//! doubt, nothing is joined.

mod asking;
mod trim;

use std::fmt;
use std::sync::Arc;

pub(crate) use asking::continuing;
#[cfg(test)]
pub(crate) use trim::Apart;
pub(crate) use trim::{Trimmed, Trimmer};

use wire::chat::{Modality, ResponseFormat};

use crate::read::{Ask, Words};

/// Characters of the text given that the next destination is asked to repeat, about.
const ANCHOR_CHARS: usize = 40;
/// Characters, blanks not counted, below which an anchor is too little to be found for sure.
const ANCHOR_LETTERS_MIN: usize = 12;

/// What an answer had said when it broke off. Its `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Partial {
    text: Arc<str>,
    tokens: Option<u64>,
}

impl Partial {
    /// `text` was given; it took so many tokens, where that is known.
    pub(crate) fn new(text: impl Into<Arc<str>>, tokens: Option<u64>) -> Self {
        Self { text: text.into(), tokens }
    }

    /// What was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How many tokens that took: as counted, or else as many as characters, which no tokenizer exceeds by much.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens.unwrap_or_else(|| self.text.chars().count() as u64)
    }

    /// The last words of it: what the next destination is asked to repeat, and is known by. Nothing where they are too few.
    pub(crate) fn anchor(&self) -> Option<&str> {
        let text = self.text.trim_end();
        let mut begin = text.char_indices().rev().nth(ANCHOR_CHARS.saturating_sub(1)).map_or(0, |(at, _)| at);
        // Neither in the midst of what is seen as one character, nor at a blank.
        let mut before = text.get(..begin).unwrap_or_default().chars();
        while let (Some(first), Some(last)) =
            (text.get(begin..).and_then(|rest| rest.chars().next()), before.next_back())
        {
            if !joins(last, first) {
                break;
            }
            begin = begin.saturating_sub(last.len_utf8());
        }
        let anchor = text.get(begin..).unwrap_or_default().trim_start();
        (letters(anchor).count() >= ANCHOR_LETTERS_MIN).then_some(anchor)
    }
}

/// All but the blanks.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| !letter.is_whitespace())
}

/// Whether two characters after each other are seen as one. A little more than what is, so that no seam can fall within: marks
/// and joiners, halves of flags, letters of Hangul.
fn joins(before: char, after: char) -> bool {
    let is_mark = |letter: char| {
        matches!(letter,
            '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{e31}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}' | '\u{200d}'
            | '\u{20d0}'..='\u{20ff}' | '\u{302a}'..='\u{302f}' | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
    };
    let is_flag = |letter: char| matches!(letter, '\u{1f1e6}'..='\u{1f1ff}');
    let is_jamo =
        |letter: char| matches!(letter, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}');
    is_mark(after) || before == '\u{200d}' || is_flag(before) && is_flag(after) || is_jamo(before) && is_jamo(after)
}

/// Whether a destination can be asked to go on after `partial`: something is left of the limit on tokens, and a destination
/// that does not go on exactly has words to be known by.
pub(crate) fn goes_on(ask: &Ask, partial: &Partial, exactly: bool) -> bool {
    let most = ask.answer_tokens_max().map(u64::from);
    most.is_none_or(|most| most > partial.tokens()) && (exactly || partial.anchor().is_some())
}

/// Why an answer to this request is never joined of two, in words for the caller; nothing where it may be.
pub(crate) fn unjoinable(ask: &Ask) -> Option<&'static str> {
    let Words::Chat(request) = &ask.words else { return Some("only answers to `/v1/chat/completions` are") };
    let is_text = request.response_format.as_ref().is_none_or(|format| matches!(format, ResponseFormat::Text));
    let reasons = [
        (!request.streams(), "only streamed answers are"),
        (!request.tools.is_empty() || !request.functions.is_empty(), "the request offers tools"),
        (!is_text || request.structured_outputs.is_some(), "the request asks for structured output"),
        (request.logprobs_wanted().is_some(), "the request asks for log-probabilities"),
        (request.choices() > 1, "the request asks for more than one answer"),
        (request.reasoning_effort.is_some(), "the request asks for reasoning"),
        (request.audio.is_some() || request.modalities.contains(&Modality::Audio), "the request asks for audio"),
        (request.seed.is_some(), "the request gives a seed"),
        (request.web_search_options.is_some(), "the request asks for a search of the web"),
    ];
    reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
}

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial").field("bytes", &self.text.len()).field("tokens", &self.tokens).finish()
    }
}

#[cfg(test)]
mod tests;
