//! The tree against the plainest reading of RFC 6962, for every size and proof up to a bound and random ones above.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// RFC 6962's `k`: the largest power of two smaller than `n`.
fn half(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

fn mth(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => Sha256::digest([]).into(),
        1 => leaves[0],
        n => Sha256::digest([&[1], mth(&leaves[..half(n)]).as_slice(), &mth(&leaves[half(n)..])].concat()).into(),
    }
}

fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    let n = leaves.len();
    if n == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(half(n));
    if m < half(n) {
        [path(m, left), vec![mth(right)]].concat()
    } else {
        [path(m - half(n), right), vec![mth(left)]].concat()
    }
}

fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    let n = leaves.len();
    if m == n {
        return if whole { vec![] } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(half(n));
    if m <= half(n) {
        [subproof(m, left, whole), vec![mth(right)]].concat()
    } else {
        [subproof(m - half(n), right, false), vec![mth(left)]].concat()
    }
}

struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = Infallible;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Infallible> {
        let start = (index << height) as usize;
        Ok(mth(&self.0[start..start + (1 << height)]))
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

#[test]
fn hashes_are_rfc_6962s() {
    // The certificate-transparency project's published hash of the empty leaf, and SHA-256 of nothing.
    assert_eq!(hex::encode(leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_eq!(hex::encode(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn every_proof_of_every_small_tree_is_the_naive_one_and_holds() {
    let all = leaves(70);
    let mut nodes = Leaves(all.clone());
    for size in 1..=all.len() {
        let tree = &all[..size];
        let root = mth(tree);
        assert_eq!(root_of(tree), root);
        for (index, leaf) in tree.iter().enumerate() {
            let proof = inclusion_proof(&mut nodes, index as u64, size as u64).unwrap();
            assert_eq!(proof, path(index, tree));
            assert!(includes(leaf, index as u64, size as u64, &root, &proof));
        }
        for old in 1..=size {
            let proof = consistency_proof(&mut nodes, old as u64, size as u64).unwrap();
            assert_eq!(proof, subproof(old, tree, true));
            assert!(extends(old as u64, &mth(&all[..old]), size as u64, &root, &proof), "{old} to {size}");
        }
        assert!(extends(0, &empty_root(), size as u64, &root, &[]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_proof_changed_in_any_way_does_not_hold(size in 2_usize..600, seed in any::<u64>(), kind in 0..6) {
        let all = leaves(size);
        let root = mth(&all);
        let (index, size) = (seed % size as u64, size as u64);
        let mut nodes = Leaves(all.clone());
        let mut proof = inclusion_proof(&mut nodes, index, size).unwrap();
        let leaf = all[index as usize];
        prop_assert!(includes(&leaf, index, size, &root, &proof));
        let at = seed as usize / 7 % proof.len();
        let (mut index, mut size, mut leaf) = (index, size, leaf);
        match kind {
            0 => proof[at][seed as usize % 32] ^= 1 << (seed % 8),
            1 => drop(proof.remove(at)),
            2 => proof.insert(at, [7; 32]),
            3 => leaf[0] ^= 1,
            4 => index = (index + 1 + seed % (size - 1)) % size,
            _ => size += 1 << proof.len(),
        }
        prop_assert!(!includes(&leaf, index, size, &root, &proof));
    }

    #[test]
    fn a_fork_is_never_consistent(size in 2_usize..600, seed in any::<u64>(), kind in 0..4) {
        let all = leaves(size);
        let old = 1 + seed as usize % (size - 1);
        let (mut old_root, mut new_root) = (mth(&all[..old]), mth(&all));
        let mut nodes = Leaves(all.clone());
        let mut proof = consistency_proof(&mut nodes, old as u64, size as u64).unwrap();
        prop_assert!(extends(old as u64, &old_root, size as u64, &new_root, &proof));
        let at = seed as usize / 11 % proof.len();
        match kind {
            0 => proof[at][seed as usize % 32] ^= 1 << (seed % 8),
            1 => old_root[3] ^= 16,
            2 => {
                // An entry of the old tree rewritten, and an honest proof of the tree that results.
                let mut forked = all.clone();
                forked[seed as usize / 13 % old][0] ^= 1;
                new_root = mth(&forked);
                proof = consistency_proof(&mut Leaves(forked), old as u64, size as u64).unwrap();
            }
            _ => drop(proof.remove(at)),
        }
        prop_assert!(!extends(old as u64, &old_root, size as u64, &new_root, &proof));
    }

    #[test]
    fn nonsense_never_panics(
        numbers in any::<[u64; 2]>(),
        proof in proptest::collection::vec(any::<Hash>(), 0..70),
    ) {
        let _ = includes(&[1; 32], numbers[0], numbers[1], &[2; 32], &proof);
        let _ = extends(numbers[0], &[1; 32], numbers[1], &[2; 32], &proof);
    }
}
