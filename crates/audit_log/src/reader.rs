//! A log as anybody may read it, beside the process that writes it: no lock, nothing changed, only what a checkpoint covers.
//!
//! Everything comes from `origin`, `key.pub`, `checkpoint` and `tile/`. Nothing is believed of the tiles that a proof would not
//! show: what they say is held against the checkpoint's root. This file must not know segments or threads.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tlog::{
    Hash, Proof, SignedCheckpoint, TILE_WIDTH, VerifierKey, consistency_proof, extends, includes, inclusion_proof,
    leaf_hash, parse_public_file, range_root,
};

use crate::disk::{Disk, RealDisk};
use crate::error::LogError;
use crate::opening::{SMALL_BYTES_MAX, read_checkpoint, read_cosigned, read_origin, read_text};
use crate::tiles::TileReader;

/// A log's directory, read without its lock: another process may be writing. Each call reads the newest checkpoint anew.
#[derive(Clone)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    origin: Arc<str>,
}

impl Reader {
    /// Looks whether the directory is a log, and keeps its name.
    pub fn open(dir: &Path) -> Result<Reader, LogError> {
        let disk = Arc::new(RealDisk);
        let origin = read_origin(dir, &*disk)?;
        Ok(Reader::of(disk, dir.to_owned(), origin))
    }

    pub(crate) fn of(disk: Arc<dyn Disk>, dir: PathBuf, origin: Arc<str>) -> Reader {
        Reader { disk, dir, origin }
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The keys that the directory names as the log's: Ed25519, then ML-DSA-44. Trust them as far as the directory.
    pub fn public_keys(&self) -> Result<Vec<VerifierKey>, LogError> {
        let path = self.dir.join("key.pub");
        parse_public_file(&read_text(&*self.disk, &path, SMALL_BYTES_MAX)?).map_err(LogError::file(&path))
    }

    /// The newest checkpoint, its signatures not verified.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, LogError> {
        read_checkpoint(&self.dir, &*self.disk, &self.origin)
    }

    /// The newest checkpoint that witnesses have cosigned, its signatures not verified; none before the first.
    pub fn cosigned(&self) -> Result<Option<SignedCheckpoint>, LogError> {
        read_cosigned(&self.dir, &*self.disk, &self.origin)
    }

    /// Entries by index, as bytes; all must be covered by the newest checkpoint. They come from bundles that are not held
    /// against the root: [`Reader::prove`] does that.
    pub fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LogError> {
        self.entries_of(self.checkpoint()?.checkpoint.size, range)
    }

    /// A proof that entry `index` is under the newest checkpoint, with the entry itself in it. Checked before it is given.
    pub fn prove(&self, index: u64) -> Result<Proof, LogError> {
        self.prove_under(&self.checkpoint()?, index)
    }

    /// The proof that the newest checkpoint extends the log's first `old` entries, and that checkpoint; none if there are fewer.
    pub fn consistency(&self, old: u64) -> Result<Option<(Vec<Hash>, SignedCheckpoint)>, LogError> {
        let newest = self.checkpoint()?;
        Ok(self.consistency_under(&newest, old)?.map(|proof| (proof, newest)))
    }

    pub(crate) fn entries_of(&self, size: u64, range: Range<u64>) -> Result<Vec<Vec<u8>>, LogError> {
        if range.end > size {
            return Err(LogError::NoSuchEntry { index: range.end.saturating_sub(1), size });
        }
        let tiles = self.tiles(size);
        let mut entries = Vec::new();
        for bundle in range.start / TILE_WIDTH..range.end.div_ceil(TILE_WIDTH) {
            let held = tiles.bundle(bundle).map_err(self.unreadable())?;
            let indexed = (bundle * TILE_WIDTH..).zip(held);
            entries.extend(indexed.filter(|(index, _)| range.contains(index)).map(|(_, entry)| entry));
        }
        Ok(entries)
    }

    /// As [`Reader::prove`], under an earlier checkpoint of this log, such as [`Reader::cosigned`].
    pub fn prove_under(&self, newest: &SignedCheckpoint, index: u64) -> Result<Proof, LogError> {
        let (size, root) = (newest.checkpoint.size, newest.checkpoint.root);
        let entry = self.entries_of(size, index..index.saturating_add(1))?.pop();
        let entry = entry.ok_or(LogError::NoSuchEntry { index, size })?;
        let hashes = inclusion_proof(&mut self.tiles(size), index, size).map_err(self.unreadable())?;
        if !includes(&leaf_hash(&entry), index, size, &root, &hashes) {
            return Err(self.tiles_are_wrong(format!("the tiles do not prove entry {index}")));
        }
        Ok(Proof { index, extra: Some(entry), hashes, checkpoint: newest.clone() })
    }

    pub(crate) fn consistency_under(&self, newest: &SignedCheckpoint, old: u64) -> Result<Option<Vec<Hash>>, LogError> {
        let (size, root) = (newest.checkpoint.size, newest.checkpoint.root);
        if old > size {
            return Ok(None);
        }
        let mut tiles = self.tiles(size);
        let proof = consistency_proof(&mut tiles, old, size).map_err(self.unreadable())?;
        let old_root = range_root(&mut tiles, 0, old).map_err(self.unreadable())?;
        if !extends(old, &old_root, size, &root, &proof) {
            return Err(
                self.tiles_are_wrong(format!("the tiles do not prove that the log extends its first {old} entries"))
            );
        }
        Ok(Some(proof))
    }

    fn tiles(&self, size: u64) -> TileReader<'_> {
        TileReader::new(&*self.disk, &self.dir, size)
    }

    fn unreadable(&self) -> impl FnOnce(io::Error) -> LogError + use<> {
        let path = self.dir.join("tile");
        move |error| LogError::Tiles { path, what: error.to_string() }
    }

    fn tiles_are_wrong(&self, what: String) -> LogError {
        LogError::Tiles { path: self.dir.join("tile"), what }
    }
}
