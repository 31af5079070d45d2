//! The audit log: a Merkle log in a directory, durable before it says so, provable to a stranger (`spec/audit_log.md`).
//!
//! Read [`Log`] first, then `writer` (entries become durable), `signer` (checkpoints), `recover` (a start after a crash). The
//! formats are C2SP's: `tlog-tiles`, `signed-note`, `tlog-checkpoint`, `tlog-cosignature`, `tlog-proof`, `tlog-witness`,
//! `tlog-policy`. This crate must not know HTTP, async runtimes, models or policies; time and the disk are handed in.

#![cfg_attr(test, expect(clippy::cast_possible_truncation, reason = "tests use small numbers, on machines of 64 bits"))]

mod checkpoint;
mod disk;
mod entry;
mod error;
mod keys;
mod log;
mod merkle;
mod note;
mod opening;
mod policy;
mod proof;
mod reader;
mod recover;
mod segment;
mod signer;
mod tiles;
mod witness;
mod writer;

pub use checkpoint::{Checkpoint, SignedCheckpoint, Verified};
pub use disk::{Appending, Disk, RealDisk};
pub use entry::{
    Action, Administration, Attempt, Body, Class, Cost, Count, Decision, Digest, Ending, Entry, EntryError, Erasure,
    Outcome, Refusal, Replica, SCHEMA_VERSION, Start, Stop, Text, Word,
};
pub use error::LogError;
pub use keys::{Role, SigningKeys, parse_public_file};
pub use log::{CHECKPOINT_EVERY, Log, Settings, WAITING_MAX};
pub use merkle::{
    Hash, Nodes, consistency_proof, empty_root, extends, includes, inclusion_proof, leaf_hash, node_hash, range_root,
    root_of,
};
pub use note::{KeyKind, NOTE_BYTES_MAX, Note, NoteError, Signature, VerifierKey};
pub use policy::{KnownLog, KnownWitness, Policy, PolicyError};
pub use proof::Proof;
pub use reader::Reader;
pub use recover::{Cut, OpenDecision, Recovered};
pub use segment::{ENTRY_BYTES_MAX, SEGMENT_BYTES_MAX};
pub use tiles::{TILE_WIDTH, bundle_path, tile_path};
pub use witness::{AddCheckpoint, Answer, Witness};
pub use writer::{Appended, Clock, Refused};
