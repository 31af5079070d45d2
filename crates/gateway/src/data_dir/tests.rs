//! The data directory is there whole or not at all, belongs to one process, and nothing is made over an old one.

#![expect(clippy::disallowed_methods, reason = "a test may leave half a file")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{DataDir, DataDirError};
use crate::clock::Clock;
use crate::keys::KeyText;

/// What a data directory holds when it is made and held.
const NAMES: [&str; 9] = [
    "commitment.secret",
    "gwanmun.db",
    "key-hash.secret",
    "lock",
    "log",
    "models",
    "payload.secret",
    "payloads",
    "witness",
];

fn open(path: &Path) -> Result<DataDir, DataDirError> {
    DataDir::open(path, &Clock::system())
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_absent_or_empty_directory_is_made_whole_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for path in [folder.path().join("deep/er/data"), empty] {
        let dir = open(&path).unwrap();
        assert!(dir.made());
        assert_eq!(names(&path), NAMES);
        assert_eq!((mode(&path), mode(&path.join("key-hash.secret"))), (0o700, 0o600));
        assert_eq!(mode(&path.join("commitment.secret")), 0o600);
        assert_ne!(fs::read(path.join("key-hash.secret")).unwrap(), fs::read(path.join("commitment.secret")).unwrap());
        assert_eq!(mode(&path.join("log/key")), 0o600);
        assert_eq!(mode(&path.join("witness/key")), 0o600);
        assert_eq!(names(&path.join("payloads")), [""; 0]);
        assert_eq!(names(path.parent().unwrap()).iter().filter(|name| name.contains("making")).count(), 0);
        drop(dir);
        assert!(!open(&path).unwrap().made(), "the second time it is only opened");
    }
}

#[test]
fn what_a_dead_process_left_half_made_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join(".data.making/log")).unwrap();
    assert!(open(&folder.path().join("data")).unwrap().made());
    assert_eq!(names(folder.path()), ["data"]);
}

#[test]
fn nothing_is_made_over_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"mine").unwrap();
    assert!(matches!(open(&file), Err(DataDirError::NotADirectory { .. })));
    assert!(matches!(open(&file.join("data")), Err(DataDirError::NotADirectory { .. })));
    let others = folder.path().join("others");
    fs::create_dir(&others).unwrap();
    fs::write(others.join("thesis.odt"), b"mine").unwrap();
    assert!(matches!(open(&others), Err(DataDirError::NotOurs { .. })));
    assert_eq!((names(&others), fs::read(&file).unwrap()), (vec!["thesis.odt".to_owned()], b"mine".to_vec()));
    // Something stands where it would be made aside, and cannot be taken away as a folder.
    fs::write(folder.path().join(".new.making"), b"mine").unwrap();
    assert!(open(&folder.path().join("new")).is_err());
    assert!(!folder.path().join("new").exists());
}

#[test]
fn what_was_lost_is_told_and_not_made_anew() {
    for part in NAMES.iter().filter(|name| **name != "lock") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        drop(open(&path).unwrap());
        let lost = path.join(part);
        if lost.is_dir() {
            fs::remove_dir_all(&lost).unwrap();
        } else {
            fs::remove_file(&lost).unwrap();
        }
        let error = open(&path).unwrap_err();
        assert!(matches!(&error, DataDirError::Missing { path } if *path == lost), "{part}: {error}");
        assert!(!lost.exists());
    }
}

#[test]
fn the_earlier_form_is_told_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    drop(open(&path).unwrap());
    fs::remove_dir_all(path.join("log")).unwrap();
    fs::create_dir(path.join("record")).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, DataDirError::EarlierForm { .. }) && error.to_string().contains("gwanmun audit adopt"));
    assert!(!path.join("log").exists(), "no log is begun on absence");
}

#[test]
fn a_secret_that_others_can_read_or_that_is_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = open(&folder.path().join("data")).unwrap();
    assert!(dir.key_hash_secret().is_ok() && dir.commitment_secret().is_ok());
    let secret = dir.path().join("key-hash.secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    let error = dir.key_hash_secret().unwrap_err();
    assert!(matches!(error, DataDirError::SecretOpen { .. }) && error.to_string().contains("chmod 600"), "{error}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&secret, [0; 31]).unwrap();
    assert!(matches!(dir.key_hash_secret(), Err(DataDirError::SecretDamaged { .. })));
}

#[test]
fn one_process_holds_it_and_others_may_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let held = open(&path).unwrap();
    let error = open(&path).unwrap_err();
    let told = format!("is in use by process {}", std::process::id());
    assert!(matches!(error, DataDirError::Locked { .. }) && error.to_string().contains(&told), "{error}");
    assert!(DataDir::join(&path, &Clock::system()).is_ok());
    drop(held);
    assert!(open(&path).is_ok());
}

#[test]
fn a_running_server_is_found_and_a_dead_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    assert_eq!(DataDir::running(&path), None);
    let dir = open(&path).unwrap();
    assert_eq!(DataDir::running(&path), None, "it has not said where it is");
    let key = KeyText::generate().unwrap();
    let announced = dir.announce("http://127.0.0.1:4000", &key).unwrap();
    let running = DataDir::running(&path).unwrap();
    assert_eq!((running.url.as_str(), running.pid, &running.key), ("http://127.0.0.1:4000", std::process::id(), &key));
    assert_eq!((mode(&path.join("run")), mode(&path.join("run/ask.key"))), (0o700, 0o600));
    // A server that dies leaves its announcement, and not its lock.
    std::mem::forget(announced);
    drop(dir);
    assert_eq!(DataDir::running(&path), None);
    let dir = open(&path).unwrap();
    assert!(!path.join("run").exists(), "the next server takes it away");
    drop(dir.announce("http://127.0.0.1:4001", &key).unwrap());
    assert_eq!(DataDir::running(&path), None, "it is taken back at the end");
}

#[test]
fn first_starts_at_the_same_time_make_one_directory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let made: usize = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| DataDir::join(&path, &Clock::system()).unwrap().made())).collect();
        starts.into_iter().map(|start| usize::from(start.join().unwrap())).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(names(folder.path()), ["data"]);
}
