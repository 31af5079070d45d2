//! A log's life on the real disk: made, opened, appended to, proved, rotated, closed; and every refusal with its reason.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use audit_log::{Body, Entry, Log, LogError, RealDisk, Refused};
use tlog::{Policy, Proof, parse_public_file};

use crate::naive;
use crate::samples::{ORIGIN, decision, outcome, settings, text};

fn made() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Log::create(&dir.path().join("log"), ORIGIN, &settings(Arc::new(RealDisk))).unwrap();
    dir
}

fn open(dir: &tempfile::TempDir) -> Log {
    Log::open(&dir.path().join("log"), settings(Arc::new(RealDisk))).unwrap().0
}

fn refusal(dir: &Path) -> String {
    match Log::open(dir, settings(Arc::new(RealDisk))) {
        Ok(_) => panic!("the log was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_appended_is_read_and_proved_to_a_stranger() {
    let dir = made();
    let log = open(&dir);
    let (tell, told) = channel();
    for number in 0..700 {
        let tell = tell.clone();
        log.append(&decision(number), move |result| tell.send((number, result.unwrap())).unwrap()).unwrap();
    }
    drop(tell);
    let appended: Vec<_> = told.into_iter().collect();
    assert!(appended.iter().enumerate().all(|(at, (number, entry))| (at as u64, at as u64) == (*number, entry.index)));
    log.wait_for_checkpoint(700).unwrap();
    let bytes = log.entries(0..700).unwrap();
    assert_eq!(bytes, naive::entries(&RealDisk, log.dir()));
    assert_eq!(log.entries(255..258).unwrap(), bytes[255..258]);
    let public = log.public_keys();
    let policy = Policy::parse(format!("log {}\nlog {}\nquorum none\n", public[0], public[1]).as_bytes()).unwrap();
    for index in [0, 1, 255, 256, 511, 512, 698, 699] {
        let proof = Proof::parse(&log.prove(index).unwrap().to_string()).unwrap();
        policy.check(&proof.checkpoint).unwrap();
        let entry = proof.extra.clone().unwrap();
        assert!(proof.includes(&entry));
        assert_eq!(Entry::parse(&entry).unwrap().body, decision(index));
    }
    assert!(matches!(log.prove(700), Err(LogError::NoSuchEntry { index: 700, size: 700 })));
    assert!(matches!(log.prove(u64::MAX), Err(LogError::NoSuchEntry { .. })));
    log.close().unwrap();
    assert!(matches!(log.append(&decision(0), |_| {}), Err(LogError::Refused(Refused::Closed))));
    naive::verify(&RealDisk, log.dir());
}

#[test]
fn decisions_without_an_outcome_are_told_at_the_next_start_once() {
    let dir = made();
    let log = open(&dir);
    for number in 0..10 {
        log.append_and_wait(&decision(number)).unwrap();
    }
    for decision in [0, 1, 2, 4, 5, 8, 9] {
        log.append_and_wait(&outcome(decision)).unwrap();
    }
    drop(log);
    let (log, recovered) = Log::open(&dir.path().join("log"), settings(Arc::new(RealDisk))).unwrap();
    assert_eq!(recovered.open.iter().map(|open| open.index).collect::<Vec<_>>(), [3, 6, 7]);
    assert_eq!(Body::Decision(recovered.open[0].decision.clone()), decision(3));
    for open in recovered.open {
        log.append_and_wait(&outcome(open.index)).unwrap();
    }
    drop(log);
    let (_log, recovered) = Log::open(&dir.path().join("log"), settings(Arc::new(RealDisk))).unwrap();
    assert_eq!((recovered.open.len(), recovered.entries), (0, 20));
}

#[test]
fn a_log_has_one_process() {
    let dir = made();
    let log = open(&dir);
    assert!(refusal(log.dir()).contains("held by another process"));
    drop(log);
    open(&dir);
}

#[test]
fn the_queue_has_an_end() {
    let dir = made();
    let mut with = settings(Arc::new(RealDisk));
    with.waiting_max = 4;
    let (log, _) = Log::open(&dir.path().join("log"), with).unwrap();
    // The writer is held in its first acknowledgement, so that what comes after can only wait.
    let (entered, inside) = channel();
    let (release, released) = channel::<()>();
    let hold = move |_| {
        entered.send(()).unwrap();
        let _ = released.recv();
    };
    log.append(&decision(0), hold).unwrap();
    inside.recv().unwrap();
    for number in 1..=4 {
        log.append(&decision(number), |_| {}).unwrap();
    }
    let refused = log.append(&decision(5), |_| {});
    assert!(matches!(refused, Err(LogError::Refused(Refused::Busy { waiting: 4 }))));
    // What completes an entry that is there already always finds room.
    let (tell, told) = channel();
    for decision in 0..4 {
        let tell = tell.clone();
        log.append_owed(&outcome(decision), move |result| tell.send(result.unwrap().index).unwrap()).unwrap();
    }
    drop((release, tell));
    log.close().unwrap();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), [5, 6, 7, 8]);
    assert_eq!(log.checkpoint().checkpoint.size, 9, "what was taken is written and signed at the end");
    assert!(matches!(log.append_owed(&outcome(4), |_| {}), Err(LogError::Refused(Refused::Closed))));
}

