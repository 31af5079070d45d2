//! Reads a request body once, strictly, into typed values.
//!
//! What two readers could read differently is refused, so that a decision taken on these values holds for the bytes
//! that are sent on: a byte order mark, invalid UTF-8, a key given twice, a lone surrogate, a number that no `f64` or
//! 64-bit integer holds, data after the value, nesting beyond [`DEPTH_MAX`]. Keys are compared letter for letter, so a
//! variant in another case is an unknown argument. Unknown arguments are refused by the types (`deny_unknown_fields`).
//!
//! It knows JSON (RFC 8259) and nothing of chats, models or HTTP. The size of a body is its caller's limit to set.

mod deserializer;
mod fault;
mod json;
mod reader;
#[cfg(test)]
mod tests;
mod walk;

use serde::Deserialize;

pub use json::Json;
pub use walk::{Step, Token, TokenKind, quoted, splice, walk};

use crate::error::Invalid;
#[cfg(test)]
pub(crate) use tests::any_json;

use fault::Fault;
use reader::Reader;

/// How deep objects and arrays may stand in each other. Real requests reach about twelve, in a tool's JSON schema.
pub const DEPTH_MAX: usize = 64;

/// How many values a body may hold in all, so that a small body of many tiny values cannot fill the memory.
/// A prompt of a million tokens given as numbers still fits.
pub const VALUES_MAX: usize = 1 << 20;

/// Reads `body` as one JSON value of type `T`.
pub fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Invalid> {
    read(body).map_err(|fault| fault.into_invalid(body))
}

fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Fault> {
    let mut reader = Reader::new(body)?;
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}
