//! Every address of the console: its path, who may ask there, and which screen answers.
//!
//! A test walks this table with each role. It must not know how the entrance finds out who asks.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use axum::routing::{get, post};
use http::{Method, header};
use tower::ServiceExt as _;

use crate::accounts::Permission as P;
use crate::answer::Refused;
use crate::assets;
use crate::call::Call;
use crate::entrance::{self, Who};
use crate::live;
use crate::screens::{
    self, account, audit, chat, cut_off, destinations, first_steps, guard, jurisdictions, keys, models, overview,
    requests, routes, set_up, sign_in,
};
use crate::site::{Parts, Site};

/// Everything that the console's port answers: the console, and beside it what strangers may have. Needs no socket.
pub fn router(parts: Parts) -> Router {
    let site = Site::new(parts);
    live::follow(&site);
    table(&site).router()
}

/// One address.
#[derive(Clone, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "a test walks the table"))]
pub(crate) struct Address {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) who: Who,
}

/// The router, and the list that tests walk.
pub(crate) struct Addresses {
    site: Arc<Site>,
    router: Router,
    pub(crate) listed: Vec<Address>,
}

pub(crate) fn table(site: &Arc<Site>) -> Addresses {
    let table = Addresses { site: Arc::clone(site), router: assets::router(), listed: Vec::new() };
    let table = table.page("/", Who::Anyone, sign_in::front);
    evidence(steering(asking(entering(table))))
}

/// Who somebody is: signing in, their account, everybody's accounts, and what keeps their pages fresh.
fn entering(table: Addresses) -> Addresses {
    table
        .page("/sign-in", Who::Anyone, sign_in::show)
        .action("/sign-in", Who::Anyone, sign_in::enter)
        .action("/sign-out", Who::SignedIn, sign_in::leave)
        .action("/language", Who::Anyone, sign_in::choose_language)
        .page("/account", Who::SignedIn, account::show)
        .action("/account/password", Who::SignedIn, account::set_password)
        .action("/account/session", Who::SignedIn, account::end_session)
        .page("/accounts", Who::May(P::ManageAccounts), account::list)
        .action("/accounts", Who::May(P::ManageAccounts), account::create)
        .action("/accounts/change", Who::May(P::ManageAccounts), account::change)
        .page("/accounts/close", Who::May(P::ManageAccounts), account::closing::ask)
        .action("/accounts/close", Who::May(P::ManageAccounts), account::closing::close)
        .page("/accounts/password", Who::May(P::ManageAccounts), account::ask_reset)
        .action("/accounts/password", Who::May(P::ManageAccounts), account::reset)
        .action("/accounts/unlock", Who::May(P::ManageAccounts), account::unlock)
        .page("/live", Who::SignedIn, live::events)
}

/// What people ask with: the chat, a key of their own, keys of teams.
fn asking(table: Addresses) -> Addresses {
    table
        .page("/chat", Who::May(P::Chat), chat::show)
        .action("/chat/ask", Who::May(P::Chat), chat::ask)
        .page("/set-up", Who::SignedIn, set_up::show)
        .action("/set-up/keys", Who::May(P::Chat), set_up::make_key)
        .action("/set-up/keys/end", Who::May(P::Chat), set_up::end_key)
        .page("/keys", Who::May(P::SeeGate), keys::show)
        .action("/keys", Who::May(P::ManageKeys), keys::create)
        .page("/keys/{id}/replace", Who::May(P::ManageKeys), keys::ask_rotate)
        .page("/keys/{id}/revoke", Who::May(P::ManageKeys), keys::ask_revoke)
        .action("/keys/rotate", Who::May(P::ManageKeys), keys::rotate)
        .action("/keys/revoke", Who::May(P::ManageKeys), keys::revoke)
}

