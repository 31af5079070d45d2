//! The state machine of C2SP `tlog-witness`: each status, the race that the specification prints, restarts, a disk that fails.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tlog::{Hash, Nodes, Note, Role, consistency_proof, leaf_hash, root_of};

use super::*;
use crate::memory::Directory;

struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = std::convert::Infallible;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error> {
        let start = (index << height) as usize;
        Ok(root_of(&self.0[start..start + (1 << height)]))
    }
}

fn log_keys() -> SigningKeys {
    SigningKeys::from_seeds("log", Role::Log, [[1; 32], [2; 32]]).unwrap()
}

fn leaves(count: u64, fork: u8) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&[fork, number as u8])).collect()
}

fn request(old: u64, new: u64, fork: u8) -> AddCheckpoint {
    let leaves = leaves(new, fork);
    let checkpoint = Checkpoint { origin: "log".to_owned(), size: new, root: root_of(&leaves) };
    let text = checkpoint.to_string();
    let signatures = log_keys().sign(&text, &checkpoint, 1).unwrap().into();
    let proof = if old <= new { consistency_proof(&mut Leaves(leaves), old, new).unwrap() } else { vec![] };
    AddCheckpoint { old, proof, checkpoint: SignedCheckpoint { checkpoint, note: Note { text, signatures } } }
}

fn witness_with(memory: impl Memory + 'static) -> Witness {
    let keys = SigningKeys::from_seeds("witness", Role::Witness, [[7; 32], [8; 32]]).unwrap();
    Witness::open(memory, keys, log_keys().public().clone(), Arc::new(|| Duration::from_secs(77))).unwrap()
}

fn witness(dir: &Path) -> Witness {
    witness_with(Directory::open(dir).unwrap())
}

#[test]
fn a_request_is_read_and_written_the_same() {
    let request = request(3, 9, 0);
    assert_eq!(AddCheckpoint::parse(&request.to_string()).unwrap(), request);
}

#[test]
fn what_extends_is_cosigned_with_both_keys_and_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let witness = witness(dir.path());
    for (old, new) in [(0, 3), (3, 3), (3, 8), (8, 200)] {
        let request = request(old, new, 0);
        let answer = witness.add_checkpoint(&request.to_string());
        assert_eq!(answer.status(), 200, "{answer:?}");
        let whole = format!("{}{}", request.checkpoint, answer.body());
        let cosigned = SignedCheckpoint::parse(&whole).unwrap();
        let held = cosigned.verify(witness.public_keys()).unwrap();
        assert_eq!(held.iter().map(|verified| verified.seconds).collect::<Vec<_>>(), [Some(77), Some(77)]);
    }
}

#[test]
fn each_refusal_has_its_status_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let witness = witness(dir.path());
    assert_eq!(witness.add_checkpoint(&request(0, 5, 0).to_string()).status(), 200);
    let good = request(5, 9, 0);
    let stranger = good.to_string().replace("\nlog\n", "\nother\n");
    let mut unsigned = good.clone();
    unsigned.checkpoint.note.signatures.iter_mut().for_each(|line| line.bytes[20] ^= 1);
    let mut wrong_proof = good.clone();
    wrong_proof.proof[0][0] ^= 1;
    let mut no_proof = good.clone();
    no_proof.proof.clear();
    let mut long = good.clone();
    long.proof = vec![[0; 32]; 64];
    for (name, body, status) in [
        ("nonsense", "old x\n\n".to_owned(), 400),
        ("leading zero", good.to_string().replace("old 5", "old 05"), 400),
        ("64 hashes", long.to_string(), 400),
        ("old above new", request(9, 5, 0).to_string(), 400),
        ("unknown log", stranger, 404),
        ("bad signature", unsigned.to_string(), 403),
        ("another old size", request(4, 9, 0).to_string(), 409),
        ("old size zero", request(0, 9, 0).to_string(), 409),
        ("another root for the size", request(5, 5, 1).to_string(), 409),
        ("a fork", request(5, 9, 1).to_string(), 422),
        ("a wrong proof", wrong_proof.to_string(), 422),
        ("no proof", no_proof.to_string(), 422),
    ] {
        let answer = witness.add_checkpoint(&body);
        assert_eq!(answer.status(), status, "{name}: {answer:?}");
        if status == 409 {
            assert_eq!((answer.body().as_str(), answer.content_type()), ("5\n", "text/x.tlog.size"), "{name}");
        }
    }
    assert_eq!(witness.add_checkpoint(&good.to_string()).status(), 200);
}

#[test]
fn what_was_cosigned_is_known_after_a_restart_and_the_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let first = witness(dir.path());
    assert_eq!(first.add_checkpoint(&request(0, 5, 0).to_string()).status(), 200);
    assert!(matches!(Directory::open(dir.path()), Err(WitnessError::Locked(_))));
    drop(first);
    let again = witness(dir.path());
    assert_eq!(again.add_checkpoint(&request(0, 3, 1).to_string()), Answer::Conflict(5));
    assert_eq!(again.add_checkpoint(&request(5, 6, 1).to_string()), Answer::NotConsistent);
    assert_eq!(again.add_checkpoint(&request(5, 6, 0).to_string()).status(), 200);
}

/// The race of the specification: requests at once, of which only one may build on what is known.
#[test]
fn of_requests_at_once_that_start_from_one_size_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let witness = witness(dir.path());
    let bodies: Vec<String> = (1..=8).map(|new| request(0, new * 3, 0).to_string()).collect();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let asked: Vec<_> = bodies.iter().map(|body| scope.spawn(|| witness.add_checkpoint(body).status())).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

/// A memory that fails once it is told so: before it has remembered, or after.
struct Failing {
    memory: Directory,
    before: Arc<AtomicBool>,
    after: Arc<AtomicBool>,
}

impl Memory for Failing {
    fn recall(&self, origin: &str) -> Result<Option<Checkpoint>, WitnessError> {
        self.memory.recall(origin)
    }

    fn remember(&self, checkpoint: &Checkpoint) -> Result<(), WitnessError> {
        let fails = |when: &AtomicBool| {
            let error = || WitnessError::Disk { path: "there".into(), error: std::io::Error::other("no") };
            if when.load(Ordering::SeqCst) { Err(error()) } else { Ok(()) }
        };
        fails(&self.before)?;
        self.memory.remember(checkpoint)?;
        fails(&self.after)
    }
}

#[test]
fn after_a_failure_to_remember_nothing_is_cosigned_until_the_next_start() {
    for remembered in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (before, after) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let memory = Directory::open(dir.path()).unwrap();
        let fails = Arc::clone(if remembered { &after } else { &before });
        let failing = witness_with(Failing { memory, before, after });
        assert_eq!(failing.add_checkpoint(&request(0, 5, 0).to_string()).status(), 200);
        fails.store(true, Ordering::SeqCst);
        assert_eq!(failing.add_checkpoint(&request(5, 6, 0).to_string()).status(), 500);
        fails.store(false, Ordering::SeqCst);
        assert_eq!(failing.add_checkpoint(&request(5, 6, 0).to_string()).status(), 500);
        drop(failing);
        // What the disk holds now, the next start finds out and goes by.
        let again = witness(dir.path()).add_checkpoint(&request(5, 6, 0).to_string());
        assert_eq!(again.status(), if remembered { 409 } else { 200 }, "{again:?}");
    }
}
