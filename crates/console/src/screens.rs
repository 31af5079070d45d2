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
use http::StatusCode;

use crate::answer::{self, Refused};
use crate::entrance;
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    page: Page,
    title: String,
    text: String,
}

/// The page that says why something is not done. Whoever has to sign in first is led there, and back afterwards.
pub(crate) fn refused(refused: Refused, page: Page, path: &str) -> Response {
    let language = page.language;
    let status = refused.status();
    let text = match refused {
        Refused::SignInFirst => {
            let back: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            return answer::see(&format!("/sign-in?back={back}")).unwrap_or_default();
        }
        Refused::NotPermitted => language.text("refused-not-permitted"),
        Refused::NotOurs => language.text("refused-not-ours"),
        Refused::NotFound => language.text("refused-not-found"),
        Refused::Unreadable(message) => language.text(message),
        Refused::Wrong(text) => text,
        Refused::Ours(why) => {
            tracing::error!("the console could not answer: {why}");
            language.text("refused-ours")
        }
    };
    let title =
        language.text(if status == StatusCode::NOT_FOUND { "refused-title-not-found" } else { "refused-title" });
    let rendered = page::render(&RefusedPage { page, title, text });
    entrance::with_status(rendered.unwrap_or_default(), status)
}
