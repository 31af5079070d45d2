//! What is said when the directory is not a sound log: every message names the file, the place, and what it means.

use std::path::Path;

use audit_verify::{Options, VerifierKey, verify};

use crate::writer::{self, Keys, ORIGIN, Story};

/// A log of three segments, changed by `change`, and what is said of it: errors, or one line a finding.
fn told(change: &dyn Fn(&Path)) -> Vec<String> {
    let keys = Keys::new(ORIGIN, 1);
    let directory = tempfile::tempdir().unwrap();
    let mut entries = Story::of(40).entries;
    entries.truncate(40);
    writer::write(directory.path(), &writer::files(&entries, &keys, &[], 6000));
    change(directory.path());
    match verify(directory.path(), &options(&keys)) {
        Ok(report) => report.findings.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string().replace(&directory.path().display().to_string(), "DIR")],
    }
}

fn options(keys: &Keys) -> Options {
    Options { keys: VerifierKey::read_all(&keys.key_pub()).unwrap(), ..Options::default() }
}

fn edit(directory: &Path, file: &str, change: impl Fn(&mut Vec<u8>)) {
    let path = directory.join(file);
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    writer::put(&path, &bytes);
}

fn segment(directory: &Path, place: usize) -> String {
    let mut names: Vec<_> = std::fs::read_dir(directory.join("segments"))
        .unwrap()
        .map(|file| format!("segments/{}", file.unwrap().file_name().to_string_lossy()))
        .collect();
    names.sort();
    names[place].clone()
}

#[test]
fn what_is_not_a_log_is_said_to_be_none() {
    assert_eq!(told(&|_| ()), Vec::<String>::new());
    let nothing = told(&|directory| std::fs::remove_dir_all(directory).unwrap());
    assert_eq!(nothing, ["`DIR` is not a directory"]);
    let empty = told(&|directory| {
        std::fs::remove_dir_all(directory).unwrap();
        std::fs::create_dir(directory).unwrap();
    });
    assert_eq!(empty, ["`DIR` is empty; a log has a file `origin` and a folder `segments`"]);
    let other = told(&|directory| std::fs::remove_file(directory.join("origin")).unwrap());
    assert_eq!(
        other,
        ["`DIR` is not a log: it has no file `origin`; was its data directory meant, or a folder within it?"]
    );
    let two_lines = told(&|directory| edit(directory, "origin", |text| text.extend_from_slice(b"x\n")));
    assert_eq!(two_lines, ["`DIR/origin` does not hold one line with the log's name"]);
    let no_segments = told(&|directory| std::fs::remove_dir_all(directory.join("segments")).unwrap());
    assert!(no_segments[0].starts_with("`DIR/segments` cannot be read: "), "{no_segments:?}");
}

#[test]
fn missing_keys_and_wrong_keys_are_told_apart() {
    let keys = Keys::new(ORIGIN, 1);
    let directory = tempfile::tempdir().unwrap();
    let mut files = writer::files(&Story::of(10).entries, &keys, &[], 6000);
    files.remove("key.pub");
    writer::write(directory.path(), &files);
    let error = verify(directory.path(), &Options::default()).unwrap_err().to_string();
    assert!(
        error.starts_with("no keys were given and `") && error.ends_with("give the log's verifier keys"),
        "{error}"
    );

    let report = verify(directory.path(), &options(&Keys::new(ORIGIN, 9))).unwrap();
    let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "fault       not-signed: checkpoint: it has no Ed25519 by a known key of `gwanmun.local/00112233aabbccdd` \
             (whoever made this checkpoint did not hold the keys you trust)",
            "fault       not-signed: checkpoint: it has no ML-DSA-44 cosignature by a known key of \
             `gwanmun.local/00112233aabbccdd` (whoever made this checkpoint did not hold the keys you trust)",
        ]
    );
    let report = verify(directory.path(), &options(&Keys::new("another.log", 1))).unwrap();
    assert!(report.findings[0].wrong.starts_with("none of the keys is one of `gwanmun.local/"), "{report}");
}

