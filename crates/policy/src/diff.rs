//! What changes from one policy to another: every combination of facts for which a destination is judged differently, told by the
//! facts that matter and by no others. Must not know how a verdict is found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::alive::Possible;
use crate::diagram::{Diagram, Path};
use crate::judge::{Compiled, space};
use crate::outcome::Bench;
use crate::space::{Space, Variable};
use crate::survey::{Order, Survey};
use crate::table::Numbers;
use crate::{Destination, Outcome, Policy, Terms, Verdict};

/// The most differences that are told.
const MOST: usize = 1_000;

/// What differs between two policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Each of them, merged where they differ alike.
    pub found: Vec<Difference>,
    /// Whether these are all: false where the two tell too many combinations apart, or too many differ.
    pub complete: bool,
}

/// Requests that are judged differently, in the same way, for the same destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The facts that must be so, in words; none if it is always so.
    pub when: Vec<String>,
    /// The destinations, by id.
    pub destinations: Vec<Arc<str>>,
    /// What the old policy says, in one such case.
    pub old: Outcome,
    /// What the new one says in the same case.
    pub new: Outcome,
}

/// One destination judged differently.
struct Change {
    destination: usize,
    old: Outcome,
    new: Outcome,
}

/// What callers notice of an outcome: none where it is refused, otherwise its terms without the names of rules.
type Noticed = Option<Terms>;

/// Compares two policies for these destinations.
pub fn diff(old: &Policy, new: &Policy, destinations: &[Destination]) -> Differences {
    compare(old, new, destinations).unwrap_or_default()
}

/// None where there are too many combinations.
fn compare(old: &Policy, new: &Policy, destinations: &[Destination]) -> Option<Differences> {
    let joint = space(&[old, new]);
    let compiled = [old, new].map(|policy| Compiled::of(policy, destinations, joint.clone()));
    let [first, second] = &compiled;
    let order = Order::of(&joint, &[&first.entries, &second.entries])?;
    let (old_survey, old_verdicts) = walk(old, first, destinations.len(), order.clone())?;
    let (new_survey, new_verdicts) = walk(new, second, destinations.len(), order)?;
    let mut changes = Changes::default();
    let mut pairs: HashMap<(u32, u32), u32> = HashMap::new();
    let mut cells = Vec::with_capacity(old_survey.cells.len());
    for pair in old_survey.cells.iter().copied().zip(new_survey.cells.iter().copied()) {
        let list = *pairs.entry(pair).or_insert_with(|| {
            let verdicts = old_verdicts.get(pair.0 as usize).zip(new_verdicts.get(pair.1 as usize));
            verdicts.map_or(0, |(old, new)| changes.between(old, new))
        });
        cells.push(list);
    }
    Some(changes.tell(&Diagram::of(&old_survey.order, &cells), &joint, old.kinds(), destinations))
}

fn walk(policy: &Policy, compiled: &Compiled, destinations: usize, order: Order) -> Option<(Survey, Vec<Verdict>)> {
    let bench = Bench { rules: policy.rules(), shared: &compiled.shared, destinations };
    let (mut numbers, mut verdicts) = (Numbers::default(), Vec::new());
    let survey = Survey::of(compiled, order, |applied, fixed| {
        let number = numbers.of(applied, fixed)?;
        if number as usize == verdicts.len() {
            verdicts.push(bench.verdict(applied, fixed, &[]));
        }
        (verdicts.len() <= bench.most_verdicts()).then_some(number)
    })?;
    Some((survey, verdicts))
}

/// Every change that was seen, and every list of them that some combination has. The first list is the empty one.
#[derive(Default)]
struct Changes {
    list: Vec<Change>,
    known: HashMap<(usize, String), usize>,
    lists: Vec<Vec<usize>>,
    numbers: BTreeMap<Vec<usize>, u32>,
}

impl Changes {
    /// The number of the list of what differs between two verdicts.
    fn between(&mut self, old: &Verdict, new: &Verdict) -> u32 {
        let mut list = Vec::new();
        for (destination, (old, new)) in old.iter().zip(new.iter()).enumerate() {
            let (before, after) = (noticed(old), noticed(new));
            if before == after {
                continue;
            }
            let key = (destination, format!("{before:?} {after:?}"));
            let next = self.list.len();
            let number = *self.known.entry(key).or_insert(next);
            if number == next {
                self.list.push(Change { destination, old: old.clone(), new: new.clone() });
            }
            list.push(number);
        }
        if list.is_empty() {
            return 0;
        }
        list.sort_unstable();
        if let Some(number) = self.numbers.get(&list) {
            return *number;
        }
        self.lists.push(list.clone());
        let number = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        self.numbers.insert(list, number);
        number
    }

    fn tell(
        self,
        diagram: &Diagram,
        space: &Space,
        kinds: &BTreeMap<String, BTreeSet<String>>,
        destinations: &[Destination],
    ) -> Differences {
        let mut merged: BTreeMap<(u32, String), Vec<&Change>> = BTreeMap::new();
        let mut shapes = diagram.shapes();
        for (number, change) in self.list.iter().enumerate() {
            let holds = |list: u32| {
                let list = (list as usize).checked_sub(1).and_then(|at| self.lists.get(at));
                list.is_some_and(|list| list.binary_search(&number).is_ok())
            };
            let key = (shapes.of(&holds), format!("{:?} {:?}", noticed(&change.old), noticed(&change.new)));
            merged.entry(key).or_default().push(change);
        }
        let possible = Possible::of(space, kinds);
        let mut told = Differences { found: Vec::new(), complete: true };
        for ((shape, _), changes) in &merged {
            let Some(first) = changes.first() else { continue };
            let ids = changes.iter().filter_map(|change| Some(destinations.get(change.destination)?.id.clone()));
            let ids: Vec<Arc<str>> = ids.collect();
            for path in shapes.paths(*shape, MOST + 1).iter().filter(|path| possible.path(path)) {
                if told.found.len() >= MOST {
                    told.complete = false;
                    return told;
                }
                told.found.push(Difference {
                    when: words(space, path),
                    destinations: ids.clone(),
                    old: first.old.clone(),
                    new: first.new.clone(),
                });
            }
        }
        told
    }
}

fn noticed(outcome: &Outcome) -> Noticed {
    let terms = outcome.terms()?;
    Some(Terms { rules: Vec::new(), edit_rules: Vec::new(), ..(**terms).clone() })
}

/// A path in words, the facts in the order of the specification.
fn words(space: &Space, path: &Path) -> Vec<String> {
    let mut sorted: Vec<&(Variable, Vec<u16>)> = path.iter().collect();
    sorted.sort();
    let tell = |(variable, values): &(Variable, Vec<u16>)| {
        let each: Vec<String> = values.iter().map(|value| space.tell(*variable, *value)).collect();
        let mut each = each.into_iter();
        let first = each.next().unwrap_or_default();
        let rest = each.filter_map(|told| told.split_once('=').map(|(_, word)| format!("|{word}")));
        format!("{first}{}", rest.collect::<String>())
    };
    sorted.into_iter().map(tell).collect()
}
