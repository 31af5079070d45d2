//! Withdrawing and restoring: what it would change is shown first; only the second page's button does it.

use askama::Template;
use axum::response::Response;
use gateway::availability::{Cause, Withdrawal, store};
use gateway::judge::Judgement;
use gateway::what_if::Pairs;
use gateway::withdrawal::{self, Subject, effect::Effect};

use super::{InForce, config, withdrawals};
use crate::answer::{self, Refused};
use crate::call::{Call, Fields};
use crate::page::{self, Page};
use crate::screens::{asked, subjects};

#[derive(Template)]
#[template(path = "cut-off-confirm.html")]
struct Confirm {
    page: Page,
    /// `withdraw` or `restore`.
    act: &'static str,
    subject: String,
    told: String,
    /// In force already, with what is known of it.
    known: Option<InForce>,
    /// Whether the act would change anything.
    changes: bool,
    effect: Effect,
    /// None where nothing would change.
    pairs: Option<Pairs>,
    why: String,
}

/// `GET /cut-off/withdraw`: what it takes away. It changes nothing.
pub(crate) async fn ask_withdraw(call: Call) -> Result<Response, Refused> {
    let subject = subjects::one(&call, &config(&call.site), &call.query)?;
    let why = reason(&call, &call.query)?.to_owned();
    let in_force = call.site.app.in_force();
    let all = withdrawals(&call.site).await?;
    let known = all.iter().find(|it| it.subject == subject);
    let now: Vec<Subject> = all.iter().map(|it| it.subject.clone()).collect();
    let then: Vec<Subject> = now.iter().cloned().chain([subject.clone()]).collect();
    let changes = known.is_none_or(|known| Cause::Operator.outranks(known.cause));
    let pairs = match known {
        None => Some(asked::what_if(&call, vec![subject.clone()]).await?.pairs),
        Some(_) => None,
    };
    confirm(&call, &in_force.judgement, "withdraw", (&subject, known), (&now, &then), (changes, pairs, why))
}

/// `POST /cut-off/withdraw`: does it.
pub(crate) async fn withdraw(call: Call) -> Result<Response, Refused> {
    let subject = subjects::one(&call, &config(&call.site), &call.form)?;
    let why = reason(&call, &call.form)?;
    let withdrawal = Withdrawal {
        subject,
        cause: Cause::Operator,
        since: call.now(),
        by: call.by()?.into(),
        why: why.into(),
        notice: None,
    };
    store::begin(call.site.keys.database(), &withdrawal).await.map_err(Refused::ours)?;
    answer::see("/cut-off")
}

/// `GET /cut-off/restore`: since when, why, and what would come back. It changes nothing.
pub(crate) async fn ask_restore(call: Call) -> Result<Response, Refused> {
    let (subject, all) = withdrawn(&call, &call.query).await?;
    let in_force = call.site.app.in_force();
    let known = all.iter().find(|it| it.subject == subject);
    let now: Vec<Subject> = all.iter().map(|it| it.subject.clone()).collect();
    let then: Vec<Subject> = now.iter().filter(|it| **it != subject).cloned().collect();
    let told = (true, None, String::new());
    confirm(&call, &in_force.judgement, "restore", (&subject, known), (&now, &then), told)
}

/// `POST /cut-off/restore`: approves it.
pub(crate) async fn restore(call: Call) -> Result<Response, Refused> {
    let (subject, _) = withdrawn(&call, &call.form).await?;
    let why = reason(&call, &call.form)?;
    let how = store::Return::Approved;
    let ended = store::end(call.site.keys.database(), &subject, (&call.by()?, why), how, call.now()).await;
    if ended.map_err(Refused::ours)?.is_none() {
        return Err(not_withdrawn(&call, &subject.to_string()));
    }
    answer::see("/cut-off")
}

/// The withdrawal that is meant. What is withdrawn may be of a name that the configuration no longer has.
async fn withdrawn(call: &Call, fields: &Fields) -> Result<(Subject, Vec<Withdrawal>), Refused> {
    let typed = fields.get("subject").unwrap_or_default();
    let all = withdrawals(&call.site).await?;
    let found = all.iter().find(|it| it.subject.to_string() == typed).map(|it| it.subject.clone());
    found.map(|subject| (subject, all)).ok_or_else(|| not_withdrawn(call, typed))
}

fn not_withdrawn(call: &Call, subject: &str) -> Refused {
    Refused::Wrong(call.language.text_with("cut-off-not-withdrawn", &[("subject", subject)]))
}

/// A reason that can stand in an entry.
fn reason<'a>(call: &Call, fields: &'a Fields) -> Result<&'a str, Refused> {
    let typed = fields.get("why").unwrap_or_default();
    withdrawal::reason(typed).ok_or_else(|| Refused::Wrong(call.language.text("cut-off-why-wanted")))
}

fn confirm(
    call: &Call,
    judgement: &Judgement,
    act: &'static str,
    (subject, known): (&Subject, Option<&Withdrawal>),
    (now, then): (&[Subject], &[Subject]),
    (changes, pairs, why): (bool, Option<Pairs>, String),
) -> Result<Response, Refused> {
    page::render(&Confirm {
        page: call.page("cut-off"),
        act,
        subject: subject.to_string(),
        told: subjects::told(call.language, judgement, subject),
        known: known.map(|it| InForce::of(call, judgement, it)),
        changes,
        effect: Effect::of(judgement, subject, now, then),
        pairs,
        why,
    })
}
