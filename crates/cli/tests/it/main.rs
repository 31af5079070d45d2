//! The built command as its users meet it: what is printed, how it ends, what it leaves on the disk. The model is a tiny one
//! made here; the real ones are the whole-product tests' concern.
#![cfg(test)]

mod accounts;
mod asking;
mod auditing;
mod bench;
mod catalog;
mod changing;
mod checking;
mod fitting;
mod keys;
mod models;
mod pages;
mod policies;
mod serving;
mod tiny_model;
mod withdrawing;
mod words;

#[expect(dead_code, clippy::cast_possible_truncation, reason = "the engine's own tests use all of it")]
#[path = "../../../local_model_cpu/tests/it/gguf_writer.rs"]
mod gguf_writer;
