//! Where a sound record begins among bytes that are none: so that damage in the middle does not hide what stands behind it.
//!
//! A record is believed here by its checksum alone; whether it belongs where it stands, others ask.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::segments::{ENTRY_BYTES_MAX, RECORD_HEADER_BYTES, checksum_of, split_record_header};

/// Bytes looked at together: more than the longest record, so that each is whole in some window.
const WINDOW_BYTES: usize = 1 << 20;

/// The most bytes that are summed up in one search. Somebody can write a file in which a record may begin anywhere.
const SUMMED_BYTES_MAX: u64 = 1 << 30;

/// The offset of the first sound record in `file` from `offset` on; none if there is none before `end`.
pub(crate) fn next_record(file: &mut File, offset: u64, end: u64) -> io::Result<Option<u64>> {
    let overlap = RECORD_HEADER_BYTES + ENTRY_BYTES_MAX as usize;
    let (mut at, mut summed) = (offset, 0);
    while at < end && summed < SUMMED_BYTES_MAX {
        file.seek(SeekFrom::Start(at))?;
        let mut window = Vec::new();
        Read::by_ref(file).take(WINDOW_BYTES as u64).read_to_end(&mut window)?;
        let last = at.saturating_add(window.len() as u64) >= end;
        let starts = if last { window.len() } else { window.len().saturating_sub(overlap) };
        if let Some(found) = (0..starts).find(|start| begins_here(&window, *start, &mut summed)) {
            return Ok(Some(at.saturating_add(found as u64)));
        }
        if last {
            break;
        }
        at = at.saturating_add(starts as u64);
    }
    Ok(None)
}

/// Whether a whole and sound record stands at this place.
fn begins_here(window: &[u8], start: usize, summed: &mut u64) -> bool {
    let bytes = window.get(start..).unwrap_or_default();
    // A length below 65,536 begins with two zeros, and an entry is an object: few places pass.
    if !bytes.starts_with(&[0, 0]) || bytes.get(RECORD_HEADER_BYTES) != Some(&b'{') {
        return false;
    }
    let header = bytes.split_first_chunk::<RECORD_HEADER_BYTES>();
    let Some(((length, checksum, durable, leaf), rest)) =
        header.and_then(|(header, rest)| Some((split_record_header(header)?, rest)))
    else {
        return false;
    };
    let entry = usize::try_from(length).ok().and_then(|length| rest.get(..length)).unwrap_or_default();
    if !entry.ends_with(b"}") {
        return false;
    }
    *summed = summed.saturating_add(u64::from(length));
    checksum_of(length, durable, &leaf, entry) == checksum
}
