//! The addresses of names, as this machine looks them up; with the reason where there are none.
//!
//! It judges no address.

use std::net::IpAddr;
use std::sync::Arc;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType};
use tokio::sync::Semaphore;

/// Look-ups at once. Each holds a thread until the system's resolver has given up, which no limit of ours ends: a resolver
/// that answers nothing must not take all threads.
pub(super) const LOOK_UPS_MAX: usize = 32;
/// Addresses of one name that are looked at; names of large services have about eight.
const ADDRESSES_MAX: usize = 64;

type LookUp = dyn Fn(&str) -> Result<Vec<IpAddr>, NameTrouble> + Send + Sync;

/// Looks names up. Cheap to clone; clones share the limit.
#[derive(Clone)]
pub(crate) struct Resolver {
    look_up: Arc<LookUp>,
    turns: Arc<Semaphore>,
}

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameTrouble {
    /// Whoever answers for the name says that there is none, or none with an address.
    #[error("the name `{0}` is not known")]
    Gone(Box<str>),
    /// Nobody could be asked, or there was no answer.
    #[error("the name `{0}` could not be looked up: {1}")]
    NoAnswer(Box<str>, Box<str>),
}

impl Resolver {
    /// As this machine does it: its files, its servers.
    pub(crate) fn system() -> Self {
        Self::asking(by_system)
    }

    /// Asks `look_up`, which may block.
    pub(crate) fn asking(look_up: impl Fn(&str) -> Result<Vec<IpAddr>, NameTrouble> + Send + Sync + 'static) -> Self {
        Self { look_up: Arc::new(look_up), turns: Arc::new(Semaphore::new(LOOK_UPS_MAX)) }
    }

    /// The addresses of `name`, in the order in which they are to be tried: at least one.
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NameTrouble> {
        let broken = |why: &str| NameTrouble::NoAnswer(name.into(), why.into());
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| broken("the process ends"))?;
        let (look_up, asked) = (Arc::clone(&self.look_up), Box::<str>::from(name));
        let looking = tokio::task::spawn_blocking(move || {
            // Held by the thread, not by who waits: he may give up long before it.
            let _turn = turn;
            look_up(&asked)
        });
        let mut addresses = looking.await.map_err(|_| broken("the look-up broke off"))??;
        addresses.truncate(ADDRESSES_MAX);
        if addresses.is_empty() { Err(NameTrouble::Gone(name.into())) } else { Ok(addresses) }
    }
}

fn by_system(name: &str) -> Result<Vec<IpAddr>, NameTrouble> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = dns_lookup::getaddrinfo(Some(name), None, Some(hints)).map_err(|error| why(name, &error))?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.filter_map(Result::ok).map(|found| found.sockaddr.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

fn why(name: &str, error: &LookupError) -> NameTrouble {
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData => NameTrouble::Gone(name.into()),
        LookupErrorKind::Again
        | LookupErrorKind::Badflags
        | LookupErrorKind::Fail
        | LookupErrorKind::Family
        | LookupErrorKind::Socktype
        | LookupErrorKind::Service
        | LookupErrorKind::Memory
        | LookupErrorKind::System
        | LookupErrorKind::Unknown
        | LookupErrorKind::IO => NameTrouble::NoAnswer(name.into(), error.to_string().into()),
    }
}
