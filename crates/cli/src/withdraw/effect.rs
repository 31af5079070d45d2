//! What changes when something is withdrawn or let back, on the terminal and for programs.

use gateway::withdrawal::{
    Subject,
    effect::{Effect, Moved, TakenPlace},
};
use serde::Serialize;

use crate::{
    failure::Failure,
    paragraph, table,
    terminal::{BAD, FAINT, Terminal},
};

/// Where nobody is left to answer.
const NOBODY: &str = "nobody";

/// What `withdraw` says to programs.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    subject: String,
    changed: bool,
    #[serde(flatten)]
    effect: &'a Effect,
}

/// As JSON, with the subject.
pub(crate) fn withdrawing<'a>(effect: &'a Effect, subject: &Subject, changed: bool) -> Told<'a> {
    Told { subject: subject.to_string(), changed, effect }
}

pub(crate) fn write(effect: &Effect, terminal: &mut Terminal) -> Result<(), Failure> {
    if effect.places.is_empty() {
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
    let rows: Vec<[String; 5]> = effect.places.iter().map(row).collect();
    table::write(terminal.out(), ["place", "provider", "processed in", "controlled by", "taken"], &rows)?;
    if !effect.models.is_empty() {
        writeln!(terminal.out())?;
    }
    for Moved { model, now, then } in &effect.models {
        let (before, after) = (told(now), told(then));
        let line = paragraph::hanging(&format!("{model}: answered by {before} now, by {after} then"), 2);
        let style = if then.is_empty() { BAD } else { anstyle::Style::new() };
        writeln!(terminal.out(), "{style}{line}{style:#}")?;
    }
    Ok(())
}

fn told(places: &[String]) -> String {
    if places.is_empty() { NOBODY.to_owned() } else { places.join(", ") }
}
