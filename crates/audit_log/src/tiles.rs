//! Tiles and bundles on disk (C2SP `tlog-tiles`): writing them as the tree grows, checking them, reading hashes from them.
//!
//! All of it follows from the segments, so nothing here is synced at once: what a crash leaves short or wrong, [`TileWriter`]
//! finds and writes again when the log is opened. What is full is settled later, before a start stops looking at it. This file must not know segments, checkpoints or keys.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use audit_entry::ENTRY_BYTES_MAX;
use tlog::{Hash, Nodes, TILE_WIDTH, bundle_path, root_of, tile_path};

use crate::disk::Disk;
use crate::grown::Grown;
use crate::settle::Unsettled;

/// What one writer leaves to the next.
pub(crate) type Parts = (Grown, Unsettled);

const HASH_BYTES: usize = 32;
const TILE_BYTES: usize = 256 * HASH_BYTES;
/// Each entry with the two bytes of its length.
const BUNDLE_BYTES_MAX: usize = 256 * (2 + ENTRY_BYTES_MAX);

/// Whether what is found wrong is written again, or only noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    Yes,
    No,
}

/// Writes tiles and bundles as entries come, or holds those on disk against the entries.
pub(crate) struct TileWriter<'d> {
    disk: &'d dyn Disk,
    dir: &'d Path,
    grown: Grown,
    repair: Repair,
    /// Whether files may be there already, and right.
    compares: bool,
    /// A file on disk was not what it should be.
    pub(crate) found_wrong: bool,
    /// The full tiles since the last resume file.
    pub(crate) unsettled: Unsettled,
}

impl<'d> TileWriter<'d> {
    /// A writer that holds what is on disk against the entries after these.
    pub(crate) fn comparing(disk: &'d dyn Disk, dir: &'d Path, grown: Grown, repair: Repair) -> TileWriter<'d> {
        TileWriter { compares: true, repair, ..TileWriter::resume(disk, dir, (grown, Unsettled::default())) }
    }

    /// A writer that goes on from what [`TileWriter::into_parts`] gave.
    pub(crate) fn resume(disk: &'d dyn Disk, dir: &'d Path, (grown, unsettled): Parts) -> TileWriter<'d> {
        TileWriter { disk, dir, grown, repair: Repair::Yes, compares: false, found_wrong: false, unsettled }
    }

    /// What the next writer goes on from.
    pub(crate) fn into_parts(self) -> Parts {
        (self.grown, self.unsettled)
    }

    pub(crate) fn grown(&self) -> &Grown {
        &self.grown
    }

    /// Notes that a segment ends here.
    pub(crate) fn end_segment(&mut self, origin: &str) {
        self.unsettled.resume(self.grown.size(), self.grown.to_bytes(origin));
    }

    /// Adds an entry and writes what it fills.
    pub(crate) fn add(&mut self, leaf: Hash, entry: &[u8]) -> io::Result<()> {
        let index = self.grown.size() / TILE_WIDTH;
        let mut filled = Vec::new();
        let tile = |level, index, hashes: &[Hash]| filled.push((tile_path(level, index, TILE_WIDTH), hashes.concat()));
        if let Some(bundle) = self.grown.add(leaf, entry, tile) {
            filled.push((bundle_path(index, TILE_WIDTH), bundle));
        }
        for (path, bytes) in filled {
            self.put(&path, &bytes)?;
            if self.repair == Repair::Yes {
                self.drop_partial(&path)?;
            }
            self.unsettled.tile(path);
        }
        Ok(())
    }

    /// Writes the partial tiles and the partial bundle that a checkpoint of the present size needs.
    pub(crate) fn write_partial(&mut self) -> io::Result<()> {
        let size = self.grown.size();
        let levels = (0_u32..).zip(self.grown.edge.levels()).filter(|(_, hashes)| !hashes.is_empty());
        let tile = |level: u32, hashes: &[Hash]| tile_path(level, size >> (8 * (level + 1)), hashes.len() as u64);
        let mut wanted: Vec<_> = levels.map(|(level, hashes)| (tile(level, hashes), hashes.concat())).collect();
        if !self.grown.bundle.is_empty() {
            wanted.push((bundle_path(size / TILE_WIDTH, size % TILE_WIDTH), self.grown.bundle.clone()));
        }
        wanted.into_iter().try_for_each(|(path, bytes)| self.put(&path, &bytes))
    }

    /// Drops a full tile's partial forerunners, which nobody needs any more.
    fn drop_partial(&self, path: &Path) -> io::Result<()> {
        match self.disk.remove(&self.dir.join(path).with_added_extension("p")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn put(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(path);
        let right = self.compares && self.disk.read(&path, 0, bytes.len() + 1).is_ok_and(|there| there == bytes);
        self.found_wrong |= !right;
        if right || self.repair == Repair::No {
            return Ok(());
        }
        // Written aside first: whoever reads beside this process finds a whole file or none.
        let aside = self.dir.join("tile/new");
        let put = || self.disk.write(&aside, bytes, false).and_then(|()| self.disk.rename(&aside, &path));
        match put() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), |parent| self.disk.make_dir(parent)).and_then(|()| put())
            }
            done => done,
        }
    }
}

