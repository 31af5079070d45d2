//! A file behind a URL: asked for from the byte where the last attempt stopped, until it is whole.
//!
//! TLS is rustls with aws-lc-rs, believed as the operating system believes. Redirects are followed here, so that each
//! step is checked: never to plain `http` beyond this machine, never with the token to another host.

mod whole;

use std::{
    io::{self, Read},
    sync::Arc,
    thread,
    time::Duration,
};

use ureq::{
    Agent, Body,
    http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header},
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

use crate::{
    Heard, Progress, Roots, Settings, StoreError,
    aside::Aside,
    source::{is_loopback, may_be_asked},
};

pub(super) use whole::Whole;

/// A name, an address, a connection: each within this.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);
/// A server that sends nothing for so long has stopped.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// Attempts in a row that bring nothing.
const FRUITLESS_MAX: u32 = 4;
/// Redirects of one request.
const REDIRECTS_MAX: u32 = 8;

/// A client for downloads.
pub(super) struct Web<'a> {
    settings: &'a Settings,
    agent: Agent,
    direct: Agent,
}

impl<'a> Web<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let roots = match &settings.roots {
            Roots::Platform => RootCerts::PlatformVerifier,
            Roots::Only(certificates) => {
                RootCerts::from(certificates.iter().map(|der| Certificate::from_der(der).to_owned()))
            }
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let agent = |proxy: Option<ureq::Proxy>| {
            Agent::config_builder()
                .tls_config(tls.clone())
                .proxy(proxy)
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .timeout_resolve(Some(CONNECT_TIME_MAX))
                .timeout_connect(Some(CONNECT_TIME_MAX))
                .timeout_recv_response(Some(SILENCE_MAX))
                .timeout_per_read(Some(SILENCE_MAX))
                .user_agent(concat!("gwanmun/", env!("CARGO_PKG_VERSION")))
                .build()
                .new_agent()
        };
        // The proxy that the machine's user has set for all programs (`HTTPS_PROXY`, `NO_PROXY`).
        Self { settings, agent: agent(ureq::Proxy::try_from_env()), direct: agent(None) }
    }

    /// One request, not redirected.
    pub(super) fn ask(&self, method: Method, url: &Uri, from: u64) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(method).uri(url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        if let Some(token) = self.settings.hub_token.as_ref().filter(|_| self.is_hub(url)) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        // A proxy cannot reach this machine's loopback.
        let agent = if is_loopback(url) { &self.direct } else { &self.agent };
        agent.run(request.body(())?)
    }

    fn is_hub(&self, url: &Uri) -> bool {
        let hub: Option<Uri> = self.settings.hub.parse().ok();
        hub.is_some_and(|hub| hub.scheme() == url.scheme() && hub.authority() == url.authority())
    }

    /// One request, redirected as often as need be.
    fn follow(&self, url: &Uri, from: u64) -> Result<Response<Body>, Trouble> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.ask(Method::GET, &url, from).map_err(|e| Trouble::passing(&e))?;
            match target_of(&url, answer.status(), answer.headers()) {
                None => return Ok(answer),
                Some(Ok(next)) => url = next,
                Some(Err(why)) => return Err(Trouble::Lasting(why)),
            }
        }
        Err(Trouble::Lasting("it redirects too often".to_owned()))
    }

    /// Appends what is not here yet, in as many attempts as bring something.
    pub(super) fn download(&self, url: &Uri, aside: &mut Aside, progress: Heard<'_>) -> Result<(), StoreError> {
        let shown = url.to_string();
        let mut fruitless = 0;
        loop {
            let at = aside.length();
            let why = match self.attempt(url, aside, progress)? {
                Ok(()) => return Ok(()),
                Err(Trouble::Status(status)) => return Err(StoreError::Answer { url: shown, status }),
                Err(Trouble::Lasting(why)) => return Err(StoreError::NoNetwork { what: shown, why }),
                Err(Trouble::Passing(why)) => why,
            };
            fruitless = if aside.length() > at { 0 } else { fruitless + 1 };
            if fruitless == FRUITLESS_MAX {
                return Err(match aside.length() {
                    0 => StoreError::NoNetwork { what: shown, why },
                    at => StoreError::Cut { url: shown, at, why },
                });
            }
            super::goes_on(progress(Progress::Retrying { what: &shown, why: &why }))?;
            thread::sleep(self.settings.pause * (1 << fruitless));
        }
    }

    /// A small answer, whole.
    pub(super) fn small(&self, url: &Uri, bytes_max: u64, progress: Heard<'_>) -> Result<Vec<u8>, StoreError> {
        let shown = url.to_string();
        let mut fruitless = 0;
        loop {
            let why = match self.answer_to(url, bytes_max, progress)? {
                Ok(bytes) => return Ok(bytes),
                Err(Trouble::Status(status)) => return Err(StoreError::Answer { url: shown, status }),
                Err(Trouble::Lasting(why)) => return Err(StoreError::NoNetwork { what: shown, why }),
                Err(Trouble::Passing(why)) => why,
            };
            fruitless += 1;
            if fruitless == FRUITLESS_MAX {
                return Err(StoreError::NoNetwork { what: shown, why });
            }
            super::goes_on(progress(Progress::Retrying { what: &shown, why: &why }))?;
            thread::sleep(self.settings.pause * (1 << fruitless));
        }
    }

    fn answer_to(
        &self,
        url: &Uri,
        bytes_max: u64,
        progress: Heard<'_>,
    ) -> Result<Result<Vec<u8>, Trouble>, StoreError> {
        let answer = match self.follow(url, 0) {
            Ok(answer) => answer,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let total = match extent(&answer, 0) {
            Ok((_, total)) => total,
            Err(Extent::Refused(trouble)) => return Ok(Err(trouble)),
            Err(Extent::Whole | Extent::Beyond) => return Ok(Ok(Vec::new())),
        };
        let what = url.to_string();
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        let mut body = answer.into_body().into_reader();
        loop {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Err(Trouble::Passing(error.to_string()))),
            }
            if bytes.len() as u64 > bytes_max {
                return Ok(Err(Trouble::Lasting(format!("it answers with more than {bytes_max} bytes"))));
            }
            super::goes_on(progress(Progress::Fetching { what: &what, done: 0, total: None }))?;
        }
        let came = bytes.len() as u64;
        Ok(match total.filter(|total| *total > came) {
            Some(total) => Err(Trouble::Passing(format!("{came} of {total} bytes came"))),
            None => Ok(bytes),
        })
    }

    fn attempt(&self, url: &Uri, aside: &mut Aside, progress: Heard<'_>) -> Result<Result<(), Trouble>, StoreError> {
        let from = aside.length();
        let answer = match self.follow(url, from) {
            Ok(answer) => answer,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let (start, total) = match extent(&answer, from) {
            Ok(extent) => extent,
            Err(Extent::Whole) => return Ok(Ok(())),
            Err(Extent::Beyond) => {
                aside.restart()?;
                return Ok(Err(Trouble::Passing("more was here than there".to_owned())));
            }
            Err(Extent::Refused(trouble)) => return Ok(Err(trouble)),
        };
        if start < from {
            aside.restart()?;
        }
        if let Some(total) = total {
            super::refuse_if_no_room(aside.folder(), total.saturating_sub(aside.length()))?;
        }
        let what = url.to_string();
        let mut tell = |done| progress(Progress::Fetching { what: &what, done, total });
        let ended = aside.append_all(&mut answer.into_body().into_reader(), &mut tell)?;
        Ok(match (ended, total) {
            (Err(error), _) => Err(Trouble::Passing(error.to_string())),
            (Ok(()), Some(total)) if aside.length() < total => {
                Err(Trouble::Passing(format!("{} of {total} bytes came", aside.length())))
            }
            (Ok(()), _) => Ok(()),
        })
    }
}

