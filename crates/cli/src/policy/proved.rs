//! Whether a policy could come into force: what the proof finds wrong with it, told as `check` and `serve` would tell it. Knows
//! nothing of what else is asked of the policy.

use policy::{Destination, Judge, Policy};
use serde::Serialize;

use super::told;
use crate::{
    failure::Failure,
    paragraph,
    terminal::{BAD, Terminal},
};

/// Policies that must not be used: what is asked of them is not answered.
#[derive(Serialize)]
pub(super) struct Unproved {
    mistakes: Vec<String>,
}

impl Unproved {
    /// None where the proof finds nothing wrong with any of them.
    pub(super) fn of<'j>(judges: impl IntoIterator<Item = &'j Judge>) -> Option<Self> {
        let mut found: Vec<String> = Vec::new();
        for mistake in judges.into_iter().flat_map(mistakes) {
            if !found.contains(&mistake) {
                found.push(mistake);
            }
        }
        (!found.is_empty()).then_some(Self { mistakes: found })
    }

    pub(super) fn tell(&self, json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
        if json {
            return terminal.json(self);
        }
        let count = told::counted(self.mistakes.len(), "mistake");
        writeln!(terminal.out(), "{BAD}✗{BAD:#} it could not come into force: the proof finds {count}")?;
        write(&self.mistakes, terminal)
    }
}

/// What is wrong with it for its destinations, each with file and line.
pub(super) fn mistakes(judge: &Judge) -> Vec<String> {
    judge.prove().mistakes.iter().map(ToString::to_string).collect()
}

pub(super) fn write(mistakes: &[String], terminal: &mut Terminal) -> Result<(), Failure> {
    for mistake in mistakes {
        writeln!(terminal.out(), "  {BAD}{}{BAD:#}", paragraph::hanging(mistake, 4))?;
    }
    Ok(())
}

/// The destinations of the policies' cases and `others`, each once.
pub(super) fn destinations<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    others: Vec<Destination>,
) -> Vec<Destination> {
    let mut all: Vec<Destination> = Vec::new();
    for destination in policies.into_iter().flat_map(Policy::case_destinations).cloned().chain(others) {
        if all.iter().all(|known| known.id != destination.id) {
            all.push(destination);
        }
    }
    all
}
