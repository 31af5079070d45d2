//! What is proved of a policy before it is used (`spec/policy.md`, section 3): that a higher class, a signal or unread content
//! never opens a destination, that no rule is dead, that every edit can be carried out.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::alive::{Can, Possible, Search, can_apply};
use crate::bits::Bits;
use crate::judge::Memory;
use crate::outcome::Applied;
use crate::space::{Combination, Dimension, Set, Variable};
use crate::survey::{Order, Survey, combinations};
use crate::{Action, Effect, Hide, Judge, Mistake, Note, Outcome, Rule};

/// The most mistakes of one proof: who has mended these runs it again.
const MOST_MISTAKES: usize = 100;

/// What a proof found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// What must be mended before the policy is used.
    pub mistakes: Vec<Mistake>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
    /// How many combinations of facts the rules tell apart; as many as fit.
    pub combinations: u64,
    /// Whether all of them were walked through. If not, each is checked when it first occurs, and what must not open is closed.
    pub complete: bool,
}

/// What each combination opens.
pub(crate) struct Opens {
    pub(crate) survey: Survey,
    /// For each number of the survey, a set a lane.
    pub(crate) sets: Vec<Vec<Bits>>,
    /// For each class, from the lowest, one possible combination of each number; a single list where no rule asks for the class.
    pub(crate) classes: Vec<Vec<usize>>,
}

impl Judge {
    /// Proves what `spec/policy.md` promises. With a mistake in it, the policy must not be used.
    pub fn prove(&self) -> Proof {
        let mut proof = Proof { combinations: combinations(&self.compiled.space), ..Proof::default() };
        self.prove_rules(&mut proof);
        match self.opens() {
            Some(opens) => {
                proof.complete = true;
                self.prove_order(opens, &mut proof.mistakes);
            }
            None => proof.notes.push(Note {
                at: None,
                what: format!(
                    "the rules tell {} combinations of facts apart, too many to walk through: that a higher class or a \
                     signal never opens a destination is checked for each when it first occurs",
                    proof.combinations
                ),
            }),
        }
        proof.mistakes.sort();
        proof.mistakes.dedup();
        proof.mistakes.truncate(MOST_MISTAKES);
        proof.notes.sort();
        proof
    }

    /// What each combination opens, found once; none where they are too many.
    pub(crate) fn opens(&self) -> Option<&Opens> {
        self.opens.get_or_init(|| self.find_opens()).as_ref()
    }

    fn find_opens(&self) -> Option<Opens> {
        let lanes = self.compiled.lanes.len();
        if let Memory::Table(table) = &self.memory {
            let set = |lane: usize, outcomes: &[Outcome]| {
                let mut set = Bits::NONE;
                let open = outcomes.chunks(Bits::LANE).nth(lane).into_iter().flatten().enumerate();
                open.filter(|(_, outcome)| outcome.terms().is_some()).for_each(|(number, _)| set.insert(number));
                set
            };
            let sets = table.verdicts.iter().map(|verdict| (0..lanes).map(|lane| set(lane, &verdict.0)).collect());
            return Some(Opens::of(self, table.survey.clone(), sets.collect()));
        }
        let order = Order::of(&self.compiled.space, &[&self.compiled.entries])?;
        let mut numbers: HashMap<Vec<Bits>, u32> = HashMap::new();
        let mut sets = Vec::new();
        let survey = Survey::of(&self.compiled, order, |applied, fixed| {
            let lane = |lane| crate::outcome::open(self.policy.rules(), applied, lane, fixed);
            let open: Vec<Bits> = (0..u32::try_from(lanes).ok()?).map(lane).collect();
            let next = u32::try_from(sets.len()).ok()?;
            let number = *numbers.entry(open.clone()).or_insert(next);
            if number == next {
                sets.push(open);
            }
            Some(number)
        })?;
        Some(Opens::of(self, survey, sets))
    }

