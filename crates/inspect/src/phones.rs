//! Telephone numbers of Korea, Japan and Vietnam: one form, three numbering plans that overlap.

use crate::cluster::Number;
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict};
use crate::view::More;
use crate::{Kind, Strength};

/// Digits of Vietnamese mobile numbers after their 0.
const VN_MOBILE: [u64; 30] = [
    32, 33, 34, 35, 36, 37, 38, 39, 52, 55, 56, 58, 59, 70, 76, 77, 78, 79, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91,
    92,
];
const VN_MOBILE_LATER: [u64; 6] = [93, 94, 96, 97, 98, 99];

/// Telephone numbers as they are dialled at home, or after `+`.
pub(crate) fn phone(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    let view = around.view;
    if view.before(number.start, 1) == Some(b'+') {
        return Ok(international(number).map(|kind| Match {
            range: number.start - 1..number.end,
            kind,
            strength: Strength::Form,
        }));
    }
    let is_seoul_abroad = matches!(number.shape, [2, 2, 3 | 4, 4]) && number.part(0..4) == 8210;
    let kind = if is_seoul_abroad { Some(Kind::KrPhone) } else { domestic(number, around)? };
    let Some(kind) = kind.filter(|_| !number.is_extended(view)) else { return Ok(None) };
    let strength = if around.named(Topics::PHONE, number.end)? { Strength::Context } else { Strength::Form };
    // A bracket before the area code is part of how it is written, not of the number.
    Ok(Some(Match { range: number.start..number.end, kind, strength }))
}

/// After `+`: the country, perhaps `(0)`, the rest.
fn international(number: &Number<'_>) -> Option<Kind> {
    let rest = number.digits.get(2..)?;
    let rest = rest.strip_prefix(b"0").unwrap_or(rest);
    let head = number_of(rest, 2);
    match (number.part(0..2), rest.len()) {
        (82, 8..=10) if (2..=6).contains(&number_of(rest, 1)) => Some(Kind::KrPhone),
        (82, 9 | 10) if matches!(head, 10 | 11 | 16..=19 | 50 | 70 | 80) => Some(Kind::KrPhone),
        (81, 10) if matches!(head, 50 | 70 | 80 | 90) => Some(Kind::JpPhone),
        (81, 9) if number_of(rest, 1) > 0 => Some(Kind::JpPhone),
        (84, 9) if is_vn_mobile(head) => Some(Kind::VnPhone),
        _ => None,
    }
}

fn domestic(number: &Number<'_>, around: &Around<'_>) -> Result<Option<Kind>, More> {
    let is_form = number.digit(0) == 0 && (9..=12).contains(&number.digits.len()) && number.shape.len() <= 4;
    if !is_form {
        return Ok(None);
    }
    if let Some(kind) = korean_mobile(number).or_else(|| japanese_mobile(number, around)) {
        return Ok(Some(kind));
    }
    let prefers_japan = around.has_kana();
    let prefers_vietnam = around.has_vietnamese() && !around.has_hangul();
    let (korean, japanese, vietnamese) = (is_korean(number), is_japanese(number), is_vietnamese(number));
    let kind = match (korean, japanese, vietnamese) {
        (_, true, _) if prefers_japan => Some(Kind::JpPhone),
        (_, _, true) if prefers_vietnam => Some(Kind::VnPhone),
        (true, ..) => Some(Kind::KrPhone),
        (_, _, true) => Some(Kind::VnPhone),
        (_, true, _) => Some(Kind::JpPhone),
        _ => None,
    };
    if kind.is_some() || !number.is_bare() || !around.named(Topics::PHONE, number.end)? {
        return Ok(kind.filter(|_| !is_money_or_noise(number, around)));
    }
    Ok(landline_in_one(number, prefers_japan))
}

/// A run of ten digits that a word calls an order or an account is not taken for a telephone.
fn is_money_or_noise(number: &Number<'_>, around: &Around<'_>) -> bool {
    number.is_bare() && (around.is_noise() || around.named_before(Topics::ACCOUNT))
}

/// 01x: no other country's.
fn korean_mobile(number: &Number<'_>) -> Option<Kind> {
    let is_010 = number.part(0..3) == 10;
    let is_form = match (number.shape, number.digits.len()) {
        ([3, 4, 4] | [3, 8] | [7, 4] | [11], 11) | ([3, 3, 4] | [3, 7] | [6, 4], 10) => true,
        ([10], 10) => !is_010,
        _ => false,
    };
    (is_form && matches!(number.part(0..3), 10 | 11 | 16..=19)).then_some(Kind::KrPhone)
}

fn japanese_mobile(number: &Number<'_>, around: &Around<'_>) -> Option<Kind> {
    if !matches!(number.shape, [3, 4, 4] | [3, 8] | [7, 4] | [11]) || number.digits.len() != 11 {
        return None;
    }
    match number.part(0..3) {
        // Internet telephony in Korea, mobile in Japan.
        70 if !around.has_kana() => Some(Kind::KrPhone),
        50 | 70 | 80 | 90 => Some(Kind::JpPhone),
        _ => None,
    }
}

fn is_korean(number: &Number<'_>) -> bool {
    let area = number.part(0..3);
    match number.shape {
        [2, 3 | 4, 4] => number.part(0..2) == 2,
        [3, 3 | 4, 4] => {
            matches!(area, 31..=33 | 41..=44 | 51..=55 | 61..=64) || area == 80 && number.shape == [3, 3, 4]
        }
        [4, 3 | 4, 4] => matches!(number.part(0..4), 502..=508),
        _ => false,
    }
}

fn is_japanese(number: &Number<'_>) -> bool {
    if number.digits.len() != 10 || number.digit(1) == 0 {
        return false;
    }
    match number.shape {
        [2, 4, 4] => matches!(number.digit(1), 3 | 4 | 6),
        [3, 3, 4] | [4, 2, 4] | [5, 1, 4] => true,
        [4, 3, 3] => number.part(0..4) == 120,
        _ => false,
    }
}

fn is_vietnamese(number: &Number<'_>) -> bool {
    let is_form = matches!(number.shape, [10] | [4, 3, 3] | [3, 3, 4] | [3, 4, 3] | [4, 6] | [3, 7] | [4, 2, 2, 2]);
    is_form && number.digits.len() == 10 && is_vn_mobile(number.part(1..3))
}

fn is_vn_mobile(head: u64) -> bool {
    VN_MOBILE.contains(&head) || VN_MOBILE_LATER.contains(&head)
}

/// Landlines without separators, which only a word gives away.
fn landline_in_one(number: &Number<'_>, prefers_japan: bool) -> Option<Kind> {
    let area = number.part(0..3);
    let is_korean = match number.digits.len() {
        9 | 10 if area / 10 == 2 => true,
        10 | 11 => matches!(area, 31..=33 | 41..=44 | 51..=55 | 61..=64 | 80),
        12 => matches!(number.part(0..4), 502..=508),
        _ => false,
    };
    let is_japanese = number.digits.len() == 10 && number.digit(1) > 0;
    match (is_korean, is_japanese) {
        (_, true) if prefers_japan => Some(Kind::JpPhone),
        (true, _) => Some(Kind::KrPhone),
        (_, true) => Some(Kind::JpPhone),
        _ => None,
    }
}

fn number_of(digits: &[u8], count: usize) -> u64 {
    digits.get(..count).map_or(u64::MAX, crate::verdict::number)
}
