//! The table of faults: at every kind of place, every kind of fault, after every kind of power cut, the whole log is verified
//! from the directory, and everything that was ever promised is found in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use audit_log::{Appended, Body, Log, LogError, Recovered, Refused};
use tlog::SignedCheckpoint;

use crate::naive;
use crate::samples::{ORIGIN, decision, outcome, settings};
use crate::sim_disk::{Fault, Kind, Place, PowerCut, SimDisk};

const DIR: &str = "/data/log";
const PLACES: [Place; 10] = [
    Place::Entry,
    Place::Sync,
    Place::Tile,
    Place::Signed,
    Place::Checkpoint,
    Place::Rename,
    Place::FileSync,
    Place::DirSync,
    Place::NewSegment,
    Place::Resume,
];
const KINDS: [Kind; 4] = [Kind::Failed, Kind::FailedButPersisted, Kind::Torn, Kind::Crash];

/// What a power cut leaves, a little different at each place in the table.
fn cuts(seed: u64) -> [PowerCut; 4] {
    let seed = seed.wrapping_mul(7_919);
    [PowerCut::LosesAll, PowerCut::LosesNothing, PowerCut::KeepsParts(seed), PowerCut::Reorders(seed)]
}

type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// All that the log promised in one life.
#[derive(Default)]
struct Promised {
    entries: Vec<(Appended, Body)>,
    checkpoints: Vec<Arc<SignedCheckpoint>>,
}

/// Appends in bursts until the disk fails or so many bursts are through.
fn work(log: &Log, bursts: u64, promised: &mut Promised) -> Result<(), Refused> {
    for burst in 0..bursts {
        let (tell, told) = channel();
        for number in burst * 40..burst * 40 + 40 {
            let body = if number % 3 == 2 { outcome(number - 1) } else { decision(number) };
            let (tell, kept) = (tell.clone(), body.clone());
            let appended = log.append(&body, move |result| drop(tell.send((result, kept))));
            match appended {
                Ok(()) => {}
                Err(LogError::Refused(refused)) => return Err(refused),
                Err(error) => panic!("{error}"),
            }
        }
        drop(tell);
        let mut failed = None;
        for (result, body) in told {
            match result {
                Ok(appended) => promised.entries.push((appended, body)),
                Err(refused) => failed = Some(refused),
            }
        }
        promised.checkpoints.push(log.checkpoint());
        if let Some(refused) = failed {
            return Err(refused);
        }
    }
    Ok(())
}

fn new_log(disk: &SimDisk) {
    Log::create(Path::new(DIR), ORIGIN, &settings(Arc::new(disk.clone()))).unwrap();
}

fn open(disk: &SimDisk) -> Result<(Log, Recovered), LogError> {
    Log::open(Path::new(DIR), settings(Arc::new(disk.clone())))
}

/// Everything promised is there, where it was promised, under a tree that extends every tree signed before.
fn assert_kept(disk: &SimDisk, promised: &Promised, what: &str) {
    let entries = naive::verify(disk, Path::new(DIR));
    let leaves: Vec<_> = entries.iter().map(|entry| naive::leaf(entry)).collect();
    for (appended, body) in &promised.entries {
        let bytes =
            entries.get(appended.index as usize).unwrap_or_else(|| panic!("{what}: entry {} is lost", appended.index));
        let entry = audit_log::Entry::parse(bytes).unwrap();
        assert_eq!((&entry.body, entry.at), (body, appended.at), "{what}");
    }
    for signed in &promised.checkpoints {
        let size = signed.checkpoint.size as usize;
        assert_eq!(naive::root(&leaves[..size]), signed.checkpoint.root, "{what}: a fork at {size}");
    }
}