/// Reads hashes and entries of the tree of a checkpoint's size from its tiles; each tile is read once.
pub(crate) struct TileReader<'d> {
    disk: &'d dyn Disk,
    dir: &'d Path,
    size: u64,
    tiles: HashMap<(u32, u64), Vec<Hash>>,
}

impl<'d> TileReader<'d> {
    pub(crate) fn new(disk: &'d dyn Disk, dir: &'d Path, size: u64) -> TileReader<'d> {
        TileReader { disk, dir, size, tiles: HashMap::new() }
    }

    /// The entries of one bundle that lie below the size.
    pub(crate) fn bundle(&self, index: u64) -> io::Result<Vec<Vec<u8>>> {
        let width = self.size.saturating_sub(index * TILE_WIDTH).min(TILE_WIDTH);
        let bytes = self.read(&bundle_path(index, width), &bundle_path(index, TILE_WIDTH), BUNDLE_BYTES_MAX)?;
        let (mut rest, mut entries) = (bytes.as_slice(), Vec::new());
        while (entries.len() as u64) < width {
            let taken = rest
                .split_first_chunk::<2>()
                .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
            let (entry, after) = taken.ok_or_else(|| damaged(&bundle_path(index, width)))?;
            entries.push(entry.to_vec());
            rest = after;
        }
        Ok(entries)
    }

    fn tile(&mut self, level: u32, index: u64) -> io::Result<&[Hash]> {
        if !self.tiles.contains_key(&(level, index)) {
            let width = ((self.size >> (8 * level)) - index * TILE_WIDTH).min(TILE_WIDTH);
            let bytes = self.read(&tile_path(level, index, width), &tile_path(level, index, TILE_WIDTH), TILE_BYTES)?;
            let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
            let hashes = hashes.get(..width as usize).ok_or_else(|| damaged(&tile_path(level, index, width)))?.to_vec();
            self.tiles.insert((level, index), hashes);
        }
        Ok(self.tiles.get(&(level, index)).map_or(&[], Vec::as_slice))
    }

    /// Reads a partial file, or the full one that has taken its place.
    fn read(&self, partial: &Path, full: &Path, limit: usize) -> io::Result<Vec<u8>> {
        match self.disk.read(&self.dir.join(partial), 0, limit) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.disk.read(&self.dir.join(full), 0, limit),
            read => read,
        }
    }
}

impl Nodes for TileReader<'_> {
    type Error = io::Error;

    fn node(&mut self, height: u32, index: u64) -> io::Result<Hash> {
        let (level, within) = (height / 8, height % 8);
        let first = index << within;
        let start = (first % TILE_WIDTH) as usize;
        let hashes = self.tile(level, first / TILE_WIDTH)?;
        let run = hashes.get(start..start + (1 << within));
        run.map(root_of).ok_or_else(|| damaged(&tile_path(level, first / TILE_WIDTH, TILE_WIDTH)))
    }
}

fn damaged(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is damaged: it holds too little", path.display()))
}

#[cfg(test)]
mod tests;
