//! Signed notes (C2SP `signed-note`): splitting one into its text and its signature lines. Verifies nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A checkpoint with a hundred post-quantum cosignatures fits; a file somebody made to fill our memory does not.
pub(crate) const NOTE_BYTES_MAX: usize = 1 << 20;

/// Signature lines read from one note; the specification asks for at least 16.
const SIGNATURES_MAX: usize = 128;

/// Begins every signature line.
const DASH: &str = "\u{2014} ";

/// A note taken apart, not yet believed.
#[derive(Clone, Debug)]
pub(crate) struct Note<'a> {
    /// What is signed, with its last newline.
    pub(crate) text: &'a str,
    pub(crate) signatures: Vec<Signature<'a>>,
}

/// One signature line.
#[derive(Clone, Debug)]
pub(crate) struct Signature<'a> {
    /// The key's name.
    pub(crate) name: &'a str,
    /// The key's id: four bytes, big-endian.
    pub(crate) key_id: u32,
    /// What follows the id.
    pub(crate) bytes: Vec<u8>,
}

/// Takes a note apart.
pub(crate) fn read(note: &[u8]) -> Result<Note<'_>, &'static str> {
    if note.len() > NOTE_BYTES_MAX {
        return Err("the note is longer than 1 MiB");
    }
    let note = std::str::from_utf8(note).map_err(|_| "the note is not UTF-8")?;
    if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err("the note holds a control character");
    }
    let break_at = note.rfind("\n\n").ok_or("the note has no empty line before its signatures")?;
    let (Some(text), Some(lines)) = (note.get(..=break_at), note.get(break_at + 2..)) else {
        return Err("the note has no empty line before its signatures");
    };
    let lines = lines.strip_suffix('\n').ok_or("the note does not end with a newline")?;
    let signatures = lines.split('\n').map(read_signature).collect::<Result<Vec<_>, _>>()?;
    if signatures.len() > SIGNATURES_MAX {
        return Err("the note has more than 128 signatures");
    }
    Ok(Note { text, signatures })
}

fn read_signature(line: &str) -> Result<Signature<'_>, &'static str> {
    let (name, encoded) = line
        .strip_prefix(DASH)
        .and_then(|line| line.split_once(' '))
        .ok_or("a signature line is not a dash, a name and a signature")?;
    if !is_key_name(name) {
        return Err("a signature line has a key name that is empty or holds a space or a plus sign");
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| "a signature is not base64")?;
    match bytes.split_first_chunk::<4>() {
        Some((id, rest)) if !rest.is_empty() => {
            Ok(Signature { name, key_id: u32::from_be_bytes(*id), bytes: rest.to_vec() })
        }
        _ => Err("a signature is too short to hold a key's id and a signature"),
    }
}

/// Whether `name` may name a key: not empty, no space of any kind, no plus sign.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|character: char| character.is_whitespace() || character == '+')
}

#[cfg(test)]
mod tests;
