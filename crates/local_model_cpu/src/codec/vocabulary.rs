//! A model's vocabulary as its file gives it: spellings, their classes, and the tokens with a part of their own. It must
//! not know how texts are cut or merged.

use std::collections::HashSet;

use local_model::{Dialect, Token};

use crate::LoadError;
use crate::gguf::Metadata;

/// Entries a vocabulary may have; the largest known has 262,144.
const TOKENS_MAX: usize = 1 << 20;

/// What kind of token it is, as `tokenizer.ggml.token_type` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A piece of text.
    Normal,
    /// Stands for what the vocabulary cannot say, or steers the model: never made from, nor given as, text.
    Control,
    /// A piece of text that is found before all others.
    UserDefined,
    /// Fills a gap in the numbering.
    Unused,
    /// One byte, written `<0x41>`.
    Byte,
}

/// Tokens that end an answer in the families we know, where the file fails to say so.
const END_SPELLINGS: [&str; 17] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "<|endofturn|>",
    "[|endofturn|]",
    "<|end_of_turn|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<|end▁of▁sentence|>",
    "<｜end▁of▁sentence｜>",
    "<|EOT|>",
    "<EOT>",
    "</s>",
];

/// Metadata keys of tokens that end an answer.
const END_KEYS: [&str; 3] =
    ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/// Pairs of pieces that are joined, the first ones first.
pub(super) const MERGES: &str = "tokenizer.ggml.merges";

/// An entry of ours: all tokens that end an answer, as `generation_config.json` lists them.
pub(crate) const ENDS: &str = "tokenizer.end_token_ids";

/// A vocabulary; a token is an index into `spellings` and `classes`.
pub(super) struct Vocabulary<'a> {
    pub(super) spellings: Vec<&'a str>,
    pub(super) classes: Vec<Class>,
    /// Begin-of-text.
    pub(super) begin: Option<Token>,
    /// End-of-text, the first of [`END_KEYS`].
    pub(super) end: Option<Token>,
    /// All tokens that end an answer, ascending.
    pub(super) ends: Vec<Token>,
}

impl<'a> Vocabulary<'a> {
    /// The vocabulary that the file describes, of a model that speaks this dialect.
    pub(super) fn read(metadata: Metadata<'a>, dialect: &Dialect) -> Result<Self, LoadError> {
        const TOKENS: &str = "tokenizer.ggml.tokens";
        const TYPES: &str = "tokenizer.ggml.token_type";
        let missing = |key| LoadError::metadata(key, "is missing; convert the model anew with its tokenizer");
        let spellings = metadata.strings(TOKENS)?.ok_or_else(|| missing(TOKENS))?;
        if spellings.is_empty() || spellings.len() > TOKENS_MAX {
            let problem = format!("has {} tokens; 1 to {TOKENS_MAX} are read", spellings.len());
            return Err(LoadError::metadata(TOKENS, problem));
        }
        let types = metadata.integers(TYPES)?.ok_or_else(|| missing(TYPES))?;
        if types.len() != spellings.len() {
            let problem = format!("has {} entries for {} tokens", types.len(), spellings.len());
            return Err(LoadError::metadata(TYPES, problem));
        }
        let mut classes = Vec::with_capacity(types.len());
        for (number, spelling) in types.into_iter().zip(&spellings) {
            classes.push(class(number, spelling).map_err(|problem| LoadError::metadata(TYPES, problem))?);
        }
        let mut vocabulary = Self { spellings, classes, begin: None, end: None, ends: Vec::new() };
        vocabulary.begin = vocabulary.special(metadata, "tokenizer.ggml.bos_token_id")?;
        vocabulary.end = vocabulary.special(metadata, END_KEYS[0])?;
        vocabulary.ends = vocabulary.find_ends(metadata, dialect)?;
        vocabulary.make_controls(dialect);
        Ok(vocabulary)
    }

