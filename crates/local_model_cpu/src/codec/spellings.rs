//! Finds tokens by their whole spelling in a text: the longest of those that begin first. It must not know what the
//! tokens are for.

use aho_corasick::{AhoCorasick, MatchKind};
use local_model::{CodecError, Token};

use crate::LoadError;

/// Some tokens and how they are spelled.
pub(super) struct Spellings {
    automaton: AhoCorasick,
    tokens: Vec<Token>,
}

impl Spellings {
    /// Of these tokens; those spelled with a single character or none are left out, because they could not be told
    /// from text.
    pub(super) fn new<'a>(tokens: impl Iterator<Item = (Token, &'a str)>) -> Result<Self, LoadError> {
        let (tokens, spellings): (Vec<Token>, Vec<&str>) =
            tokens.filter(|(_, spelling)| spelling.chars().nth(1).is_some()).unzip();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&spellings);
        let automaton =
            automaton.map_err(|error| LoadError::metadata("tokenizer.ggml.tokens", format!("is too much: {error}")))?;
        Ok(Self { automaton, tokens })
    }

    /// Gives `piece` each stretch of plain text with the token that follows it, in order; the last has none.
    pub(super) fn split(
        &self,
        text: &str,
        mut piece: impl FnMut(&str, Option<Token>) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let mut begin = 0;
        for found in self.automaton.find_iter(text) {
            piece(&text[begin..found.start()], self.tokens.get(found.pattern().as_usize()).copied())?;
            begin = found.end();
        }
        piece(&text[begin..], None)
    }

    /// The text with every spelling broken by a mark after its first character.
    pub(super) fn broken_by(&self, mark: char, text: &str) -> String {
        let mut broken = text.to_owned();
        // Breaking one spelling can leave another that overlapped it; each round breaks at least one.
        while self.automaton.is_match(&broken) {
            let mut next = String::with_capacity(broken.len() + broken.len() / 8);
            let mut begin = 0;
            for found in self.automaton.find_iter(&broken) {
                let first = broken[found.start()..].chars().next().map_or(0, char::len_utf8);
                let middle = found.start() + first;
                next.push_str(&broken[begin..middle]);
                next.push(mark);
                begin = middle;
            }
            next.push_str(&broken[begin..]);
            broken = next;
        }
        broken
    }
}
