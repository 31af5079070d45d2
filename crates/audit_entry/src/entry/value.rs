//! The values that fields hold, each with its range: bounded text, counts, hashes.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error as _, Unexpected};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use tlog::Hash;

use super::EntryError;

/// Text of 1 to [`Text::BYTES_MAX`] bytes without control characters: ids, names, codes, never what a caller wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Text(Box<str>);

impl Text {
    /// The longest text, in bytes: room for an ML-DSA-44 verifier key.
    pub const BYTES_MAX: usize = 2_048;

    /// Takes text that fits.
    pub fn new(text: impl Into<Box<str>>) -> Result<Text, EntryError> {
        let text = text.into();
        if text.is_empty() || text.len() > Text::BYTES_MAX {
            return Err(EntryError::Schema(format!("text of {} bytes, not of 1 to {}", text.len(), Text::BYTES_MAX)));
        }
        if text.chars().any(char::is_control) {
            return Err(EntryError::Schema("text with a control character".to_owned()));
        }
        Ok(Text(text))
    }

    /// Takes what fits of any text, and never fails: control characters become U+FFFD, what is longer than
    /// [`Text::BYTES_MAX`] is cut between two letters, nothing becomes `-`.
    pub fn of(text: &str) -> Text {
        let mut kept = String::with_capacity(text.len().min(Text::BYTES_MAX));
        for letter in text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter })
        {
            if kept.len() + letter.len_utf8() > Text::BYTES_MAX {
                break;
            }
            kept.push(letter);
        }
        Text(if kept.is_empty() { "-".into() } else { kept.into() })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = EntryError;

    fn try_from(text: String) -> Result<Text, EntryError> {
        Text::new(text)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// A name in a schema: 1 to 64 of `a-z`, `0-9`, `_`, `.`, `-`. Its bytes' order is RFC 8785's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Word(Box<str>);

impl Word {
    /// Takes a name that fits.
    pub fn new(word: impl Into<Box<str>>) -> Result<Word, EntryError> {
        let word = word.into();
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        if (1..=64).contains(&word.len()) && word.bytes().all(fits) {
            return Ok(Word(word));
        }
        Err(EntryError::Schema(format!("`{}` is no word", word.escape_debug())))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Word {
    type Error = EntryError;

    fn try_from(word: String) -> Result<Word, EntryError> {
        Word::new(word)
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

/// Money, written as `<minor units> <currency>`: whole units of the smallest coin that the ledger counts in, and ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cost {
    /// How many minor units.
    pub amount: u64,
    /// Three letters, `A-Z`.
    pub currency: [u8; 3],
}

impl fmt::Display for Cost {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.amount, self.currency.escape_ascii())
    }
}

impl FromStr for Cost {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Cost, EntryError> {
        let parts = text.split_once(' ').and_then(|(amount, currency)| {
            let currency = <[u8; 3]>::try_from(currency.as_bytes()).ok()?;
            Some(Cost { amount: tlog::parse_decimal(amount)?, currency })
        });
        let cost = parts.filter(|cost| cost.currency.iter().all(u8::is_ascii_uppercase));
        cost.ok_or_else(|| EntryError::Schema(format!("`{}` is no money", text.escape_debug())))
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Cost, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A whole number; written as a string of digits above 2^53 − 1, where JSON numbers of some readers lose their last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count(pub u64);

impl Count {
    const NUMBER_MAX: u64 = (1 << 53) - 1;
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0 <= Count::NUMBER_MAX { to.serialize_u64(self.0) } else { to.collect_str(&self.0) }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Count, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Digits(String),
        }
        match Written::deserialize(from)? {
            Written::Number(number) => Ok(Count(number)),
            Written::Digits(digits) => digits
                .parse()
                .map(Count)
                .map_err(|_| D::Error::invalid_value(Unexpected::Str(&digits), &"a whole number")),
        }
    }
}

/// SHA-256 or HMAC-SHA-256, written as 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub Hash);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(serde::ser::Error::custom)?;
        to.serialize_str(std::str::from_utf8(&digits).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        let digits = String::deserialize(from)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(&digits, &mut hash)
            .map_err(|_| D::Error::invalid_value(Unexpected::Str(&digits), &"64 hex digits"))?;
        Ok(Digest(hash))
    }
}
