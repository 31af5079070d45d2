//! One request to one witness, and what it answered: over TLS, or plainly to this machine alone; no redirects.
//!
//! This file must not know logs; what an answer is worth, its reader decides.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use tlog::parse_decimal;

use crate::clock::Clock;
use crate::destinations::remote::connection::{HttpClient, Terms, client};
use crate::destinations::remote::{Ways, below, chain};

/// To connect, TLS included.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// From the request's first byte to the answer's last: a witness writes to its disk before it answers.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// The longest answer that is read: sixteen post-quantum cosignatures take 55 KB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How much of what a witness says in words is told on, in letters.
const WORDS_LETTERS_MAX: usize = 200;

/// Where one witness is asked.
pub(super) struct Post {
    uri: Uri,
    client: HttpClient,
    clock: Clock,
}

/// What a witness answered, of which nothing is verified.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// 200: signature lines, it says.
    Cosigned(String),
    /// 409: how many entries it has cosigned.
    Knows(u64),
    /// 422: the checkpoint does not extend what it has cosigned.
    NotConsistent,
    /// Anything else: the status, and its words.
    Refused(u16, String),
}

impl Post {
    /// Prepares to ask at each of these addresses; connects to nothing. An error has the address, and what is wrong with it.
    pub(super) fn to_all<'a>(
        urls: impl Iterator<Item = &'a str> + Clone,
        private: bool,
        clock: &Clock,
    ) -> Result<Vec<Post>, (String, String)> {
        let mut calls = Vec::new();
        for url in urls {
            calls.push((url, add_checkpoint(url).map_err(|what| (url.to_owned(), what.to_owned()))?));
        }
        // Read once, and only where somebody is asked over TLS.
        let ways = if calls.iter().any(|(_, uri)| is_tls(uri)) { Ways::of_system() } else { Ways::without_roots() };
        let post = |(url, uri): (&str, Uri)| {
            let terms = Terms { private, ..Terms::plain(&uri, CONNECT_TIME_MAX) };
            let client = client(&ways, &terms, clock)
                .map_err(|what| (url.to_owned(), format!("the system's certificates cannot be read: {what}")))?;
            Ok(Post { uri, client, clock: clock.clone() })
        };
        calls.into_iter().map(post).collect()
    }

    /// Sends a request to cosign. An error says why there is no answer.
    pub(super) async fn ask(&self, body: String) -> Result<Reply, String> {
        let exchange = self.clock.within(ANSWER_TIME_MAX, self.exchange(body)).await;
        exchange.unwrap_or_else(|| Err(format!("no answer within {} s", ANSWER_TIME_MAX.as_secs())))
    }

    async fn exchange(&self, body: String) -> Result<Reply, String> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("gwanmun/", env!("CARGO_PKG_VERSION"))));
        let answer = self.client.request(request).await.map_err(|error| chain(&error))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| format!("its answer broke off or is too long: {}", chain(&*error)))?;
        let words = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(Reply::of(status, words))
    }
}

impl Reply {
    fn of(status: u16, words: String) -> Reply {
        match (status, words.strip_suffix('\n').and_then(parse_decimal)) {
            (200, _) => Reply::Cosigned(words),
            (409, Some(size)) => Reply::Knows(size),
            (422, _) => Reply::NotConsistent,
            _ => Reply::Refused(status, words.trim().chars().take(WORDS_LETTERS_MAX).collect()),
        }
    }
}

/// The address of the call, from a submission prefix.
fn add_checkpoint(url: &str) -> Result<Uri, &'static str> {
    let base: Uri = url.parse().map_err(|_| "it is no URL")?;
    let authority = base.authority().ok_or("it is no URL with a host, such as `https://witness.example`")?;
    if authority.as_str().contains('@') {
        return Err("it has a user, which is not sent");
    }
    if base.query().is_some() {
        return Err("it has a query; write the prefix that `/add-checkpoint` is put behind");
    }
    match base.scheme_str() {
        Some("https") => {}
        Some("http") if is_here(authority.host()) => {}
        Some("http") => return Err("plain `http` is taken for this machine's own addresses alone: use `https`"),
        _ => return Err("it begins with neither `https://` nor `http://`"),
    }
    Ok(below(&base, "/add-checkpoint"))
}

fn is_tls(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
