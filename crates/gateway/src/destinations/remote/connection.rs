//! Connections to one remote destination: pooled, `TCP_NODELAY`, a limit on connecting, TLS with the system's roots.
//!
//! No redirects are followed and nothing is tried twice. It must not know what is sent.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower::Service;

use crate::clock::Clock;

/// Connections that wait unused: enough for the bursts of one process, few enough for a provider not to mind.
const IDLE_CONNECTIONS_MAX: usize = 256;
/// Unused connections are closed before common providers and balancers (60 s) close them under a request's feet.
const IDLE_TIME_MAX: Duration = Duration::from_secs(50);
/// Headers of an answer; providers send about twenty.
const HEADERS_MAX: usize = 100;
/// What one read may take: a head has to fit, and this is what a stream can make us hold.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Sends requests to one destination.
pub(super) type HttpClient = Client<Dial, Full<Bytes>>;

type Stream = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Connects, within a limit that covers name look-up, TCP and TLS together.
#[derive(Clone)]
pub(super) struct Dial {
    connector: HttpsConnector<HttpConnector>,
    connect_time_max: Duration,
    clock: Clock,
}

/// Connecting took longer than its limit.
#[derive(Debug, thiserror::Error)]
#[error("connecting took longer than {0:?}")]
pub(super) struct ConnectTimeout(Duration);

/// A client for one destination. With `tls`, plain connections are refused and the system's roots are read; without it no
/// root is needed.
pub(super) fn client(tls: bool, connect_time_max: Duration, clock: &Clock) -> std::io::Result<HttpClient> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let connector = if tls {
        let roots = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
        roots.https_only().enable_http1().wrap_connector(tcp)
    } else {
        let no_roots = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        HttpsConnectorBuilder::new().with_tls_config(no_roots).https_or_http().enable_http1().wrap_connector(tcp)
    };
    let dial = Dial { connector, connect_time_max, clock: clock.clone() };
    // The executor runs one task for each connection; it ends with the connection, and the pool owns that.
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .http1_max_headers(HEADERS_MAX)
        .http1_max_buf_size(BUFFER_BYTES_MAX)
        // Only a request of which no byte was written is given to another connection, as nothing was sent yet.
        .retry_canceled_requests(true)
        .build(dial))
}

impl Service<Uri> for Dial {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.connector.call(uri);
        let (clock, limit) = (self.clock.clone(), self.connect_time_max);
        Box::pin(async move {
            match clock.within(limit, connecting).await {
                Some(connected) => connected,
                None => Err(ConnectTimeout(limit).into()),
            }
        })
    }
}
