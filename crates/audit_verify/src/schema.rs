//! What an entry may say: for each kind, its fields and their forms, as `spec/audit_log.md` section 4 lists them.
//!
//! A table, so that it can be laid beside the specification and read line by line. A field that is not in it is refused.

use std::borrow::Cow;

use crate::canonical::{INTEGER_MAX, Value};
use crate::entry::read_time;

/// The format's version that this reader knows.
const VERSION: i64 = 1;

/// Names, ids and words are short; what is longer was not written by this log.
const TEXT_BYTES_MAX: usize = 2048;

/// A field: its name, its form, and whether an entry may do without it.
struct Field(&'static str, Form, Need);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    Sometimes,
}

use Need::{Always, Sometimes};

/// What a field's value must be.
#[derive(Clone, Copy)]
enum Form {
    /// The format's version.
    Version,
    /// The kind's own name.
    Kind,
    /// RFC 3339 in UTC with microseconds.
    Time,
    /// Text of at most 2048 bytes, not empty, without control characters.
    Text,
    /// Bytes in lower-case hex: so many digits.
    Hex(usize),
    /// A whole number from 0 to 2^64 - 1; beyond 2^53 - 1 as a string of digits.
    Whole,
    /// A number from 0 to this one.
    UpTo(u64),
    /// `true` or `false`.
    Bool,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Different texts, at least one.
    Texts,
    /// Minor units and a currency of ISO 4217, such as `1250 KRW`.
    Money,
    /// Whole numbers by word.
    Counts,
    /// Texts by word.
    Strings,
}

const ENDINGS: &[&str] = &["abandoned", "answered", "cancelled", "failed", "lost"];

const CLASSES: &[&str] = &["classified", "open", "sensitive"];

const ACTIONS: &[&str] = &[
    "account.change",
    "account.close",
    "account.create",
    "account.lock",
    "approval.give",
    "catalog.change",
    "configuration.change",
    "drill.begin",
    "drill.end",
    "evaluation.finish",
    "key.create",
    "key.revoke",
    "key.rotate",
    "model.add",
    "model.remove",
    "policy.change",
    "record.adopt",
    "session.begin",
    "session.end",
    "voucher.close",
    "voucher.grant",
    "withdrawal.begin",
    "withdrawal.end",
];

/// The fields of each kind, in canonical order; those that every kind has stand among them.
static KINDS: &[(&str, &[Field])] = &[
    ("administration", ADMINISTRATION),
    ("attempt", ATTEMPT),
    ("decision", DECISION),
    ("erasure", ERASURE),
    ("outcome", OUTCOME),
    ("refusal", REFUSAL),
    ("start", START),
    ("stop", STOP),
];

static DECISION: &[Field] = &[
    Field("answer_tokens_max", Form::Whole, Sometimes),
    Field("at", Form::Time, Always),
    Field("catalog", Form::Hex(64), Sometimes),
    Field("choices", Form::UpTo(u32::MAX as u64), Always),
    Field("class", Form::OneOf(CLASSES), Sometimes),
    Field("commitment", Form::Hex(64), Always),
    Field("config", Form::Hex(64), Always),
    Field("destinations", Form::Texts, Always),
    Field("findings", Form::Counts, Sometimes),
    Field("key", Form::Text, Always),
    Field("kind", Form::Kind, Always),
    Field("law", Form::Hex(64), Sometimes),
    Field("model", Form::Text, Always),
    Field("policy", Form::Hex(64), Always),
    Field("prompt_tokens", Form::Whole, Sometimes),
    Field("replica", Form::Hex(16), Always),
    Field("request", Form::Text, Always),
    Field("request_bytes", Form::Whole, Always),
    Field("reservation", Form::Text, Sometimes),
    Field("rules", Form::Texts, Sometimes),
    Field("seq", Form::Whole, Always),
    Field("skipped", Form::Texts, Sometimes),
    Field("stream", Form::Bool, Always),
    Field("surface", Form::Text, Always),
    Field("team", Form::Text, Always),
    Field("v", Form::Version, Always),
];

static REFUSAL: &[Field] = &[
    Field("at", Form::Time, Always),
    Field("catalog", Form::Hex(64), Sometimes),
    Field("class", Form::OneOf(CLASSES), Sometimes),
    Field("commitment", Form::Hex(64), Always),
    Field("config", Form::Hex(64), Always),
    Field("findings", Form::Counts, Sometimes),
    Field("key", Form::Text, Always),
    Field("kind", Form::Kind, Always),
    Field("model", Form::Text, Sometimes),
    Field("policy", Form::Hex(64), Always),
    Field("reason", Form::Text, Always),
    Field("replica", Form::Hex(16), Always),
    Field("request", Form::Text, Always),
    Field("rule", Form::Text, Sometimes),
    Field("seq", Form::Whole, Always),
    Field("skipped", Form::Texts, Sometimes),
    Field("surface", Form::Text, Always),
    Field("team", Form::Text, Always),
    Field("v", Form::Version, Always),
];

