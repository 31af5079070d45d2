//! Trees of awkward sizes written, read and proved from their tiles.

use std::fs;
use std::path::PathBuf;

use tlog::{consistency_proof, extends, includes, inclusion_proof, leaf_hash};

use super::*;
use crate::disk::RealDisk;

/// The size of C2SP's own example: two full levels, three partial tiles.
#[test]
fn a_tree_of_seventy_thousand_is_what_the_specification_says_and_proves_everything() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiles = TileWriter::resume(&RealDisk, dir.path(), Parts::default());
    let entries: Vec<[u8; 8]> = (0..70_000_u64).map(u64::to_be_bytes).collect();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let sizes = [1_u64, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 70_000];
    let mut roots = Vec::new();
    for (entry, leaf) in entries.iter().zip(&leaves) {
        tiles.add(*leaf, entry).unwrap();
        let size = tiles.grown().size();
        if sizes.contains(&size) {
            tiles.write_partial().unwrap();
            let root = tiles.grown().edge.root();
            assert_eq!(root, root_of(&leaves[..size as usize]));
            let mut reader = TileReader::new(&RealDisk, dir.path(), size);
            for index in [0, size / 2, size - 1, size.saturating_sub(257)] {
                let proof = inclusion_proof(&mut reader, index, size).unwrap();
                assert!(includes(&leaves[index as usize], index, size, &root, &proof));
                let bundle = reader.bundle(index / 256).unwrap();
                assert_eq!(bundle[(index % 256) as usize], entries[index as usize]);
            }
            roots.push((size, root));
        }
    }
    let mut reader = TileReader::new(&RealDisk, dir.path(), 70_000);
    let (_, newest) = roots[roots.len() - 1];
    for (old, root) in &roots {
        let proof = consistency_proof(&mut reader, *old, 70_000).unwrap();
        assert!(extends(*old, root, 70_000, &newest, &proof), "{old}");
    }
    let there = |path: PathBuf| fs::metadata(dir.path().join(path)).map(|found| found.len()).ok();
    assert_eq!(there(tile_path(0, 272, 256)), Some(8_192));
    assert_eq!(there(tile_path(0, 273, 112)), Some(112 * 32));
    assert_eq!(there(tile_path(1, 0, 256)), Some(8_192));
    assert_eq!(there(tile_path(1, 1, 17)), Some(17 * 32));
    assert_eq!(there(tile_path(2, 0, 1)), Some(32));
    assert_eq!(there(tile_path(0, 255, 255)), None, "a partial tile lives until its full one");
}

#[test]
fn a_wrong_file_is_found_and_written_again_only_where_that_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let grow = |repair| {
        let mut tiles = TileWriter::comparing(&RealDisk, dir.path(), Grown::default(), repair);
        for number in 0..600_u64 {
            tiles.add(leaf_hash(&number.to_be_bytes()), &number.to_be_bytes()).unwrap();
        }
        tiles.found_wrong
    };
    assert!(grow(Repair::Yes));
    assert!(!grow(Repair::No));
    for path in [tile_path(0, 1, 256), bundle_path(0, 256)] {
        let path = dir.path().join(path);
        let right = fs::read(&path).unwrap();
        for wrong in [None, Some(right[..right.len() / 2].to_vec()), Some(vec![0; right.len()])] {
            match &wrong {
                None => fs::remove_file(&path).unwrap(),
                Some(bytes) => RealDisk.write(&path, bytes, false).unwrap(),
            }
            assert!(grow(Repair::No));
            assert_eq!(fs::read(&path).ok(), wrong);
            assert!(grow(Repair::Yes));
            assert_eq!(fs::read(&path).unwrap(), right);
        }
    }
}
