//! Strings that end an answer: one, or up to four. It does not know how they are searched for.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::limited::List;

/// Strings that one request may give, as OpenAI documents it.
pub const STOPS_MAX: usize = 4;
/// Bytes of one such string: text so long may have to be held back before it is known not to be one.
pub const STOP_BYTES_MAX: usize = 1024;

/// Strings that end an answer and do not stand in it. A single one is written as an array too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stop(Vec<String>);

impl Stop {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn checked<E: Error>(texts: Vec<String>) -> Result<Self, E> {
        for text in &texts {
            if text.is_empty() || text.len() > STOP_BYTES_MAX {
                return Err(E::invalid_length(text.len(), &format!("of 1 to {STOP_BYTES_MAX} bytes each").as_str()));
            }
        }
        Ok(Self(texts))
    }
}

impl Deref for Stop {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(AnyStop)
    }
}

struct AnyStop;

impl<'de> Visitor<'de> for AnyStop {
    type Value = Stop;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a string or an array of at most {STOPS_MAX} strings")
    }

    fn visit_none<E>(self) -> Result<Stop, E> {
        Ok(Stop::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Stop, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Stop, E> {
        Stop::checked(vec![text.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Stop, A::Error> {
        let texts = List { max: STOPS_MAX, item: PhantomData }.visit_seq(access)?;
        Stop::checked(texts.unwrap_or_default())
    }
}
