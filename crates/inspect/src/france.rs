//! French social security numbers, companies and establishments.

use crate::cluster::Number;
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict, is_moment, luhn, number as value_of, value};
use crate::view::{More, View};
use crate::{Kind, Strength};

/// La Poste, whose establishments outgrew Luhn.
const LA_POSTE: &[u8] = b"356000000";

/// Where groups of a social security number may be set apart.
const GAPS: [usize; 6] = [1, 3, 5, 7, 10, 13];

/// A social security number whose first digit stands at `at`.
pub(crate) fn nir(view: &View, at: usize, around: &Around<'_>) -> Verdict {
    // Men and women, and those whose number is provisional.
    if !matches!(view.at(at)?, Some(b'1' | b'2' | b'7' | b'8')) {
        return Ok(None);
    }
    let Some((characters, ends)) = read_nir(view, at)? else { return Ok(None) };
    let Some(number) = nir_number(&characters) else { return Ok(None) };
    let key = characters.get(13..).filter(|key| key.iter().all(u8::is_ascii_digit)).map(value_of);
    if let (Some(end), Some(key)) = (ends.1, key) {
        if key == 97 - number % 97 {
            return Ok(Some(Match { range: at..end, kind: Kind::FrNir, strength: Strength::Checked }));
        }
        return Ok(None);
    }
    if around.named(Topics::NIR, ends.0)? {
        return Ok(Some(Match { range: at..ends.0, kind: Kind::FrNir, strength: Strength::Context }));
    }
    Ok(None)
}

/// Fifteen characters, or thirteen; where the thirteenth ends, and the fifteenth.
type Characters = ([u8; 15], (usize, Option<usize>));

fn read_nir(view: &View, at: usize) -> Result<Option<Characters>, More> {
    let (mut characters, mut end, mut number_end) = ([b' '; 15], at, at);
    for (place, character) in characters.iter_mut().enumerate() {
        if place == 13 {
            number_end = end;
        }
        let gap = usize::from(GAPS.contains(&place) && matches!(view.at(end)?, Some(b' ' | b'-' | b'.')));
        let next = view.at(end + gap)?.map(|byte| byte.to_ascii_uppercase());
        match next {
            Some(byte) if byte.is_ascii_digit() || place == 6 && matches!(byte, b'A' | b'B') => *character = byte,
            _ if place == 13 => return Ok(Some((characters, (end, None)))),
            _ => return Ok(None),
        }
        end += gap + 1;
    }
    if view.at(end)?.is_some_and(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    Ok(Some((characters, (number_end, Some(end)))))
}

/// The number that the key is computed from, if month and department can be.
fn nir_number(characters: &[u8; 15]) -> Option<u64> {
    let [_, _, _, month_tens, month_ones, tens, ones, ..] = *characters;
    let month = value(month_tens) * 10 + value(month_ones);
    let is_month = matches!(month, 1..=12 | 20..=42 | 50..=99);
    if !is_month {
        return None;
    }
    let corsica = match (tens, ones) {
        (b'2', b'A') => Some(*b"19"),
        (b'2', b'B') => Some(*b"18"),
        (_, b'A' | b'B') => return None,
        _ => None,
    };
    let mut digits = *characters;
    if let (Some(corsica), Some(place)) = (corsica, digits.get_mut(5..7)) {
        place.copy_from_slice(&corsica);
    }
    digits.get(..13).map(value_of)
}

/// Companies and establishments.
pub(crate) fn company(number: &Number<'_>, around: &Around<'_>) -> Verdict {
    match number.shape {
        [9] | [3, 3, 3] => {
            let is_form = luhn(number.digits) && number.part(0..9) > 0;
            if is_form && around.named(Topics::SIREN, number.end)? {
                return Ok(Some(Match::of(number, Kind::FrSiren, Strength::Checked)));
            }
        }
        [14] | [9, 5] | [3, 3, 3, 5] if siret_check(number) => {
            let is_other = is_moment(number.digits) || number.is_bare() && around.named_before(Topics::ACCOUNT);
            if !is_other || around.named(Topics::SIREN, number.end)? {
                return Ok(Some(Match::of(number, Kind::FrSiret, Strength::Checked)));
            }
        }
        _ => {}
    }
    Ok(None)
}

fn siret_check(number: &Number<'_>) -> bool {
    let siren = number.digits.get(..9).unwrap_or_default();
    let sum: u32 = number.digits.iter().map(|digit| value(*digit)).sum();
    let is_post = siren == LA_POSTE && sum.is_multiple_of(5);
    number.part(0..9) > 0 && luhn(siren) && (luhn(number.digits) || is_post)
}
