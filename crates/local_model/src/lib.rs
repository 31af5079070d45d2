//! The local floor: one model on this machine, its thread, its queue and its answers.
//!
//! This crate takes prompts of tokens and gives pieces of text. It must not know HTTP, keys, policy or the log, and it
//! links no engine: `local_model_cpu` implements [`Engine`] and [`TextCodec`], tests use the scripted one here.

mod answer;
mod batch;
mod card;
mod conversation;
mod cut;
mod dialect;
mod embedding;
mod engine;
mod exponential;
mod form;
mod gauges;
mod job;
mod local_model;
mod lookup;
mod pace;
mod priority;
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
pub use conversation::{Called, Conversation, Effort, Opened, Speaker, Tool, Turn};
pub use dialect::{CallSyntax, Dialect, Kind, Listener, Messages, Said, Thought};
pub use embedding::{
    Embedder, EmbedderRunning, Embedding, EmbeddingJob, EmbeddingModel, EmbeddingSettings, LoadedEmbedder, TextTokens,
    Vectors,
};
pub use engine::{
    Beginning, Capacity, CodecError, Engine, EngineError, LoadedModel, Logits, Run, Slot, TextCodec, Token,
};
pub use form::{Form, FormError, Forms, Reasoning, Wanted};
pub use gauges::Load;
pub use job::{Continuation, Job, Refused, Sampling};
pub use local_model::{Clock, LocalModel, Running, Settings, Stop};
pub use priority::give_way;
