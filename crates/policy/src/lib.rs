//! The judge: facts of a request and a policy in Cedar give a decision for each destination (`spec/policy.md`).
//!
//! Pure and total: no I/O, no clock, no chance; it always decides, and what nothing permits is refused. It must not know HTTP,
//! the catalogue's files or how identifiers are found: all it judges by is handed in as words.
//!
//! **How a policy becomes a judge.** `read` cuts the file into rules (`split`), has Cedar parse and validate each, and turns its
//! conditions into a tree (`condition`) whose leaves ask either about the request, in a few forms (`ask`), or about the destination,
//! in any way Cedar has. `compile` numbers the values of the facts that the rules tell apart (`space`), has Cedar answer the second
//! sort of leaf once for each destination (`places`), and puts the answers into the trees as sets of destinations (`tree`), so that
//! one evaluation in three values (yes, no, error) judges all destinations. `survey` walks through all combinations, fixing one fact
//! after the other so that rules drop out on the way, and `table` keeps the verdicts (`outcome`); where there are too many, `cache`
//! keeps those that occurred. `prove`, `alive`, `chain` and `diff` ask the same walk other questions.
//!
//! Considered and left out: asking Cedar for each decision (a third of a millisecond for each destination); a decision diagram
//! instead of the table (no faster to ask, and its size cannot be told beforehand).

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
