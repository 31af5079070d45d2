//! Where an identifier stands in a text and how it is spelt there: stuck to letters, full-width, spaced, in JSON.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::made_up::{MadeUp, pick};

/// A text with one identifier in it.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) text: String,
    /// The bytes of the identifier.
    pub(crate) range: std::ops::Range<usize>,
    /// What it was made of, for failures.
    pub(crate) how: String,
}

type Frame = (&'static str, &'static str);

const APART: &[Frame] = &[
    ("", ""),
    ("신청인이 낸 것은 ", " 입니다."),
    ("Please check ", " and answer."),
    ("Xin kiểm tra ", ", cảm ơn."),
    ("(", ")"),
    ("\"", "\","),
    ("값: ", "\n다음 줄"),
    ("|", "|"),
    ("<b>", "</b>"),
];
const STUCK_TO_HANGUL: &[Frame] = &[("값은", "입니다"), ("저는", "이고"), ("입력", "처리"), ("【", "】")];
const STUCK_TO_LATIN: &[Frame] = &[("abc", "xyz"), ("id", "end"), ("value=", "x"), ("field_", "_z")];
const IN_JSON: &[Frame] = &[
    ("{\"input\":\"", "\"}"),
    ("{\"messages\":[{\"role\":\"user\",\"content\":\"값 ", "\"}]}"),
    ("{\"function\":{\"name\":\"look_up\",\"arguments\":\"{\\\"id\\\": \\\"", "\\\"}\"}}"),
    ("{'a':'", "'}"),
];

/// Puts `made_up` somewhere.
pub(crate) fn put(made_up: &MadeUp, random: &mut StdRng) -> Setting {
    let is_prose = !made_up.kind.starts_with("secret.");
    let frames = match random.random_range(0..4) {
        1 => STUCK_TO_HANGUL,
        2 if !made_up.stands_apart => STUCK_TO_LATIN,
        3 => IN_JSON,
        _ => APART,
    };
    let (before, after) = pick(random, frames);
    let (spelt, how) = if is_prose { spell(made_up, random) } else { (made_up.text.clone(), "as it is") };
    let word = made_up.word.map_or_else(String::new, |word| {
        let joint = pick(random, &[" ", ": ", "는 ", " = "]);
        format!("{word}{joint}")
    });
    let start = word.len() + before.len();
    // A word that is itself stuck to Latin letters is none.
    let within = frames != STUCK_TO_LATIN && random.random_bool(0.5);
    let text = if within { format!("{before}{word}{spelt}{after}") } else { format!("{word}{before}{spelt}{after}") };
    Setting { range: start..start + spelt.len(), how: format!("{how}, between `{before}` and `{after}`"), text }
}

fn spell(made_up: &MadeUp, random: &mut StdRng) -> (String, &'static str) {
    let text = &made_up.text;
    let is_number = !matches!(made_up.kind, "email" | "ip.v4" | "ip.v6");
    match random.random_range(0..8) {
        0 => (text.chars().map(full_width).collect(), "full-width"),
        1 if is_number => (text.replace('-', " "), "spaces for dashes"),
        2 if is_number => (text.replace('-', " - "), "dashes with spaces"),
        3 if is_number => (text.replace('-', "\u{2013}"), "en dashes"),
        4 if is_number => (text.replace('-', "\u{2011}").replace(' ', "\u{A0}"), "no-break dashes and spaces"),
        5 => (hidden(text, random), "invisible characters"),
        _ => (text.clone(), "as it is"),
    }
}

fn full_width(character: char) -> char {
    match character {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(character) + 0xFEE0).expect("full-width forms"),
        other => other,
    }
}

fn hidden(text: &str, random: &mut StdRng) -> String {
    let last = text.chars().count() - 1;
    let mut hidden = String::new();
    for (place, character) in text.chars().enumerate() {
        hidden.push(character);
        if place < last && random.random_bool(0.2) {
            hidden.push(pick(random, &['\u{200B}', '\u{200D}', '\u{FEFF}', '\u{AD}', '\u{2060}']));
        }
    }
    hidden
}
