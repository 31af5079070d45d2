//! The built command as its users meet it: what is printed, how it ends, what it leaves on the disk. The model is a tiny one
//! made here; the real ones are the whole-product tests' concern.
#![cfg(test)]

mod asking;
mod bench;
mod checking;
mod keys;
mod models;
mod serving;
mod tiny_model;
mod words;

#[path = "../../../local_model_cpu/tests/it/gguf_writer.rs"]
mod gguf_writer;
