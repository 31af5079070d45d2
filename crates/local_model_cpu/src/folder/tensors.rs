//! The weights of a folder: one safetensors file or several, their tensors by GGUF's names. It must not know how a network is
//! computed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorInfo};
use serde::Deserialize;

use super::config::{Config, own_name};
use super::family::Family;
use super::packed_experts;
use crate::LoadError;
use crate::apart::{Apart, Turns};
use crate::gguf::{Tensor, TensorKind};
use crate::shard::{Shard, kind};
use crate::small_file::small_json;

const WEIGHTS_FILE: &str = "model.safetensors";
const INDEX_FILE: &str = "model.safetensors.index.json";
/// Bytes of an index at most; those of the largest models have some millions.
const INDEX_BYTES_MAX: u64 = 16 << 20;
/// Files that weights may be spread over; the largest known models have some hundreds.
const SHARDS_MAX: usize = 1024;
/// Tensors a folder may have; the largest known have some thousands, experts apart.
const TENSORS_MAX: usize = 65_536;

/// The tensors of an open folder.
pub(super) struct Tensors {
    family: &'static Family,
    shards: Vec<Shard>,
    places: BTreeMap<String, Place>,
}

/// A tensor.
pub(super) struct Place {
    /// Columns before rows, as GGUF has them.
    pub(super) dims: Vec<u64>,
    pub(super) kind: TensorKind,
    pub(super) weights: Weights,
}

#[derive(Clone)]
pub(super) enum Weights {
    /// In that shard, under that name.
    Stored { shard: usize, name: String },
    /// Not in a file as they are computed with: 32-bit floats, made when the folder was opened.
    Made(Vec<u8>),
    /// Blocks, and their scales apart.
    Apart { blocks: Box<Weights>, scales: Box<Weights>, turns: Turns },
}

/// `model.safetensors.index.json`, as far as it matters here.
#[derive(Deserialize)]
struct Index {
    /// For each tensor its file.
    weight_map: BTreeMap<String, String>,
}

impl Tensors {
    /// Maps a folder's weights; `factors` becomes the tensor that GGUF files bring for Llama 3's longer contexts.
    pub(super) fn open(
        folder: &Path,
        config: &Config,
        family: &'static Family,
        factors: Option<Vec<f32>>,
    ) -> Result<Self, LoadError> {
        let shards = shards(folder)?;
        let mut tensors = Self { family, shards: Vec::new(), places: BTreeMap::new() };
        let layers = config.need_size("num_hidden_layers")?;
        let tied = config.flag("tie_word_embeddings")?;
        for (number, shard) in shards.iter().enumerate() {
            for (name, info) in shard.infos() {
                let is_tied_output = tied == Some(true) && name == "lm_head.weight";
                // Buffers of older programs, computed anew by newer ones.
                if is_tied_output || name.ends_with(".rotary_emb.inv_freq") || guesses_ahead(&name) {
                    continue;
                }
                let unknown = || LoadError::tensor(&name, why_unknown(&name));
                let (gguf, layer) = family.gguf_name(&name).ok_or_else(unknown)?;
                if layer.is_some_and(|layer| layer >= layers) {
                    let field = own_name(family.fields, "num_hidden_layers");
                    let problem = format!("is there, but `config.json` says `{field}` is {layers}");
                    return Err(LoadError::tensor(&name, problem));
                }
                let place = Place::of(family, (number, shard), (&name, &gguf), info)?;
                if tensors.places.insert(gguf, place).is_some() {
                    return Err(LoadError::tensor(&name, "is in two of the files of weights"));
                }
                if tensors.places.len() > TENSORS_MAX {
                    let problem = format!("the folder has more than {TENSORS_MAX} tensors, which is not read");
                    return Err(LoadError::Unsupported(problem));
                }
            }
        }
        if tied == Some(false) && !tensors.places.contains_key("output.weight") {
            let problem = "is missing, and `config.json` says `tie_word_embeddings` is false; the folder is incomplete";
            return Err(LoadError::tensor("lm_head.weight", problem));
        }
        if let Some(factors) = factors {
            let place = Place {
                dims: vec![factors.len() as u64],
                kind: TensorKind::F32,
                weights: Weights::Made(factors.iter().flat_map(|factor| factor.to_le_bytes()).collect()),
            };
            tensors.places.insert("rope_freqs.weight".to_owned(), place);
        }
        packed_experts::unpack(&mut tensors.places, &shards)?;
        tensors.shards = shards;
        tensors.has_rows(config)?;
        tensors.has_biases(config)?;
        Ok(tensors)
    }

