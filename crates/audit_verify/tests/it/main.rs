//! Whole logs held against the verifier, as a stranger would.
#![cfg(test)]

mod honest;
mod messages;
mod mutations;
mod proofs;
mod second_opinion;
mod signatures;
mod tiles;
mod writer;
