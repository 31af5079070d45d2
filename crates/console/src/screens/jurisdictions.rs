//! Jurisdictions: where destinations lie and whose law reaches them, on a map; which class of data may reach which; what would go dark
//! if some were withdrawn; what another policy would change.
//!
//! It shows what the judge says. It must not know how a request is judged.

mod grid;
mod map;
pub(crate) mod policy;

use std::collections::BTreeSet;
use std::sync::Arc;

use ::policy::Proof;
use askama::Template;
use axum::response::Response;
use gateway::app::InForce;
use gateway::what_if::{Fate, Pairs, Row, WhatIf, picture};
use gateway::withdrawal::Subject;
use tokio::sync::Mutex;

use self::grid::Line;
use self::map::Country;
use super::cut_off::{config, withdrawals};
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::page::{self, Page};
use crate::screens::asked;
use crate::screens::subjects::{self, Group};
use crate::site::Site;

#[derive(Template)]
#[template(path = "jurisdictions.html")]
struct Jurisdictions {
    page: Page,
    /// Every shape of the map, with what is known of it.
    shapes: Vec<(&'static str, &'static str)>,
    countries: Vec<Country>,
    /// Places of which nothing is known on one axis or the other.
    unknown: Vec<String>,
    teams: Vec<String>,
    team: String,
    lines: Vec<Line>,
    classes: [&'static str; 3],
    proved: Proved,
    groups: Vec<Group>,
    asked: Option<Asked>,
}

/// What was proved of the policy in force.
struct Proved {
    policy: String,
    hash: String,
    complete: bool,
    combinations: u64,
    /// In the proof's own words.
    notes: Vec<String>,
}

/// What would be.
struct Asked {
    told: String,
    /// What the picture's address asks again.
    query: String,
    pairs: Pairs,
    rows: Vec<RowTold>,
    unknown: Vec<String>,
}

/// A team and a model: today, and instead.
struct RowTold {
    team: Option<String>,
    model: String,
    classes: Vec<&'static str>,
    today: Option<String>,
    instead: Option<String>,
    /// The fate's name in messages.
    fate: &'static str,
    at_worst: Option<&'static str>,
    lost: Vec<(&'static str, String)>,
    others: Vec<String>,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let site = &call.site;
    let in_force = site.app.in_force();
    let subjects = subjects::several(&call, &config(site), &call.query)?;
    let withdrawn: Vec<Subject> = withdrawals(site).await?.into_iter().map(|it| it.subject).collect();
    let teams = teams(&call, &in_force).await?;
    let team = call.query.get("team").filter(|team| teams.iter().any(|known| known == team)).unwrap_or_default();
    let asked = if subjects.is_empty() {
        None
    } else {
        let found = asked::what_if(&call, subjects.clone()).await?;
        Some(Asked::of(&call, &in_force, &subjects, found))
    };
    let countries = map::countries(&in_force.judgement, &withdrawn);
    page::render(&Jurisdictions {
        page: call.page("jurisdictions"),
        shapes: map::shapes(&countries),
        unknown: map::unknown(&in_force.judgement),
        countries,
        lines: grid::lines(&in_force.judgement, Some(team).filter(|team| !team.is_empty()), &withdrawn),
        teams,
        team: team.to_owned(),
        classes: ::policy::Class::ALL.map(::policy::Class::word),
        proved: proved(&call, &in_force).await?,
        groups: subjects::groups(&in_force.judgement),
        asked,
    })
}

/// `GET /jurisdictions/what-if.svg`: the same as a picture, to look at and to keep.
pub(crate) async fn draw(call: Call) -> Result<Response, Refused> {
    let subjects = subjects::several(&call, &config(&call.site), &call.query)?;
    if subjects.is_empty() {
        return Err(Refused::NotFound);
    }
    let found = asked::what_if(&call, subjects).await?;
    answer::download("what-if.svg", "image/svg+xml", picture::svg(&found))
}

/// Those of the configuration and of keys in force.
async fn teams(call: &Call, in_force: &InForce) -> Result<Vec<String>, Refused> {
    let keys = call.site.keys.list().await.map_err(Refused::ours)?;
    let of_keys = keys.into_iter().filter(|key| key.revoked_at.is_none()).map(|key| key.team);
    let all: BTreeSet<String> = in_force.config.teams.keys().map(ToString::to_string).chain(of_keys).collect();
    Ok(all.into_iter().collect())
}

/// What was proved last, and of what. Shared by all pages: a policy of many facts takes long to prove.
#[derive(Default)]
pub(crate) struct Proofs(Mutex<Option<(String, Arc<Proof>)>>);

impl Proofs {
    /// The proof of what is in force: worked out once, by one page at a time, and not on a thread that answers.
    async fn of(&self, site: &Site, in_force: &Arc<InForce>) -> Result<Arc<Proof>, Refused> {
        let hashes = format!("{:?}", in_force.judgement.hashes());
        let mut kept = self.0.lock().await;
        if let Some((_, proof)) = kept.as_ref().filter(|(of, _)| *of == hashes) {
            return Ok(Arc::clone(proof));
        }
        let proving = Arc::clone(in_force);
        let proof = site.tasks.blocking("console proof", move || proving.judgement.proof()).await;
        let proof = Arc::new(proof.ok_or_else(|| Refused::ours("a policy was not proved"))?);
        *kept = Some((hashes, Arc::clone(&proof)));
        Ok(proof)
    }
}

async fn proved(call: &Call, in_force: &Arc<InForce>) -> Result<Proved, Refused> {
    let proof = call.site.proofs.of(&call.site, in_force).await?;
    let Proof { notes, combinations, complete, .. } = &*proof;
    let (combinations, complete) = (*combinations, *complete);
    let policy = in_force.judgement.policy();
    Ok(Proved {
        policy: policy.name().to_owned(),
        hash: hex::encode(policy.hash()),
        complete,
        combinations,
        notes: notes.iter().map(ToString::to_string).collect(),
    })
}

impl Asked {
    fn of(call: &Call, in_force: &InForce, asked: &[Subject], found: WhatIf) -> Self {
        let told: Vec<String> =
            asked.iter().map(|subject| subjects::told(call.language, &in_force.judgement, subject)).collect();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(asked.iter().map(|subject| ("subject", subject.to_string())));
        let mut rows: Vec<Row> = found.rows.into_iter().filter(|row| row.fate != Fate::AlreadyRefused).collect();
        // What goes dark comes first.
        rows.sort_by_key(|row| std::cmp::Reverse((row.fate, row.at_worst)));
        Self {
            told: told.join(" + "),
            query: query.finish(),
            pairs: found.pairs,
            rows: rows.into_iter().map(RowTold::of).collect(),
            unknown: found.unknown,
        }
    }
}

impl RowTold {
    fn of(row: Row) -> Self {
        let stand = |stand: gateway::what_if::Stand| format!("{} {}", stand.label, stand.axes());
        Self {
            team: row.team,
            model: row.model,
            classes: row.classes,
            today: row.today.map(stand),
            instead: row.instead.map(stand),
            fate: word(row.fate),
            at_worst: row.at_worst.map(word),
            lost: row.lost.into_iter().map(|lost| (lost.what, lost.told)).collect(),
            others: row.other_jurisdictions,
        }
    }
}

/// As messages are named.
fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::AlreadyRefused => "refused",
        Fate::Unchanged => "unchanged",
        Fate::Moves => "moves",
        Fate::Floor => "floor",
        Fate::Dark => "dark",
    }
}

#[cfg(test)]
mod tests;
