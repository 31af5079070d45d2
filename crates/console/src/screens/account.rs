//! One's own account, and everybody's for whoever owns the gate.

use askama::Template;
use axum::response::Response;

use crate::accounts::{Account, AccountError, Permission, Role, Session, Wanted, generate_password};
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    role: Role,
    team: String,
    sessions: Vec<Session>,
    /// The one that asks.
    this: String,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    page: Page,
    accounts: Vec<Account>,
    /// The password of an account that was just made: its name, and what is shown once.
    made: Option<(String, String)>,
    roles: [Role; 5],
    permissions: Vec<(String, Vec<bool>)>,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let page = call.page("account");
    own(&call, page).await
}

async fn own(call: &Call, page: Page) -> Result<Response, Refused> {
    let account = call.account()?;
    let sessions = call.site.accounts.sessions(&account.name, call.now()).await.map_err(Refused::ours)?;
    let this = call.visitor.as_ref().map(|visitor| visitor.token.id()).unwrap_or_default();
    page::render(&AccountPage { page, role: account.role, team: account.team.to_string(), sessions, this })
}

pub(crate) async fn set_password(call: Call) -> Result<Response, Refused> {
    let account = call.account()?;
    let (new, again) = (call.form.raw("password"), call.form.raw("again"));
    if new != again {
        let page = call.page("account").telling(call.language.text("account-password-differs"), false);
        return own(&call, page).await;
    }
    match call.site.accounts.set_password(&account.name, new, &call.by()?).await {
        Ok(()) => answer::see("/sign-in"),
        Err(error) => {
            let page = call.page("account").telling(told(&call, error)?, false);
            own(&call, page).await
        }
    }
}

pub(crate) async fn end_session(call: Call) -> Result<Response, Refused> {
    let account = call.account()?;
    let id = call.required("id", "refused-unreadable")?;
    call.site.accounts.end_session(&account.name, id).await.map_err(Refused::ours)?;
    answer::see("/account")
}

pub(crate) async fn list(call: Call) -> Result<Response, Refused> {
    let page = call.page("accounts");
    all(&call, page, None).await
}

async fn all(call: &Call, page: Page, made: Option<(String, String)>) -> Result<Response, Refused> {
    let accounts = call.site.accounts.list().await.map_err(Refused::ours)?;
    let permissions = Permission::ALL.iter().map(|permission| {
        let name = format!("{permission:?}");
        (name, Role::ALL.iter().map(|role| role.may(*permission)).collect())
    });
    page::render(&AccountsPage { page, accounts, made, roles: Role::ALL, permissions: permissions.collect() })
}

pub(crate) async fn create(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    let role = role(&call)?;
    let team = call.required("team", "accounts-team-wanted")?;
    let password = generate_password().map_err(Refused::ours)?;
    let wanted = Wanted { name, role, team, password: &password };
    let (page, made) = match call.site.accounts.create(&wanted, &call.by()?, call.now()).await {
        Ok(_) => (call.page("accounts"), Some((name.to_owned(), password))),
        Err(error) => (call.page("accounts").telling(told(&call, error)?, false), None),
    };
    all(&call, page, made).await
}

pub(crate) async fn change(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    let team = call.required("team", "accounts-team-wanted")?;
    let changed = call.site.accounts.change(name, role(&call)?, team, &call.by()?).await;
    done(&call, changed).await
}

pub(crate) async fn close(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    let closed = call.site.accounts.close(name, &call.by()?, call.now()).await;
    done(&call, closed).await
}

async fn done(call: &Call, result: Result<(), AccountError>) -> Result<Response, Refused> {
    match result {
        Ok(()) => answer::see("/accounts"),
        Err(error) => {
            let page = call.page("accounts").telling(told(call, error)?, false);
            all(call, page, None).await
        }
    }
}

fn role(call: &Call) -> Result<Role, Refused> {
    call.required("role", "refused-unreadable")?.parse().map_err(|_| Refused::Unreadable("refused-unreadable"))
}

/// What went wrong, in the reader's language; what is our fault goes to the log.
fn told(call: &Call, error: AccountError) -> Result<String, Refused> {
    use crate::accounts::PasswordError as P;
    let language = call.language;
    Ok(match error {
        AccountError::BadName(name) => language.text_with("accounts-bad-name", &[("name", &name)]),
        AccountError::BadTeam(team) => language.text_with("accounts-bad-team", &[("team", &team)]),
        AccountError::NameTaken(name) => language.text_with("accounts-name-taken", &[("name", &name)]),
        AccountError::NotFound(name) => language.text_with("accounts-not-found", &[("name", &name)]),
        AccountError::LastOwner(name) => language.text_with("accounts-last-owner", &[("name", &name)]),
        AccountError::Password(P::TooShort(_)) => language.text("account-password-short"),
        AccountError::Password(P::TooLong) => language.text("account-password-long"),
        error @ (AccountError::Password(P::Chance(_) | P::Hash(_)) | AccountError::Database(_)) => {
            return Err(Refused::ours(error));
        }
    })
}
