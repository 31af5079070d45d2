//! The disk's view: the audit log as an outsider reads it, from the directory alone. Knows the form of a segment
//! (`spec/audit_log.md`, section 2) and nothing of who wrote it. Whether the log holds as a whole is for `audit_verify` to say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What differs from run to run, or is the same in every entry, and is not shown in snapshots.
const NOT_SHOWN: [&str; 12] = [
    "at",
    "commitment",
    "config",
    "decision",
    "duration_us",
    "key",
    "kind",
    "policy",
    "replica",
    "request",
    "seq",
    "v",
];

/// Bytes before the first record of a segment, and before the entry of a record.
const HEADER_BYTES: usize = 32;
const RECORD_HEAD_BYTES: usize = 48;

/// The entries of a log, in order.
#[derive(Clone, Debug, Default)]
pub struct Entries(pub Vec<Value>);

impl Entries {
    /// Reads all segments of the log in `dir`; a torn end of the last is left out. An entry whose hash is not its own is none.
    pub fn read(dir: &Path) -> Self {
        let listed = std::fs::read_dir(dir.join("segments")).expect("a log has segments");
        let mut files: Vec<_> = listed.map(|file| file.expect("a folder can be read").path()).collect();
        files.sort();
        let mut entries = Vec::new();
        for file in files {
            let bytes = std::fs::read(&file).expect("a segment can be read");
            let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
            while let Some((entry, after)) = entry(rest) {
                entries.push(entry);
                rest = after;
            }
        }
        Self(entries)
    }

    /// The entries of one kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |entry| entry["kind"] == kind)
    }

    /// What is wrong with it: each decision has exactly one outcome, each outcome follows its decision, numbers run on.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut outcomes: BTreeMap<u64, usize> = BTreeMap::new();
        for (index, entry) in self.0.iter().enumerate() {
            let number = entry["seq"].as_u64().unwrap_or(0);
            let expected = index as u64;
            if number != expected {
                faults.push(format!("entry {number} stands where {expected} should"));
            }
            if entry["kind"] == "decision" {
                outcomes.insert(number, 0);
            }
            if entry["kind"] == "outcome" {
                match outcomes.get_mut(&entry["decision"].as_u64().unwrap_or(u64::MAX)) {
                    Some(count) => *count += 1,
                    None => faults.push(format!("outcome {number} has no decision before it")),
                }
            }
        }
        let wrong = outcomes.iter().filter(|(_, count)| **count != 1);
        faults.extend(wrong.map(|(decision, count)| format!("decision {decision} has {count} outcomes")));
        faults
    }
}

/// The entry at the beginning of these bytes of a segment, and what follows it; none where no whole record stands.
fn entry(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let length = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let leaf = bytes.get(16..RECORD_HEAD_BYTES)?;
    let (entry, after) = bytes.get(RECORD_HEAD_BYTES..)?.split_at_checked(length)?;
    let hash = Sha256::new().chain_update([0]).chain_update(entry).finalize();
    assert_eq!(hash.as_slice(), leaf, "the leaf hash is the entry's: {}", String::from_utf8_lossy(entry));
    Some((serde_json::from_slice(entry).expect("an entry is JSON"), after))
}

/// For snapshots: one line an entry about a request, nothing of chance in it.
impl fmt::Display for Entries {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers: BTreeMap<u64, usize> = BTreeMap::new();
        let told = self
            .0
            .iter()
            .filter(|entry| ["decision", "refusal", "attempt", "outcome"].iter().any(|kind| entry["kind"] == *kind));
        for entry in told {
            let Some(fields) = entry.as_object() else { continue };
            // Numbered anew: where a log begins is not what a test is about.
            let own = entry["decision"].as_u64().or(entry["seq"].as_u64()).unwrap_or(0);
            let next = numbers.len() + 1;
            let number = *numbers.entry(own).or_insert(next);
            write!(out, "{number} {}", entry["kind"].as_str().unwrap_or_default())?;
            let shown = fields.iter().filter(|(name, _)| !NOT_SHOWN.contains(&name.as_str()));
            for (name, value) in shown {
                write!(out, " {name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
