//! The keyed hash under which a key is stored and looked up: HMAC-SHA-256 (RFC 2104, FIPS 198-1).
//!
//! Whoever steals the database without the secret can neither use a key nor test a guess. Knows nothing of files.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::grammar::KeyText;

/// The secret of the keyed hash. It never shows.
#[derive(Clone)]
pub struct HashSecret(Hmac<Sha256>);

/// A key's keyed hash. Comparing hashes tells nothing about keys: an attacker cannot choose them without the secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash([u8; 32]);

impl HashSecret {
    /// Bytes of a secret: as many as the hash gives.
    pub const BYTES: usize = 32;

    /// Takes the secret's bytes.
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        // HMAC fills a key shorter than a block with zeros (RFC 2104, section 2).
        let mut block = [0; 64];
        block.split_at_mut(Self::BYTES).0.copy_from_slice(bytes);
        Self(Hmac::new(&block.into()))
    }

    /// The keyed hash of a key.
    pub fn hash(&self, key: &KeyText) -> KeyHash {
        KeyHash(self.0.clone().chain_update(key.as_bytes()).finalize().into_bytes().into())
    }
}

impl KeyHash {
    /// Takes a stored hash.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For storing.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What names the key where people see it: the first 12 hex digits.
    pub fn id(&self) -> Arc<str> {
        hex::encode(self.0.split_at(6).0).into()
    }
}

impl fmt::Debug for HashSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashSecret(hidden)")
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({})", self.id())
    }
}