fn live_through(fault: Fault, cut: PowerCut) -> bool {
    let what = format!("{fault:?} {cut:?}");
    let disk = SimDisk::default();
    new_log(&disk);
    let mut promised = Promised::default();
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut with = settings(Arc::new(disk.clone()));
    with.on_failure = Box::new({
        let told = Arc::clone(&told);
        move |why| told.lock().unwrap().push(why.to_owned())
    });
    let (log, _) = Log::open(Path::new(DIR), with).unwrap();
    work(&log, 2, &mut promised).unwrap();
    disk.plan(fault);
    let worked = work(&log, 6, &mut promised);
    let failed_before = log.failure().is_some();
    let closed = log.close();
    if disk.was_hit() {
        assert!(closed.is_err(), "{what}: closed as if nothing had happened");
        assert_eq!(told.lock().unwrap().len(), 1, "{what}: told {:?}", told.lock().unwrap());
        assert!(log.append(&decision(0), |_| {}).is_err(), "{what}: still takes entries");
        assert!(failed_before || worked.is_ok(), "{what}");
    }
    promised.checkpoints.push(log.checkpoint());
    drop(log);
    disk.restart(cut);

    let (log, recovered) = open(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(recovered.entries >= promised.entries.len() as u64, "{what}");
    for lost in &recovered.open {
        log.append_and_wait(&outcome(lost.index)).unwrap();
    }
    work(&log, 1, &mut promised).unwrap();
    log.close().unwrap();
    promised.checkpoints.push(log.checkpoint());
    drop(log);
    assert_kept(&disk, &promised, &what);
    // And once more, now that nothing happens: sound, and nothing left open of before.
    let (_log, again) = open(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(again.cut.is_none(), "{what}");
    assert!(again.open.iter().all(|open| open.index >= recovered.entries), "{what}");
    disk.was_hit()
}

#[test]
fn every_fault_at_every_place_loses_nothing_promised() {
    let (mut lives, mut hits) = (0, Vec::new());
    for place in PLACES {
        let mut hit = 0;
        for kind in KINDS {
            for after in [0, 3] {
                for cut in cuts(lives) {
                    hit += u32::from(live_through(Fault { place, kind, after }, cut));
                    lives += 1;
                }
            }
        }
        hits.push((place, hit));
    }
    assert_eq!(lives, 10 * 4 * 2 * 4);
    for (place, hit) in hits {
        // When a fault meets the signer depends on how far it has come; that it does so is what makes this a test.
        assert!(hit >= 16, "the fault at {place:?} happened only {hit} times of 32");
    }
}

#[test]
fn a_fault_during_recovery_leaves_a_log_that_the_next_start_recovers() {
    for place in
        [Place::Tile, Place::Signed, Place::Checkpoint, Place::Rename, Place::FileSync, Place::DirSync, Place::Resume]
    {
        for kind in KINDS {
            for cut in cuts(kind as u64) {
                let what = format!("{place:?} {kind:?} {cut:?}");
                let disk = SimDisk::default();
                new_log(&disk);
                let mut promised = Promised::default();
                let (log, _) = open(&disk).unwrap();
                work(&log, 5, &mut promised).unwrap();
                disk.plan(Fault { place: Place::Entry, kind: Kind::Torn, after: 0 });
                assert!(work(&log, 5, &mut promised).is_err());
                drop(log);
                disk.restart(cut);
                disk.plan(Fault { place, kind, after: 0 });
                let opened = open(&disk);
                if let Ok((log, _)) = opened {
                    let _ = log.close();
                }
                disk.restart(cut);
                let (log, _) = open(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
                log.close().unwrap();
                drop(log);
                assert_kept(&disk, &promised, &what);
            }
        }
    }
}

/// A disk that is full fails the log with the file, the place in it and what to do, tears nothing that was promised, and with
/// room again it goes on.
#[test]
fn a_full_disk_is_told_with_its_place_and_nothing_is_lost() {
    for room in (0..60_000).step_by(if cfg!(debug_assertions) { 7_919 } else { 997 }) {
        let disk = SimDisk::default();
        new_log(&disk);
        let mut promised = Promised::default();
        let (log, _) = open(&disk).unwrap();
        work(&log, 1, &mut promised).unwrap();
        disk.set_room(Some(room));
        let _ = work(&log, 20, &mut promised);
        let Err(Refused::Failed(why)) = log.close() else { panic!("{room}: closed as if there had been room") };
        assert!(why.contains("`/data/log") && why.contains("free some"), "{room}: {why}");
        if why.contains("/segments/") {
            assert!(why.contains(".seg`, byte "), "{room}: {why}");
        }
        promised.checkpoints.push(log.checkpoint());
        drop(log);
        disk.restart(PowerCut::LosesNothing);
        let full = disk.contents();
        if let Err(error) = open(&disk) {
            assert!(error.to_string().contains("No space left"), "{room}: {error}");
            let whole = |(path, bytes): (&PathBuf, &Vec<u8>)| full[path].starts_with(bytes);
            assert!(segments_of(&disk.contents()).iter().all(whole), "{room}: a start without room wrote something");
        }
        disk.set_room(None);
        let (log, _) = open(&disk).unwrap_or_else(|error| panic!("{room}: {error}"));
        work(&log, 1, &mut promised).unwrap();
        log.close().unwrap();
        drop(log);
        assert_kept(&disk, &promised, &format!("room for {room}"));
    }
}

fn segments_of(contents: &Contents) -> Contents {
    contents.clone().into_iter().filter(|(path, _)| path.starts_with("/data/log/segments")).collect()
}
