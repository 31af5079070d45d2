//! `gwanmun policy test|diff|explain`: what a policy decides, before it is put in force. The judging is the crate `policy`'s; this
//! finds the files and lays out what comes of them.

mod configured;
mod diff;
mod explain;
mod proved;
mod test;
pub(crate) mod told;
mod written;

use clap::{Args, Subcommand};

use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};

const EXAMPLES: &str = "\
Examples:
  gwanmun policy test                                   the cases of every shipped policy
  gwanmun policy test our.cedar                         those of our.toml
  gwanmun policy diff kr-enterprise our.cedar           what would be judged differently
  gwanmun policy explain --team hr --text \"…\"          where may this go, and why not elsewhere?

A policy is named (`kr-enterprise`), or a file of rules ending in `.cedar`; its classes and cases lie beside it, in `.toml`.";

/// See what a policy decides: run its cases, compare two, explain a request
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Policy {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Test(test::Test),
    Diff(diff::Diff),
    Explain(explain::Explain),
}

impl Policy {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        match self.verb {
            Verb::Test(test) => test.run(place, terminal),
            Verb::Diff(diff) => diff.run(place, terminal),
            Verb::Explain(explain) => explain.run(place, terminal),
        }
    }
}
