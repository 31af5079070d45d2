//! One's own account, and everybody's for whoever owns the gate.

pub(crate) mod closing;
pub(crate) mod sure;

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;

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
    accounts: Vec<Listed>,
    /// A password that was just made: whose, and what is shown once.
    made: Option<Made>,
    roles: [Role; 5],
    permissions: Vec<(Permission, Vec<bool>)>,
}

/// An account, and how it stands.
struct Listed {
    account: Account,
    /// Until when it lets nobody in from a browser that it does not know.
    rests_until: Option<Timestamp>,
}

/// A password that is shown once.
pub(crate) struct Made {
    name: String,
    password: String,
    /// Whether the account was made with it.
    new: bool,
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
    let not_done = if new == again {
        let accounts = &call.site.accounts;
        // Whoever sits at an open session must not take the account for good.
        let set = match accounts.confirm(&account.name, call.form.raw("present"), call.now()).await {
            Ok(()) => accounts.set_password(&account.name, new, &call.by()?).await,
            Err(error) => Err(error),
        };
        match set {
            Ok(()) => return answer::see("/sign-in"),
            Err(error) => told(&call, error)?,
        }
    } else {
        call.language.text("account-password-differs")
    };
    let page = call.page("account").telling(not_done, false);
    own(&call, page).await.map(answer::not_done)
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

async fn all(call: &Call, page: Page, made: Option<Made>) -> Result<Response, Refused> {
    let mut accounts = Vec::new();
    for account in call.site.accounts.list().await.map_err(Refused::ours)? {
        let rests_until = call.site.accounts.rests_until(&account.name, call.now()).await.map_err(Refused::ours)?;
        accounts.push(Listed { account, rests_until });
    }
    let permissions = Permission::ALL
        .iter()
        .map(|permission| (*permission, Role::ALL.iter().map(|role| role.may(*permission)).collect()));
    page::render(&AccountsPage { page, accounts, made, roles: Role::ALL, permissions: permissions.collect() })
}

pub(crate) async fn create(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    let role = role(&call)?;
    let team = call.required("team", "accounts-team-wanted")?;
    if role == Role::Owner
        && let Some(asked) = sure::asked(&call, "/accounts").await?
    {
        return Ok(asked);
    }
    let password = generate_password().map_err(Refused::ours)?;
    let wanted = Wanted { name, role, team, password: &password };
    let created = call.site.accounts.create(&wanted, &call.by()?, call.now()).await;
    let made = created.map(|_| Made { name: name.to_owned(), password, new: true });
    once(&call, made).await
}

/// Shows a password that was made, or why none was.
async fn once(call: &Call, made: Result<Made, AccountError>) -> Result<Response, Refused> {
    match made {
        Ok(made) => all(call, call.page("accounts"), Some(made)).await,
        Err(error) => {
            let page = call.page("accounts").telling(told(call, error)?, false);
            all(call, page, None).await.map(answer::not_done)
        }
    }
}

pub(crate) async fn change(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    let team = call.required("team", "accounts-team-wanted")?;
    let role = role(&call)?;
    let known = call.site.accounts.list().await.map_err(Refused::ours)?;
    let is_owner = known.iter().any(|account| &*account.name == name && account.role == Role::Owner);
    if role == Role::Owner
        && !is_owner
        && let Some(asked) = sure::asked(&call, "/accounts/change").await?
    {
        return Ok(asked);
    }
    let changed = call.site.accounts.change(name, role, team, &call.by()?, call.now()).await;
    call.site.keys.withdraw().await.map_err(Refused::ours)?;
    done(&call, changed).await
}

/// Asks whether somebody shall have another password.
pub(crate) async fn ask_reset(call: Call) -> Result<Response, Refused> {
    let name = call.query.get("name").ok_or(Refused::NotFound)?;
    let known = call.site.accounts.list().await.map_err(Refused::ours)?;
    if !known.iter().any(|account| &*account.name == name && account.closed_at.is_none()) {
        return Err(Refused::NotFound);
    }
    sure::page(&call, sure::RESET, None)
}

/// Gives somebody another password, which is shown once, and signs them out everywhere.
pub(crate) async fn reset(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    if let Some(asked) = sure::asked(&call, sure::RESET).await? {
        return Ok(asked);
    }
    let password = generate_password().map_err(Refused::ours)?;
    let set = call.site.accounts.set_password(name, &password, &call.by()?).await;
    once(&call, set.map(|()| Made { name: name.to_owned(), password, new: false })).await
}

/// Lets somebody try again at once who has tried too often, or for whom others have.
pub(crate) async fn unlock(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "accounts-name-wanted")?;
    let unlocked = call.site.accounts.unlock(name, &call.by()?).await;
    done(&call, unlocked).await
}

async fn done(call: &Call, result: Result<(), AccountError>) -> Result<Response, Refused> {
    match result {
        Ok(()) => answer::see("/accounts"),
        Err(error) => {
            let page = call.page("accounts").telling(told(call, error)?, false);
            all(call, page, None).await.map(answer::not_done)
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
        AccountError::PresentWrong => language.text("account-password-present-wrong"),
        AccountError::PresentResting(seconds) => {
            language.counted("sign-in-resting", u64::try_from(seconds).unwrap_or_default().div_ceil(60))
        }
        AccountError::Busy => return Err(Refused::Busy("refused-too-many")),
        AccountError::Password(P::TooShort(_)) => language.text("account-password-short"),
        AccountError::Password(P::TooLong) => language.text("account-password-long"),
        error @ (AccountError::Password(P::Chance(_) | P::Hash(_) | P::Unfinished) | AccountError::Database(_)) => {
            return Err(Refused::ours(error));
        }
    })
}

#[cfg(test)]
mod tests;
