//! A model in a GGUF file, computed on this machine's processor: an engine and a text codec for `local_model`.
//!
//! This crate reads weights, tokenises and computes. It must not know HTTP, callers, queues, sampling or where model
//! files come from.

mod error;
mod gguf;

pub use error::LoadError;
