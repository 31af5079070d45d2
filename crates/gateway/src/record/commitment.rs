//! Salted commitments to bytes that the log must not hold: what was asked, what was answered.
//!
//! `SHA-256(salt ‖ bytes)`, with a salt of its own for each request and part, derived from a secret that the log does not
//! hold: without it not even a guessed text can be confirmed; with one salt, exactly one commitment can be opened; once the
//! secret is destroyed, none. Knows nothing of entries.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Bytes of a salt: no salt comes twice by chance.
const SALT_BYTES: usize = 16;

/// What one hash is committed to: 32 bytes that tell nothing about the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

/// Which bytes of a request a commitment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The request's body, as it arrived.
    Request,
    /// The answer's body, as it was handed to the transport, up to the end marker.
    Answer,
}

/// A commitment that still takes bytes.
#[derive(Clone)]
pub struct Committing(Sha256);

/// What salts are derived from. It never shows.
#[derive(Clone)]
pub struct CommitmentSecret(Hmac<Sha256>);

impl CommitmentSecret {
    /// Bytes of a secret: as many as the hash gives.
    pub const BYTES: usize = 32;

    /// Takes the secret's bytes.
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        // HMAC fills a key shorter than a block with zeros (RFC 2104, section 2).
        let mut block = [0; 64];
        block.split_at_mut(Self::BYTES).0.copy_from_slice(bytes);
        Self(Hmac::new(&block.into()))
    }

    /// Begins the commitment to `part` of the request `request_id`.
    pub fn begin(&self, request_id: &str, part: Part) -> Committing {
        let part: &[u8] = match part {
            Part::Request => b"request\0",
            Part::Answer => b"answer\0",
        };
        let salt = self.0.clone().chain_update(part).chain_update(request_id.as_bytes()).finalize().into_bytes();
        Committing(Sha256::new().chain_update(salt.get(..SALT_BYTES).unwrap_or_default()))
    }
}

impl Committing {
    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The commitment to all bytes taken.
    #[must_use]
    pub fn finish(self) -> Commitment {
        Commitment(self.0.finalize().into())
    }

    /// The commitment to `bytes` and no others.
    #[must_use]
    pub fn over(mut self, bytes: &[u8]) -> Commitment {
        self.update(bytes);
        self.finish()
    }
}

impl Commitment {
    /// As entries hold it.
    #[must_use]
    pub fn digest(self) -> audit_log::Digest {
        audit_log::Digest(self.0)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        // The buffer is as long as the text, so encoding cannot fail.
        let _ = hex::encode_to_slice(self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

impl fmt::Debug for Committing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Committing")
    }
}

impl fmt::Debug for CommitmentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitmentSecret(hidden)")
    }
}