#[test]
fn damage_is_told_with_file_and_place() {
    let lines = told(&|directory| edit(directory, &segment(directory, 1), |bytes| bytes[32 + 48 + 5] ^= 1));
    let first = first_of_segment(1);
    assert_eq!(
        lines[0],
        format!(
            "fault       bad-checksum: segments/{first:020}.seg, byte 32, entry {first}: the record's checksum does not \
             hold (the bytes were changed after they were written, or the disk lost some)"
        )
    );
    assert!(lines.last().unwrap().starts_with("fault       signed-state: signed: the first 40 entries do not lead"));

    let lines = told(&|directory| edit(directory, &segment(directory, 1), |bytes| bytes[32] = 0x7f));
    assert!(
        lines[0].starts_with(&format!(
            "fault       damaged-record: segments/{first:020}.seg, byte 32, entry {first}: no whole record begins here, and "
        )),
        "{lines:?}"
    );

    let lines = told(&|directory| edit(directory, &segment(directory, 0), |bytes| bytes[0] = b'G'));
    assert!(
        lines[0]
            .starts_with("fault       segment-header: segments/00000000000000000000.seg, byte 0, entry 0: it does not"),
        "{lines:?}"
    );

    let lines = told(&|directory| std::fs::remove_file(directory.join(segment(directory, 1))).unwrap());
    let third = first_of_segment(2);
    assert_eq!(
        lines[0],
        format!(
            "fault       segment-gap: segments/{third:020}.seg, byte 0, entry {first}: it begins at entry {third}, but entry \
             {first} must come next (a segment was removed, renamed or cut; entries are missing or doubled)"
        )
    );
}

/// Where the records of a segment begin.
fn offsets(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut offsets) = (32, Vec::new());
    while at < bytes.len() {
        offsets.push(at);
        at += 48 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    }
    offsets
}

/// What is done to a segment whose records begin at these places.
type Harm = fn(&mut Vec<u8>, &[usize]);

/// Damage in the middle hides nothing of what stands behind it: neither the entries nor what is wrong with them.
#[test]
fn what_stands_behind_unreadable_bytes_is_still_read() {
    let harms: [(&str, usize, Harm); 6] = [
        ("a length that is none", 1, |bytes, at| bytes[at[3]] = 0x7f),
        ("a length that ends within the next record", 1, |bytes, at| bytes[at[3] + 3] ^= 0x41),
        ("a length that ends two records on", 1, |bytes, at| {
            let two = u32::try_from(at[5] - at[3] - 48).unwrap().to_be_bytes();
            bytes[at[3]..at[3] + 4].copy_from_slice(&two);
        }),
        ("a record cut out in part", 1, |bytes, at| drop(bytes.drain(at[3] + 20..at[4] - 9))),
        ("three records overwritten", 3, |bytes, at| bytes[at[3]..at[6]].fill(0xff)),
        ("three records full of zeros", 3, |bytes, at| bytes[at[3]..at[6]].fill(0)),
    ];
    let keys = Keys::new(ORIGIN, 1);
    let mut entries = Story::of(40).entries;
    entries.truncate(40);
    for place in [0, 1] {
        for (name, lost, harm) in harms {
            let directory = tempfile::tempdir().unwrap();
            writer::write(directory.path(), &writer::files(&entries, &keys, &[], 6000));
            let (file, first) = (segment(directory.path(), place), first_of_segment(place));
            edit(directory.path(), &file, |bytes| {
                let at = offsets(bytes);
                let last = *at.last().unwrap();
                // And one bit at the end of the same segment.
                bytes[last + 48 + 5] ^= 1;
                harm(bytes, &at);
            });
            let report = verify(directory.path(), &options(&keys)).unwrap();
            let what = format!("{name}, segment {place}: {report}");
            assert_eq!(report.entries, 40 - lost as u64, "{what}");
            let found: Vec<_> = report.findings.iter().map(|finding| (finding.kind.word(), finding.entry)).collect();
            assert_eq!(found[0], ("damaged-record", Some(first + 3)), "{what}");
            let next = first + 3 + lost as u64;
            assert!(found.contains(&("counter-jump", Some(next))), "{what}");
            assert!(found.contains(&("bad-checksum", Some(first_of_segment(place + 1) - 1))), "{what}");
            assert!(!found.iter().any(|(kind, _)| ["segment-gap", "durable-size"].contains(kind)), "{what}");
            // Nothing is held against an entry but what is missing for it.
            let damaged = first_of_segment(place + 1) - 1;
            for finding in report.findings.iter().filter(|finding| finding.kind.word().ends_with("without-decision")) {
                let named = finding.wrong.split(' ').find_map(|word| word.trim_end_matches(',').parse::<u64>().ok());
                assert!((first + 3..next).contains(&named.unwrap()) || named == Some(damaged), "{what}");
            }
        }
    }
}

