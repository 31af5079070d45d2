//! What a provider says to whoever asked it wrongly: code, words and argument, out of whatever form it has for errors; and how long
//! it wants to be left alone. What its words say of the provider itself is told by `availability::diagnosis`.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::Value;

/// A provider's words are of use up to here.
const WORDS_BYTES_MAX: usize = 4 * 1024;
/// A code is a short word.
const CODE_BYTES_MAX: usize = 64;
/// Where providers put the object that says what is wrong, if it is not the whole.
const WITHIN: [&str; 4] = ["error", "errors", "status", "fault"];
/// Where they put a sentence for people.
const SENTENCES: [&str; 6] = ["message", "detail", "error_description", "faultstring", "msg", "Message"];
/// Where they put a word for programs, the most exact first.
const CODES: [&str; 5] = ["code", "errorCode", "error_code", "status", "type"];

/// What is read of an answer that is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// A short word or number, such as `insufficient_quota`.
    pub(super) code: Option<String>,
    /// A sentence, or what of a page is text.
    pub(super) message: Option<String>,
    /// The argument that is meant.
    pub(super) param: Option<String>,
}

impl Told {
    /// Reads OpenAI's form, Anthropic's, those of vLLM, of Google, Naver and Amazon, pages and plain text.
    pub(super) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Self::of_json(&value),
            Err(_) => Self { message: words(&without_tags(text)), ..Self::default() },
        }
    }

    fn of_json(value: &Value) -> Self {
        let mut told = Self::default();
        told.take(value, 0);
        told
    }

    /// The outer object first: what stands within is more exact, and takes its place.
    fn take(&mut self, value: &Value, depth: u8) {
        const DEPTH_MAX: u8 = 3;
        match value {
            Value::Array(values) => {
                if let Some(first) = values.first()
                    && depth < DEPTH_MAX
                {
                    self.take(first, depth + 1);
                }
            }
            Value::String(text) => self.message = words(text).or(self.message.take()),
            Value::Object(object) => {
                let sentence = SENTENCES.iter().find_map(|key| words(object.get(*key)?.as_str()?));
                self.message = sentence.or(self.message.take());
                let code = CODES.iter().filter_map(|key| object.get(*key)).find_map(code);
                self.code = code.filter(|code| code != "error").or(self.code.take());
                self.param = object.get("param").and_then(Value::as_str).and_then(words).or(self.param.take());
                let within =
                    WITHIN.iter().filter_map(|key| object.get(*key)).find(|it| it.is_object() || it.is_array());
                if let Some(within) = within
                    && depth < DEPTH_MAX
                {
                    self.take(within, depth + 1);
                } else if self.message.is_none() {
                    self.message = object.get("error").and_then(Value::as_str).and_then(words);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Whether any of it holds `secret`: providers repeat the keys that they refuse, some of them in part.
    pub(super) fn shows(&self, secret: &str) -> bool {
        const PART_BYTES: usize = 8;
        let parts = [Some(secret), secret.get(..PART_BYTES), secret.get(secret.len().saturating_sub(PART_BYTES)..)];
        let fields = [&self.code, &self.message, &self.param];
        let shown =
            |part: &str| !part.is_empty() && fields.iter().any(|it| it.as_ref().is_some_and(|it| it.contains(part)));
        parts.into_iter().flatten().any(shown)
    }
}

/// A word for programs: one that a log may hold.
fn code(value: &Value) -> Option<String> {
    let word = match value {
        Value::String(word) => word.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!word.is_empty() && word.len() <= CODE_BYTES_MAX && word.bytes().all(proper)).then_some(word)
}

/// A text in one line, as far as it is of use.
fn words(text: &str) -> Option<String> {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() >= WORDS_BYTES_MAX {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    (!line.is_empty()).then_some(line)
}

/// What of a page is text.
fn without_tags(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        plain.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

/// How long a provider wants to be left alone, by whichever header says so.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(|text| text.parse().ok()).map(Duration::from_millis);
    let asked = text(header::RETRY_AFTER.as_str()).and_then(|text| span(text, now));
    milliseconds.or(asked).or_else(|| {
        // Of what is used up: when there is more of it.
        ["requests", "tokens"]
            .into_iter()
            .filter(|of| text(&format!("x-ratelimit-remaining-{of}")) == Some("0"))
            .filter_map(|of| span(text(&format!("x-ratelimit-reset-{of}"))?, now))
            .max()
    })
}

/// Seconds, a date, a point in time, or `1m30.5s`.
fn span(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    if let Some(at) = date.or_else(|| text.parse().ok()) {
        return Some(Duration::try_from(at.duration_since(now)).unwrap_or_default());
    }
    written(text)
}

/// A span such as `6m0s` or `20ms`.
fn written(text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, more) = rest.split_at_checked(number_end)?;
        let unit_end = more.find(|letter: char| letter.is_ascii_digit()).unwrap_or(more.len());
        let (unit, more) = more.split_at_checked(unit_end)?;
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        sum = sum.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?)?;
        rest = more;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests;
