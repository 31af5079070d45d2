//! Model files in the data directory: pulled, imported, listed, shown, removed, each with a record of where it came from.
//!
//! This crate must not know what a GGUF file holds (an `inspect` callback says), nor who uses a model, nor how progress is
//! shown. It reads no environment and no clock: both come in through [`Settings`].
//!
//! One road for every source: fetched aside, hashed on the way, checked, inspected, then renamed into place together with
//! its record. Until that rename nothing of it is visible; what a later pull can go on from stays aside.

mod aside;
mod digest;
mod error;
mod fetch;
mod folder;
mod known;
mod name;
mod record;
mod source;
mod store;

pub use digest::Digest;
pub use error::StoreError;
pub use known::{KnownModel, STARTER, known_model, known_models};
pub use name::ModelName;
pub use record::{AnswerDefaults, Facts, KeptFile, Record};
pub use source::{Origin, Source};
pub use store::{Heard, Inspect, Listing, Progress, Roots, Settings, Store, Stored, Wanted};
