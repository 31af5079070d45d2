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
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection, HttpConnector},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use pin_project_lite::pin_project;
use rustls::{ClientConfig, ConfigBuilder, NamedGroup, RootCertStore, WantsVerifier};
use tokio::net::TcpStream;
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
pub(crate) type HttpClient = Client<Dial, Full<Bytes>>;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Connects, within a limit that covers name look-up, TCP and TLS together.
#[derive(Clone)]
pub(crate) struct Dial {
    connector: HttpsConnector<HttpConnector>,
    connect_time_max: Duration,
    clock: Clock,
}

/// The key exchange that was negotiated for a connection, by the name that TLS gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsGroup(pub(super) &'static str);

pin_project! {
    /// A connection that knows its key exchange, and tells it to every answer that comes over it.
    pub(crate) struct Told {
        #[pin]
        stream: Stream,
        group: Option<TlsGroup>,
    }
}

/// Connecting took longer than its limit.
#[derive(Debug, thiserror::Error)]
#[error("connecting took longer than {0:?}")]
pub(super) struct ConnectTimeout(Duration);

/// TLS that trusts the system's roots. Reading them blocks, so they are read once, when the process starts, and never while
/// requests are answered: new roots need a restart.
pub(crate) struct SystemRoots(Result<ClientConfig, String>);

impl SystemRoots {
    /// Reads the roots. A failure is told to whoever needs them.
    pub(crate) fn read() -> Self {
        let trusting = || Ok(tls()?.with_native_roots()?.with_no_client_auth());
        Self(trusting().map_err(|error: std::io::Error| error.to_string()))
    }

    /// No roots: no certificate is trusted. For plain connections, and for tests.
    pub(crate) fn none() -> Self {
        let trusting_none = |builder: ConfigBuilder<ClientConfig, WantsVerifier>| {
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        };
        Self(tls().map(trusting_none).map_err(|error| error.to_string()))
    }
}

fn tls() -> std::io::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let versions = ClientConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions();
    versions.map_err(std::io::Error::other)
}

/// A client for one destination or witness. With `roots`, plain connections are refused; without, none is needed. An error says why
/// there are no roots.
pub(crate) fn client(
    roots: Option<&SystemRoots>,
    connect_time_max: Duration,
    clock: &Clock,
) -> Result<HttpClient, String> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new();
    let schemes = match roots {
        Some(SystemRoots(trusting)) => builder.with_tls_config(trusting.clone()?).https_only(),
        None => builder.with_tls_config(SystemRoots::none().0?).https_or_http(),
    };
    let connector = schemes.enable_http1().wrap_connector(tcp);
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
    type Response = Told;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Told, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.connector.call(uri);
        let (clock, limit) = (self.clock.clone(), self.connect_time_max);
        Box::pin(async move {
            match clock.within(limit, connecting).await {
                Some(connected) => connected.map(Told::new),
                None => Err(ConnectTimeout(limit).into()),
            }
        })
    }
}

impl Told {
    fn new(stream: Stream) -> Self {
        let group = match &stream {
            MaybeHttpsStream::Http(_) => None,
            MaybeHttpsStream::Https(tls) => tls.inner().get_ref().1.negotiated_key_exchange_group(),
        };
        let group = group.map(|group| TlsGroup(group_name(group.name())));
        Self { stream, group }
    }
}

/// Names of RFC 8446 (4.2.7) and of the registry of TLS groups.
fn group_name(group: NamedGroup) -> &'static str {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is open, and only these are offered")]
    match group {
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        NamedGroup::secp256r1MLKEM768 => "SecP256r1MLKEM768",
        NamedGroup::MLKEM768 => "MLKEM768",
        NamedGroup::MLKEM1024 => "MLKEM1024",
        NamedGroup::X25519 => "x25519",
        NamedGroup::secp256r1 => "secp256r1",
        NamedGroup::secp384r1 => "secp384r1",
        NamedGroup::secp521r1 => "secp521r1",
        _ => "other",
    }
}

impl Connection for Told {
    fn connected(&self) -> Connected {
        let connected = self.stream.connected();
        match self.group {
            Some(group) => connected.extra(group),
            None => connected,
        }
    }
}

impl Read for Told {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.project().stream.poll_read(context, buffer)
    }
}

impl Write for Told {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.project().stream.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.project().stream.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.project().stream.poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.project().stream.poll_write_vectored(context, parts)
    }
}
