//! What the crate promises, measured: recall on made-up identifiers, false alarms on news, near misses, any cut, pseudonyms.

#![cfg(test)]
#![expect(
    clippy::string_slice,
    clippy::cast_possible_truncation,
    reason = "a slice off a border, or a number too large, fails the test, as it should"
)]

mod alarms;
mod languages;
mod made_up;
mod near_misses;
mod oracle;
mod own;
mod pieces;
mod recall;
mod settings;
