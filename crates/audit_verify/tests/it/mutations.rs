//! Thousands of ways to lie, each found; and the ones that cannot be found without somebody outside.

use std::collections::BTreeMap;
use std::path::Path;

use audit_verify::{Kept, Options, Policy, VerifierKey, verify};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::writer::{self, Keys, ORIGIN, Story, TIME};

/// More than ten thousand where the code is built as it is shipped, as `cargo xtask promises` builds it.
const MUTATIONS: usize = if cfg!(debug_assertions) { 1_500 } else { 12_000 };

type Files = BTreeMap<String, Vec<u8>>;

struct Scene {
    keys: Keys,
    witness: Keys,
    entries: Vec<Vec<u8>>,
    files: Files,
    options: Options,
}

/// How many entries the kept checkpoint covers.
const KEPT: usize = 40;

/// Small enough that the log has several segments.
const SEGMENT_BYTES: usize = 9000;

impl Scene {
    fn new() -> Self {
        let (keys, witness) = (Keys::new(ORIGIN, 1), Keys::new("witness.example/w1", 2));
        let entries = Story::of(64).entries;
        let files = writer::files(&entries, &keys, &[&witness], SEGMENT_BYTES);
        let options = Options {
            keys: VerifierKey::read_all(&keys.key_pub()).unwrap(),
            policy: Some(policy(&witness)),
            kept: vec![kept(&keys, &entries)],
            ..Options::default()
        };
        Self { keys, witness, entries, files, options }
    }

    /// The files of a log with other entries, under the old signatures.
    fn resegmented(&self, entries: &[Vec<u8>]) -> Files {
        let mut files: Files = self.files.clone();
        files.retain(|name, _| !name.starts_with("segments/"));
        writer::segments(entries, SEGMENT_BYTES, &mut files);
        files
    }

    /// The same, signed anew by whoever holds the log's key, but not the witness's.
    fn rebuilt(&self, entries: &[Vec<u8>]) -> Files {
        writer::files(entries, &self.keys, &[], SEGMENT_BYTES)
    }
}

fn policy(witness: &Keys) -> Policy {
    format!("witness w1 {}\nquorum w1\n", witness.vkey(4)).parse().unwrap()
}

fn kept(keys: &Keys, entries: &[Vec<u8>]) -> Kept {
    let leaves: Vec<_> = entries[..KEPT].iter().map(|entry| writer::leaf(entry)).collect();
    Kept { name: "kept".to_owned(), note: writer::checkpoint(keys, &[], &leaves, TIME).into_bytes() }
}

/// Whether the verifier says no, or that it is no log at all.
fn found(directory: &Path, files: &Files, options: &Options) -> bool {
    let _ = std::fs::remove_dir_all(directory.join("segments"));
    for name in ["origin", "checkpoint", "signed", "key.pub"] {
        let _ = std::fs::remove_file(directory.join(name));
    }
    std::fs::create_dir(directory.join("segments")).unwrap();
    writer::write(directory, files);
    verify(directory, options).map_or(true, |report| !report.holds())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what a failure printed is given back through the environment")]
fn every_mutation_is_found() {
    // Set this variable to run again what a failure printed.
    let given = std::env::var("GWANMUN_TEST_SEED").ok();
    let given = given.map(|seed| seed.parse().unwrap_or_else(|_| panic!("GWANMUN_TEST_SEED is no number: `{seed}`")));
    let seed = given.unwrap_or_else(|| getrandom::u64().unwrap());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let scene = Scene::new();
    let directory = tempfile::tempdir().unwrap();
    assert!(!found(directory.path(), &scene.files, &scene.options), "the log as it was must hold");
    let mut made = [0_usize; LIES.len()];
    while made.iter().sum::<usize>() < MUTATIONS {
        let which = random.random_range(0..LIES.len());
        let (name, lie) = LIES[which];
        let files = lie(&scene, &mut random);
        if files == scene.files {
            continue;
        }
        made[which] += 1;
        assert!(found(directory.path(), &files, &scene.options), "{name} was not found, seed {seed}");
    }
    assert!(made.iter().all(|count| *count > MUTATIONS / LIES.len() / 2), "{made:?}");
}

type Lie = fn(&Scene, &mut StdRng) -> Files;

const LIES: [(&str, Lie); 12] = [
    ("a byte changed", |scene, random| {
        let mut files = scene.files.clone();
        // Keys were given, so the file beside the log counts for nothing.
        let names: Vec<String> = files.keys().filter(|name| *name != "key.pub").cloned().collect();
        let bytes = files.get_mut(&names[random.random_range(0..names.len())]).unwrap();
        let at = random.random_range(0..bytes.len());
        bytes[at] ^= random.random_range(1..=255);
        files
    }),
    ("bytes taken out", |scene, random| {
        let mut files = scene.files.clone();
        let bytes = pick_segment(&mut files, random);
        let at = random.random_range(0..bytes.len());
        let end = random.random_range(at..=bytes.len().min(at + 600));
        bytes.drain(at..end);
        files
    }),
    ("bytes put in", |scene, random| {
        let mut files = scene.files.clone();
        let bytes = pick_segment(&mut files, random);
        let at = random.random_range(0..bytes.len());
        let more: Vec<u8> = (0..random.random_range(1..60)).map(|_| random.random()).collect();
        bytes.splice(at..at, more);
        files
    }),
    ("an entry edited, record made anew", |scene, random| {
        let mut entries = scene.entries.clone();
        edit(&mut entries, random);
        scene.resegmented(&entries)
    }),
    ("an entry deleted", |scene, random| {
        let mut entries = scene.entries.clone();
        entries.remove(random.random_range(0..entries.len()));
        scene.resegmented(&entries)
    }),
    ("an entry inserted", |scene, random| {
        let mut entries = scene.entries.clone();
        let copy = entries[random.random_range(0..entries.len())].clone();
        entries.insert(random.random_range(0..entries.len()), copy);
        scene.resegmented(&entries)
    }),
    ("two entries swapped", |scene, random| {
        let mut entries = scene.entries.clone();
        let (one, other) = (random.random_range(0..entries.len()), random.random_range(0..entries.len()));
        entries.swap(one, other);
        scene.resegmented(&entries)
    }),
    ("the tail cut", |scene, random| {
        let mut entries = scene.entries.clone();
        entries.truncate(random.random_range(0..entries.len()));
        scene.resegmented(&entries)
    }),
    ("a fork after some entry", |scene, random| {
        let mut entries = scene.entries.clone();
        let at = random.random_range(1..entries.len());
        let mut other = Story { entries: entries[..at].to_vec() };
        while other.entries.len() < entries.len() {
            other.refusal("forked");
        }
        entries = other.entries;
        scene.resegmented(&entries)
    }),
    ("a rebuild by one who holds the log's key", |scene, random| {
        let mut entries = scene.entries.clone();
        edit(&mut entries, random);
        scene.rebuilt(&entries)
    }),
    ("a shorter history, signed by the log's key", |scene, random| {
        let mut entries = scene.entries.clone();
        entries.truncate(random.random_range(0..entries.len()));
        scene.rebuilt(&entries)
    }),
    ("a segment lost, doubled or renamed", |scene, random| {
        let mut files = scene.files.clone();
        let names: Vec<String> = files.keys().filter(|name| name.starts_with("segments/")).cloned().collect();
        let name = &names[random.random_range(0..names.len())];
        let bytes = match random.random_range(0..3) {
            0 => files[name].clone(),
            _ => files.remove(name).unwrap(),
        };
        if random.random() {
            files.insert(format!("segments/{:020}.seg", random.random_range(0..200)), bytes);
        } else {
            files.insert("segments/old".to_owned(), bytes);
        }
        files
    }),
];

fn pick_segment<'a>(files: &'a mut Files, random: &mut StdRng) -> &'a mut Vec<u8> {
    let names: Vec<String> = files.keys().filter(|name| name.starts_with("segments/")).cloned().collect();
    files.get_mut(&names[random.random_range(0..names.len())]).unwrap()
}

