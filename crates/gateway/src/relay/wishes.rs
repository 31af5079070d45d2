//! What a caller may wish of a streamed answer, by headers: that another destination goes on with it where it breaks off, that
//! it goes on for a while where the caller's own connection drops.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use wire::error::Code;

use crate::{config::Continuity, error::ApiError, judge::Judgement, keys::Caller, read::Ask};

/// `splice` or `error`.
pub(super) const CONTINUITY_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-continuity");
/// Seconds.
pub(super) const RESUME_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-resume");
/// All with which a caller names a stream of its own, or wishes something of it.
pub(crate) const WISHES: [HeaderName; 3] = [CONTINUITY_HEADER, RESUME_HEADER, HeaderName::from_static("last-event-id")];
/// An answer goes on without its caller for no longer than this.
const RESUME_SECONDS_MAX: u64 = 600;

/// What is wished of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// What becomes of it where it breaks off.
    pub(super) continuity: Continuity,
    /// For how long it goes on where its caller is gone; nothing: not at all.
    pub(super) resume: Option<Duration>,
}

impl Wishes {
    /// What the headers say, or else the key, or else the route.
    pub(crate) fn read(
        headers: &HeaderMap,
        caller: &Caller,
        ask: &Ask,
        judgement: &Judgement,
    ) -> Result<Self, ApiError> {
        let manner = judgement.chain(ask.model()).map(|chain| &chain.manner);
        let of_route = manner.map(|manner| manner.continuity);
        let continuity = continuity(headers)?.or(caller.registered.continuity).or(of_route).unwrap_or_default();
        let resume = match resume(headers)? {
            None => manner.and_then(|manner| manner.resume),
            Some(span) => Some(span),
        };
        Ok(Self { continuity, resume: resume.filter(|span| !span.is_zero() && ask.streams()) })
    }
}

fn continuity(headers: &HeaderMap) -> Result<Option<Continuity>, ApiError> {
    let Some(word) = word(headers, &CONTINUITY_HEADER)? else { return Ok(None) };
    match Continuity::of_word(word) {
        Some(continuity) => Ok(Some(continuity)),
        None => Err(wrong(&CONTINUITY_HEADER, "must be `splice` or `error`")),
    }
}

fn resume(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(word) = word(headers, &RESUME_HEADER)? else { return Ok(None) };
    match word.parse() {
        Ok(seconds @ 0..=RESUME_SECONDS_MAX) => Ok(Some(Duration::from_secs(seconds))),
        Ok(_) | Err(_) => Err(wrong(&RESUME_HEADER, "must be whole seconds, 0 to 600")),
    }
}

/// The header's one value.
fn word<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(word) => Ok(Some(word.trim())),
            Err(_) => Err(wrong(name, "must be ASCII")),
        },
        (Some(_), Some(_)) => Err(wrong(name, "must stand once")),
    }
}

fn wrong(name: &HeaderName, must: &str) -> ApiError {
    ApiError::field(Code::InvalidValue, format!("the header `{name}` {must}"), name.as_str())
}
