//! Vectors of texts made on this machine: the known model fetched at the start, asked by the official `openai` package, held
//! against what `sentence-transformers` makes of the same texts. Needs what `cargo xtask test` prepares.

use std::process::Stdio;

use e2e::command::{Server, python, wheels};
use serde_json::Value;
use tokio::process::Command;

const CONFIG: &str = "[local]\nembedding_model = \"all-minilm-l6-v2\"\n";
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../local_model_cpu/testdata/embeddings.json");

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test's own file, which no crash can harm")]
async fn the_official_openai_package_gets_the_vectors_that_sentence_transformers_makes() {
    let (Some(python), Some(wheels)) = (python(), wheels()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gwanmun.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let from_here = [("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", wheels.to_str().unwrap())];
    let Some(server) = Server::start_with(&["--config", config.to_str().unwrap()], &from_here).await else { return };

    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/test_embeddings.py"));
    command.env("GWANMUN_URL", server.url()).env("GWANMUN_KEY", &server.key).env("GWANMUN_MODEL", &server.model);
    let output = command.env("GWANMUN_GOLDEN", GOLDEN).stdin(Stdio::null()).output().await.unwrap();
    let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !words.contains("skipped"), "{words}");

    let shown = server.command(&["model", "show", "all-minilm-l6-v2", "--json", "--data-dir", &server.data_dir()]);
    let shown: Value = serde_json::from_slice(&{ shown }.output().await.unwrap().stdout).unwrap();
    assert_eq!((&shown["facts"]["dimensions"], &shown["facts"]["context_tokens"]), (&384.into(), &256.into()));
    assert_eq!(shown["files"].as_array().unwrap().len(), 7, "{shown}");
    server.end().await;
}
