//! What if something were withdrawn: for every team and model what it gets today, what it would get instead, and what goes dark.
//!
//! Pure: it works out from what judges ([`Judgement`]), what the catalogue knows and what the log shows ([`Traffic`]), and changes
//! nothing. A substitute is always one that the policy permits for that class of data; it can be worse, never wider.

mod compared;
mod load;
pub mod picture;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ::policy::{Action, Class, Outcome};
use serde::Serialize;

pub use compared::axis as jurisdictions;
pub use compared::{Lost, PriceOf, Stand, amount};
pub(crate) use load::permitted;
pub use load::{Bears, Load};

use crate::{
    config::Strategy,
    contents::Contents,
    inspect::facts_of_contents,
    judge::{Chain, Judgement, Link},
    keys::Caller,
    read::Surface,
    traffic::{Read, Traffic},
    withdrawal::{
        Subject, Taken,
        subject::{taken_by, withdrawn_by},
    },
};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What would be withdrawn.
    pub subjects: Vec<Subject>,
    /// What is withdrawn already.
    pub already: Vec<Subject>,
    /// The teams of keys, with the least class of each key; those of the configuration are known.
    pub keys: Vec<(Arc<str>, Option<Class>)>,
}

/// What would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// The form of this object.
    pub v: u64,
    /// What would be withdrawn, in canonical form.
    pub withdrawn: Vec<String>,
    /// One sentence.
    pub summary: String,
    /// How many pairs of a team and a model there are, and what becomes of them.
    pub pairs: Pairs,
    /// Each pair, once for each set of classes that fares alike.
    pub rows: Vec<Row>,
    /// Every place that a chain names, and whether it would be taken.
    pub places: Vec<PlaceRow>,
    /// Which places would get how much more.
    pub moves: Vec<Load>,
    /// The part of the log that the figures are from; none where no log was read.
    pub log: Option<LogRead>,
    /// What could not be told, in sentences.
    pub unknown: Vec<String>,
}

/// What becomes of the pairs of a team and a model that get an answer today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pairs {
    /// All.
    pub all: u64,
    /// Nothing answers any more, for any class that is answered today.
    pub dark: u64,
    /// Nothing answers any more for some of their classes.
    pub dark_in_part: u64,
    /// Another remote place answers.
    pub moved: u64,
    /// The local floor answers, marked as degraded.
    pub floor: u64,
    /// As today.
    pub unchanged: u64,
    /// May go dark too: something of their place is not known.
    pub perhaps_dark: u64,
}

/// A team, a model, and the classes of data for which the same holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Any other than those named, where none.
    pub team: Option<String>,
    /// As callers ask for it.
    pub model: String,
    /// From the lowest.
    pub classes: Vec<&'static str>,
    /// What answers today; none where nothing may.
    pub today: Option<Stand>,
    /// What would become of it.
    pub fate: Fate,
    /// What would answer instead.
    pub instead: Option<Stand>,
    /// What it would be if all that cannot be told were taken too, where that is another fate.
    pub at_worst: Option<Fate>,
    /// What the substitute has not and the present place has.
    pub lost: Vec<Lost>,
    /// Jurisdictions that the substitute lies in or under and the present place does not; the policy permits them for these classes.
    pub other_jurisdictions: Vec<String>,
    /// Its requests in the part of the log that was read.
    pub requests: Option<u64>,
}

/// What becomes of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Nothing answers today either.
    AlreadyRefused,
    /// The same place answers.
    Unchanged,
    /// Another remote place answers.
    Moves,
    /// The local floor answers.
    Floor,
    /// Nothing answers.
    Dark,
}

impl Fate {
    /// As tables say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlreadyRefused => "refused today",
            Self::Unchanged => "unchanged",
            Self::Moves => "moves",
            Self::Floor => "local floor",
            Self::Dark => "dark",
        }
    }
}

/// One place, and what would become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceRow {
    /// Where it is.
    #[serde(flatten)]
    pub stand: Stand,
    /// `no`, `perhaps` or `yes`.
    pub taken: &'static str,
}

