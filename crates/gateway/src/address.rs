//! Hosts and addresses: what the host of a URL is, which network an address lies in, and whether a connection may go there.
//!
//! Pure: it looks nothing up and connects to nothing. Whoever connects asks it about the very address that it connects to.

mod networks;

use std::fmt;
use std::net::IpAddr;

use http::Uri;

pub(crate) use networks::{Network, network};

/// The longest name that the name system has (RFC 1035, 2.3.4), in bytes.
const NAME_BYTES_MAX: usize = 253;
/// The longest part of one between two dots, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// An address, written in the one usual way.
    Address(IpAddr),
    /// A name that has to be looked up.
    Name(Box<str>),
}

/// Why the host of a URL is not taken, and how to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadHost(&'static str);

/// What of the networks behind the public Internet's edge a connection may go to. That is for the operator alone to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    /// Nothing: the public Internet only.
    Nothing,
    /// This one address, which the operator has written down.
    Address(IpAddr),
    /// This machine, which the operator has called `localhost`.
    Loopback,
    /// All that can be opened.
    Private,
}

/// An address that may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {}", .network.name)]
pub(crate) struct Forbidden {
    /// Which.
    pub(crate) address: IpAddr,
    /// Where it lies.
    pub(crate) network: &'static Network,
}

impl Host {
    /// Reads the host of a URL. Other spellings of an address (decimal, octal, hexadecimal, short, with a zone) are refused,
    /// for a resolver would read them as addresses where everyone else sees a name.
    pub(crate) fn of(url: &Uri) -> Result<Self, BadHost> {
        let host = url.host().unwrap_or_default();
        if let Some(bare) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            let address = bare.parse().map_err(|_| BadHost("has brackets around what is no IPv6 address"))?;
            return Ok(Self::Address(IpAddr::V6(address)));
        }
        if let Ok(address) = host.parse() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(BadHost("has no host, or one longer than a name can be"));
        }
        let labels = || name.split('.');
        if labels().any(|label| label.is_empty() || label.len() > LABEL_BYTES_MAX || !label.bytes().all(is_of_name)) {
            return Err(BadHost(
                "has a host that is neither a name (`a-z`, `0-9`, `-`, `_`, with dots) nor an address",
            ));
        }
        if labels().next_back().is_some_and(is_number) {
            let what = "has a host that ends in a number, and is no address as everyone writes it: write four decimal \
                        numbers without leading zeros, such as `192.0.2.7`";
            return Err(BadHost(what));
        }
        Ok(Self::Name(name.to_ascii_lowercase().into()))
    }

    /// What an operator opens who writes this host, and says `private` or does not.
    pub(crate) fn opens(&self, private: bool) -> Inside {
        match self {
            _ if private => Inside::Private,
            Self::Address(address) => Inside::Address(*address),
            Self::Name(name) if &**name == "localhost" => Inside::Loopback,
            Self::Name(_) => Inside::Nothing,
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Whether resolvers may take a name that ends in this for an address (URL Standard, "ends in a number").
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

impl Inside {
    /// Whether a connection may go there.
    pub(crate) fn admits(self, address: IpAddr) -> Result<(), Forbidden> {
        let Some(network) = network(address) else { return Ok(()) };
        let open = match network.opens {
            networks::Opens::Never => false,
            networks::Opens::BySaying => self == Self::Private,
            networks::Opens::ByWriting => match self {
                Self::Nothing => false,
                Self::Address(written) => written == address,
                Self::Loopback => address.is_loopback(),
                Self::Private => true,
            },
        };
        // An address within another reaches that one too.
        let within = networks::embedded(address).map(|address| self.admits(IpAddr::V4(address)));
        if open && within.is_none_or(|admitted| admitted.is_ok()) {
            Ok(())
        } else {
            Err(Forbidden { address, network })
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests;
