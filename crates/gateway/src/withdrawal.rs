//! Withdrawal: what can be taken away, and which places that takes. The words alone: what is withdrawn now, and what follows from
//! it, is known elsewhere.
//!
//! Pure. It must not know HTTP, the log, or how a destination is doing.

pub mod effect;
pub mod subject;

pub use subject::{Subject, SubjectError, Taken};

/// The longest reason, in bytes: it stands in an entry.
pub const WHY_BYTES_MAX: usize = 512;

/// A reason that can stand in an entry: one line, not empty, of [`WHY_BYTES_MAX`] bytes at most. None where `typed` is none.
pub fn reason(typed: &str) -> Option<&str> {
    let why = typed.trim();
    let stands = !why.is_empty() && why.len() <= WHY_BYTES_MAX && !why.chars().any(char::is_control);
    stands.then_some(why)
}
