//! Where things are: the repository's root, the build folder, and the folder for what tasks fetch and keep. Knows nothing
//! of what the tasks do there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The checkout that this task was built from.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    target: PathBuf,
}

impl Repository {
    /// Asks cargo, so that a build folder set by flag, file or environment is the one used.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the task's own folder has no parent")?;
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(root)
            .output()
            .context("cargo could not be started")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let target =
            metadata.get("target_directory").and_then(|value| value.as_str()).context("no target directory")?;
        Ok(Self { root: root.to_owned(), target: target.into() })
    }

    /// The folder that holds the workspace's manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A program that cargo built, by profile folder (`debug`, `release`) and name.
    pub(crate) fn built(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }

    /// What is fetched once and kept between runs: models, the Python environment.
    pub(crate) fn cache(&self) -> PathBuf {
        self.root.join(".cache")
    }

    /// A command that runs in the root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }
}