static ATTEMPT: &[Field] = &[
    Field("answer_bytes", Form::Whole, Sometimes),
    Field("at", Form::Time, Always),
    Field("completion_tokens", Form::Whole, Sometimes),
    Field("decision", Form::Whole, Always),
    Field("destination", Form::Text, Always),
    Field("kind", Form::Kind, Always),
    Field("number", Form::UpTo(u32::MAX as u64), Always),
    Field("reason", Form::Text, Always),
    Field("replica", Form::Hex(16), Always),
    Field("request", Form::Text, Always),
    Field("seq", Form::Whole, Always),
    Field("v", Form::Version, Always),
];

static OUTCOME: &[Field] = &[
    Field("answer_bytes", Form::Whole, Always),
    Field("at", Form::Time, Always),
    Field("attempts", Form::UpTo(u32::MAX as u64), Always),
    Field("commitment", Form::Hex(64), Sometimes),
    Field("completion_tokens", Form::Whole, Sometimes),
    Field("cost", Form::Money, Sometimes),
    Field("decision", Form::Whole, Always),
    Field("destination", Form::Text, Sometimes),
    Field("duration_us", Form::Whole, Sometimes),
    Field("ending", Form::OneOf(ENDINGS), Always),
    Field("findings", Form::Counts, Sometimes),
    Field("finish", Form::Text, Sometimes),
    Field("first_byte_us", Form::Whole, Sometimes),
    Field("hidden", Form::Whole, Sometimes),
    Field("kind", Form::Kind, Always),
    Field("label", Form::Text, Sometimes),
    Field("prompt_tokens", Form::Whole, Sometimes),
    Field("reason", Form::Text, Sometimes),
    Field("replica", Form::Hex(16), Always),
    Field("request", Form::Text, Always),
    Field("review", Form::Text, Sometimes),
    Field("seam_at", Form::Whole, Sometimes),
    Field("seq", Form::Whole, Always),
    Field("status", Form::UpTo(u16::MAX as u64), Sometimes),
    Field("tls_group", Form::Text, Sometimes),
    Field("v", Form::Version, Always),
];

static ADMINISTRATION: &[Field] = &[
    Field("action", Form::OneOf(ACTIONS), Always),
    Field("at", Form::Time, Always),
    Field("by", Form::Text, Always),
    Field("detail", Form::Strings, Always),
    Field("kind", Form::Kind, Always),
    Field("replica", Form::Hex(16), Always),
    Field("seq", Form::Whole, Always),
    Field("subject", Form::Text, Always),
    Field("v", Form::Version, Always),
];

static START: &[Field] = &[
    Field("at", Form::Time, Always),
    Field("config", Form::Hex(64), Always),
    Field("kind", Form::Kind, Always),
    Field("replica", Form::Hex(16), Always),
    Field("seq", Form::Whole, Always),
    Field("v", Form::Version, Always),
    Field("version", Form::Text, Always),
];

static STOP: &[Field] = &[
    Field("at", Form::Time, Always),
    Field("kind", Form::Kind, Always),
    Field("reason", Form::Text, Always),
    Field("replica", Form::Hex(16), Always),
    Field("seq", Form::Whole, Always),
    Field("v", Form::Version, Always),
];

static ERASURE: &[Field] = &[
    Field("at", Form::Time, Always),
    Field("by", Form::Text, Always),
    Field("keys", Form::Texts, Always),
    Field("kind", Form::Kind, Always),
    Field("replica", Form::Hex(16), Always),
    Field("scope", Form::Text, Always),
    Field("seq", Form::Whole, Always),
    Field("v", Form::Version, Always),
];

/// An entry's fields, in canonical order.
pub(crate) struct Members<'m, 'a>(pub(crate) &'m [(Cow<'a, str>, Value<'a>)]);

impl<'m, 'a> Members<'m, 'a> {
    /// A field that holds text.
    pub(crate) fn text(&self, name: &str) -> Option<&'m str> {
        as_text(self.get(name)?)
    }

    /// A field that holds a whole number.
    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        as_whole(self.get(name)?)
    }

    /// The texts in a field that holds several.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &'m str> + use<'m, 'a> {
        let values = match self.get(name) {
            Some(Value::Array(values)) => values.as_slice(),
            _ => &[],
        };
        values.iter().filter_map(as_text)
    }

    fn get(&self, name: &str) -> Option<&'m Value<'a>> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }
}

