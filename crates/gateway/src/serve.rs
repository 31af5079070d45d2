//! The listener: accepts connections within limits, serves each, and lets them finish when the process ends.
//!
//! Knows connections, not requests: what answers is handed in.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service as _;

use crate::clock::Clock;
use crate::config::{Limits, Live};
use crate::framing::{Answered, Exchange, Guard, Refusal};
use crate::tasks::{Stop, Tasks};

/// Makes the answer to bytes that were refused before they became a request.
pub type Refuse = Arc<dyn Fn(Refusal) -> Response + Send + Sync>;

/// What a server is made of.
#[derive(Clone)]
pub struct Serving {
    /// Answers requests.
    pub router: Router,
    /// Answers what is not a request.
    pub refuse: Refuse,
    /// The limits in force; read anew for each connection.
    pub config: Live,
    /// Starts and counts the connections.
    pub tasks: Tasks,
    /// Measures their limits.
    pub clock: Clock,
}

/// What an address is for: it decides how another is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The API.
    Api,
    /// The console.
    Console,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Api => "`--listen` or `[server] listen`",
            Self::Console => "`--console` or `[server] console`",
        })
    }
}

/// Why nothing can be served at an address.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else is there.
    #[error("the address `{address}` is taken by another process: end that one, or choose another with {port}")]
    Taken {
        /// Where.
        address: SocketAddr,
        /// For what.
        port: Port,
    },
    /// It is not an address of this machine.
    #[error("the address `{address}` is not one of this machine: choose another with {port}")]
    NotHere {
        /// Where.
        address: SocketAddr,
        /// For what.
        port: Port,
    },
    /// The system does not allow it, or has another reason.
    #[error("cannot listen at `{address}`: {error}")]
    Io {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// After the system had no room for a connection, the next is tried this much later: others must end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that are turned away at once with words; more of them are closed without.
const TURNED_AWAY_MAX: usize = 64;
/// How long one of them may take to hear it.
const TURNING_AWAY_TIME_MAX: Duration = Duration::from_secs(1);
/// What a connection over the limit is told, without having been asked anything.
const TURNED_AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/json\r\ncontent-length: 142\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    {\"error\":{\"message\":\"too many connections are open: try again in a second\",\
    \"type\":\"server_error\",\"param\":null,\"code\":\"too_many_connections\"}}\n";
/// The least read buffer that the HTTP library takes a head and a body's pieces in.
const BUFFER_BYTES: usize = 64 * 1024;

/// Listens at `address`, for `port`.
pub async fn listen(address: SocketAddr, port: Port) -> Result<TcpListener, ListenError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| {
        let kind = error.kind();
        if kind == io::ErrorKind::AddrInUse {
            ListenError::Taken { address, port }
        } else if kind == io::ErrorKind::AddrNotAvailable {
            ListenError::NotHere { address, port }
        } else {
            ListenError::Io { address, error }
        }
    })
}

/// Serves `listener` until draining is told. The connections then finish what they have begun, as tasks of `serving.tasks`:
/// await these with [`Tasks::end`].
pub async fn serve(listener: TcpListener, serving: Serving) {
    let stop = serving.tasks.stop();
    let mut draining = pin!(stop.draining());
    let open = Arc::new(Open { count: AtomicUsize::new(0), turned_away: Arc::new(Semaphore::new(TURNED_AWAY_MAX)) });
    let mut without_room = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut draining => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                without_room = false;
                open.admit(stream, &serving);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !without_room {
                    tracing::error!(%error, "no connection can be accepted: {error}; trying again until one can");
                }
                without_room = true;
                serving.clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The connection ended before it was accepted: nothing that concerns others.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// The connections of one listener.
struct Open {
    count: AtomicUsize,
    turned_away: Arc<Semaphore>,
}

/// One connection's place in the count; given back when dropped.
struct Place(Arc<Open>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Open {
    /// Serves the connection, or turns it away if there are as many as may be.
    fn admit(self: &Arc<Self>, stream: TcpStream, serving: &Serving) {
        let limits = serving.config.load().limits;
        // Only the accepting task adds, so looking before adding lets none too many in.
        if self.count.load(Ordering::Relaxed) < limits.connections_max {
            self.count.fetch_add(1, Ordering::Relaxed);
            let place = Place(Arc::clone(self));
            let serving = serving.clone();
            let tasks = serving.tasks.clone();
            tasks.start("connection", |stop| async move {
                let _place = place;
                connection(stream, &serving, limits, &stop).await;
            });
        } else if let Ok(place) = Arc::clone(&self.turned_away).try_acquire_owned() {
            let clock = serving.clock.clone();
            serving.tasks.start("connection turned away", |_| turn_away(stream, place, clock));
        }
    }
}

/// Serves the requests of one connection, one after the other.
async fn connection(stream: TcpStream, serving: &Serving, limits: Limits, stop: &Stop) {
    // A small answer must not wait for the acknowledgement of the one before (Nagle's algorithm).
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it was served");
        return;
    }
    let exchange = Exchange::new(serving.clock.clone());
    let guard = Guard::new(stream, Arc::clone(&exchange), limits, serving.clock.clone());
    let service = service_fn(|request| answer(request, serving, &exchange));
    let mut served = pin!(
        http1::Builder::new()
            // The guard below measures the time, and at more places.
            .header_read_timeout(None)
            .max_buf_size(limits.head_bytes_max.max(BUFFER_BYTES))
            .serve_connection(TokioIo::new(guard), service)
    );
    let ended = tokio::select! {
        biased;
        ended = served.as_mut() => ended,
        () = stop.draining() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early: {error}");
    }
}

/// Answers one request, or what stands for one that was refused.
async fn answer(
    request: Request<Incoming>,
    serving: &Serving,
    exchange: &Arc<Exchange>,
) -> Result<http::Response<Answered>, Infallible> {
    let mut response = match exchange.refusal() {
        Some(refusal) => (serving.refuse)(refusal),
        None => serving.router.clone().call(request.map(Body::new)).await?,
    };
    if exchange.is_last() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Answered::new(body, Arc::clone(exchange))))
}

/// Says why, and hears the caller out, so that what was said is not lost to a reset.
async fn turn_away(mut stream: TcpStream, _place: OwnedSemaphorePermit, clock: Clock) {
    let told = async {
        stream.write_all(TURNED_AWAY).await?;
        stream.shutdown().await?;
        let mut place = [0; 1024];
        while stream.read(&mut place).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // A caller that does not listen, or has gone, has nothing to lose.
    let _ = clock.within(TURNING_AWAY_TIME_MAX, told).await;
}

#[cfg(test)]
mod tests;
