//! Why there was no answer, told apart as far as the libraries let it be. It must not know what follows from it.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use crate::address::{BadHost, Forbidden};

use super::resolver::NameTrouble;

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Connecting took longer than its limit.
#[derive(Debug, thiserror::Error)]
#[error("connecting took longer than {0:?}")]
pub(super) struct ConnectTimeout(pub(super) Duration);

/// Why there is no TCP connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReachError {
    /// No address of the host may be connected to.
    #[error("no address may be connected to: {0}; say `private = true` if it is meant to be inside")]
    Forbidden(Forbidden),
    /// The system's word for it.
    #[error("{0}")]
    Tcp(std::io::Error),
    /// The proxy, or the way to it.
    #[error("the proxy: {0}")]
    Proxy(Box<str>),
    /// No address was left to try.
    #[error("no address to try")]
    Nowhere,
}

/// What went wrong before an answer began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Who answers for the name says that there is none.
    NameGone,
    /// The name could not be looked up.
    NameNotAnswered,
    /// The host is one that is never looked up, or no address of it may be connected to.
    Forbidden,
    /// Somebody is there and takes no connection.
    Refused,
    /// The connection was taken and then broken.
    Reset,
    /// There is no way to the address.
    Unreachable,
    /// Connecting took too long.
    ConnectTimeout,
    /// No connection over TLS could be agreed on.
    Tls(TlsTrouble),
    /// The proxy refused, or could not be reached.
    Proxy,
    /// The connection was closed in good order before an answer had begun.
    Closed,
    /// What came is no HTTP, or more than is taken of a head.
    NotHttp,
    /// Something else.
    Other,
}

/// How TLS failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsTrouble {
    /// The other side refused us.
    Alert,
    /// Its certificate is none that is trusted here, or is another's.
    Certificate,
    /// Anything else: no common version, no TLS at all.
    Other,
}

impl Trouble {
    /// What an error of the client is about.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut found = None;
        let mut next = Some(error);
        while let Some(error) = next {
            // The innermost that is understood is the cause.
            found = known(error).or(found);
            next = within(error);
        }
        found.unwrap_or(Self::Other)
    }
}

/// What an error is about of itself. Errors of the system and of HTTP say little where something within says more.
fn known(error: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(name) = error.downcast_ref::<NameTrouble>() {
        return Some(match name {
            NameTrouble::Gone(_) => Trouble::NameGone,
            NameTrouble::NoAnswer(..) => Trouble::NameNotAnswered,
        });
    }
    if let Some(reach) = error.downcast_ref::<ReachError>() {
        return Some(match reach {
            ReachError::Forbidden(_) | ReachError::Nowhere => Trouble::Forbidden,
            ReachError::Tcp(error) => of_system(error.kind()).unwrap_or(Trouble::Unreachable),
            ReachError::Proxy(_) => Trouble::Proxy,
        });
    }
    if error.is::<BadHost>() || error.is::<Forbidden>() {
        return Some(Trouble::Forbidden);
    }
    if error.is::<ConnectTimeout>() {
        return Some(Trouble::ConnectTimeout);
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(Trouble::Tls(of_tls(error)));
    }
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        return of_system(error.kind());
    }
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        Some(Trouble::Closed)
    } else if error.is_parse() {
        Some(Trouble::NotHttp)
    } else {
        None
    }
}

fn of_system(kind: ErrorKind) -> Option<Trouble> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is open")]
    match kind {
        ErrorKind::ConnectionRefused => Some(Trouble::Refused),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Some(Trouble::Reset),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable => {
            Some(Trouble::Unreachable)
        }
        ErrorKind::TimedOut => Some(Trouble::ConnectTimeout),
        ErrorKind::UnexpectedEof => Some(Trouble::Closed),
        _ => None,
    }
}

fn of_tls(error: &rustls::Error) -> TlsTrouble {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is open")]
    match error {
        rustls::Error::AlertReceived(_) => TlsTrouble::Alert,
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => TlsTrouble::Certificate,
        _ => TlsTrouble::Other,
    }
}

/// What caused an error. Errors of the system hide what they were made of from those who ask for their source.
fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let hidden = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match hidden {
        Some(hidden) => Some(hidden),
        None => error.source(),
    }
}
