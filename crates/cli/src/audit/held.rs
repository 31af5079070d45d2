//! A log's entries as its own files tell them, beside the process that writes: as far as the newest checkpoint covers them.
//!
//! What is read here is not proved: `verify` and `proof` are there for that. Reads a bundle at a time and keeps a few.

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
};

use audit_log::Reader;
use clap::Args;
use tlog::TILE_WIDTH;

use super::{entry::Entry, place};
use crate::{failure::Failure, place::Place};

/// Bundles kept: each has at most 256 entries, as a rule of half a kilobyte.
const BUNDLES_MAX: usize = 64;

/// `--dir`
#[derive(Args)]
pub(super) struct Which {
    /// A log's directory, or a data directory [default: the data directory's own log]
    #[arg(long = "dir", value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Which {
    /// Opens it for reading.
    pub(super) fn open(&self, place: &Place) -> Result<Held, Failure> {
        Held::open(&place::log(place, self.directory.as_deref())?)
    }
}

/// An open log. What was appended since it was opened is not seen.
pub(super) struct Held {
    pub(super) reader: Reader,
    /// Entries that the checkpoint covers.
    pub(super) size: u64,
    bundles: HashMap<u64, Vec<Entry>>,
}

impl Held {
    fn open(directory: &Path) -> Result<Self, Failure> {
        let reader = Reader::open(directory)?;
        let size = covered(&reader)?;
        Ok(Self { reader, size, bundles: HashMap::new() })
    }

    /// The entry at `index`, which is below the size.
    pub(super) fn entry(&mut self, index: u64) -> Result<&Entry, Failure> {
        let bundle = index / TILE_WIDTH;
        if !self.bundles.contains_key(&bundle) {
            if self.bundles.len() >= BUNDLES_MAX {
                self.bundles.clear();
            }
            let entries = self.read(bundle * TILE_WIDTH..(bundle + 1) * TILE_WIDTH)?;
            self.bundles.insert(bundle, entries);
        }
        let size = self.size;
        let within = usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX);
        self.bundles.get(&bundle).and_then(|entries| entries.get(within)).ok_or_else(|| unknown(index, size))
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, Failure> {
        let range = range.start..range.end.min(self.size);
        let held = self.reader.entries(range.clone())?;
        range.zip(held).map(|(index, bytes)| Entry::read(index, &bytes)).collect()
    }
}

/// How many entries the newest checkpoint covers.
pub(super) fn covered(reader: &Reader) -> Result<u64, Failure> {
    Ok(reader.checkpoint()?.checkpoint.size)
}

/// An entry that no checkpoint covers.
pub(super) fn unknown(index: u64, size: u64) -> Failure {
    let covered = match size {
        0 => "no entry yet".to_owned(),
        1 => "entry 0 alone".to_owned(),
        size => format!("entries 0 to {}", size - 1),
    };
    Failure::trouble(format!("there is no entry {index} under a checkpoint: the newest covers {covered}"))
        .hint("an answer's header `x-gwanmun-entry` names its entry; a checkpoint follows within a second")
}
