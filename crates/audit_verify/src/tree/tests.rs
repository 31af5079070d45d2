//! The tree against RFC 6962 word for word.

use super::{Frontier, Hash, leaf_hash, node_hash, root_from_inclusion};

fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Frontier::default().root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn naive_path(at: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if at < left.len() {
        [naive_path(at, left), vec![naive_root(right)]].concat()
    } else {
        [naive_path(at - left.len(), right), vec![naive_root(left)]].concat()
    }
}

fn leaves(count: u32) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

#[test]
fn the_root_of_nothing_is_the_hash_of_nothing() {
    assert!(Frontier::default().root().starts_with(&[0xe3, 0xb0, 0xc4, 0x42]));
}

#[test]
fn roots_are_those_of_the_definition() {
    let leaves = leaves(300);
    let mut frontier = Frontier::default();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.root(), naive_root(&leaves[..size]));
        frontier.push(*leaf);
        assert_eq!(frontier.size(), size as u64 + 1);
    }
}

#[test]
fn each_place_has_one_path() {
    for size in 1..70 {
        let leaves = leaves(size);
        let root = naive_root(&leaves);
        for (at, leaf) in leaves.iter().enumerate() {
            let path = naive_path(at, &leaves);
            let (at, size) = (at as u64, u64::from(size));
            assert_eq!(root_from_inclusion(*leaf, at, size, &path), Some(root));
            assert_ne!(root_from_inclusion(*leaf, at + 1, size, &path), Some(root));
            assert_eq!(root_from_inclusion(*leaf, size, size, &path), None);
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(root_from_inclusion(*leaf, at, size, shorter), None);
            }
            let longer = [&path[..], &[root]].concat();
            assert_eq!(root_from_inclusion(*leaf, at, size, &longer), None);
        }
    }
}

#[test]
fn the_specifications_roots_come_out() {
    let read = |file| serde_json::from_str::<serde_json::Value>(file).unwrap();
    let entries = read(include_str!("../../../../spec/audit_log/entries.json"));
    let tree = read(include_str!("../../../../spec/audit_log/tree.json"));
    let mut frontier = Frontier::default();
    let mut roots = vec![hex::encode(frontier.root())];
    for vector in entries.as_array().unwrap() {
        frontier.push(leaf_hash(vector["entry"].as_str().unwrap().as_bytes()));
        roots.push(hex::encode(frontier.root()));
    }
    assert_eq!(tree["roots"], serde_json::json!(roots));
}
