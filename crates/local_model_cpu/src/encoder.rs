//! Models that make vectors of texts: BERT's encoder, in a folder as Hugging Face's `transformers` and `sentence-transformers` write
//! it. A file for each thing that is read, and one for the computing. It must not know callers or queues.

mod description;
mod forward;
mod tokens;
mod weights;

use std::path::Path;
use std::sync::Arc;

use local_model::{Embedder, EngineError, LoadedEmbedder, ModelCard, Token};

use crate::kernels::Kernels;
use crate::pool::Pool;
use crate::{LoadError, Settings};

use description::Description;
use forward::Forward;
use tokens::Tokens;
use weights::Weights;

/// The weights' file in a model's folder.
const WEIGHTS_FILE: &str = "model.safetensors";
/// Tokens that one pass computes at least: short texts come together, so that each weight read serves many.
const BATCH_TOKENS: usize = 512;

/// Loads a folder's model. Takes the model's size in memory; the folder may be replaced afterwards.
pub fn load_embedder(folder: &Path, settings: &Settings) -> Result<LoadedEmbedder, LoadError> {
    let refused = |error| LoadError::Machine(format!("the system refuses what the model needs: {error}"));
    let Folder { card, description, tokens, weights } = Folder::of(folder)?;
    let kernels = Kernels::choose(settings.kernels)?;
    let threads = match settings.threads {
        0 => std::thread::available_parallelism().map_err(refused)?.get(),
        threads => threads,
    };
    let pool = Pool::start(threads).map_err(refused)?;
    let weights = Weights::pack(&weights, &description)?;
    let batch_tokens_max = description.tokens_max.max(BATCH_TOKENS);
    let forward = Forward::new(&description, batch_tokens_max).map_err(refused)?;
    tracing::debug!(kernels = kernels.name(), threads, "encoder ready");
    let embedder = CpuEmbedder { description, weights, kernels, pool, forward, batch_tokens_max };
    Ok(LoadedEmbedder { card, embedder: Box::new(embedder), codec: Arc::new(tokens) })
}

/// Reads a folder's card. Refuses what [`load_embedder`] would refuse on any machine.
pub(crate) fn inspect(folder: &Path) -> Result<ModelCard, LoadError> {
    Folder::of(folder).map(|read| read.card)
}

/// Reads what can be read before there are weights: refuses what [`inspect`] would refuse with any.
pub(crate) fn foresee(folder: &Path) -> Result<(), LoadError> {
    let description = Description::read(folder)?;
    Tokens::read(folder, &description).map(drop)
}

/// Whether a folder says of itself that its model makes vectors of texts: `sentence-transformers` wrote it, or it is BERT's.
pub(crate) fn is_embedder(folder: &Path) -> bool {
    folder.join(description::MODULES_FILE).exists() || description::is_bert(folder)
}

/// A folder, read and checked.
struct Folder {
    card: ModelCard,
    description: Description,
    tokens: Tokens,
    weights: weights::File,
}

impl Folder {
    fn of(folder: &Path) -> Result<Self, LoadError> {
        let description = Description::read(folder)?;
        let tokens = Tokens::read(folder, &description)?;
        let weights = weights::File::open(&folder.join(WEIGHTS_FILE))?;
        let facts = weights.check(&description)?;
        let name = folder.canonicalize().ok();
        let name = name.as_deref().unwrap_or(folder).file_name().map(|name| name.to_string_lossy().to_lowercase());
        let card = ModelCard {
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| "model".to_owned()),
            architecture: "bert".to_owned(),
            parameters: facts.parameters,
            quantisation: facts.kind.name().to_owned(),
            context_tokens: description.tokens_max as u64,
            vocabulary: description.vocabulary as u64,
            bytes: weights.bytes(),
            dimensions: Some(description.width as u64),
            ..ModelCard::default()
        };
        Ok(Self { card, description, tokens, weights })
    }
}

/// An encoder on this machine's processor.
struct CpuEmbedder {
    description: Description,
    weights: Weights,
    kernels: Kernels,
    pool: Pool,
    forward: Forward,
    batch_tokens_max: usize,
}

impl CpuEmbedder {
    fn check(&self, texts: &[&[Token]]) -> Result<(), EngineError> {
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        if tokens > self.batch_tokens_max {
            return Err(EngineError(format!("a batch of {tokens} tokens exceeds {}", self.batch_tokens_max)));
        }
        let Description { tokens_max, vocabulary, .. } = self.description;
        for text in texts {
            if text.is_empty() || text.len() > tokens_max {
                return Err(EngineError(format!("a text of {} tokens leaves 1 to {tokens_max}", text.len())));
            }
            if let Some(token) = text.iter().find(|token| **token as usize >= vocabulary) {
                return Err(EngineError(format!("token {token} is not in the vocabulary")));
            }
        }
        Ok(())
    }
}

impl Embedder for CpuEmbedder {
    fn batch_tokens_max(&self) -> usize {
        self.batch_tokens_max
    }

    fn embed(&mut self, texts: &[&[Token]]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.check(texts)?;
        let Self { description, weights, kernels, pool, forward, .. } = self;
        forward.run(description, weights, *kernels, pool, texts).map_err(|panicked| EngineError(panicked.to_string()))
    }
}
