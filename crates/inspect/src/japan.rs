//! The Japanese individual number (My Number).

use crate::cluster::Number;
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict, is_moment, is_uniform, weighted};
use crate::{Kind, Strength};

/// Individual numbers: twelve digits, the last of them checks.
pub(crate) fn my_number(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    if !matches!(number.shape, [12] | [4, 4, 4]) || !checks(number) || is_uniform(number.digits) {
        return Ok(None);
    }
    if !around.named(Topics::MY_NUMBER, number.end)? {
        let says_otherwise =
            around.named(Topics::CITIZEN, number.end)? || around.named_before(Topics::ACCOUNT) || around.is_noise();
        let is_other = is_moment(number.digits) || number.is_extended(around.view);
        if says_otherwise || is_other {
            return Ok(None);
        }
    }
    Ok(Some(Match { range: number.start..number.end, kind: Kind::JpMyNumber, strength: Strength::Checked }))
}

fn checks(number: &Number<'_>) -> bool {
    let sum = weighted(number.digits.get(..11).unwrap_or_default(), &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if sum <= 1 { 0 } else { 11 - sum };
    number.digit(11) == check
}
