//! The files of the repository as tidy sees them: path and text. Knows no rule.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Folders of what is built, fetched or kept by tools; nothing in them is source.
const SKIPPED_FOLDERS: [&str; 6] = ["target", ".git", ".cache", ".venv", "__pycache__", "node_modules"];

/// One text file.
#[derive(Debug)]
pub(super) struct File {
    /// From the root, with forward slashes.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

impl File {
    /// Its name without folders.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is Rust.
    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Whether all of it is test: in a `tests` folder, a `tests.rs`, or in the crate of whole-product tests.
    pub(super) fn is_test(&self) -> bool {
        self.name() == "tests.rs" || self.path.contains("/tests/") || self.path.starts_with("crates/e2e/")
    }
}

/// Every text file.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<File>);

impl Sources {
    /// Reads what lies under `root`; what is not UTF-8 is not text and not kept.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut sources = Self::default();
        sources.read_folder(root, "")?;
        sources.0.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(sources)
    }

    /// Made up by a test.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|&(path, text)| File { path: path.to_owned(), text: text.to_owned() }).collect())
    }

    pub(super) fn files(&self) -> &[File] {
        &self.0
    }

    pub(super) fn find(&self, path: &str) -> Option<&File> {
        self.0.iter().find(|file| file.path == path)
    }

    /// The manifests of the crates, with each crate's folder.
    pub(super) fn crates(&self) -> impl Iterator<Item = (&str, &File)> {
        self.0.iter().filter_map(|file| Some((file.path.strip_suffix("/Cargo.toml")?, file)))
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (path, kind) = (format!("{prefix}{name}"), entry.file_type()?);
            if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && !is_left_behind(&name) {
                // A file may vanish while others work in the tree; what is gone breaks no rule.
                if let Ok(text) = fs::read_to_string(entry.path()) {
                    self.0.push(File { path, text });
                }
            }
        }
        Ok(())
    }
}

/// What tools leave in the tree, and models, which are too large to read.
fn is_left_behind(name: &str) -> bool {
    [".gguf", ".snap.new", ".pending-snap"].iter().any(|end| name.ends_with(end))
}
