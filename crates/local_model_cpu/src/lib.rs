//! A model in a GGUF file, computed on this machine's processor: an engine and a text codec for `local_model`.
//!
//! This crate reads weights, tokenises and computes. It must not know HTTP, callers, queues, sampling or where model
//! files come from.

mod activations;
mod bandwidth;
mod buffer;
mod cache;
mod card;
mod codec;
mod encoder;
mod engine;
mod error;
mod forward;
mod gguf;
mod kernels;
mod machine;
mod memory;
mod packed;
mod pool;
mod rope;
#[cfg(test)]
mod samples;
mod settings;
mod shape;
mod simd;
mod weights;

use std::path::Path;
use std::sync::Arc;

use local_model::{Engine, LoadedModel, ModelCard};

pub use bandwidth::MemoryReader;
pub use encoder::load_embedder;
pub use error::LoadError;
pub use machine::{FileSizes, Machine, architectures, file_sizes, machine};
pub use settings::{KernelChoice, Settings};

/// Reads a model's card: of a GGUF file, or of a folder with an encoder. See [`load`] and [`load_embedder`], and refuses what they
/// would refuse on any machine.
pub fn inspect(path: &Path) -> Result<ModelCard, LoadError> {
    if path.is_dir() { encoder::inspect(path) } else { card::inspect(path) }
}

/// Loads a model file: reads its tokenizer and chat template and packs its weights for this processor. Takes seconds
/// and the model's size in memory; the file may be replaced afterwards.
pub fn load(path: &Path, settings: &Settings) -> Result<LoadedModel, LoadError> {
    if path.is_dir() {
        let why = if encoder::is_embedder(path) {
            "its model makes vectors of texts, and answers nothing in words"
        } else {
            "chats are answered from GGUF files"
        };
        return Err(LoadError::Unsupported(format!("`{}` is a folder: {why}", path.display())));
    }
    let file = gguf::File::open(path)?;
    let card = card::card(path, &file)?;
    let codec = codec::Codec::read(file.metadata(), jiff::Zoned::now)?;
    let engine = engine::CpuEngine::load(&file, settings)?;
    Ok(LoadedModel { card, engine: Box::new(engine), codec: Arc::new(codec) })
}

/// Loads a model file's weights alone, for measurements: no tokenizer, no card.
pub fn load_engine(path: &Path, settings: &Settings) -> Result<Box<dyn Engine>, LoadError> {
    let file = gguf::File::open(path)?;
    Ok(Box::new(engine::CpuEngine::load(&file, settings)?))
}
