//! Makes an answer's text out of its tokens: whole characters only, never part of a stop string, each token's score with
//! the text that begins it. Pure; knows nothing of how tokens are chosen or who reads.

use std::collections::VecDeque;

use crate::TokenScore;
use crate::stop::StopStrings;

/// One choice's text as it comes about.
#[derive(Debug)]
pub(crate) struct AnswerText {
    stop: StopStrings,
    /// Bytes that are not given out yet.
    held: Vec<u8>,
    /// Bytes given out before those.
    given: usize,
    /// Scores that are not given out yet, each with where its token begins in the whole answer.
    scores: VecDeque<(usize, TokenScore)>,
    /// Where marks of the model's dialect begin that are not given out yet, in the whole answer.
    marks: VecDeque<usize>,
    stopped: bool,
}

/// A piece of an answer that may be given out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Where marks of the model's dialect begin in it.
    pub(crate) marks: Vec<usize>,
    pub(crate) scores: Vec<TokenScore>,
}

impl Piece {
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.scores.is_empty()
    }

    pub(crate) fn append(&mut self, more: Self) {
        let begin = self.text.len();
        self.marks.extend(more.marks.into_iter().map(|mark| mark.saturating_add(begin)));
        self.text.push_str(&more.text);
        self.scores.extend(more.scores);
    }
}

impl AnswerText {
    pub(crate) fn new(stop: &[String]) -> Self {
        let stop = StopStrings::new(stop);
        Self { stop, held: Vec::new(), given: 0, scores: VecDeque::new(), marks: VecDeque::new(), stopped: false }
    }

    /// Takes bytes in which no stop string is looked for, nor across them, as [`Self::push`] does.
    pub(crate) fn push_unwatched(&mut self, bytes: &[u8], score: Option<TokenScore>) -> Piece {
        if self.stopped {
            return Piece::default();
        }
        if let Some(score) = score {
            self.scores.push_back((self.given + self.held.len(), score));
        }
        self.stop.forget();
        self.held.extend_from_slice(bytes);
        let whole = whole_characters(&self.held);
        self.give(whole)
    }

    /// Takes a token's bytes, and its score where one is wanted; gives what may be given out now.
    pub(crate) fn push(&mut self, bytes: &[u8], score: Option<TokenScore>) -> Piece {
        if self.stopped {
            return Piece::default();
        }
        if let Some(score) = score {
            self.scores.push_back((self.given + self.held.len(), score));
        }
        for &byte in bytes {
            self.held.push(byte);
            if let Some(length) = self.stop.push(byte) {
                self.held.truncate(self.held.len().saturating_sub(length));
                self.stopped = true;
                return self.finish();
            }
        }
        let free = self.held.len().saturating_sub(self.stop.held_back());
        let whole = whole_characters(self.held.get(..free).unwrap_or_default());
        self.give(whole)
    }

    /// Notes that a mark of the model's dialect comes next.
    pub(crate) fn mark(&mut self) {
        self.marks.push_back(self.given + self.held.len());
    }

    /// Whether a stop string has come. What follows it is no part of the answer.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Gives what was held back, for an answer that is complete. A character that never became whole is given as U+FFFD.
    pub(crate) fn finish(&mut self) -> Piece {
        let mut piece = self.give(self.held.len());
        // Tokens without text at the very end belong to the answer, but not those of the stop string after it.
        while self.scores.front().is_some_and(|(begin, _)| !self.stopped && *begin <= self.given) {
            piece.scores.extend(self.scores.pop_front().map(|(_, score)| score));
        }
        self.scores.clear();
        piece
    }

    fn give(&mut self, bytes: usize) -> Piece {
        let given: Vec<u8> = self.held.drain(..bytes.min(self.held.len())).collect();
        self.given += given.len();
        let mut scores = Vec::new();
        while self.scores.front().is_some_and(|(begin, _)| *begin < self.given) {
            scores.extend(self.scores.pop_front().map(|(_, score)| score));
        }
        let (text, marks) = self.text_of(&given);
        Piece { text, marks, scores }
    }

    /// The last bytes that were given, as text, with the marks that begin in it.
    fn text_of(&mut self, given: &[u8]) -> (String, Vec<usize>) {
        let (mut text, mut marks, mut rest) = (String::new(), Vec::new(), given);
        while let Some(mark) = self.marks.pop_front_if(|mark| *mark < self.given) {
            let before = rest.len().saturating_sub(self.given.saturating_sub(mark));
            let (part, after) = rest.split_at_checked(before).unwrap_or((rest, &[]));
            text.push_str(&String::from_utf8_lossy(part));
            marks.push(text.len());
            rest = after;
        }
        text.push_str(&String::from_utf8_lossy(rest));
        (text, marks)
    }
}

/// How many of the bytes do not end in the middle of a character. Bytes that no continuation could mend count as whole.
fn whole_characters(bytes: &[u8]) -> usize {
    let mut whole = 0;
    for chunk in bytes.utf8_chunks() {
        let at_end = whole + chunk.valid().len() + chunk.invalid().len() == bytes.len();
        let may_be_mended = at_end && could_continue(chunk.invalid());
        whole += chunk.valid().len() + if may_be_mended { 0 } else { chunk.invalid().len() };
    }
    whole
}

/// Whether these bytes are the beginning of a character that lacks its end.
fn could_continue(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests;
