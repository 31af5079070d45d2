//! What is withdrawn, from the database; how every place is doing, from the running server, which alone knows what rests.

use std::collections::BTreeMap;

use axum::body::to_bytes;
use gateway::availability::{Withdrawal, store};
use serde::Serialize;

use super::ground::Ground;
use crate::{
    failure::{Answer, Failure},
    road::Road,
    table,
    terminal::{FAINT, STRONG, Terminal},
};

/// The line of a server's metrics that tells a place's state.
const STATE: &str = "gwanmun_destination_state{";
/// The longest answer that is read of a server's metrics.
const METRICS_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Serialize)]
struct Listed {
    withdrawals: Vec<InForce>,
    places: Vec<Standing>,
    /// Whether a server told the states; otherwise only what is withdrawn is known.
    running: bool,
}

#[derive(Serialize)]
struct InForce {
    subject: String,
    cause: &'static str,
    since: String,
    by: String,
    why: String,
}

#[derive(Serialize)]
struct Standing {
    place: String,
    state: String,
}

impl From<&Withdrawal> for InForce {
    fn from(it: &Withdrawal) -> Self {
        Self {
            subject: it.subject.to_string(),
            cause: it.cause.word(),
            since: format!("{:.0}", it.since),
            by: it.by.to_string(),
            why: it.why.to_string(),
        }
    }
}

/// Lists them.
pub(super) async fn list(ground: &Ground, json: bool, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let (_, database) = ground.open().await?;
    let in_force = store::in_force(&database).await?;
    let told = states(ground).await?;
    let catalog = ground.judgement.catalog();
    let places = ground.judgement.judge().destinations().iter().filter(|place| !place.local);
    let standing = places.map(|place| {
        let withdrawn = in_force.iter().any(|it| it.subject.withdraws(place, catalog));
        // What the database says holds, though a server has a moment to follow.
        let known = told.as_ref().and_then(|told| told.get(&*place.id)).cloned();
        let state = if withdrawn { "withdrawn".to_owned() } else { known.unwrap_or_else(|| "not known".to_owned()) };
        Standing { place: place.id.to_string(), state }
    });
    let listed = Listed {
        places: standing.collect(),
        withdrawals: in_force.iter().map(InForce::from).collect(),
        running: told.is_some(),
    };
    if json {
        terminal.json(&listed)?;
    } else {
        write(&listed, terminal)?;
    }
    Ok(Answer::Yes)
}

fn write(listed: &Listed, terminal: &mut Terminal) -> Result<(), Failure> {
    if listed.withdrawals.is_empty() {
        writeln!(terminal.out(), "nothing is withdrawn")?;
    } else {
        let row =
            |it: &InForce| [it.subject.clone(), it.cause.to_owned(), it.since.clone(), it.by.clone(), it.why.clone()];
        let rows: Vec<[String; 5]> = listed.withdrawals.iter().map(row).collect();
        table::write(terminal.out(), ["withdrawn", "cause", "since", "by", "why"], &rows)?;
    }
    if listed.places.is_empty() {
        return Ok(());
    }
    writeln!(terminal.out())?;
    let rows: Vec<[String; 2]> = listed.places.iter().map(|it| [it.place.clone(), it.state.clone()]).collect();
    table::write(terminal.out(), ["place", "state"], &rows)?;
    if !listed.running {
        let note = "no server runs from this data directory: which places rest is not known";
        writeln!(terminal.out(), "\n{FAINT}{note}{FAINT:#}")?;
    }
    if !listed.withdrawals.is_empty() {
        writeln!(terminal.out(), "\n{STRONG}gwanmun restore SUBJECT{STRONG:#} says what a return would change")?;
    }
    Ok(())
}

/// How the running server says each place is doing. `None` where none runs.
async fn states(ground: &Ground) -> Result<Option<BTreeMap<String, String>>, Failure> {
    let Some(road) = Road::to_running(&ground.path)? else { return Ok(None) };
    let answer = road.get("/metrics").await?;
    let body = to_bytes(answer.into_body(), METRICS_BYTES_MAX).await;
    let body = body.map_err(|error| Failure::trouble(format!("the server's metrics cannot be read: {error}")))?;
    let text = String::from_utf8_lossy(&body);
    Ok(Some(text.lines().filter_map(state).collect()))
}

/// `gwanmun_destination_state{destination="abroad",model="m",state="ready"} 1`
fn state(line: &str) -> Option<(String, String)> {
    let (labels, value) = line.strip_prefix(STATE)?.rsplit_once("} ")?;
    let label = |name: &str| labels.split("\",").find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""));
    let place = format!("{}/{}", label("destination")?, label("model")?);
    (value.trim() == "1").then_some((place, label("state")?.trim_end_matches('"').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_metrics_tells_the_state_that_is_1() {
        let line = |state: &str, value: u8| {
            format!("gwanmun_destination_state{{destination=\"a\",model=\"v/m-1\",state=\"{state}\"}} {value}")
        };
        assert_eq!(state(&line("resting", 1)), Some(("a/v/m-1".to_owned(), "resting".to_owned())));
        assert_eq!(state(&line("ready", 0)), None);
        assert_eq!(state("gwanmun_destination_rests_total{destination=\"a\",model=\"m\"} 1"), None);
    }
}
