//! The text of JSON in pieces that are cut anywhere, also within an escape: what it says, and where each character of that
//! stands in it. Knows nothing of what is looked for.

/// Undoes the escapes of JSON text, piece by piece, and remembers where each character came from until it is told to forget.
/// Places of what is said count from the beginning; those of the text from what is still remembered.
#[derive(Default)]
pub(crate) struct JsonDecoder {
    /// The beginning of an escape whose end has not come.
    begun: String,
    is_in_string: bool,
    /// For each character where it ends, in what is said and in the text; and whether it is part of a string.
    ends: Vec<(usize, usize, bool)>,
    /// Where what is remembered begins and ends in what is said, and ends in the text.
    begins: usize,
    said: usize,
    raw: usize,
}

impl JsonDecoder {
    /// What `piece` says; with `last`, also what was held back of it.
    pub(crate) fn push(&mut self, piece: &str, last: bool) -> String {
        self.begun.push_str(piece);
        let mut said = String::with_capacity(self.begun.len());
        let mut read = 0;
        while let Some((character, length)) = self.begun.get(read..).and_then(|rest| decode(rest, last)) {
            read += length;
            said.push(character);
            let is_quote = character == '"' && length == 1;
            self.said += character.len_utf8();
            self.raw += length;
            self.ends.push((self.said, self.raw, self.is_in_string && !is_quote));
            self.is_in_string ^= is_quote;
        }
        self.begun.drain(..read);
        said
    }

    /// Where the text stands that says what begins at `place`.
    pub(crate) fn raw_at(&self, place: usize) -> usize {
        let before = self.ends.partition_point(|(said, ..)| *said <= place);
        before.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, raw, _)| *raw)
    }

    /// Whether the character that stands at `place` is part of a string.
    pub(crate) fn is_in_string(&self, place: usize) -> bool {
        let at = self.ends.partition_point(|(said, ..)| *said <= place);
        self.ends.get(at).is_some_and(|(.., is_in_string)| *is_in_string)
    }

    /// How much was said in all.
    pub(crate) fn said(&self) -> usize {
        self.said
    }

    /// Where what is remembered begins.
    pub(crate) fn begins(&self) -> usize {
        self.begins
    }

    /// Forgets what lies before `place`.
    pub(crate) fn forget(&mut self, place: usize) {
        let before = self.ends.partition_point(|(said, ..)| *said <= place);
        let Some((said, raw, _)) = before.checked_sub(1).and_then(|last| self.ends.get(last)).copied() else { return };
        self.ends.drain(..before);
        for (_, end, _) in &mut self.ends {
            *end -= raw;
        }
        self.raw -= raw;
        self.begins = said;
    }
}

/// The first character of `rest` and how many bytes write it; none where it is not whole yet. What is wrong stands for
/// itself: it can be no part of a pseudonym.
pub(crate) fn decode(rest: &str, last: bool) -> Option<(char, usize)> {
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
pub(crate) fn escape(text: &str, into: &mut String) {
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
