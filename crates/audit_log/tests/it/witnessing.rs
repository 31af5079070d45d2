//! A log and its witness: cosignatures kept with the checkpoint, and a log rebuilt by whoever holds its keys found out.

use std::path::Path;
use std::sync::Arc;

use audit_log::{Log, RealDisk};
use tlog::{Policy, PolicyError, Role, SigningKeys};
use tlog_witness::{AddCheckpoint, Answer, Directory, Witness};

use crate::samples::{ORIGIN, clock, decision, settings};

fn append(log: &Log, numbers: std::ops::Range<u64>) {
    for number in numbers {
        log.append_and_wait(&decision(number)).unwrap();
    }
    log.wait_for_checkpoint(log.size()).unwrap();
}

/// What a witness that has cosigned `old` entries is asked.
fn ask(log: &Log, old: u64) -> AddCheckpoint {
    let (proof, checkpoint) = log.consistency(old).unwrap().unwrap();
    AddCheckpoint { old, proof, checkpoint }
}

fn witness(dir: &Path, log: &Log) -> Witness {
    let keys = SigningKeys::from_seeds("witness.test", Role::Witness, [[7; 32], [8; 32]]).unwrap();
    Witness::open(Directory::open(dir).unwrap(), keys, log.public_keys().iter().cloned(), clock()).unwrap()
}

#[test]
fn a_log_is_cosigned_as_it_grows_and_cannot_be_rewritten_by_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    Log::create(&path, ORIGIN, &settings(Arc::new(RealDisk))).unwrap();
    let key = std::fs::read(path.join("key")).unwrap();
    let public = std::fs::read(path.join("key.pub")).unwrap();
    let (log, _) = Log::open(&path, settings(Arc::new(RealDisk))).unwrap();
    let witness = witness(&dir.path().join("witness"), &log);
    let [_, post_quantum] = witness.public_keys();
    let policy = format!("log {}\nwitness w {post_quantum}\nquorum w\n", log.public_keys()[1]);
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let mut known = 0;
    for more in [1, 2, 40, 300] {
        append(&log, known..known + more);
        assert_eq!(policy.check(&log.checkpoint()), Err(PolicyError::NoQuorum { cosigned: 0 }));
        let request = ask(&log, known);
        let answer = witness.add_checkpoint(&request.to_string());
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(log.add_cosignatures(&request.checkpoint, &answer.body(), witness.public_keys()).unwrap(), 2);
        policy.check(&log.checkpoint()).unwrap();
        policy.check(&log.prove(known).unwrap().checkpoint).unwrap();
        known += more;
    }
    assert_eq!(log.consistency(known + 1).unwrap(), None);
    log.close().unwrap();
    let cosigned = log.checkpoint();
    drop(log);
    let (log, _) = Log::open(&path, settings(Arc::new(RealDisk))).unwrap();
    assert_eq!(log.checkpoint(), cosigned, "cosignatures outlive a restart");

    // The owner makes another log under the same name and keys, with one entry changed and more added.
    let forged = dir.path().join("forged");
    Log::create(&forged, ORIGIN, &settings(Arc::new(RealDisk))).unwrap();
    for (name, bytes) in [("key", key), ("key.pub", public)] {
        audit_log::Disk::write(&RealDisk, &forged.join(name), &bytes, true).unwrap();
    }
    resign_empty(&forged);
    let (forged, _) = Log::open(&forged, settings(Arc::new(RealDisk))).unwrap();
    append(&forged, 1..known + 9);
    let request = ask(&forged, known);
    assert_eq!(witness.add_checkpoint(&request.to_string()), Answer::NotConsistent);
    let shorter = ask(&forged, 0);
    assert_eq!(witness.add_checkpoint(&shorter.to_string()), Answer::Conflict(known));
}

/// Signs a new log's empty tree with the keys put into it.
fn resign_empty(dir: &Path) {
    let file = std::fs::read_to_string(dir.join("key")).unwrap();
    let keys = SigningKeys::parse(ORIGIN, Role::Log, &file).unwrap();
    let checkpoint = tlog::Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: tlog::empty_root() };
    let text = checkpoint.to_string();
    let signatures = keys.sign(&text, &checkpoint, 1).unwrap().into();
    let note = tlog::Note { text, signatures };
    audit_log::Disk::write(&RealDisk, &dir.join("checkpoint"), note.to_string().as_bytes(), false).unwrap();
}

#[test]
fn an_answer_from_a_stranger_is_not_kept_and_one_that_comes_late_is_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    Log::create(&path, ORIGIN, &settings(Arc::new(RealDisk))).unwrap();
    let (log, _) = Log::open(&path, settings(Arc::new(RealDisk))).unwrap();
    let witness = witness(&dir.path().join("witness"), &log);
    append(&log, 0..3);
    let request = ask(&log, 0);
    let answer = witness.add_checkpoint(&request.to_string()).body();
    let stranger = SigningKeys::from_seeds("stranger.test", Role::Witness, [[1; 32], [2; 32]]).unwrap();
    assert_eq!(log.add_cosignatures(&request.checkpoint, &answer, stranger.public()).unwrap(), 0);
    assert!(log.add_cosignatures(&request.checkpoint, "nonsense\n", witness.public_keys()).is_err());
    assert_eq!(log.cosigned(), None);
    append(&log, 3..5);
    assert_eq!(log.add_cosignatures(&request.checkpoint, &answer, witness.public_keys()).unwrap(), 2);
    assert_eq!(log.checkpoint().note.signatures.len(), 2, "the newest has only the log's own");
    let kept = log.cosigned().unwrap();
    assert_eq!((kept.checkpoint.size, kept.note.signatures.len()), (3, 4));
    let reader = audit_log::Reader::open(&path).unwrap();
    assert_eq!(reader.cosigned().unwrap().as_ref(), Some(&*kept));
    let proof = reader.prove_under(&kept, 2).unwrap();
    assert_eq!(proof.checkpoint, *kept, "an entry that the witness has seen");
    assert!(reader.prove_under(&kept, 3).is_err());
    log.close().unwrap();
    drop(log);
    let (log, _) = Log::open(&path, settings(Arc::new(RealDisk))).unwrap();
    assert_eq!(log.cosigned(), Some(kept), "it outlives a restart");
}
