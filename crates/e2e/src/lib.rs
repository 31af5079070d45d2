//! Whole-product tests' support: the wall (a fake provider), the harness around a gateway, and the load generator for
//! measuring. Nothing of the product depends on it. It must never link an engine: what needs the real model starts the
//! built command as a process of its own.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::missing_panics_doc,
    reason = "test support: what fails here must end the test, tasks end with the test's runtime, and its clock is its own"
)]

pub mod client;
pub mod command;
pub mod cutoff;
pub mod entries;
pub mod harness;
pub mod hooked_disk;
pub mod http1;
pub mod kills;
pub mod load;
pub mod payloads;
pub mod place;
pub mod segments;
pub mod trace;
pub mod wall;
