//! The prompt of a completion, and the input of an embedding: one or several, as text or as tokens. It does not know what the
//! tokens mean.

use std::fmt;

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Invalid;

/// Prompts in one request.
pub const PROMPTS_MAX: usize = 128;

/// What a model goes on with, or embeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Prompt {
    /// One text.
    Text(String),
    /// Several texts, each answered for itself.
    Texts(Vec<String>),
    /// One text as tokens.
    Tokens(Vec<u32>),
    /// Several texts as tokens.
    ManyTokens(Vec<Vec<u32>>),
}

impl Prompt {
    /// How many prompts there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Text(_) | Self::Tokens(_) => 1,
            Self::Texts(texts) => texts.len(),
            Self::ManyTokens(prompts) => prompts.len(),
        }
    }

    /// The prompts that are text.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Texts(texts) => texts,
            Self::Tokens(_) | Self::ManyTokens(_) => &[],
        }
    }

    /// The prompts that are tokens.
    pub fn tokens(&self) -> &[Vec<u32>] {
        match self {
            Self::Text(_) | Self::Texts(_) => &[],
            Self::Tokens(tokens) => std::slice::from_ref(tokens),
            Self::ManyTokens(prompts) => prompts,
        }
    }

    /// Checks what stands in the field `param`.
    pub(crate) fn check(&self, param: &str) -> Result<(), Invalid> {
        if self.tokens().iter().any(Vec::is_empty) {
            return Err(Invalid::value(param, format!("`{param}` holds no token; give at least one, or a text")));
        }
        Ok(())
    }
}

/// One, or at most `MAX`.
pub(crate) fn one_or_several<'de, D, const MAX: usize>(deserializer: D) -> Result<Prompt, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(AnyPrompt { max: MAX })
}

impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_several::<_, PROMPTS_MAX>(deserializer)
    }
}

struct AnyPrompt {
    max: usize,
}

impl<'de> Visitor<'de> for AnyPrompt {
    type Value = Prompt;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max;
        write!(out, "a string, at most {max} strings, an array of tokens, or at most {max} of those")
    }

    fn visit_str<E>(self, text: &str) -> Result<Prompt, E> {
        Ok(Prompt::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Prompt, E> {
        Ok(Prompt::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Prompt, A::Error> {
        let mut prompt = match access.next_element()? {
            None => return Err(A::Error::invalid_length(0, &"at least one text or token")),
            Some(Item::Text(text)) => Prompt::Texts(vec![text]),
            Some(Item::Token(token)) => Prompt::Tokens(vec![token]),
            Some(Item::Tokens(tokens)) => Prompt::ManyTokens(vec![tokens]),
        };
        while let Some(item) = access.next_element()? {
            if prompt.count() == self.max {
                return Err(A::Error::invalid_length(self.max + 1, &self));
            }
            match (&mut prompt, item) {
                (Prompt::Texts(texts), Item::Text(text)) => texts.push(text),
                (Prompt::Tokens(tokens), Item::Token(token)) => tokens.push(token),
                (Prompt::ManyTokens(prompts), Item::Tokens(tokens)) => prompts.push(tokens),
                _ => return Err(A::Error::invalid_type(Unexpected::Other("mixed"), &self)),
            }
        }
        Ok(prompt)
    }
}

/// One item of a prompt that is an array.
enum Item {
    Text(String),
    Token(u32),
    Tokens(Vec<u32>),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyItem)
    }
}

struct AnyItem;

impl<'de> Visitor<'de> for AnyItem {
    type Value = Item;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string, a token's number or an array of those")
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Item, E> {
        u32::try_from(value).map(Item::Token).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &TOKEN))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Item, E> {
        Err(E::invalid_value(Unexpected::Signed(value), &TOKEN))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Item, A::Error> {
        let mut tokens = Vec::new();
        while let Some(Token(token)) = access.next_element()? {
            tokens.push(token);
        }
        Ok(Item::Tokens(tokens))
    }
}

const TOKEN: &str = "a token's number from 0 to 4294967295";

struct Token(u32);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TokenVisitor;
        impl Visitor<'_> for TokenVisitor {
            type Value = Token;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(TOKEN)
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Token, E> {
                u32::try_from(value).map(Token).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &TOKEN))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Token, E> {
                Err(E::invalid_value(Unexpected::Signed(value), &TOKEN))
            }
        }
        deserializer.deserialize_any(TokenVisitor)
    }
}
