//! Starts that go on from a resume file: they find what a start that reads everything finds, read no more than they need, and
//! take no file that is not whole, not of this log, or not true.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit_log::{Action, Administration, Body, Disk, Log, Recovered, Settings, Word};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tlog::{Checkpoint, leaf_hash};

use crate::naive;
use crate::samples::{ORIGIN, decision, outcome, settings, text};
use crate::sim_disk::{PowerCut, SimDisk};

const DIR: &str = "/data/log";

fn with(disk: &SimDisk, segment_bytes_max: u64, scan_all: bool) -> Settings {
    Settings { segment_bytes_max, scan_all, ..settings(Arc::new(disk.clone())) }
}

/// What a start finds: the checkpoint that it signs, and what is open.
fn start(disk: &SimDisk, scan_all: bool) -> (Checkpoint, Recovered) {
    let (log, recovered) = Log::open(Path::new(DIR), with(disk, 6_000, scan_all)).unwrap();
    log.close().unwrap();
    (log.checkpoint().checkpoint.clone(), recovered)
}

/// An entry whose free words look like another kind's fields.
fn confusing(number: u64) -> Body {
    let detail = [("decision", number.to_string()), ("kind", "outcome".to_owned())];
    let detail = detail.map(|(name, value)| (Word::new(name).unwrap(), text(&value)));
    let (subject, by) = (text("k"), text("\"kind\":\"decision\""));
    Body::Administration(Administration { action: Action::KeyCreate, subject, by, detail: detail.into() })
}

/// One life of a log: bursts of entries, and how it ends.
#[derive(Debug, Clone)]
struct Life {
    bursts: Vec<(u8, u64)>,
    closed: bool,
}

fn lives() -> impl Strategy<Value = (u64, Vec<Life>)> {
    let bursts = proptest::collection::vec((0_u8..4, 1_u64..60), 1..6);
    let life = (bursts, any::<bool>()).prop_map(|(bursts, closed)| Life { bursts, closed });
    (2_000_u64..30_000, proptest::collection::vec(life, 1..5))
}

fn live(disk: &SimDisk, segment_bytes_max: u64, life: &Life) {
    let (log, recovered) = Log::open(Path::new(DIR), with(disk, segment_bytes_max, false)).unwrap();
    let mut undecided: Vec<u64> = recovered.open.iter().map(|open| open.index).collect();
    for (kind, count) in &life.bursts {
        for number in 0..*count {
            let body = match kind {
                0 => decision(number),
                1 => confusing(number),
                _ => undecided.pop().map_or_else(|| decision(number), outcome),
            };
            let index = log.append_and_wait(&body).unwrap().index;
            if matches!(body, Body::Decision(_)) {
                undecided.push(index);
            }
        }
    }
    if life.closed {
        log.close().unwrap();
    }
    drop(log);
    disk.restart(PowerCut::LosesNothing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 24 } else { 200 }))]
    #[test]
    fn a_start_from_a_resume_file_finds_what_a_start_that_reads_everything_finds((segment_bytes_max, lives) in lives()) {
        let disk = SimDisk::default();
        Log::create(Path::new(DIR), ORIGIN, &with(&disk, segment_bytes_max, false)).unwrap();
        for life in &lives {
            live(&disk, segment_bytes_max, life);
            let (resumed, whole) = (disk.copy(), disk.copy());
            disk.take_reads();
            let (quick, thorough) = (start(&resumed, false), start(&whole, true));
            prop_assert_eq!(&quick.0, &thorough.0);
            prop_assert_eq!(quick.1.entries, thorough.1.entries);
            prop_assert_eq!(quick.1.open, thorough.1.open);
            prop_assert_eq!(naive::verify(&resumed, Path::new(DIR)), naive::verify(&whole, Path::new(DIR)));
            prop_assert_eq!(resumes(&whole).len().min(4), segments(&whole).len().saturating_sub(1).min(4));
        }
    }
}

fn files(disk: &SimDisk, folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(DIR).join(folder);
    disk.contents().into_keys().filter(|path| path.starts_with(&folder)).collect()
}

fn resumes(disk: &SimDisk) -> Vec<PathBuf> {
    files(disk, "resume")
}

fn segments(disk: &SimDisk) -> Vec<PathBuf> {
    files(disk, "segments")
}

/// A log of several segments and three full tiles, closed; one decision in five is open.
fn long_log() -> SimDisk {
    let disk = SimDisk::default();
    Log::create(Path::new(DIR), ORIGIN, &with(&disk, 60_000, false)).unwrap();
    let (log, _) = Log::open(Path::new(DIR), with(&disk, 60_000, false)).unwrap();
    for number in 0..800 {
        let body = if number % 5 == 4 { outcome(number - 2) } else { decision(number) };
        log.append_and_wait(&body).unwrap();
    }
    log.close().unwrap();
    drop(log);
    // A signer that falls behind gives up the older ones; the newest are always there.
    assert!(segments(&disk).len() > 5 && resumes(&disk).len() >= 4);
    disk
}

fn read_segments(disk: &SimDisk) -> usize {
    let mut read = disk.take_reads();
    read.retain(|path| path.starts_with("/data/log/segments"));
    read.sort();
    read.dedup();
    read.len()
}

/// What is done to a resume file.
type Harm<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;

