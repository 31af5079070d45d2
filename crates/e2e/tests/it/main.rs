//! All whole-product tests, one binary: a file a behaviour. Each test shows all that happened: what the caller saw, what
//! the provider heard, what the record says.
#![cfg(test)]

mod answers;
mod endings;
mod faults;
mod framing;
mod leaving;
mod policy;
mod real_model;
mod refusals;
mod secrets;
mod views;
