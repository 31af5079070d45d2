//! Byte-level byte-pair encoding (GGUF's tokenizer model `gpt2`), by the crate `tokenizers`. It must not know control
//! tokens or templates.

use std::collections::HashMap;

use local_model::{CodecError, Token};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

use super::pre_tokenizers::PreTokenizer;
use super::vocabulary::{Class, MERGES, Vocabulary};
use crate::LoadError;
use crate::gguf::Metadata;

/// Text to tokens by merging pairs of byte sequences, most frequent first.
pub(super) struct ByteLevelCodec {
    tokenizer: Tokenizer,
}

impl ByteLevelCodec {
    pub(super) fn read(
        metadata: Metadata<'_>,
        vocabulary: &Vocabulary<'_>,
        pre_tokenizer: PreTokenizer,
    ) -> Result<Self, LoadError> {
        const TOKENS: &str = "tokenizer.ggml.tokens";
        let mut tokens = Vocab::with_capacity(vocabulary.spellings.len());
        // Control tokens are left out, so that no text can become one.
        for class in [Class::Normal, Class::Unused, Class::UserDefined] {
            tokens.extend(vocabulary.of_class(class).map(|(token, spelling)| (spelling.to_owned(), token)));
        }
        // Some good vocabularies lack control characters and bytes of planes that Unicode has not filled; these are
        // left out of texts, as the models' makers do. What lacks a visible ASCII character is no such vocabulary.
        if let Some(byte) = (b' '..=b'~').find(|byte| !tokens.contains_key(spelled(*byte).as_str())) {
            let problem = format!("has no token for `{}`, so that most texts could not be said", char::from(byte));
            return Err(LoadError::metadata(TOKENS, problem));
        }
        let missing = || LoadError::metadata(MERGES, "is missing; convert it anew");
        let merges = vocabulary.merges(metadata)?.ok_or_else(missing)?;
        let merges = merges.into_iter().map(|(left, right)| (left.to_owned(), right.to_owned())).collect();
        let model = BPE::builder()
            .vocab_and_merges(tokens, merges)
            // Words that one caller has sent must not make another's request measurably faster.
            .cache_capacity(0)
            .ignore_merges(pre_tokenizer.whole_words)
            .build()
            .map_err(|error| LoadError::metadata(MERGES, format!("does not fit the tokens: {error}")))?;

        let mut tokenizer = Tokenizer::new(model);
        let unusable = |error| LoadError::Unsupported(format!("the tokenizer cannot be built: {error}"));
        if pre_tokenizer.composes {
            tokenizer.with_normalizer(Some(NFC)).map_err(unusable)?;
        }
        let mut steps = Vec::with_capacity(pre_tokenizer.cuts.len() + 1);
        for cut in pre_tokenizer.cuts {
            let pattern = SplitPattern::Regex((*cut).to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(unusable)?;
            steps.push(PreTokenizerWrapper::from(split));
        }
        steps.push(ByteLevel::new(false, false, false).into());
        tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
        Ok(Self { tokenizer })
    }

    /// Appends the tokens of a text.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<Token>) -> Result<(), CodecError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|error| CodecError::Tokenizer(error.to_string()))?;
        tokens.extend_from_slice(encoding.get_ids());
        Ok(())
    }
}

/// How vocabularies of this kind write a byte: itself where it is visible in Latin-1, else a letter from U+0100 on.
fn spelled(byte: u8) -> String {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if visible(byte) {
        return char::from(byte).to_string();
    }
    let rank = (0..byte).filter(|earlier| !visible(*earlier)).count() as u32;
    char::from_u32(0x100 + rank).map(String::from).unwrap_or_default()
}

/// The bytes that a token's spelling stands for; nothing where it has a letter that stands for no byte.
pub(super) struct Alphabet {
    bytes: HashMap<char, u8>,
}

impl Alphabet {
    pub(super) fn new() -> Self {
        let bytes = (0..=u8::MAX).filter_map(|byte| Some((spelled(byte).chars().next()?, byte))).collect();
        Self { bytes }
    }

    pub(super) fn bytes(&self, spelling: &str) -> Option<Vec<u8>> {
        spelling.chars().map(|letter| self.bytes.get(&letter).copied()).collect()
    }
}