#[test]
fn a_start_reads_only_the_segments_after_the_newest_resume_file_that_is_whole() {
    let log = long_log();
    let (truth, all) = (start(&log.copy(), true), segments(&log).len());
    let other_log = {
        let disk = SimDisk::default();
        Log::create(Path::new(DIR), "gwanmun.test/other", &with(&disk, 60_000, false)).unwrap();
        let (log, _) = Log::open(Path::new(DIR), with(&disk, 60_000, false)).unwrap();
        for number in 0..300 {
            log.append_and_wait(&decision(number)).unwrap();
        }
        log.close().unwrap();
        disk.contents()[&resumes(&disk)[0]].clone()
    };
    let cases: Vec<(&str, usize, Harm<'_>)> = vec![
        ("whole", 1, Box::new(|_| {})),
        ("empty", 2, Box::new(Vec::clear)),
        ("torn", 2, Box::new(|bytes| bytes.truncate(bytes.len() / 2))),
        ("a byte short", 2, Box::new(|bytes| bytes.truncate(bytes.len() - 1))),
        ("a byte more", 2, Box::new(|bytes| bytes.push(0))),
        ("a bit changed", 2, Box::new(|bytes| bytes[100] ^= 4)),
        ("another version", 2, Box::new(|bytes| reseal(bytes, |whole| whole[15] = b'2'))),
        ("another log's", 2, Box::new(|bytes| bytes.clone_from(&other_log))),
        ("another size", 2, Box::new(|bytes| reseal(bytes, |whole| whole[55] ^= 1))),
    ];
    for (name, wanted, harm) in cases {
        let disk = log.copy();
        disk.edit(resumes(&disk).last().unwrap(), |bytes| harm(bytes));
        disk.take_reads();
        assert_eq!(start(&disk, false), truth, "{name}");
        assert_eq!(read_segments(&disk), wanted, "{name}");
        naive::verify(&disk, Path::new(DIR));
    }
    let disk = log.copy();
    disk.remove(&Path::new(DIR).join("resume")).unwrap();
    disk.take_reads();
    assert_eq!(start(&disk, false), truth);
    assert_eq!(read_segments(&disk), all, "without any, every segment is read");
    assert_eq!(start(&disk, false), truth);
    assert_eq!(read_segments(&disk), 1, "and they are there again");
}

/// Changes a resume file and makes its checksum anew, as somebody would who means harm.
fn reseal(bytes: &mut Vec<u8>, change: impl FnOnce(&mut [u8])) {
    bytes.truncate(bytes.len() - 32);
    change(bytes);
    let sum = Sha256::digest(&*bytes);
    bytes.extend_from_slice(&sum);
}

#[test]
fn an_edge_that_is_not_the_logs_is_found_by_the_signed_roots() {
    let disk = long_log();
    let truth = start(&disk.copy(), true);
    let newest = resumes(&disk).pop().unwrap();
    let size: u64 = newest.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let entries = naive::entries(&disk, Path::new(DIR));
    let leaf = leaf_hash(&entries[usize::try_from(size).unwrap() - 1]);
    disk.edit(&newest, |bytes| {
        reseal(bytes, |whole| {
            let at = whole.windows(32).rposition(|window| window == leaf).unwrap();
            whole[at] ^= 1;
        });
    });
    assert_eq!(start(&disk, false), truth);
    assert_eq!(read_segments(&disk), segments(&disk).len(), "it was not believed");
    naive::verify(&disk, Path::new(DIR));
}

/// A resume file may be newer than what was signed where a directory was put together from two backups.
#[test]
fn a_resume_file_above_what_was_signed_is_passed_over() {
    let disk = long_log();
    let old: BTreeMap<PathBuf, Vec<u8>> = {
        let disk = SimDisk::default();
        Log::create(Path::new(DIR), ORIGIN, &with(&disk, 60_000, false)).unwrap();
        disk.contents()
    };
    let keys = ["key", "key.pub", "checkpoint", "signed"].map(|name| Path::new(DIR).join(name));
    let truth = start(&disk.copy(), true);
    for path in &keys {
        disk.edit(path, |bytes| bytes.clone_from(&old[path]));
    }
    assert_eq!(start(&disk, false), truth);
    assert_eq!(read_segments(&disk), segments(&disk).len());
}

#[test]
fn tiles_before_the_resume_file_are_mended_by_a_rebuild() {
    let disk = long_log();
    let sound = disk.contents();
    let entries = naive::entries(&disk, Path::new(DIR));
    let tiles =
        ["tile/0/000", "tile/entries/000", "tile/0/001", "tile/entries/001"].map(|tile| Path::new(DIR).join(tile));
    for (tile, broken) in tiles.iter().zip([vec![], vec![7; 8_192], vec![0; 100], b"\0\x09nonsense".to_vec()]) {
        disk.edit(tile, |bytes| *bytes = broken);
    }
    disk.take_reads();
    let (log, _) = Log::open(Path::new(DIR), with(&disk, 60_000, false)).unwrap();
    assert_eq!(read_segments(&disk), 1);
    for index in [3, 255, 256, 300] {
        let said = log.prove(index).unwrap_err().to_string();
        assert!(said.contains("gwanmun audit rebuild"), "{index}: {said}");
    }
    drop(log);
    let (log, _) = Log::open(Path::new(DIR), with(&disk, 60_000, true)).unwrap();
    for index in [3, 255, 256, 300] {
        assert_eq!(log.prove(index).unwrap().extra.as_ref(), entries.get(usize::try_from(index).unwrap()));
    }
    drop(log);
    naive::verify(&disk, Path::new(DIR));
    let rebuilt = disk.contents();
    for tile in &tiles {
        assert_eq!(rebuilt[tile], sound[tile], "{}", tile.display());
    }
}
