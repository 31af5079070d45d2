//! An encoder's weights: found in the safetensors file, checked against the description's sizes, packed into tiles. Nothing is
//! allocated for what the file does not hold. It must not know how they are computed with.

use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::TensorInfo;

use super::description::Description;
use crate::LoadError;
use crate::buffer::Buffer;
use crate::gguf::TensorKind;
use crate::memory::ensure_available;
use crate::packed::{Matrix, Place, STRIP_ALIGNMENT, TILE_ROWS, pack_strip, strip_bytes};
use crate::shard::{Shard, kind};

/// Some files name all tensors of the encoder so, beside those of a head that is not computed.
const PREFIX: &str = "bert.";

/// An open file of weights; every tensor lies inside it.
pub(super) struct File(Shard);

/// What is known of the weights without reading them.
pub(super) struct Facts {
    pub(super) parameters: u64,
    /// How most of them are stored.
    pub(super) kind: TensorKind,
}

/// A tensor as it lies in the file.
#[derive(Clone, Copy)]
struct Tensor<'a> {
    kind: TensorKind,
    bytes: &'a [u8],
}

/// A matrix and what is added to its results.
pub(super) struct Linear {
    pub(super) matrix: Matrix,
    pub(super) bias: Vec<f32>,
}

/// What a row is brought to the mean 0 and the variance 1 with.
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// One layer.
pub(super) struct Layer {
    /// Queries of all heads, then keys, then values.
    pub(super) queries_keys_values: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: Norm,
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) feed_norm: Norm,
}

/// All weights.
pub(super) struct Weights {
    /// A row for each token.
    pub(super) words: Buffer<f32>,
    /// A row for each position, the vector of the first type of text added.
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
    memory: Buffer<u8>,
}

impl Weights {
    /// Packs a file's weights; the file may be closed afterwards.
    pub(super) fn pack(file: &File, description: &Description) -> Result<Self, LoadError> {
        let refused = |error| LoadError::Machine(format!("no memory for the model's weights: {error}"));
        let width = description.width;
        let mut plan = Plan { file, strips: Vec::new(), bytes: 0 };
        let layers = (0..description.layers).map(|layer| plan.layer(description, layer));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        let words = file.tensor("embeddings.word_embeddings.weight", &[description.vocabulary, width])?;
        ensure_available(plan.bytes + description.vocabulary * width * size_of::<f32>(), "the model's weights")?;
        let mut memory = Buffer::zeroed(plan.bytes).map_err(refused)?;
        plan.fill(memory.values_mut());
        let mut rows = Buffer::zeroed(description.vocabulary * width).map_err(refused)?;
        words.floats(rows.values_mut());
        let mut positions = file.vector("embeddings.position_embeddings.weight", &[description.positions, width])?;
        let kinds = file.vector("embeddings.token_type_embeddings.weight", &[description.types, width])?;
        for row in positions.chunks_exact_mut(width) {
            for (to, kind) in row.iter_mut().zip(&kinds) {
                *to += kind;
            }
        }
        let norm = file.norm("embeddings.LayerNorm", width)?;
        Ok(Self { words: rows, positions, norm, layers, memory })
    }

    /// Where the matrices' strips lie.
    pub(super) fn memory(&self) -> &[u8] {
        self.memory.values()
    }
}

/// What is to be packed, and where to.
struct Plan<'a> {
    file: &'a File,
    strips: Vec<Strip<'a>>,
    bytes: usize,
}

/// Up to 16 rows of one tensor.
struct Strip<'a> {
    kind: TensorKind,
    rows: &'a [u8],
    row_bytes: usize,
    place: std::ops::Range<usize>,
}