    pub(super) fn spelling(&self, token: Token) -> &'a str {
        self.spellings.get(token as usize).copied().unwrap_or_default()
    }

    /// The tokens of a class with their spellings.
    pub(super) fn of_class(&self, class: Class) -> impl Iterator<Item = (Token, &'a str)> {
        let tokens = (0..).zip(self.spellings.iter().zip(&self.classes));
        tokens.filter(move |(_, (_, its))| **its == class).map(|(token, (spelling, _))| (token, *spelling))
    }

    /// The pairs of pieces that may be joined, in their order; none that would make a control token. Absent where the file
    /// has no list of them.
    pub(super) fn merges(&self, metadata: Metadata<'a>) -> Result<Option<Vec<(&'a str, &'a str)>>, LoadError> {
        let Some(lines) = metadata.strings(MERGES)? else { return Ok(None) };
        let controls: HashSet<&str> = self.of_class(Class::Control).map(|(_, text)| text).collect();
        let mut merges = Vec::with_capacity(lines.len());
        for line in lines {
            let pair = line.split_once(' ').filter(|(left, right)| !left.is_empty() && !right.is_empty());
            let Some((left, right)) = pair else {
                let problem = format!("holds `{}`, which is no pair of pieces", line.escape_debug());
                return Err(LoadError::metadata(MERGES, problem));
            };
            if !controls.contains(format!("{left}{right}").as_str()) {
                merges.push((left, right));
            }
        }
        Ok(Some(merges))
    }

    /// A token that the file names by its number.
    fn special(&self, metadata: Metadata<'_>, key: &str) -> Result<Option<Token>, LoadError> {
        let Some(number) = metadata.u64(key)? else { return Ok(None) };
        match Token::try_from(number) {
            Ok(token) if (token as usize) < self.spellings.len() => Ok(Some(token)),
            _ => {
                let problem = format!("is {number}, but the vocabulary has {} tokens", self.spellings.len());
                Err(LoadError::metadata(key, problem))
            }
        }
    }

    /// The tokens that end an answer: those that the file names and those that we know, but for what ends no more than a message
    /// in the model's dialect.
    fn find_ends(&self, metadata: Metadata<'_>, dialect: &Dialect) -> Result<Vec<Token>, LoadError> {
        let mut ends = Vec::new();
        for key in END_KEYS {
            ends.extend(self.special(metadata, key)?);
        }
        for number in metadata.integers(ENDS)?.unwrap_or_default() {
            let token = Token::try_from(number).ok().filter(|token| (*token as usize) < self.spellings.len());
            let problem = || format!("holds {number}, but the vocabulary has {} tokens", self.spellings.len());
            ends.push(token.ok_or_else(|| LoadError::metadata(ENDS, problem()))?);
        }
        let ends_always = |spelling: &str| dialect.ends_with(spelling).unwrap_or(END_SPELLINGS.contains(&spelling));
        let spelled = (0..).zip(&self.spellings).filter(|(_, spelling)| ends_always(spelling));
        ends.extend(spelled.map(|(token, _)| token));
        ends.retain(|token| dialect.ends_with(self.spelling(*token)) != Some(false));
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            return Err(LoadError::metadata(END_KEYS[0], "is missing, so no answer would ever end; convert it anew"));
        }
        Ok(ends)
    }

    /// Ends, and marks of the dialect's messages, become control tokens whatever the file says, because some converters leave
    /// them as text, and a caller could then spell them.
    fn make_controls(&mut self, dialect: &Dialect) {
        let marks = (0..).zip(&self.spellings).filter(|(_, spelling)| dialect.is_mark(spelling));
        let marks: Vec<Token> = marks.map(|(token, _)| token).collect();
        for token in self.ends.iter().chain(&marks) {
            self.classes[*token as usize] = Class::Control;
        }
    }
}

fn class(number: i64, spelling: &str) -> Result<Class, String> {
    Ok(match number {
        1 => Class::Normal,
        // Unknown text is never produced by a vocabulary that has all bytes; its token only serves as a mark.
        2 | 3 => Class::Control,
        // The mark's shape is kept for steering by every family that uses it.
        4 if spelling.starts_with("<|") && spelling.ends_with("|>") => Class::Control,
        4 => Class::UserDefined,
        5 => Class::Unused,
        6 => Class::Byte,
        _ => return Err(format!("gives the token `{}` the unknown type {number}", spelling.escape_debug())),
    })
}
