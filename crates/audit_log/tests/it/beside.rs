//! Readers beside the process that writes: what a checkpoint covers can be had and proved at every moment.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use audit_log::{Log, LogError, Reader, RealDisk};
use tlog::{Proof, extends, includes, leaf_hash};

use crate::naive;
use crate::samples::{ORIGIN, decision, settings};

fn made() -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    Log::create(&path, ORIGIN, &settings(Arc::new(RealDisk))).unwrap();
    let (log, _) = Log::open(&path, settings(Arc::new(RealDisk))).unwrap();
    (dir, log)
}

fn append(log: &Log, numbers: std::ops::Range<u64>) {
    for number in numbers {
        log.append(&decision(number), |result| assert!(result.is_ok())).unwrap();
    }
    log.append_and_wait(&decision(0)).unwrap();
    log.wait_for_checkpoint(log.size()).unwrap();
}

#[test]
fn a_reader_proves_whatever_the_newest_checkpoint_covers_while_entries_come_in() {
    let (_dir, log) = made();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let reader = Reader::open(log.dir()).unwrap();
                assert_eq!((reader.origin(), reader.dir()), (ORIGIN, log.dir()));
                let ended = &ended;
                scope.spawn(move || follow(&reader, ended))
            })
            .collect();
        for burst in 0..300 {
            append(&log, burst..burst + burst % 11);
        }
        ended.store(true, Ordering::Release);
        for reader in readers {
            let (sizes, last) = reader.join().unwrap();
            assert!(sizes > 5 && last <= log.size(), "{sizes} sizes, the last {last}");
        }
    });
    let reader = Reader::open(log.dir()).unwrap();
    assert_eq!(reader.checkpoint().unwrap(), *log.checkpoint());
    assert_eq!(reader.public_keys().unwrap(), log.public_keys().to_vec());
    assert_eq!(reader.entries(0..log.size()).unwrap(), log.entries(0..log.size()).unwrap());
    assert!(matches!(reader.entries(0..log.size() + 1), Err(LogError::NoSuchEntry { .. })));
    assert_eq!(reader.consistency(log.size() + 1).unwrap(), None);
}

/// Reads and proves until told to end; tells how many sizes of the log it met, and the last.
fn follow(reader: &Reader, ended: &AtomicBool) -> (usize, u64) {
    let keys = reader.public_keys().unwrap();
    let (mut met, mut size, mut root) = (0, 0, tlog::empty_root());
    while !ended.load(Ordering::Acquire) {
        let (proof, newest) = reader.consistency(size).unwrap().unwrap();
        assert_eq!(newest.verify(&keys).unwrap().len(), 2);
        let newest = newest.checkpoint;
        assert!(extends(size, &root, newest.size, &newest.root, &proof));
        met += usize::from(newest.size > size);
        (size, root) = (newest.size, newest.root);
        for index in [0, size / 2, size.saturating_sub(1)].into_iter().filter(|index| *index < size) {
            let Proof { extra, hashes, checkpoint, .. } = reader.prove(index).unwrap();
            let (entry, tree) = (extra.unwrap(), checkpoint.checkpoint);
            assert!(includes(&leaf_hash(&entry), index, tree.size, &tree.root, &hashes));
        }
    }
    (met, size)
}

#[test]
fn a_partial_tile_that_a_fuller_one_has_replaced_is_read_from_that() {
    let (_dir, log) = made();
    append(&log, 0..199);
    let old = fs::read(log.dir().join("checkpoint")).unwrap();
    append(&log, 200..320);
    log.close().unwrap();
    assert!(!log.dir().join("tile/0/000.p").exists() && !log.dir().join("tile/entries/000.p").exists());
    fs::rename(log.dir().join("checkpoint"), log.dir().join("later")).unwrap();
    audit_log::Disk::write(&RealDisk, &log.dir().join("checkpoint"), &old, false).unwrap();
    let reader = Reader::open(log.dir()).unwrap();
    let newest = reader.checkpoint().unwrap().checkpoint;
    assert_eq!(newest.size, 200);
    assert_eq!(reader.entries(0..200).unwrap(), naive::entries(&RealDisk, log.dir())[..200]);
    for index in 0..200 {
        assert_eq!(reader.prove(index).unwrap().index, index);
    }
    assert!(reader.consistency(130).unwrap().is_some());
}

#[test]
fn tiles_that_are_missing_or_wrong_prove_nothing_and_say_how_to_mend_them() {
    let (_dir, log) = made();
    append(&log, 0..299);
    log.close().unwrap();
    let reader = Reader::open(log.dir()).unwrap();
    let (tile, bundle) = (log.dir().join("tile/0/000"), log.dir().join("tile/entries/000"));
    let told = |what: &str| {
        for error in [reader.prove(3).unwrap_err(), reader.prove(255).unwrap_err()] {
            let said = error.to_string();
            assert!(
                matches!(error, LogError::Tiles { .. }) && said.contains("gwanmun audit rebuild"),
                "{what}: {said}"
            );
        }
    };
    for path in [&tile, &bundle] {
        let bytes = fs::read(path).unwrap();
        let put = |bytes: &[u8]| audit_log::Disk::write(&RealDisk, path, bytes, false).unwrap();
        put(&bytes[..bytes.len() / 2 - 1]);
        let halved = reader.prove(255).unwrap_err().to_string();
        assert!(halved.contains("holds too little"), "{halved}");
        let mut changed = bytes.clone();
        for byte in &mut changed {
            *byte ^= 1;
        }
        put(&changed);
        told("changed");
        fs::remove_file(path).unwrap();
        told("gone");
        put(&bytes);
        reader.prove(3).unwrap();
    }
    fs::remove_file(&tile).unwrap();
    assert!(matches!(reader.consistency(7), Err(LogError::Tiles { .. })));
}

#[test]
fn what_is_no_log_is_not_read_as_one() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(dir.path()), Err(LogError::NotALog(_))));
    assert!(matches!(Reader::open(&dir.path().join("absent")), Err(LogError::NotALog(_))));
}
