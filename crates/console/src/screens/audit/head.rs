//! The log's newest checkpoint, as plain values: who signed it by which algorithm, and which witnesses have cosigned how much.

use audit_log::Log;
use jiff::Timestamp;
use tlog::{KeyKind, Signature, SignedCheckpoint, VerifierKey};

use crate::language::{Language, Written};

/// A witness's signature without its time, by algorithm, in bytes.
const ED25519_BYTES: usize = 64;
const ML_DSA_44_BYTES: usize = 2420;

/// The head.
pub(super) struct Head {
    pub(super) origin: String,
    pub(super) size: u64,
    /// Of the newest entry that it covers.
    pub(super) last: u64,
    pub(super) root: String,
    /// When it was signed, as its signatures say.
    pub(super) at: Option<Written>,
    pub(super) signed: Vec<Signed>,
    /// Of the newest checkpoint that witnesses have cosigned.
    pub(super) cosigned_size: u64,
    pub(super) witnesses: Vec<Signed>,
    /// Entries that are in the log and not yet under the checkpoint.
    pub(super) waiting: u64,
}

/// One signature.
pub(super) struct Signed {
    pub(super) name: String,
    pub(super) algorithm: &'static str,
    /// The key's id, in hexadecimal.
    pub(super) id: String,
    pub(super) at: Option<Written>,
}

impl Head {
    pub(super) fn of(log: &Log, language: Language) -> Self {
        let (newest, keys, cosigned) = (log.checkpoint(), log.public_keys(), log.cosigned());
        let size = newest.checkpoint.size;
        let signed: Vec<Signed> = own(&newest, &*keys, language);
        let is_ours = |signature: &&Signature| keys.iter().any(|key| key.is_named_by(signature));
        let witnesses = cosigned.iter().flat_map(|note| &note.note.signatures).filter(|it| !is_ours(it));
        Self {
            origin: newest.checkpoint.origin.clone(),
            size,
            last: size.saturating_sub(1),
            root: hex::encode(newest.checkpoint.root),
            at: signed.iter().find_map(|signed| signed.at.clone()),
            witnesses: witnesses.map(|signature| of_witness(signature, language)).collect(),
            cosigned_size: cosigned.as_ref().map_or(0, |note| note.checkpoint.size),
            waiting: log.size().saturating_sub(size),
            signed,
        }
    }
}

/// The log's own signatures.
fn own(note: &SignedCheckpoint, keys: &[VerifierKey], language: Language) -> Vec<Signed> {
    let named = keys.iter().flat_map(|key| {
        let signatures = note.note.signatures.iter().filter(|signature| key.is_named_by(signature));
        signatures.map(move |signature| (key, signature))
    });
    let told = named.map(|(key, signature)| {
        let (algorithm, timed) = match key.kind() {
            KeyKind::Ed25519 => ("Ed25519", false),
            KeyKind::Ed25519Cosignature => ("Ed25519", true),
            KeyKind::MlDsa44Cosignature => ("ML-DSA-44", true),
        };
        let at = timed.then(|| time(signature, language)).flatten();
        Signed { name: key.name().to_owned(), algorithm, id: hex::encode(key.id()), at }
    });
    told.collect()
}

/// A witness's, whose key the log checked when it took the signature.
fn of_witness(signature: &Signature, language: Language) -> Signed {
    let algorithm = match signature.bytes.len().saturating_sub(8) {
        ED25519_BYTES => "Ed25519",
        ML_DSA_44_BYTES => "ML-DSA-44",
        _ => "?",
    };
    Signed { name: signature.name.clone(), algorithm, id: hex::encode(signature.id), at: time(signature, language) }
}

/// When it was made: a cosignature begins with its time.
fn time(signature: &Signature, language: Language) -> Option<Written> {
    let (seconds, _) = signature.bytes.split_first_chunk::<8>()?;
    let at = Timestamp::from_second(i64::from_be_bytes(*seconds)).ok()?;
    Some(language.time(at))
}
