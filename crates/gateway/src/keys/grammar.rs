//! The form of a key: `sk-gwm-` and 43 characters, the last six of which check the others.
//!
//! A text that is not of this form is refused before anything is looked up. Knows nothing of who has keys.

use std::fmt;

use sha2::{Digest, Sha256};

const PREFIX: &[u8] = b"sk-gwm-";
/// 37 characters of 62 are 220 bits of chance: more than any search reaches.
const CHANCE_CHARS: usize = 37;
/// Six characters of 62 are 35 bits: a mistyped key passes once in 57 thousand million times.
const CHECK_CHARS: usize = 6;
const LEN: usize = PREFIX.len() + CHANCE_CHARS + CHECK_CHARS;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The text of a key, of proper form. `Debug` hides it; [`KeyText::reveal`] is for the one time it is shown or sent.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText([u8; LEN]);

/// A text that does not have the form of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text does not have the form of a key")]
pub struct Malformed;

impl KeyText {
    /// A new key, of the operating system's chance.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut text = [0; LEN];
        let (prefix, rest) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        let (chance, check) = rest.split_at_mut(CHANCE_CHARS);
        fill_with_chance(chance)?;
        check.copy_from_slice(&check_of(chance));
        Ok(Self(text))
    }

    /// Takes `text` as a key if it has the form of one.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text: [u8; LEN] = text.try_into().map_err(|_| Malformed)?;
        let rest = text.strip_prefix(PREFIX).ok_or(Malformed)?;
        let (chance, check) = rest.split_at_checked(CHANCE_CHARS).ok_or(Malformed)?;
        let proper = chance.iter().all(u8::is_ascii_alphanumeric) && check == check_of(chance);
        proper.then_some(Self(text)).ok_or(Malformed)
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        // Every byte of it is ASCII, so the other branch is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(hidden)")
    }
}

fn fill_with_chance(chars: &mut [u8]) -> Result<(), getrandom::Error> {
    let mut bytes = [0; 64];
    let mut left = chars.iter_mut();
    loop {
        getrandom::fill(&mut bytes)?;
        // Bytes from 248 up are thrown away: 248 is the last multiple of 62, so each character is as likely as any other.
        for byte in bytes.iter().filter(|byte| **byte < 248) {
            let Some(char) = left.next() else { return Ok(()) };
            *char = letter(usize::from(*byte));
        }
    }
}

fn check_of(chance: &[u8]) -> [u8; CHECK_CHARS] {
    let digest = Sha256::new().chain_update(b"gwanmun key check v1\0").chain_update(chance).finalize();
    let mut number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let mut check = [0; CHECK_CHARS];
    for char in &mut check {
        *char = letter(usize::try_from(number % 62).unwrap_or_default());
        number /= 62;
    }
    check
}

fn letter(index: usize) -> u8 {
    ALPHABET.get(index % ALPHABET.len()).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests;
