//! Text to tokens and back, as a model's file says. It must not know weights.
//!
//! Only a chat template's own words can become control tokens. What people say is cut, merged and looked up in a
//! vocabulary without them; where a text spells one, a mark that occurs nowhere else breaks the spelling while the
//! template runs, and is taken out again before the text is encoded.

mod byte_level;
mod pre_tokenizers;
mod rewritten;
mod sentence_piece;
mod spellings;
mod template;
mod vocabulary;

use std::cell::RefCell;
use std::collections::HashSet;

use jiff::Zoned;
use local_model::{CodecError, Conversation, Dialect, Opened, TextCodec, Token};

use crate::LoadError;
use crate::gguf::Metadata;
use byte_level::{Alphabet, ByteLevelCodec};
use pre_tokenizers::PreTokenizer;
use rewritten::rewritten;
use sentence_piece::SentencePieceCodec;
use spellings::Spellings;
use template::Template;
use vocabulary::{Class, Vocabulary};

/// Entries of ours beside GGUF's, and what the ways of cutting are called: for who writes entries.
pub(crate) mod entries {
    pub(crate) use super::pre_tokenizers::{COMPOSES, GPT_2, WHOLE_WORDS, name_of_cuts};
    pub(crate) use super::vocabulary::ENDS;
}

/// How texts become tokens.
enum Merging {
    ByteLevel(Box<ByteLevelCodec>),
    Pieces(SentencePieceCodec),
}

/// What a file says of how.
#[derive(Clone, Copy)]
enum Kind {
    ByteLevel(PreTokenizer),
    Pieces,
}

/// A model's tokenizer and chat template.
pub(crate) struct Codec {
    merging: Merging,
    controls: Spellings,
    /// Those among them that the model's dialect is written with.
    own: Spellings,
    /// Those that are marks of its messages, ascending.
    marks: Vec<Token>,
    dialect: Dialect,
    user_defined: Spellings,
    /// Characters for private use that control tokens are spelled with: no marks can be made of them.
    private_in_controls: HashSet<char>,
    bytes: TokenBytes,
    ends: Vec<Token>,
    begin: Option<Token>,
    template: Option<Template>,
}

/// What can be said of a file's codec without building it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodecFacts {
    /// Whether there is a chat template.
    pub(crate) chat: bool,
    /// Whether its model reasons before it answers.
    pub(crate) reasons: bool,
}

/// Checks that a file's codec can be built, without the vocabulary, which takes long.
pub(crate) fn facts(metadata: Metadata<'_>) -> Result<CodecFacts, LoadError> {
    read_kind(metadata)?;
    let template = metadata.string(TEMPLATE)?;
    if let Some(source) = template {
        Template::compile(source, "", "", Zoned::now)?;
    }
    let dialect = template.map_or(Dialect::PLAIN, Dialect::of_template);
    Ok(CodecFacts { chat: template.is_some(), reasons: dialect.thought.is_some() })
}

const TEMPLATE: &str = "tokenizer.chat_template";

impl Codec {
    /// Builds the codec that the file describes. `now` is asked only by templates that write the date.
    pub(crate) fn read(metadata: Metadata<'_>, now: fn() -> Zoned) -> Result<Self, LoadError> {
        let kind = read_kind(metadata)?;
        let source = metadata.string(TEMPLATE)?;
        let dialect = source.map_or(Dialect::PLAIN, Dialect::of_template);
        let vocabulary = Vocabulary::read(metadata, &dialect)?;
        let (merging, usually_begins) = match kind {
            Kind::ByteLevel(pre_tokenizer) => {
                let codec = ByteLevelCodec::read(metadata, &vocabulary, pre_tokenizer)?;
                (Merging::ByteLevel(Box::new(codec)), pre_tokenizer.begins)
            }
            Kind::Pieces => (Merging::Pieces(SentencePieceCodec::read(metadata, &vocabulary)?), true),
        };
        let begins = metadata.bool("tokenizer.ggml.add_bos_token")?.unwrap_or(usually_begins);
        let spelling = |token: Option<Token>| token.map_or("", |token| vocabulary.spelling(token));
        let own = |(_, text): &(Token, &str)| dialect.is_written_with(text);
        let marks = vocabulary.of_class(Class::Control).filter(|(_, text)| dialect.is_mark(text));
        let template = match source {
            Some(source) => Some(Template::compile(source, spelling(vocabulary.begin), spelling(vocabulary.end), now)?),
            None => None,
        };
        Ok(Self {
            merging,
            controls: Spellings::new(vocabulary.of_class(Class::Control))?,
            user_defined: Spellings::new(vocabulary.of_class(Class::UserDefined))?,
            private_in_controls: vocabulary.of_class(Class::Control).flat_map(|(_, text)| private(text)).collect(),
            own: Spellings::new(vocabulary.of_class(Class::Control).filter(own))?,
            marks: marks.map(|(token, _)| token).collect(),
            bytes: TokenBytes::new(&vocabulary, kind, &dialect),
            dialect,
            begin: vocabulary.begin.filter(|_| begins),
            ends: vocabulary.ends,
            template,
        })
    }

