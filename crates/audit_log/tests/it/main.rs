//! Whole-log tests: one binary.
#![cfg(test)]
#![expect(clippy::cast_possible_truncation, reason = "small numbers, on machines of 64 bits")]

mod beside;
mod faults;
mod kill;
mod life;
mod naive;
mod resume;
mod samples;
mod sim_disk;
mod tearing;
mod witnessing;
