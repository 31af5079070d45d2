//! A witness for other logs (C2SP `tlog-witness`): it cosigns only what extends what it has cosigned before.
//!
//! This crate must not know HTTP beyond the status codes that the protocol names, nor what is in the logs it watches.

#![cfg_attr(test, expect(clippy::cast_possible_truncation, reason = "tests use small numbers, on machines of 64 bits"))]

mod memory;
mod request;
mod witness;

pub use memory::{Directory, Memory, WitnessError};
pub use request::{AddCheckpoint, Answer};
pub use witness::{Clock, Witness};