impl Plan<'_> {
    fn layer(&mut self, description: &Description, layer: usize) -> Result<Layer, LoadError> {
        let Description { width, feed_width, .. } = *description;
        let name = |what: &str| format!("encoder.layer.{layer}.{what}");
        let own = ["query", "key", "value"].map(|what| name(&format!("attention.self.{what}")));
        Ok(Layer {
            queries_keys_values: self.linear(&own, width, width)?,
            attention_output: self.linear(&[name("attention.output.dense")], width, width)?,
            attention_norm: self.file.norm(&name("attention.output.LayerNorm"), width)?,
            up: self.linear(&[name("intermediate.dense")], width, feed_width)?,
            down: self.linear(&[name("output.dense")], feed_width, width)?,
            feed_norm: self.file.norm(&name("output.LayerNorm"), width)?,
        })
    }

    /// Matrices of `rows` rows each below each other, with their biases.
    fn linear(&mut self, names: &[String], columns: usize, rows: usize) -> Result<Linear, LoadError> {
        let mut matrix = Matrix { columns, ..Matrix::default() };
        let mut bias = Vec::with_capacity(rows * names.len());
        for name in names {
            let tensor = self.file.tensor(&format!("{name}.weight"), &[rows, columns])?;
            let (kind, row_bytes) = (tensor.kind, tensor.bytes.len() / rows);
            let length = strip_bytes(kind, columns);
            for rows in tensor.bytes.chunks(TILE_ROWS * row_bytes) {
                let place = self.bytes..self.bytes + length;
                self.bytes = place.end.next_multiple_of(STRIP_ALIGNMENT);
                matrix.strips.push(Place { kind, offset: place.start });
                self.strips.push(Strip { kind, rows, row_bytes, place });
            }
            matrix.rows += rows;
            bias.extend(self.file.vector(&format!("{name}.bias"), &[rows])?);
        }
        Ok(Linear { matrix, bias })
    }

    fn fill(&self, memory: &mut [u8]) {
        for strip in &self.strips {
            let rows: Vec<&[u8]> = strip.rows.chunks_exact(strip.row_bytes).collect();
            pack_strip(strip.kind, strip.kind, &rows, &mut memory[strip.place.clone()]);
        }
    }
}

impl File {
    /// Maps a file and reads its header; no weight is touched.
    pub(super) fn open(path: &Path) -> Result<Self, LoadError> {
        Shard::open(path).map(Self)
    }

    /// Size of the file in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.0.info(name).or_else(|| self.0.info(&format!("{PREFIX}{name}")))
    }

    /// Checks that [`Weights::pack`] would find everything in its shape.
    pub(super) fn check(&self, description: &Description) -> Result<Facts, LoadError> {
        let width = description.width;
        let mut plan = Plan { file: self, strips: Vec::new(), bytes: 0 };
        for layer in 0..description.layers {
            plan.layer(description, layer)?;
        }
        let words = self.tensor("embeddings.word_embeddings.weight", &[description.vocabulary, width])?;
        self.tensor("embeddings.position_embeddings.weight", &[description.positions, width])?;
        self.tensor("embeddings.token_type_embeddings.weight", &[description.types, width])?;
        self.norm("embeddings.LayerNorm", width)?;
        let weights = |info: &TensorInfo| info.shape.iter().map(|length| *length as u64).product::<u64>();
        let infos = self.0.infos();
        let floats = infos.iter().filter(|(name, info)| kind(name, info.dtype).is_ok());
        Ok(Facts { parameters: floats.map(|(_, info)| weights(info)).sum(), kind: words.kind })
    }

    fn tensor(&self, name: &str, expected: &[usize]) -> Result<Tensor<'_>, LoadError> {
        let info = self.info(name);
        let info = info
            .ok_or_else(|| LoadError::tensor(name, "is missing; the file is incomplete or of another architecture"))?;
        if info.shape != expected {
            let problem = format!("has the sizes {:?}, but `config.json` asks for {expected:?}", info.shape);
            return Err(LoadError::tensor(name, problem));
        }
        Ok(Tensor { kind: kind(name, info.dtype)?, bytes: self.0.bytes_of(info) })
    }

    fn vector(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, LoadError> {
        let tensor = self.tensor(name, expected)?;
        let mut floats = vec![0.0; expected.iter().product()];
        tensor.floats(&mut floats);
        Ok(floats)
    }

    /// Older files call its parts `gamma` and `beta`.
    fn norm(&self, name: &str, width: usize) -> Result<Norm, LoadError> {
        let old = format!("{name}.gamma");
        if self.info(&old).is_some() {
            let bias = self.vector(&format!("{name}.beta"), &[width])?;
            return Ok(Norm { weight: self.vector(&old, &[width])?, bias });
        }
        let weight = self.vector(&format!("{name}.weight"), &[width])?;
        Ok(Norm { weight, bias: self.vector(&format!("{name}.bias"), &[width])? })
    }
}

impl Tensor<'_> {
    fn floats(&self, to: &mut [f32]) {
        let halves = self.bytes.as_chunks::<2>().0;
        match self.kind {
            TensorKind::F16 => {
                to.iter_mut().zip(halves).for_each(|(to, bits)| *to = f16::from_le_bytes(*bits).to_f32());
            }
            TensorKind::Bf16 => {
                to.iter_mut().zip(halves).for_each(|(to, bits)| *to = bf16::from_le_bytes(*bits).to_f32());
            }
            _ => {
                let singles = self.bytes.as_chunks::<4>().0;
                to.iter_mut().zip(singles).for_each(|(to, bits)| *to = f32::from_le_bytes(*bits));
            }
        }
    }
}
