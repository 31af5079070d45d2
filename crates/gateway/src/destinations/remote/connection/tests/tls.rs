//! TLS: whom it trusts, which HTTP is agreed on, and how a stream of HTTP/2 is left.

use std::convert::Infallible;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::{about as plainly, *};

/// A provider with a certificate for `provider.test`, and the file of who signed it.
struct Provider {
    port: u16,
    folder: tempfile::TempDir,
    ended: tokio::sync::watch::Receiver<u32>,
}

/// What it serves with each stream's end counted.
async fn provider(tasks: &Tasks, alpn: &[&[u8]], wants_certificate: bool) -> Provider {
    let signed = rcgen::generate_simple_self_signed(["provider.test".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("own.pem")).unwrap();
    write(&folder.path().join("own.pem"), &signed.cert.pem());
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if wants_certificate {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(signed.cert.der().clone()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider.into()).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    let (ending, ended) = tokio::sync::watch::channel(0);
    let ending = Arc::new(ending);
    let started = tasks.clone();
    tasks.start("provider", |_| async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let (is_two, ending) = (stream.get_ref().1.alpn_protocol() == Some(b"h2"), Arc::clone(&ending));
            started.start("connection", |_| serve(stream, is_two, ending));
        }
    });
    Provider { port, folder, ended }
}

#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn write(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

/// Tells which HTTP it was, and the host that was asked for; of `/endless` a beginning and then nothing.
async fn serve(
    stream: tokio_rustls::server::TlsStream<TcpStream>,
    is_two: bool,
    ending: Arc<tokio::sync::watch::Sender<u32>>,
) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let ending = Arc::clone(&ending);
        async move {
            let host = request.uri().host().map(str::to_owned);
            let host = host.or_else(|| Some(request.headers().get("host")?.to_str().ok()?.to_owned()));
            let said = format!("{:?} {}", request.version(), host.unwrap_or_default());
            let endless = request.uri().path().ends_with("/endless");
            let body = Said { words: Some(said.into()), endless, ending };
            Ok::<_, Infallible>(http::Response::new(body))
        }
    });
    let stream = TokioIo::new(stream);
    if is_two {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        drop(server.serve_connection(stream, service).await);
    } else {
        drop(hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await);
    }
}

struct Said {
    words: Option<Bytes>,
    endless: bool,
    ending: Arc<tokio::sync::watch::Sender<u32>>,
}

impl hyper::body::Body for Said {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        match self.words.take() {
            Some(said) => std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(said)))),
            None if self.endless => std::task::Poll::Pending,
            None => std::task::Poll::Ready(None),
        }
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        self.ending.send_modify(|count| *count += 1);
    }
}

impl Provider {
    /// A destination of it, which trusts who signed its certificate, with these lines more.
    fn about(&self, lines: &str) -> Arc<crate::config::Destination> {
        let file = self.folder.path().join("own.pem");
        plainly(&self.lines(&format!("ca = \"{}\"\n{lines}", file.display())))
    }

    fn lines(&self, more: &str) -> String {
        format!("base_url = \"https://provider.test:{}/v1\"\nprivate = true\n{more}", self.port)
    }
}

fn here() -> Ways {
    ways(names(vec![vec!["127.0.0.1"]]))
}

async fn said(about: &crate::config::Destination) -> Result<String, Trouble> {
    let client = client(&here(), &super::super::super::terms(about), &Clock::system()).unwrap();
    let request = Request::builder().uri(&about.base_url).body(Full::default()).unwrap();
    let answer = client.request(request).await.map_err(|error| Trouble::of(&error))?;
    assert_eq!(answer.extensions().get::<TlsGroup>().map(|group| group.0), Some("X25519MLKEM768"));
    let body = answer.into_body().collect().await.map_err(|error| Trouble::of(&error))?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn which_http_is_spoken_is_agreed_on_and_the_name_stays_the_name() {
    let tasks = Tasks::new(Clock::system());
    let both = provider(&tasks, &[b"h2", b"http/1.1"], false).await;
    let host = |version: &str| Ok(format!("{version} provider.test"));
    let with_port = |version: &str| Ok(format!("{version} provider.test:{}", both.port));
    assert_eq!(said(&both.about("")).await, host("HTTP/2.0"));
    assert_eq!(said(&both.about("http = \"2\"")).await, host("HTTP/2.0"));
    assert_eq!(said(&both.about("http = \"1.1\"")).await, with_port("HTTP/1.1"));
    let old = provider(&tasks, &[], false).await;
    assert_eq!(said(&old.about("")).await, Ok(format!("HTTP/1.1 provider.test:{}", old.port)));
}

#[tokio::test]
async fn a_caller_that_leaves_ends_its_stream_and_the_connection_stays() {
    let tasks = Tasks::new(Clock::system());
    let mut both = provider(&tasks, &[b"h2"], false).await;
    let about = both.about("");
    let client = client(&here(), &super::super::super::terms(&about), &Clock::system()).unwrap();
    for times in 1..=3 {
        let url = format!("https://provider.test:{}/v1/endless", both.port);
        let answer = client.request(Request::builder().uri(url).body(Full::default()).unwrap()).await.unwrap();
        let mut body = answer.into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        drop(body);
        both.ended.wait_for(|count| *count == times).await.unwrap();
    }
}

#[tokio::test]
async fn who_is_not_trusted_and_who_refuses_us_are_told_apart() {
    let tasks = Tasks::new(Clock::system());
    let good = provider(&tasks, &[b"h2"], false).await;
    let stranger = plainly(&good.lines(""));
    assert_eq!(said(&stranger).await, Err(Trouble::Tls(TlsTrouble::Certificate)));
    let file = good.folder.path().join("own.pem").display().to_string();
    let other =
        plainly(&format!("base_url = \"https://other.test:{}/v1\"\nprivate = true\nca = \"{file}\"", good.port));
    assert_eq!(said(&other).await, Err(Trouble::Tls(TlsTrouble::Certificate)));
    let strict = provider(&tasks, &[], true).await;
    assert_eq!(said(&strict.about("")).await, Err(Trouble::Tls(TlsTrouble::Alert)));
    let only_two = provider(&tasks, &[b"h2"], false).await;
    assert_eq!(said(&only_two.about("http = \"1.1\"")).await, Err(Trouble::Tls(TlsTrouble::Alert)));
    // Somebody who speaks no TLS at all.
    let canary = Canary::new(&tasks).await;
    let plain = plainly(&format!("base_url = \"https://provider.test:{}/v1\"\nprivate = true", canary.port));
    assert_eq!(said(&plain).await, Err(Trouble::Tls(TlsTrouble::Other)));
}
