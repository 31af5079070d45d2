//! Folds a text to a copy that is easy to search: NFKC, without invisible characters, with plain separators. The text itself
//! is never changed; the view keeps the way back. Comes in pieces cut anywhere and gives the same copy.

mod classes;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{canonical_combining_class, compose};

use self::classes::{Class, Classes, Special};
use crate::view::View;

/// Characters that are joined at most: one and its marks. A longer pile is cut, in the same place however it comes.
const JOINED_MAX: usize = 32;

/// What an invalid byte reads as.
const REPLACEMENT: &str = "\u{FFFD}";

/// Folds piece after piece.
#[derive(Debug)]
pub(crate) struct Folder {
    /// What could not be folded yet: an unfinished character, or the last character, which a mark may still join.
    pending: Vec<u8>,
    classes: &'static Classes,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { pending: Vec::new(), classes: classes::classes() }
    }

    /// Folds `piece` into `view`, all of it if it is the `last`.
    pub(crate) fn push(&mut self, piece: &[u8], last: bool, view: &mut View) {
        let taken;
        let bytes = if self.pending.is_empty() {
            piece
        } else {
            self.pending.extend_from_slice(piece);
            taken = std::mem::take(&mut self.pending);
            &taken
        };
        let folded = self.fold(bytes, last, view);
        self.pending.extend_from_slice(bytes.get(folded..).unwrap_or_default());
    }

    /// How many bytes were folded.
    fn fold(&self, bytes: &[u8], last: bool, view: &mut View) -> usize {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let error = match simdutf8::compat::from_utf8(rest) {
                Ok(text) => return at + self.fold_text(text, last, view),
                Err(error) => error,
            };
            let valid =
                rest.get(..error.valid_up_to()).and_then(|it| simdutf8::basic::from_utf8(it).ok()).unwrap_or_default();
            match error.error_len() {
                None if !last => return at + self.fold_text(valid, false, view),
                length => {
                    self.fold_text(valid, true, view);
                    let length = length.unwrap_or(rest.len() - valid.len());
                    view.push_block(REPLACEMENT.as_bytes(), length);
                    at += valid.len() + length;
                }
            }
        }
    }

    /// Folds `text`, all of it if nothing can join its last character; how many bytes were folded.
    fn fold_text(&self, text: &str, complete: bool, view: &mut View) -> usize {
        let bytes = text.as_bytes();
        let mut done = 0;
        let mut at = 0;
        while let Some((found, class)) = self.classes.next_special(bytes, at) {
            // A mark joins the character before it, unless that has been folded already.
            let begins = if class == Class::Joins { last_char_start(bytes, done, found) } else { found };
            let ends = self.joined_end(text, begins);
            if ends.end == text.len() && !complete && !ends.is_full {
                view.push_verbatim(bytes.get(done..begins).unwrap_or_default());
                return begins;
            }
            view.push_verbatim(bytes.get(done..begins).unwrap_or_default());
            fold_joined(text.get(begins..ends.end).unwrap_or_default(), view);
            done = ends.end;
            at = done;
        }
        let keep = if complete { bytes.len() } else { last_char_start(bytes, done, bytes.len()) };
        view.push_verbatim(bytes.get(done..keep).unwrap_or_default());
        keep
    }

    /// Where the character at `begins` and the marks on it end.
    fn joined_end(&self, text: &str, begins: usize) -> Joined {
        let rest = text.get(begins..).unwrap_or_default();
        let mut count = 0;
        for (offset, character) in rest.char_indices() {
            if count == JOINED_MAX {
                return Joined { end: begins + offset, is_full: true };
            }
            if count > 0 && self.classes.class(character) != Class::Joins {
                return Joined { end: begins + offset, is_full: false };
            }
            count += 1;
        }
        Joined { end: text.len(), is_full: count == JOINED_MAX }
    }
}

#[derive(Debug)]
struct Joined {
    end: usize,
    is_full: bool,
}

fn last_char_start(bytes: &[u8], from: usize, end: usize) -> usize {
    let mut at = end;
    while at > from {
        at -= 1;
        if bytes.get(at).is_some_and(|byte| byte & 0xC0 != 0x80) {
            return at;
        }
    }
    end
}

fn fold_joined(text: &str, view: &mut View) {
    let mut characters = text.chars();
    let first = characters.next();
    let is_single = characters.next().is_none();
    match first.and_then(classes::special) {
        Some(Special::Invisible) if is_single => view.push_block(b"", text.len()),
        Some(Special::Dash) => view.push_block(b"-", text.len()),
        Some(Special::Dot) => view.push_block(b".", text.len()),
        Some(Special::DashAfterDigit) if view.last().is_some_and(|last| last.is_ascii_digit()) => {
            view.push_block(b"-", text.len());
        }
        Some(Special::DashAfterDigit) => view.push_verbatim(text.as_bytes()),
        Some(Special::Apart) => {
            let folded = std::iter::once(' ').chain(text.nfkc()).chain(std::iter::once(' '));
            view.push_folded(folded, text);
        }
        Some(Special::Invisible) => view.push_folded(visible(text), text),
        None => match first.filter(|_| is_single).and_then(full_width) {
            Some(narrow) => view.push_block(&[narrow], text.len()),
            None => match composed(text) {
                Some(one) => view.push_folded(std::iter::once(one), text),
                None => view.push_folded(visible(text), text),
            },
        },
    }
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.nfkc().filter(|character| !classes::is_invisible(*character))
}

/// The one character that a letter and its marks make, where they follow in order: all of Vietnamese and Korean that was
/// taken apart, without the general road's cost.
fn composed(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let first = characters.next().filter(|first| classes::classes().class(*first) == Class::Stays)?;
    let (mut one, mut last_class, mut marks) = (first, 0, 0);
    for mark in characters {
        let class = canonical_combining_class(mark);
        if class < last_class {
            return None;
        }
        (one, last_class, marks) = (compose(one, mark)?, class, marks + 1);
    }
    (marks > 0).then_some(one)
}

/// The ASCII character that a full-width one, or a wide space, stands for: the commonest of all, so without the tables.
fn full_width(character: char) -> Option<u8> {
    match character {
        '\u{FF01}'..='\u{FF5E}' => u8::try_from(u32::from(character) - 0xFEE0).ok(),
        '\u{3000}' | '\u{A0}' => Some(b' '),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
