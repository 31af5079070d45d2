//! Bank accounts: Korean ones, which only a word nearby gives away, and IBANs, which check themselves.

use crate::cluster::Number;
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict};
use crate::view::View;
use crate::{Kind, Strength};

/// Digits that Korean banks' accounts have.
const ACCOUNT_DIGITS: std::ops::RangeInclusive<usize> = 10..=16;

/// What follows an amount of money.
const MONEY: [&str; 6] = ["원", "won", "₩", "円", "đ", "vnd"];

/// Country and length of the whole IBAN, from SWIFT's registry.
const COUNTRIES: [([u8; 2], usize); 87] = [
    (*b"AD", 24),
    (*b"AE", 23),
    (*b"AL", 28),
    (*b"AT", 20),
    (*b"AZ", 28),
    (*b"BA", 20),
    (*b"BE", 16),
    (*b"BG", 22),
    (*b"BH", 22),
    (*b"BI", 27),
    (*b"BR", 29),
    (*b"BY", 28),
    (*b"CH", 21),
    (*b"CR", 22),
    (*b"CY", 28),
    (*b"CZ", 24),
    (*b"DE", 22),
    (*b"DJ", 27),
    (*b"DK", 18),
    (*b"DO", 28),
    (*b"EE", 20),
    (*b"EG", 29),
    (*b"ES", 24),
    (*b"FI", 18),
    (*b"FK", 18),
    (*b"FO", 18),
    (*b"FR", 27),
    (*b"GB", 22),
    (*b"GE", 22),
    (*b"GI", 23),
    (*b"GL", 18),
    (*b"GR", 27),
    (*b"GT", 28),
    (*b"HR", 21),
    (*b"HU", 28),
    (*b"IE", 22),
    (*b"IL", 23),
    (*b"IQ", 23),
    (*b"IS", 26),
    (*b"IT", 27),
    (*b"JO", 30),
    (*b"KW", 30),
    (*b"KZ", 20),
    (*b"LB", 28),
    (*b"LC", 32),
    (*b"LI", 21),
    (*b"LT", 20),
    (*b"LU", 20),
    (*b"LV", 21),
    (*b"LY", 25),
    (*b"MC", 27),
    (*b"MD", 24),
    (*b"ME", 22),
    (*b"MK", 19),
    (*b"MN", 20),
    (*b"MR", 27),
    (*b"MT", 31),
    (*b"MU", 30),
    (*b"NI", 28),
    (*b"NL", 18),
    (*b"NO", 15),
    (*b"OM", 23),
    (*b"PK", 24),
    (*b"PL", 28),
    (*b"PS", 29),
    (*b"PT", 25),
    (*b"QA", 29),
    (*b"RO", 24),
    (*b"RS", 22),
    (*b"RU", 33),
    (*b"SA", 24),
    (*b"SC", 31),
    (*b"SD", 18),
    (*b"SE", 24),
    (*b"SI", 19),
    (*b"SK", 24),
    (*b"SM", 27),
    (*b"SO", 23),
    (*b"ST", 25),
    (*b"SV", 28),
    (*b"TL", 23),
    (*b"TN", 24),
    (*b"TR", 26),
    (*b"UA", 29),
    (*b"VA", 22),
    (*b"VG", 24),
    (*b"XK", 20),
];

/// Korean accounts.
pub(crate) fn account(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    let is_form = match number.shape {
        [10..=14] => true,
        // Years and quantities come in fours.
        [4, rest @ ..] if rest.iter().all(|length| *length == 4) => false,
        [3..=7, rest @ ..] => (1..=4).contains(&rest.len()) && number.inner.is_uniform(),
        _ => false,
    };
    if !is_form || !ACCOUNT_DIGITS.contains(&number.digits.len()) || !around.named(Topics::ACCOUNT, number.end)? {
        return Ok(None);
    }
    let after = around.view.ahead(number.end, number.end + 4)?;
    let after = after.strip_prefix(b" ").unwrap_or(after);
    let is_money = MONEY
        .iter()
        .any(|unit| after.get(..unit.len().min(3)).is_some_and(|word| word.eq_ignore_ascii_case(unit.as_bytes())));
    if is_money || number.is_extended(around.view) {
        return Ok(None);
    }
    Ok(Some(Match { range: number.start..number.end, kind: Kind::KrAccount, strength: Strength::Context }))
}

/// An IBAN whose check digits begin at `at`.
pub(crate) fn iban(view: &View, at: usize) -> Verdict {
    let (Some(first), Some(second)) = (view.before(at, 2), view.before(at, 1)) else { return Ok(None) };
    if !first.is_ascii_alphabetic() || !second.is_ascii_alphabetic() {
        return Ok(None);
    }
    let country = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    let Some((_, length)) = COUNTRIES.iter().find(|(known, _)| *known == country) else { return Ok(None) };
    // The remainder of the number with the country and the check digits moved to its end, as ISO 13616 says.
    let (mut remainder, mut moved, mut end) = (0_u32, [first, second, 0, 0], at);
    for place in 2..*length {
        // A separator may stand before each group of four.
        if place % 4 == 0 && matches!(view.at(end)?, Some(b' ' | b'-')) {
            end += 1;
        }
        let Some(byte) = view.at(end)?.filter(u8::is_ascii_alphanumeric) else { return Ok(None) };
        match moved.get_mut(place) {
            Some(head) if byte.is_ascii_digit() => *head = byte,
            Some(_) => return Ok(None),
            None => remainder = add(remainder, byte),
        }
        end += 1;
    }
    remainder = moved.iter().fold(remainder, |remainder, byte| add(remainder, *byte));
    if remainder != 1 || view.at(end)?.is_some_and(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    Ok(Some(Match { range: at - 2..end, kind: Kind::Iban, strength: Strength::Checked }))
}

fn add(remainder: u32, byte: u8) -> u32 {
    let byte = byte.to_ascii_uppercase();
    if byte.is_ascii_digit() {
        (remainder * 10 + u32::from(byte - b'0')) % 97
    } else {
        (remainder * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97
    }
}
