//! Reads a request's head only as far as its framing: where it ends, which body follows, which host is meant.
//!
//! RFC 9112 and RFC 9110, without the leniencies that these allow. Pure: bytes in, verdict out.

use memchr::memchr;

use super::Refusal;
use super::refusals as no;

/// As many as the HTTP library below takes.
const HEADERS_MAX: usize = 100;

/// A head that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its length, with the empty line that ends it.
    pub(super) bytes: usize,
    /// What follows it.
    pub(super) body: BodyFraming,
    /// The connection must not be used for another request: an upgrade was asked for, and is ignored.
    pub(super) last: bool,
}

/// How a body's end is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFraming {
    /// There is none.
    Absent,
    /// It has this many bytes; never 0.
    Sized(u64),
    /// It comes in chunks.
    Chunked,
}

/// Reads the head at the start of `bytes`. `None`: its end has not come yet.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    begins_like_a_request(bytes)?;
    let Some((line, mut rest)) = next_line(bytes)? else { return Ok(None) };
    let request_line = RequestLine::read(line)?;
    let mut fields = Fields::default();
    for _ in 0..=HEADERS_MAX {
        let Some((line, after)) = next_line(rest)? else { return Ok(None) };
        rest = after;
        if line.is_empty() {
            let (body, last) = fields.judge(&request_line)?;
            return Ok(Some(Head { bytes: bytes.len() - rest.len(), body, last }));
        }
        fields.read(line)?;
    }
    Err(no::HEADERS_MANY)
}

/// Whether `bytes`, to which `new` bytes have just been added at the end, may hold a whole head: whether an empty line, in
/// any spelling, ends in the new bytes. Cheaper than reading the head again at every byte of a slow sender.
pub(super) fn may_be_whole(bytes: &[u8], new: usize) -> bool {
    let from = bytes.len().saturating_sub(new + 2);
    let tail = bytes.get(from..).unwrap_or_default();
    tail.windows(2).any(|pair| pair == b"\n\n") || tail.windows(3).any(|three| three == b"\n\r\n")
}

/// Whether the beginning of a head can become one: a first byte that no method has is told at once, not after a timeout.
pub(super) fn begins_like_a_request(bytes: &[u8]) -> Result<(), Refusal> {
    let begins = bytes.first().is_none_or(|byte| TOKEN.has(*byte));
    if begins { Ok(()) } else { Err(no::NOT_HTTP) }
}

/// A line, and what follows it.
type LineAndRest<'a> = (&'a [u8], &'a [u8]);

/// Splits off the first line, without its CR LF.
fn next_line(bytes: &[u8]) -> Result<Option<LineAndRest<'_>>, Refusal> {
    let Some(end) = memchr(b'\n', bytes) else { return Ok(None) };
    let (line, rest) = bytes.split_at(end);
    let line = line.strip_suffix(b"\r").ok_or(no::LINE_END)?;
    Ok(Some((line, rest.get(1..).unwrap_or_default())))
}

struct RequestLine<'a> {
    /// The authority of a target in absolute form.
    authority: Option<&'a [u8]>,
    /// HTTP/1.0, which knows neither `Host` nor `Transfer-Encoding`.
    old: bool,
}

impl<'a> RequestLine<'a> {
    fn read(line: &'a [u8]) -> Result<Self, Refusal> {
        if line == b"PRI * HTTP/2.0" {
            return Err(no::HTTP2);
        }
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(no::REQUEST_LINE);
        };
        if !TOKEN.has_all(method) {
            return Err(no::REQUEST_LINE);
        }
        let old = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(no::VERSION),
        };
        if method == b"CONNECT" {
            return Err(no::CONNECT);
        }
        Ok(Self { authority: authority_of(target, method)?, old })
    }
}

/// Checks the target; gives its authority if it is in absolute form.
fn authority_of<'a>(target: &'a [u8], method: &[u8]) -> Result<Option<&'a [u8]>, Refusal> {
    if !TARGET.has_all(target) {
        return Err(no::TARGET);
    }
    if target.starts_with(b"/") || (target == b"*" && method == b"OPTIONS") {
        return Ok(None);
    }
    let scheme_end = memchr(b':', target).ok_or(no::TARGET)?;
    let (scheme, rest) = target.split_at(scheme_end);
    let rest = rest.strip_prefix(b"://").ok_or(no::TARGET)?;
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return Err(no::TARGET);
    }
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    rest.get(..end).map(Some).ok_or(no::TARGET)
}

