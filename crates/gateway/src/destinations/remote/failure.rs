//! What a caller and the operator are told where a destination does not begin to answer, and whose fault it was.
//!
//! Each is told by the destination's name in the configuration: never an address, and never a provider's own words but where
//! they are about the caller's request.

use http::StatusCode;
use std::time::Duration;
use wire::error::Code;

use super::connection::{TlsTrouble, Trouble};
use super::told::Told;
use crate::{
    availability::{self, Break, Symptom, Wait, diagnose},
    config::Destination,
    error::ApiError,
};

/// Tells of one destination.
#[derive(Clone, Copy)]
pub(super) struct Failures<'a>(pub(super) &'a Destination);

impl Failures<'_> {
    /// It did not do its part. The sentence goes on after its name.
    pub(super) fn of(self, status: StatusCode, code: Code, what: &str) -> ApiError {
        ApiError::destination(status, code, format!("the destination `{}` {what}", self.0.name))
            .detail(format_args!("destination `{}`", self.0.name))
    }

    /// Nothing can be sent to it, by a defect or a machine of ours.
    pub(super) fn unusable(self, why: &str) -> ApiError {
        self.of(StatusCode::BAD_GATEWAY, Code::NoDestination, "cannot be connected to by this gateway").detail(why)
    }

    /// The first byte of an answer took too long.
    pub(super) fn silent(self) -> ApiError {
        let error = self.of(StatusCode::GATEWAY_TIMEOUT, Code::UpstreamTimeout, "did not begin to answer in time");
        error.diagnosed(diagnose(&Symptom::Late(Wait::FirstByte)))
    }

    /// There was no answer at all.
    pub(super) fn not_reached(self, trouble: Trouble, is_connect: bool, words: &str) -> ApiError {
        let what = match trouble {
            Trouble::NameGone => "is not found: its name is not known",
            Trouble::NameNotAnswered => "is not found: its name could not be looked up",
            Trouble::Forbidden => "has no address that may be connected to",
            Trouble::Refused => "takes no connections",
            Trouble::Unreachable => "cannot be reached",
            Trouble::Tls(TlsTrouble::Alert) => "refused the encrypted connection",
            Trouble::Tls(TlsTrouble::Certificate) => "shows a certificate that is not trusted here",
            Trouble::Tls(TlsTrouble::Other) => "does not speak TLS as it should",
            Trouble::Proxy => "is not reached through its proxy",
            Trouble::NotHttp => "answered with what is no HTTP, or with a head larger than is taken",
            Trouble::ConnectTimeout => "could not be connected to in time",
            Trouble::Reset | Trouble::Closed | Trouble::Other if is_connect => "broke off while it was connected to",
            Trouble::Reset | Trouble::Closed | Trouble::Other => "broke off before it answered",
        };
        let (status, code) = if trouble == Trouble::ConnectTimeout {
            (StatusCode::GATEWAY_TIMEOUT, Code::UpstreamTimeout)
        } else {
            (StatusCode::BAD_GATEWAY, Code::UpstreamFailed)
        };
        let detail = format_args!("destination `{}`: {words}", self.0.name);
        self.of(status, code, what).detail(detail).diagnosed(diagnose(&symptom(trouble)))
    }

    /// A good answer's head does not say that its body is what was asked for.
    pub(super) fn other_form(self, given: &str) -> ApiError {
        let what = format!("answered in a form that was not asked for: {given}");
        let error = self.of(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, &what);
        error.diagnosed(diagnose(&Symptom::Broken(Break::ContentType)))
    }

    /// An answer that is no answer, to what was `asked`.
    pub(super) fn refused(
        self,
        status: StatusCode,
        body: &[u8],
        retry_after: Option<Duration>,
        asked: &[u8],
    ) -> ApiError {
        let symptom =
            Symptom::Answered { status: status.as_u16(), told: availability::Told::read(body), retry_after, asked };
        let failed = |what: &str| self.of(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, what);
        let diagnosis = diagnose(&symptom);
        let error = match status.as_u16() {
            // A filter is about what was asked, whatever its status: no other destination is asked the same.
            400..500 if diagnosis.is_none() => self.callers_mistake(Told::read(body)),
            // The request itself: the provider's words help the caller, as long as they do not hold our key.
            400 | 413 | 422 => self.callers_mistake(Told::read(body)),
            401..=403 => failed("refused the gateway's own credentials"),
            404 | 410 => failed("does not have the model or address that the gateway is configured to ask"),
            408 | 504 => self.of(StatusCode::GATEWAY_TIMEOUT, Code::UpstreamTimeout, "ran out of time"),
            429 | 503 | 529 => {
                let error =
                    self.of(StatusCode::SERVICE_UNAVAILABLE, Code::UpstreamFailed, "takes no more requests for now");
                error.retry_after(retry_after.unwrap_or(Duration::from_secs(1)))
            }
            451 => failed("is not allowed to answer, by law"),
            300..=399 => failed("redirects, and redirects are not followed"),
            _ => failed("failed"),
        };
        let error = error.detail(format_args!("destination `{}` answered {}", self.0.name, status.as_u16()));
        error.diagnosed(diagnosis)
    }

    fn callers_mistake(self, told: Told) -> ApiError {
        let refused = format!("the destination `{}` refused the request", self.0.name);
        let shows = self.0.key.as_ref().is_some_and(|key| told.shows(key.reveal()));
        let Some(message) = told.message.filter(|_| !shows) else {
            return ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidValue, refused);
        };
        let error = ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidValue, format!("{refused}: {message}"));
        let error = match told.param {
            Some(param) => error.param(param),
            None => error,
        };
        match told.code {
            Some(code) => error.foreign_code(code),
            None => error,
        }
    }
}

/// What it shows that there was no answer. A host that may not be connected to is as one that nobody listens at: the name may
/// point elsewhere again.
fn symptom(trouble: Trouble) -> Symptom<'static> {
    match trouble {
        Trouble::NameGone => Symptom::Name { gone: true },
        Trouble::NameNotAnswered => Symptom::Name { gone: false },
        Trouble::Forbidden | Trouble::Refused | Trouble::Unreachable | Trouble::Proxy => Symptom::Refused,
        Trouble::ConnectTimeout => Symptom::Late(Wait::Connect),
        Trouble::Tls(TlsTrouble::Alert | TlsTrouble::Certificate) => Symptom::Tls,
        Trouble::NotHttp => Symptom::Broken(Break::NotUnderstood),
        Trouble::Reset | Trouble::Closed | Trouble::Other | Trouble::Tls(TlsTrouble::Other) => Symptom::Reset,
    }
}
