//! Routes: what callers can ask for, where each is answered and how those places are doing; and what would become of a request, tried
//! without sending it.

mod chains;
mod tried;

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use bytes::Bytes;
use gateway::config::Registered;
use gateway::judge::{Judgement, Question};
use gateway::keys::ListedKey;
use http::StatusCode;
use policy::Class;

use crate::accounts::Permission;
use crate::answer::Refused;
use crate::call::Call;
use crate::entrance;
use crate::page::{self, Page};

use chains::Route;
use tried::Tried;

#[derive(Template)]
#[template(path = "routes.html")]
struct RoutesPage {
    page: Page,
    routes: Vec<Route>,
    policy: String,
    policy_hash: String,
    config_hash: String,
    trial: Option<Trial>,
    tried: Option<Tried>,
}

/// The form of a dry run: what can be chosen, and what was.
struct Trial {
    text: String,
    model: String,
    key: String,
    team: String,
    /// Its word; nothing where none was chosen.
    class: &'static str,
    models: Vec<Arc<str>>,
    keys: Vec<ListedKey>,
    teams: Vec<Arc<str>>,
    classes: [Class; 3],
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let page = call.page("routes");
    all(&call, page, None).await
}

/// Tries a request. Nothing is sent, and nothing recorded.
pub(crate) async fn dry_run(call: Call) -> Result<Response, Refused> {
    let judgement = Arc::clone(&call.site.app.in_force().judgement);
    let question = match question(&call, &judgement).await? {
        Ok(question) => question,
        Err(wrong) => return told(&call, wrong).await,
    };
    let (judging, asked) = (Arc::clone(&judgement), question.clone());
    // A long text takes as long as it would take on the road: others do not wait for it.
    let explained = call.site.tasks.blocking("dry run", move || judging.explain(&asked)).await;
    let explained = explained.ok_or_else(|| Refused::ours("a dry run did not come to its end"))?;
    match explained {
        Ok(explained) => {
            let state = |place: &policy::Destination| call.site.stand(place);
            let tried = Tried::new(&explained, &judgement, &state, &question.team);
            all(&call, call.page("routes"), Some(tried)).await
        }
        Err(wrong) => told(&call, call.language.text_with("routes-not-a-request", &[("why", wrong.message())])).await,
    }
}

/// The page again, with what is wrong.
async fn told(call: &Call, wrong: String) -> Result<Response, Refused> {
    let page = call.page("routes").telling(wrong, false);
    Ok(entrance::with_status(all(call, page, None).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn all(call: &Call, page: Page, tried: Option<Tried>) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    let judgement = &in_force.judgement;
    let state = |place: &policy::Destination| call.site.stand(place);
    let routes = chains::of(judgement, &state);
    let hashes = judgement.hashes();
    let trial = if call.may(Permission::TryPolicy) { Some(trial(call, judgement).await?) } else { None };
    let short = |hash: [u8; 32]| hex::encode(hash.get(..6).unwrap_or_default());
    page::render(&RoutesPage {
        page,
        routes,
        policy: judgement.policy().name().to_owned(),
        policy_hash: short(hashes.policy),
        config_hash: hashes.config.to_string(),
        trial,
        tried,
    })
}

async fn trial(call: &Call, judgement: &Judgement) -> Result<Trial, Refused> {
    let keys = call.site.keys.list().await.map_err(Refused::ours)?;
    let field = |name: &str| call.form.get(name).unwrap_or_default().to_owned();
    let keys: Vec<ListedKey> = keys.into_iter().filter(|key| key.revoked_at.is_none()).collect();
    let mut teams: Vec<Arc<str>> = judgement.teams().cloned().collect();
    teams.extend(keys.iter().map(|key| Arc::from(key.team.as_str())));
    teams.sort();
    teams.dedup();
    Ok(Trial {
        text: call.form.raw("text").to_owned(),
        model: field("model"),
        key: field("key"),
        team: field("team"),
        class: call.form.get("class").and_then(|word| word.parse().ok()).map_or("", Class::word),
        models: judgement.chains().iter().map(|chain| Arc::clone(&chain.model)).collect(),
        keys,
        teams,
        classes: Class::ALL,
    })
}

/// What the form asks, or in the reader's words what is wrong with it.
async fn question(call: &Call, judgement: &Judgement) -> Result<Result<Question, String>, Refused> {
    let wrong = |message: &str| Ok(Err(call.language.text(message)));
    if call.form.get("text").is_none() {
        return wrong("routes-text-wanted");
    }
    let Some(first) = judgement.chains().first() else { return wrong("routes-no-models") };
    let body = Bytes::from(tried::body(call.form.raw("text"), call.form.get("model"), &first.model));
    let class = call.form.get("class").map(str::parse).transpose();
    let declared = class.map_err(|_| Refused::Unreadable("refused-unreadable"))?;
    let Some(id) = call.form.get("key") else {
        let own = &call.account()?.team;
        let team = call.form.get("team").map_or_else(|| Arc::from(&**own), Arc::from);
        return Ok(Ok(Question { body, key: "-".into(), team, registered: Registered::default(), declared }));
    };
    let keys = call.site.keys.list().await.map_err(Refused::ours)?;
    let Some(key) = keys.iter().find(|key| key.revoked_at.is_none() && key.id == id) else {
        return Ok(Err(call.language.text_with("routes-no-key", &[("name", id)])));
    };
    let registered = Registered { class: key.class, continuity: key.continuity, ..Registered::default() };
    Ok(Ok(Question { body, key: key.id.as_str().into(), team: key.team.as_str().into(), registered, declared }))
}

#[cfg(test)]
mod tests;