/// At the end of the last file a crash may have left a hole before records of the same sync: no fault, but nothing counts.
#[test]
fn a_hole_before_records_of_the_same_sync_is_a_torn_tail_until_it_was_promised() {
    let keys = Keys::new(ORIGIN, 1);
    let mut entries = Story::of(40).entries;
    entries.truncate(40);
    for (signed, promised) in [(20, false), (30, false), (30, true), (31, false)] {
        let directory = tempfile::tempdir().unwrap();
        let mut files = writer::files(&entries[..signed], &keys, &[], 1 << 20);
        let bytes = files.get_mut("segments/00000000000000000000.seg").unwrap();
        let mut places = Vec::new();
        for (index, entry) in (signed as u64..).zip(&entries[signed..]) {
            places.push(bytes.len());
            let durable = if promised && index == 39 { 38 } else { signed.min(30) as u64 };
            bytes.extend_from_slice(&writer::record(durable, entry));
        }
        let hole = places[30_usize.saturating_sub(signed)] + 2;
        bytes[hole..hole + 700].fill(0xee);
        writer::write(directory.path(), &files);
        let report = verify(directory.path(), &options(&keys)).unwrap();
        assert_eq!(report.holds(), !promised, "{signed} {promised}: {report}");
        if !promised {
            assert_eq!(report.torn.unwrap().offset, hole as u64 - 2);
        }
    }
}

fn first_of_segment(place: usize) -> u64 {
    let keys = Keys::new(ORIGIN, 1);
    let mut entries = Story::of(40).entries;
    entries.truncate(40);
    let files = writer::files(&entries, &keys, &[], 6000);
    let names: Vec<&String> = files.keys().filter(|name| name.starts_with("segments/")).collect();
    names[place].strip_prefix("segments/").unwrap().strip_suffix(".seg").unwrap().parse().unwrap()
}

#[test]
fn a_cut_tail_is_told_with_both_sizes() {
    let lines = told(&|directory| {
        let path = directory.join(segment(directory, 0));
        let mut last =
            std::fs::read_dir(directory.join("segments")).unwrap().map(|file| file.unwrap().path()).max().unwrap();
        std::fs::remove_file(&last).unwrap();
        last = path;
        assert!(last.exists());
    });
    assert!(
        lines[0].starts_with("fault       entries-missing: checkpoint: it covers 40 entries, but the segments hold "),
        "{lines:?}"
    );
}

#[test]
fn strangers_files_and_lost_state_are_told() {
    let lines = told(&|directory| writer::put(&directory.join("segments/notes.txt"), b"hello"));
    assert!(lines[0].starts_with("fault       unexpected-file: segments/notes.txt: its name is not"), "{lines:?}");
    let lines = told(&|directory| std::fs::remove_file(directory.join("checkpoint")).unwrap());
    assert!(lines[0].starts_with("fault       no-checkpoint: checkpoint: the file is not there"), "{lines:?}");
    let lines = told(&|directory| std::fs::remove_file(directory.join("signed")).unwrap());
    assert!(lines[0].starts_with("fault       signed-state: signed: the file is not there"), "{lines:?}");
}
