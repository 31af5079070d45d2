//! Cuts another destination's answer after the words that it was asked to repeat. Blanks do not count when they are looked for,
//! and count to the letter at the seam. Where there is any doubt, nothing is joined: a doubled or missing word would be a lie.

use super::{Partial, letters};

/// Characters of the new answer that are held, at most, while the anchor is looked for.
const HELD_CHARS_MAX: usize = 240;
/// What opens a quotation: the words in it are followed by what closes it.
const QUOTES: [char; 16] = ['"', '\'', '`', '“', '”', '‘', '’', '„', '«', '»', '‹', '「', '『', '《', '〈', '*'];

/// Looks for the seam in an answer that comes in pieces.
pub(crate) struct Trimmer {
    /// What was given, without blanks.
    given: Vec<char>,
    /// The anchor without blanks: the end of `given`.
    anchor: Vec<char>,
    /// The blanks at the end of what was given.
    blanks: String,
    held: String,
}

/// What became of a piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trimmed {
    /// More has to come before anything is known.
    Held,
    /// What follows what was given; all that comes later follows it as it comes.
    Joined(String),
    /// It cannot be joined.
    Apart(Apart),
}

/// Why an answer cannot be joined to what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Apart {
    /// The words do not stand near its beginning.
    #[error("it does not begin with the words that it was asked to repeat")]
    NoAnchor,
    /// They stand there, or stood in what was given, more than once.
    #[error("the words that it was asked to repeat stand there more than once")]
    Ambiguous,
    /// It quotes them, or changed the blanks at the seam.
    #[error("it does not go on where the words end")]
    Changed,
}

impl Trimmer {
    /// For an answer that is to go on after `partial`; nothing where too little was given to know it again by.
    pub(crate) fn new(partial: &Partial) -> Option<Self> {
        let anchor: Vec<char> = letters(partial.anchor()?).collect();
        let text = partial.text();
        let blanks = text.get(text.trim_end().len()..).unwrap_or_default().to_owned();
        Some(Self { given: letters(text).collect(), anchor, blanks, held: String::new() })
    }

    /// Takes a piece of the new answer. After anything but [`Trimmed::Held`] it is not asked again.
    pub(crate) fn push(&mut self, piece: &str) -> Trimmed {
        self.held.push_str(piece);
        if self.held.chars().count() < HELD_CHARS_MAX { Trimmed::Held } else { self.decide() }
    }

    /// The new answer has ended.
    pub(crate) fn end(&mut self) -> Trimmed {
        self.decide()
    }

    fn decide(&self) -> Trimmed {
        // Only the beginning is looked at, however large the last piece was.
        let near: Vec<(usize, char)> = self.held.char_indices().take(HELD_CHARS_MAX).collect();
        let solid: Vec<(usize, char)> = near.iter().copied().filter(|(_, letter)| !letter.is_whitespace()).collect();
        let found: Vec<usize> = places(&solid.iter().map(|(_, letter)| *letter).collect::<Vec<_>>(), &self.anchor);
        let [place] = *found else {
            return Trimmed::Apart(if found.is_empty() { Apart::NoAnchor } else { Apart::Ambiguous });
        };
        if places(&self.given, &self.anchor).len() > 1 {
            return Trimmed::Apart(Apart::Ambiguous);
        }
        let last = solid.get(place.saturating_add(self.anchor.len()).saturating_sub(1));
        let Some((at, letter)) = last.filter(|_| !self.is_quoted(&near, &solid, place)) else {
            return Trimmed::Apart(Apart::Changed);
        };
        let after = self.held.get(at.saturating_add(letter.len_utf8())..).unwrap_or_default();
        match after.strip_prefix(self.blanks.as_str()) {
            Some(rest) => Trimmed::Joined(rest.to_owned()),
            // The answer may end with the words, and what was given with blanks after them.
            None if after.trim().is_empty() => Trimmed::Joined(String::new()),
            None => Trimmed::Apart(Apart::Changed),
        }
    }
}

impl Trimmer {
    /// Whether the words at `place` may stand in a quotation. What comes before them is passed over; where it is not what was
    /// given before them, it may have opened one.
    fn is_quoted(&self, near: &[(usize, char)], solid: &[(usize, char)], place: usize) -> bool {
        let before: Vec<char> = solid.iter().take(place).map(|(_, letter)| *letter).collect();
        let given = self.given.get(..self.given.len().saturating_sub(self.anchor.len())).unwrap_or_default();
        if given.ends_with(&before) {
            return false;
        }
        let end = solid.get(place).map_or(0, |(at, _)| *at);
        let mut last = ' ';
        near.iter().take_while(|(at, _)| *at < end).any(|(_, letter)| {
            // After a letter it is an apostrophe.
            let is_apostrophe = matches!(letter, '\'' | '’') && last.is_alphanumeric();
            last = *letter;
            QUOTES.contains(letter) && !is_apostrophe
        })
    }
}

/// Where `sought` begins in `text`.
fn places(text: &[char], sought: &[char]) -> Vec<usize> {
    let found = text.windows(sought.len().max(1)).enumerate().filter(|(_, window)| *window == sought);
    found.map(|(place, _)| place).collect()
}
