//! The stranger's reading of an audit log: a directory, public keys, and an answer that names every doubt.
//!
//! A second reading of `spec/audit_log.md`, beside the writer's. It shares no code with the crate that writes, uses other
//! implementations of the primitives where there is a choice, needs no network, and changes nothing on disk. It must not
//! know HTTP, the configuration, or anything of the product that is not in the specification.

pub use checkpoint::Checkpoint;
pub use proof::{Proof, ProofError, Proved, check_proof};
pub use report::{
    CheckpointSeen, Finding, FindingKind, KeptSeen, KeysFrom, OpenDecisions, Quorum, ReplicaSeen, Report, Severity,
    SignatureSeen, Signer, TornTail, UnsignedTail,
};
pub use tree::Hash;
pub use trust::{Algorithm, KeyError, Policy, PolicyError, VerifierKey};
pub use verify::{Kept, Options, VerifyError, verify};

mod canonical;
mod checkpoint;
mod derived;
mod entry;
mod history;
mod note;
mod pipeline;
mod proof;
mod report;
mod schema;
mod search;
mod segments;
mod tree;
mod trust;
mod verify;
