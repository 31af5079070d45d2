//! An edge against the whole tree, and put together again from its parts.

use super::*;
use crate::merkle::leaf_hash;

#[test]
fn an_edge_knows_its_root_its_full_tiles_and_goes_on_from_its_parts() {
    let leaves: Vec<Hash> = (0..70_000_u32).map(|number| leaf_hash(&number.to_be_bytes())).collect();
    let (mut edge, mut tiles) = (Edge::default(), Vec::new());
    for (size, leaf) in (1..).zip(&leaves) {
        edge.push(*leaf, |level, index, hashes| tiles.push((level, index, root_of(hashes))));
        if size % 997 == 0 || [1, 255, 256, 257, 65_535, 65_536, 65_537].contains(&size) {
            assert_eq!((edge.size(), edge.root()), (size as u64, root_of(&leaves[..size])));
            edge = Edge::from_levels(edge.size(), edge.levels().to_vec()).unwrap();
        }
    }
    assert_eq!(tiles.len(), 70_000 / 256 + 1);
    assert!(tiles.contains(&(1, 0, root_of(&leaves[..65_536]))));
    assert!(tiles.contains(&(0, 272, root_of(&leaves[272 * 256..273 * 256]))));
}

#[test]
fn hashes_of_another_number_make_no_edge() {
    let some = |count: usize| vec![[7; 32]; count];
    for (size, levels, fits) in [
        (0, vec![], true),
        (3, vec![some(3)], true),
        (256, vec![some(0), some(1)], true),
        (259, vec![some(3), some(1)], true),
        (u64::MAX, vec![some(255); 8], true),
        (3, vec![], false),
        (3, vec![some(2)], false),
        (256, vec![some(256)], false),
        (259, vec![some(3)], false),
        (259, vec![some(3), some(1), some(1)], false),
    ] {
        let edge = Edge::from_levels(size, levels);
        assert_eq!(edge.map(|edge| edge.size()), fits.then_some(size), "{size}");
    }
}