/// Changes a digit in an entry so that it stays a sound entry, as a liar would.
fn edit(entries: &mut [Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..entries.len());
    let entry = String::from_utf8(entries[at].clone()).unwrap();
    let changed = [
        ("\"team\":\"water\"", "\"team\":\"roads\""),
        ("\"config\":\"11", "\"config\":\"22"),
        ("\"number\":2", "\"number\":3"),
    ]
    .into_iter()
    .fold(entry.clone(), |entry, (from, to)| entry.replace(from, to));
    let changed = if changed == entry { entry.replace("\"answer_bytes\":4021", "\"answer_bytes\":1") } else { changed };
    assert_ne!(changed, entry);
    entries[at] = changed.into_bytes();
}

/// Who holds the log's key can make another history that holds in itself. Only a checkpoint that somebody kept, or a
/// witness, tells; each does alone.
#[test]
fn a_rebuild_holds_in_itself_and_fails_against_each_outsider() {
    let scene = Scene::new();
    let directory = tempfile::tempdir().unwrap();
    let mut random = StdRng::seed_from_u64(7);
    let alone = Options { keys: scene.options.keys.clone(), ..Options::default() };
    let with_kept = Options { kept: scene.options.kept.clone(), ..alone.clone() };
    let with_witness = Options { policy: scene.options.policy.clone(), ..alone.clone() };
    let mut before_kept = 0;
    for _ in 0..100 {
        let mut entries = scene.entries.clone();
        edit(&mut entries, &mut random);
        let files = scene.rebuilt(&entries);
        assert!(!found(directory.path(), &files, &alone));
        assert!(found(directory.path(), &files, &with_witness));
        let covered = entries[..KEPT] != scene.entries[..KEPT];
        assert_eq!(found(directory.path(), &files, &with_kept), covered);
        before_kept += usize::from(covered);
    }
    assert!(before_kept > 20);
    let witnessed = writer::files(&scene.entries, &scene.keys, &[&scene.witness], SEGMENT_BYTES);
    assert!(!found(directory.path(), &witnessed, &scene.options));
}

/// An older checkpoint and the entries it covers are a sound log; only what somebody kept tells that there was more.
#[test]
fn an_older_checkpoint_put_back_is_found_by_what_was_kept() {
    let scene = Scene::new();
    let directory = tempfile::tempdir().unwrap();
    let old = writer::files(&scene.entries[..KEPT - 3], &scene.keys, &[&scene.witness], SEGMENT_BYTES);
    let mut files = scene.files.clone();
    files.insert("checkpoint".to_owned(), old["checkpoint"].clone());
    assert!(found(directory.path(), &files, &scene.options));
    let report = verify(directory.path(), &scene.options).unwrap();
    assert_eq!(report.findings[0].kind.word(), "rolled-back", "{report}");
}
