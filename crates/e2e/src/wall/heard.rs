//! The provider's view: every connection, every byte that came, every request understood, how each connection ended.
//! Judges nothing.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::sync::watch;

use super::Role;
use crate::http1::Head;

/// Headers that differ from run to run and say nothing.
const CHANCE_HEADERS: [&str; 2] = ["host", "content-length"];

/// One request as understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its first line and headers.
    pub head: Head,
    /// Its body, taken out of its framing.
    pub body: Vec<u8>,
}

impl Request {
    /// The body as JSON; null where it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The model asked for; empty where none is named.
    pub fn model(&self) -> String {
        self.json().get("model").and_then(|model| model.as_str()).unwrap_or_default().to_owned()
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side closed it, or reset it.
    Theirs,
    /// The wall closed it.
    Ours,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// To which role.
    pub role: Role,
    /// Who connected.
    pub peer: SocketAddr,
    /// All bytes that came, in order.
    pub bytes: Vec<u8>,
    /// The requests in them.
    pub requests: Vec<Request>,
    /// How it ended; nothing while it stands.
    pub end: Option<End>,
}

/// All connections, in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Heard(pub Vec<Connection>);

impl Heard {
    /// All requests, in the order of their connections.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.0.iter().flat_map(|connection| &connection.requests)
    }

    /// Connections to one role.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &Connection> {
        self.0.iter().filter(move |connection| connection.role == role)
    }

    /// Connections that still stand.
    pub fn open(&self) -> usize {
        self.0.iter().filter(|connection| connection.end.is_none()).count()
    }

    /// Whether these bytes came in on any connection.
    pub fn contains(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|connection| connection.bytes.windows(bytes.len().max(1)).any(|window| window == bytes))
    }
}

/// For snapshots: nothing of chance in it. One line a request, its headers below it, then its body.
impl fmt::Display for Heard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("nothing");
        }
        for connection in &self.0 {
            for request in &connection.requests {
                writeln!(out, "{} < {}", connection.role.name(), request.head.line)?;
                let mut headers: Vec<_> = request.head.headers.iter().collect();
                headers.sort();
                for (name, value) in headers.into_iter().filter(|(name, _)| !CHANCE_HEADERS.contains(&name.as_str())) {
                    writeln!(out, "  {name}: {value}")?;
                }
                writeln!(out, "  {}", String::from_utf8_lossy(&request.body))?;
            }
            if connection.requests.is_empty() {
                writeln!(out, "{} < {} bytes, no request", connection.role.name(), connection.bytes.len())?;
            }
        }
        Ok(())
    }
}

/// What connections write into. One lock, never held across a wait.
#[derive(Debug, Default)]
pub(super) struct Log {
    heard: Mutex<Heard>,
    changed: watch::Sender<u64>,
}

impl Log {
    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().expect("no panic while writing").clone()
    }

    pub(super) async fn until(&self, mut wanted: impl FnMut(&Heard) -> bool) -> Heard {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let heard = self.heard();
            if wanted(&heard) {
                return heard;
            }
            changed.changed().await.expect("the log outlives who waits on it");
        }
    }

    /// A new connection's number.
    pub(super) fn open(&self, role: Role, peer: SocketAddr) -> usize {
        self.write(|heard| {
            heard.0.push(Connection { role, peer, bytes: Vec::new(), requests: Vec::new(), end: None });
            heard.0.len() - 1
        })
    }

    pub(super) fn bytes(&self, connection: usize, bytes: &[u8]) {
        self.write(|heard| {
            if let Some(connection) = heard.0.get_mut(connection) {
                connection.bytes.extend_from_slice(bytes);
            }
        });
    }

    pub(super) fn request(&self, connection: usize, request: Request) {
        self.write(|heard| {
            if let Some(connection) = heard.0.get_mut(connection) {
                connection.requests.push(request);
            }
        });
    }

    /// The first end told is the one that counts.
    pub(super) fn end(&self, connection: usize, end: End) {
        self.write(|heard| {
            if let Some(connection) = heard.0.get_mut(connection) {
                connection.end.get_or_insert(end);
            }
        });
    }

    fn write<T>(&self, change: impl FnOnce(&mut Heard) -> T) -> T {
        let result = change(&mut self.heard.lock().expect("no panic while writing"));
        self.changed.send_modify(|times| *times += 1);
        result
    }
}
