//! The entrance: what every request passes before a screen sees it. Under which name it was sent, who sends it, whether their role may,
//! and whether a page of ours sent it. It must not know what the screens do.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use gateway::public_log::Hosts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};

use crate::accounts::{BrowserToken, KNOWN_SECONDS, Permission, SessionToken, SignedIn, Still};
use crate::answer::{self, Refused};
use crate::call::{Call, Fields};
use crate::language::Language;
use crate::page::Page;
use crate::screens;
use crate::site::Site;

/// The cookie that a signed-in browser shows.
const SESSION_COOKIE: &str = "gwanmun_session";
/// The cookie of a language that was chosen before anybody signed in.
pub(crate) const LANGUAGE_COOKIE: &str = "gwanmun_language";
/// The field of every form that only a page of ours can fill.
const FORM_TOKEN: &str = "form_token";
/// The same, for scripts of ours.
const FORM_TOKEN_HEADER: &str = "x-form-token";
/// What a browser keeps that somebody has signed in with: other people's wrong passwords do not shut it out.
const BROWSER_COOKIE: &str = "gwanmun_browser";
/// What a page sends that asks by itself, without anybody there.
const FOLLOWS_HEADER: &str = "x-follows";
/// The longest body: a pasted text, a file for a model.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest body of somebody who is not signed in: a name, a password, a way back.
const STRANGERS_BYTES_MAX: usize = 8 * 1024;

/// Who may ask at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anyone: the sign-in page, and what it looks like.
    Anyone,
    /// Whoever is signed in.
    SignedIn,
    /// Whose role may do that.
    May(Permission),
}

/// Makes a call of a request, or says why not; then has it answered.
pub(crate) async fn enter<F>(
    site: Arc<Site>,
    who: Who,
    named: Vec<String>,
    request: Request,
    handler: fn(Call) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Refused>> + Send,
{
    let back = way_back(request.method(), request.uri());
    let headers = request.headers().clone();
    // Whoever is refused keeps their frame and their language.
    let mut visitor = None;
    let answered = match call(&site, who, named, request, &mut visitor).await {
        Ok(call) => handler(call).await,
        Err(refused) => Err(refused),
    };
    answer::finished(answered.unwrap_or_else(|refused| {
        let language = language_of(&headers, visitor.as_ref());
        screens::refused(refused, Page::new(&site, visitor.as_ref(), language, &back, ""))
    }))
}

/// The page that a reader comes back to: the one that they asked for, or for what changes something the screen that it stands on.
fn way_back(method: &Method, uri: &Uri) -> String {
    if *method == Method::GET || *method == Method::HEAD {
        return uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    }
    match uri.path().split('/').nth(1).unwrap_or_default() {
        // These have no screen.
        "sign-out" | "language" => "/".to_owned(),
        screen => format!("/{screen}"),
    }
}

async fn call(
    site: &Arc<Site>,
    who: Who,
    named: Vec<String>,
    request: Request,
    known: &mut Option<SignedIn>,
) -> Result<Call, Refused> {
    let (parts, body) = request.into_parts();
    let hosts = Hosts::new(site.listening);
    hosts.check(&parts.headers).map_err(Refused::Wrong)?;
    let visitor = visitor(site, &parts.headers, still(&parts)).await?;
    known.clone_from(&visitor);
    let role = visitor.as_ref().map(|visitor| visitor.account.role);
    match (who, role) {
        (Who::Anyone, _) | (Who::SignedIn, Some(_)) => {}
        (Who::May(permission), Some(role)) if role.may(permission) => {}
        (Who::May(_), Some(_)) => return Err(Refused::NotPermitted),
        (Who::SignedIn | Who::May(_), None) => return Err(Refused::SignInFirst),
    }
    let changes = parts.method != Method::GET && parts.method != Method::HEAD;
    if changes && !from_here(&parts.headers) {
        return Err(Refused::NotOurs);
    }
    let bytes_max = if visitor.is_some() { BODY_BYTES_MAX } else { STRANGERS_BYTES_MAX };
    let (form, body) =
        if changes { read(&parts.headers, body, bytes_max).await? } else { (Fields::default(), Bytes::new()) };
    if changes && let Some(visitor) = &visitor {
        let header = parts.headers.get(FORM_TOKEN_HEADER).and_then(|value| value.to_str().ok());
        if !visitor.token.admits_form(header.unwrap_or_else(|| form.raw(FORM_TOKEN))) {
            return Err(Refused::NotOurs);
        }
    }
    let language = language_of(&parts.headers, visitor.as_ref());
    let query = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let path = parts.uri.path().to_owned();
    let back = way_back(&parts.method, &parts.uri);
    Ok(Call { site: Arc::clone(site), visitor, language, path, back, named, query, form, body, headers: parts.headers })
}

/// The form, or the body that is none.
async fn read(headers: &HeaderMap, body: axum::body::Body, bytes_max: usize) -> Result<(Fields, Bytes), Refused> {
    let body = Limited::new(body, bytes_max).collect().await;
    let body = body.map_err(|error| {
        let too_long = error.is::<http_body_util::LengthLimitError>();
        if too_long { Refused::TooLong } else { Refused::Unreadable("refused-unreadable") }
    })?;
    let body = body.to_bytes();
    let form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    Ok(if form { (Fields::parse(&body), Bytes::new()) } else { (Fields::default(), body) })
}

/// Whether a page of ours sent it, as far as the browser says: it cannot be made to lie by another page.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (text("origin"), text("host")) else { return false };
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) == Some(host)
}

