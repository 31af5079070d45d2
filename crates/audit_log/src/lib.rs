//! The audit log: a Merkle log in a directory, durable before it says so, provable to a stranger (`spec/audit_log.md`).
//!
//! Read [`Log`] first, then `writer` (entries become durable), `signer` (checkpoints), `recover` (a start after a crash). The
//! formats are C2SP's, which the crate `tlog` reads and writes; what entries say is `audit_entry`'s. This crate must not know HTTP, async runtimes, models,
//! policies or witnesses; time and the disk are handed in.

#![cfg_attr(test, expect(clippy::cast_possible_truncation, reason = "tests use small numbers, on machines of 64 bits"))]

mod cosigned;
mod disk;
mod error;
mod grown;
mod log;
mod opening;
mod reader;
mod recover;
mod segment;
mod settle;
mod signer;
mod tiles;
mod writer;

pub use audit_entry::{
    Action, Administration, Attempt, Body, Class, Cost, Count, Decision, Digest, ENTRY_BYTES_MAX, Ending, Entry,
    EntryError, Erasure, Outcome, Refusal, Replica, SCHEMA_VERSION, Start, Stop, Text, Word,
};
pub use disk::{Appending, Disk, RealDisk};
pub use error::LogError;
pub use log::{CHECKPOINT_EVERY, Log, Settings, WAITING_MAX};
pub use reader::Reader;
pub use recover::{Cut, OpenDecision, Recovered};
pub use segment::SEGMENT_BYTES_MAX;
pub use writer::{Appended, Clock, Refused};
