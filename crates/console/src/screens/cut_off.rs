//! The cut-off board: what answers, what rests, what is taken away, what was; withdrawals and returns; drills.
//!
//! It shows what the availability and the database say. It must not know how a withdrawal is found or a drill is held.

pub(crate) mod drilling;
pub(crate) mod report;
pub(crate) mod withdrawing;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::response::Response;
use gateway::availability::{
    State, Withdrawal,
    store::{self, Past},
};
use gateway::config::Config;
use gateway::drill::{self, Mode, store::Drill};
use gateway::judge::Judgement;
use gateway::withdrawal::Subject;
use jiff::Timestamp;
use policy::{Axis, Destination};

use crate::answer::Refused;
use crate::call::Call;
use crate::page::{self, Page};
use crate::screens::subjects::{self, Group};
use crate::site::{Site, Stand};

/// Withdrawals that ended and drills that are shown; the log has them all.
const SHOWN_MAX: usize = 50;

#[derive(Template)]
#[template(path = "cut-off.html")]
struct Board {
    page: Page,
    tally: Tally,
    destinations: Vec<Place>,
    in_force: Vec<InForce>,
    past: Vec<PastTold>,
    past_all: u64,
    groups: Vec<Group>,
    drills: Vec<DrillTold>,
    /// Models that reference questions can be asked of.
    models: Vec<String>,
    /// Whether drills can be held: they are measured from the log.
    has_log: bool,
}

/// How many places of each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    ready: u64,
    resting: u64,
    withdrawn: u64,
    /// The local floor's model has stopped.
    stopped: u64,
}

/// A destination and its models.
struct Place {
    name: String,
    /// As a whole, canonical.
    subject: String,
    local: bool,
    provider: Option<String>,
    region: Option<String>,
    processed_in: Option<String>,
    controlled_by: Option<String>,
    models: Vec<ModelStand>,
}

/// How one model of a destination is doing.
struct ModelStand {
    model: String,
    /// `ready`, `resting`, `withdrawn` or `stopped`.
    state: &'static str,
    /// Of what it rests: the outage's word.
    outage: Option<&'static str>,
    /// When it is tried again; none where that is under way.
    tried_at: Option<Timestamp>,
    withdrawn: Option<InForce>,
}

/// A withdrawal, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InForce {
    /// Canonical.
    pub(crate) subject: String,
    /// In the reader's words.
    pub(crate) told: String,
    /// The cause's word.
    pub(crate) cause: &'static str,
    pub(crate) since: Timestamp,
    pub(crate) by: String,
    pub(crate) why: String,
}

/// A withdrawal that has ended, told.
struct PastTold {
    begun: InForce,
    ended_at: String,
    ended_by: String,
    ended_why: String,
}

/// A drill, told.
pub(crate) struct DrillTold {
    pub(crate) id: String,
    pub(crate) mode: &'static str,
    pub(crate) told: String,
    /// `wanted`, `running`, `ended`.
    pub(crate) state: String,
    pub(crate) stopping: bool,
    pub(crate) wanted_at: String,
    pub(crate) by: String,
    pub(crate) span: Duration,
    pub(crate) seconds: u64,
    pub(crate) passed: u64,
    pub(crate) passed_span: Duration,
    pub(crate) requests: u64,
    pub(crate) answered: u64,
    pub(crate) degraded: u64,
    pub(crate) unanswered: u64,
    pub(crate) why: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) reported: bool,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let page = call.page("cut-off");
    board(&call, page).await
}

async fn board(call: &Call, page: Page) -> Result<Response, Refused> {
    let site = &call.site;
    let in_force = site.app.in_force();
    let judgement = &in_force.judgement;
    let database = site.keys.database();
    let withdrawals = withdrawals(site).await?;
    let (past, past_all) =
        store::past(database, u32::try_from(SHOWN_MAX).unwrap_or(u32::MAX)).await.map_err(Refused::ours)?;
    let drills = drill::store::list(database).await.map_err(Refused::ours)?;
    let destinations = destinations(call, judgement, &withdrawals);
    let past = past.into_iter().map(|past| {
        let Past { withdrawal, ended_at, ended_by, ended_why } = past;
        PastTold { begun: InForce::of(call, judgement, &withdrawal), ended_at, ended_by, ended_why }
    });
    page::render(&Board {
        page,
        tally: Tally::of(&destinations),
        destinations,
        in_force: withdrawals.iter().map(|it| InForce::of(call, judgement, it)).collect(),
        past: past.collect(),
        past_all,
        groups: subjects::groups(judgement),
        drills: drills.iter().take(SHOWN_MAX).map(|drill| DrillTold::of(call, judgement, drill)).collect(),
        models: judgement.chains().iter().map(|chain| chain.model.to_string()).collect(),
        has_log: site.recorder.log().is_some(),
    })
}

/// What is withdrawn: as the database says, which a process follows within a second, and what this process has seen itself and not
/// stored yet. The oldest first.
pub(crate) async fn withdrawals(site: &Site) -> Result<Vec<Withdrawal>, Refused> {
    let mut known = store::in_force(site.keys.database()).await.map_err(Refused::ours)?;
    for own in site.availability.withdrawals() {
        if !known.iter().any(|it| it.subject == own.subject) {
            known.push(own);
        }
    }
    known.sort_by_key(|it| it.since);
    Ok(known)
}

