//! GGUF, the file format of llama.cpp (versions 2 and 3, little-endian): metadata entries, then tensors.
//!
//! Everything that the header claims is checked against the bytes that remain before anything is allocated; after
//! [`File::open`] every entry and tensor lies inside the file. It must not know networks or tokenizers.
//! Source: the specification `docs/gguf.md` of the ggml project.

mod cursor;
mod header;
mod metadata;
mod tensor_kind;
mod written;

use std::path::Path;

use memmap2::Mmap;

use crate::LoadError;
use crate::apart::Apart;
use crate::mapped::mapped;
use header::TensorPlace;

pub(crate) use header::Header;

pub(crate) use metadata::Metadata;
pub(crate) use tensor_kind::TensorKind;
pub(crate) use written::{EntryWriter, Written};

/// An open model file, mapped into memory.
pub(crate) struct File {
    map: Mmap,
    header: Header,
}

/// One tensor's place in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensor<'a> {
    /// Its name, such as `blk.0.attn_q.weight`.
    pub(crate) name: &'a str,
    /// Sizes, the fastest moving first: a matrix is `[columns, rows]`. One to four, none zero.
    pub(crate) dims: &'a [u64],
    /// How its weights are stored.
    pub(crate) kind: TensorKind,
    /// The weights: exactly [`TensorKind::bytes_of`] its weights, or blocks whose scales lie apart.
    pub(crate) bytes: &'a [u8],
    /// What belongs to such blocks; files of this format have none.
    pub(crate) apart: Option<Apart<'a>>,
}

impl Tensor<'_> {
    /// Number of weights.
    pub(crate) fn weights(&self) -> u64 {
        self.dims.iter().product()
    }
}

impl File {
    /// Maps a file and reads its header; no weight is touched.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let map = mapped(path, "model file", LoadError::NotGguf)?;
        let header = Header::read(&map)?;
        Ok(Self { map, header })
    }

    /// Size of the file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// The metadata entries.
    pub(crate) fn metadata(&self) -> Metadata<'_> {
        self.header.metadata(&self.map)
    }

    /// The tensors in the file's order.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = Tensor<'_>> {
        self.header.tensors.iter().map(|place| self.at(place))
    }

    /// A tensor that may be absent.
    pub(crate) fn find_tensor(&self, name: &str) -> Option<Tensor<'_>> {
        self.header.tensor(name).map(|place| self.at(place))
    }

    fn at<'a>(&'a self, place: &'a TensorPlace) -> Tensor<'a> {
        // The header's reading has checked that the range lies inside the file.
        let bytes = self.map.get(place.bytes.clone()).unwrap_or_default();
        Tensor { name: &place.name, dims: &place.dims, kind: place.kind, bytes, apart: None }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
#[path = "../tests/it/gguf_writer.rs"]
pub(crate) mod writer;
