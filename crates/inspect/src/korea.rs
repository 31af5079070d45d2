//! Korean registration numbers, licences, passports. Forms and checks: `spec/identifiers.md`.

use crate::cluster::{Cluster, Number, Separators};
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict, is_date, is_word, value, weighted};
use crate::view::More;
use crate::{Kind, Strength};

/// Years of birth that need neither a check digit nor a word nearby.
const BORN: std::ops::RangeInclusive<u64> = 1925..=2035;

/// The oldest year of birth with a check digit or a word nearby, for those not of the nineteenth century.
const BORN_FIRST: u64 = 1900;

/// The least code of a corporation's form, digits 5 and 6: a stock company.
const CORPORATE_FORM_FIRST: u64 = 11;

/// Regions that licences were given out in, by number and, long ago, by name.
const REGIONS: std::ops::RangeInclusive<u64> = 11..=28;
const REGION_NAMES: [&str; 17] = [
    "서울",
    "부산",
    "경기",
    "강원",
    "충북",
    "충남",
    "전북",
    "전남",
    "경북",
    "경남",
    "제주",
    "대구",
    "인천",
    "광주",
    "대전",
    "울산",
    "경기북부",
];

/// First letters of passports: ordinary, single-journey, residents abroad, official, diplomatic, and what replaced them.
const PASSPORT_LETTERS: &[u8] = b"MSRODG";

/// Resident, foreigner and corporate registration numbers: one form, told apart by the seventh digit, the check, the words.
pub(crate) fn registration(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    if !matches!(number.shape, [6, 7] | [13]) {
        return Ok(None);
    }
    let is_corporate = corporate_check(number);
    if is_corporate && around.named(Topics::CORPORATE, number.end)? && !around.named_before(Topics::RESIDENT) {
        return Ok(Some(Match::of(number, Kind::KrCorporate, Strength::Checked)));
    }
    if let Some((kind, strength)) = resident(number, around, is_corporate)? {
        return Ok(Some(Match::of(number, kind, strength)));
    }
    if is_corporate && !number.is_bare() && number.part(0..4) > 1000 && number.part(4..6) >= CORPORATE_FORM_FIRST {
        return Ok(Some(Match::of(number, Kind::KrCorporate, Strength::Checked)));
    }
    Ok(None)
}

fn resident(number: &Number<'_>, around: &Around<'_>, is_corporate: bool) -> Result<Option<(Kind, Strength)>, More> {
    let seventh = number.digit(6);
    let century = match seventh {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        _ => 1800,
    };
    let year = century + number.part(0..2);
    if !is_date(year, number.part(2..4), number.part(4..6)) || year > *BORN.end() {
        return Ok(None);
    }
    let is_foreigner = (5..=8).contains(&seventh);
    let kind = if is_foreigner { Kind::KrForeigner } else { Kind::KrResident };
    let sum = weighted(number.digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11;
    let check = (if is_foreigner { 13 - sum } else { 11 - sum }) % 10;
    let is_checked = check == number.digit(12);
    if year < BORN_FIRST {
        let is_likely = is_checked && !number.is_bare() && !is_corporate;
        return Ok(is_likely.then_some((kind, Strength::Checked)));
    }
    if is_checked {
        return Ok(Some((kind, Strength::Checked)));
    }
    if around.named(Topics::RESIDENT, number.end)? {
        return Ok(Some((kind, Strength::Context)));
    }
    let is_other = number.is_bare() && (around.is_noise() || around.named_before(Topics::ACCOUNT));
    let is_likely = BORN.contains(&year) && !number.is_extended(around.view) && !is_other;
    Ok(is_likely.then_some((kind, Strength::Form)))
}

fn corporate_check(number: &Number<'_>) -> bool {
    let sum = weighted(number.digits.get(..12).unwrap_or_default(), &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
    (10 - sum % 10) % 10 == number.digit(12)
}

/// Business registration numbers.
pub(crate) fn business(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    if !matches!(number.shape, [3, 2, 5] | [10]) || number.part(0..3) < 101 || !business_check(number) {
        return Ok(None);
    }
    let is_named = around.named(Topics::BUSINESS, number.end)?;
    let is_account = around.named_before(Topics::ACCOUNT);
    if is_named || !number.is_bare() && !is_account && !number.is_extended(around.view) {
        return Ok(Some(Match::of(number, Kind::KrBusiness, Strength::Checked)));
    }
    Ok(None)
}

fn business_check(number: &Number<'_>) -> bool {
    let ninth = number.digits.get(8).map_or(0, |digit| value(*digit) * 5);
    let sum = weighted(number.digits.get(..9).unwrap_or_default(), &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + ninth / 10;
    (10 - sum % 10) % 10 == number.digit(9)
}

/// Driver's licences.
pub(crate) fn driver(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    let is_region = REGIONS.contains(&number.part(0..2));
    match number.shape {
        [2, 2, 6, 2] if is_region && number.inner.is_uniform() && number.inner != Separators::DOT => {
            let is_named = around.named(Topics::DRIVER, number.end)?;
            let is_likely = is_named || !number.is_extended(around.view) && !around.is_noise();
            let strength = if is_named { Strength::Context } else { Strength::Form };
            if is_likely { Ok(Some(Match::of(number, Kind::KrDriver, strength))) } else { Ok(None) }
        }
        [12] if is_region && around.named(Topics::DRIVER, number.end)? => {
            Ok(Some(Match::of(number, Kind::KrDriver, Strength::Context)))
        }
        [2, 6, 2] => Ok(region_name(number, around).map(|start| Match {
            range: start..number.end,
            kind: Kind::KrDriver,
            strength: Strength::Form,
        })),
        _ => Ok(None),
    }
}

/// Where the name of a region before the number begins.
fn region_name(number: &Number<'_>, around: &Around<'_>) -> Option<usize> {
    let before = around.view.slice(number.start.saturating_sub(16)..number.start);
    let name = before.strip_suffix(b" ").or(before.strip_suffix(b"-")).unwrap_or(before);
    let found = REGION_NAMES.iter().filter(|known| name.ends_with(known.as_bytes())).max_by_key(|known| known.len())?;
    Some(number.start - (before.len() - name.len()) - found.len())
}

/// Passports: a letter before the digits at which the cluster begins.
pub(crate) fn passport(cluster: &Cluster, around: &Around<'_>) -> Verdict {
    let Some(number) = cluster.first(1) else { return Ok(None) };
    let view = around.view;
    let Some(letter) = view.before(number.start, 1).filter(|it| PASSPORT_LETTERS.contains(&it.to_ascii_uppercase()))
    else {
        return Ok(None);
    };
    let end = match number.shape {
        [8] => number.end,
        [3] if view.at(number.end)?.is_some_and(|byte| byte.is_ascii_alphabetic()) => {
            for digit in 1..=4 {
                if !view.at(number.end + digit)?.is_some_and(|byte| byte.is_ascii_digit()) {
                    return Ok(None);
                }
            }
            number.end + 5
        }
        _ => return Ok(None),
    };
    let next = view.at(end)?;
    if next.is_some_and(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let is_alone = letter.is_ascii_uppercase() && !is_word(view.before(number.start, 2)) && !is_word(next);
    let strength = if around.named(Topics::PASSPORT, end)? {
        Strength::Context
    } else if is_alone && !around.is_noise() {
        Strength::Form
    } else {
        return Ok(None);
    };
    Ok(Some(Match { range: number.start - 1..end, kind: Kind::KrPassport, strength }))
}