/// The destinations in the order of the configuration, the floor last.
fn destinations(call: &Call, judgement: &Judgement, withdrawals: &[Withdrawal]) -> Vec<Place> {
    let mut told: Vec<Place> = Vec::new();
    for place in subjects::places(judgement) {
        let model = model(call, judgement, place, withdrawals);
        if let Some(known) = told.iter_mut().find(|known| *known.name == *place.name) {
            known.models.push(model);
            continue;
        }
        told.push(Place {
            name: place.name.to_string(),
            subject: Subject::Destination(Arc::clone(&place.name)).to_string(),
            local: place.local,
            provider: place.provider.as_deref().map(str::to_owned),
            region: place.region.as_deref().map(str::to_owned),
            processed_in: axis(call, &place.processed_in),
            controlled_by: axis(call, &place.controlled_by),
            models: vec![model],
        });
    }
    told.sort_by_key(|place| place.local);
    told
}

fn model(call: &Call, judgement: &Judgement, place: &Destination, withdrawals: &[Withdrawal]) -> ModelStand {
    let site = &call.site;
    let taken = withdrawals.iter().find(|it| it.subject.withdraws(place, judgement.catalog()));
    let mut told = ModelStand {
        model: if place.local { floor_model(judgement) } else { place.model.to_string() },
        state: "ready",
        outage: None,
        tried_at: None,
        withdrawn: taken.map(|it| InForce::of(call, judgement, it)),
    };
    if told.withdrawn.is_some() {
        told.state = "withdrawn";
        return told;
    }
    let stand = site.stand(place);
    told.state = stand.word();
    match stand {
        Stand::Asked(State::Ready) | Stand::Stopped => {}
        Stand::Asked(State::Resting { until, outage }) => {
            told.outage = Some(outage.word());
            let left = until.since(site.clock.now());
            told.tried_at = (!left.is_zero()).then(|| site.clock.wall().saturating_add(left).unwrap_or(Timestamp::MAX));
        }
        // Nothing of it is kept: a drill's, or what was let back this very second.
        Stand::Asked(State::Withdrawn { cause, since }) => {
            told.withdrawn = Some(InForce {
                subject: place.id.to_string(),
                told: place.id.to_string(),
                cause: cause.word(),
                since,
                by: String::new(),
                why: String::new(),
            });
        }
    }
    told
}

fn floor_model(judgement: &Judgement) -> String {
    let links = judgement.chains().iter().flat_map(|chain| &chain.links);
    links.filter(|link| link.local).map(|link| link.model.to_string()).next().unwrap_or_default()
}

/// The codes of an axis; none where nothing is known of it. Words tell that they are not all.
fn axis(call: &Call, axis: &Axis) -> Option<String> {
    let known: Vec<&str> = axis.known.iter().map(AsRef::as_ref).collect();
    if known.is_empty() {
        return None;
    }
    let more = axis.within.is_empty().then(|| call.language.text("others-not-known"));
    Some(known.into_iter().chain(more.as_deref()).collect::<Vec<_>>().join(", "))
}

impl Tally {
    fn of(destinations: &[Place]) -> Self {
        let mut tally = Self::default();
        for model in destinations.iter().flat_map(|place| &place.models) {
            match model.state {
                "ready" => tally.ready += 1,
                "resting" => tally.resting += 1,
                "stopped" => tally.stopped += 1,
                _ => tally.withdrawn += 1,
            }
        }
        tally
    }
}

impl InForce {
    pub(crate) fn of(call: &Call, judgement: &Judgement, withdrawal: &Withdrawal) -> Self {
        Self {
            subject: withdrawal.subject.to_string(),
            told: subjects::told(call.language, judgement, &withdrawal.subject),
            cause: withdrawal.cause.word(),
            since: withdrawal.since,
            by: withdrawal.by.to_string(),
            why: withdrawal.why.to_string(),
        }
    }
}

impl DrillTold {
    pub(crate) fn of(call: &Call, judgement: &Judgement, drill: &Drill) -> Self {
        let progress = drill.progress.clone().unwrap_or_default();
        let told: Vec<String> =
            drill.plan.subjects().iter().map(|subject| subjects::told(call.language, judgement, subject)).collect();
        Self {
            id: drill.id.clone(),
            mode: drill.plan.mode.word(),
            told: told.join(" + "),
            state: drill.state.clone(),
            stopping: drill.stop_wanted && drill.state != "ended",
            wanted_at: drill.wanted_at.clone(),
            by: drill.plan.by.clone(),
            span: Duration::from_secs(drill.plan.seconds),
            seconds: drill.plan.seconds,
            passed: progress.seconds.min(drill.plan.seconds),
            passed_span: Duration::from_secs(progress.seconds.min(drill.plan.seconds)),
            requests: progress.requests,
            answered: progress.answered,
            degraded: progress.degraded,
            unanswered: progress.unanswered,
            why: drill.why.clone(),
            error: progress.error,
            reported: drill.report_sha256.is_some(),
        }
    }

    pub(crate) fn over(&self) -> bool {
        self.state == "ended"
    }
}

/// The message that says what a mode does.
pub(crate) fn mode_message(mode: Mode) -> &'static str {
    match mode {
        Mode::Replay => "cut-off-mode-replay-what",
        Mode::Shadow => "cut-off-mode-shadow-what",
        Mode::Live => "cut-off-mode-live-what",
    }
}

/// The configuration that what people choose is read against.
pub(crate) fn config(site: &Site) -> Arc<Config> {
    Arc::clone(&site.app.in_force().config)
}

#[cfg(test)]
mod tests;
