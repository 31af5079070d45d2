//! A file on a Hugging Face hub: the hub says what the file hashes to, then it is downloaded as any other.
//!
//! The documented address `HUB/OWNER/REPO/resolve/REVISION/FILE` is asked over this crate's own download code. Of the crate
//! `hf-hub`, 0.5 gives no hold on the TLS roots, the timeouts and the hash; 1.0 brings a second HTTP client and a storage
//! protocol of its own. The hub's headers `X-Linked-Etag` (SHA-256 of a large file) and `X-Repo-Commit` come with its
//! first answer, which is a redirect to where the bytes lie.

use ureq::http::{HeaderMap, Method, Uri};

use super::web::{self, Web};
use crate::{Digest, Heard, Settings, StoreError, aside::Aside};

/// Which file, as [`crate::Origin::Hub`] says it.
pub(super) struct Address<'a> {
    pub(super) repository: &'a str,
    pub(super) file: &'a str,
    pub(super) revision: &'a str,
}

/// Downloads it; gives the hash that it must have: the pinned one, else the hub's word.
pub(super) fn download(
    settings: &Settings,
    address: &Address<'_>,
    pinned: Option<Digest>,
    aside: &mut Aside,
    progress: Heard<'_>,
) -> Result<Digest, StoreError> {
    let url = resolve(settings, address, address.revision)?;
    let shown = url.to_string();
    let web = Web::new(settings);
    let unreachable = |why: String| StoreError::NoNetwork { what: shown.clone(), why };
    let answer = web.ask(Method::HEAD, &url, 0).map_err(|e| unreachable(e.to_string()))?;
    let moved = web::target_of(&url, answer.status(), answer.headers()).transpose().map_err(unreachable)?;
    if moved.is_none() && !answer.status().is_success() {
        return Err(StoreError::Answer { url: shown, status: web::status_text(answer.status()) });
    }
    let told = header(answer.headers(), "x-linked-etag").and_then(|etag| etag.trim_matches('"').parse().ok());
    let expected: Digest = match (pinned, told) {
        (Some(expected), Some(found)) if expected != found => {
            return Err(StoreError::WrongHash { what: shown, expected, found });
        }
        (Some(expected), _) | (None, Some(expected)) => expected,
        (None, None) => return Err(StoreError::NoHash { url: shown }),
    };
    // From here on the commit is asked for, so that a branch that moves meanwhile does not mix two files.
    let commit = header(answer.headers(), "x-repo-commit").unwrap_or(address.revision);
    web.download(&resolve(settings, address, commit)?, aside, progress)?;
    Ok(expected)
}

/// Where the hub has a file.
pub(super) fn resolve(settings: &Settings, address: &Address<'_>, revision: &str) -> Result<Uri, StoreError> {
    let Address { repository, file, .. } = address;
    url(settings, &format!("{repository}/resolve/{revision}/{file}"))
}

/// A URL of the hub.
pub(super) fn url(settings: &Settings, path: &str) -> Result<Uri, StoreError> {
    let url = format!("{}/{path}", settings.hub);
    let parsed = url.parse().ok().filter(crate::source::may_be_asked);
    parsed.ok_or_else(|| StoreError::BadSource {
        spelled: url,
        why: "a hub's address begins with `https://`, or `http://` on a loopback address".to_owned(),
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
