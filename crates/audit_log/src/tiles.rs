//! Tiles and bundles on disk (C2SP `tlog-tiles`): writing them as the tree grows, checking them, reading hashes from them.
//!
//! All of it follows from the segments, so nothing here is synced: what a crash leaves short or wrong, [`TileWriter`] finds
//! and writes again when the log is opened. This file must not know segments, checkpoints or keys.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use tlog::{Edge, Hash, Nodes, TILE_WIDTH, bundle_path, root_of, tile_path};

use crate::disk::Disk;
use crate::segment::ENTRY_BYTES_MAX;

const HASH_BYTES: usize = 32;
const TILE_BYTES: usize = 256 * HASH_BYTES;
/// Each entry with the two bytes of its length.
const BUNDLE_BYTES_MAX: usize = 256 * (2 + ENTRY_BYTES_MAX);

/// How much of what is already on disk is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nothing is there: write.
    Absent,
    /// A bundle of the right length is right; hash tiles are compared.
    Length,
    /// All is compared.
    Nothing,
}

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
    edge: Edge,
    bundle: Vec<u8>,
    repair: Repair,
    pub(crate) trust: Trust,
    /// A file on disk was not what it should be.
    pub(crate) found_wrong: bool,
}

impl<'d> TileWriter<'d> {
    /// A writer for the tree without entries.
    pub(crate) fn new(disk: &'d dyn Disk, dir: &'d Path, trust: Trust, repair: Repair) -> TileWriter<'d> {
        let (edge, bundle) = Default::default();
        TileWriter { disk, dir, edge, bundle, repair, trust, found_wrong: false }
    }

    /// The edge and the bundle begun, to go on from with [`TileWriter::resume`].
    pub(crate) fn into_parts(self) -> (Edge, Vec<u8>) {
        (self.edge, self.bundle)
    }

    pub(crate) fn resume(disk: &'d dyn Disk, dir: &'d Path, (edge, bundle): (Edge, Vec<u8>)) -> TileWriter<'d> {
        TileWriter { disk, dir, edge, bundle, repair: Repair::Yes, trust: Trust::Absent, found_wrong: false }
    }

    pub(crate) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Adds an entry and writes what it fills.
    pub(crate) fn add(&mut self, leaf: Hash, entry: &[u8]) -> io::Result<()> {
        self.bundle.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.bundle.extend_from_slice(entry);
        let index = self.edge.size() / TILE_WIDTH;
        let mut filled = Vec::new();
        self.edge
            .push(leaf, |level, index, hashes| filled.push((tile_path(level, index, TILE_WIDTH), hashes.concat())));
        let close = if self.trust == Trust::Length { Trust::Nothing } else { self.trust };
        for (path, bytes) in filled {
            self.put_full(&path, &bytes, close)?;
        }
        if self.edge.size().is_multiple_of(TILE_WIDTH) {
            let bundle = std::mem::take(&mut self.bundle);
            self.put_full(&bundle_path(index, TILE_WIDTH), &bundle, self.trust)?;
        }
        Ok(())
    }

    /// Writes the partial tiles and the partial bundle that a checkpoint of the present size needs.
    pub(crate) fn write_partial(&mut self) -> io::Result<()> {
        let size = self.edge.size();
        let mut wanted = Vec::new();
        for (level, hashes) in (0_u32..).zip(self.edge.levels()).filter(|(_, hashes)| !hashes.is_empty()) {
            wanted.push((tile_path(level, size >> (8 * (level + 1)), hashes.len() as u64), hashes.concat()));
        }
        for (path, bytes) in wanted {
            self.put(&path, &bytes, Trust::Nothing)?;
        }
        if self.bundle.is_empty() {
            return Ok(());
        }
        let bundle = std::mem::take(&mut self.bundle);
        let put = self.put(&bundle_path(size / TILE_WIDTH, size % TILE_WIDTH), &bundle, Trust::Nothing);
        self.bundle = bundle;
        put
    }

    /// Writes a full tile or bundle, then drops its partial forerunners, which nobody needs any more.
    fn put_full(&mut self, path: &Path, bytes: &[u8], trust: Trust) -> io::Result<()> {
        self.put(path, bytes, trust)?;
        if trust == Trust::Length || self.repair == Repair::No {
            return Ok(());
        }
        match self.disk.remove(&self.dir.join(path).with_added_extension("p")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn put(&mut self, path: &Path, bytes: &[u8], trust: Trust) -> io::Result<()> {
        let path = self.dir.join(path);
        let right = match trust {
            Trust::Absent => false,
            Trust::Length => self.disk.length(&path).is_ok_and(|length| length == bytes.len() as u64),
            Trust::Nothing => self.disk.read(&path, 0, bytes.len() + 1).is_ok_and(|there| there == bytes),
        };
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
