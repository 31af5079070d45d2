//! What a verification found: facts a program can read, and the same for a person.
//!
//! Serializes to JSON by its field names; [`std::fmt::Display`] writes the human form. Decides nothing but
//! [`Report::holds`].

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

pub use finding::{Finding, FindingKind, Severity};

use crate::checkpoint::write_hash;
use crate::tree::Hash;
use crate::trust::Algorithm;

mod finding;
mod human;

/// Findings kept one by one; beyond them only the count grows, so that a log full of damage does not fill our memory.
const FINDINGS_MAX: usize = 1000;

/// Open decisions named one by one.
const OPEN_NAMED_MAX: usize = 100;

/// The result of verifying a directory.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Where the keys came from that the log's signatures were held against.
    pub keys_from: KeysFrom,
    /// Those keys, as name, id and algorithm.
    pub keys: Vec<String>,
    /// Segment files read.
    pub segments: u64,
    /// Whole entries read.
    pub entries: u64,
    /// Bytes of those entries.
    pub entry_bytes: u64,
    /// When the first entry says it was made, in RFC 3339.
    pub first_at: Option<String>,
    /// The latest time that an entry names, in RFC 3339.
    pub last_at: Option<String>,
    /// Entries by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// The newest checkpoint.
    pub checkpoint: Option<CheckpointSeen>,
    /// The newest checkpoint that witnesses have cosigned, where there is one.
    pub cosigned: Option<CheckpointSeen>,
    /// Earlier checkpoints that somebody kept.
    pub kept: Vec<KeptSeen>,
    /// Whose counters the entries carry.
    pub replicas: Vec<ReplicaSeen>,
    /// Decisions without an outcome: under way, or to be closed as `lost` at the next start. Not a fault.
    pub open: OpenDecisions,
    /// Entries beyond the newest checkpoint, which no signature covers. Not a fault.
    pub unsigned: Option<UnsignedTail>,
    /// Bytes after the last whole record, such as a crash leaves. Not a fault where nothing signed can stand there.
    pub torn: Option<TornTail>,
    /// Tiles and bundles that were compared with the segments.
    pub derived_files: u64,
    /// What is wrong or worth knowing; the first thousand.
    pub findings: Vec<Finding>,
    /// How many findings there are, by severity.
    pub faults: u64,
    /// See `faults`.
    pub notices: u64,
}

/// Where the log's keys came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeysFrom {
    /// Whoever asked gave them.
    Given,
    /// The policy names them.
    Policy,
    /// They lay beside the log: whoever can rewrite the log can rewrite them.
    BesideTheLog,
}

/// A checkpoint and who signed it.
#[derive(Clone, Debug, Serialize)]
pub struct CheckpointSeen {
    /// Entries it covers.
    pub size: u64,
    /// The root it claims, in base64.
    pub root: String,
    /// Whether the entries lead to that root; nothing when they could not be read so far.
    pub root_matches: Option<bool>,
    /// Signatures by known keys that hold.
    pub signatures: Vec<SignatureSeen>,
    /// Signatures by keys nobody named here.
    pub unknown_signatures: u64,
    /// What the policy asks for, if there is one.
    pub quorum: Option<Quorum>,
}

/// A signature that holds.
#[derive(Clone, Debug, Serialize)]
pub struct SignatureSeen {
    /// The key's name.
    pub name: String,
    /// How it was made.
    pub algorithm: Algorithm,
    /// Whose it is.
    pub by: Signer,
    /// When, in seconds since 1970, for those that say.
    pub time: Option<u64>,
}

/// Whose signature it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// The log itself.
    Log,
    /// A witness that the policy names.
    Witness,
}

/// Whether the policy's quorum is met.
#[derive(Clone, Debug, Serialize)]
pub struct Quorum {
    /// The name after `quorum` in the policy.
    pub name: String,
    /// Whether enough witnesses signed.
    pub met: bool,
}

/// An earlier checkpoint, held against the log of today.
#[derive(Clone, Debug, Serialize)]
pub struct KeptSeen {
    /// What the caller called it.
    pub name: String,
    /// Entries it covers; nothing when it could not be read.
    pub size: Option<u64>,
    /// Whether it is signed and the log of today extends it.
    pub consistent: bool,
}

/// One replica's counter.
#[derive(Clone, Debug, Serialize)]
pub struct ReplicaSeen {
    /// 16 hex digits.
    pub replica: String,
    /// Entries by it.
    pub entries: u64,
    /// Its counter's next value.
    pub next_seq: u64,
}

/// Decisions without outcome.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OpenDecisions {
    /// How many.
    pub count: u64,
    /// The first hundred, by entry.
    pub entries: Vec<u64>,
}

impl OpenDecisions {
    pub(crate) fn of(open: impl ExactSizeIterator<Item = u64>) -> Self {
        Self { count: open.len() as u64, entries: open.take(OPEN_NAMED_MAX).collect() }
    }
}

/// Entries no signature covers yet.
#[derive(Clone, Debug, Serialize)]
pub struct UnsignedTail {
    /// The first of them.
    pub from: u64,
    /// How many.
    pub entries: u64,
}

/// Bytes that are no record.
#[derive(Clone, Debug, Serialize)]
pub struct TornTail {
    /// The file that ends in them.
    pub file: String,
    /// Where they begin.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
}

impl Report {
    pub(crate) fn new(origin: String, keys_from: KeysFrom) -> Self {
        Self {
            origin,
            keys_from,
            keys: Vec::new(),
            segments: 0,
            entries: 0,
            entry_bytes: 0,
            first_at: None,
            last_at: None,
            kinds: BTreeMap::new(),
            checkpoint: None,
            cosigned: None,
            kept: Vec::new(),
            replicas: Vec::new(),
            open: OpenDecisions::default(),
            unsigned: None,
            torn: None,
            derived_files: 0,
            findings: Vec::new(),
            faults: 0,
            notices: 0,
        }
    }

    /// Whether nothing is wrong. Notices, open decisions and an unsigned tail do not count against it.
    pub fn holds(&self) -> bool {
        self.faults == 0
    }

    pub(crate) fn add_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.add(finding);
        }
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        match finding.severity {
            Severity::Fault => self.faults += 1,
            Severity::Notice => self.notices += 1,
        }
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

impl CheckpointSeen {
    pub(crate) fn new(size: u64, root: &Hash) -> Self {
        Self {
            size,
            root: write_hash(root),
            root_matches: None,
            signatures: Vec::new(),
            unknown_signatures: 0,
            quorum: None,
        }
    }
}

/// So that a program reads the same words that a person sees.
impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}