    /// Checks that biases are there where `config.json` says so, and only there.
    fn has_biases(&self, config: &Config) -> Result<(), LoadError> {
        for (field, sign) in [("attention_bias", ".attn_q.bias"), ("mlp_bias", ".ffn_gate.bias")] {
            let there = self.places.keys().any(|name| name.ends_with(sign));
            if let Some(said) = config.flag(field)?.filter(|said| *said != there) {
                let weights = if there { "have such biases" } else { "have no such biases; the folder is incomplete" };
                return Err(config.wrong(field, &format!("is {said}, but the weights {weights}")));
            }
        }
        Ok(())
    }

    /// Checks that there is a row for each token that `config.json` speaks of, and no other.
    fn has_rows(&self, config: &Config) -> Result<(), LoadError> {
        let (said, rows) = (config.need_size("vocab_size")?, self.vocabulary()?);
        if said == rows {
            return Ok(());
        }
        Err(config.wrong("vocab_size", &format!("is {said}, but `{}` has {rows} rows", self.family.embedding())))
    }

    /// Rows of the embedding.
    pub(super) fn vocabulary(&self) -> Result<u64, LoadError> {
        let name = self.family.embedding();
        let place = self.places.get("token_embd.weight");
        let place = place.ok_or_else(|| LoadError::tensor(name, "is missing; the folder is incomplete"))?;
        match place.dims.as_slice() {
            [_, rows] => Ok(*rows),
            dims => Err(LoadError::tensor(name, format!("has {} sizes; rows and columns are expected", dims.len()))),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Tensor<'_>> {
        self.places.iter().map(|(name, place)| self.at(name, place))
    }

    pub(super) fn find(&self, name: &str) -> Option<Tensor<'_>> {
        self.places.get_key_value(name).map(|(name, place)| self.at(name, place))
    }

    /// Bytes of all files of weights.
    pub(super) fn bytes(&self) -> u64 {
        self.shards.iter().map(Shard::bytes).sum()
    }

    fn at<'a>(&'a self, name: &'a str, place: &'a Place) -> Tensor<'a> {
        let apart = match &place.weights {
            Weights::Apart { scales, turns, .. } => Some(Apart { scales: scales.bytes(&self.shards), turns: *turns }),
            _ => None,
        };
        Tensor { name, dims: &place.dims, kind: place.kind, bytes: place.weights.bytes(&self.shards), apart }
    }
}

impl Weights {
    /// The bytes; of what lies apart those of the blocks.
    pub(super) fn bytes<'a>(&'a self, shards: &'a [Shard]) -> &'a [u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Stored { shard, name } => {
                let found = shards.get(*shard).and_then(|shard| Some(shard.bytes_of(shard.info(name)?)));
                found.unwrap_or_default()
            }
            Self::Apart { blocks, .. } => blocks.bytes(shards),
        }
    }
}

fn why_unknown(name: &str) -> &'static str {
    if name.contains(".mlp.experts.gate_up_proj") || name.ends_with(".mlp.experts.down_proj") {
        return "holds all experts in one; they are read as models are published: each apart, or gpt-oss' in MXFP4";
    }
    "is not of a network that is computed; take a model without it"
}

/// Whether a tensor is of layers that guess further tokens ahead, which are not computed.
fn guesses_ahead(name: &str) -> bool {
    name.starts_with("mtp.")
}

