//! Step 1: whose request is this? One extractor for every header in which common clients send a key.
//!
//! It must not know what is asked. Who is not known is told the same, whatever was wrong.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, header};

use crate::{
    error::ApiError,
    keys::{Caller, KeyRing},
};

/// Where clients put a key that stands alone; `Authorization` is read apart, for its scheme.
const KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// Finds the caller by its key. Several headers may hold the same key; two different keys are no key.
pub(crate) fn identify(headers: &HeaderMap, keys: &KeyRing) -> Result<Arc<Caller>, ApiError> {
    let presented = credential(headers).ok_or_else(ApiError::unauthorized)?;
    keys.find(presented).map_err(|reason| ApiError::unauthorized().detail(reason))
}

/// The one credential that the headers hold.
fn credential(headers: &HeaderMap) -> Option<&[u8]> {
    let bearers = headers.get_all(header::AUTHORIZATION).iter().map(|value| bearer(value.as_bytes()));
    let alone = KEY_HEADERS.into_iter().flat_map(|name| headers.get_all(name)).map(|value| Some(value.as_bytes()));
    let mut found: Option<&[u8]> = None;
    for presented in bearers.chain(alone) {
        // Another scheme than `Bearer` is a credential too, and not one of ours.
        let presented = presented?;
        match found {
            Some(earlier) if earlier != presented => return None,
            Some(_) | None => found = Some(presented),
        }
    }
    found
}

/// What follows the scheme `Bearer`, which is spelt in any case (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"bearer".len())?;
    let key = rest.strip_prefix(b" ")?;
    scheme.eq_ignore_ascii_case(b"bearer").then(|| key.trim_ascii())
}
