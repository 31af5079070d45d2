//! Which crate may depend on which: leaves know nothing of each other, and only the command links an engine.

use super::Findings;
use super::sources::{File, Sources};

/// Each crate of the workspace by its folder, and the crates of the workspace it may name, in any table of its manifest.
/// A new crate or a new arrow is a decision: it gets its line here and in ARCHITECTURE.md.
const ARROWS: [(&str, &[&str]); 15] = [
    ("crates/wire", &[]),
    ("crates/catalog", &[]),
    ("crates/inspect", &[]),
    ("crates/local_model", &[]),
    ("crates/model_store", &[]),
    ("crates/local_model_cpu", &["local_model"]),
    ("crates/gateway", &["wire", "local_model", "audit_log", "tlog", "tlog_witness"]),
    (
        "crates/cli",
        &["audit_log", "audit_verify", "gateway", "local_model", "local_model_cpu", "model_store", "tlog", "wire"],
    ),
    ("crates/tlog", &[]),
    ("crates/audit_entry", &["tlog"]),
    ("crates/audit_log", &["audit_entry", "tlog"]),
    ("crates/tlog_witness", &["tlog"]),
    ("crates/audit_verify", &[]),
    ("crates/e2e", &["gateway", "local_model", "wire", "audit_log", "audit_verify"]),
    ("xtask", &[]),
];

/// What a crate may name for its tests alone: the verifier is held against the writer, and shares none of its code; the log is
/// held against a witness, and knows of none.
const TEST_ARROWS: [(&str, &str); 2] = [("crates/audit_verify", "audit_log"), ("crates/audit_log", "tlog_witness")];

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
    let mut named = Vec::new();
    for table in TABLES {
        if let Some(entries) = document.get(table).and_then(toml_edit::Item::as_table_like) {
            for (name, item) in entries.iter() {
                let renamed =
                    item.as_table_like().and_then(|item| item.get("package")).and_then(toml_edit::Item::as_str);
                named.push((table, renamed.unwrap_or(name).to_owned()));
            }
        }
    }
    named
}
