//! A reader of JSON that accepts one spelling of each value: RFC 8785's, with integers only.
//!
//! A text that it accepts is the canonical form of what it returns, so nothing has to be written again and compared. It
//! knows no schema.

use std::borrow::Cow;

/// The largest integer that every reader of JSON holds exactly; larger ones are strings in this log.
pub(crate) const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The schema nests three levels; more is somebody's attempt on our stack.
const DEPTH_MAX: u32 = 8;

/// A value, borrowing its text from the entry wherever that has no escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Why a text is refused, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) at: usize,
    pub(crate) wrong: &'static str,
}

/// Reads one value that fills all of `text`.
pub(crate) fn read(text: &[u8]) -> Result<Value<'_>, Refusal> {
    let text = std::str::from_utf8(text).map_err(|error| Refusal { at: error.valid_up_to(), wrong: "not UTF-8" })?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    if reader.at < text.len() { Err(reader.refuse("something follows the value")) } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Result<Value<'a>, Refusal> {
        if depth > DEPTH_MAX {
            return Err(self.refuse("nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b' ' | b'\t' | b'\n' | b'\r') => Err(self.refuse("white space, which the canonical form has none of")),
            Some(_) => Err(self.refuse("not the beginning of a value")),
            None => Err(self.refuse("the text ends within a value")),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value<'a>, Refusal> {
        self.at += 1;
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(20);
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            let begins = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.refuse("a field's name must stand here"));
            }
            let name = self.string()?;
            if members.last().is_some_and(|(before, _)| !before.encode_utf16().lt(name.encode_utf16())) {
                return Err(Refusal { at: begins, wrong: "a field repeated, or out of the canonical order" });
            }
            self.must(b':', "a colon must stand here")?;
            let value = self.value(depth + 1)?;
            members.push((name, value));
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            self.must(b',', "a comma or a closing brace must stand here")?;
        }
    }

    fn array(&mut self, depth: u32) -> Result<Value<'a>, Refusal> {
        self.at += 1;
        let mut values = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Value::Array(values));
            }
            self.must(b',', "a comma or a closing bracket must stand here")?;
        }
    }

    fn integer(&mut self) -> Result<Value<'a>, Refusal> {
        let begins = self.at;
        let negative = self.take(b'-');
        let digits_begin = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let digits = self.text.get(digits_begin..self.at).unwrap_or_default();
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(self.refuse("a number that is not a plain integer"));
        }
        let spelled_otherwise = digits.is_empty() || digits.len() > 1 && digits.starts_with('0');
        if spelled_otherwise || negative && digits == "0" {
            return Err(Refusal { at: begins, wrong: "a number not in its canonical form" });
        }
        let magnitude = digits.parse::<u64>().ok().filter(|number| *number <= INTEGER_MAX);
        match magnitude.and_then(|number| i64::try_from(number).ok()) {
            Some(number) => Ok(Value::Integer(if negative { -number } else { number })),
            None => Err(Refusal { at: begins, wrong: "an integer beyond 2^53 - 1, which must be a string" }),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Refusal> {
        self.at += 1;
        let begins = self.at;
        let mut unescaped: Option<String> = None;
        let mut plain_from = begins;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let rest = self.text.get(plain_from..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(rest),
                        Some(text) => Cow::Owned(text + rest),
                    });
                }
                Some(b'\\') => {
                    let plain = self.text.get(plain_from..self.at).unwrap_or_default();
                    let text = unescaped.get_or_insert_default();
                    text.push_str(plain);
                    text.push(self.escape()?);
                    plain_from = self.at;
                }
                Some(0x00..=0x1f) => return Err(self.refuse("a control character that is not escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.refuse("the text ends within a string")),
            }
        }
    }

    /// RFC 8785, section 3.2.2.2: the short escapes where there are any, lower-case `\u00xx` for other control
    /// characters, and no escape for anything else.
    fn escape(&mut self) -> Result<char, Refusal> {
        let short = match self.text.as_bytes().get(self.at + 1) {
            Some(b'"') => Some('"'),
            Some(b'\\') => Some('\\'),
            Some(b'b') => Some('\u{8}'),
            Some(b't') => Some('\t'),
            Some(b'n') => Some('\n'),
            Some(b'f') => Some('\u{c}'),
            Some(b'r') => Some('\r'),
            _ => None,
        };
        if let Some(character) = short {
            self.at += 2;
            return Ok(character);
        }
        let digits = self.text.get(self.at..self.at + 6).and_then(|escape| escape.strip_prefix("\\u00"));
        let code = digits
            .filter(|digits| digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) if code < 0x20 && !matches!(code, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d) => {
                self.at += 6;
                Ok(char::from(code))
            }
            _ => Err(self.refuse("an escape that the canonical form does not use")),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, Refusal> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.refuse("not the beginning of a value"))
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn must(&mut self, byte: u8, wrong: &'static str) -> Result<(), Refusal> {
        if self.take(byte) { Ok(()) } else { Err(self.refuse(wrong)) }
    }

    fn refuse(&self, wrong: &'static str) -> Refusal {
        Refusal { at: self.at, wrong }
    }
}

#[cfg(test)]
mod tests;
