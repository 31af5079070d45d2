//! The judge: facts of a request and a policy in Cedar give a decision for each destination (`spec/policy.md`).
//!
//! Pure and total: no I/O, no clock, no chance; it always decides, and what nothing permits is refused. It must not know HTTP,
//! the catalogue's files or how identifiers are found: all it judges by is handed in as words.

mod class;
mod destination;
mod facts;
mod verdict;

pub use class::{Class, NoClass};
pub use destination::{Axis, Destination};
pub use facts::{Action, Facts};
pub use verdict::{Denial, Hide, Outcome, Terms, Verdict};
