//! Withdrawal: what can be taken away, and which places that takes. The words alone: what is withdrawn now, and what follows from
//! it, is known elsewhere.
//!
//! Pure. It must not know HTTP, the log, or how a destination is doing.

pub mod subject;

pub use subject::{Subject, SubjectError, Taken};
