//! Closing an account for ever: what that means is shown first; only the second page's button does it.

use askama::Template;
use axum::response::Response;

use crate::accounts::Account;
use crate::answer::Refused;
use crate::call::Call;
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "account_close.html")]
struct Closing {
    page: Page,
    account: Account,
}

/// `GET /accounts/close`: whose account it is, and that it is for ever. It changes nothing.
pub(crate) async fn ask(call: Call) -> Result<Response, Refused> {
    let name = call.query.get("name").unwrap_or_default();
    let accounts = call.site.accounts.list().await.map_err(Refused::ours)?;
    let account = accounts.into_iter().find(|account| &*account.name == name && account.closed_at.is_none());
    let account =
        account.ok_or_else(|| Refused::Wrong(call.language.text_with("accounts-not-found", &[("name", name)])))?;
    page::render(&Closing { page: call.page("accounts"), account })
}

/// `POST /accounts/close`: does it.
pub(crate) async fn close(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    let closed = call.site.accounts.close(name, &call.by()?, call.now()).await;
    call.site.keys.withdraw().await.map_err(Refused::ours)?;
    super::done(&call, closed).await
}

#[cfg(test)]
mod tests;
