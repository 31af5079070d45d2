//! E-mail and internet addresses.

use std::net::Ipv6Addr;

use crate::cluster::Number;
use crate::context::{Around, Topics};
use crate::verdict::{Match, Verdict, is_word};
use crate::view::View;
use crate::{Kind, Strength};

/// RFC 5321, 4.5.3.1: the longest local part and the longest domain.
pub(crate) const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;
const LABEL_MAX: usize = 63;

/// The longest written IPv6 address, with an IPv4 one in it.
const V6_MAX: usize = 45;

/// Whether a local part holds `byte`: of what RFC 5321 allows, what is not rather a quote, a bracket or an assignment.
pub(crate) fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte)
}

/// The e-mail address whose `@` stands at `at`; its local part begins at `floor` or later.
pub(crate) fn email(view: &View, at: usize, floor: usize) -> Verdict {
    let Some(start) = local_start(view, at, floor) else { return Ok(None) };
    let (mut end, mut label, mut labels) = (at + 1, 0, 0);
    let mut accepted = None;
    let mut top_level_is_letters = true;
    while end - at <= DOMAIN_MAX {
        match view.at(end)? {
            Some(b'.') if label > 0 && view.before(end, 1) != Some(b'-') => {
                labels += 1;
                label = 0;
                top_level_is_letters = true;
            }
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' && label > 0 => {
                label += 1;
                top_level_is_letters &= byte.is_ascii_alphabetic();
                if label > LABEL_MAX {
                    break;
                }
                if labels > 0 && label >= 2 && top_level_is_letters {
                    accepted = Some(end + 1);
                }
            }
            _ => break,
        }
        end += 1;
    }
    Ok(accepted.map(|end| Match { range: start..end, kind: Kind::Email, strength: Strength::Checked }))
}

fn local_start(view: &View, at: usize, floor: usize) -> Option<usize> {
    let mut start = at;
    while start > floor && at - start < LOCAL_MAX && view.before(start, 1).is_some_and(is_local) {
        start -= 1;
    }
    while start < at && matches!(view.slice(start..start + 1), [b'.' | b'-' | b'%' | b'+']) {
        start += 1;
    }
    let ends_well = view.before(at, 1) != Some(b'.');
    (start < at && ends_well).then_some(start)
}

/// Four numbers with dots between them.
pub(crate) fn ip_v4(number: &Number<'_>, around: &Around<'_>) -> Option<Match> {
    let view = around.view;
    if !matches!(number.shape, [1..=3, 1..=3, 1..=3, 1..=3]) || number.end - number.start != number.digits.len() + 3 {
        return None;
    }
    let text = view.slice(number.start..number.end);
    let octets = text.split(|byte| *byte == b'.');
    let are_octets = octets
        .clone()
        .all(|octet| crate::verdict::number(octet) <= 255 && (octet.len() == 1 || octet.first() != Some(&b'0')));
    let before = view.before(number.start, 1);
    let is_version = matches!(before, Some(b'v' | b'V' | b'.')) || around.named_before(Topics::VERSION);
    let goes_on = number.is_extended(view);
    if octets.count() != 4 || !are_octets || is_version || goes_on {
        return None;
    }
    Some(Match::of(number, Kind::IpV4, Strength::Form))
}

/// The address whose first colon stands at `at`.
pub(crate) fn ip_v6(view: &View, at: usize, floor: usize) -> Verdict {
    let is_double = view.at(at + 1)? == Some(b':');
    let mut start = at;
    while start > floor && at - start < 4 && view.before(start, 1).is_some_and(|byte| byte.is_ascii_hexdigit()) {
        start -= 1;
    }
    if start == at && !is_double || is_word(view.before(start, 1)) || view.before(start, 1) == Some(b':') {
        return Ok(None);
    }
    let mut end = at;
    loop {
        match view.at(end)? {
            Some(byte) if byte.is_ascii_hexdigit() || byte == b':' || byte == b'.' => end += 1,
            _ => break,
        }
        if end - start > V6_MAX {
            return Ok(None);
        }
    }
    if is_word(view.at(end)?) {
        return Ok(None);
    }
    let written = view.slice(start..end);
    let Some(text) = std::str::from_utf8(written).ok().map(|text| text.trim_end_matches(['.', ':'])) else {
        return Ok(None);
    };
    let groups = text.split(':').filter(|group| !group.is_empty()).count();
    let is_likely = groups >= 3 || groups > 0 && text.starts_with("::") || groups == 2 && text.starts_with("fe80:");
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    if !is_likely || !has_digit || text.parse::<Ipv6Addr>().is_err() {
        return Ok(None);
    }
    Ok(Some(Match { range: start..start + text.len(), kind: Kind::IpV6, strength: Strength::Form }))
}
