//! What is remembered comes back, and what can't be understood is refused by name.

use super::*;

fn checkpoint(origin: &str, size: u64) -> Checkpoint {
    Checkpoint { origin: origin.to_owned(), size, root: [size as u8; 32] }
}

#[test]
fn each_log_has_its_newest_checkpoint_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Directory::open(&dir.path().join("witness")).unwrap();
    assert_eq!(memory.recall("a").unwrap(), None);
    for known in [checkpoint("a", 3), checkpoint("a", 5), checkpoint("한국/../b", 2)] {
        memory.remember(&known).unwrap();
        assert_eq!(memory.recall(&known.origin).unwrap(), Some(known));
    }
    drop(memory);
    let memory = Directory::open(&dir.path().join("witness")).unwrap();
    assert_eq!(memory.recall("a").unwrap(), Some(checkpoint("a", 5)));
}

#[test]
fn a_file_that_is_damaged_or_of_another_log_is_refused_and_left() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Directory::open(dir.path()).unwrap();
    let path = memory.path_of("a");
    let other = checkpoint("b", 3).to_string();
    for (bytes, wanted) in [
        (vec![], "has no end"),
        (b"a\n3\n".to_vec(), "fewer than three lines"),
        (vec![0xff; 10], "not UTF-8"),
        (vec![b'x'; 1 << 20], "too long"),
        (other.into_bytes(), "it is of the log `b`, not of `a`"),
    ] {
        File::create(&path).unwrap().write_all(&bytes).unwrap();
        let said = memory.recall("a").unwrap_err().to_string();
        assert!(said.contains(wanted) && said.contains(path.to_str().unwrap()) && said.contains("backup"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let first = Directory::open(dir.path()).unwrap();
    assert!(matches!(Directory::open(dir.path()), Err(WitnessError::Locked(_))));
    drop(first);
    Directory::open(dir.path()).unwrap();
    assert!(matches!(Directory::open(Path::new("/proc/none/witness")), Err(WitnessError::Disk { .. })));
}
