//! A way to a gateway: over HTTP to one that runs, or straight into the router of this process. Knows nothing of what is
//! asked on it.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, Uri, header},
};
use gateway::data_dir::{DataDir, Running};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::failure::Failure;

/// A way to a gateway, and the key that it takes.
pub(crate) struct Road {
    base: String,
    key: String,
    way: Way,
}

enum Way {
    Http(Box<Client<HttpsConnector<HttpConnector>, Body>>),
    Inside(Router),
}

impl Road {
    /// To the server at `url`, with or without `/v1` at its end.
    pub(crate) fn to(url: &str, key: &str) -> Result<Self, Failure> {
        let base = url.trim_end_matches('/').trim_end_matches("/v1").to_owned();
        let parsed: Option<Uri> = base.parse().ok();
        let named = parsed.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        if named.is_none() {
            return Err(Failure::usage(format!("`{url}` is not the address of a server"))
                .hint("such as `http://127.0.0.1:4000` or `https://gate.example.org`"));
        }
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| Failure::trouble(format!("the system's certificates cannot be read: {error}")))?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { base, key: key.to_owned(), way: Way::Http(Box::new(client)) })
    }

    /// To the server that runs from a data directory, if one does.
    pub(crate) fn to_running(data_dir: &std::path::Path) -> Result<Option<Self>, Failure> {
        let running = DataDir::running(data_dir);
        running.map(|Running { url, key, .. }| Self::to(&url, key.reveal())).transpose()
    }

    /// Into a router of this process.
    pub(crate) fn inside(router: Router, key: &str) -> Self {
        Self { base: "http://inside".to_owned(), key: key.to_owned(), way: Way::Inside(router) }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response<Body>, Failure> {
        self.send(Method::GET, path, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Response<Body>, Failure> {
        self.send(Method::POST, path, Body::from(body.to_string())).await
    }

    async fn send(&self, method: Method, path: &str, body: Body) -> Result<Response<Body>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| Failure::usage(format!("the question cannot be sent: {error}")))?;
        match &self.way {
            Way::Inside(router) => {
                let Ok(response) = router.clone().oneshot(request).await;
                Ok(response)
            }
            Way::Http(client) => match client.request(request).await {
                Ok(response) => Ok(response.map(Body::new)),
                Err(error) => Err(self.unreachable(&error)),
            },
        }
    }

    /// The innermost cause is the one that says something.
    fn unreachable(&self, error: &dyn std::error::Error) -> Failure {
        let innermost = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error);
        Failure::trouble(format!("the server at `{}` does not answer: {innermost}", self.base))
            .hint("is it running? `gwanmun serve` starts one")
    }
}
