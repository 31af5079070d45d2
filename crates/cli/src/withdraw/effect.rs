//! What changes when something is withdrawn or let back: which places, and who answers each model then. From the configuration alone;
//! what policy permits to whom, and what it costs, is told by `what-if`.

use gateway::{
    judge::{Chain, Judgement},
    withdrawal::{Subject, Taken},
};
use policy::{Axis, Destination};
use serde::Serialize;

use crate::{
    failure::Failure,
    paragraph, table,
    terminal::{BAD, FAINT, Terminal},
};

/// Where nobody is left to answer.
const NOBODY: &str = "nobody";

/// What changes.
#[derive(Debug, Serialize)]
pub(crate) struct Effect {
    /// The places that the subject takes.
    pub(crate) places: Vec<TakenPlace>,
    /// The models whose answers come from elsewhere then.
    pub(crate) models: Vec<Moved>,
}

/// A place that a subject takes.
#[derive(Debug, Serialize)]
pub(crate) struct TakenPlace {
    place: String,
    /// Whether it is known to be taken; otherwise something of it is not known.
    certain: bool,
    /// Whether it counts as taken.
    withdrawn: bool,
    provider: Option<String>,
    processed_in: Option<Vec<String>>,
    controlled_by: Option<Vec<String>>,
}

/// A model whose answers come from elsewhere then.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    model: String,
    now: Vec<String>,
    then: Vec<String>,
}

/// What `withdraw` says to programs.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    subject: String,
    changed: bool,
    #[serde(flatten)]
    effect: &'a Effect,
}

impl Effect {
    /// Of `subject`, where these are withdrawn `now` and those `then`.
    pub(crate) fn of(judgement: &Judgement, subject: &Subject, now: &[Subject], then: &[Subject]) -> Self {
        let catalog = judgement.catalog();
        let place = |place: &Destination| {
            let taken = subject.takes(place, catalog);
            (taken != Taken::No).then(|| TakenPlace {
                place: place.id.to_string(),
                certain: taken == Taken::Yes,
                withdrawn: subject.withdraws(place, catalog),
                provider: place.provider.as_deref().map(str::to_owned),
                processed_in: codes(&place.processed_in),
                controlled_by: codes(&place.controlled_by),
            })
        };
        let places = judgement.judge().destinations().iter().filter_map(place).collect();
        let moved = |chain: &Chain| {
            let left = |withdrawn: &[Subject]| left(judgement, chain, withdrawn);
            let moved = Moved { model: chain.model.to_string(), now: left(now), then: left(then) };
            (moved.now != moved.then).then_some(moved)
        };
        Self { places, models: judgement.chains().iter().filter_map(moved).collect() }
    }

    /// As JSON, with the subject.
    pub(crate) fn withdrawing(&self, subject: &Subject, changed: bool) -> Told<'_> {
        Told { subject: subject.to_string(), changed, effect: self }
    }

    pub(crate) fn write(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        if self.places.is_empty() {
            writeln!(terminal.out(), "  {FAINT}no place of this configuration{FAINT:#}")?;
            return Ok(());
        }
        let unknown = || "not known".to_owned();
        let listed = |codes: &Option<Vec<String>>| codes.as_ref().map_or_else(unknown, |codes| codes.join(", "));
        let row = |it: &TakenPlace| {
            let taken = match (it.withdrawn, it.certain) {
                (true, true) => "yes",
                (true, false) => "yes, it is not known to lie within",
                (false, _) => "no, but it could be meant",
            };
            let provider = it.provider.clone().unwrap_or_else(unknown);
            let axes = [listed(&it.processed_in), listed(&it.controlled_by)];
            let [processed, controlled] = axes;
            [it.place.clone(), provider, processed, controlled, taken.to_owned()]
        };
        let rows: Vec<[String; 5]> = self.places.iter().map(row).collect();
        table::write(terminal.out(), ["place", "provider", "processed in", "controlled by", "taken"], &rows)?;
        if !self.models.is_empty() {
            writeln!(terminal.out())?;
        }
        for Moved { model, now, then } in &self.models {
            let (before, after) = (told(now), told(then));
            let line = paragraph::hanging(&format!("{model}: answered by {before} now, by {after} then"), 2);
            let style = if then.is_empty() { BAD } else { anstyle::Style::new() };
            writeln!(terminal.out(), "{style}{line}{style:#}")?;
        }
        Ok(())
    }
}

fn told(places: &[String]) -> String {
    if places.is_empty() { NOBODY.to_owned() } else { places.join(", ") }
}

/// The places of a chain that are left, in their order.
fn left(judgement: &Judgement, chain: &Chain, withdrawn: &[Subject]) -> Vec<String> {
    let destinations = judgement.judge().destinations();
    let is_left = |judged: usize| {
        destinations
            .get(judged)
            .is_some_and(|place| !withdrawn.iter().any(|subject| subject.withdraws(place, judgement.catalog())))
    };
    chain.links.iter().filter(|link| is_left(link.judged)).map(|link| link.label.to_string()).collect()
}

/// None where anything of it is not known.
fn codes(axis: &Axis) -> Option<Vec<String>> {
    let is_known = !axis.known.is_empty() && !axis.within.is_empty();
    is_known.then(|| axis.known.iter().map(ToString::to_string).collect())
}
