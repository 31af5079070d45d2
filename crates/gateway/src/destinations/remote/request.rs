//! What is sent to a destination: addresses, headers, the credential. It must not know what comes back.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;

use crate::{
    config::{Api, Auth, Destination, Secret},
    read::Surface,
};

/// The version of Anthropic's API that is spoken; it has been the newest since June 2023.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Makes the requests to one destination.
pub(super) struct Requests {
    chat: Uri,
    completions: Uri,
    embeddings: Uri,
    models: Uri,
    headers: HeaderMap,
}

/// The credential cannot stand in a header. The configuration lets none through, so this is a defect.
#[derive(Debug)]
pub(super) struct BadCredential;

impl Requests {
    /// To the destination that `about` describes.
    pub(super) fn new(about: &Destination) -> Result<Self, BadCredential> {
        let address = |path: &str| with_query(&below(&about.base_url, path), about.query.as_deref());
        let chat = match about.api {
            Api::OpenAi => "/chat/completions",
            Api::Anthropic => "/messages",
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("gwanmun/", env!("CARGO_PKG_VERSION"))));
        if about.api == Api::Anthropic {
            headers.insert("anthropic-version", ANTHROPIC_VERSION);
        }
        if let Some(key) = &about.key {
            let (name, value) = credential(about.auth, key)?;
            headers.insert(name, value);
        }
        Ok(Self {
            chat: address(chat),
            completions: address("/completions"),
            embeddings: address("/embeddings"),
            models: address("/models"),
            headers,
        })
    }

    /// Asks for an answer.
    pub(super) fn ask(&self, surface: Surface, body: Bytes, stream: bool) -> Request<Full<Bytes>> {
        let uri = match surface {
            Surface::Chat => &self.chat,
            Surface::Completions => &self.completions,
            Surface::Embeddings => &self.embeddings,
        };
        let mut request = self.request(Method::POST, uri, body);
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream { "text/event-stream" } else { "application/json" };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        request
    }

    /// Asks which models there are: a request that holds nothing of anyone's.
    pub(super) fn models(&self) -> Request<Full<Bytes>> {
        let mut request = self.request(Method::GET, &self.models, Bytes::new());
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request
    }

    fn request(&self, method: Method, uri: &Uri, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

fn credential(auth: Auth, key: &Secret) -> Result<(HeaderName, HeaderValue), BadCredential> {
    let (name, value) = match auth {
        Auth::Bearer => (header::AUTHORIZATION, format!("Bearer {}", key.reveal())),
        Auth::ApiKey => (HeaderName::from_static("api-key"), key.reveal().to_owned()),
        Auth::XApiKey => (HeaderName::from_static("x-api-key"), key.reveal().to_owned()),
    };
    let mut value = HeaderValue::try_from(value).map_err(|_| BadCredential)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// An address below the base; the configuration has checked the base.
pub(crate) fn below(base: &Uri, path: &str) -> Uri {
    let before = base.path().trim_end_matches('/');
    replaced(base, &format!("{before}{path}"))
}

fn with_query(url: &Uri, query: Option<&str>) -> Uri {
    query.map_or_else(|| url.clone(), |query| replaced(url, &format!("{}?{query}", url.path())))
}

fn replaced(url: &Uri, path_and_query: &str) -> Uri {
    let mut parts = url.clone().into_parts();
    parts.path_and_query = path_and_query.parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| url.clone())
}

#[cfg(test)]
mod tests;
