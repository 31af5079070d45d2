//! A model as it is stored, whatever holds it: what is said of it, as GGUF's entries say it, and its tensors by GGUF's
//! names. It must not know files.

use crate::LoadError;
use crate::gguf::{self, Metadata, Tensor, TensorKind};
use crate::shape::PairOrder;

/// A stored model.
pub(crate) trait Checkpoint: Sync {
    /// What is said of it.
    fn metadata(&self) -> Metadata<'_>;

    /// All tensors.
    fn tensors(&self) -> Box<dyn Iterator<Item = Tensor<'_>> + '_>;

    /// A tensor that may be absent.
    fn find_tensor(&self, name: &str) -> Option<Tensor<'_>>;

    /// Bytes of the files that hold the weights.
    fn bytes(&self) -> u64;

    /// One expert's part of the tensor of all; with the sizes that all together have, but for their number.
    fn expert_tensor(&self, name: &str, expert: usize, experts: usize) -> Result<Tensor<'_>, LoadError> {
        of_expert(self.tensor(name)?, expert, experts)
    }

    /// What the tiles hold that a matrix is packed into: what is stored, or [`TensorKind::Q8_0`] of floats that are rounded.
    fn packed_kind(&self, tensor: &Tensor<'_>) -> TensorKind {
        tensor.kind
    }

    /// How the rows of queries and keys are ordered, given how GGUF files of the family order them.
    fn pair_order(&self, of_family: PairOrder) -> PairOrder {
        of_family
    }

    /// A tensor that must be there.
    fn tensor(&self, name: &str) -> Result<Tensor<'_>, LoadError> {
        self.find_tensor(name)
            .ok_or_else(|| LoadError::tensor(name, "is missing; the file is incomplete or of another architecture"))
    }
}

/// One expert's part of a tensor of so many experts'.
pub(crate) fn of_expert(tensor: Tensor<'_>, expert: usize, experts: usize) -> Result<Tensor<'_>, LoadError> {
    let dims = match tensor.dims {
        [dims @ .., count] if *count == experts as u64 && !dims.is_empty() => dims,
        dims => {
            let problem = format!("has the sizes {dims:?}, but the metadata ask for {experts} experts at their end");
            return Err(LoadError::tensor(tensor.name, problem));
        }
    };
    let bytes = tensor.bytes.len() / experts;
    let apart = tensor.apart.map(|apart| apart.of_expert(expert, experts));
    Ok(Tensor { dims, bytes: &tensor.bytes[expert * bytes..][..bytes], apart, ..tensor })
}

impl Checkpoint for gguf::File {
    fn metadata(&self) -> Metadata<'_> {
        self.metadata()
    }

    fn tensors(&self) -> Box<dyn Iterator<Item = Tensor<'_>> + '_> {
        Box::new(self.tensors())
    }

    fn find_tensor(&self, name: &str) -> Option<Tensor<'_>> {
        self.find_tensor(name)
    }

    fn bytes(&self) -> u64 {
        self.bytes()
    }
}
