//! What the body of an error says, in whichever of the common shapes it is written: code, kind and sentence. Judges nothing.

use std::borrow::Cow;

use serde_json::Value;

/// What is read of a body: errors are a few hundred bytes, and pages of HTML say at their top what they are.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How deep in a body its words are looked for.
const DEPTH_MAX: usize = 4;
/// A provider's code is told on if it is no longer.
const CODE_BYTES_MAX: usize = 64;

/// The words of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told<'a> {
    /// Its codes and kinds, such as `model_not_found` or `PERMISSION_DENIED`, from the outermost on.
    pub(super) codes: Vec<Cow<'a, str>>,
    /// Its sentences.
    pub(super) message: Cow<'a, str>,
    /// Whether it is JSON, as every API of this kind answers; a page of HTML comes from something before it.
    pub(super) is_json: bool,
}

/// The names under which codes stand.
const CODES: [&str; 6] = ["code", "type", "status", "reason", "errorCode", "error_code"];
/// The names under which sentences stand.
const SENTENCES: [&str; 7] = ["message", "detail", "error", "msg", "error_description", "title", "raw"];
/// What holds either.
const HOLDERS: [&str; 7] = ["error", "errors", "detail", "details", "status", "metadata", "innererror"];

impl<'a> Told<'a> {
    /// Reads a body: JSON in any of the shapes that providers use, or else text.
    pub(crate) fn read(body: &'a [u8]) -> Self {
        let body = body.get(..BODY_BYTES_MAX).unwrap_or(body);
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => {
                let mut told = Self { is_json: true, ..Self::default() };
                let mut sentences = Vec::new();
                told.take(&value, DEPTH_MAX, &mut sentences);
                told.message = sentences.join(" ").into();
                told
            }
            Err(_) => Self { message: String::from_utf8_lossy(body), ..Self::default() },
        }
    }

    /// The provider's code, if it is one short word: what can be told on without telling what a caller wrote.
    pub(super) fn code(&self) -> Option<&str> {
        let proper = |code: &&str| {
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
            !code.is_empty() && code.len() <= CODE_BYTES_MAX && code.bytes().all(is_word)
        };
        self.codes.iter().map(|code| &**code).find(proper)
    }

    fn take(&mut self, value: &Value, depth: usize, sentences: &mut Vec<String>) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.take_field(name, value, depth, sentences);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.take(value, depth, sentences)),
            Value::String(text) => sentences.push(text.clone()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn take_field(&mut self, name: &str, value: &Value, depth: usize, sentences: &mut Vec<String>) {
        match value {
            Value::String(text) if CODES.contains(&name) => self.codes.push(text.clone().into()),
            Value::Number(number) if CODES.contains(&name) => self.codes.push(number.to_string().into()),
            Value::String(text) if SENTENCES.contains(&name) => sentences.push(text.clone()),
            Value::Object(_) | Value::Array(_) if HOLDERS.contains(&name) => self.take(value, depth, sentences),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) | Value::Array(_) => {
            }
        }
    }
}
