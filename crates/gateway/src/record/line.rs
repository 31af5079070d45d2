//! One line of the record: length, check, JSON. Writing it, and telling a whole line from a torn or damaged one.
//!
//! Knows nothing of files, nor of what the JSON says.

use std::io::Write as _;

use sha2::{Digest, Sha256};

use super::entry::Fields;

/// `llllllll cccccccccccccccc `: eight hex digits of length, sixteen of check, each with a space.
pub(super) const LEAD_BYTES: usize = 8 + 1 + 16 + 1;
/// The longest JSON of an entry: what is longer was not written by us.
pub(super) const JSON_BYTES_MAX: usize = 64 * 1024 - 1;

/// Appends the line of entry `seq`, which is written in the batch that begins with entry `batch`, to `out`.
pub(super) fn render(out: &mut Vec<u8>, seq: u64, batch: u64, fields: &Fields) {
    let start = out.len();
    out.extend_from_slice(&[b' '; LEAD_BYTES]);
    // Writing to memory cannot fail.
    let _ = write!(out, "{{\"seq\":{seq},\"batch\":{batch},");
    out.extend_from_slice(fields.after_brace());
    let (lead, json) = out.split_at_mut(start + LEAD_BYTES);
    let lead = lead.get_mut(start..).unwrap_or_default();
    let (length, check) = lead.split_at_mut(9);
    let _ = write!(&mut *length, "{:08x}", json.len());
    if let Some(check) = check.get_mut(..16) {
        check.copy_from_slice(&check_of(json));
    }
    out.push(b'\n');
}

/// What stands at the start of some bytes of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A whole line: its JSON, and how many bytes the line takes.
    Whole { json: &'a [u8], bytes: usize },
    /// Not a whole line.
    Broken,
}

/// Reads the line at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Line<'_> {
    let whole = || {
        let (lead, rest) = bytes.split_at_checked(LEAD_BYTES)?;
        let length = length_of(lead.get(..8)?)?;
        let (json, rest) = (length <= JSON_BYTES_MAX).then(|| rest.split_at_checked(length))??;
        let spaced = lead.get(8) == Some(&b' ') && lead.get(25) == Some(&b' ');
        let proper = spaced && lead.get(9..25)? == check_of(json) && rest.first() == Some(&b'\n');
        proper.then_some(Line::Whole { json, bytes: LEAD_BYTES + length + 1 })
    };
    whole().unwrap_or(Line::Broken)
}

/// Lower-case hex digits and nothing else, so that a length has one form.
fn length_of(digits: &[u8]) -> Option<usize> {
    let digit = |byte: u8| if byte.is_ascii_uppercase() { None } else { char::from(byte).to_digit(16) };
    digits.iter().try_fold(0, |length, byte| Some(length * 16 + digit(*byte)? as usize))
}

/// The first eight bytes of the JSON's SHA-256, in hex: against accidents, not against people.
fn check_of(json: &[u8]) -> [u8; 16] {
    let digest = Sha256::digest(json);
    let mut check = [0; 16];
    // Eight bytes fill sixteen digits, so encoding cannot fail.
    let _ = hex::encode_to_slice(digest.get(..8).unwrap_or_default(), &mut check);
    check
}
