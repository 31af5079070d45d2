//! Connections to one place outside: a destination, a witness, an address that is told of alarms. Pooled, within a limit, over
//! TLS with the system's roots and the operator's own, directly or through a proxy, HTTP/1.1 or HTTP/2.
//!
//! Every connection looks the name up, checks each address against what the operator has opened ([`crate::address`]), and
//! goes to an address that was checked. No redirects are followed and nothing is tried twice. It must not know what is sent.

mod dial;
mod proxy;
mod resolver;
mod tls;
mod trouble;

use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{DefaultServerNameResolver, HttpsConnector};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

pub(crate) use dial::{Dial, TlsGroup};
pub(crate) use resolver::Resolver;
pub(crate) use tls::SystemRoots;
pub(crate) use trouble::{TlsTrouble, Trouble};

use crate::{
    clock::Clock,
    config::{Authorities, HttpVersion, Proxy},
};
use dial::Reach;

/// Connections that wait unused: enough for the bursts of one process, few enough for a provider not to mind.
const IDLE_CONNECTIONS_MAX: usize = 256;
/// Unused connections are closed before common providers and balancers (60 s) close them under a request's feet.
const IDLE_TIME_MAX: Duration = Duration::from_secs(50);
/// Headers of an answer over HTTP/1.1; providers send about twenty.
const HEADERS_MAX: usize = 100;
/// Headers of an answer over HTTP/2, in bytes as RFC 9113 (6.5.2) counts them.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;
/// What one read may take over HTTP/1.1: a head has to fit, and this is what a stream can make us hold.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// What one stream of HTTP/2 can make us hold: sixteen reads, so that a far provider is not slowed by its own distance.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// What all streams of one HTTP/2 connection can make us hold together.
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// The largest frame of HTTP/2 that is taken: the protocol's least.
const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// What may wait to be sent on one stream of HTTP/2.
const SEND_BYTES_MAX: usize = 64 * 1024;
/// A connection of HTTP/2 with answers under way is asked so often whether it still stands…
const PING_EVERY: Duration = Duration::from_secs(20);
/// …and given up where that is not answered for so long: its streams would otherwise wait for their own limits.
const PING_TIME_MAX: Duration = Duration::from_secs(10);

/// Sends requests to one place.
pub(crate) type HttpClient = Client<Dial, Full<Bytes>>;

/// What every way outside begins with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ways {
    /// Whose certificates are trusted.
    pub(crate) roots: SystemRoots,
    /// Who is asked for the addresses of names.
    pub(crate) resolver: Resolver,
}

impl Ways {
    /// As this machine has them. Reads the roots, which blocks.
    pub(crate) fn of_system() -> Self {
        Self { roots: SystemRoots::read(), resolver: Resolver::system() }
    }

    /// With no roots: no certificate is trusted. For plain connections, and for tests.
    pub(crate) fn without_roots() -> Self {
        Self { roots: SystemRoots::none(), resolver: Resolver::system() }
    }
}

/// How one place is connected to.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Its address, whose scheme says whether over TLS. Over TLS, nothing is ever sent in clear text.
    pub(crate) url: &'a Uri,
    /// Whether the operator has said that it may lie in private networks.
    pub(crate) private: bool,
    /// What it is reached through.
    pub(crate) proxy: Option<&'a Proxy>,
    /// Whose certificates are trusted beside the system's.
    pub(crate) authorities: Option<&'a Authorities>,
    /// Which HTTP is spoken.
    pub(crate) http: HttpVersion,
    /// To connect, with look-up, proxy and TLS.
    pub(crate) connect_time_max: Duration,
}

impl<'a> Terms<'a> {
    /// Directly, on the public Internet or where the URL itself says, with the system's roots.
    pub(crate) fn plain(url: &'a Uri, connect_time_max: Duration) -> Self {
        Self { url, private: false, proxy: None, authorities: None, http: HttpVersion::Auto, connect_time_max }
    }
}

/// A client for one place. An error says why there are no roots.
pub(crate) fn client(ways: &Ways, terms: &Terms<'_>, clock: &Clock) -> Result<HttpClient, String> {
    let is_tls = terms.url.scheme_str() == Some("https");
    let mut trusting = if is_tls { ways.roots.trusting(terms.authorities)? } else { tls::trusting_none()? };
    trusting.alpn_protocols = match terms.http {
        HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersion::One => vec![b"http/1.1".to_vec()],
        HttpVersion::Two => vec![b"h2".to_vec()],
    };
    let reach = Reach::new(ways.resolver.clone(), terms.private, terms.proxy, clock);
    let name = DefaultServerNameResolver::default();
    let connector = HttpsConnector::new(reach, trusting, is_tls, std::sync::Arc::new(name));
    // The executor runs one task for each connection; it ends with the connection, and the pool owns that.
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .http1_max_headers(HEADERS_MAX)
        .http1_max_buf_size(BUFFER_BYTES_MAX)
        .http2_only(terms.http == HttpVersion::Two)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_frame_size(FRAME_BYTES_MAX)
        .http2_max_header_list_size(HEADER_LIST_BYTES_MAX)
        .http2_max_send_buf_size(SEND_BYTES_MAX)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_TIME_MAX)
        // Only a request of which no byte was written is given to another connection, as nothing was sent yet.
        .retry_canceled_requests(true)
        .build(Dial::new(connector, terms.connect_time_max, clock)))
}

#[cfg(test)]
mod tests;