async fn visitor(site: &Site, headers: &HeaderMap, still: Still) -> Result<Option<SignedIn>, Refused> {
    let Some(token) = cookie(headers, SESSION_COOKIE).and_then(SessionToken::parse) else { return Ok(None) };
    site.accounts.signed_in(token, still, site.clock.wall()).await.map_err(Refused::ours)
}

/// Whether somebody is there: a page that follows what happens asks without them.
fn still(parts: &Parts) -> Still {
    if parts.uri.path() == "/live" || parts.headers.contains_key(FOLLOWS_HEADER) { Still::Open } else { Still::There }
}

fn language_of(headers: &HeaderMap, visitor: Option<&SignedIn>) -> Language {
    let chosen = visitor.and_then(|visitor| visitor.account.language.as_deref());
    let chosen = chosen.or_else(|| cookie(headers, LANGUAGE_COOKIE)).and_then(Language::of_tag);
    chosen.unwrap_or_else(|| Language::accepted(headers))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The cookie of somebody who has signed in: for this host and its pages alone, out of scripts' reach.
pub(crate) fn signed_in_cookie(headers: &HeaderMap, token: &SessionToken) -> Result<HeaderValue, Refused> {
    let secure = if secure(headers) { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}", token.reveal());
    HeaderValue::from_str(&cookie).map_err(Refused::ours)
}

/// What the browser keeps, if somebody has signed in with it.
pub(crate) fn browser(headers: &HeaderMap) -> Option<BrowserToken> {
    cookie(headers, BROWSER_COOKIE).and_then(BrowserToken::parse)
}

/// The cookie of a browser that somebody has signed in with; it outlives the session.
pub(crate) fn browser_cookie(headers: &HeaderMap, token: &BrowserToken) -> Result<HeaderValue, Refused> {
    let secure = if secure(headers) { "; Secure" } else { "" };
    let token = token.reveal();
    let cookie =
        format!("{BROWSER_COOKIE}={token}; Path=/sign-in; HttpOnly; SameSite=Strict; Max-Age={KNOWN_SECONDS}{secure}");
    HeaderValue::from_str(&cookie).map_err(Refused::ours)
}

/// Takes the session's cookie away.
pub(crate) fn signed_out_cookie() -> HeaderValue {
    HeaderValue::from_static("gwanmun_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Plain HTTP is good on this machine alone; through a proxy or from elsewhere the cookie goes over TLS or not at all.
fn secure(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let here = ["localhost", "127.0.0.1", "[::1]"];
    let local =
        here.iter().any(|name| host == *name || host.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
    !local || gateway::public_log::forwarded(headers)
}

/// The status of a page that refuses.
pub(crate) fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
