//! Walks through every combination of a space: fixes one variable after the other, and what remains of each rule becomes smaller
//! on the way, so that a combination costs only the rules that the last variables concern. Must not know what the answers mean.

use std::collections::HashMap;

use crate::judge::{Compiled, Entry};
use crate::outcome::{Applied, Fixed};
use crate::space::{Combination, Dimension, Space, Variable};
use crate::tree::Answer;

/// The most combinations that are walked through.
pub(crate) const MOST_CELLS: u64 = 1 << 20;
/// The most steps of a walk, a step being one rule in which one variable is fixed: about two seconds.
const MOST_STEPS: u64 = 1 << 24;

/// The variables of a space in the order of the walk, each with how many values it has and how far apart these lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    places: Vec<(Variable, u16, usize)>,
    cells: usize,
    /// So many variables at the beginning count even where no rule asks about them.
    pinned: usize,
}

/// For each combination the number that its end was given.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) order: Order,
    pub(crate) cells: Vec<u32>,
}

/// How many combinations a space has; as many as fit.
pub(crate) fn combinations(space: &Space) -> u64 {
    space.variables().iter().fold(1_u64, |product, (_, values)| product.saturating_mul(u64::from(*values)))
}

impl Order {
    /// Those that most rules ask about come first. None where there are too many combinations.
    pub(crate) fn of(space: &Space, entries: &[&[Entry]]) -> Option<Self> {
        let cells = combinations(space);
        if cells > MOST_CELLS {
            return None;
        }
        let mut asked: HashMap<Variable, usize> = HashMap::new();
        let variables = space.variables();
        for entry in entries.iter().copied().flatten() {
            entry.tree.each_test(&mut |test| {
                test.variables().into_iter().for_each(|variable| *asked.entry(variable).or_default() += 1);
            });
        }
        let pins = |variable: &Variable| {
            [Variable::Value(Dimension::Unread), Variable::Value(Dimension::Action)].contains(variable)
        };
        let mut sorted = variables;
        sorted.sort_by_key(|(variable, _)| {
            (!pins(variable), std::cmp::Reverse(asked.get(variable).copied().unwrap_or_default()), *variable)
        });
        let pinned = sorted.iter().filter(|(variable, _)| pins(variable)).count();
        let cells = usize::try_from(cells).ok()?;
        let mut stride = cells;
        let place = |(variable, values): (Variable, u16)| {
            stride /= usize::from(values).max(1);
            (variable, values, stride)
        };
        Some(Self { places: sorted.into_iter().map(place).collect(), cells, pinned })
    }

    /// The number of a combination.
    pub(crate) fn cell(&self, combination: &Combination) -> usize {
        let at = |(variable, _, stride): &(Variable, u16, usize)| usize::from(combination.get(*variable)) * stride;
        self.places.iter().map(at).sum()
    }

    /// The combination of a number.
    pub(crate) fn combination(&self, cell: usize) -> Combination {
        let mut combination = Combination::default();
        for (variable, values, stride) in &self.places {
            let value = cell / stride % usize::from(*values);
            combination.set(*variable, u16::try_from(value).unwrap_or_default());
        }
        combination
    }

    pub(crate) fn places(&self) -> &[(Variable, u16, usize)] {
        &self.places
    }

    /// How many combinations there are.
    pub(crate) fn len(&self) -> usize {
        self.cells
    }
}

/// A walk on its way.
struct Walk<'a, F> {
    compiled: &'a Compiled,
    order: &'a Order,
    cells: Vec<u32>,
    applied: Vec<Applied>,
    at: Combination,
    steps: u64,
    end: F,
}

impl Survey {
    /// Walks; `end` is given what the rules say of a combination and numbers it, or stops the walk. None if it was stopped or
    /// took too many steps.
    pub(crate) fn of(
        compiled: &Compiled,
        order: Order,
        end: impl FnMut(&[Applied], Fixed) -> Option<u32>,
    ) -> Option<Self> {
        let mut walk = Walk {
            compiled,
            order: &order,
            cells: vec![0; order.cells],
            applied: Vec::new(),
            at: Combination::default(),
            steps: 0,
            end,
        };
        let mut live = Vec::new();
        for entry in &compiled.entries {
            match entry.tree.fixed() {
                Some(answer) => walk.apply(entry, answer),
                None => live.push(entry.clone()),
            }
        }
        walk.level(0, &live, 0)?;
        let cells = walk.cells;
        Some(Self { order, cells })
    }

    pub(crate) fn number(&self, cell: usize) -> Option<usize> {
        self.cells.get(cell).map(|number| *number as usize)
    }
}

impl<F: FnMut(&[Applied], Fixed) -> Option<u32>> Walk<'_, F> {
    fn apply(&mut self, entry: &Entry, answer: Answer) {
        if answer != Answer::NO {
            self.applied.push(Applied { lane: entry.lane, rule: entry.rule, answer });
        }
    }

    /// All combinations that agree in the variables before `level`; they begin at the cell `base`.
    fn level(&mut self, level: usize, live: &[Entry], base: usize) -> Option<()> {
        let order = self.order;
        let pinned = level < order.pinned;
        let next = order.places.get(level).filter(|_| pinned || !live.is_empty());
        let Some((variable, values, stride)) = next.copied() else { return self.finish(level, base) };
        for value in 0..values {
            self.steps += live.len() as u64 + 1;
            if self.steps > MOST_STEPS {
                return None;
            }
            let (mark, mut same) = (self.applied.len(), true);
            let mut rest = Vec::with_capacity(live.len());
            for entry in live {
                let Some(tree) = entry.tree.fix(variable, value, self.compiled.all(entry.lane)) else {
                    rest.push(entry.clone());
                    continue;
                };
                same = false;
                match tree.fixed() {
                    Some(answer) => self.apply(entry, answer),
                    None => rest.push(Entry { tree, ..*entry }),
                }
            }
            self.at.set(variable, value);
            let begin = base + usize::from(value) * stride;
            self.level(level + 1, &rest, begin)?;
            self.applied.truncate(mark);
            if same && !pinned {
                // Nobody asks about it: what its first value gives, the others give too.
                for value in 1..usize::from(values) {
                    self.cells.copy_within(base..base + stride, base + value * stride);
                }
                return Some(());
            }
        }
        Some(())
    }

    /// Every rule has said what it says.
    fn finish(&mut self, level: usize, base: usize) -> Option<()> {
        let size = match level.checked_sub(1) {
            Some(before) => self.order.places.get(before).map_or(1, |(_, _, stride)| *stride),
            None => self.order.cells,
        };
        let mut applied = self.applied.clone();
        applied.sort_unstable();
        let number = (self.end)(&applied, crate::judge::fixed(&self.at))?;
        self.cells.get_mut(base..base + size)?.fill(number);
        Some(())
    }
}
