//! Why a model file cannot be served. One type for reading, inspecting and loading; it must not know who asked.

use std::io;
use std::path::PathBuf;

/// Why a model cannot be loaded. Each message says what is wrong, where, and how to mend it; none names the file but
/// [`LoadError::Open`], because the caller knows which file it asked for.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system did not give us the file.
    #[error("cannot read the model file `{path}`: {source}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// The bytes are no GGUF file, or one of a version or byte order that is not read.
    #[error("{0}")]
    NotGguf(String),
    /// The file contradicts itself or ends too early.
    #[error("the model file is damaged at byte {at}: {problem}; fetch it again and compare its SHA-256")]
    Damaged {
        /// Offset from the beginning of the file.
        at: u64,
        /// What was found there.
        problem: String,
    },
    /// A metadata entry is missing, of the wrong type, or holds what cannot be.
    #[error("the model file's entry `{key}` {problem}")]
    Metadata {
        /// The entry's key.
        key: String,
        /// What is wrong and what is expected, worded to follow the key.
        problem: String,
    },
    /// A tensor is missing, of the wrong shape, or stored in a way that is not computed.
    #[error("the model file's tensor `{name}` {problem}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What is wrong and what is expected, worded to follow the name.
        problem: String,
    },
    /// Nothing is wrong with the file, but this engine does not do what it needs.
    #[error("{0}")]
    Unsupported(String),
    /// This machine lacks what the model needs: memory, threads, instructions.
    #[error("{0}")]
    Machine(String),
}

impl LoadError {
    pub(crate) fn damaged(at: usize, problem: impl Into<String>) -> Self {
        Self::Damaged { at: at as u64, problem: problem.into() }
    }

    pub(crate) fn metadata(key: &str, problem: impl Into<String>) -> Self {
        Self::Metadata { key: key.to_owned(), problem: problem.into() }
    }

    pub(crate) fn tensor(name: &str, problem: impl Into<String>) -> Self {
        Self::Tensor { name: name.to_owned(), problem: problem.into() }
    }
}