    /// Rules that never apply, and edits that cannot be carried out.
    fn prove_rules(&self, proof: &mut Proof) {
        for (number, rule) in self.policy.rules().iter().enumerate() {
            let (file, kinds) = (self.policy.file(), self.policy.kinds());
            let mistake = |what: String| Mistake { file: file.clone(), line: rule.line, what };
            let note = |what: String| Note { at: Some((file.clone(), rule.line)), what };
            match can_apply(&rule.condition, kinds, None) {
                Can::Yes => {}
                Can::No => {
                    proof.mistakes.push(mistake(format!(
                        "`{}` can never apply: no facts satisfy its conditions together; mend them or take it away",
                        rule.id
                    )));
                    continue;
                }
                Can::Unknown => proof.notes.push(note(format!(
                    "whether `{}` can ever apply is not known: it has too many conditions to try; divide it to have it \
                     proved",
                    rule.id
                ))),
            }
            if rule.edit == Some(Hide::Pseudonymise) {
                match can_apply(&rule.condition, kinds, Some(Action::Embed)) {
                    Can::No => {}
                    Can::Yes => proof.mistakes.push(mistake(format!(
                        "`{}` pseudonymises for `embed` too, where it cannot be undone: write `action == \
                         Action::\"infer\"`, or `@edit(\"mask\")`",
                        rule.id
                    ))),
                    Can::Unknown => proof.notes.push(note(format!(
                        "whether `{}` pseudonymises for `embed` too is not known: it has too many conditions to try; \
                         where it does, the destination is refused with `cannot_hide`",
                        rule.id
                    ))),
                }
            }
            if !self.concerns(number) {
                proof.notes.push(note(format!("`{}` concerns none of the destinations here", rule.id)));
            }
        }
    }

    /// Whether a rule can say anything of some destination here.
    fn concerns(&self, rule: usize) -> bool {
        let entries = self.compiled.entries.iter().filter(|entry| entry.rule as usize == rule);
        let (space, kinds) = (&self.compiled.space, self.policy.kinds());
        let mut lanes = entries.map(|entry| (&entry.tree, self.compiled.all(entry.lane)));
        lanes.any(|(tree, all)| Search::of(space, kinds, None).can_be(tree, all) != Can::No)
    }

    /// A higher class, a signal, unread content never opens a destination.
    fn prove_order(&self, opens: &Opens, mistakes: &mut Vec<Mistake>) {
        let orders = |variable: &Variable| match variable {
            Variable::Value(dimension) => [Dimension::Class, Dimension::Unread].contains(dimension),
            Variable::Bit(set, _) => *set == Set::Signals,
        };
        for place in opens.survey.order.places().iter().filter(|(variable, _, _)| orders(variable)) {
            self.prove_variable(opens, *place, mistakes);
        }
    }

    fn prove_variable(&self, opens: &Opens, place: (Variable, u16, usize), mistakes: &mut Vec<Mistake>) {
        let (variable, values, stride) = place;
        let possible = Possible::of(&self.compiled.space, self.policy.kinds());
        let mut seen: HashSet<(usize, usize)> = HashSet::new();
        for low in 0..opens.survey.order.len() {
            if low / stride % usize::from(values) + 1 >= usize::from(values) {
                continue;
            }
            let pair = opens.survey.number(low).zip(opens.survey.number(low + stride));
            let Some((below, above)) = pair.filter(|(below, above)| below != above) else { continue };
            if seen.contains(&(below, above)) {
                continue;
            }
            let Some(destination) = opens.opened(below, above) else {
                seen.insert((below, above));
                continue;
            };
            let lower = opens.survey.order.combination(low);
            let higher = opens.survey.order.combination(low + stride);
            if possible.holds(&lower) && possible.holds(&higher) && mistakes.len() < MOST_MISTAKES {
                seen.insert((below, above));
                mistakes.push(self.opened(opens, variable, (low, low + stride), destination));
            }
        }
    }

    /// A destination that opens against the order, told with the rule at fault.
    fn opened(&self, opens: &Opens, variable: Variable, cells: (usize, usize), destination: usize) -> Mistake {
        let order = &opens.survey.order;
        let [lower, higher] = [cells.0, cells.1].map(|cell| order.combination(cell));
        let (rule, forbids) = self.fault(&lower, &higher, destination);
        let space = &self.compiled.space;
        let [now, before] = [&higher, &lower].map(|at| space.tell(variable, at.get(variable)));
        let matters = opens.matters(variable, cells, destination);
        let others = matters.into_iter().map(|other| space.tell(other, higher.get(other)));
        let when: Vec<String> = std::iter::once(now).chain(others).collect();
        let id = rule.map_or("", |rule| &*rule.id);
        let to = self.destinations.get(destination).map_or("", |destination| &*destination.id);
        let promise = match variable {
            Variable::Value(Dimension::Class) => "a higher class must not open what a lower one may not use",
            Variable::Bit(..) => "a signal must not open what is closed without it",
            Variable::Value(_) => "content that is not read must not open what is closed without it",
        };
        let (does, mend) = if forbids {
            ("no longer forbids", "let it forbid that too")
        } else {
            ("permits", "let it permit the other too, or not this")
        };
        let what = format!(
            "`{id}` {does} `{to}` with `{}`, which is closed with `{before}`: {promise}; {mend}",
            when.join(", ")
        );
        Mistake { file: self.policy.file().clone(), line: rule.map_or(0, |rule| rule.line), what }
    }

