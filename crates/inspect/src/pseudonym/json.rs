//! Puts originals back into a stream of JSON text: pseudonyms are looked for in the decoded strings, originals are written
//! escaped, all other bytes stay as they came.

use std::fmt;
use std::sync::Arc;

use super::Pairs;

/// One stream of JSON: a whole document in pieces (a tool call's arguments), or the body of a string.
pub struct JsonRestorer {
    pairs: Arc<Pairs>,
    /// As it came, from the first byte that was not passed on.
    raw: String,
    /// What of it is decoded, and up to where.
    decoded: String,
    read: usize,
    /// For each decoded character where it ends: in the decoded text and in the raw one.
    ends: Vec<(usize, usize)>,
}

impl fmt::Debug for JsonRestorer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JsonRestorer(hidden)")
    }
}

impl JsonRestorer {
    pub(super) fn new(pairs: Arc<Pairs>) -> Self {
        Self { pairs, raw: String::new(), decoded: String::new(), read: 0, ends: Vec::new() }
    }

    /// What can be passed on with this piece; it may be cut within an escape.
    pub fn push(&mut self, piece: &str) -> String {
        self.raw.push_str(piece);
        while let Some((character, length)) = self.raw.get(self.read..).and_then(|rest| decode(rest, false)) {
            self.take(character, length);
        }
        self.pass_on(false)
    }

    /// The rest: nothing follows.
    pub fn finish(mut self) -> String {
        while let Some((character, length)) = self.raw.get(self.read..).and_then(|rest| decode(rest, true)) {
            self.take(character, length);
        }
        self.pass_on(true)
    }

    fn take(&mut self, character: char, length: usize) {
        self.decoded.push(character);
        self.read += length;
        self.ends.push((self.decoded.len(), self.read));
    }

    fn pass_on(&mut self, last: bool) -> String {
        let mut passed = String::with_capacity(self.raw.len());
        let mut from = 0;
        for (start, end, original) in self.pairs.matches(&self.decoded) {
            passed.push_str(self.raw_between(from, start));
            escape(original, &mut passed);
            from = end;
        }
        if last {
            passed.push_str(self.raw.get(self.raw_at(from)..).unwrap_or_default());
            return passed;
        }
        let keep = self.pairs.begins_at(&self.decoded, from);
        passed.push_str(self.raw_between(from, keep));
        let raw_keep = self.raw_at(keep);
        self.raw.drain(..raw_keep);
        self.decoded.drain(..keep);
        self.read -= raw_keep;
        self.ends.retain(|(decoded, _)| *decoded > keep);
        for (decoded, raw) in &mut self.ends {
            *decoded -= keep;
            *raw -= raw_keep;
        }
        passed
    }

    fn raw_between(&self, from: usize, to: usize) -> &str {
        self.raw.get(self.raw_at(from)..self.raw_at(to)).unwrap_or_default()
    }

    /// Where in the raw text the decoded character begins that stands at `decoded`.
    fn raw_at(&self, decoded: usize) -> usize {
        let before = self.ends.partition_point(|(end, _)| *end <= decoded);
        before.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, raw)| *raw)
    }
}

/// The first character of `rest` and how many bytes write it; none where it is not whole yet. What is wrong stands for
/// itself: it can be no part of a pseudonym.
fn decode(rest: &str, last: bool) -> Option<(char, usize)> {
    let first = rest.chars().next()?;
    if first != '\\' {
        return Some((first, first.len_utf8()));
    }
    let Some(second) = rest.get(1..).and_then(|rest| rest.chars().next()) else { return last.then_some(('\\', 1)) };
    let simple = match second {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{C}',
        'u' => return decode_unicode(rest, last),
        other => other,
    };
    Some((simple, 1 + second.len_utf8()))
}

fn decode_unicode(rest: &str, last: bool) -> Option<(char, usize)> {
    let unit = |from: usize| rest.get(from..from + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(high) = unit(2) else { return (last || rest.len() >= 6).then_some(('\u{FFFD}', 2)) };
    if !(0xD800..0xDC00).contains(&high) {
        return Some((char::from_u32(high).unwrap_or('\u{FFFD}'), 6));
    }
    let after = rest.get(6..).unwrap_or_default();
    match unit(8).filter(|_| after.starts_with("\\u")) {
        Some(low @ 0xDC00..0xE000) => {
            let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            Some((char::from_u32(code).unwrap_or('\u{FFFD}'), 12))
        }
        None if !last && after.len() < 6 && ("\\u".starts_with(after) || after.starts_with("\\u")) => None,
        _ => Some(('\u{FFFD}', 6)),
    }
}

/// As RFC 8259 wants it within quotes.
fn escape(text: &str, into: &mut String) {
    for character in text.chars() {
        match character {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                into.push_str("\\u00");
                into.extend([4, 0].iter().filter_map(|shift| char::from_digit(u32::from(control) >> shift & 0xF, 16)));
            }
            other => into.push(other),
        }
    }
}
