//! The canonical form of a catalogue and its hash, as `spec/catalog.md` says. Knows records of text, not what they mean.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::entry::{Line, Said};
use crate::index::Kind;

/// What stands before the records: the form's name and version.
const HEADER: &str = "gwanmun catalogue 1\n";

/// SHA-256 of the canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The bytes.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of what the entries say.
pub(crate) fn of(said: &BTreeMap<(Kind, String), Said>) -> Hash {
    let records = said.iter().flat_map(|((kind, id), said)| said.lines.iter().map(|line| record(*kind, id, line)));
    let mut records: Vec<String> = records.collect();
    records.sort();
    let mut sha = Sha256::new_with_prefix(HEADER);
    for record in &records {
        sha.update(record);
        sha.update("\n");
    }
    Hash(sha.finalize().into())
}

fn record(kind: Kind, id: &str, line: &Line) -> String {
    let mut parts = vec![kind.word(), id, &line.field, if line.values.is_some() { "known" } else { "unknown" }];
    parts.extend(line.values.iter().flatten().map(String::as_str));
    let source = line.source.as_deref();
    let date = source.map(|source| source.date.to_string()).unwrap_or_default();
    parts.push(source.map_or("", |source| &source.document));
    parts.push(source.and_then(|source| source.url.as_deref()).unwrap_or_default());
    parts.push(&date);
    let mut record = String::new();
    for part in parts {
        record.extend([part.len().to_string().as_str(), ":", part, ","]);
    }
    record
}
