//! Signed notes and verifier keys as text (C2SP `signed-note`).
//!
//! This file must not know what a note says, nor how signatures are made; `checkpoint` does.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

/// The longest note that is read, in bytes: a checkpoint with 16 post-quantum signatures takes 55 KB.
pub const NOTE_BYTES_MAX: usize = 128 << 10;
/// The most signatures in a note.
pub const SIGNATURES_MAX: usize = 32;

const DASH: &str = "— ";

/// Text that is no signed note, or no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoteError(pub(crate) String);

impl NoteError {
    /// An error that says what is wrong.
    pub fn new(what: impl Into<String>) -> NoteError {
        NoteError(what.into())
    }
}

/// One signature line: `— <key name> base64(key id ‖ signature)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key that signed.
    pub name: String,
    /// The key's id, as [`VerifierKey::id`] computes it.
    pub id: [u8; 4],
    /// What follows the id: for cosignatures a time and the signature, else the signature.
    pub bytes: Vec<u8>,
}

impl fmt::Display for Signature {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = [self.id.as_slice(), &self.bytes].concat();
        writeln!(to, "{DASH}{} {}", self.name, BASE64.encode(whole))
    }
}

impl Signature {
    /// Reads one line, without its end.
    pub fn parse(line: &str) -> Result<Signature, NoteError> {
        let wrong = |what: &str| NoteError::new(format!("a signature line {what}"));
        let rest = line.strip_prefix(DASH).ok_or_else(|| wrong("does not begin with an em dash"))?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(|| wrong("has no signature"))?;
        check_name(name)?;
        let whole = BASE64.decode(encoded).map_err(|_| wrong("is not base64"))?;
        match whole.split_first_chunk::<4>() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Signature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
            }
            _ => Err(wrong("is too short")),
        }
    }
}

/// Text and the signatures under it, none of them verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with the end of its last line.
    pub text: String,
    /// The signatures, in their order.
    pub signatures: Vec<Signature>,
}

impl fmt::Display for Note {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(to))
    }
}

impl Note {
    /// Reads a note: text, an empty line, at least one signature line, each line ended.
    pub fn parse(note: &str) -> Result<Note, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::new(format!("the note is longer than {NOTE_BYTES_MAX} bytes")));
        }
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::new("the note has a control character"));
        }
        let Some((text, lines)) = note.rsplit_once("\n\n") else {
            return Err(NoteError::new("the note has no empty line before its signatures"));
        };
        let Some(lines) = lines.strip_suffix('\n') else {
            return Err(NoteError::new("the note's last line has no end"));
        };
        let signatures: Vec<Signature> = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::new(format!("the note has more than {SIGNATURES_MAX} signatures")));
        }
        Ok(Note { text: format!("{text}\n"), signatures })
    }
}

/// What a key signs and how; the numbers are signed-note's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// Ed25519 over the note's text.
    Ed25519 = 0x01,
    /// A timed Ed25519 cosignature (C2SP `tlog-cosignature`).
    Ed25519Cosignature = 0x04,
    /// A timed ML-DSA-44 cosignature (C2SP `tlog-cosignature`).
    MlDsa44Cosignature = 0x06,
}

impl KeyKind {
    fn of(byte: u8) -> Option<KeyKind> {
        [KeyKind::Ed25519, KeyKind::Ed25519Cosignature, KeyKind::MlDsa44Cosignature]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }

    /// The length of the public key in bytes.
    pub fn key_bytes(self) -> usize {
        match self {
            KeyKind::Ed25519 | KeyKind::Ed25519Cosignature => 32,
            KeyKind::MlDsa44Cosignature => 1312,
        }
    }
}

/// A public key with its owner's name; as text a vkey: `name+id+base64(kind ‖ key)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    key: Vec<u8>,
}

impl VerifierKey {
    /// A key of this kind; fails for a name that a note can't carry or a key of another length.
    pub fn new(name: impl Into<String>, kind: KeyKind, key: impl Into<Vec<u8>>) -> Result<VerifierKey, NoteError> {
        let (name, key) = (name.into(), key.into());
        check_name(&name)?;
        if key.len() != kind.key_bytes() {
            return Err(NoteError::new(format!("a key of {} bytes, not {}", key.len(), kind.key_bytes())));
        }
        Ok(VerifierKey { name, kind, key })
    }

    /// Reads a vkey, and checks its id.
    pub fn parse(text: &str) -> Result<VerifierKey, NoteError> {
        let wrong = |what: &str| NoteError::new(format!("the verifier key {what}"));
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("is not `name+id+key`"));
        };
        let bytes = BASE64.decode(encoded).map_err(|_| wrong("is not base64"))?;
        let (kind, key) = bytes.split_first().ok_or_else(|| wrong("is empty"))?;
        let kind = KeyKind::of(*kind).ok_or_else(|| wrong("is of an unknown kind"))?;
        let key = VerifierKey::new(name, kind, key)?;
        if hex::encode(key.id()) == id { Ok(key) } else { Err(wrong("does not have the id that it claims")) }
    }

    /// The name of whoever holds the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key itself.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// `SHA-256(name ‖ "\n" ‖ kind ‖ key)[:4]`: tells keys apart, and is no proof of anything.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', self.kind as u8])
            .chain_update(&self.key)
            .finalize();
        hash.first_chunk().copied().unwrap_or_default()
    }

    /// Whether a signature claims to be by this key.
    pub fn is_named_by(&self, signature: &Signature) -> bool {
        signature.name == self.name && signature.id == self.id()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[self.kind as u8], self.key.as_slice()].concat();
        write!(to, "{}+{}+{}", self.name, hex::encode(self.id()), BASE64.encode(bytes))
    }
}

/// Key names are not empty and hold neither spaces nor `+`.
fn check_name(name: &str) -> Result<(), NoteError> {
    if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '+') {
        return Err(NoteError::new(format!("`{}` is no key name", name.escape_debug())));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