/// Why an attempt brought no whole file.
enum Trouble {
    /// Worth another attempt.
    Passing(String),
    /// Another attempt would end alike.
    Lasting(String),
    /// The server's answer.
    Status(String),
}

impl Trouble {
    fn passing(error: &ureq::Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "what a wire does may pass; what is misconfigured stays")]
        match error {
            ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_) => {
                Self::Passing(error.to_string())
            }
            _ => Self::Lasting(error.to_string()),
        }
    }
}

/// Why an answer has no bytes to append.
enum Extent {
    /// All bytes are here already.
    Whole,
    /// More bytes are here than the file has.
    Beyond,
    Refused(Trouble),
}

/// Where the answer's body begins in the file, and the file's size where it is told.
fn extent(answer: &Response<Body>, from: u64) -> Result<(u64, Option<u64>), Extent> {
    let status = answer.status();
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let range = header(header::CONTENT_RANGE).and_then(|text| text.strip_prefix("bytes "));
    if status == StatusCode::OK {
        return Ok((0, header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok())));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        // `bytes FIRST-LAST/SIZE` (RFC 9110, section 14.4).
        let told = range.and_then(|text| text.split_once('/'));
        let first = told.and_then(|(span, _)| span.split_once('-')).and_then(|(first, _)| first.parse().ok());
        let total = told.and_then(|(_, total)| total.parse().ok());
        return match first {
            Some(first) if first == from => Ok((first, total)),
            _ => Err(Extent::Refused(Trouble::Lasting("it sent another part than was asked for".to_owned()))),
        };
    }
    if status == StatusCode::RANGE_NOT_SATISFIABLE && from > 0 {
        let total = range.and_then(|text| text.strip_prefix("*/")).and_then(|text| text.parse().ok());
        return Err(if total == Some(from) { Extent::Whole } else { Extent::Beyond });
    }
    let told = status_text(status);
    let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    Err(Extent::Refused(if passing { Trouble::Passing(told) } else { Trouble::Status(told) }))
}

pub(super) fn status_text(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()).trim_end().to_owned()
}

/// Where an answer sends its asker, if it does: a checked URL, or what is wrong with it.
pub(super) fn target_of(asked: &Uri, status: StatusCode, headers: &HeaderMap) -> Option<Result<Uri, String>> {
    let moved = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !moved.contains(&status) {
        return None;
    }
    let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scheme = asked.scheme_str().unwrap_or("https");
    let absolute = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{}{location}", asked.authority().map_or("", |authority| authority.as_str()))
    } else {
        location.to_owned()
    };
    let target = absolute.parse::<Uri>().ok().filter(may_be_asked);
    // A server elsewhere has no business with what listens on this machine.
    let target = target.filter(|target| is_loopback(asked) || !is_loopback(target));
    Some(target.ok_or_else(|| format!("it redirects to `{location}`, which is not a URL to follow")))
}
