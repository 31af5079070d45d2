//! Drills from the board: a plan is shown before it is left to the server, watched while it is held, and can be stopped.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use gateway::drill::{self, Mode, Plan, PlanError, store};
use gateway::what_if::Pairs;

use super::report::{self, ReportTold};
use super::{DrillTold, config, mode_message};
use crate::accounts::Permission;
use crate::answer::{self, Refused};
use crate::call::{Call, Fields};
use crate::page::{self, Page};
use crate::screens::{asked, subjects};

/// Shares where nobody says another, in percent.
const SAMPLE: &str = "5";
const LEAST_ANSWERED: &str = "95";

#[derive(Template)]
#[template(path = "cut-off-plan.html")]
struct PlanPage {
    page: Page,
    told: String,
    mode: &'static str,
    mode_what: &'static str,
    plan: Plan,
    span: Duration,
    pairs: Pairs,
    /// What the second page's form sends again: names and values.
    fields: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "cut-off-drill.html")]
struct DrillPage {
    page: Page,
    drill: DrillTold,
    mode_what: &'static str,
    plan: Plan,
    span: Duration,
    report: Option<ReportTold>,
    /// There should be a report, and it cannot be read.
    unreadable: bool,
}

/// `GET /cut-off/drill`: what a plan would mean. It changes nothing.
pub(crate) async fn ask(call: Call) -> Result<Response, Refused> {
    let plan = plan(&call, &call.query)?;
    let judgement = &call.site.app.in_force().judgement;
    let withdrawn = plan.subjects();
    let told: Vec<String> = withdrawn.iter().map(|subject| subjects::told(call.language, judgement, subject)).collect();
    let pairs = asked::what_if(&call, withdrawn).await?.pairs;
    let mut fields: Vec<_> = plan.withdraw.iter().map(|subject| ("subject", subject.clone())).collect();
    for name in ["mode", "time", "unit", "sample", "least", "reference"] {
        fields.extend(call.query.get(name).map(|value| (name, value.to_owned())));
    }
    page::render(&PlanPage {
        page: call.page("cut-off"),
        told: told.join(" + "),
        mode: plan.mode.word(),
        mode_what: mode_message(plan.mode),
        span: Duration::from_secs(plan.seconds),
        plan,
        pairs,
        fields,
    })
}

/// `POST /cut-off/drill`: leaves it to the server.
pub(crate) async fn begin(call: Call) -> Result<Response, Refused> {
    let plan = plan(&call, &call.form)?;
    let database = call.site.keys.database();
    if call.site.recorder.log().is_none() {
        return Err(wrong(&call, "cut-off-drill-log-off"));
    }
    let id = store::new_id().map_err(Refused::ours)?;
    if !store::want_alone(database, &id, &plan, call.now()).await.map_err(Refused::ours)? {
        return Err(wrong(&call, "cut-off-drill-under-way"));
    }
    answer::see(&format!("/cut-off/drills/{id}"))
}

/// `GET /cut-off/drills/{id}`: how far it is, or what it found.
pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let drill = found(&call, call.named(0)?).await?;
    let judgement = &call.site.app.in_force().judgement;
    let report = if drill.state == "ended" && drill.report_sha256.is_some() {
        report::read(&call.site, &drill.id).await?
    } else {
        None
    };
    page::render(&DrillPage {
        page: call.page("cut-off"),
        unreadable: report.is_none() && drill.state == "ended" && drill.report_sha256.is_some(),
        report,
        mode_what: mode_message(drill.plan.mode),
        span: Duration::from_secs(drill.plan.seconds),
        plan: drill.plan.clone(),
        drill: DrillTold::of(&call, judgement, &drill),
    })
}

/// `GET /cut-off/drills/{id}/{file}`: a file of its report, to keep.
pub(crate) async fn file(call: Call) -> Result<Response, Refused> {
    let drill = found(&call, call.named(0)?).await?;
    report::file(&call.site, &drill.id, call.named(1)?).await
}

/// `POST /cut-off/drill/stop`: ends it now; the report is written first.
pub(crate) async fn stop(call: Call) -> Result<Response, Refused> {
    let id = call.required("id", "refused-unreadable")?;
    let drill = found(&call, id).await?;
    store::stop(call.site.keys.database(), &drill.id).await.map_err(Refused::ours)?;
    answer::see(&format!("/cut-off/drills/{}", drill.id))
}

async fn found(call: &Call, id: &str) -> Result<store::Drill, Refused> {
    let drill = store::get(call.site.keys.database(), id).await.map_err(Refused::ours)?;
    // The id names a folder.
    drill.filter(|drill| drill.id.bytes().all(|byte| byte.is_ascii_hexdigit())).ok_or(Refused::NotFound)
}

/// What was filled in, checked.
fn plan(call: &Call, fields: &Fields) -> Result<Plan, Refused> {
    let withdraw = subjects::several(call, &config(&call.site), fields)?;
    let mode: Mode = fields
        .get("mode")
        .and_then(|mode| mode.parse().ok())
        .ok_or_else(|| wrong(call, "cut-off-drill-mode-wanted"))?;
    let share = |name: &str, usual: &str| {
        // Half the world sets a comma where the other half sets a point.
        let typed = fields.get(name).unwrap_or(usual).replace(',', ".");
        drill::permille(&typed).ok_or_else(|| wrong(call, "cut-off-drill-share-wanted"))
    };
    let reference_model = match fields.get("reference") {
        Some(model) if call.site.app.in_force().judgement.chain(model).is_none() => {
            return Err(Refused::Wrong(call.language.text_with("cut-off-drill-no-model", &[("model", model)])));
        }
        model => model.map(str::to_owned),
    };
    let plan = Plan {
        mode,
        withdraw: withdraw.iter().map(ToString::to_string).collect(),
        seconds: seconds(fields).ok_or_else(|| wrong(call, "cut-off-drill-time-wanted"))?,
        sample_permille: share("sample", SAMPLE)?,
        least_answered_permille: share("least", LEAST_ANSWERED)?,
        reference_model,
        by: call.by()?,
    };
    // It takes something away from everybody until it ends.
    if plan.mode == Mode::Live && !call.may(Permission::Withdraw) {
        return Err(Refused::NotPermitted);
    }
    plan.checked().map_err(|error| {
        wrong(
            call,
            match error {
                PlanError::Nothing => "cut-off-subject-wanted",
                PlanError::TooLong(_) => "cut-off-drill-too-long",
                PlanError::Share => "cut-off-drill-share-wanted",
            },
        )
    })
}

/// A whole number above nothing of minutes, hours or days.
fn seconds(fields: &Fields) -> Option<u64> {
    let unit = match fields.get("unit")? {
        "minutes" => 60,
        "hours" => 3600,
        "days" => 86_400,
        _ => return None,
    };
    let number: u32 = fields.get("time")?.parse().ok()?;
    (number > 0).then(|| u64::from(number) * unit)
}

fn wrong(call: &Call, message: &str) -> Refused {
    Refused::Wrong(call.language.text(message))
}
