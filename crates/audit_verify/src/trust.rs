//! Who may speak: verifier keys (vkeys), what each kind of signature signs, and whether one holds.
//!
//! Knows C2SP `signed-note` and `tlog-cosignature`. Which keys are trusted is the caller's choice.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ml_dsa::MlDsa44;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::checkpoint::Checkpoint;
use crate::note::{Signature, is_key_name};
pub use policy::{Policy, PolicyError};

mod policy;

/// Timestamps of cosignatures end here (C2SP `tlog-cosignature`).
const TIME_MAX: u64 = i64::MAX as u64;

/// How a key signs a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// Type 0x01: Ed25519 over the note's text.
    Ed25519,
    /// Type 0x04: a timestamped Ed25519 cosignature.
    Ed25519Cosignature,
    /// Type 0x06: a timestamped ML-DSA-44 cosignature (FIPS 204).
    MlDsa44Cosignature,
}

impl Algorithm {
    fn from_type(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::Ed25519Cosignature),
            0x06 => Some(Self::MlDsa44Cosignature),
            _ => None,
        }
    }

    fn public_key_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::Ed25519Cosignature => 32,
            Self::MlDsa44Cosignature => 1312,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::Ed25519Cosignature => "Ed25519 cosignature",
            Self::MlDsa44Cosignature => "ML-DSA-44 cosignature",
        })
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Ed25519 => "ed25519",
            Self::Ed25519Cosignature => "ed25519-cosignature",
            Self::MlDsa44Cosignature => "ml-dsa-44-cosignature",
        })
    }
}

/// A public key under a name: a vkey, `<name>+<id in hex>+<base64 of type and key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    algorithm: Algorithm,
    public: Vec<u8>,
}

/// Why a text is not a verifier key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Another shape than `name+id+key`.
    #[error("`{0}` is not a verifier key: it must read name+id+key")]
    Shape(String),
    /// The key is not base64, or has the wrong length for its type.
    #[error("the verifier key `{0}` does not hold a key of the length its type has")]
    Bytes(String),
    /// A signature type that checkpoints of this kind do not carry.
    #[error("the verifier key `{name}` has the signature type 0x{kind:02x}; known are 0x01, 0x04 and 0x06")]
    Type {
        /// The key's name.
        name: String,
        /// The type's byte.
        kind: u8,
    },
    /// The id is not the one that follows from name and key.
    #[error("the verifier key `{0}` has an id that does not belong to its name and key: it was changed or mistyped")]
    Id(String),
    /// A point no honest key pair has: anyone could sign for it.
    #[error("the verifier key `{0}` is not a usable Ed25519 key")]
    Weak(String),
    /// No key at all.
    #[error("there is no verifier key in the text")]
    Empty,
}

/// Why a signature does not count.
pub(crate) type SignatureFault = &'static str;

