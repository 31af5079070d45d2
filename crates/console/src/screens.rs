//! The screens, one file each: what a reader sees there, and what they may do.

pub(crate) mod account;
pub(crate) mod asked;
pub(crate) mod audit;
pub(crate) mod chat;
pub(crate) mod configuring;
pub(crate) mod cut_off;
pub(crate) mod destinations;
pub(crate) mod first_steps;
pub(crate) mod guard;
pub(crate) mod jurisdictions;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod overview;
pub(crate) mod requests;
pub(crate) mod routes;
pub(crate) mod set_up;
pub(crate) mod sign_in;
pub(crate) mod subjects;

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::answer::{self, Refused};
use crate::call::Call;
use crate::entrance;
use crate::page::{self, Page};

/// When too many want something at once: in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    page: Page,
    title: String,
    text: String,
}

/// The page that says why something is not done. Whoever has to sign in first is led there, and back afterwards.
pub(crate) fn refused(refused: Refused, page: Page) -> Response {
    let language = page.language;
    let status = refused.status();
    let text = match refused {
        Refused::SignInFirst => {
            let back: String = form_urlencoded::byte_serialize(page.path.as_bytes()).collect();
            return answer::see(&format!("/sign-in?back={back}")).unwrap_or_default();
        }
        Refused::NotPermitted => language.text("refused-not-permitted"),
        Refused::NotOurs => language.text("refused-not-ours"),
        Refused::NotFound => language.text("refused-not-found"),
        Refused::NotSo => language.text("refused-not-so"),
        Refused::TooLong => language.text("refused-too-long"),
        Refused::Unreadable(message) | Refused::Busy(message) => language.text(message),
        Refused::Wrong(text) => text,
        Refused::Ours(why) => {
            tracing::error!("the console could not answer: {why}");
            language.text("refused-ours")
        }
    };
    let title =
        language.text(if status == StatusCode::NOT_FOUND { "refused-title-not-found" } else { "refused-title" });
    let rendered = page::render(&RefusedPage { page, title, text });
    let mut response = entrance::with_status(rendered.unwrap_or_default(), status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

/// There is no page of that address.
pub(crate) async fn nowhere(_call: Call) -> Result<Response, Refused> {
    Err(Refused::NotFound)
}

/// There is something at that address, which is asked for in another way.
pub(crate) async fn not_so(_call: Call) -> Result<Response, Refused> {
    Err(Refused::NotSo)
}