/// Holds an entry against the table; returns its kind.
pub(crate) fn check(members: &Members<'_, '_>) -> Result<&'static str, String> {
    match members.get("v") {
        Some(Value::Integer(VERSION)) => {}
        Some(_) => return Err("`v` is not 1, the version this reader knows".to_owned()),
        None => return Err("`v` is missing".to_owned()),
    }
    let kind = members.text("kind").ok_or("`kind` is missing or not text")?;
    let known = KINDS.iter().find(|(name, _)| *name == kind);
    let (kind, fields) = known.ok_or_else(|| format!("`{kind}` is not a kind of entry"))?;
    check_fields(members.0, fields, kind)?;
    Ok(kind)
}

fn check_fields(members: &[(Cow<'_, str>, Value<'_>)], fields: &[Field], whose: &str) -> Result<(), String> {
    let mut expected = fields.iter().peekable();
    for (name, value) in members {
        // Both are in the canonical order, so what is skipped is missing and what is not met is unknown.
        while let Some(Field(skipped, _, need)) = expected.next_if(|Field(field, ..)| *field < name.as_ref()) {
            demand(skipped, *need)?;
        }
        let Some(Field(_, form, _)) = expected.next_if(|Field(field, ..)| *field == name) else {
            return Err(format!("`{name}` is not a field of `{whose}`"));
        };
        form.check(value, name)?;
    }
    for Field(skipped, _, need) in expected {
        demand(skipped, *need)?;
    }
    Ok(())
}

fn demand(field: &str, need: Need) -> Result<(), String> {
    match need {
        Always => Err(format!("`{field}` is missing")),
        Sometimes => Ok(()),
    }
}

impl Form {
    fn check(self, value: &Value<'_>, name: &str) -> Result<(), String> {
        let text = as_text(value);
        let (holds, wrong) = match self {
            // Both were looked at before the table was chosen.
            Self::Version | Self::Kind => (true, ""),
            Self::Time => {
                let time = text.and_then(read_time).is_some();
                (time, "is not a time in UTC with microseconds, such as `2026-01-31T09:30:00.000000Z`")
            }
            Self::Text => (text.is_some_and(is_plain), "is not text of 1 to 2048 bytes without control characters"),
            Self::Hex(digits) => (text.is_some_and(|text| is_hex(text, digits)), "is not hex of its length"),
            Self::Whole => (as_whole(value).is_some(), "is not a whole number in its one spelling"),
            Self::UpTo(most) => (as_whole(value).is_some_and(|number| number <= most), "is not a number in its range"),
            Self::Bool => (matches!(value, Value::Bool(_)), "is neither `true` nor `false`"),
            Self::OneOf(words) => (text.is_some_and(|text| words.contains(&text)), "is none of its words"),
            Self::Texts => (are_texts(value), "is not a list of different texts, at least one"),
            Self::Money => (text.is_some_and(is_money), "is not an amount and a currency, such as `1250 KRW`"),
            Self::Counts => (are_named(value, |value| as_whole(value).is_some()), "does not hold numbers by word"),
            Self::Strings => {
                let strings = are_named(value, |value| as_text(value).is_some_and(is_plain));
                (strings, "does not hold texts by word")
            }
        };
        if holds { Ok(()) } else { Err(format!("`{name}` {wrong}")) }
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control)
}

fn as_text<'m>(value: &'m Value<'_>) -> Option<&'m str> {
    match value {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn as_whole(value: &Value<'_>) -> Option<u64> {
    match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::String(digits) => crate::checkpoint::read_decimal(digits).filter(|number| *number > INTEGER_MAX),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn are_texts(value: &Value<'_>) -> bool {
    let Value::Array(values) = value else { return false };
    let texts: Vec<&str> = values.iter().filter_map(as_text).filter(|text| is_plain(text)).collect();
    let all_different = texts.iter().enumerate().all(|(at, text)| !texts.iter().take(at).any(|before| before == text));
    !texts.is_empty() && texts.len() == values.len() && all_different
}

fn are_named(value: &Value<'_>, holds: impl Fn(&Value<'_>) -> bool) -> bool {
    match value {
        Value::Object(members) => members.iter().all(|(name, value)| is_word(name) && holds(value)),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::String(_) | Value::Array(_) => false,
    }
}

fn is_word(text: &str) -> bool {
    let fits = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn is_money(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(amount, currency)| {
        let upper = currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase());
        upper && crate::checkpoint::read_decimal(amount).is_some()
    })
}

#[cfg(test)]
mod tests;