impl VerifierKey {
    /// Reads a file of verifier keys such as `key.pub`: one a line, empty lines ignored, at least one.
    pub fn read_all(text: &str) -> Result<Vec<Self>, KeyError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(str::parse).collect::<Result<Vec<Self>, _>>()?;
        if keys.is_empty() { Err(KeyError::Empty) } else { Ok(keys) }
    }

    /// The key's name; a log's key is named as its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id: the first four bytes of a hash over name, type and key.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn same_public_key(&self, other: &Self) -> bool {
        self.public == other.public
    }

    pub(crate) fn made(&self, signature: &Signature<'_>) -> bool {
        signature.key_id == self.id && signature.name == self.name
    }

    /// Verifies a signature that names this key. Returns when it says it was made, in seconds since 1970, if it says so.
    pub(crate) fn verify(
        &self,
        text: &str,
        checkpoint: &Checkpoint,
        signature: &[u8],
    ) -> Result<Option<u64>, SignatureFault> {
        match self.algorithm {
            Algorithm::Ed25519 => self.verify_ed25519(text.as_bytes(), signature).map(|()| None),
            Algorithm::Ed25519Cosignature => {
                let (time, signature) = split_time(signature)?;
                let message = format!("cosignature/v1\ntime {time}\n{text}");
                self.verify_ed25519(message.as_bytes(), signature).map(|()| Some(time))
            }
            Algorithm::MlDsa44Cosignature => {
                let (time, signature) = split_time(signature)?;
                let message = cosigned_message(&self.name, time, checkpoint)?;
                self.verify_ml_dsa_44(&message, signature).map(|()| Some(time))
            }
        }
    }

    fn verify_ed25519(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureFault> {
        let signature =
            <&[u8; 64]>::try_from(signature).map_err(|_| "an Ed25519 signature has 64 bytes, this has not")?;
        let key = ed25519_key(&self.public).ok_or("the Ed25519 key is not usable")?;
        // Strict: also refuses the encodings that other implementations read differently.
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
            .map_err(|_| "the Ed25519 signature is not over these bytes by this key")
    }

    fn verify_ml_dsa_44(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureFault> {
        if signature.len() != 2420 {
            return Err("an ML-DSA-44 signature has 2420 bytes, this has not");
        }
        let signature = ml_dsa::Signature::<MlDsa44>::try_from(signature)
            .map_err(|_| "the ML-DSA-44 signature is not encoded as FIPS 204 demands")?;
        let public = self.public.as_slice().try_into().map_err(|_| "the ML-DSA-44 key has the wrong length")?;
        let key = ml_dsa::VerifyingKey::<MlDsa44>::decode(public);
        if key.verify_with_context(message, &[], &signature) {
            Ok(())
        } else {
            Err("the ML-DSA-44 signature is not over this checkpoint by this key")
        }
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let shape = || KeyError::Shape(text.chars().take(80).collect());
        // Base64 has plus signs of its own, names have none: split at the first two.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(shape());
        };
        let hex = id.len() == 8 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let (true, true, Ok(id)) = (is_key_name(name), hex, u32::from_str_radix(id, 16)) else {
            return Err(shape());
        };
        let key = STANDARD.decode(key).map_err(|_| KeyError::Bytes(name.to_owned()))?;
        let (kind, public) = key.split_first().ok_or_else(|| KeyError::Bytes(name.to_owned()))?;
        let algorithm =
            Algorithm::from_type(*kind).ok_or_else(|| KeyError::Type { name: name.to_owned(), kind: *kind })?;
        if public.len() != algorithm.public_key_bytes() {
            return Err(KeyError::Bytes(name.to_owned()));
        }
        if algorithm != Algorithm::MlDsa44Cosignature && ed25519_key(public).is_none() {
            return Err(KeyError::Weak(name.to_owned()));
        }
        if key_id(name, &key) != id {
            return Err(KeyError::Id(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), id, algorithm, public: public.to_vec() })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}+{:08x} ({})", self.name, self.id, self.algorithm)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "VerifierKey({self})")
    }
}

/// C2SP `signed-note`: the id over a name and a key with its type's byte before it.
fn key_id(name: &str, typed_key: &[u8]) -> u32 {
    let hash = Sha256::new().chain_update(name).chain_update("\n").chain_update(typed_key).finalize();
    hash.first_chunk::<4>().map_or(0, |id| u32::from_be_bytes(*id))
}

fn ed25519_key(public: &[u8]) -> Option<ed25519_dalek::VerifyingKey> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
    (!key.is_weak()).then_some(key)
}

fn split_time(signature: &[u8]) -> Result<(u64, &[u8]), SignatureFault> {
    let (time, signature) = signature.split_first_chunk::<8>().ok_or("a cosignature is too short to hold its time")?;
    let time = u64::from_be_bytes(*time);
    if time > TIME_MAX { Err("a cosignature's time is beyond all time") } else { Ok((time, signature)) }
}

/// C2SP `tlog-cosignature`, "ML-DSA-44 signed message", for a whole tree.
fn cosigned_message(cosigner: &str, time: u64, checkpoint: &Checkpoint) -> Result<Vec<u8>, SignatureFault> {
    let name_length = u8::try_from(cosigner.len()).map_err(|_| "a cosigner's name has more than 255 bytes")?;
    let origin_length = u8::try_from(checkpoint.origin.len()).map_err(|_| "an origin has more than 255 bytes")?;
    let mut message = Vec::with_capacity(70 + cosigner.len() + checkpoint.origin.len());
    message.extend_from_slice(b"subtree/v1\n\0");
    message.push(name_length);
    message.extend_from_slice(cosigner.as_bytes());
    message.extend_from_slice(&time.to_be_bytes());
    message.push(origin_length);
    message.extend_from_slice(checkpoint.origin.as_bytes());
    message.extend_from_slice(&0_u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(&checkpoint.root);
    Ok(message)
}
