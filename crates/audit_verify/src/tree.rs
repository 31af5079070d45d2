//! The Merkle tree of RFC 6962: hashes, roots as leaves come in, and inclusion proofs.
//!
//! Knows bytes and positions only; what a leaf says is none of its business.

use sha2::{Digest, Sha256};

/// A SHA-256 hash: of a leaf, of a node, or of a whole tree.
pub type Hash = [u8; 32];

/// RFC 6962, section 2.1: what stands for an entry in the tree.
pub(crate) fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into()
}

/// RFC 6962, section 2.1: what stands for two neighbouring subtrees.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize().into()
}

/// The right edge of a tree that grows: one root for each full subtree, the largest first. At most 64 hashes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier {
    size: u64,
    full: Vec<Hash>,
}

impl Frontier {
    /// Appends a leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing one bit of the size is a full subtree that the new leaf completes a pair with.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.full.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.full.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// Leaves so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves so far; of none, SHA-256 of nothing.
    pub(crate) fn root(&self) -> Hash {
        let mut from_right = self.full.iter().rev();
        match from_right.next() {
            None => Sha256::digest([]).into(),
            Some(last) => from_right.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

/// The root that a proof leads to from the leaf at `index` of a tree of `size` (RFC 9162, section 2.1.3.2), or nothing
/// when the proof has another shape than one for that place must have.
pub(crate) fn root_from_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A right edge that is not a right child has no sibling at this height: skip to where it has one.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests;