/// The part of the log that was read, and how much of it moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogRead {
    /// Which part.
    #[serde(flatten)]
    pub read: Read,
    /// Requests in it that were let in.
    pub requests: u64,
    /// Of which another place would answer, in thousandths.
    pub moved_permille: u64,
    /// Of which none would, in thousandths.
    pub dark_permille: u64,
    /// Of which their place is no longer in the configuration.
    pub unresolved: u64,
}

/// One class of one pair.
struct Case<'a> {
    class: Class,
    today: Option<&'a Link>,
    instead: Option<&'a Link>,
    fate: Fate,
    at_worst: Fate,
}

/// Works it out.
pub fn what_if(judgement: &Judgement, teams: &[Arc<str>], question: &Question, traffic: Option<&Traffic>) -> WhatIf {
    let mut rows = Vec::new();
    for team in all_teams(teams, question, traffic) {
        for chain in judgement.chains() {
            rows.extend(of_pair(judgement, team.as_ref(), chain, question, traffic));
        }
    }
    let pairs = count(&rows);
    let (moves, log) = match traffic {
        Some(traffic) => {
            let (moves, log) = load::moved(judgement, question, traffic);
            (moves, Some(log))
        }
        None => (Vec::new(), None),
    };
    let places = places(judgement, &question.subjects);
    let mut unknown = unknown(&places, question, log.as_ref());
    unknown.extend(strategies(judgement));
    let summary = summary(question, pairs, log.as_ref());
    let withdrawn = question.subjects.iter().map(ToString::to_string).collect();
    WhatIf { v: 1, withdrawn, summary, pairs, rows, places, moves, log, unknown }
}

/// Those of the configuration, of keys and of the log; where there is none, anybody.
fn all_teams(configured: &[Arc<str>], question: &Question, traffic: Option<&Traffic>) -> Vec<Option<Arc<str>>> {
    let of_keys = question.keys.iter().map(|(team, _)| Arc::clone(team));
    let seen = traffic.into_iter().flat_map(|it| &it.kinds).map(|kind| Arc::clone(&kind.team));
    let all: BTreeSet<Arc<str>> = configured.iter().cloned().chain(of_keys).chain(seen).collect();
    if all.is_empty() { vec![None] } else { all.into_iter().map(Some).collect() }
}

