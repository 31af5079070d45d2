//! Model files for tests: a store with models that a page can fetch, and nothing that reaches beyond this machine.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use model_store::{Facts, KnownModel, Settings, Store, StoreError, Wanted};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Rig;
use crate::model_files::ModelFiles;

/// A known model that can be fetched at once, and its file.
pub(crate) const SMALL: &str = "small";
const SMALL_FILE: &[u8] = b"GGUF and no more";
/// One that pip would bring: there is no network.
pub(crate) const FAR: &str = "far";
/// One that no disk has room for.
pub(crate) const HUGE: &str = "huge";
/// The name of the one that the local model runs from, once it is stored.
pub(crate) const RUNNING: &str = "running";

pub(super) fn of(folder: &Path) -> ModelFiles {
    let file = folder.join("small.gguf");
    File::create(&file).unwrap().write_all(SMALL_FILE).unwrap();
    let mut settings = Settings::new(|| "2026-11-22T09:00:00Z".parse().unwrap());
    settings.python = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rig/held_pip.sh").into();
    let models = folder.join("data/models");
    ModelFiles {
        running: Some(models.join(RUNNING).join("model.gguf")),
        store: Store::new(models, settings),
        inspect,
        known: vec![
            known(SMALL, &format!("file:{}", file.display()), SMALL_FILE.len() as u64),
            known(FAR, "pypi:far==1/far.gguf", 98_362_432),
            known(HUGE, "pypi:huge==1/huge.gguf", 1 << 60),
        ],
    }
}

fn known(name: &str, source: &str, bytes: u64) -> KnownModel {
    let written = json!({
        "name": name, "about": format!("what {name} is"), "source": source, "bytes": bytes,
        "sha256": hex::encode(Sha256::digest(SMALL_FILE)), "languages": ["ko", "en"], "licence": "Apache-2.0",
        "notes": ["<b>not verified</b>"], "facts_from": "its package", "facts_on": "2026-11-21",
    });
    serde_json::from_value(written).unwrap()
}

/// Stands in for the engine's inspector.
fn inspect(path: &Path) -> Result<Facts, String> {
    let whole = fs::read(path).is_ok_and(|bytes| bytes == SMALL_FILE);
    let facts = Facts { architecture: "llama".to_owned(), quantisation: "Q4_1".to_owned(), ..Facts::default() };
    if whole { Ok(facts) } else { Err("it is not a GGUF file".to_owned()) }
}

impl Rig {
    /// A store of the same folder, as another process has one.
    pub(crate) fn model_store(&self) -> Store {
        of(self.dir.path()).store
    }

    /// Stores the model that the local model is said to run from.
    pub(crate) fn store_running(&self) {
        let source = format!("file:{}", self.dir.path().join("small.gguf").display());
        let wanted = Wanted::of(RUNNING.parse().unwrap(), source.parse().unwrap());
        let stored: Result<_, StoreError> =
            self.model_store().pull(&wanted, &inspect, &mut |_| std::ops::ControlFlow::Continue(()));
        stored.unwrap();
    }

    /// Lets every pip wait for ever; the gate that it waits at.
    pub(crate) fn hold_pip(&self) -> PathBuf {
        let gate = self.dir.path().join("data/gate");
        assert!(std::process::Command::new("mkfifo").arg(&gate).status().unwrap().success());
        gate
    }
}