    /// The rule that keeps a destination closed below and lets go above; otherwise the one that permits it above.
    fn fault(&self, lower: &Combination, higher: &Combination, destination: usize) -> (Option<&Rule>, bool) {
        let rules = self.policy.rules();
        let (lane, bit) = (destination / Bits::LANE, destination % Bits::LANE);
        let here = |applied: &Applied| applied.lane as usize == lane && applied.answer.yes.has(bit);
        let of = |combination: &Combination, effect: Effect| -> Vec<u32> {
            let applied = self.compiled.applied(combination).into_iter().filter(here).map(|applied| applied.rule);
            applied.filter(|number| rules.get(*number as usize).is_some_and(|rule| rule.effect == effect)).collect()
        };
        if let Some(number) = of(lower, Effect::Forbid).first() {
            return (rules.get(*number as usize), true);
        }
        let before: BTreeSet<u32> = of(lower, Effect::Permit).into_iter().collect();
        let permits = of(higher, Effect::Permit);
        let new = permits.iter().find(|number| !before.contains(number)).or(permits.first());
        (new.and_then(|number| rules.get(*number as usize)), false)
    }
}

impl Opens {
    fn of(judge: &Judge, survey: Survey, sets: Vec<Vec<Bits>>) -> Self {
        let possible = Possible::of(&judge.compiled.space, judge.policy.kinds());
        let class = Variable::Value(Dimension::Class);
        let (values, stride) = match survey.order.places().iter().find(|(variable, _, _)| *variable == class) {
            Some((_, values, stride)) => (usize::from(*values), *stride),
            None => (1, survey.order.len()),
        };
        let mut classes = vec![Vec::new(); values];
        let mut seen: HashSet<(usize, u32)> = HashSet::new();
        for (cell, number) in survey.cells.iter().enumerate() {
            let class = cell / stride % values;
            if !seen.contains(&(class, *number)) && possible.holds(&survey.order.combination(cell)) {
                seen.insert((class, *number));
                classes.get_mut(class).into_iter().for_each(|list| list.push(cell));
            }
        }
        Self { survey, sets, classes }
    }

    /// The first destination that is open with one number and closed with another.
    fn opened(&self, below: usize, above: usize) -> Option<usize> {
        let (below, above) = (self.sets.get(below)?, self.sets.get(above)?);
        let mut lanes = below.iter().zip(above).enumerate();
        lanes.find_map(|(lane, (below, above))| Some(lane * Bits::LANE + above.without(*below).iter().next()?))
    }

    pub(crate) fn is_open(&self, cell: usize, destination: usize) -> bool {
        let sets = self.survey.number(cell).and_then(|number| self.sets.get(number));
        let lane = sets.and_then(|sets| sets.get(destination / Bits::LANE));
        lane.is_some_and(|lane| lane.has(destination % Bits::LANE))
    }

    /// The other variables without whose values the destination would not open.
    fn matters(&self, opening: Variable, (low, high): (usize, usize), destination: usize) -> Vec<Variable> {
        let others = self.survey.order.places().iter().filter(|(variable, _, _)| *variable != opening);
        let matters = |(_, values, stride): &&(Variable, u16, usize)| {
            let (now, values) = (low / stride % usize::from(*values), usize::from(*values));
            let all = (0..values).map(|value| [low, high].map(|cell| cell - now * stride + value * stride));
            let still = |[low, high]: [usize; 2]| !self.is_open(low, destination) && self.is_open(high, destination);
            !all.into_iter().all(still)
        };
        let mut matters: Vec<Variable> = others.filter(matters).map(|(variable, _, _)| *variable).collect();
        matters.sort();
        matters
    }
}
