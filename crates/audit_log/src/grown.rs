//! All that has to be known of a log's entries to go on from them: the edge of their tree, the bundle begun, the decisions
//! still open, the last entry. As bytes it is a file of `resume/` (`spec/audit_log.md`, section 2).
//!
//! It follows from the entries alone. This file must not know tiles, segments or the disk.

use std::collections::BTreeMap;

use memchr::memmem;
use sha2::{Digest as _, Sha256};
use tlog::{Edge, Hash, TILE_WIDTH};

const MAGIC: &[u8; 16] = b"gwanmun-resume-1";

/// What the entries so far add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grown {
    pub(crate) edge: Edge,
    /// The entries of the bundle that is not full, as the bundle holds them.
    pub(crate) bundle: Vec<u8>,
    /// Decisions without an outcome, by the index of their entry.
    pub(crate) open: BTreeMap<u64, Box<[u8]>>,
    /// The last entry; empty where there is none.
    pub(crate) last: Vec<u8>,
}

impl Grown {
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Takes the next entry; tells of each hash tile that it fills, and gives the bundle if it fills that.
    pub(crate) fn add(&mut self, leaf: Hash, entry: &[u8], full: impl FnMut(u32, u64, &[Hash])) -> Option<Vec<u8>> {
        self.follow(entry);
        self.last.clear();
        self.last.extend_from_slice(entry);
        self.bundle.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.bundle.extend_from_slice(entry);
        self.edge.push(leaf, full);
        self.size().is_multiple_of(TILE_WIDTH).then(|| std::mem::take(&mut self.bundle))
    }

    /// Peeks into an entry instead of parsing it. Canonical JSON: a quote inside a string has a backslash before it, so only a
    /// name can look like one; and the only entries with names of the caller's choice before `kind` begin with `action`.
    fn follow(&mut self, entry: &[u8]) {
        let kind = memmem::find(entry, b"\"kind\":\"").and_then(|at| entry.get(at + 8..)).unwrap_or_default();
        if entry.starts_with(b"{\"action\"") {
            return;
        }
        if kind.starts_with(b"decision\"") {
            self.open.insert(self.size(), entry.into());
        } else if kind.starts_with(b"outcome\"")
            && let Some(decision) = decision_of(entry)
        {
            self.open.remove(&decision);
        }
    }

    /// The bytes of a resume file; the last 32 are the SHA-256 of all before.
    pub(crate) fn to_bytes(&self, origin: &str) -> Vec<u8> {
        let mut bytes = [MAGIC.as_slice(), &Sha256::digest(origin.as_bytes()), &self.size().to_be_bytes()].concat();
        let add = |bytes: &mut Vec<u8>, part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        };
        add(&mut bytes, &self.bundle);
        add(&mut bytes, &self.last);
        bytes.extend_from_slice(&(self.edge.levels().len() as u64).to_be_bytes());
        self.edge.levels().iter().for_each(|hashes| add(&mut bytes, hashes.as_flattened()));
        for (index, entry) in &self.open {
            bytes.extend_from_slice(&index.to_be_bytes());
            add(&mut bytes, entry);
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Reads a resume file; none for one that is torn, changed, of another log or of another version.
    pub(crate) fn parse(bytes: &[u8], origin: &str) -> Option<Grown> {
        let (whole, sum) = bytes.split_last_chunk::<32>()?;
        let rest = whole.strip_prefix(MAGIC)?.strip_prefix(Sha256::digest(origin.as_bytes()).as_slice())?;
        if Sha256::digest(whole).as_slice() != sum {
            return None;
        }
        let mut rest = rest;
        let size = number(&mut rest)?;
        let (bundle, last) = (part(&mut rest)?.to_vec(), part(&mut rest)?.to_vec());
        let levels = (0..number(&mut rest)?).map(|_| Some(part(&mut rest)?.as_chunks::<32>().0.to_vec()));
        let edge = Edge::from_levels(size, levels.collect::<Option<_>>()?)?;
        let mut open = BTreeMap::new();
        while !rest.is_empty() {
            open.insert(number(&mut rest)?, part(&mut rest)?.into());
        }
        Some(Grown { edge, bundle, open, last })
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*number))
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (part, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(part)
}

/// The index of the decision that an outcome belongs to.
fn decision_of(entry: &[u8]) -> Option<u64> {
    let name = b"\"decision\":";
    let value = entry.get(memmem::find(entry, name)? + name.len()..)?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let digits = value.split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