/// The rows of one team and one model: classes that fare alike stand in one.
fn of_pair(
    judgement: &Judgement,
    team: Option<&Arc<str>>,
    chain: &Chain,
    question: &Question,
    traffic: Option<&Traffic>,
) -> Vec<Row> {
    let least = least_class(judgement, team, chain, question);
    let mut rows: Vec<(Case<'_>, Row)> = Vec::new();
    for class in Class::ALL.into_iter().filter(|class| *class >= least) {
        let case = case(judgement, team, chain, class, question);
        let requests = traffic.map(|traffic| requests(traffic, team, chain, class));
        let alike = |(other, _): &&mut (Case<'_>, Row)| {
            (other.today, other.instead, other.at_worst) == (case.today, case.instead, case.at_worst)
        };
        if let Some((_, row)) = rows.iter_mut().find(alike) {
            row.classes.push(class.word());
            row.requests = row.requests.zip(requests).map(|(one, other)| one + other);
        } else {
            let row = row(judgement, team, chain, &case, requests);
            rows.push((case, row));
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

fn row(judgement: &Judgement, team: Option<&Arc<str>>, chain: &Chain, case: &Case<'_>, requests: Option<u64>) -> Row {
    let stand = |link: &Link| Stand::of(judgement, link);
    let (today, instead) = (case.today.map(stand), case.instead.map(stand));
    let (lost, other_jurisdictions) = match (&today, &instead) {
        (Some(today), Some(instead)) if case.fate != Fate::Unchanged => {
            (compared::lost(today, instead), compared::other_jurisdictions(today, instead))
        }
        _ => (Vec::new(), Vec::new()),
    };
    Row {
        team: team.map(ToString::to_string),
        model: chain.model.to_string(),
        classes: vec![case.class.word()],
        today,
        fate: case.fate,
        instead: instead.filter(|_| case.fate != Fate::Unchanged),
        at_worst: (case.at_worst != case.fate).then_some(case.at_worst),
        lost,
        other_jurisdictions,
        requests,
    }
}

/// The least class that a request of the team for the model can have.
fn least_class(judgement: &Judgement, team: Option<&Arc<str>>, chain: &Chain, question: &Question) -> Class {
    let nobody: Arc<str> = "".into();
    let team = team.unwrap_or(&nobody);
    let of_key = |class: Option<Class>| {
        let registered = crate::config::Registered { class, ..Default::default() };
        let (key_id, name) = (Arc::clone(&nobody), Arc::clone(&nobody));
        let caller = Caller { key_id, name, team: Arc::clone(team), registered };
        facts_of_contents(&caller, Surface::Chat, &chain.model, Arc::new(Contents::default()), judgement).class
    };
    let keys = question.keys.iter().filter(|(of, _)| of == team).map(|(_, class)| of_key(*class));
    keys.min().unwrap_or_else(|| of_key(None))
}

/// What a plain request of that class gets, and would get.
fn case<'a>(
    judgement: &Judgement,
    team: Option<&Arc<str>>,
    chain: &'a Chain,
    class: Class,
    question: &Question,
) -> Case<'a> {
    let verdict = judgement.plain(chain, team, class, Action::Infer);
    let permitted = |link: &&Link| verdict.of(link.judged).and_then(Outcome::terms).is_some();
    let there = |link: &&Link| !withdrawn(judgement, &question.already, link);
    let answering: Vec<&Link> = chain.links.iter().filter(permitted).filter(there).collect();
    let today = answering.first().copied();
    let instead = answering.iter().copied().find(|link| !withdrawn(judgement, &question.subjects, link));
    let surely = answering.iter().copied().find(|link| taken(judgement, &question.subjects, link) == Taken::No);
    Case { class, today, instead, fate: fate(today, instead), at_worst: fate(today, surely) }
}

fn fate(today: Option<&Link>, instead: Option<&Link>) -> Fate {
    match (today, instead) {
        (None, _) => Fate::AlreadyRefused,
        (Some(_), None) => Fate::Dark,
        (Some(today), Some(instead)) if today == instead => Fate::Unchanged,
        (Some(_), Some(instead)) if instead.local => Fate::Floor,
        (Some(_), Some(_)) => Fate::Moves,
    }
}

/// Whether the link's place counts as taken while these are withdrawn.
fn withdrawn(judgement: &Judgement, subjects: &[Subject], link: &Link) -> bool {
    let place = judgement.judge().destinations().get(link.judged);
    place.is_some_and(|place| withdrawn_by(subjects, place, judgement.catalog()))
}

/// What these do to the link's place.
fn taken(judgement: &Judgement, subjects: &[Subject], link: &Link) -> Taken {
    let place = judgement.judge().destinations().get(link.judged);
    place.map_or(Taken::Perhaps, |place| taken_by(subjects, place, judgement.catalog()))
}

fn requests(traffic: &Traffic, team: Option<&Arc<str>>, chain: &Chain, class: Class) -> u64 {
    let of = traffic.kinds.iter().filter(|kind| {
        team.is_none_or(|team| kind.team == *team) && kind.model == chain.model && kind.class == Some(class)
    });
    of.map(|kind| kind.requests).sum()
}

fn count(rows: &[Row]) -> Pairs {
    let mut pairs: BTreeMap<(&Option<String>, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.fate != Fate::AlreadyRefused) {
        pairs.entry((&row.team, &row.model)).or_default().push(row);
    }
    let mut counted = Pairs { all: pairs.len() as u64, ..Pairs::default() };
    for rows in pairs.values() {
        let dark = rows.iter().filter(|row| row.fate == Fate::Dark).count();
        let worst = rows.iter().map(|row| row.fate).max().unwrap_or(Fate::Unchanged);
        let place = match worst {
            Fate::Dark if dark == rows.len() => &mut counted.dark,
            Fate::Dark => &mut counted.dark_in_part,
            Fate::Floor => &mut counted.floor,
            Fate::Moves => &mut counted.moved,
            Fate::Unchanged | Fate::AlreadyRefused => &mut counted.unchanged,
        };
        *place += 1;
        counted.perhaps_dark += u64::from(dark == 0 && rows.iter().any(|row| row.at_worst == Some(Fate::Dark)));
    }
    counted
}

/// Every place that a chain names.
fn places(judgement: &Judgement, subjects: &[Subject]) -> Vec<PlaceRow> {
    let mut places: Vec<PlaceRow> = Vec::new();
    for link in judgement.chains().iter().flat_map(|chain| &chain.links) {
        let stand = Stand::of(judgement, link);
        if places.iter().any(|place| place.stand.id == stand.id) {
            continue;
        }
        let taken = match taken(judgement, subjects, link) {
            Taken::No => "no",
            Taken::Perhaps => "perhaps",
            Taken::Yes => "yes",
        };
        places.push(PlaceRow { stand, taken });
    }
    places
}

fn unknown(places: &[PlaceRow], question: &Question, log: Option<&LogRead>) -> Vec<String> {
    let mut unknown = Vec::new();
    for place in places.iter().filter(|place| place.taken == "perhaps") {
        unknown.push(format!(
            "whether `{}` would go too: where it is processed and whose law reaches it is not known in whole{}",
            place.stand.id,
            if question.subjects.iter().any(|subject| matches!(subject, Subject::Outside(_))) {
                ", so it counts as gone"
            } else {
                ""
            }
        ));
    }
    match log {
        None => unknown.push("how much traffic moves: no log was read".to_owned()),
        Some(log) if log.requests == 0 => unknown.push("how much traffic moves: the log holds no request".to_owned()),
        Some(log) if log.unresolved > 0 => unknown.push(format!(
            "what {} requests of the log would get: the configuration no longer has where they went",
            log.unresolved
        )),
        Some(_) => {}
    }
    unknown.push("rules that name single keys, and requests with findings, tools or pictures: each pair is judged as a plain request".to_owned());
    unknown
}

/// That the first of a route stands for all where the route does not always begin with it, in a sentence.
pub(crate) fn strategies(judgement: &Judgement) -> Option<String> {
    let spread =
        judgement.chains().iter().filter(|chain| chain.manner.strategy != Strategy::Order && chain.links.len() > 1);
    let named: Vec<String> = spread.map(|chain| format!("`{}`", chain.model)).collect();
    (!named.is_empty()).then(|| {
        format!(
            "how requests are spread over the destinations of {}: by its strategy any of them may come first, and here the first that is \
             permitted stands for all",
            named.join(", ")
        )
    })
}

fn summary(question: &Question, pairs: Pairs, log: Option<&LogRead>) -> String {
    let told: Vec<String> = question.subjects.iter().map(Subject::told).collect();
    let told = match told.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => "nothing".to_owned(),
    };
    let mut parts = Vec::new();
    let mut part = |count: u64, one: &str, more: &str| {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { more }));
        }
    };
    part(pairs.dark_in_part, "goes dark for some classes of data", "go dark for some classes of data");
    part(pairs.moved, "moves to another provider", "move to another provider");
    part(pairs.floor, "answers from the local floor", "answer from the local floor");
    part(pairs.unchanged, "stays as it is", "stay as they are");
    part(pairs.perhaps_dark, "may go dark too", "may go dark too");
    let verb = if pairs.dark == 1 { "goes" } else { "go" };
    let mut summary = format!("with {told} withdrawn: {} of {} team-model pairs {verb} dark", pairs.dark, pairs.all);
    if !parts.is_empty() {
        summary = format!("{summary}, {}", parts.join(", "));
    }
    if let Some(log) = log.filter(|log| log.requests > 0) {
        let days = log.read.until.saturating_sub(log.read.from).div_ceil(86_400).max(1);
        let (moved, plural) = (percent(log.moved_permille), if days == 1 { "" } else { "s" });
        summary = format!("{summary}; {moved} of the requests of the last {days} day{plural} move");
        if log.dark_permille > 0 {
            summary = format!("{summary}, {} get no answer", percent(log.dark_permille));
        }
    }
    summary
}

/// Thousandths as people read them: `41 %`, `0.4 %`.
pub fn percent(permille: u64) -> String {
    match permille {
        0 => "0 %".to_owned(),
        1..100 => format!("{}.{} %", permille / 10, permille % 10),
        _ => format!("{} %", (permille + 5) / 10),
    }
}

#[cfg(test)]
mod tests;
