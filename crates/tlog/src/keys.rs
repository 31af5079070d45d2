//! Secret keys: made, read, written, and used to sign checkpoints (`spec/audit_log.md`, section 6).
//!
//! This file must not know whether a checkpoint should be signed: the signer and the witness persist first, then call it.

use std::fmt::{self, Write as _};

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::checkpoint::{Checkpoint, message_to_sign};
use crate::note::{KeyKind, NoteError, Signature, VerifierKey};

/// The two secret keys of a log or of a witness, under its name.
pub struct SigningKeys {
    name: String,
    seeds: [[u8; 32]; 2],
    ed25519: Ed25519KeyPair,
    ml_dsa: PqdsaKeyPair,
    public: [VerifierKey; 2],
}

/// Who signs: it decides what the Ed25519 key puts its name to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A log signs its own checkpoints: 0x01 and 0x06.
    Log,
    /// A witness cosigns those of others: 0x04 and 0x06.
    Witness,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("SigningKeys").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SigningKeys {
    /// New keys from the operating system's chance.
    pub fn generate(name: &str, role: Role) -> Result<SigningKeys, NoteError> {
        let mut seeds = [[0; 32]; 2];
        for seed in &mut seeds {
            rand::fill(seed).map_err(|_| NoteError::new("the operating system gives no random bytes"))?;
        }
        SigningKeys::from_seeds(name, role, seeds)
    }

    /// The keys that grow from these two seeds: Ed25519's, then ML-DSA-44's (FIPS 204's ξ).
    pub fn from_seeds(name: &str, role: Role, seeds: [[u8; 32]; 2]) -> Result<SigningKeys, NoteError> {
        let unusable = |_| NoteError::new("a seed does not make a key");
        let [classical, post_quantum] = &seeds;
        let ed25519 = Ed25519KeyPair::from_seed_unchecked(classical).map_err(unusable)?;
        let ml_dsa = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, post_quantum).map_err(unusable)?;
        let kind = match role {
            Role::Log => KeyKind::Ed25519,
            Role::Witness => KeyKind::Ed25519Cosignature,
        };
        let public = [
            VerifierKey::new(name, kind, ed25519.public_key().as_ref())?,
            VerifierKey::new(name, KeyKind::MlDsa44Cosignature, ml_dsa.public_key().as_ref())?,
        ];
        Ok(SigningKeys { name: name.to_owned(), seeds, ed25519, ml_dsa, public })
    }

    /// Reads a `key` file.
    pub fn parse(name: &str, role: Role, file: &str) -> Result<SigningKeys, NoteError> {
        let seed = |line: Option<&str>, kind: &str| {
            let encoded = line.and_then(|line| line.strip_prefix(kind)?.strip_prefix(' '));
            let bytes = encoded.and_then(|encoded| BASE64.decode(encoded).ok());
            bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or_else(|| {
                NoteError::new(format!("the key file has no line `{kind} <seed in base64>` where it belongs"))
            })
        };
        let mut lines = file.lines();
        let seeds = [seed(lines.next(), "ed25519")?, seed(lines.next(), "ml-dsa-44")?];
        if lines.next().is_some() {
            return Err(NoteError::new("the key file has more than two lines"));
        }
        SigningKeys::from_seeds(name, role, seeds)
    }

    /// What a `key` file holds. Secret.
    pub fn to_file(&self) -> String {
        let [classical, post_quantum] = &self.seeds;
        format!("ed25519 {}\nml-dsa-44 {}\n", BASE64.encode(classical), BASE64.encode(post_quantum))
    }

    /// The keys that verify.
    pub fn public(&self) -> &[VerifierKey; 2] {
        &self.public
    }

    /// What a `key.pub` file holds: one vkey a line.
    pub fn to_public_file(&self) -> String {
        let mut file = String::new();
        for key in &self.public {
            // Writing to a string can't fail.
            let _ = writeln!(file, "{key}");
        }
        file
    }

    /// Signs the note text of a checkpoint with both keys, as of this time in seconds since the Unix epoch.
    pub fn sign(&self, text: &str, checkpoint: &Checkpoint, seconds: u64) -> Result<[Signature; 2], NoteError> {
        let [classical, post_quantum] = &self.public;
        let timed = seconds.to_be_bytes();
        let message = message_to_sign(classical.kind(), &self.name, text, checkpoint, seconds)?;
        let signed = self.ed25519.sign(&message);
        let head: &[u8] = if classical.kind() == KeyKind::Ed25519 { &[] } else { &timed };
        let first = Signature { name: self.name.clone(), id: classical.id(), bytes: [head, signed.as_ref()].concat() };

        let message = message_to_sign(KeyKind::MlDsa44Cosignature, &self.name, text, checkpoint, seconds)?;
        let mut bytes = timed.to_vec();
        bytes.resize(timed.len() + ML_DSA_44_SIGNING.signature_len(), 0);
        let (_, room) = bytes.split_at_mut(timed.len());
        self.ml_dsa.sign(&message, room).map_err(|_| NoteError::new("ML-DSA-44 could not sign"))?;
        Ok([first, Signature { name: self.name.clone(), id: post_quantum.id(), bytes }])
    }
}

/// Reads a `key.pub` file.
pub fn parse_public_file(file: &str) -> Result<Vec<VerifierKey>, NoteError> {
    file.lines().map(VerifierKey::parse).collect()
}
