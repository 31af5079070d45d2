//! A file of weights, mapped into memory. It must not know formats.

use std::fs;
use std::path::Path;

use memmap2::Mmap;

use crate::LoadError;

/// Maps a file; `refused` is made of the words that say why `what` it should be it is not.
pub(crate) fn mapped(path: &Path, what: &str, refused: fn(String) -> LoadError) -> Result<Mmap, LoadError> {
    let unreadable = |source| LoadError::Open { path: path.to_owned(), source };
    // Looked at before it is opened: a named pipe opens only once somebody writes to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(refused(format!("`{}` is not a regular file", path.display())));
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() == 0 {
        return Err(refused(format!("the {what} is empty; fetch it again")));
    }
    // SAFETY: the map is only read, as bytes, for which every bit pattern is valid. A process that shortens the file
    // meanwhile can make a read fail (SIGBUS); model files are written aside and renamed, never edited.
    unsafe { Mmap::map(&file) }.map_err(unreadable)
}
