//! The operator's folder: its files are read here, and nowhere else does the crate touch a disk.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use crate::Catalog;
use crate::build::build;
use crate::mistakes::Mistakes;
use crate::shipped;

/// Files of a folder, and bytes of one, at most.
const FILES_MAX: usize = 256;
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file of the operator's: its name, for mistakes, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As mistakes call it.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl Catalog {
    /// What is compiled in.
    ///
    /// # Panics
    /// Never: a test builds the same bytes.
    pub fn shipped() -> Self {
        #[expect(clippy::expect_used, reason = "compiled-in data, and a test reads it")]
        Self::with(&[]).expect("the compiled-in catalogue is sound")
    }

    /// What is compiled in, with the entries of `files` laid over it.
    ///
    /// # Errors
    /// All mistakes of the files; if one is not TOML, only those of its kind, because whatever names its entries would
    /// seem mistaken too.
    pub fn with(files: &[File]) -> Result<Self, Mistakes> {
        build(shipped::FILES, files)
    }

    /// What is compiled in, with the `*.toml` files of `folder` laid over it, in the order of their names.
    ///
    /// # Errors
    /// As `with`, and where the folder or a file cannot be read.
    pub fn load(folder: &Path) -> Result<Self, Mistakes> {
        Self::with(&read(folder)?)
    }
}

fn read(folder: &Path) -> Result<Vec<File>, Mistakes> {
    let shown = folder.display().to_string();
    let unreadable = |error: std::io::Error| Mistakes::of_file(&shown, format!("the folder cannot be read: {error}"));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    if paths.len() > FILES_MAX {
        let what =
            format!("has {} files ending in `.toml`, more than {FILES_MAX}: put more entries in one", paths.len());
        return Err(Mistakes::of_file(&shown, what));
    }
    paths.sort();
    paths.iter().map(|path| file(path)).collect()
}

fn file(path: &Path) -> Result<File, Mistakes> {
    let name = path.display().to_string();
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(_) if u64::try_from(text.len()).is_ok_and(|bytes| bytes <= FILE_BYTES_MAX) => Ok(File { name, text }),
        Ok(_) => Err(Mistakes::of_file(&name, format!("is larger than {FILE_BYTES_MAX} bytes: split it"))),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(Mistakes::of_file(&name, "is not UTF-8: save it as UTF-8".to_owned()))
        }
        Err(error) => Err(Mistakes::of_file(&name, format!("cannot be read: {error}"))),
    }
}
