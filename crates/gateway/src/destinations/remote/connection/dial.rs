//! One connection: look up, check, connect to what was checked, and know what TLS negotiated.

use std::{
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use pin_project_lite::pin_project;
use rustls::NamedGroup;
use tokio::net::TcpStream;
use tower::Service;

use super::{
    proxy,
    resolver::Resolver,
    trouble::{BoxError, ConnectTimeout, ReachError},
};
use crate::{
    address::{Host, Inside},
    clock::Clock,
    config::Proxy,
};

/// How long an address has to itself before the next is tried beside it (RFC 8305, 5: "Connection Attempt Delay").
const HEAD_START: Duration = Duration::from_millis(250);

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Connects, within a limit that covers look-up, TCP, proxy and TLS together.
#[derive(Clone)]
pub(crate) struct Dial {
    connector: HttpsConnector<Reach>,
    connect_time_max: Duration,
    clock: Clock,
}

/// Makes the TCP connections: directly, or through a proxy.
#[derive(Clone)]
pub(super) struct Reach {
    direct: Direct,
    proxy: Option<Arc<Proxy>>,
}

/// Makes TCP connections to addresses that it has checked.
#[derive(Clone)]
pub(super) struct Direct {
    resolver: Resolver,
    private: bool,
    clock: Clock,
}

/// The key exchange that was negotiated for a connection, by the name that TLS gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsGroup(pub(in crate::destinations::remote) &'static str);

pin_project! {
    /// A connection that knows its key exchange, and tells it to every answer that comes over it.
    pub(crate) struct Told {
        #[pin]
        stream: Stream,
        group: Option<TlsGroup>,
    }
}

impl Dial {
    pub(super) fn new(connector: HttpsConnector<Reach>, connect_time_max: Duration, clock: &Clock) -> Self {
        Self { connector, connect_time_max, clock: clock.clone() }
    }
}

impl Reach {
    pub(super) fn new(resolver: Resolver, private: bool, proxy: Option<&Proxy>, clock: &Clock) -> Self {
        let direct = Direct { resolver, private, clock: clock.clone() };
        Self { direct, proxy: proxy.cloned().map(Arc::new) }
    }

    async fn connect(self, url: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        let stream = match self.proxy {
            None => self.direct.connect(url).await?,
            Some(proxy) => proxy::through(&proxy, self.direct, &url).await?,
        };
        Ok(TokioIo::new(stream))
    }
}

impl Direct {
    /// For a proxy: the operator has put it where it is, mostly into a network of his own.
    pub(super) fn for_proxy(self) -> Self {
        Self { private: true, ..self }
    }

    /// Whether the host may be asked for at all, where somebody else looks its name up: of a name nothing is known.
    pub(super) fn admits(&self, url: &Uri) -> Result<(), BoxError> {
        let host = Host::of(url)?;
        match host {
            Host::Address(address) => Ok(host.opens(self.private).admits(address)?),
            Host::Name(_) => Ok(()),
        }
    }

    /// A connection to an address of the host that may be connected to. All others are passed over.
    pub(super) async fn connect(self, url: Uri) -> Result<TcpStream, BoxError> {
        let host = Host::of(&url)?;
        let port = port(&url);
        let opens = host.opens(self.private);
        let addresses = match &host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolver.addresses(name).await?,
        };
        Ok(self.any_of(checked(addresses, opens)?, port).await?)
    }

    /// The first connection that stands. Addresses are tried in their order, each beside those before it.
    async fn any_of(&self, addresses: Vec<IpAddr>, port: u16) -> Result<TcpStream, ReachError> {
        let mut waiting = addresses.into_iter().map(|address| SocketAddr::new(address, port));
        let mut under_way = FuturesUnordered::new();
        let mut first_error = None;
        let mut start_next = true;
        loop {
            if std::mem::take(&mut start_next)
                && let Some(address) = waiting.next()
            {
                under_way.push(connect(address));
            }
            let more = waiting.len() > 0;
            tokio::select! {
                biased;
                done = under_way.next() => match done {
                    Some(Ok(stream)) => return Ok(stream),
                    Some(Err(error)) => {
                        first_error.get_or_insert(error);
                        start_next = true;
                    }
                    None if more => start_next = true,
                    // There was at least one address, so there is an error.
                    None => return Err(first_error.unwrap_or(ReachError::Nowhere)),
                },
                () = self.clock.sleep(HEAD_START), if more => start_next = true,
            }
        }
    }
}

/// Those that may be connected to. An error tells of the first that may not, where none may.
pub(super) fn checked(addresses: Vec<IpAddr>, opens: Inside) -> Result<Vec<IpAddr>, ReachError> {
    let mut refused = None;
    let mut admitted = Vec::new();
    for address in addresses {
        match opens.admits(address) {
            Ok(()) => admitted.push(address),
            Err(forbidden) => {
                refused.get_or_insert(forbidden);
            }
        }
    }
    match refused {
        Some(forbidden) if admitted.is_empty() => Err(ReachError::Forbidden(forbidden)),
        _ => Ok(admitted),
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, ReachError> {
    let stream = TcpStream::connect(address).await.map_err(ReachError::Tcp)?;
    // Where it cannot be set, answers come in larger pieces.
    drop(stream.set_nodelay(true));
    Ok(stream)
}

/// The port, which the scheme stands for where none is written.
pub(super) fn port(url: &Uri) -> u16 {
    url.port_u16().unwrap_or_else(|| match url.scheme_str() {
        Some("https") => 443,
        Some("socks5") => 1080,
        _ => 80,
    })
}

impl Service<Uri> for Reach {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        Box::pin(self.clone().connect(url))
    }
}

impl Service<Uri> for Dial {
    type Response = Told;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Told, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connecting = self.connector.call(url);
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