    /// A character for private use that nobody said and no control token is spelled with: breaking one spelling must not
    /// make another.
    fn unused_mark(&self, conversation: &Conversation) -> Option<char> {
        let said: RefCell<HashSet<char>> = RefCell::default();
        rewritten(conversation, &|text| {
            said.borrow_mut().extend(private(text));
            String::new()
        });
        let said = said.into_inner();
        let unused = |mark: &char| !said.contains(mark) && !self.private_in_controls.contains(mark);
        ('\u{e000}'..='\u{f8ff}').chain('\u{f0000}'..='\u{ffffd}').find(unused)
    }

    /// Plain text: control tokens cannot come of it.
    fn encode_plain(&self, text: &str, tokens: &mut Vec<Token>) -> Result<(), CodecError> {
        self.user_defined.split(text, |plain, token| {
            if !plain.is_empty() {
                match &self.merging {
                    Merging::ByteLevel(codec) => codec.encode(plain, tokens)?,
                    Merging::Pieces(codec) => codec.encode(plain, tokens),
                }
            }
            tokens.extend(token);
            Ok(())
        })
    }
}

impl TextCodec for Codec {
    fn encode(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        let mut tokens = Vec::new();
        self.encode_plain(text, &mut tokens)?;
        Ok(tokens)
    }

    fn encode_prompt(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        let mut tokens: Vec<Token> = self.begin.into_iter().collect();
        self.encode_plain(text, &mut tokens)?;
        Ok(tokens)
    }

    fn encode_own(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        let mut tokens = Vec::new();
        self.own.split(text, |plain, token| {
            self.encode_plain(plain, &mut tokens)?;
            tokens.extend(token);
            Ok(())
        })?;
        Ok(tokens)
    }

    fn open(&self, conversation: &Conversation) -> Result<Opened, CodecError> {
        let no_template = "the model's file brings none; send a plain prompt instead";
        let template = self.template.as_ref().ok_or_else(|| CodecError::Template(no_template.to_owned()))?;
        let mark = self.unused_mark(conversation);
        let mark = mark.ok_or_else(|| CodecError::Template("every private mark is in use".to_owned()))?;
        let rendered = template.render(&rewritten(conversation, &|text| self.controls.broken_by(mark, text)))?;
        let thinking = self.dialect.thought.is_some_and(|thought| rendered.trim_end().ends_with(thought.open));
        let mut tokens = Vec::new();
        self.controls.split(&rendered, |plain, token| {
            if plain.contains(mark) {
                self.encode_plain(&plain.replace(mark, ""), &mut tokens)?;
            } else {
                self.encode_plain(plain, &mut tokens)?;
            }
            tokens.extend(token);
            Ok(())
        })?;
        Ok(Opened { tokens, thinking })
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn bytes(&self, token: Token) -> &[u8] {
        self.bytes.of(token)
    }

    fn is_mark(&self, token: Token) -> bool {
        self.marks.binary_search(&token).is_ok()
    }

    fn is_end(&self, token: Token) -> bool {
        self.ends.binary_search(&token).is_ok()
    }
}

/// The characters for private use in a text.
fn private(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| matches!(letter, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}'))
}

fn read_kind(metadata: Metadata<'_>) -> Result<Kind, LoadError> {
    const PREFIX: &str = "tokenizer.ggml.add_space_prefix";
    match metadata.need_string("tokenizer.ggml.model")? {
        "gpt2" => Ok(Kind::ByteLevel(PreTokenizer::read(metadata)?)),
        // Before which pieces of a conversation such a space stands, programs do not agree.
        "llama" if metadata.bool(PREFIX)?.unwrap_or(true) => Err(LoadError::Unsupported(format!(
            "the model's tokenizer puts a space before each text (entry `{PREFIX}`), which this engine does not do; it \
             knows those of this kind that do not, such as Gemma's"
        ))),
        "llama" => Ok(Kind::Pieces),
        model => Err(LoadError::Unsupported(format!(
            "the model's tokenizer is of the kind `{model}` (entry `tokenizer.ggml.model`), which this engine does not \
             know; it knows gpt2 and llama"
        ))),
    }
}

/// What each token stands for, one after another.
struct TokenBytes {
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<u32>,
}

impl TokenBytes {
    fn new(vocabulary: &Vocabulary<'_>, kind: Kind, dialect: &Dialect) -> Self {
        let alphabet = Alphabet::new();
        let mut table = Self { bytes: Vec::new(), ends: Vec::with_capacity(vocabulary.spellings.len()) };
        for (spelling, class) in vocabulary.spellings.iter().zip(&vocabulary.classes) {
            match class {
                Class::Control if dialect.is_written_with(spelling) => {
                    table.bytes.extend_from_slice(spelling.as_bytes());
                }
                class if matches!(kind, Kind::Pieces) => table.bytes.extend(sentence_piece::bytes_of(spelling, *class)),
                Class::Control => {}
                Class::UserDefined => table.bytes.extend_from_slice(spelling.as_bytes()),
                Class::Normal | Class::Unused | Class::Byte => match alphabet.bytes(spelling) {
                    Some(bytes) => table.bytes.extend(bytes),
                    None => table.bytes.extend_from_slice(spelling.as_bytes()),
                },
            }
            table.ends.push(table.bytes.len() as u32);
        }
        table
    }

    fn of(&self, token: Token) -> &[u8] {
        let index = token as usize;
        let Some(end) = self.ends.get(index) else { return &[] };
        let begin = index.checked_sub(1).and_then(|index| self.ends.get(index)).copied().unwrap_or(0);
        &self.bytes[begin as usize..*end as usize]
    }
}

#[cfg(test)]
mod tests;
