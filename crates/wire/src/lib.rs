//! The words of the public APIs: requests, answers, stream events and errors, as types with their codecs.
//!
//! It knows OpenAI's chat, completions and embeddings APIs, and how a chat looks in Anthropic's. It does no I/O, reads no clock, and does
//! not know who asks, where a request goes, or what a model is.

pub mod answer;
pub mod anthropic;
pub mod chat;
pub mod completion;
pub mod embedding;
pub mod error;
mod limited;
pub mod needs;
pub mod place;
#[cfg(test)]
mod spec_tests;
pub mod sse;
pub mod strict_json;
