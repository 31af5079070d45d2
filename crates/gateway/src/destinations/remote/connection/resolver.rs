//! The addresses of names, as this machine looks them up; with the reason where there are none.
//!
//! It judges no address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType};
use tokio::sync::watch;

/// Addresses of one name that are looked at; names of large services have about eight.
const ADDRESSES_MAX: usize = 64;

type LookUp = dyn Fn(&str) -> Found + Send + Sync;
type Found = Result<Vec<IpAddr>, NameTrouble>;
type UnderWay = Mutex<HashMap<Box<str>, watch::Receiver<Option<Found>>>>;

/// Looks names up. Cheap to clone; clones share what is under way.
///
/// A look-up holds a thread until the system's resolver has given up, which no limit of ours ends. So each name has one at a time, and
/// whoever asks for it meanwhile waits for that one: a name whose servers are silent takes one thread, and no name waits for another.
/// Names come from the configuration alone, so there are few.
#[derive(Clone)]
pub(crate) struct Resolver {
    look_up: Arc<LookUp>,
    under_way: Arc<UnderWay>,
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
    pub(crate) fn asking(look_up: impl Fn(&str) -> Found + Send + Sync + 'static) -> Self {
        Self { look_up: Arc::new(look_up), under_way: Arc::default() }
    }

    /// The addresses of `name`, in the order in which they are to be tried: at least one.
    pub(super) async fn addresses(&self, name: &str) -> Found {
        let mut found = self.found(name);
        let found = found.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        let mut addresses =
            found.unwrap_or_else(|| Err(NameTrouble::NoAnswer(name.into(), "the look-up broke off".into())))?;
        addresses.truncate(ADDRESSES_MAX);
        if addresses.is_empty() { Err(NameTrouble::Gone(name.into())) } else { Ok(addresses) }
    }

    /// What the look-up of `name` that is under way will find; it begins one where none is.
    fn found(&self, name: &str) -> watch::Receiver<Option<Found>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = under_way.get(name) {
            return known.clone();
        }
        let (send, found) = watch::channel(None);
        under_way.insert(name.into(), found.clone());
        let (look_up, ends) = (Arc::clone(&self.look_up), Ends { name: name.into(), of: Arc::clone(&self.under_way) });
        // Held by the thread, not by who waits: they may all give up long before it.
        drop(tokio::task::spawn_blocking(move || {
            let found = look_up(&ends.name);
            drop(ends);
            send.send_replace(Some(found));
        }));
        found
    }
}

/// A look-up under way; it is no more when this is dropped, also where the look-up panics or is never begun.
struct Ends {
    name: Box<str>,
    of: Arc<UnderWay>,
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

fn by_system(name: &str) -> Found {
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
