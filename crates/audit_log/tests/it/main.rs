//! Whole-log tests: one binary.
#![cfg(test)]

mod faults;
mod kill;
mod life;
mod naive;
mod samples;
mod sim_disk;
mod tearing;
mod witnessing;
