//! The local floor: one model on this machine, its thread, its queue and its answers.
//!
//! This crate takes prompts of tokens and gives pieces of text. It must not know HTTP, keys, policy or the log, and it
//! links no engine: `local_model_cpu` implements [`Engine`] and [`TextCodec`], tests use the scripted one here.

mod answer;
mod batch;
mod card;
mod cut;
mod engine;
mod exponential;
mod gauges;
mod job;
mod local_model;
mod pace;
mod queue;
mod reader;
mod sampling;
mod scheduler;
mod scores;
pub mod scripted;
mod sequence;
mod stop;

mod text;

pub use answer::{Answer, Event, Finish, TokenScore};
pub use card::{AnswerDefaults, ModelCard};
pub use engine::{
    Capacity, CodecError, Engine, EngineError, LoadedModel, Logits, Run, Slot, Speaker, TextCodec, Token, Turn,
};
pub use gauges::Load;
pub use job::{Continuation, Job, Refused, Sampling};
pub use local_model::{Clock, LocalModel, Running, Settings, Stop};
