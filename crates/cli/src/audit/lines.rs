//! How a report stands on the terminal: a mark, what was looked at, what was found. Also what may stand there at all: text
//! from entries is written without anything that moves a cursor or turns the direction of writing.

use std::io;

use crate::terminal::{BAD, FAINT, GOOD, STRONG, Terminal};

/// Columns of the second column.
const WIDTH: usize = 12;

/// What was found, at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Note,
    /// Nothing is wrong with it, and it must not be overlooked.
    Warn,
    Bad,
}

impl Mark {
    /// Good, or not.
    pub(super) fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// One line of a report; further lines of `found` stand below its first.
pub(super) fn write(terminal: &mut Terminal, mark: Mark, what: &str, found: &str) -> io::Result<()> {
    let (style, sign) = match mark {
        Mark::Good => (GOOD, "✓"),
        Mark::Note => (FAINT, "–"),
        Mark::Warn => (BAD, "!"),
        Mark::Bad => (BAD, "✗"),
    };
    let mut lines = found.lines();
    let first = lines.next().unwrap_or_default();
    writeln!(terminal.out(), "{style}{sign}{style:#} {STRONG}{what:<WIDTH$}{STRONG:#} {first}")?;
    lines.try_for_each(|line| writeln!(terminal.out(), "  {:<WIDTH$} {line}", ""))
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// How many of a thing, with the thing's name in its number.
pub(super) fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { more })
}

/// Text that cannot disturb the terminal it stands on.
pub(super) fn plain(text: &str) -> String {
    let disturbs = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|letter| if disturbs(letter) { '\u{fffd}' } else { letter }).collect()
}

/// Seconds since 1970 as people read them.
pub(super) fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(|| format!("{seconds} seconds after 1970"), |time| time.to_string())
}
