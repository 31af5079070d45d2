//! Under which names the console answers: against DNS rebinding, where a page of the outside gives its own name this
//! machine's address and reads the answers as its own.
//!
//! A name that an outsider can own is never in the list. This file must not know what is asked for.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};

/// How much of a wrong name is told back, in letters.
const NAME_LETTERS_TOLD: usize = 100;

/// The names that are answered to.
#[derive(Debug, Clone, Copy)]
pub struct Hosts {
    /// Where the port listens. Where that is every address of the machine, each is a good name: rebinding needs a name.
    listening: SocketAddr,
}

impl Hosts {
    /// For a port that listens there.
    pub fn new(listening: SocketAddr) -> Self {
        Self { listening }
    }

    /// Whether what is served stays on this machine.
    pub fn is_loopback(self) -> bool {
        self.listening.ip().to_canonical().is_loopback()
    }

    /// Says why the request's `Host` is not answered to, if it is not. Ports are not compared: they may be forwarded.
    pub fn check(self, headers: &HeaderMap) -> Result<(), String> {
        let mut given = headers.get_all(header::HOST).iter();
        let host = match (given.next(), given.next()) {
            (Some(host), None) => host,
            (None, _) => return Err("the request has no `Host`: send one, such as `localhost`".to_owned()),
            (Some(_), Some(_)) => return Err("the request has more than one `Host`: send one".to_owned()),
        };
        if host.to_str().is_ok_and(|host| self.admits(host)) {
            return Ok(());
        }
        let told: String = String::from_utf8_lossy(host.as_bytes()).chars().take(NAME_LETTERS_TOLD).collect();
        Err(format!(
            "this port does not answer to the name `{}`: ask for it as `localhost` or by its address; a proxy in front of \
             it sends `Host: localhost`",
            told.escape_debug()
        ))
    }

    fn admits(self, host: &str) -> bool {
        let (name, port) = if let Some(rest) = host.strip_prefix('[') {
            let Some((address, port)) = rest.split_once(']') else { return false };
            (address.parse().ok().map(IpAddr::V6), port)
        } else {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            if name.eq_ignore_ascii_case("localhost") {
                return is_port(port);
            }
            (name.parse().ok().map(IpAddr::V4), port)
        };
        let wanted = self.listening.ip();
        let known = |address: IpAddr| {
            let here = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), wanted];
            here.contains(&address) || wanted.is_unspecified()
        };
        name.is_some_and(known) && is_port(port)
    }
}

/// Nothing, or a colon and a port.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        None => text.is_empty(),
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests;