/// The header fields that framing depends on.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<u64>,
    chunked: bool,
    upgrade: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, line: &'a [u8]) -> Result<(), Refusal> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(no::FOLDED);
        }
        let colon = memchr(b':', line).ok_or(no::HEADER_NAME)?;
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default();
        if !TOKEN.has_all(name) {
            return Err(no::HEADER_NAME);
        }
        // Counted, not looked for, so that the compiler compares many bytes at once.
        let control = |byte: &&u8| (**byte < b' ' && **byte != b'\t') || **byte == 0x7f;
        if value.iter().filter(control).count() > 0 {
            return Err(if value.contains(&b'\r') { no::LINE_END } else { no::HEADER_VALUE });
        }
        // The lengths tell nearly all other names apart at once.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => put_once(&mut self.host, trim(value), no::HOST_TWICE),
            6 if name.eq_ignore_ascii_case(b"expect") => {
                let known = trim(value).eq_ignore_ascii_case(b"100-continue");
                if known { Ok(()) } else { Err(no::EXPECTATION) }
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => put_once(&mut self.upgrade, trim(value), no::UPGRADE),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                put_once(&mut self.length, length_of(trim(value))?, no::LENGTH_TWICE)
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked {
                    return Err(no::CODING_TWICE);
                }
                self.chunked = trim(value).eq_ignore_ascii_case(b"chunked");
                if self.chunked { Ok(()) } else { Err(no::CODING_BAD) }
            }
            _ => Ok(()),
        }
    }

    fn judge(&self, line: &RequestLine<'_>) -> Result<(BodyFraming, bool), Refusal> {
        match (self.host, line.authority) {
            (None, None) if line.old => {}
            (None, _) => return Err(no::HOST_MISSING),
            (Some(host), _) if !is_host(host) => return Err(no::HOST_BAD),
            (Some(host), Some(authority)) if !host.eq_ignore_ascii_case(authority) => return Err(no::HOST_OTHER),
            (Some(_), _) => {}
        }
        // Java's client asks for `h2c` with every first request. Ignoring it is allowed (RFC 9110, 7.8), and safe, as long
        // as what follows on the connection is not read as HTTP/1.1.
        let last = match self.upgrade {
            None => false,
            Some(protocol) if protocol.eq_ignore_ascii_case(b"h2c") => true,
            Some(_) => return Err(no::UPGRADE),
        };
        let body = match (self.chunked, self.length) {
            (true, Some(_)) => return Err(no::LENGTH_AND_CODING),
            (true, None) if line.old => return Err(no::CODING_OLD),
            (true, None) => BodyFraming::Chunked,
            (false, None | Some(0)) => BodyFraming::Absent,
            (false, Some(bytes)) => BodyFraming::Sized(bytes),
        };
        Ok((body, last))
    }
}

fn put_once<T>(place: &mut Option<T>, value: T, twice: Refusal) -> Result<(), Refusal> {
    if place.replace(value).is_some() { Err(twice) } else { Ok(()) }
}

/// Nineteen digits always fit.
fn length_of(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(no::LENGTH_BAD);
    }
    Ok(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}

/// Optional whitespace is spaces and tabs, nothing else (RFC 9110, 5.6.3).
fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// A name or an address, with or without a port; no user, no list, no blanks.
fn is_host(host: &[u8]) -> bool {
    let (name, port) = if let Some(rest) = host.strip_prefix(b"[") {
        let Some(end) = memchr(b']', rest) else { return false };
        let (address, port) = rest.split_at(end);
        let proper = address.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        (proper.then_some(address), port.get(1..).unwrap_or_default())
    } else {
        let (name, port) = host.split_at(memchr(b':', host).unwrap_or(host.len()));
        let proper = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
        (proper.then_some(name), port)
    };
    let port_proper = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    port_proper && name.is_some_and(|name| !name.is_empty())
}

/// A set of bytes.
struct Bytes([bool; 256]);

impl Bytes {
    const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "below 256, at compile time")]
            {
                set[byte] = (byte as u8).is_ascii_alphanumeric();
            }
            byte += 1;
        }
        let mut rest = others;
        while let [first, others @ ..] = rest {
            #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
            {
                set[*first as usize] = true;
            }
            rest = others;
        }
        Self(set)
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }

    /// Whether `bytes` are at least one, and all of this set.
    fn has_all(&self, bytes: &[u8]) -> bool {
        !bytes.is_empty() && bytes.iter().all(|byte| self.has(*byte))
    }
}

/// RFC 9110, 5.6.2: `tchar`.
static TOKEN: Bytes = Bytes::alphanumeric_and(b"!#$%&'*+-.^_`|~");
/// RFC 3986: `pchar`, and what parts a path and a query; for the absolute form, the brackets of an IPv6 address too.
static TARGET: Bytes = Bytes::alphanumeric_and(b"-._~%!$&'()*+,;=:@/?[]");

#[cfg(test)]
pub(crate) mod tests;
