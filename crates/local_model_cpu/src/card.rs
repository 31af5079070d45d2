//! A model's card from its files' headers. It must not know weights' values.

use std::collections::BTreeMap;
use std::path::Path;

use local_model::{AnswerDefaults, ModelCard};

use crate::LoadError;
use crate::checkpoint::Checkpoint;
use crate::codec::{self, Codec};
use crate::gguf::{Metadata, TensorKind};
use crate::shape::Shape;
use crate::weights::Weights;

/// Reads a model's card, in a fraction of a second: no weights but vectors are read. Refuses what [`crate::load`] would
/// refuse on any machine: a model whose tokenizer, template or tensors this crate could not serve. The SHA-256 is left to
/// who reads all files.
pub(crate) fn inspect(path: &Path, checkpoint: &dyn Checkpoint) -> Result<ModelCard, LoadError> {
    let card = card(path, checkpoint)?;
    Codec::read(checkpoint.metadata(), jiff::Zoned::now)?;
    Weights::check(checkpoint)?;
    Ok(card)
}

/// The card of an open model.
pub(crate) fn card(path: &Path, checkpoint: &dyn Checkpoint) -> Result<ModelCard, LoadError> {
    let metadata = checkpoint.metadata();
    let shape = Shape::read(&metadata)?;
    let tokens = metadata.strings("tokenizer.ggml.tokens")?.map_or(0, |tokens| tokens.len());
    let embedding = checkpoint.tensor("token_embd.weight")?;
    let rows = embedding.dims.last().copied().unwrap_or(0);
    if rows < tokens as u64 {
        return Err(LoadError::tensor(embedding.name, format!("has {rows} rows for a vocabulary of {tokens} tokens")));
    }
    let facts = codec::facts(metadata)?;
    Ok(ModelCard {
        name: name(path, metadata)?,
        architecture: metadata.need_string("general.architecture")?.to_owned(),
        parameters: checkpoint.tensors().map(|tensor| tensor.weights()).sum(),
        quantisation: most_common_kind(checkpoint).map_or("", TensorKind::name).to_owned(),
        context_tokens: shape.context_tokens as u64,
        vocabulary: tokens as u64,
        bytes: checkpoint.bytes(),
        chat: facts.chat,
        reasons: facts.reasons,
        licence: metadata.string("general.license")?.map(str::to_owned),
        languages: languages(metadata),
        sha256: None,
        dimensions: None,
        defaults: AnswerDefaults::default(),
    })
}

/// A folder's own name. Of a file its name where it tells the model's size, as published files do; else the name inside; else
/// the file's.
fn name(path: &Path, metadata: Metadata<'_>) -> Result<String, LoadError> {
    if path.is_dir() {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let named = whole.file_name().map(|name| slug(&name.to_string_lossy())).filter(|name| !name.is_empty());
        return Ok(named.unwrap_or_else(|| "model".to_owned()));
    }
    let stem = path.file_stem().map(|stem| slug(&stem.to_string_lossy())).unwrap_or_default();
    let size = metadata.string("general.size_label")?.map(slug).filter(|size| !size.is_empty());
    if size.is_some_and(|size| stem.contains(&size)) {
        return Ok(stem);
    }
    let inside = metadata.string("general.name")?.map(slug).unwrap_or_default();
    let inside = inside.strip_suffix("-gguf").unwrap_or(&inside);
    Ok([inside, &stem, "model"].into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned())
}

/// Lower-case letters, digits, dots and underscores, joined by hyphens.
fn slug(text: &str) -> String {
    let kept = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_');
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|letter| !kept(letter)).filter(|word| !word.is_empty()).collect();
    words.join("-").trim_matches('.').to_owned()
}

/// The kind that most weights have.
fn most_common_kind(checkpoint: &dyn Checkpoint) -> Option<TensorKind> {
    let mut weights: BTreeMap<TensorKind, u64> = BTreeMap::new();
    for tensor in checkpoint.tensors() {
        *weights.entry(tensor.kind).or_default() += tensor.weights();
    }
    weights.into_iter().max_by_key(|(_, weights)| *weights).map(|(kind, _)| kind)
}

/// As the file lists them; a file that lists them in another way than the format says lists none.
fn languages(metadata: Metadata<'_>) -> Vec<String> {
    let listed = metadata.strings("general.languages").ok().flatten().unwrap_or_default();
    listed.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
