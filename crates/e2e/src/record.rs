//! The disk's view: the record's file as an outsider reads it, line by line, from the directory alone. Knows the format
//! (`spec/record.md`) and nothing of who wrote it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What differs from run to run and is not shown in snapshots.
const CHANCE: [&str; 8] = ["at", "batch", "request_id", "key_id", "config", "request", "answer", "duration_us"];

/// A line begins with its JSON's length in hex and the first eight bytes of its SHA-256, each followed by a space.
const LEAD_BYTES: usize = 26;

/// The entries of a record, in order.
#[derive(Clone, Debug, Default)]
pub struct Entries(pub Vec<Value>);

impl Entries {
    /// Reads a record's file; a torn last line is left out, as the format says. A line that does not check is no entry.
    pub fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).expect("a record can be read");
        let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
        Self(whole.lines().map(entry).collect())
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
            let expected = self.0.first().and_then(|first| first["seq"].as_u64()).unwrap_or(0) + index as u64;
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

fn entry(line: &str) -> Value {
    let (lead, json) = line.split_at_checked(LEAD_BYTES).expect("a line has a lead");
    let check = hex::encode(&Sha256::digest(json.as_bytes())[..8]);
    assert_eq!(lead, format!("{:08x} {check} ", json.len()), "the line checks: {line}");
    serde_json::from_str(json).expect("an entry is JSON")
}

/// For snapshots: one line an entry about a request, nothing of chance in it.
impl fmt::Display for Entries {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers: BTreeMap<u64, usize> = BTreeMap::new();
        let told =
            self.0.iter().filter(|entry| ["decision", "refusal", "outcome"].iter().any(|kind| entry["kind"] == *kind));
        for entry in told {
            let Some(fields) = entry.as_object() else { continue };
            // Numbered anew: where a record begins is not what a test is about.
            let own = entry["decision"].as_u64().or(entry["seq"].as_u64()).unwrap_or(0);
            let next = numbers.len() + 1;
            let number = *numbers.entry(own).or_insert(next);
            write!(out, "{number} {}", entry["kind"].as_str().unwrap_or_default())?;
            let shown = fields.iter().filter(|(name, _)| {
                !CHANCE.contains(&name.as_str()) && !["seq", "kind", "decision"].contains(&name.as_str())
            });
            for (name, value) in shown {
                write!(out, " {name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
