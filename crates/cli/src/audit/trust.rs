//! Whom an auditor trusts: `--key` and `--witness`, read and told what is wrong with them. Small files, each with a limit.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use audit_verify::{Policy, VerifierKey};
use clap::Args;

use crate::failure::Failure;

/// Keys, policies and checkpoints are small.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// How a log's secret file begins; it is never shown, not even to say that it is the wrong file.
const SECRET_BEGINS: &str = "ed25519 ";

/// `--key`, `--witness`
#[derive(Args)]
pub(crate) struct Trust {
    /// The log's public keys (vkeys), one a line, from somewhere else than beside the log; again for each time that the
    /// log's keys were replaced
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// A policy (C2SP tlog-policy) that says which witnesses must have signed; it may name the log's keys too
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
}

impl Trust {
    /// All keys given; empty without `--key`.
    pub(crate) fn keys(&self) -> Result<Vec<VerifierKey>, Failure> {
        let mut keys: Vec<VerifierKey> = Vec::new();
        for path in &self.keys {
            for key in keys_in(path)? {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        Ok(keys)
    }

    /// The files that keys were read from, as they were typed.
    pub(crate) fn key_files(&self) -> String {
        let shown: Vec<String> = self.keys.iter().map(|path| path.display().to_string()).collect();
        shown.join(", ")
    }

    /// The policy, where one was given.
    pub(crate) fn policy(&self) -> Result<Option<Policy>, Failure> {
        let Some(path) = &self.witness else { return Ok(None) };
        let shown = path.display();
        let policy = text(path, SMALL_BYTES_MAX)?.parse().map_err(|error| {
            Failure::trouble(format!("`{shown}` is not a policy: {error}"))
                .hint("a policy has lines such as `witness NAME VKEY`, `group NAME any NAME…`, `quorum NAME`")
        })?;
        Ok(Some(policy))
    }
}

/// Reads a file of public keys.
pub(crate) fn keys_in(path: &Path) -> Result<Vec<VerifierKey>, Failure> {
    let shown = path.display();
    let text = text(path, SMALL_BYTES_MAX)?;
    if text.starts_with(SECRET_BEGINS) {
        return Err(Failure::trouble(format!("`{shown}` holds a log's secret keys, not its public ones")).hint(
            "give `key.pub`, which lies beside it; if this file has left its machine, run `gwanmun audit key rotate`",
        ));
    }
    VerifierKey::read_all(&text).map_err(|error| {
        Failure::trouble(format!("`{shown}` holds no usable keys: {error}"))
            .hint("`gwanmun audit key show` prints a log's public keys")
    })
}

/// A whole small file.
pub(crate) fn bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let told = |error: std::io::Error| Failure::trouble(format!("cannot read `{}`: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes)).map_err(told)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::trouble(format!("`{}` is longer than {bytes_max} bytes", path.display())));
    }
    Ok(bytes)
}

/// A whole small file of text.
pub(crate) fn text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let bytes = bytes(path, bytes_max)?;
    String::from_utf8(bytes).map_err(|_| Failure::trouble(format!("`{}` is not text", path.display())))
}
