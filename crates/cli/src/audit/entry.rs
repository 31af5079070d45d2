//! One entry as it is shown: its fields by name, whatever its kind.
//!
//! Read by name and not by the schema's types, so that an entry of a later version is shown too. It decides nothing: whether an
//! entry is one that the log writes is the verifier's word.

use std::io;

use serde_json::{Map, Value};

use super::lines::plain;
use crate::{
    failure::Failure,
    terminal::{FAINT, STRONG, Terminal},
};

/// Fields that each entry has; they come first.
const COMMON: [&str; 5] = ["kind", "at", "replica", "seq", "v"];
/// Columns of a field's name.
const WIDTH: usize = 18;

/// An entry and its place in the log.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) index: u64,
    /// As the log holds it: canonical JSON, without line ends.
    pub(super) text: String,
    fields: Map<String, Value>,
}

impl Entry {
    pub(super) fn read(index: u64, bytes: &[u8]) -> Result<Self, Failure> {
        let told = |why: String| {
            Failure::trouble(format!("entry {index} cannot be read: {why}"))
                .hint("`gwanmun audit verify` says what is wrong with the log")
        };
        let text = String::from_utf8(bytes.to_vec()).map_err(|error| told(error.to_string()))?;
        let fields = serde_json::from_str(&text).map_err(|error| told(error.to_string()))?;
        Ok(Self { index, text, fields })
    }

    /// A field of text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// A field that holds a whole number; large ones are written as digits.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        let value = self.fields.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A field as one text: lists and objects as JSON.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        Some(match self.fields.get(name)? {
            Value::String(text) => text.clone(),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        })
    }

    pub(super) fn kind(&self) -> &str {
        self.text("kind").unwrap_or("-")
    }

    /// All fields, one a line.
    pub(super) fn write_all_fields(&self, terminal: &mut Terminal) -> io::Result<()> {
        let others = self.fields.keys().map(String::as_str).filter(|name| !COMMON.contains(name));
        for name in COMMON.into_iter().chain(others) {
            let Some(shown) = self.shown(name) else { continue };
            let (name, shown) = (plain(name), plain(&shown));
            if COMMON.contains(&name.as_str()) && name != "kind" && name != "at" {
                writeln!(terminal.out(), "  {FAINT}{name:<WIDTH$} {shown}{FAINT:#}")?;
            } else {
                writeln!(terminal.out(), "  {STRONG}{name:<WIDTH$}{STRONG:#} {shown}")?;
            }
        }
        Ok(())
    }
}
