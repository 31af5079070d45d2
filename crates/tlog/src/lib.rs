//! C2SP's formats for transparency logs, as values and texts: `signed-note`, `tlog-checkpoint`, `tlog-cosignature`,
//! `tlog-tiles`' tree and paths, `tlog-proof`, `tlog-policy`.
//!
//! The log writes them, witnesses and policies read them. This crate does no I/O, reads no clock, and must not know what
//! entries say or where anything is kept.

#![cfg_attr(test, expect(clippy::cast_possible_truncation, reason = "tests use small numbers, on machines of 64 bits"))]

mod checkpoint;
mod edge;
mod keys;
mod merkle;
mod note;
mod policy;
mod proof;
mod tile;

pub use checkpoint::{Checkpoint, SignedCheckpoint, Verified, parse_decimal, parse_hash};
pub use edge::Edge;
pub use keys::{Role, SigningKeys, parse_public_file};
pub use merkle::{
    Hash, Nodes, consistency_proof, empty_root, extends, includes, inclusion_proof, leaf_hash, node_hash, range_root,
    root_of,
};
pub use note::{KeyKind, NOTE_BYTES_MAX, Note, NoteError, SIGNATURES_MAX, Signature, VerifierKey};
pub use policy::{KnownLog, KnownWitness, Policy, PolicyError};
pub use proof::{HASHES_MAX, Proof};
pub use tile::{TILE_WIDTH, bundle_path, tile_path};
