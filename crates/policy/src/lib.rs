//! The judge: facts of a request and a policy in Cedar give a decision for each destination (`spec/policy.md`).
//!
//! Pure and total: no I/O, no clock, no chance; it always decides, and what nothing permits is refused. It must not know HTTP,
//! the catalogue's files or how identifiers are found: all it judges by is handed in as words.

mod alive;
mod ask;
mod bits;
mod cache;
mod cases;
mod chain;
mod class;
mod classes;
mod combination;
mod condition;
mod destination;
mod diagram;
mod diff;
mod facts;
mod judge;
mod mistakes;
mod outcome;
mod places;
mod prove;
mod read;
mod rule;
mod settings;
mod shipped;
mod space;
mod split;
mod survey;
mod table;
mod tree;
mod typed;
mod verdict;
mod vocabulary;
mod words;

pub use cases::{Case, CaseResult, Expect};
pub use class::{Class, NoClass};
pub use classes::Classes;
pub use destination::{Axis, Destination};
pub use diff::{Difference, Differences, diff};
pub use facts::{Action, Facts};
pub use judge::Judge;
pub use mistakes::{Mistake, Mistakes, Note};
pub use prove::Proof;
pub use read::Policy;
pub use rule::{Effect, Rule};
pub use verdict::{Denial, Hide, Outcome, Terms, Verdict};
pub use vocabulary::{File, Vocabulary};

#[cfg(test)]
mod tests;
