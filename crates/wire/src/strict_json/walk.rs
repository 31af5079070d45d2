//! Walks over JSON text token by token and says where each stands, so that single ones can be read and replaced while every
//! other byte stays as it is. Strings are decoded as the strict parser decodes them. It does not know what members mean.

use std::borrow::Cow;
use std::ops::Range;

use super::fault::{Fault, Syntax};
use super::reader::Reader;
use crate::error::Invalid;

/// One step from a value to one within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'b> {
    /// The member of an object.
    Key(Cow<'b, str>),
    /// The item of an array, from 0.
    Item(usize),
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// The key of a member.
    Key,
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
    /// A whole array, told after its items.
    Array,
    /// A whole object, told after its members.
    Object,
}

/// One token, or a whole array or object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'b> {
    /// What it is.
    pub kind: TokenKind,
    /// Its bytes in the text, quotes included.
    pub range: Range<usize>,
    /// What a string says, borrowed where it has no escapes; the letters of a number or word; nothing of arrays and objects.
    pub text: Cow<'b, str>,
}

/// Tells `see` every token of `json`, in order, with the way to it: for a key the way to its object, for a value its own.
/// Keys given twice are told twice.
///
/// # Errors
///
/// What is no JSON, or nested deeper than [`DEPTH_MAX`](super::DEPTH_MAX); `see` was told what stands before.
pub fn walk<'b>(json: &'b [u8], see: impl FnMut(Token<'b>, &[Step<'b>])) -> Result<(), Invalid> {
    let walked = Reader::new(json).and_then(|reader| {
        let mut walker = Walker { json, reader, path: Vec::new(), see };
        walker.value()?;
        walker.reader.end()
    });
    walked.map_err(|fault| fault.into_invalid(json))
}

/// `json` with other bytes in some places. The places do not overlap and stand in order.
pub fn splice<'e>(json: &[u8], edits: impl IntoIterator<Item = (Range<usize>, &'e str)>) -> Vec<u8> {
    let (mut spliced, mut from) = (Vec::with_capacity(json.len()), 0);
    for (range, with) in edits {
        spliced.extend_from_slice(json.get(from..range.start).unwrap_or_default());
        spliced.extend_from_slice(with.as_bytes());
        from = range.end;
    }
    spliced.extend_from_slice(json.get(from..).unwrap_or_default());
    spliced
}

/// `text` as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    // A string in memory can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

struct Walker<'b, See> {
    json: &'b [u8],
    reader: Reader<'b>,
    path: Vec<Step<'b>>,
    see: See,
}

impl<'b, See: FnMut(Token<'b>, &[Step<'b>])> Walker<'b, See> {
    /// One value. Its depth is bounded by the reader.
    fn value(&mut self) -> Result<(), Fault> {
        let Some(first) = self.reader.peek() else { return Err(self.reader.fault(Syntax::Unfinished)) };
        let begin = self.reader.position();
        match first {
            b'"' => {
                let text = self.reader.string()?;
                self.tell(TokenKind::Text, begin, text);
            }
            b'{' => {
                self.members()?;
                self.tell(TokenKind::Object, begin, Cow::Borrowed(""));
            }
            b'[' => {
                self.items()?;
                self.tell(TokenKind::Array, begin, Cow::Borrowed(""));
            }
            b'-' | b'0'..=b'9' => {
                self.reader.number()?;
                self.tell_letters(TokenKind::Number, begin);
            }
            other => {
                self.reader.word(match other {
                    b't' => "true",
                    b'f' => "false",
                    _ => "null",
                })?;
                self.tell_letters(TokenKind::Word, begin);
            }
        }
        Ok(())
    }

    fn members(&mut self) -> Result<(), Fault> {
        self.reader.descend()?;
        let mut first = true;
        loop {
            match self.reader.peek() {
                Some(b'}') if first => break,
                Some(b',') if !first => {
                    self.reader.take();
                    self.reader.peek();
                }
                Some(b'}') => break,
                Some(_) if first => {}
                Some(_) => return Err(self.reader.fault(Syntax::CommaExpected)),
                None => return Err(self.reader.fault(Syntax::Unfinished)),
            }
            first = false;
            let begin = self.reader.position();
            let key = self.reader.key()?;
            // The reader stands behind the colon; the key ends with the last quote before it.
            let read = self.json.get(begin..self.reader.position()).unwrap_or_default();
            let length = read.iter().rposition(|byte| *byte == b'"').map_or(0, |quote| quote + 1);
            (self.see)(Token { kind: TokenKind::Key, range: begin..begin + length, text: key.clone() }, &self.path);
            self.path.push(Step::Key(key));
            self.value()?;
            self.path.pop();
        }
        self.reader.ascend();
        Ok(())
    }

    fn items(&mut self) -> Result<(), Fault> {
        self.reader.descend()?;
        for item in 0.. {
            match self.reader.peek() {
                Some(b']') => break,
                Some(b',') if item > 0 => self.reader.take(),
                Some(_) if item == 0 => {}
                Some(_) => return Err(self.reader.fault(Syntax::CommaExpected)),
                None => return Err(self.reader.fault(Syntax::Unfinished)),
            }
            self.path.push(Step::Item(item));
            self.value()?;
            self.path.pop();
        }
        self.reader.ascend();
        Ok(())
    }

    fn tell(&mut self, kind: TokenKind, begin: usize, text: Cow<'b, str>) {
        let range = begin..self.reader.position();
        (self.see)(Token { kind, range, text }, &self.path);
    }

    fn tell_letters(&mut self, kind: TokenKind, begin: usize) {
        let letters = self.json.get(begin..self.reader.position()).unwrap_or_default();
        self.tell(kind, begin, Cow::Borrowed(std::str::from_utf8(letters).unwrap_or_default()));
    }
}
