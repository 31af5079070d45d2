//! The Kubernetes manifests and settings of `docs/examples`, held against Kubernetes' own schemas and given to the built command. Needs
//! what `cargo xtask test` prepares; without it the test says that it proves nothing and ends.

use std::process::Stdio;

use e2e::command::{binary, python};
use tokio::process::Command;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples");

#[tokio::test]
async fn kubernetes_and_the_command_take_the_examples() {
    let (Some(python), Some(binary)) = (python(), binary()) else { return };
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/test_manifests.py"));
    command.env("GWANMUN_EXAMPLES", EXAMPLES).env("GWANMUN_BINARY", binary);
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !words.contains("skipped"), "{words}");
}
