//! Derived files held against the segments.

use std::collections::BTreeMap;
use std::path::Path;

use audit_verify::{Options, Report, verify};

use crate::writer::{self, Hash, Keys, ORIGIN, Story};

const LENGTH: usize = 700;

/// All tiles and bundles of a tree of these entries, as C2SP `tlog-tiles` defines them.
fn tiles(entries: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut level: Vec<Hash> = entries.iter().map(|entry| writer::leaf(entry)).collect();
    for (number, bundle) in entries.chunks(256).enumerate() {
        let mut bytes = Vec::new();
        for entry in bundle {
            bytes.extend_from_slice(&u16::try_from(entry.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        files.insert(name("entries", number, bundle.len()), bytes);
    }
    let mut height = 0;
    while !level.is_empty() {
        for (number, tile) in level.chunks(256).enumerate() {
            files.insert(name(&height.to_string(), number, tile.len()), tile.concat());
        }
        level = level.chunks_exact(256).map(writer::root).collect();
        height += 1;
    }
    files
}

fn name(level: &str, number: usize, width: usize) -> String {
    let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
    format!("tile/{level}/{number:03}{partial}")
}

fn report(change: impl Fn(&Path)) -> Report {
    let keys = Keys::new(ORIGIN, 1);
    let mut entries = Story::of(LENGTH).entries;
    entries.truncate(LENGTH);
    let directory = tempfile::tempdir().unwrap();
    let mut files = writer::files(&entries, &keys, &[], 1 << 20);
    files.append(&mut tiles(&entries));
    files.append(&mut tiles(&entries[..300]));
    files.append(&mut tiles(&entries[..17]));
    writer::write(directory.path(), &files);
    change(directory.path());
    verify(directory.path(), &Options { tiles: true, ..Options::default() }).unwrap()
}

fn lines(report: &Report) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn sound_tiles_of_all_sizes_are_compared() {
    let report = report(|_| ());
    assert!(report.findings.is_empty(), "{report}");
    // Two full tiles and three partial ones of leaves, as many bundles, and two partial tiles above.
    assert_eq!(report.derived_files, 5 + 5 + 2);
}

#[test]
fn a_changed_tile_names_the_entry() {
    let report = report(|directory| {
        let path = directory.join("tile/0/001");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[32 * 3] ^= 1;
        writer::put(&path, &bytes);
    });
    assert!(!report.holds());
    assert_eq!(report.findings[0].entry, Some(259));
    assert!(
        lines(&report)[0].starts_with("fault       derived-file-wrong: tile/0/001, entry 259: its hashes"),
        "{report}"
    );
}

#[test]
fn a_changed_bundle_and_a_long_one_are_found() {
    for (file, change, entry) in [
        ("tile/entries/000", (|bytes| bytes[40] ^= 1) as fn(&mut Vec<u8>), 0),
        ("tile/entries/000.p/17", |bytes| bytes.push(0), 17),
        ("tile/entries/002.p/188", |bytes| bytes.truncate(100), 512),
    ] {
        let report = report(|directory| {
            let path = directory.join(file);
            let mut bytes = std::fs::read(&path).unwrap();
            change(&mut bytes);
            writer::put(&path, &bytes);
        });
        assert!(!report.holds(), "{file}: {report}");
        assert_eq!(report.findings[0].file, file);
        assert_eq!(report.findings[0].entry, Some(entry));
    }
}

#[test]
fn a_missing_tile_is_told_and_is_no_fault() {
    for file in ["tile/0/000", "tile/1/000.p/2", "tile/entries/002.p/188"] {
        let report = report(|directory| std::fs::remove_file(directory.join(file)).unwrap());
        assert!(report.holds(), "{report}");
        assert!(lines(&report)[0].starts_with(&format!("notice      derived-file-missing: {file}: ")), "{report}");
    }
}
