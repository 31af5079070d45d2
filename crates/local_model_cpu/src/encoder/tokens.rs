//! The tokenizer of an encoder, as its `tokenizer.json` describes it. What that file says of cutting texts off and filling them up is
//! left aside: no text is cut off here, and none needs filling up.

use std::path::Path;

use local_model::{CodecError, TextTokens, Token};
use tokenizers::Tokenizer;

use super::description::Description;
use crate::LoadError;
use crate::small_file::{TOKENIZER_BYTES_MAX, small_file};

const TOKENIZER_FILE: &str = "tokenizer.json";

pub(super) struct Tokens {
    tokenizer: Tokenizer,
    lower_case: bool,
    /// What stands round every text.
    before: Vec<Token>,
    after: Vec<Token>,
}

impl Tokens {
    pub(super) fn read(folder: &Path, description: &Description) -> Result<Self, LoadError> {
        let unsupported = |problem: String| LoadError::Unsupported(format!("`{TOKENIZER_FILE}` {problem}"));
        let Some(bytes) = small_file(folder, TOKENIZER_FILE, TOKENIZER_BYTES_MAX)? else {
            return Err(unsupported("is not in the folder; texts cannot be made into tokens without it".to_owned()));
        };
        let mut tokenizer =
            Tokenizer::from_bytes(&bytes).map_err(|error| unsupported(format!("cannot be read: {error}")))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| unsupported(format!("cannot be used: {error}")))?;
        let known = tokenizer.get_vocab_size(true);
        let greatest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if greatest >= description.vocabulary {
            return Err(unsupported(format!(
                "has {known} tokens, up to number {greatest}; the model has vectors for {}",
                description.vocabulary
            )));
        }
        let mut tokens = Self { tokenizer, lower_case: description.lower_case, before: Vec::new(), after: Vec::new() };
        let (whole, alone) = (tokens.ids("a", true), tokens.ids("a", false));
        let (whole, alone) =
            whole.and_then(|whole| Ok((whole, alone?))).map_err(|error| unsupported(error.to_string()))?;
        let around = whole.windows(alone.len().max(1)).position(|part| part == alone);
        let Some(at) = around.filter(|_| !alone.is_empty()) else {
            return Err(unsupported("does not put a text's own tokens one after another".to_owned()));
        };
        tokens.before = whole[..at].to_vec();
        tokens.after = whole[at + alone.len()..].to_vec();
        Ok(tokens)
    }

    fn ids(&self, text: &str, whole: bool) -> Result<Vec<Token>, CodecError> {
        let encoded = self.tokenizer.encode_fast(text, whole);
        encoded.map(|encoded| encoded.get_ids().to_vec()).map_err(|error| CodecError::Tokenizer(error.to_string()))
    }
}

impl TextTokens for Tokens {
    fn encode(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        if self.lower_case { self.ids(&text.to_lowercase(), true) } else { self.ids(text, true) }
    }

    fn whole(&self, tokens: &[Token]) -> Vec<Token> {
        if tokens.starts_with(&self.before)
            && tokens[self.before.len()..].ends_with(&self.after)
            && !self.before.is_empty()
        {
            return tokens.to_vec();
        }
        [&self.before, tokens, &self.after].concat()
    }
}
