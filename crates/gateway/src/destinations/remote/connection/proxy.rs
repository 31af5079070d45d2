//! The way through a proxy: a tunnel by `CONNECT` for both `http` and `https`, or SOCKS version 5. What goes through it is never
//! read by it, unless it is plain `http`.
//!
//! The proxy looks the name up, so the addresses behind it cannot be checked here; a host that is itself an address is.

use http::{HeaderValue, Uri};
use hyper_util::{
    client::legacy::connect::proxy::{SocksV5, Tunnel},
    rt::TokioIo,
};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tower::Service;

use super::{
    dial::{Direct, port},
    trouble::{BoxError, ReachError},
};
use crate::config::Proxy;

/// Connects to the proxy alone.
#[derive(Clone)]
struct ToProxy(Direct);

/// A connection to `url` through the proxy.
pub(super) async fn through(proxy: &Proxy, direct: Direct, url: &Uri) -> Result<TcpStream, BoxError> {
    direct.admits(url)?;
    let target = with_port(url)?;
    let to_proxy = ToProxy(direct.for_proxy());
    let address = with_port(proxy.url())?;
    let stream = if proxy.url().scheme_str() == Some("socks5") {
        let mut socks = SocksV5::new(address, to_proxy);
        if let Some((user, password)) = proxy.login() {
            socks = socks.with_auth(user.reveal().to_owned(), password.reveal().to_owned());
        }
        // Its error is no `std::error::Error`.
        socks.call(target).await.map_err(|error| ReachError::Proxy(format!("{error:?}").into()))?
    } else {
        let mut tunnel = Tunnel::new(address, to_proxy);
        if let Some(login) = proxy.basic_login() {
            tunnel = tunnel.with_auth(HeaderValue::from_str(&login)?);
        }
        tunnel.call(target).await.map_err(|error| ReachError::Proxy(super::super::chain(&error).into()))?
    };
    Ok(stream.into_inner())
}

/// The same with its port written down: the libraries guess another where there is none.
fn with_port(url: &Uri) -> Result<Uri, BoxError> {
    let host = url.host().unwrap_or_default();
    Ok(format!("{}://{host}:{}/", url.scheme_str().unwrap_or("http"), port(url)).parse()?)
}

impl Service<Uri> for ToProxy {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let direct = self.0.clone();
        Box::pin(async move { Ok(TokioIo::new(direct.connect(url).await?)) })
    }
}
