//! A safetensors file, mapped into memory: which tensors it has and their bytes. After [`Shard::open`] every tensor lies
//! inside the file. It must not know networks.

use std::collections::BTreeMap;
use std::path::Path;

use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::LoadError;
use crate::gguf::TensorKind;
use crate::mapped::mapped;

/// An open file of weights.
pub(crate) struct Shard {
    map: Mmap,
    metadata: Metadata,
    /// Where the first tensor's bytes begin.
    start: usize,
}

impl Shard {
    /// Maps a file and reads its header; no weight is touched.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let map = mapped(path, "file of weights", LoadError::Unsupported)?;
        let (header, metadata) = SafeTensors::read_metadata(&map).map_err(|error| {
            LoadError::Unsupported(format!(
                "the file of weights is no safetensors file, or damaged ({error}); fetch it again and compare its SHA-256"
            ))
        })?;
        // Eight bytes say how long the header is.
        Ok(Self { map, metadata, start: header + 8 })
    }

    /// Size of the file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// What the header says of a tensor.
    pub(crate) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// All tensors, by their names.
    pub(crate) fn infos(&self) -> BTreeMap<String, &TensorInfo> {
        self.metadata.tensors().into_iter().collect()
    }

    /// A tensor's bytes.
    pub(crate) fn bytes_of(&self, info: &TensorInfo) -> &[u8] {
        let (from, to) = info.data_offsets;
        // The header's reading has checked that the range lies inside the file and fits the sizes.
        self.map.get(self.start + from..self.start + to).unwrap_or_default()
    }
}

/// How weights of this type are packed; an error where they are not computed.
pub(crate) fn kind(name: &str, dtype: Dtype) -> Result<TensorKind, LoadError> {
    match dtype {
        Dtype::F32 => Ok(TensorKind::F32),
        Dtype::F16 => Ok(TensorKind::F16),
        Dtype::BF16 => Ok(TensorKind::Bf16),
        _ => Err(LoadError::tensor(name, format!("is stored as {dtype}; F32, F16 and BF16 are computed"))),
    }
}
