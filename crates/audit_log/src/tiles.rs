//! Tiles and bundles on disk (C2SP `tlog-tiles`): their paths, writing them as the tree grows, checking them, reading hashes from them.
//!
//! All of it follows from the segments, so nothing here is synced: what a crash leaves short or wrong, [`TileWriter`] finds
//! and writes again when the log is opened. This file must not know segments, checkpoints or keys.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::merkle::{Hash, Nodes, empty_root, node_hash, root_of};
use crate::segment::ENTRY_BYTES_MAX;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;
const HASH_BYTES: usize = 32;
const TILE_BYTES: usize = 256 * HASH_BYTES;
/// Each entry with the two bytes of its length.
const BUNDLE_BYTES_MAX: usize = 256 * (2 + ENTRY_BYTES_MAX);

/// The path of a hash tile below the log's directory; `width` 256 is the full one.
pub fn tile_path(level: u32, index: u64, width: u64) -> PathBuf {
    Path::new("tile").join(level.to_string()).join(place(index, width))
}

/// The path of a bundle of entries below the log's directory.
pub fn bundle_path(index: u64, width: u64) -> PathBuf {
    Path::new("tile/entries").join(place(index, width))
}

fn place(index: u64, width: u64) -> PathBuf {
    let mut groups = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    let mut path: PathBuf = groups.iter().rev().collect();
    if width < TILE_WIDTH {
        path = path.with_added_extension("p").join(width.to_string());
    }
    path
}

/// The right edge of a tree: for each level of tiles the hashes that do not fill one yet. Enough to grow and to know the root.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The root of the whole tree: the whole subtrees along the edge, from the smallest, each to the left of what is there.
    pub(crate) fn root(&self) -> Hash {
        let mut root = None;
        for hashes in &self.levels {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (before, subtree) = rest.split_at(rest.len() - (1 << rest.len().trailing_zeros()));
                let left = root_of(subtree);
                root = Some(root.map_or(left, |right| node_hash(&left, &right)));
                rest = before;
            }
        }
        root.unwrap_or_else(empty_root)
    }

    /// Adds a leaf; tells of each tile that it fills.
    fn push(&mut self, leaf: Hash, mut full: impl FnMut(u32, u64, &[Hash])) {
        self.size += 1;
        let (mut hash, mut level, mut index) = (leaf, 0_u32, (self.size - 1) / TILE_WIDTH);
        loop {
            if self.levels.len() <= level as usize {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(level as usize) else { return };
            hashes.push(hash);
            if (hashes.len() as u64) < TILE_WIDTH {
                return;
            }
            full(level, index, hashes);
            hash = root_of(hashes);
            hashes.clear();
            level += 1;
            index /= TILE_WIDTH;
        }
    }
}

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
        let index = self.edge.size / TILE_WIDTH;
        let mut filled = Vec::new();
        self.edge
            .push(leaf, |level, index, hashes| filled.push((tile_path(level, index, TILE_WIDTH), hashes.concat())));
        let close = if self.trust == Trust::Length { Trust::Nothing } else { self.trust };
        for (path, bytes) in filled {
            self.put_full(&path, &bytes, close)?;
        }
        if self.edge.size.is_multiple_of(TILE_WIDTH) {
            let bundle = std::mem::take(&mut self.bundle);
            self.put_full(&bundle_path(index, TILE_WIDTH), &bundle, self.trust)?;
        }
        Ok(())
    }

    /// Writes the partial tiles and the partial bundle that a checkpoint of the present size needs.
    pub(crate) fn write_partial(&mut self) -> io::Result<()> {
        let size = self.edge.size;
        let mut wanted = Vec::new();
        for (level, hashes) in (0_u32..).zip(&self.edge.levels).filter(|(_, hashes)| !hashes.is_empty()) {
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