impl Place {
    fn of(
        family: &Family,
        (number, shard): (usize, &Shard),
        (name, gguf): (&str, &str),
        info: &TensorInfo,
    ) -> Result<Self, LoadError> {
        if info.shape.contains(&0) {
            return Err(LoadError::tensor(name, format!("has the sizes {:?}; none may be zero", info.shape)));
        }
        let dims = info.shape.iter().rev().map(|length| *length as u64).collect();
        if gguf.ends_with(packed_experts::BLOCKS) || gguf.ends_with(packed_experts::SCALES) {
            if info.dtype != Dtype::U8 {
                return Err(LoadError::tensor(name, format!("is stored as {}; U8 is expected here", info.dtype)));
            }
            let weights = Weights::Stored { shard: number, name: name.to_owned() };
            return Ok(Self { dims, kind: TensorKind::Mxfp4, weights });
        }
        let kind = kind(name, info.dtype)?;
        // The one thing of which a folder's weights are not what is computed with: small, and made here.
        if family.norms_less_one && name.ends_with("norm.weight") && info.shape.len() == 1 {
            let made = floats(kind, shard.bytes_of(info)).flat_map(|weight| (weight + 1.0).to_le_bytes()).collect();
            return Ok(Self { dims, kind: TensorKind::F32, weights: Weights::Made(made) });
        }
        Ok(Self { dims, kind, weights: Weights::Stored { shard: number, name: name.to_owned() } })
    }

    /// What the folder calls it; nothing where it was made.
    pub(super) fn stored_name(&self) -> &str {
        match &self.weights {
            Weights::Stored { name, .. } => name,
            Weights::Made(_) | Weights::Apart { .. } => "",
        }
    }
}

pub(super) fn floats(kind: TensorKind, bytes: &[u8]) -> Box<dyn Iterator<Item = f32> + '_> {
    let halves = bytes.as_chunks::<2>().0.iter();
    match kind {
        TensorKind::F16 => Box::new(halves.map(|bits| f16::from_le_bytes(*bits).to_f32())),
        TensorKind::Bf16 => Box::new(halves.map(|bits| bf16::from_le_bytes(*bits).to_f32())),
        _ => Box::new(bytes.as_chunks::<4>().0.iter().map(|bits| f32::from_le_bytes(*bits))),
    }
}

/// All files of weights, each tensor that the index names being in the file that it names.
fn shards(folder: &Path) -> Result<Vec<Shard>, LoadError> {
    if folder.join(WEIGHTS_FILE).exists() {
        return Ok(vec![Shard::open(&folder.join(WEIGHTS_FILE))?]);
    }
    let Some(index) = small_json::<Index>(folder, INDEX_FILE, INDEX_BYTES_MAX)? else {
        let problem =
            format!("the folder has neither `{WEIGHTS_FILE}` nor `{INDEX_FILE}`: it holds no weights that are read");
        return Err(LoadError::Unsupported(problem));
    };
    let wrong = |problem: String| LoadError::Unsupported(format!("`{INDEX_FILE}` {problem}"));
    let names: BTreeSet<&str> = index.weight_map.values().map(String::as_str).collect();
    if names.is_empty() || names.len() > SHARDS_MAX {
        return Err(wrong(format!("names {} files; 1 to {SHARDS_MAX} are read", names.len())));
    }
    // A path out of the folder would read another's file.
    let leads_away = |name: &&&str| name.contains(['/', '\\', ':']) || name.starts_with('.');
    if let Some(name) = names.iter().find(leads_away) {
        return Err(wrong(format!("names `{}`, which is no file of the folder", name.escape_debug())));
    }
    let mut shards: BTreeMap<&str, Shard> = BTreeMap::new();
    for name in names {
        shards.insert(name, Shard::open(&folder.join(name))?);
    }
    for (tensor, file) in &index.weight_map {
        if shards.get(file.as_str()).is_none_or(|shard| shard.info(tensor).is_none()) {
            let problem = format!("is not in `{file}`, where `{INDEX_FILE}` says that it is; fetch both again");
            return Err(LoadError::tensor(tensor, problem));
        }
    }
    Ok(shards.into_values().collect())
}
