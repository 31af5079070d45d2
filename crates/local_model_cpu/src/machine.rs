//! What this machine gives the engine, and what a model asks of it, before anything is loaded. It must not know what
//! follows from either.

use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::folder::Folder;
use crate::gguf::{File, Tensor};
use crate::kernels::Kernels;
use crate::packed::{TILE_ROWS, strip_bytes};
use crate::shape::Shape;
use crate::weights::Weights;
use crate::{FloatWeights, KernelChoice, LoadError, memory, shape};

/// What this machine gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Bytes that a process can take without others being pushed out: the least of what the system and the control group (a
    /// container's limit) leave. None where the system does not say.
    pub memory_bytes: Option<u64>,
    /// Threads that the engine would compute on: one for each core that the process may use.
    pub threads: usize,
    /// The instruction set that it would compute with.
    pub kernels: &'static str,
}

/// What a model asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSizes {
    /// Bytes of all weights, packed for this processor.
    pub weight_bytes: u64,
    /// Bytes of packed weights that writing one token reads. Of a mixture, those of the experts that it asks.
    pub read_bytes: u64,
    /// Bytes that a token leaves in the cache of keys and values.
    pub cache_bytes_a_token: u64,
}

/// Looks at the machine; measures nothing.
pub fn machine() -> Machine {
    Machine {
        memory_bytes: memory::available(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        // The best that there is cannot be missing.
        kernels: Kernels::choose(KernelChoice::Auto).map_or("portable", Kernels::name),
    }
}

/// The architectures that are computed, as `general.architecture` of a GGUF file names them.
pub fn architectures() -> impl Iterator<Item = &'static str> {
    shape::architecture::KNOWN.iter().map(|family| family.name)
}

/// Reads what a GGUF file, or a folder with a model that answers, asks, without packing any weight; refuses what
/// [`crate::load`] would refuse on any machine.
pub fn file_sizes(path: &Path) -> Result<FileSizes, LoadError> {
    if !path.is_dir() {
        return sizes(&File::open(path)?);
    }
    let folder = Folder::open_network(path, FloatWeights::default())?;
    sizes(&folder).map_err(|error| folder.told(error))
}

fn sizes(checkpoint: &dyn Checkpoint) -> Result<FileSizes, LoadError> {
    let shape = Shape::read(&checkpoint.metadata())?;
    let (weight_bytes, a_pass) = Weights::bytes(checkpoint)?;
    let cache_values = 2 * shape.layers() as u64 * shape.kv_width() as u64;
    Ok(FileSizes {
        weight_bytes: weight_bytes as u64,
        read_bytes: (a_pass as u64).saturating_sub(unasked_bytes(checkpoint, &shape)),
        cache_bytes_a_token: cache_values * size_of::<u16>() as u64,
    })
}

/// What strips are measured by, whatever the kind: tiles of the K kinds have as many.
const COLUMNS: usize = 256;

/// Packed bytes of the experts that a token does not ask.
fn unasked_bytes(checkpoint: &dyn Checkpoint, shape: &Shape) -> u64 {
    let Some(experts) = shape.experts else { return 0 };
    let packed = |tensor: Tensor<'_>| {
        let strip = strip_bytes(checkpoint.packed_kind(&tensor), COLUMNS) as u64;
        tensor.weights() * strip / (TILE_ROWS * COLUMNS) as u64
    };
    let is_matrix = |tensor: &Tensor<'_>| tensor.name.contains("_exps.") && tensor.name.ends_with(".weight");
    let all: u64 = checkpoint.tensors().filter(is_matrix).map(packed).sum();
    all / experts.count as u64 * experts.count.saturating_sub(experts.used) as u64
}

#[cfg(test)]
mod tests;
