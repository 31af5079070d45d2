//! The letters of JSON: strings, numbers, words and the marks between them, with the limits on depth and count.
//! It does not know what the values are for.

use std::borrow::Cow;

use super::fault::{Fault, Syntax};
use super::{DEPTH_MAX, VALUES_MAX};

/// Bytes looked at together when searching a string's end; the compiler makes one vector comparison of it.
const SCAN_BYTES: usize = 16;

/// A place in a body that is being read.
pub(super) struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: usize,
    values: usize,
    key_at: usize,
}

/// A number as JSON writes it, in the narrowest kind that holds it exactly.
pub(super) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'de> Reader<'de> {
    pub(super) fn new(body: &'de [u8]) -> Result<Self, Fault> {
        if body.starts_with(b"\xef\xbb\xbf") {
            return Err(Fault::syntax(Syntax::ByteOrderMark, 0));
        }
        // Several times faster than the standard library where text is not ASCII; which is then asked where it is wrong.
        let text = simdutf8::basic::from_utf8(body)
            .or_else(|_| std::str::from_utf8(body))
            .map_err(|error| Fault::syntax(Syntax::NotUtf8, error.valid_up_to()))?;
        Ok(Self { text, at: 0, depth: 0, values: 0, key_at: 0 })
    }

    /// Where it stands, in bytes from the body's start.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Where the key that was read last begins.
    pub(super) fn key_position(&self) -> usize {
        self.key_at
    }

    /// The next byte that is no white space, without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes the byte that [`peek`](Self::peek) showed.
    pub(super) fn take(&mut self) {
        self.at += 1;
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault(Syntax::TrailingData)),
        }
    }

    pub(super) fn fault(&self, syntax: Syntax) -> Fault {
        Fault::syntax(syntax, self.at)
    }

    /// Counts one value against [`VALUES_MAX`].
    pub(super) fn count(&mut self) -> Result<(), Fault> {
        self.values += 1;
        if self.values > VALUES_MAX { Err(self.fault(Syntax::TooManyValues)) } else { Ok(()) }
    }

    /// Takes an opening bracket.
    pub(super) fn descend(&mut self) -> Result<(), Fault> {
        if self.depth == DEPTH_MAX {
            return Err(self.fault(Syntax::TooDeep));
        }
        self.depth += 1;
        self.take();
        Ok(())
    }

    /// Takes a closing bracket.
    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
        self.take();
    }

    /// Takes `word` (`true`, `false` or `null`), whose first letter was seen.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Fault> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.fault(Syntax::ValueExpected))
    }

    /// Takes a key with its colon.
    pub(super) fn key(&mut self) -> Result<Cow<'de, str>, Fault> {
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(self.fault(Syntax::KeyExpected)),
            None => return Err(self.fault(Syntax::Unfinished)),
        }
        let key_at = self.at;
        let key = self.string()?;
        match self.peek() {
            Some(b':') => self.take(),
            Some(_) => return Err(self.fault(Syntax::ColonExpected)),
            None => return Err(self.fault(Syntax::Unfinished)),
        }
        self.key_at = key_at;
        Ok(key)
    }

    /// Takes a string, whose opening quote was seen. It is borrowed unless it holds an escape.
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, Fault> {
        self.take();
        let plain = self.plain_run();
        if self.text.as_bytes().get(self.at) == Some(&b'"') {
            self.take();
            return Ok(Cow::Borrowed(plain));
        }
        let mut out = String::with_capacity(plain.len() * 2);
        out.push_str(plain);
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    self.take();
                    return Ok(Cow::Owned(out));
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.fault(Syntax::ControlCharacter)),
                None => return Err(self.fault(Syntax::Unfinished)),
            }
            out.push_str(self.plain_run());
        }
    }

    /// Takes what stands before the next quote, backslash or control character.
    fn plain_run(&mut self) -> &'de str {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let stops = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
        let clean =
            rest.chunks_exact(SCAN_BYTES).take_while(|chunk| !chunk.iter().fold(false, |any, b| any | stops(b)));
        let skipped = clean.count() * SCAN_BYTES;
        let tail = rest.get(skipped..).unwrap_or_default();
        let length = skipped + tail.iter().position(stops).unwrap_or(tail.len());
        let run = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        run
    }

    /// Takes an escape, from its backslash on.
    fn escape(&mut self) -> Result<char, Fault> {
        let begin = self.at;
        self.take();
        let letter = self.text.as_bytes().get(self.at).copied();
        self.take();
        Ok(match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(begin),
            _ => return Err(Fault::syntax(Syntax::BadEscape, begin)),
        })
    }

    /// The rest of `\uXXXX`, with its second half where the first is a leading surrogate.
    fn unicode_escape(&mut self, begin: usize) -> Result<char, Fault> {
        let lone = || Fault::syntax(Syntax::LoneSurrogate, begin);
        let first = self.hex_unit(begin)?;
        if let Some(letter) = char::from_u32(first) {
            return Ok(letter);
        }
        let second_follows = self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u"));
        if first >= 0xdc00 || !second_follows {
            return Err(lone());
        }
        self.at += 2;
        let second = self.hex_unit(begin)?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(lone());
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(lone)
    }

    fn hex_unit(&mut self, begin: usize) -> Result<u32, Fault> {
        let digits = self.text.get(self.at..self.at + 4).filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|four| u32::from_str_radix(four, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| Fault::syntax(Syntax::BadEscape, begin))
    }

    /// Takes a number, whose first byte was seen.
    pub(super) fn number(&mut self) -> Result<Number, Fault> {
        let begin = self.at;
        let negative = self.take_if(|byte| byte == b'-');
        let leading_zero = self.text.as_bytes().get(self.at) == Some(&b'0');
        let digits = self.take_digits();
        let mut well_formed = digits > 0 && !(leading_zero && digits > 1);
        let mut whole = true;
        if self.take_if(|byte| byte == b'.') {
            whole = false;
            well_formed &= self.take_digits() > 0;
        }
        if self.take_if(|byte| matches!(byte, b'e' | b'E')) {
            whole = false;
            self.take_if(|byte| matches!(byte, b'+' | b'-'));
            well_formed &= self.take_digits() > 0;
        }
        let literal = self.text.get(begin..self.at).filter(|_| well_formed);
        let literal = literal.ok_or_else(|| Fault::syntax(Syntax::BadNumber, begin))?;
        number_from(literal, whole, negative).ok_or_else(|| Fault::syntax(Syntax::HugeNumber, begin))
    }

    fn take_if(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let found = self.text.as_bytes().get(self.at).is_some_and(|&byte| wanted(byte));
        self.at += usize::from(found);
        found
    }

    fn take_digits(&mut self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        length
    }
}

/// The value of a well-formed literal; `None` if nothing holds it. `-0` is a float, for no integer keeps its sign.
fn number_from(literal: &str, whole: bool, negative: bool) -> Option<Number> {
    if !whole || literal == "-0" {
        return literal.parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float);
    }
    if negative { literal.parse().ok().map(Number::Signed) } else { literal.parse().ok().map(Number::Unsigned) }
}
