//! Keys of providers, private keys, tokens: by the prefix and the form that their makers gave them.

use crate::verdict::{Match, Verdict, is_word};
use crate::view::View;
use crate::{Kind, Strength};

/// The longest key of a provider that is read.
const KEY_MAX: usize = 512;

/// The longest token.
const JWT_MAX: usize = 8 * 1024;

/// The longest private key block; what is longer is found as far as this.
pub(crate) const BLOCK_MAX: usize = 16 * 1024;

/// The longest line that begins a private key block.
const BEGIN_MAX: usize = 64;

/// Which characters a key consists of after its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// Letters and digits.
    Alphanumeric,
    /// Capitals and digits.
    Capitals,
    /// Base64 for URLs.
    Url,
    /// Base64 for URLs, with dots between parts.
    Dotted,
    /// Lower-case hexadecimal.
    Hex,
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Capitals => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Url => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Hex => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        }
    }
}

/// Prefix, alphabet of the rest, its least and greatest length. The longest prefix that fits decides.
const KEYS: &[(&str, Alphabet, usize, usize)] = &[
    ("AGE-SECRET-KEY-1", Alphabet::Capitals, 58, 58),
    ("AIza", Alphabet::Url, 35, 35),
    ("AKIA", Alphabet::Capitals, 16, 16),
    ("ASIA", Alphabet::Capitals, 16, 16),
    ("GOCSPX-", Alphabet::Url, 20, 60),
    ("SG.", Alphabet::Dotted, 60, 80),
    ("dapi", Alphabet::Hex, 32, 32),
    ("dop_v1_", Alphabet::Hex, 64, 64),
    ("ghp_", Alphabet::Alphanumeric, 36, 255),
    ("gho_", Alphabet::Alphanumeric, 36, 255),
    ("ghu_", Alphabet::Alphanumeric, 36, 255),
    ("ghs_", Alphabet::Alphanumeric, 36, 255),
    ("ghr_", Alphabet::Alphanumeric, 36, 255),
    ("github_pat_", Alphabet::Url, 50, 255),
    ("glpat-", Alphabet::Dotted, 20, 64),
    ("gsk_", Alphabet::Alphanumeric, 40, 80),
    ("hf_", Alphabet::Alphanumeric, 30, 64),
    ("npm_", Alphabet::Alphanumeric, 36, 36),
    ("pplx-", Alphabet::Alphanumeric, 40, 64),
    ("pypi-", Alphabet::Url, 80, KEY_MAX),
    ("r8_", Alphabet::Alphanumeric, 37, 40),
    ("rk_live_", Alphabet::Alphanumeric, 16, 255),
    ("rk_test_", Alphabet::Alphanumeric, 16, 255),
    ("sk_live_", Alphabet::Alphanumeric, 16, 255),
    ("sk_test_", Alphabet::Alphanumeric, 16, 255),
    ("sk-", Alphabet::Alphanumeric, 32, 128),
    ("sk-ant-", Alphabet::Url, 32, KEY_MAX),
    ("sk-gwm-", Alphabet::Url, 20, 128),
    ("sk-or-", Alphabet::Url, 32, 128),
    ("sk-proj-", Alphabet::Url, 32, KEY_MAX),
    ("sk-svcacct-", Alphabet::Url, 32, KEY_MAX),
    ("xai-", Alphabet::Alphanumeric, 60, 100),
    ("xapp-", Alphabet::Url, 24, 160),
    ("xoxa-", Alphabet::Url, 20, 160),
    ("xoxb-", Alphabet::Url, 20, 160),
    ("xoxp-", Alphabet::Url, 20, 160),
    ("xoxr-", Alphabet::Url, 20, 160),
    ("xoxs-", Alphabet::Url, 20, 160),
    ("ya29.", Alphabet::Url, 30, KEY_MAX),
];

/// Whether a secret can begin with these two bytes.
pub(crate) fn begin(first: u8, second: u8) -> bool {
    matches!([first, second], [b'e', b'y'] | [b'-', b'-'])
        || KEYS.iter().any(|(prefix, ..)| prefix.as_bytes().starts_with(&[first, second]))
}

