//! A model in a folder, as Hugging Face's `transformers` writes it: `config.json`, `tokenizer.json`, weights in safetensors
//! files. What it says is put into GGUF's words, so that one loader reads both; its weights are packed from where they lie
//! in the files.
//!
//! Queries and keys stand as the classes have them, components that turn together half a head apart, which is the engine's
//! own order: nothing is permuted. It must not know how a network is computed.

mod config;
mod family;
mod mixture;
mod packed_experts;
mod rotation;
mod tensors;
mod tokenizer;
mod translation;

use std::path::Path;

use crate::LoadError;
use crate::checkpoint::{Checkpoint, of_expert};
use crate::gguf::{EntryWriter, Metadata, Tensor, TensorKind, Written};
use crate::settings::FloatWeights;
use crate::shape::PairOrder;
use config::Config;
use family::Family;
use tensors::Tensors;

/// An open folder.
pub(crate) struct Folder {
    family: &'static Family,
    written: Written,
    tensors: Tensors,
    floats: FloatWeights,
}

impl Folder {
    /// Reads a folder's descriptions and the headers of its weights; no weight but those of norms is touched.
    pub(crate) fn open(path: &Path, floats: FloatWeights) -> Result<Self, LoadError> {
        let (mut folder, config, mut entries) = Self::network(path, floats)?;
        tokenizer::translate(path, &config, folder.tensors.vocabulary()?, &mut entries)?;
        folder.written = entries.finish()?;
        Ok(folder)
    }

    /// The same without the tokenizer.
    pub(crate) fn open_network(path: &Path, floats: FloatWeights) -> Result<Self, LoadError> {
        let (mut folder, _, entries) = Self::network(path, floats)?;
        folder.written = entries.finish()?;
        Ok(folder)
    }

    /// Reads what can be read before there are weights: refuses what would be refused with any.
    pub(crate) fn foresee(path: &Path) -> Result<(), LoadError> {
        let Described { config, mut entries, .. } = Described::read(path)?;
        tokenizer::translate(path, &config, config.need_size("vocab_size")?, &mut entries)
    }

    /// The network, its entries still to be read.
    fn network(path: &Path, floats: FloatWeights) -> Result<(Self, Config, EntryWriter), LoadError> {
        let Described { family, config, entries, factors } = Described::read(path)?;
        let tensors = Tensors::open(path, &config, family, factors)?;
        Ok((Self { family, written: Written::default(), tensors, floats }, config, entries))
    }

    /// An error in this folder's words instead of GGUF's.
    pub(crate) fn told(&self, error: LoadError) -> LoadError {
        match error {
            LoadError::Metadata { key, problem } => match self.family.field_of(&key) {
                Some((file, field)) => LoadError::Unsupported(format!("`{file}`: `{field}` {problem}")),
                None => LoadError::Metadata { key, problem },
            },
            LoadError::Tensor { name, problem } => {
                LoadError::Tensor { name: self.family.folder_name(&name).unwrap_or(name), problem }
            }
            other => other,
        }
    }
}

/// What `config.json` says.
struct Described {
    family: &'static Family,
    config: Config,
    entries: EntryWriter,
    /// Llama 3's, one for each pair of a head's components.
    factors: Option<Vec<f32>>,
}

impl Described {
    fn read(path: &Path) -> Result<Self, LoadError> {
        let config = Config::read(path)?;
        let family = Family::of(&config)?;
        let config = config.with_own_names(family.fields);
        let mut entries = EntryWriter::default();
        translation::translate(&config, family, &mut entries)?;
        let factors = rotation::translate(&config, family, &mut entries)?;
        Ok(Self { family, config, entries, factors })
    }
}

impl Checkpoint for Folder {
    fn metadata(&self) -> Metadata<'_> {
        self.written.metadata()
    }

    fn tensors(&self) -> Box<dyn Iterator<Item = Tensor<'_>> + '_> {
        Box::new(self.tensors.all())
    }

    fn find_tensor(&self, name: &str) -> Option<Tensor<'_>> {
        self.tensors.find(name)
    }

    fn bytes(&self) -> u64 {
        self.tensors.bytes()
    }

    fn expert_tensor(&self, name: &str, expert: usize, experts: usize) -> Result<Tensor<'_>, LoadError> {
        if self.family.mixture.is_some_and(|mixture| mixture.is_packed()) {
            return of_expert(self.tensor(name)?, expert, experts);
        }
        self.tensor(&mixture::expert_name(name, expert as u64))
    }

    fn packed_kind(&self, tensor: &Tensor<'_>) -> TensorKind {
        // Experts that are nearly as good as each other must not change places.
        let is_router = tensor.name.ends_with(".ffn_gate_inp.weight");
        let is_float = tensor.kind.block_weights() == 1;
        if self.floats == FloatWeights::EightBits && is_float && !is_router { TensorKind::Q8_0 } else { tensor.kind }
    }

    fn pair_order(&self, _: PairOrder) -> PairOrder {
        PairOrder::Halves
    }
}
