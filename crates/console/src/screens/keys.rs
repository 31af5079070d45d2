//! Teams and keys: who may call, since when, and when they last did. A key is shown once, on the page that answers its making; it is in
//! no address and on no other page.

mod teams;

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use gateway::config::Continuity;
use gateway::keys::{KeyStoreError, ListedKey, NewKey, OWN_KEYS_MAX, WantedKey};
use policy::Class;

use crate::accounts::Permission;
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::page::{self, Page};

use teams::Team;

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    page: Page,
    teams: Vec<Team>,
    /// Whether it is known when keys were used: it is read from the log.
    uses_known: bool,
    may_change: bool,
    made: Option<Made>,
    wanted: Wanted,
    classes: [Class; 3],
    continuities: [Continuity; 2],
}

/// A key that was just made, with its text.
struct Made {
    text: String,
    name: String,
    /// Whether it took the place of another.
    replaces: bool,
}

/// What the form was filled with, so that nobody fills it twice.
#[derive(Default)]
struct Wanted {
    name: String,
    team: String,
    /// Its word; nothing where none was chosen.
    class: &'static str,
    /// The same.
    continuity: &'static str,
}

#[derive(Template)]
#[template(path = "key_ends.html")]
struct Ends {
    page: Page,
    key: ListedKey,
    last_used: Option<teams::Used>,
    uses_known: bool,
    /// Whether a new one takes its place.
    replaced: bool,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    all(&call, call.page("keys"), None, Wanted::default()).await
}

async fn all(call: &Call, page: Page, made: Option<Made>, wanted: Wanted) -> Result<Response, Refused> {
    let keys = call.site.keys.list().await.map_err(Refused::ours)?;
    let used = used(call).await?;
    let uses_known = used.is_some();
    let in_force = call.site.app.in_force();
    let teams = teams::of(&in_force.config.teams, keys, &used.unwrap_or_default());
    page::render(&KeysPage {
        page,
        teams,
        uses_known,
        may_change: call.may(Permission::ManageKeys),
        made,
        wanted,
        classes: Class::ALL,
        continuities: [Continuity::Error, Continuity::Splice],
    })
}

/// When each key was used, by its id; none where no log is kept.
async fn used(call: &Call) -> Result<Option<HashMap<String, teams::Used>>, Refused> {
    let Some(index) = call.site.index().await? else { return Ok(None) };
    let names = index.last_used().await.map_err(Refused::ours)?;
    Ok(Some(names.into_iter().map(|name| (name.name.clone(), teams::Used::of(&name))).collect()))
}

pub(crate) async fn create(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "keys-name-wanted")?;
    let team = call.required("team", "keys-team-wanted")?;
    let unreadable = |_| Refused::Unreadable("refused-unreadable");
    let class = call.form.get("class").map(str::parse::<Class>).transpose().map_err(unreadable)?;
    let continuity = match call.form.get("continuity") {
        Some(word) => Some(Continuity::of_word(word).ok_or(Refused::Unreadable("refused-unreadable"))?),
        None => None,
    };
    let wanted = WantedKey { class, continuity, ..WantedKey::new(name, team) };
    match call.site.keys.create(&wanted, &call.by()?, call.now()).await {
        Ok(made) => all(&call, call.page("keys"), Some(shown(&made, false)), Wanted::default()).await,
        Err(error) => {
            let page = call.page("keys").telling(told(&call, error)?, false);
            let class = class.map_or("", Class::word);
            let continuity = continuity.map_or("", Continuity::word);
            let filled = Wanted { name: name.to_owned(), team: team.to_owned(), class, continuity };
            all(&call, page, None, filled).await.map(answer::not_done)
        }
    }
}

/// Asks whether a new one shall take its place.
pub(crate) async fn ask_rotate(call: Call) -> Result<Response, Refused> {
    ask(&call, true).await
}

/// Asks whether it shall end.
pub(crate) async fn ask_revoke(call: Call) -> Result<Response, Refused> {
    ask(&call, false).await
}

async fn ask(call: &Call, replaced: bool) -> Result<Response, Refused> {
    let id = call.named(0)?;
    let keys = call.site.keys.list().await.map_err(Refused::ours)?;
    let key = keys.into_iter().find(|key| key.id == id && key.revoked_at.is_none()).ok_or(Refused::NotFound)?;
    let used = used(call).await?;
    let uses_known = used.is_some();
    let last_used = used.and_then(|mut used| used.remove(id));
    page::render(&Ends { page: call.page("keys"), key, last_used, uses_known, replaced })
}

pub(crate) async fn rotate(call: Call) -> Result<Response, Refused> {
    let id = call.required("id", "refused-unreadable")?;
    match call.site.keys.rotate(id, &call.by()?, call.now()).await {
        Ok(made) => all(&call, call.page("keys"), Some(shown(&made, true)), Wanted::default()).await,
        Err(error) => failed(&call, error).await,
    }
}

pub(crate) async fn revoke(call: Call) -> Result<Response, Refused> {
    let id = call.required("id", "refused-unreadable")?;
    match call.site.keys.revoke(id, &call.by()?, call.now()).await {
        Ok(_) => answer::see("/keys"),
        Err(error) => failed(&call, error).await,
    }
}

async fn failed(call: &Call, error: KeyStoreError) -> Result<Response, Refused> {
    let page = call.page("keys").telling(told(call, error)?, false);
    all(call, page, None, Wanted::default()).await.map(answer::not_done)
}

fn shown(made: &NewKey, replaces: bool) -> Made {
    Made { text: made.text.reveal().to_owned(), name: made.listed.name.clone(), replaces }
}

/// What went wrong, in the reader's language; what is our fault goes to the log.
pub(crate) fn told(call: &Call, error: KeyStoreError) -> Result<String, Refused> {
    let language = call.language;
    Ok(match error {
        KeyStoreError::BadName { what: "team", name } => language.text_with("keys-bad-team", &[("team", &name)]),
        KeyStoreError::BadName { name, .. } => language.text_with("keys-bad-name", &[("name", &name)]),
        KeyStoreError::NameTaken { name } => language.text_with("keys-name-taken", &[("name", &name)]),
        KeyStoreError::TooMany => {
            language.text_with("keys-too-many", &[("most", &language.number(OWN_KEYS_MAX as u64))])
        }
        KeyStoreError::NotFound { wanted } => language.text_with("keys-not-found", &[("name", &wanted)]),
        error @ (KeyStoreError::Chance(_) | KeyStoreError::Database(_)) => return Err(Refused::ours(error)),
    })
}

#[cfg(test)]
mod tests;
