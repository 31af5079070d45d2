//! The wall: a fake provider of models over real sockets, in three roles on three loopback ranges. It answers as OpenAI's
//! chat API does, or fails in the way that the model's name asks for, and writes down every connection and byte: the
//! provider's view, which a test holds against the caller's and the log's. Knows nothing of the gateway.

mod connection;
pub mod fast;
mod fault;
mod heard;
mod kinds;
mod script;
mod servers;
mod turned;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use fault::{Fault, Frame};
pub use heard::{Connection, End, Heard, Request};
pub use kinds::{ARGUMENTS, LONG, THOUGHT};
pub use script::{ANSWER, chat_completion, stream_events};
pub use turned::Turn;

/// Whose provider it plays; each has a range of addresses of its own, so that a count of packets tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// In the same house: 127.0.1.0/24.
    Local,
    /// In the same country: 127.0.2.0/24.
    National,
    /// Abroad: 127.0.3.0/24.
    Foreign,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Local, Self::National, Self::Foreign];

    /// The address it listens on, at any free port.
    pub fn address(self) -> &'static str {
        match self {
            Self::Local => "127.0.1.1:0",
            Self::National => "127.0.2.1:0",
            Self::Foreign => "127.0.3.1:0",
        }
    }

    /// Its name in what tests print.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::National => "national",
            Self::Foreign => "foreign",
        }
    }
}

/// The wall, listening until dropped.
#[derive(Debug)]
pub struct Wall {
    addresses: [SocketAddr; 3],
    log: Arc<heard::Log>,
    released: watch::Sender<u64>,
    turned: turned::Turned,
    accepting: Vec<tokio::task::JoinHandle<()>>,
}

impl Wall {
    /// Listens in all three roles. Must be called within a runtime; panics where loopback is not to be had.
    pub async fn start() -> Self {
        let (log, released) = (Arc::new(heard::Log::default()), watch::Sender::new(0));
        let turned = turned::Turned::default();
        let mut addresses = Vec::new();
        let mut accepting = Vec::new();
        for role in Role::ALL {
            let listener = TcpListener::bind(role.address()).await.expect("loopback listens");
            addresses.push(listener.local_addr().expect("a listener has an address"));
            let shared =
                connection::Shared { log: Arc::clone(&log), released: released.subscribe(), turned: turned.clone() };
            accepting.push(tokio::spawn(connection::accept(role, listener, shared)));
        }
        let addresses = addresses.try_into().expect("three roles");
        Self { addresses, log, released, turned, accepting }
    }

    /// Where a role listens.
    pub fn address(&self, role: Role) -> SocketAddr {
        let [local, national, foreign] = self.addresses;
        match role {
            Role::Local => local,
            Role::National => national,
            Role::Foreign => foreign,
        }
    }

    /// What a gateway's configuration calls the base address of a role: `http://127.0.3.1:PORT/v1`.
    pub fn base_url(&self, role: Role) -> String {
        format!("http://{}/v1", self.address(role))
    }

    /// A gateway's configuration with a role of the wall as its one destination, which offers these models.
    pub fn configuration(&self, role: Role, models: &[&str]) -> String {
        let (name, base_url) = (role.name(), self.base_url(role));
        format!(
            "[policy]\nuse = \"open\"\n\n[[destination]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\nmodels = {models:?}\n"
        )
    }

    /// All that was heard so far.
    pub fn heard(&self) -> Heard {
        self.log.heard()
    }

    /// Waits until what was heard is as `wanted` says. A test's own time limit ends a wait in vain.
    pub async fn until(&self, wanted: impl FnMut(&Heard) -> bool) -> Heard {
        self.log.until(wanted).await
    }

    /// Turns a model sick, or well again.
    pub fn turn(&self, model: &str, into: Turn) {
        self.turned.turn(model, into);
    }

    /// Lets every answer that is held (`hold-after-…`) go on.
    pub fn release(&self) {
        self.released.send_modify(|times| *times += 1);
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        for task in &self.accepting {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests;
