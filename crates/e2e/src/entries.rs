//! What the audit log's entries say, as an outsider reads them from the directory alone, and whether the account of requests
//! comes out. Knows nothing of who wrote them. Whether the log holds as a whole is for `audit_verify` to say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::segments;

/// What differs from run to run, or is the same in every entry, and is not shown in snapshots.
const NOT_SHOWN: [&str; 14] = [
    "at",
    "commitment",
    "config",
    "decision",
    "duration_us",
    "first_byte_us",
    "key",
    "kind",
    "policy",
    "catalog",
    "replica",
    "request",
    "seq",
    "v",
];

/// The entries of a log, in order.
#[derive(Clone, Debug, Default)]
pub struct Entries(pub Vec<Value>);

impl Entries {
    /// Reads all segments of the log in `dir`; a torn end of the last is left out. Panics where an entry's hash is not its own.
    pub fn read(dir: &Path) -> Self {
        let mut entries = Vec::new();
        segments::each(dir, |record| {
            let hash = Sha256::new().chain_update([0]).chain_update(record.entry).finalize();
            let told = String::from_utf8_lossy(record.entry);
            assert_eq!(hash.as_slice(), record.leaf, "the leaf hash is the entry's: {told}");
            entries.push(segments::fields(record.entry));
        });
        Self(entries)
    }

    /// The entries of one kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |entry| entry["kind"] == kind)
    }

    /// What is wrong with those of a log that was ended well: [`misplaced`] and [`unsettled`].
    pub fn faults(&self) -> Vec<String> {
        [misplaced(&self.0), unsettled(&self.0)].concat()
    }
}

/// The entries that say another number than that of their place.
pub fn misplaced<'a>(entries: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let wrong = (0_u64..).zip(entries).filter(|(index, entry)| segments::number(&entry["seq"]) != Some(*index));
    wrong.map(|(index, entry)| format!("entry {index} says it is {}", entry["seq"])).collect()
}

/// What does not come out in the account of a log that was ended well: each decision has exactly one outcome, each outcome
/// follows its decision.
pub fn unsettled<'a>(entries: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut outcomes: BTreeMap<u64, usize> = BTreeMap::new();
    for (index, entry) in (0..).zip(entries) {
        if entry["kind"] == "decision" {
            outcomes.insert(index, 0);
        }
        if entry["kind"] == "outcome" {
            match segments::number(&entry["decision"]).and_then(|decision| outcomes.get_mut(&decision)) {
                Some(count) => *count += 1,
                None => faults.push(format!("outcome {index} has no decision before it")),
            }
        }
    }
    let wrong = outcomes.iter().filter(|(_, count)| **count != 1);
    faults.extend(wrong.map(|(decision, count)| format!("decision {decision} has {count} outcomes")));
    faults
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

#[cfg(test)]
mod tests;
