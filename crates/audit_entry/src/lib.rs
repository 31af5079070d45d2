//! What an entry of the audit log may say (`spec/audit_log.md`, section 4): its typed schema, its one writing, its strict reading.
//!
//! The log writes entries by it; whoever reads them back needs this crate alone. It does no I/O, reads no clock,
//! and must not know how entries are kept.

mod entry;

pub use entry::{
    Action, Administration, Attempt, Body, Class, Cost, Count, Decision, Digest, ENTRY_BYTES_MAX, Ending, Entry,
    EntryError, Erasure, Fields, Outcome, Refusal, Replica, SCHEMA_VERSION, Stamp, Start, Stop, Text, Word,
};
