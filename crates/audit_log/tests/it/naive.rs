//! A second opinion: reads a log's directory from the specification alone, with a tree that is computed in the plainest way.

use std::path::Path;

use audit_log::{Disk, Entry};
use sha2::{Digest as _, Sha256};
use tlog::{Hash, SignedCheckpoint, parse_public_file};

pub(crate) fn leaf(entry: &[u8]) -> Hash {
    Sha256::digest([&[0], entry].concat()).into()
}

/// RFC 6962's MTH, word for word.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => Sha256::digest([]).into(),
        1 => leaves[0],
        count => {
            let mut half = 1;
            while half * 2 < count {
                half *= 2;
            }
            let (left, right) = (root(&leaves[..half]), root(&leaves[half..]));
            Sha256::digest([&[1], left.as_slice(), right.as_slice()].concat()).into()
        }
    }
}

/// All entries in the segments; panics at anything that is not as the specification says.
pub(crate) fn entries(disk: &dyn Disk, dir: &Path) -> Vec<Vec<u8>> {
    let segments = dir.join("segments");
    let mut names = disk.list(&segments).unwrap();
    names.sort();
    let mut entries = Vec::new();
    for name in names {
        let bytes = disk.read(&segments.join(&name), 0, usize::MAX).unwrap();
        assert_eq!(name, format!("{:020}.seg", entries.len()));
        assert_eq!(&bytes[..16], b"gwanmun-log-1\n\0\0");
        assert_eq!(bytes[16..24], (entries.len() as u64).to_be_bytes());
        let mut rest = &bytes[32..];
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            let entry = &rest[48..48 + length];
            let summed = [&rest[..4], &rest[8..48 + length]].concat();
            assert_eq!(rest[4..8], crc32c::crc32c(&summed).to_be_bytes());
            assert!(u64::from_be_bytes(rest[8..16].try_into().unwrap()) <= entries.len() as u64);
            assert_eq!(rest[16..48], leaf(entry));
            entries.push(entry.to_vec());
            rest = &rest[48 + length..];
        }
    }
    entries
}

/// Verifies the whole log: entries, their counters and times, every tile of the checkpoint's size, the checkpoint's root and
/// signatures, what may have been signed. Gives the entries.
pub(crate) fn verify(disk: &dyn Disk, dir: &Path) -> Vec<Vec<u8>> {
    let entries = entries(disk, dir);
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf(entry)).collect();
    let mut at = std::time::Duration::ZERO;
    for (seq, bytes) in entries.iter().enumerate() {
        let entry = Entry::parse(bytes).unwrap();
        assert_eq!(entry.seq, seq as u64);
        assert!(entry.at >= at, "time went back");
        at = entry.at;
    }
    let read = |name: &str| String::from_utf8(disk.read(&dir.join(name), 0, usize::MAX).unwrap()).unwrap();
    let signed = SignedCheckpoint::parse(&read("checkpoint")).unwrap();
    let keys = parse_public_file(&read("key.pub")).unwrap();
    assert_eq!(signed.verify(&keys).unwrap().len(), 2);
    let size = signed.checkpoint.size as usize;
    assert_eq!(signed.checkpoint.root, root(&leaves[..size]));
    let vouched = tlog::Checkpoint::parse(&read("signed")).unwrap();
    assert!(vouched.size >= signed.checkpoint.size);
    assert_eq!(vouched.root, root(&leaves[..vouched.size as usize]));
    check_tiles(disk, dir, &entries[..size], &leaves[..size]);
    entries
}

fn check_tiles(disk: &dyn Disk, dir: &Path, entries: &[Vec<u8>], leaves: &[Hash]) {
    let mut level = leaves.to_vec();
    for number in 0.. {
        if level.is_empty() {
            return;
        }
        for (index, hashes) in level.chunks(256).enumerate() {
            let path = tlog::tile_path(number, index as u64, hashes.len() as u64);
            assert_eq!(disk.read(&dir.join(&path), 0, usize::MAX).unwrap(), hashes.concat(), "{}", path.display());
        }
        if number == 0 {
            for (index, entries) in entries.chunks(256).enumerate() {
                let bundle: Vec<u8> = entries
                    .iter()
                    .flat_map(|entry| [&(entry.len() as u16).to_be_bytes(), entry.as_slice()].concat())
                    .collect();
                let path = tlog::bundle_path(index as u64, entries.len() as u64);
                assert_eq!(disk.read(&dir.join(&path), 0, usize::MAX).unwrap(), bundle, "{}", path.display());
            }
        }
        level = level.chunks_exact(256).map(root).collect();
    }
}
