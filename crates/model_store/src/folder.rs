//! Models that are several files in a folder, as Hugging Face's programs write them: which of a folder's files belong to the model,
//! and the one digest that stands for all. Knows nothing of what the files hold.

use std::{ops::ControlFlow, path::Path};

use crate::{Digest, KeptFile, StoreError, digest};

/// The files that a model is read from, beside those that [`is_wanted`] knows by their beginning and end.
const FILES: [&str; 11] = [
    "1_Pooling/config.json",
    "chat_template.jinja",
    "config.json",
    "config_sentence_transformers.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// Whether a model is read from the file of that path in its folder. Others of a folder (pictures, weights in other forms) stay
/// where they are.
pub(crate) fn is_wanted(path: &str) -> bool {
    let is_weights = path.starts_with("model") && path.ends_with(".safetensors") && !path.contains(['/', '\\']);
    is_weights || FILES.contains(&path)
}

/// Whether a file holds weights: what is large, and worth keeping when a pull is cut.
pub(crate) fn is_weights(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("safetensors"))
}

/// The files in [`FILES`] and the folder's own weights: what is to be looked for in a folder on this machine.
pub(crate) fn wanted_in(names: impl Iterator<Item = String>) -> Vec<String> {
    let inner = FILES.iter().filter(|path| path.contains('/')).map(|path| (*path).to_owned());
    let mut paths: Vec<String> = names.filter(|name| is_wanted(name)).chain(inner).collect();
    paths.sort();
    paths
}

/// What stands for all files: the digest of what `sha256sum` would write of them.
pub(crate) fn digest(files: &[KeptFile]) -> Digest {
    let lines: Vec<String> = files.iter().map(|kept| format!("{}  {}\n", kept.sha256, kept.path)).collect();
    let lines = lines.concat();
    Digest::of(lines.as_bytes())
}

/// Reads all files again and compares their digests.
pub(crate) fn verify(folder: &Path, files: &[KeptFile]) -> Result<(), StoreError> {
    for kept in files {
        let path = folder.join(&kept.path);
        let found = digest::of_file(&path, &mut || ControlFlow::Continue(()))?;
        if found != kept.sha256 {
            let what = path.display().to_string();
            return Err(StoreError::WrongHash { what, expected: kept.sha256, found });
        }
    }
    Ok(())
}