/// The secret that begins at `at`.
pub(crate) fn secret(view: &View, at: usize, first: u8) -> Verdict {
    let before = view.before(at, 1);
    match first {
        b'-' => private_key(view, at),
        _ if is_word(before) => Ok(None),
        b'e' if before != Some(b'-') => jwt(view, at),
        _ => key(view, at, first),
    }
}

fn key(view: &View, at: usize, first: u8) -> Verdict {
    let mut fits = None;
    for candidate in KEYS.iter().filter(|(prefix, ..)| prefix.as_bytes().first() == Some(&first)) {
        if begins(view, at, candidate.0.as_bytes())? {
            // The list is in order: a longer prefix comes after a shorter one that begins it.
            fits = Some(candidate);
        }
    }
    let Some((prefix, alphabet, least, greatest)) = fits else { return Ok(None) };
    let from = at + prefix.len();
    let mut end = from;
    while end - from <= *greatest && view.at(end)?.is_some_and(|byte| alphabet.has(byte)) {
        end += 1;
    }
    // A dot or a dash at the end belongs to the sentence.
    while end > from && matches!(view.before(end, 1), Some(b'.' | b'-')) {
        end -= 1;
    }
    let length = end - from;
    if length < *least || length > *greatest || is_word(view.at(end)?) && *alphabet != Alphabet::Url {
        return Ok(None);
    }
    // Written words joined by dashes are no key: it has digits.
    if !view.slice(from..end).iter().any(u8::is_ascii_digit) {
        return Ok(None);
    }
    Ok(Some(Match { range: at..end, kind: Kind::SecretApiKey, strength: Strength::Checked }))
}

fn begins(view: &View, at: usize, with: &[u8]) -> Result<bool, crate::view::More> {
    for (offset, byte) in with.iter().enumerate() {
        if view.at(at + offset)? != Some(*byte) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn jwt(view: &View, at: usize) -> Verdict {
    if !begins(view, at, b"eyJ")? {
        return Ok(None);
    }
    let mut parts = [0_usize; 3];
    let mut end = at;
    for (place, part) in parts.iter_mut().enumerate() {
        if place == 1 && !begins(view, end, b"eyJ")? {
            return Ok(None);
        }
        while view.at(end)?.is_some_and(|byte| Alphabet::Url.has(byte)) {
            end += 1;
            *part += 1;
            if end - at > JWT_MAX {
                return Ok(None);
            }
        }
        if place < 2 {
            if view.at(end)? != Some(b'.') {
                return Ok(None);
            }
            end += 1;
        }
    }
    let is_form = matches!(parts, [10..=JWT_MAX, 8..=JWT_MAX, 16..=JWT_MAX]);
    Ok(is_form.then_some(Match { range: at..end, kind: Kind::SecretJwt, strength: Strength::Checked }))
}

fn private_key(view: &View, at: usize) -> Verdict {
    if view.before(at, 1) == Some(b'-') || !begins(view, at, b"-----BEGIN ")? {
        return Ok(None);
    }
    let mut line_end = at + 11;
    while view.at(line_end)?.is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ') {
        line_end += 1;
        if line_end - at > BEGIN_MAX {
            return Ok(None);
        }
    }
    let label = view.slice(at + 11..line_end);
    let is_private = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    if !is_private || !begins(view, line_end, b"-----")? {
        return Ok(None);
    }
    let (label, from) = (label.to_vec(), line_end + 5);
    let closing = [b"-----END ", label.as_slice(), b"-----"].concat();
    let body = view.slice(from..at + BLOCK_MAX);
    let found = body.windows(closing.len()).position(|window| window == closing);
    let end = if let Some(offset) = found {
        from + offset + closing.len()
    } else {
        // No end: all that could be of it.
        view.ahead(from, at + BLOCK_MAX)?;
        view.end().min(at + BLOCK_MAX)
    };
    Ok(Some(Match { range: at..end, kind: Kind::SecretPrivateKey, strength: Strength::Checked }))
}
