//! Which class of data may reach which jurisdiction, and at which places: the judge asked for a plain request of each class by each
//! model's route, as `gwanmun check` does. It must not know how it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateway::judge::Judgement;
use gateway::what_if::jurisdictions;
use gateway::withdrawal::{Subject, subject::withdrawn_by};
use policy::{Action, Class, Outcome};

use crate::screens::subjects::{named_place, places};

/// A jurisdiction, and what may reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Empty: not known.
    pub(super) name: String,
    /// The places of each class, from the lowest.
    pub(super) classes: Vec<Vec<Reached>>,
}

/// A place that a class may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) place: String,
    /// Whether data is processed there; otherwise only its law reaches it.
    pub(super) processed: bool,
    pub(super) withdrawn: bool,
}

/// Every jurisdiction that a place touches, whether anything may reach it or not.
pub(super) fn lines(judgement: &Judgement, team: Option<&str>, withdrawn: &[Subject]) -> Vec<Line> {
    let destinations = judgement.judge().destinations();
    let reached: Vec<BTreeSet<usize>> = Class::ALL.map(|class| reached(judgement, team, class)).into();
    let mut touching: BTreeMap<String, BTreeMap<usize, bool>> = BTreeMap::new();
    let floor = places(judgement).any(|place| place.local);
    for (number, place) in destinations.iter().enumerate().filter(|(_, place)| floor || !place.local) {
        for (axis, processed) in [(&place.controlled_by, false), (&place.processed_in, true)] {
            let mut names = jurisdictions(axis, judgement.catalog());
            if axis.within.is_empty() {
                names.push(String::new());
            }
            for name in names {
                *touching.entry(name).or_default().entry(number).or_default() |= processed;
            }
        }
    }
    let line = |(name, there): (String, BTreeMap<usize, bool>)| {
        let of = |reached: &BTreeSet<usize>| {
            let there = there.iter().filter(|(number, _)| reached.contains(number));
            let told = there.filter_map(|(number, processed)| {
                let place = destinations.get(*number)?;
                let withdrawn = withdrawn_by(withdrawn, place, judgement.catalog());
                Some(Reached { place: place.id.to_string(), processed: *processed, withdrawn })
            });
            told.collect()
        };
        let name = if name.is_empty() { name } else { named_place(judgement, &name) };
        Line { name, classes: reached.iter().map(of).collect() }
    };
    touching.into_iter().map(line).collect()
}

/// The places that a plain request of that class may reach, by the judge's numbers: through any model whose requests can be of it.
fn reached(judgement: &Judgement, team: Option<&str>, class: Class) -> BTreeSet<usize> {
    let name: Option<Arc<str>> = team.map(Arc::from);
    let least = team.and_then(|team| judgement.team(team)).and_then(|team| team.class);
    let mut reached = BTreeSet::new();
    for chain in judgement.chains() {
        let least = least.max(chain.registered.class);
        if least.is_some_and(|least| class < least) {
            continue;
        }
        let verdict = judgement.plain(chain, name.as_ref(), class, Action::Infer);
        let permitted = chain.links.iter().map(|link| link.judged);
        reached.extend(permitted.filter(|place| verdict.of(*place).and_then(Outcome::terms).is_some()));
    }
    reached
}
