//! What pages are made with: styles, scripts, pictures. All of it is in the binary, and each address says what it holds, so that it can
//! be kept for ever.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::answer;

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Name, type, bytes.
const FILES: [(&str, &str, &[u8]); 9] = [
    ("console.css", STYLE, include_bytes!("../assets/console.css")),
    ("console.js", SCRIPT, include_bytes!("../assets/console.js")),
    ("chat.js", SCRIPT, include_bytes!("../assets/chat.js")),
    ("gate.svg", PICTURE, include_bytes!("../assets/gate.svg")),
    ("audit.js", SCRIPT, include_bytes!("../assets/audit.js")),
    ("overview.js", SCRIPT, include_bytes!("../assets/overview.js")),
    // By `cargo xtask vendor`.
    ("uplot.js", SCRIPT, include_bytes!("../assets/vendor/uplot.js")),
    ("uplot.css", STYLE, include_bytes!("../assets/vendor/uplot.css")),
    ("world.svg", PICTURE, include_bytes!("../assets/vendor/world.svg")),
];

struct Asset {
    name: &'static str,
    content_type: &'static str,
    /// Begins the SHA-256 of the bytes.
    version: String,
    plain: Bytes,
    gzip: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.into_iter().map(Asset::new).collect());

impl Asset {
    fn new((name, content_type, bytes): (&'static str, &'static str, &'static [u8])) -> Self {
        let version = hex::encode(Sha256::digest(bytes).get(..8).unwrap_or_default());
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Into memory: it does not fail. Were it to, browsers would be given the plain bytes.
        let gzip = encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default();
        Self { name, content_type, version, plain: Bytes::from_static(bytes), gzip: gzip.into() }
    }
}

/// Where a file is; a name that is none leads nowhere, and a test finds it.
pub(crate) fn address(name: &str) -> String {
    let version = ASSETS.iter().find(|asset| asset.name == name).map_or("none", |asset| &asset.version);
    format!("/assets/{version}/{name}")
}

/// A file as text, for what is worked out of it; nothing where there is none of that name, or it is none.
pub(crate) fn text(name: &str) -> &'static str {
    let found = FILES.iter().find(|(known, ..)| *known == name).and_then(|(.., bytes)| std::str::from_utf8(bytes).ok());
    found.unwrap_or_default()
}

/// Their addresses. Anyone may have them: they are the same in every gate.
pub(crate) fn router() -> Router {
    Router::new().route("/assets/{version}/{*name}", get(serve))
}

async fn serve(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let found = ASSETS.iter().find(|asset| asset.name == name && asset.version == version);
    let Some(asset) = found else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return answer::finished(response);
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let gzip = !asset.gzip.is_empty() && accepted.split(',').any(|coding| coding.trim().starts_with("gzip"));
    let mut response = Response::new(Body::from(if gzip { asset.gzip.clone() } else { asset.plain.clone() }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer::finished(response)
}
