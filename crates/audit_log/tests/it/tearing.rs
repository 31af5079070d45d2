//! The last segment cut or changed at every byte: what nobody was promised goes, what somebody was promised stops the start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit_log::{Disk, Log, LogError};

use crate::naive;
use crate::samples::{ORIGIN, decision, settings};
use crate::sim_disk::{PowerCut, SimDisk};

const DIR: &str = "/data/log";

/// A log of five entries, of which the first three are under a checkpoint and the others durable, in batches of one.
fn log_of_five() -> (SimDisk, PathBuf, Vec<u64>) {
    let disk = SimDisk::default();
    let with = || settings(Arc::new(disk.clone()));
    Log::create(Path::new(DIR), ORIGIN, &with()).unwrap();
    let (log, _) = Log::open(Path::new(DIR), with()).unwrap();
    let path = Path::new(DIR).join("segments/00000000000000000000.seg");
    let mut ends = vec![disk.length(&path).unwrap()];
    for number in 0..3 {
        log.append_and_wait(&decision(number)).unwrap();
        ends.push(disk.length(&path).unwrap());
    }
    log.close().unwrap();
    let kept = ["checkpoint", "signed"].map(|name| disk.read(&Path::new(DIR).join(name), 0, 100_000).unwrap());
    drop(log);
    let (log, _) = Log::open(Path::new(DIR), with()).unwrap();
    for number in 3..5 {
        log.append_and_wait(&decision(number)).unwrap();
        ends.push(disk.length(&path).unwrap());
    }
    drop(log);
    // As after a crash before the next checkpoint.
    for (name, bytes) in ["checkpoint", "signed"].into_iter().zip(kept) {
        disk.edit(&Path::new(DIR).join(name), |file| *file = bytes);
    }
    (disk, path, ends)
}

fn open(disk: &SimDisk) -> Result<u64, LogError> {
    disk.restart(PowerCut::LosesNothing);
    Log::open(Path::new(DIR), settings(Arc::new(disk.clone()))).map(|(log, recovered)| {
        assert_eq!(log.size(), recovered.entries);
        recovered.entries
    })
}

#[test]
fn a_tail_cut_at_any_byte_is_cut_back_to_whole_entries_unless_it_was_signed() {
    let (_, _, ends) = log_of_five();
    for length in (0..=ends[5]).rev().step_by(if cfg!(debug_assertions) { 7 } else { 1 }) {
        let (disk, path, _) = log_of_five();
        disk.edit(&path, |bytes| bytes.truncate(length as usize));
        let whole = ends.iter().rposition(|end| *end <= length).unwrap_or(0) as u64;
        let before = disk.contents();
        match open(&disk) {
            Ok(entries) => {
                assert_eq!(entries, whole, "cut at {length}");
                assert!(entries >= 3, "signed entries were given up, cut at {length}");
                assert_eq!(naive::verify(&disk, Path::new(DIR)).len() as u64, whole);
            }
            Err(error) => {
                assert!(whole < 3, "cut at {length}: {error}");
                assert!(matches!(error, LogError::Damaged { .. }), "{error}");
                assert_eq!(without_lock(disk.contents()), without_lock(before));
            }
        }
    }
}

#[test]
fn a_byte_changed_anywhere_in_what_was_promised_stops_the_start() {
    let (_, _, ends) = log_of_five();
    for at in (0..ends[5]).step_by(if cfg!(debug_assertions) { 11 } else { 1 }) {
        let (disk, path, _) = log_of_five();
        disk.edit(&path, |bytes| bytes[at as usize] ^= 0x20);
        let before = disk.contents();
        match open(&disk) {
            // The last record is the one case where damage and an unfinished write look the same.
            Ok(entries) => assert!(entries == 4 && at >= ends[4], "byte {at} changed, {entries} entries"),
            Err(error) => {
                assert!(at < ends[4], "byte {at}: {error}");
                assert!(error.to_string().contains("byte "), "{error}");
                assert_eq!(without_lock(disk.contents()), without_lock(before), "byte {at}: something was changed");
            }
        }
    }
}

#[test]
fn garbage_and_zeros_after_the_end_are_cut() {
    for garbage in [vec![0; 1], vec![0; 5_000], vec![0xff; 70_000], (0..9_000_u32).flat_map(u32::to_be_bytes).collect()]
    {
        let (disk, path, ends) = log_of_five();
        disk.edit(&path, |bytes| bytes.extend(&garbage));
        assert_eq!(open(&disk).unwrap(), 5);
        assert_eq!(disk.length(&path).unwrap(), ends[5]);
    }
}

#[test]
fn a_rebuilt_log_with_another_history_is_not_opened_over_its_own_checkpoint() {
    let (disk, path, ends) = log_of_five();
    let other = SimDisk::default();
    let with = || settings(Arc::new(other.clone()));
    Log::create(Path::new(DIR), ORIGIN, &with()).unwrap();
    let (log, _) = Log::open(Path::new(DIR), with()).unwrap();
    for number in 10..15 {
        log.append_and_wait(&decision(number)).unwrap();
    }
    drop(log);
    let rebuilt = other.read(&path, 0, 1 << 20).unwrap();
    assert!(rebuilt.len() as u64 >= ends[5]);
    disk.edit(&path, |bytes| *bytes = rebuilt);
    let said = open(&disk).unwrap_err().to_string();
    assert!(said.contains("do not have the root"), "{said}");
}

#[test]
fn missing_and_damaged_tiles_are_written_again() {
    let (disk, _, _) = log_of_five();
    open(&disk).unwrap();
    let tiles: Vec<_> = disk.contents().into_keys().filter(|path| path.starts_with("/data/log/tile")).collect();
    assert!(!tiles.is_empty());
    for tile in tiles {
        disk.edit(&tile, |bytes| bytes.truncate(bytes.len() / 2));
    }
    open(&disk).unwrap();
    naive::verify(&disk, Path::new(DIR));
    disk.remove(&Path::new(DIR).join("tile")).unwrap();
    open(&disk).unwrap();
    naive::verify(&disk, Path::new(DIR));
}

fn without_lock(mut all: std::collections::BTreeMap<PathBuf, Vec<u8>>) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    all.remove(&Path::new(DIR).join("lock"));
    all
}
