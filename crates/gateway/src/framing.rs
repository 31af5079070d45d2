//! Follows the bytes of HTTP/1.1 under the HTTP library, and refuses what two readers could understand differently.
//!
//! RFC 9112, read strictly: what a peer in front of us or behind us might split in another place never reaches the library.
//! It also closes whoever dawdles. It must not know routes, keys or what a body means.

use std::error::Error;
use std::fmt;

use http::StatusCode;

pub(crate) use exchange::{Answered, Exchange};
pub(crate) use guard::Guard;

mod chunks;
mod exchange;
mod guard;
pub(crate) mod head;
mod refusals;
mod watchdog;

/// Why a connection's bytes are not taken as a request. Travels as the inner error of the body's error when the head had
/// already been handed on; see [`Refusal::behind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's status: 400, 408, 417 or 431.
    pub status: StatusCode,
    /// A word that programs may match on.
    pub code: &'static str,
    /// What is wrong, and how to mend it.
    pub message: &'static str,
}

impl Refusal {
    /// The refusal that caused `error`, if one did: a body's error wraps it several times over.
    pub fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut error = Some(error);
        while let Some(here) = error {
            if let Some(refusal) = here.downcast_ref() {
                return Some(refusal);
            }
            let inner = here.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            if let Some(refusal) = inner.and_then(|inner| inner.downcast_ref()) {
                return Some(refusal);
            }
            error = here.source();
        }
        None
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for Refusal {}
