//! The small files of a model's folder: read whole, within a limit. It must not know what they say.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::LoadError;

/// Bytes of a file that describes a model at most; real ones have some thousands.
pub(crate) const DESCRIPTION_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a tokenizer's file at most; the largest known have some 35 million.
pub(crate) const TOKENIZER_BYTES_MAX: u64 = 128 << 20;

/// A small file of a folder, whole; absent where it is not there.
pub(crate) fn small_file(folder: &Path, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, LoadError> {
    let path = folder.join(name);
    let unreadable = |source| LoadError::Open { path: path.clone(), source };
    let found = match fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(unreadable)?,
    };
    // Looked at before it is opened: a named pipe opens only once somebody writes to it.
    if !found.is_file() || found.len() > bytes_max {
        return Err(LoadError::Unsupported(format!("`{name}` must be a file of at most {bytes_max} bytes")));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(&path).map_err(unreadable)?;
    file.take(bytes_max).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}

/// A small file of JSON; absent where it is not there.
pub(crate) fn small_json<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    bytes_max: u64,
) -> Result<Option<T>, LoadError> {
    let Some(bytes) = small_file(folder, name, bytes_max)? else { return Ok(None) };
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|error| LoadError::Unsupported(format!("`{name}` cannot be read: {error}")))
}
