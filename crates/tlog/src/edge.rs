//! The right edge of a tree that grows: enough to add leaves, to fill tiles, and to know the root.
//!
//! This file must not know where tiles are kept.

use crate::merkle::{Hash, empty_root, node_hash, root_of};
use crate::tile::TILE_WIDTH;

/// The right edge of a tree: for each level of tiles the hashes that do not fill one yet. Enough to grow and to know the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of the tree of this size that [`Edge::levels`] gave these hashes for; none if they are not so many.
    pub fn from_levels(size: u64, levels: Vec<Vec<Hash>>) -> Option<Edge> {
        let width = |level: usize| u32::try_from(level * 8).ok().and_then(|bits| size.checked_shr(bits)).unwrap_or(0);
        let fits = (0..).zip(&levels).all(|(level, hashes)| hashes.len() as u64 == width(level) % TILE_WIDTH);
        (fits && width(levels.len()) == 0).then_some(Edge { size, levels })
    }

    /// For each level of tiles, from the lowest, the hashes that do not fill one yet.
    pub fn levels(&self) -> &[Vec<Hash>] {
        &self.levels
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the whole tree: the whole subtrees along the edge, from the smallest, each to the left of what is there.
    pub fn root(&self) -> Hash {
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
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(u32, u64, &[Hash])) {
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

#[cfg(test)]
mod tests;