/// How the gate stands, and what steers it.
fn steering(table: Addresses) -> Addresses {
    table
        .page("/first-steps", Who::May(P::ChangeSettings), first_steps::show)
        .action("/first-steps/ask", Who::May(P::ChangeSettings), first_steps::ask)
        .action("/first-steps/practice", Who::May(P::ChangeSettings), first_steps::rehearse)
        .page("/overview", Who::May(P::SeeGate), overview::show)
        .page("/cut-off", Who::May(P::SeeGate), cut_off::show)
        .page("/cut-off/withdraw", Who::May(P::Withdraw), cut_off::withdrawing::ask_withdraw)
        .action("/cut-off/withdraw", Who::May(P::Withdraw), cut_off::withdrawing::withdraw)
        .page("/cut-off/restore", Who::May(P::Restore), cut_off::withdrawing::ask_restore)
        .action("/cut-off/restore", Who::May(P::Restore), cut_off::withdrawing::restore)
        .page("/cut-off/drill", Who::May(P::Drill), cut_off::drilling::ask)
        .action("/cut-off/drill", Who::May(P::Drill), cut_off::drilling::begin)
        .action("/cut-off/drill/stop", Who::May(P::Drill), cut_off::drilling::stop)
        .page("/cut-off/drills/{id}", Who::May(P::SeeGate), cut_off::drilling::show)
        .page("/cut-off/drills/{id}/{file}", Who::May(P::SeeGate), cut_off::drilling::file)
        .page("/jurisdictions", Who::May(P::SeeGate), jurisdictions::show)
        .page("/jurisdictions/what-if.svg", Who::May(P::SeeGate), jurisdictions::draw)
        .page("/jurisdictions/policy", Who::May(P::TryPolicy), jurisdictions::policy::show)
        .action("/jurisdictions/policy", Who::May(P::TryPolicy), jurisdictions::policy::compare)
        .action("/jurisdictions/policy/use", Who::May(P::ChangeSettings), jurisdictions::policy::take)
        .page("/destinations", Who::May(P::SeeGate), destinations::show)
        .action("/destinations", Who::May(P::ChangeSettings), destinations::create)
        .action("/destinations/key", Who::May(P::ChangeSettings), destinations::set_key)
        .action("/destinations/try", Who::May(P::ChangeSettings), destinations::try_model)
        .page("/destinations/{name}/remove", Who::May(P::ChangeSettings), destinations::ask_remove)
        .action("/destinations/remove", Who::May(P::ChangeSettings), destinations::remove)
        .page("/models", Who::May(P::SeeGate), models::show)
        .action("/models/pull", Who::May(P::ManageModels), models::files::pull)
        .action("/models/pull/stop", Who::May(P::ManageModels), models::files::stop)
        .action("/models/choose", Who::May(P::ChangeSettings), models::files::choose)
        .page("/models/{name}/remove", Who::May(P::ManageModels), models::files::ask_remove)
        .action("/models/remove", Who::May(P::ManageModels), models::files::remove)
}

/// What would become of a request, what became of those there were, and the log.
fn evidence(table: Addresses) -> Addresses {
    table
        .page("/routes", Who::May(P::SeeGate), routes::show)
        .action("/routes", Who::May(P::TryPolicy), routes::dry_run)
        .page("/guard", Who::May(P::TryPolicy), guard::show)
        .action("/guard", Who::May(P::TryPolicy), guard::look)
        .page("/requests", Who::May(P::SeeRequests), requests::list)
        .page("/requests.csv", Who::May(P::SeeRequests), requests::file)
        .page("/requests/{id}", Who::May(P::SeeRequests), requests::show)
        .page("/audit", Who::May(P::SeeLog), audit::show)
        .page("/audit/entry/{entry}", Who::May(P::SeeLog), audit::entry)
        .page("/audit/proof/{entry}", Who::May(P::SeeLog), audit::proof)
        // Strangers are told why not, or given them where the configuration says so.
        .page("/log/tile/entries/{*tile}", Who::Anyone, audit::bundle)
}

impl Addresses {
    pub(crate) fn router(self) -> Router {
        let (nowhere, not_so) = (Arc::clone(&self.site), self.site);
        self.router.fallback(move |request: Request| elsewhere(nowhere, request)).method_not_allowed_fallback(
            move |request: Request| entrance::enter(not_so, Who::Anyone, Vec::new(), request, screens::not_so),
        )
    }

    fn page<F>(self, path: &'static str, who: Who, handler: fn(Call) -> F) -> Self
    where
        F: Future<Output = Result<Response, Refused>> + Send + 'static,
    {
        self.add(Method::GET, path, who, handler)
    }

    /// What changes something.
    fn action<F>(self, path: &'static str, who: Who, handler: fn(Call) -> F) -> Self
    where
        F: Future<Output = Result<Response, Refused>> + Send + 'static,
    {
        self.add(Method::POST, path, who, handler)
    }

    fn add<F>(mut self, method: Method, path: &'static str, who: Who, handler: fn(Call) -> F) -> Self
    where
        F: Future<Output = Result<Response, Refused>> + Send + 'static,
    {
        let site = Arc::clone(&self.site);
        let enter = move |named: RawPathParams, request: Request| {
            let named = named.iter().map(|(_, value)| value.to_owned()).collect();
            entrance::enter(Arc::clone(&site), who, named, request, handler)
        };
        let answered = if method == Method::GET { get(enter) } else { post(enter) };
        self.router = self.router.route(path, answered);
        self.listed.push(Address { method, path, who });
        self
    }
}

/// What is no address of the console: people get a page that says so, programs what strangers may have.
async fn elsewhere(site: Arc<Site>, request: Request) -> Response {
    let path = request.uri().path();
    let strangers = ["/log", "/witness", "/health"].iter().any(|known| path.starts_with(known));
    let accepted = request.headers().get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if request.method() == Method::GET && !strangers && accepted.is_some_and(|accepted| accepted.contains("text/html"))
    {
        return entrance::enter(site, Who::Anyone, Vec::new(), request, screens::nowhere).await;
    }
    // It answers everything.
    site.public_log.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

#[cfg(test)]
mod tests;
