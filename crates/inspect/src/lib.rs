//! The reader: what a text holds. Structured identifiers and secrets, the language, signals of prompt injection; and
//! pseudonyms for what may leave only disguised.
//!
//! Pure: no I/O, no clock, no chance. It knows nothing of requests, policies or providers. `spec/identifiers.md` says what
//! is found and what is not; nothing here changes a text that it reads.
//!
//! ```text
//! bytes ─► fold (a copy to read, with a map back) ─► view ─► engine (numbers, network, secrets) ─► findings
//!                                                       └──► own (words and patterns of the operator) ─┘
//! ```

mod banks;
mod cards;
mod cluster;
mod context;
mod engine;
mod finding;
mod fold;
mod france;
mod japan;
mod json_text;
mod kind;
mod korea;
pub mod language;
mod masker;
mod network;
mod own;
mod phones;
pub mod pseudonym;
mod rules;
mod scanner;
mod secrets;
pub mod signals;
mod verdict;
mod vietnam;
mod view;

pub use finding::{Finding, Findings, Strength};
pub use kind::Kind;
pub use masker::{Masker, Wanted};
pub use rules::{Dictionary, Pattern, Rules, RulesError};
pub use scanner::Scanner;

/// How much of a whole text is read at a time, so that the folded copy stays in the processor's cache.
const PIECE_BYTES: usize = 64 * 1024;

/// All that `rules` name in `text`, in order of their beginnings.
pub fn scan(text: &str, rules: &Rules) -> Findings {
    let mut scanner = Scanner::new(rules);
    let mut findings = Findings::default();
    let mut rest = text;
    while !rest.is_empty() {
        // Whole characters, so that none waits for its end.
        let (piece, after) = rest.split_at_checked(rest.floor_char_boundary(PIECE_BYTES)).unwrap_or((rest, ""));
        findings.append(scanner.push(piece));
        rest = after;
    }
    findings.append(scanner.finish());
    findings.sort();
    findings
}
