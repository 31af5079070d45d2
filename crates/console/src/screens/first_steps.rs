//! The first visit, in four steps: ask the local model, add a provider, choose a policy, rehearse a cut-off on a practice provider. Each
//! is done here or one page further, and what is done is marked: from the log and the configuration, not from clicks.

pub(crate) mod practice;

use askama::Template;
use axum::response::Response;
use gateway::config::Config;
use gateway::drill::store;

use crate::accounts::Permission;
use crate::answer::{self, Refused};
use crate::asking::{self, Answered};
use crate::call::Call;
use crate::page::{self, Page};
use crate::screens::configuring;
use crate::screens::jurisdictions::policy::{self, Home};

use practice::Told;

/// The longest question, in bytes.
const QUESTION_BYTES_MAX: usize = 2000;

#[derive(Template)]
#[template(path = "first-steps.html")]
struct FirstSteps {
    page: Page,
    done: [bool; 4],
    /// The local model's name; none where there is none.
    local: Option<String>,
    question: String,
    answered: Option<Answered>,
    may_ask: bool,
    destinations: Vec<String>,
    policy: String,
    shipped: &'static [&'static str],
    homes: Vec<Home>,
    may_change: bool,
    /// The file, where it is somebody else's to change.
    read_only: Option<String>,
    practice: Option<Told>,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    rendered(&call, None, None).await
}

/// `POST /first-steps/ask`: asks the local model.
pub(crate) async fn ask(call: Call) -> Result<Response, Refused> {
    let question = call.required("question", "first-steps-question-wanted")?;
    if question.len() > QUESTION_BYTES_MAX {
        return Err(Refused::Wrong(call.language.text("first-steps-question-long")));
    }
    let local = call.site.app.local().ok_or_else(|| Refused::Wrong(call.language.text("first-steps-no-local")))?;
    let answered = asking::short(&call.site, call.account()?, &local.card().name, question).await?;
    rendered(&call, Some(question), Some(answered)).await
}

/// `POST /first-steps/practice`: begins to rehearse a cut-off.
pub(crate) async fn rehearse(call: Call) -> Result<Response, Refused> {
    practice::begin(&call).await?;
    answer::see("/first-steps#practice")
}

async fn rendered(call: &Call, question: Option<&str>, answered: Option<Answered>) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    let config = &in_force.config;
    let settings = &call.site.settings;
    let asked = answered.as_ref().is_some_and(|it| it.text.is_ok());
    let drills = store::list(call.site.keys.database()).await.map_err(Refused::ours)?;
    let others: Vec<String> = config.destinations.iter().map(|it| it.name.to_string()).collect();
    let others: Vec<String> = others.into_iter().filter(|name| name != practice::NAME).collect();
    let done = [
        asked || was_asked(call).await?,
        !others.is_empty(),
        is_chosen(config),
        drills.iter().any(|drill| drill.state == "ended" && drill.report_sha256.is_some()),
    ];
    page::render(&FirstSteps {
        page: Page { path: "/first-steps".to_owned(), ..call.page("first-steps") },
        done,
        local: call.site.app.local().map(|local| local.card().name.clone()),
        question: question.map_or_else(|| call.language.text("first-steps-question"), str::to_owned),
        answered,
        may_ask: call.may(Permission::Chat),
        destinations: others,
        policy: in_force.judgement.policy().name().to_owned(),
        shipped: ::policy::Policy::SHIPPED,
        homes: policy::homes(&in_force),
        may_change: configuring::may(call),
        read_only: settings.editor.is_none().then(|| settings.path.display().to_string()),
        practice: call.site.practice.told(),
    })
}

/// Whether there has been any request, as far as the index knows.
async fn was_asked(call: &Call) -> Result<bool, Refused> {
    match call.site.index().await? {
        Some(index) => Ok(index.requests().await.map_err(Refused::ours)? > 0),
        None => Ok(false),
    }
}

/// Whether somebody has said which policy it is to be, or where they are.
fn is_chosen(config: &Config) -> bool {
    config.policy != gateway::config::Judged::default()
}

/// Whether the gate is as it was made: nobody has asked it anything, nothing is configured. Then this page is the first to see.
pub(crate) async fn is_new(call: &Call) -> Result<bool, Refused> {
    let in_force = call.site.app.in_force();
    Ok(in_force.config.destinations.is_empty() && !is_chosen(&in_force.config) && !was_asked(call).await?)
}

#[cfg(test)]
mod tests;
