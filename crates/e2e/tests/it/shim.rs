//! Defects planted into the built command without building it again: a library that the loader puts in front of the system's
//! (`crates/e2e/c/defects.c`), compiled by the test that wants it.

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// The library, compiled.
pub(crate) struct Shim(PathBuf);

impl Shim {
    /// Compiles it into a folder; nothing where there is no C compiler, which is said.
    pub(crate) fn compile(folder: &Path) -> Option<Self> {
        let library = folder.join("defects.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/c/defects.c");
        let mut compiler = std::process::Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .arg(source)
            .args(["-ldl", "-pthread"]);
        match compiler.status() {
            Err(error) => {
                eprintln!("skipped: `cc` cannot be started ({error}), so no defect is planted and nothing is proved");
                None
            }
            Ok(status) => {
                assert!(status.success(), "{source} does not compile");
                Some(Self(library))
            }
        }
    }

    /// What the environment of a command must hold to have this defect.
    pub(crate) fn environment(&self, defect: &str) -> [(&'static str, String); 2] {
        [("LD_PRELOAD", self.0.display().to_string()), ("DEFECT", defect.to_owned())]
    }

    /// Gives the defect to a command.
    pub(crate) fn plant(&self, defect: &str, command: &mut Command) {
        command.envs(self.environment(defect));
    }
}
