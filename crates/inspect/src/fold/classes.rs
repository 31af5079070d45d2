//! Which characters stay as they are when a text is folded, which join the one before, which are special. Built once from
//! Unicode's own tables.

use std::sync::OnceLock;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfkc_quick};

/// Characters of the basic plane, whose classes are kept in a table.
const TABLED: u32 = 0x1_0000;

/// How a character folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Stays as it is.
    Stays,
    /// May join the character before it.
    Joins,
    /// Becomes something else.
    Changes,
}

/// What folds otherwise than by NFKC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// Leaves no trace on a screen.
    Invisible,
    /// Any dash.
    Dash,
    /// Long vowels that are written for dashes, but only between digits.
    DashAfterDigit,
    /// Any middle dot.
    Dot,
    /// An enclosed or raised digit: it belongs to no number beside it.
    Apart,
}

/// What is looked up for every character of every text.
#[derive(Debug)]
pub(super) struct Classes {
    /// One bit a character of the basic plane: whether it stays.
    stays: Box<[u64]>,
    /// The same: whether it may join the one before.
    joins: Box<[u64]>,
    /// One bit for each two bytes that begin a character: whether all that begin so stay. Few characters need more.
    pairs_stay: Box<[u64]>,
}

/// The table.
pub(super) fn classes() -> &'static Classes {
    static CLASSES: OnceLock<Classes> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let table = |wanted: Class| -> Box<[u64]> {
            let word = |index: u32| {
                (0..64).fold(0_u64, |word, bit| {
                    let is_so = char::from_u32(index * 64 + bit).is_some_and(|it| class_of(it) == wanted);
                    word | (u64::from(is_so) << bit)
                })
            };
            (0..TABLED / 64).map(word).collect()
        };
        let (stays, joins) = (table(Class::Stays), table(Class::Joins));
        let pairs_stay = (0..1024_usize).map(|index| pairs_stay(&stays, index)).collect();
        Classes { stays, joins, pairs_stay }
    })
}

/// The pairs of `index`: 64 second bytes after one first byte.
fn pairs_stay(stays: &[u64], index: usize) -> u64 {
    let (first, seconds) = (index / 4, index % 4);
    let word = |at: usize| stays.get(at).copied().unwrap_or_default();
    match (first, seconds) {
        // Two bytes are one character, three leave 64 to a pair: one word of the table.
        (0xC2..=0xDF, 2) => word(first & 0x1F),
        (0xE0..=0xEF, 2) => (0..64).fold(0, |bits, second| {
            let all_stay = word((first & 0xF) << 6 | second) == u64::MAX;
            bits | (u64::from(all_stay) << second)
        }),
        (0xF0..=0xF4, _) => 0,
        _ => u64::MAX,
    }
}

impl Classes {
    pub(super) fn class(&self, character: char) -> Class {
        let code = u32::from(character);
        if has(&self.stays, code) {
            Class::Stays
        } else if has(&self.joins, code) {
            Class::Joins
        } else {
            class_of(character)
        }
    }

    /// The next character from `at` on that does not simply stay, with its class. `bytes` are UTF-8.
    pub(super) fn next_special(&self, bytes: &[u8], mut at: usize) -> Option<(usize, Class)> {
        loop {
            let rest = bytes.get(at..)?;
            at += rest
                .windows(2)
                .position(|pair| matches!(pair, [first, second] if !self.pair_stays(*first, *second)))?;
            let (code, length) = match *bytes.get(at..)? {
                [a @ 0xC0..=0xDF, b, ..] => (bits(a, 0x1F, 6) | bits(b, 0x3F, 0), 2),
                [a @ 0xE0..=0xEF, b, c, ..] => (bits(a, 0x0F, 12) | bits(b, 0x3F, 6) | bits(c, 0x3F, 0), 3),
                [a, b, c, d, ..] => (bits(a, 7, 18) | bits(b, 0x3F, 12) | bits(c, 0x3F, 6) | bits(d, 0x3F, 0), 4),
                _ => return None,
            };
            if !has(&self.stays, code) {
                let class = char::from_u32(code).map_or(Class::Stays, |character| self.class(character));
                if class != Class::Stays {
                    return Some((at, class));
                }
            }
            at += length;
        }
    }

    fn pair_stays(&self, first: u8, second: u8) -> bool {
        let pair = usize::from(first) << 8 | usize::from(second);
        self.pairs_stay.get(pair >> 6).is_some_and(|word| word >> (pair & 63) & 1 == 1)
    }
}

/// Whether the bit of `code` is set; none is beyond the table.
fn has(table: &[u64], code: u32) -> bool {
    let word = usize::try_from(code / 64).ok().and_then(|index| table.get(index));
    word.is_some_and(|word| word >> (code % 64) & 1 == 1)
}

fn bits(byte: u8, mask: u8, shift: u32) -> u32 {
    u32::from(byte & mask) << shift
}

fn class_of(character: char) -> Class {
    if character.is_ascii() {
        return Class::Stays;
    }
    if special(character).is_some() {
        return Class::Changes;
    }
    match (is_nfkc_quick(std::iter::once(character)), canonical_combining_class(character)) {
        (IsNormalized::Yes, 0) => Class::Stays,
        (IsNormalized::No, 0) => Class::Changes,
        _ => Class::Joins,
    }
}

/// What folds by our own rule.
pub(super) fn special(character: char) -> Option<Special> {
    if is_invisible(character) {
        return Some(Special::Invisible);
    }
    match character {
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2500}'
        | '\u{FE31}'
        | '\u{FE32}'
        | '\u{FE58}'
        | '\u{FE63}'
        | '\u{FF0D}' => Some(Special::Dash),
        '\u{30FC}' | '\u{FF70}' | '\u{3161}' | '\u{1173}' => Some(Special::DashAfterDigit),
        '\u{B7}' | '\u{2022}' | '\u{2024}' | '\u{2027}' | '\u{2219}' | '\u{22C5}' | '\u{30FB}' | '\u{FF65}'
        | '\u{318D}' => Some(Special::Dot),
        '\u{B2}'
        | '\u{B3}'
        | '\u{B9}'
        | '\u{2070}'..='\u{2089}'
        | '\u{2460}'..='\u{249B}'
        | '\u{24EA}'..='\u{24FF}'
        | '\u{2776}'..='\u{2793}'
        | '\u{3251}'..='\u{325F}'
        | '\u{32B1}'..='\u{32BF}'
        | '\u{1F100}'..='\u{1F10C}' => Some(Special::Apart),
        _ => None,
    }
}

/// Unicode's default-ignorable code points.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}
