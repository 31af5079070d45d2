//! Before an owner is made or somebody's password is replaced: whoever sits there says their own password once more, on a page of its own.

use askama::Template;
use axum::response::Response;

use super::told;
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::page::{self, Page};

/// What such a form sends again.
const FIELDS: [&str; 3] = ["name", "role", "team"];

/// Where another's password is replaced.
pub(super) const RESET: &str = "/accounts/password";

#[derive(Template)]
#[template(path = "accounts-sure.html")]
struct Sure {
    page: Page,
    /// Where its form goes.
    action: &'static str,
    /// Of whom it is.
    name: String,
    /// Whether it is about another's password; about a new owner otherwise.
    reset: bool,
    fields: Vec<(&'static str, String)>,
}

/// Asks for the password where it was not said or is wrong; nothing where it was right.
pub(super) async fn asked(call: &Call, action: &'static str) -> Result<Option<Response>, Refused> {
    let given = call.form.raw("present");
    if given.is_empty() {
        return page(call, action, None).map(Some);
    }
    let account = call.account()?;
    match call.site.accounts.confirm(&account.name, given, call.now()).await {
        Ok(()) => Ok(None),
        Err(error) => {
            let told = told(call, error)?;
            page(call, action, Some(told)).map(answer::not_done).map(Some)
        }
    }
}

/// The page that asks.
pub(super) fn page(call: &Call, action: &'static str, told: Option<String>) -> Result<Response, Refused> {
    let given = |name| call.form.get(name).or_else(|| call.query.get(name));
    let fields = FIELDS.iter().filter_map(|name| Some((*name, given(name)?.to_owned())));
    let page = call.page("accounts");
    page::render(&Sure {
        page: if let Some(told) = told { page.telling(told, false) } else { page },
        action,
        name: given("name").unwrap_or_default().to_owned(),
        reset: action == RESET,
        fields: fields.collect(),
    })
}
