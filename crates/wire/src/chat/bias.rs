//! Makes single tokens likelier or less likely. It does not know which tokens a model has.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limited::{self, Pairs};

/// Tokens that one request may name.
pub const BIASES_MAX: usize = 300;

/// What is added to the logits of single tokens, −100 to 100; tokens are the model's own numbers, in the order given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogitBias(Vec<(u32, f64)>);

impl LogitBias {
    /// Whether no token is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Deref for LogitBias {
    type Target = [(u32, f64)];

    fn deref(&self) -> &[(u32, f64)] {
        &self.0
    }
}

impl Serialize for LogitBias {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        limited::write_pairs(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for LogitBias {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Pairs::<TokenKey, Bias> { max: BIASES_MAX, pair: PhantomData };
        let pairs = deserializer.deserialize_option(pairs)?;
        Ok(Self(pairs.into_iter().map(|(TokenKey(token), Bias(bias))| (token, bias)).collect()))
    }
}

/// A token's number as a key. Only its plain decimal form, so that no token can be named twice.
struct TokenKey(u32);

impl<'de> Deserialize<'de> for TokenKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TokenVisitor)
    }
}

struct TokenVisitor;

impl Visitor<'_> for TokenVisitor {
    type Value = TokenKey;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("keyed by tokens' numbers")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TokenKey, E> {
        match text.parse::<u32>() {
            Ok(token) if token.to_string() == text => Ok(TokenKey(token)),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

struct Bias(f64);

impl<'de> Deserialize<'de> for Bias {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bias = limited::real::<_, -100, 100>(deserializer)?;
        bias.map(Self).ok_or_else(|| D::Error::invalid_type(Unexpected::Unit, &"a number from -100 to 100"))
    }
}
