//! Which crate may depend on which: leaves know nothing of each other, only the command links an engine, and the audit log and
//! its verifier name nothing of HTTP, of asynchronous running, of a database or of models.

use super::Findings;
use super::sources::{File, Sources};

/// Each crate of the workspace by its folder, and the crates of the workspace it may name, in any table of its manifest.
/// A new crate or a new arrow is a decision: it gets its line here and in ARCHITECTURE.md.
const ARROWS: [(&str, &[&str]); 19] = [
    ("crates/wire", &[]),
    ("crates/catalog", &[]),
    ("crates/inspect", &[]),
    ("crates/policy", &[]),
    ("crates/local_model", &[]),
    ("crates/model_store", &[]),
    ("crates/local_model_cpu", &["local_model"]),
    (
        "crates/gateway",
        &["wire", "local_model", "audit_log", "tlog", "tlog_witness", "catalog", "inspect", "policy", "request_index"],
    ),
    (
        "crates/console",
        &[
            "audit_entry",
            "audit_log",
            "catalog",
            "gateway",
            "inspect",
            "local_model",
            "model_store",
            "policy",
            "request_index",
            "tlog",
        ],
    ),
    (
        "crates/cli",
        &[
            "audit_log",
            "audit_verify",
            "catalog",
            "console",
            "gateway",
            "inspect",
            "local_model",
            "local_model_cpu",
            "model_store",
            "policy",
            "request_index",
            "tlog",
            "wire",
        ],
    ),
    ("crates/tlog", &[]),
    ("crates/audit_entry", &["tlog"]),
    ("crates/audit_log", &["audit_entry", "tlog"]),
    ("crates/request_index", &["audit_entry"]),
    ("crates/tlog_witness", &["tlog"]),
    ("crates/audit_verify", &[]),
    (
        "crates/e2e",
        &[
            "gateway",
            "local_model",
            "wire",
            "audit_log",
            "audit_verify",
            "catalog",
            "inspect",
            "policy",
            "request_index",
        ],
    ),
    ("fuzz", &["local_model", "local_model_cpu"]),
    ("xtask", &[]),
];

/// What a crate may name for its tests alone: the verifier is held against the writer, and shares none of its code; the log is
/// held against a witness, and knows of none.
const TEST_ARROWS: [(&str, &str); 2] = [("crates/audit_verify", "audit_log"), ("crates/audit_log", "tlog_witness")];

/// Crates that must do without the outside ones below, in their tests too (invariant 4). Of the workspace's own they name what
/// their arrows say.
const ALONE: [&str; 5] =
    ["crates/audit_entry", "crates/audit_log", "crates/audit_verify", "crates/tlog", "crates/tlog_witness"];

/// Crates by the first word of their names, and what they are of.
const OUTSIDE: [(&str, &[&str]); 4] = [
    ("HTTP", &["actix", "axum", "h2", "http", "hyper", "reqwest", "rustls", "tower", "ureq"]),
    ("asynchronous running", &["async", "futures", "mio", "smol", "tokio"]),
    ("a database", &["libsqlite3", "rusqlite", "sqlx"]),
    ("models", &["candle", "hf", "llama", "safetensors", "tokenizers"]),
];

/// Tables in which a manifest can name a crate.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(sources: &Sources, findings: &mut Findings) {
    let folders: Vec<&str> = sources.crates().map(|(folder, _)| folder).collect();
    let ours: Vec<&str> = folders.iter().filter_map(|folder| folder.strip_prefix("crates/")).collect();
    for (folder, manifest) in sources.crates() {
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == folder) else {
            findings.problems.push(format!("{}: a crate that no arrow was drawn for", manifest.path));
            continue;
        };
        for (table, named) in dependencies(manifest, findings) {
            let named = named.as_str();
            let for_tests = table == "dev-dependencies" && TEST_ARROWS.contains(&(folder, named));
            if ours.contains(&named) && !allowed.contains(&named) && !for_tests {
                findings.problems.push(format!("{}: must not know `{named}`", manifest.path));
            }
            if let Some(of) = ALONE.contains(&folder).then(|| outside(named)).flatten() {
                findings.problems.push(format!("{}: must know nothing of {of}, but names `{named}`", manifest.path));
            }
        }
    }
}

fn dependencies(manifest: &File, findings: &mut Findings) -> Vec<(&'static str, String)> {
    let document = match manifest.text.parse::<toml_edit::DocumentMut>() {
        Ok(document) => document,
        Err(error) => {
            findings.problems.push(format!("{}: {}", manifest.path, error.message()));
            return Vec::new();
        }
    };
    // Tables of their own for some systems count like those for all.
    let systems = document.get("target").and_then(toml_edit::Item::as_table_like).into_iter();
    let systems = systems.flat_map(|systems| systems.iter()).filter_map(|(_, system)| system.as_table_like());
    let all: &dyn toml_edit::TableLike = document.as_table();
    let mut named = Vec::new();
    for place in systems.chain([all]) {
        for table in TABLES {
            if let Some(entries) = place.get(table).and_then(toml_edit::Item::as_table_like) {
                for (name, item) in entries.iter() {
                    let renamed =
                        item.as_table_like().and_then(|item| item.get("package")).and_then(toml_edit::Item::as_str);
                    named.push((table, renamed.unwrap_or(name).to_owned()));
                }
            }
        }
    }
    named
}

/// What a crate is of, if it is one of those outside.
fn outside(name: &str) -> Option<&'static str> {
    let first = name.split(['-', '_']).next()?;
    OUTSIDE.iter().find(|(_, words)| words.contains(&first)).map(|(of, _)| *of)
}
