//! Vietnamese identity numbers and tax codes.

use crate::cluster::{Number, Separators};
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict, weighted};
use crate::{Kind, Strength};

/// The 63 codes of provinces and cities.
const PROVINCES: [u64; 63] = [
    1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36, 37, 38, 40, 42, 44, 45,
    46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92,
    93, 94, 95, 96,
];

/// The latest year of birth that is taken for one.
const BORN_LAST: u64 = 35;

/// Citizens' identity numbers and the older ones.
pub(crate) fn identity(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    match number.shape {
        [12] | [3, 3, 3, 3] | [4, 4, 4] if is_citizen(number) => {
            if around.named(Topics::CITIZEN, number.end)? {
                return Ok(Some(Match::of(number, Kind::VnCccd, Strength::Context)));
            }
            let is_other = number.is_extended(around.view) || around.is_noise();
            if is_other || around.named_before(Topics::ACCOUNT) {
                return Ok(None);
            }
            Ok(Some(Match::of(number, Kind::VnCccd, Strength::Form)))
        }
        [9] | [3, 3, 3] if around.named(Topics::CITIZEN, number.end)? => {
            Ok(Some(Match::of(number, Kind::VnCmnd, Strength::Context)))
        }
        _ => Ok(None),
    }
}

fn is_citizen(number: &Number<'_>) -> bool {
    // Even digits are men, odd ones women; 0 and 1 the twentieth century, 2 and 3 ours.
    let year = number.part(4..6);
    let is_born = match number.digit(3) {
        0 | 1 => true,
        2 | 3 => year <= BORN_LAST,
        _ => false,
    };
    is_born && PROVINCES.contains(&number.part(0..3))
}

/// Tax codes, of a company or of its branch.
pub(crate) fn tax(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    let is_branch =
        matches!(number.shape, [10, 3]) && (number.inner == Separators::DASH || number.inner == Separators::SPACE);
    if !(is_branch || matches!(number.shape, [10 | 13])) || number.part(0..9) == 0 {
        return Ok(None);
    }
    let sum = weighted(number.digits.get(..9).unwrap_or_default(), &[31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11;
    if 10_u32.checked_sub(sum) != Some(number.digit(9)) {
        return Ok(None);
    }
    if is_branch || around.named(Topics::TAX, number.end)? {
        return Ok(Some(Match::of(number, Kind::VnTax, Strength::Checked)));
    }
    Ok(None)
}
