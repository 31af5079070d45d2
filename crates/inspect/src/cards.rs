//! Payment cards: ranges of the networks, and Luhn.

use crate::cluster::Number;
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict, is_moment, luhn};
use crate::{Kind, Strength};

/// Ranges of the first four digits and the lengths that cards in them have.
const RANGES: &[(std::ops::RangeInclusive<u64>, &[usize])] = &[
    (2200..=2204, &[16, 17, 18, 19]),     // Mir
    (2221..=2720, &[16]),                 // Mastercard
    (3000..=3059, &[14, 16, 17, 18, 19]), // Diners
    (3095..=3095, &[14, 16, 17, 18, 19]), // Diners
    (3400..=3499, &[15]),                 // American Express
    (3528..=3589, &[16, 17, 18, 19]),     // JCB
    (3600..=3699, &[14, 16, 17, 18, 19]), // Diners
    (3700..=3799, &[15]),                 // American Express
    (3800..=3999, &[14, 16, 17, 18, 19]), // Diners
    (4000..=4999, &[16, 19]),             // Visa
    (5018..=5018, &[16, 17, 18, 19]),     // Maestro
    (5020..=5020, &[16, 17, 18, 19]),     // Maestro
    (5038..=5038, &[16, 17, 18, 19]),     // Maestro
    (5100..=5599, &[16]),                 // Mastercard
    (5893..=5893, &[16, 17, 18, 19]),     // Maestro
    (6011..=6011, &[16, 17, 18, 19]),     // Discover
    (6200..=6299, &[16, 17, 18, 19]),     // UnionPay
    (6304..=6304, &[16, 17, 18, 19]),     // Maestro
    (6440..=6599, &[16, 17, 18, 19]),     // Discover
    (6759..=6763, &[16, 17, 18, 19]),     // Maestro
    (8100..=8171, &[16, 17, 18, 19]),     // UnionPay
];

/// Cards in one run or in the groups that are printed on them.
pub(crate) fn card(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    let is_form = match number.shape {
        [14..=19] => true,
        [4, 4, 4, 4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5] | [6, 10..=13] => number.inner.is_uniform(),
        _ => false,
    };
    let prefix = number.part(0..4);
    let length = number.digits.len();
    let in_range = || RANGES.iter().any(|(range, lengths)| range.contains(&prefix) && lengths.contains(&length));
    if !is_form || !in_range() || !luhn(number.digits) {
        return Ok(None);
    }
    let is_rival = length == 14 && number.is_bare() && number.digits.get(..9).is_some_and(luhn);
    let is_doubtful = is_rival || is_moment(number.digits) || number.is_bare() && around.named_before(Topics::ACCOUNT);
    if is_doubtful && !around.named(Topics::CARD, number.end)? {
        return Ok(None);
    }
    Ok(Some(Match { range: number.start..number.end, kind: Kind::Card, strength: Strength::Checked }))
}