#[test]
fn new_keys_take_over_and_the_old_checkpoints_stay_provable() {
    let dir = made();
    let log = open(&dir);
    let old = log.public_keys();
    log.append_and_wait(&decision(0)).unwrap();
    let before = log.wait_for_checkpoint(1).unwrap();
    let new = log.rotate_keys(text("operator")).unwrap();
    assert_ne!(old, new);
    let after = log.checkpoint();
    assert_eq!((after.verify(&*new).unwrap().len(), after.verify(&*old).unwrap().len()), (2, 0));
    assert_eq!(before.verify(&*old).unwrap().len(), 2);
    let entry = Entry::parse(&log.entries(1..2).unwrap()[0]).unwrap();
    let Body::Administration(entry) = entry.body else { panic!("no administration entry") };
    assert!(
        entry.detail.values().map(audit_log::Text::as_str).eq(new
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .iter())
    );
    log.append_and_wait(&decision(1)).unwrap();
    drop(log);
    let log = open(&dir);
    assert_eq!(log.public_keys(), new);
    let kept = fs::read_to_string(log.dir().join("key.pub.2")).unwrap();
    assert_eq!(parse_public_file(&kept).unwrap(), old.to_vec());
    naive::verify(&RealDisk, log.dir());
    // A rotation cut off between its last two steps is completed.
    let path = log.dir().join("key.pub");
    drop(log);
    fs::copy(path.with_file_name("key.pub.2"), &path).unwrap();
    assert_eq!(open(&dir).public_keys(), new);
    assert_eq!(parse_public_file(&fs::read_to_string(&path).unwrap()).unwrap(), new.to_vec());
}

/// What is done to a log's directory.
type Harm = Box<dyn Fn(&Path)>;

#[test]
fn what_is_not_a_sound_log_is_refused_by_name_and_left_as_it_is() {
    let elsewhere = made();
    let other_key = fs::read(elsewhere.path().join("log/key")).unwrap();
    let put = |name: &'static str, bytes: Vec<u8>| -> Harm { Box::new(move |dir| replace(&dir.join(name), &bytes)) };
    let gone = |name: &'static str| -> Harm { Box::new(move |dir| fs::remove_file(dir.join(name)).unwrap()) };
    let cases: Vec<(&str, Harm, &str)> = vec![
        ("no origin", gone("origin"), "is no log"),
        ("no checkpoint", gone("checkpoint"), "checkpoint`"),
        ("no signed", gone("signed"), "signed`"),
        ("no key", gone("key"), "key`"),
        ("no public key", gone("key.pub"), "key.pub`"),
        ("no first segment", gone("segments/00000000000000000000.seg"), "the first segment is missing"),
        ("another log's key", put("key", other_key), "do not belong"),
        ("half a key", put("key", b"ed25519 AAAA\n".to_vec()), "key file"),
        ("another origin", put("origin", b"other.test/1\n".to_vec()), "other.test/1"),
        ("an empty origin", put("origin", vec![]), "not one line"),
        ("half a checkpoint", put("checkpoint", b"gwanmun.test/0123456789abcdef\n7\n".to_vec()), "checkpoint`"),
        ("an endless checkpoint", put("checkpoint", vec![b'x'; 1 << 20]), "more than"),
        ("a stranger among the segments", put("segments/notes.txt", vec![]), "no segment"),
        ("a later segment", put("segments/00000000000000000900.seg", vec![]), "are missing before"),
    ];
    for (name, harm, wanted) in cases {
        let dir = made();
        let log = open(&dir);
        for number in 0..60 {
            log.append_and_wait(&decision(number)).unwrap();
        }
        let path = log.dir().to_owned();
        drop(log);
        harm(&path);
        let before = contents(&path);
        let said = refusal(&path);
        assert!(said.contains(wanted), "{name}: {said}");
        assert_eq!(contents(&path), before, "{name}: something was changed");
    }
    assert!(refusal(Path::new("/nonexistent/log")).contains("is no log"));
    let refused = Log::create(&elsewhere.path().join("log"), ORIGIN, &settings(Arc::new(RealDisk)));
    assert!(matches!(refused, Err(LogError::NotEmpty(_))));
}

#[test]
fn the_secret_key_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = made();
    let mode = fs::metadata(dir.path().join("log/key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

fn replace(path: &Path, bytes: &[u8]) {
    audit_log::Disk::write(&RealDisk, path, bytes, false).unwrap();
}

fn contents(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for item in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if item.path().is_dir() {
            all.extend(contents(&item.path()));
        } else if item.file_name() != "lock" {
            all.push((item.path(), fs::read(item.path()).unwrap()));
        }
    }
    all.sort();
    all
}
