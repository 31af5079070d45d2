//! Checkpoints (C2SP `tlog-checkpoint`) and the three ways to sign one (`signed-note` 0x01, `tlog-cosignature` 0x04 and 0x06).
//!
//! This file must not know where checkpoints are kept, nor whether one should be signed; the signer and the witness do.

use std::fmt;

use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::merkle::Hash;
use crate::note::{KeyKind, Note, NoteError, Signature, VerifierKey};

/// The state of a log: its name, how many entries it has, and the root of their tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

impl fmt::Display for Checkpoint {
    /// The note's text: three lines.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }
}

impl Checkpoint {
    /// Reads a note's text. Extension lines are let through: nothing here gives them a meaning.
    pub fn parse(text: &str) -> Result<Checkpoint, NoteError> {
        let wrong = |what: &str| NoteError::new(format!("the checkpoint {what}"));
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or_else(|| wrong("has no end"))?.split('\n').collect();
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(wrong("has fewer than three lines"));
        };
        if origin.is_empty() || extensions.iter().any(|line| line.is_empty()) {
            return Err(wrong("has an empty line"));
        }
        let size = parse_decimal(size).ok_or_else(|| wrong("has a size that is no number"))?;
        Ok(Checkpoint { origin: (*origin).to_owned(), size, root: parse_hash(root)? })
    }

    /// The bytes that an ML-DSA-44 cosigner signs: `tlog-cosignature`'s `cosigned_message`, over the whole tree.
    fn cosigned_message(&self, cosigner: &str, seconds: u64) -> Result<Vec<u8>, NoteError> {
        let length = |name: &str| {
            u8::try_from(name.len()).map_err(|_| NoteError::new(format!("`{name}` is longer than 255 bytes")))
        };
        let mut message = b"subtree/v1\n\0".to_vec();
        message.push(length(cosigner)?);
        message.extend_from_slice(cosigner.as_bytes());
        message.extend_from_slice(&seconds.to_be_bytes());
        message.push(length(&self.origin)?);
        message.extend_from_slice(self.origin.as_bytes());
        message.extend_from_slice(&0_u64.to_be_bytes());
        message.extend_from_slice(&self.size.to_be_bytes());
        message.extend_from_slice(&self.root);
        Ok(message)
    }
}

/// What a cosigner's line holds before the signature, and the bytes that it signs, given its name and the time in seconds.
pub(crate) fn message_to_sign(
    kind: KeyKind,
    name: &str,
    text: &str,
    checkpoint: &Checkpoint,
    seconds: u64,
) -> Result<Vec<u8>, NoteError> {
    match kind {
        KeyKind::Ed25519 => Ok(text.as_bytes().to_vec()),
        KeyKind::Ed25519Cosignature => Ok(format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes()),
        KeyKind::MlDsa44Cosignature => checkpoint.cosigned_message(name, seconds),
    }
}

/// A checkpoint with its signatures, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// The note as it was read or made.
    pub note: Note,
}

/// A signature that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key that signed.
    pub key: &'k VerifierKey,
    /// When, in seconds since the Unix epoch, for the kinds that say so.
    pub seconds: Option<u64>,
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(to)
    }
}

impl SignedCheckpoint {
    /// Reads a checkpoint with at least one signature line.
    pub fn parse(note: &str) -> Result<SignedCheckpoint, NoteError> {
        let note = Note::parse(note)?;
        Ok(SignedCheckpoint { checkpoint: Checkpoint::parse(&note.text)?, note })
    }

    /// All signatures by these keys. A key not known is passed over; a signature that names a known key and does not hold
    /// makes the whole note an error, as signed-note asks.
    pub fn verify<'k>(&self, keys: impl IntoIterator<Item = &'k VerifierKey>) -> Result<Vec<Verified<'k>>, NoteError> {
        let mut held = Vec::new();
        for key in keys {
            for signature in self.note.signatures.iter().filter(|signature| key.is_named_by(signature)) {
                held.push(self.verify_one(key, signature)?);
            }
        }
        Ok(held)
    }

    fn verify_one<'k>(&self, key: &'k VerifierKey, signature: &Signature) -> Result<Verified<'k>, NoteError> {
        let wrong = || NoteError::new(format!("a signature by `{}` does not hold", key.name()));
        let (seconds, bytes) = match key.kind() {
            KeyKind::Ed25519 => (None, signature.bytes.as_slice()),
            KeyKind::Ed25519Cosignature | KeyKind::MlDsa44Cosignature => {
                let (seconds, bytes) = signature.bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
                let seconds = u64::from_be_bytes(*seconds);
                (Some(i64::try_from(seconds).map(|_| seconds).map_err(|_| wrong())?), bytes)
            }
        };
        let message =
            message_to_sign(key.kind(), key.name(), &self.note.text, &self.checkpoint, seconds.unwrap_or_default())?;
        match key.kind() {
            KeyKind::Ed25519 | KeyKind::Ed25519Cosignature => {
                UnparsedPublicKey::new(&ED25519, key.key()).verify(&message, bytes)
            }
            KeyKind::MlDsa44Cosignature => UnparsedPublicKey::new(&ML_DSA_44, key.key()).verify(&message, bytes),
        }
        .map_err(|_| wrong())?;
        Ok(Verified { key, seconds })
    }
}

/// ASCII digits without leading zeros.
pub fn parse_decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// 32 bytes in base64.
pub fn parse_hash(text: &str) -> Result<Hash, NoteError> {
    let bytes = BASE64.decode(text).ok().and_then(|bytes| Hash::try_from(bytes).ok());
    bytes.ok_or_else(|| NoteError::new(format!("`{}` is no hash in base64", text.escape_debug())))
}

#[cfg(test)]
mod tests;
