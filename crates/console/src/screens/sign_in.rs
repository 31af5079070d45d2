//! Signing in and out, and the language of those who have not.

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, header};

use crate::accounts::{BrowserToken, Entered, Permission, Source};
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::entrance::{self, LANGUAGE_COOKIE};
use crate::language::Language;
use crate::page::{self, Page};
use crate::screens::first_steps;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    page: Page,
    back: String,
    name: String,
    /// Nobody has an account yet: how the first one is made.
    first: bool,
}

/// `/`: where the reader's work is.
pub(crate) async fn front(call: Call) -> Result<Response, Refused> {
    if call.visitor.is_none() {
        return answer::see("/sign-in");
    }
    answer::see(home(&call).await?)
}

async fn home(call: &Call) -> Result<&'static str, Refused> {
    if call.may(Permission::ChangeSettings) && first_steps::is_new(call).await? {
        return Ok("/first-steps");
    }
    Ok(if call.may(Permission::SeeGate) { "/overview" } else { "/chat" })
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    if call.visitor.is_some() {
        return answer::see(&back(call.query.get("back")));
    }
    let back = back(call.query.get("back"));
    let first = call.site.accounts.is_empty().await.map_err(Refused::ours)?;
    page::render(&SignIn { page: call.page("sign-in"), back, name: String::new(), first })
}

pub(crate) async fn enter(call: Call) -> Result<Response, Refused> {
    let (name, password) = (call.form.get("name").unwrap_or_default(), call.form.raw("password"));
    let agent = call.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let browser = entrance::browser(&call.headers).map_or_else(BrowserToken::generate, Ok).map_err(Refused::ours)?;
    let from = Source { agent, browser: Some(&browser) };
    let entered = call.site.accounts.enter(name, password, &from, call.now()).await.map_err(Refused::ours)?;
    call.site.app.count_sign_in(entered.word());
    let back = back(call.form.get("back"));
    let told = match entered {
        Entered::In(token) => {
            let mut response = answer::see(&back)?;
            let cookies = response.headers_mut();
            cookies.append(header::SET_COOKIE, entrance::signed_in_cookie(&call.headers, &token)?);
            cookies.append(header::SET_COOKIE, entrance::browser_cookie(&call.headers, &browser)?);
            return Ok(response);
        }
        Entered::Busy => return Err(Refused::Busy("refused-too-many")),
        Entered::Wrong => call.language.text("sign-in-wrong"),
        Entered::Resting(seconds) => {
            call.language.counted("sign-in-resting", u64::try_from(seconds).unwrap_or_default().div_ceil(60))
        }
    };
    let page = call.page("sign-in").telling(told, false);
    let rendered = page::render(&SignIn { page, back, name: name.to_owned(), first: false })?;
    Ok(answer::not_done(rendered))
}

pub(crate) async fn leave(call: Call) -> Result<Response, Refused> {
    if let Some(visitor) = &call.visitor {
        let ended = call.site.accounts.end_session(&visitor.account.name, &visitor.token.id()).await;
        ended.map_err(Refused::ours)?;
    }
    let mut response = answer::see("/sign-in")?;
    response.headers_mut().append(header::SET_COOKIE, entrance::signed_out_cookie());
    Ok(response)
}

pub(crate) async fn choose_language(call: Call) -> Result<Response, Refused> {
    let chosen = call.form.get("language").and_then(Language::of_tag);
    let language = chosen.ok_or(Refused::Unreadable("refused-unreadable"))?;
    if let Some(visitor) = &call.visitor {
        let chosen = call.site.accounts.choose_language(&visitor.account.name, language.tag()).await;
        chosen.map_err(Refused::ours)?;
    }
    let mut response = answer::see(&back(call.form.get("back")))?;
    let cookie = format!("{LANGUAGE_COOKIE}={language}; Path=/; SameSite=Strict; Max-Age=31536000");
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Refused::ours)?);
    Ok(response)
}

/// Where the reader wanted to go: a path of ours, never another host's. Browsers take control characters out of an address before they
/// read it, and what is left can name a host.
fn back(wanted: Option<&str>) -> String {
    let odd = |char: char| char == '\\' || char.is_control() || !char.is_ascii();
    let ours = |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains(odd);
    wanted.filter(ours).unwrap_or("/").to_owned()
}
