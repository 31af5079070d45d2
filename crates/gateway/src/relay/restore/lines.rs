//! The events of a piece of a stream, each with its bytes as they came. Knows nothing of what their data says.
//! Source: HTML Standard, 9.2.6 "Interpreting an event stream".

use bytes::BytesMut;
use memchr::memchr2;

/// One event, or lines without data.
pub(in crate::relay) struct Event<'p> {
    /// Its bytes, with the blank line that ends it.
    pub(in crate::relay) raw: &'p [u8],
    /// Its data lines, joined by line feeds; none where there is none.
    pub(in crate::relay) data: Option<Vec<u8>>,
}

/// The events of `piece`, which is cut at events' ends.
pub(in crate::relay) fn events(piece: &[u8]) -> impl Iterator<Item = Event<'_>> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (mut length, mut data) = (0, None);
        for (line, ended) in lines(rest) {
            length += ended;
            if let Some(more) = data_of(line) {
                data = Some(joined(data, more));
            }
            if line.is_empty() {
                break;
            }
        }
        let (raw, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(Event { raw, data })
    })
}

impl Event<'_> {
    /// Writes the lines that are no data: its name, its id, remarks.
    pub(super) fn write_other_lines(&self, out: &mut BytesMut) {
        for (line, _) in lines(self.raw).filter(|(line, _)| !line.is_empty() && data_of(line).is_none()) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\n");
        }
    }
}

fn joined(before: Option<Vec<u8>>, more: &[u8]) -> Vec<u8> {
    let Some(mut data) = before else { return more.to_vec() };
    data.push(b'\n');
    data.extend_from_slice(more);
    data
}

/// Each line without its end, and its length with it: LF, CR LF or CR.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(end)?;
        let mark = if after.starts_with(b"\r\n") { 2 } else { after.len().min(1) };
        rest = after.get(mark..).unwrap_or_default();
        Some((line, end + mark))
    })
}

fn data_of(line: &[u8]) -> Option<&[u8]> {
    if line == b"data" {
        return Some(b"");
    }
    let data = line.strip_prefix(b"data:")?;
    Some(data.strip_prefix(b" ").unwrap_or(data))
}
