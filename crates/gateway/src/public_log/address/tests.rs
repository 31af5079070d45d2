//! What is an address and what is none, and which tiles a tree has.

use proptest::prelude::*;

use super::*;

fn tile(path: &str) -> Option<Tile> {
    let address = Address::of(path)?;
    let Address::Log(LogFile::Tile(tile)) = address else { panic!("`{path}` is {address:?}") };
    Some(tile)
}

#[test]
fn good_paths_are_what_they_say() {
    let hashes = |level, index, width| Some(Tile { holds: Holds::Hashes(level), index, width });
    let entries = |index, width| Some(Tile { holds: Holds::Entries, index, width });
    assert_eq!(tile("/log/tile/0/000"), hashes(0, 0, 256));
    assert_eq!(tile("/log/tile/63/999"), hashes(63, 999, 256));
    assert_eq!(tile("/log/tile/1/x001/x234/067"), hashes(1, 1_234_067, 256));
    assert_eq!(tile("/log/tile/1/x001/x234/067.p/17"), hashes(1, 1_234_067, 17));
    assert_eq!(tile("/log/tile/0/x018/x446/x744/x073/x709/x551/615"), hashes(0, u64::MAX, 256));
    assert_eq!(tile("/log/tile/entries/x001/000.p/255"), entries(1000, 255));
    assert_eq!(Address::of("/log/checkpoint"), Some(Address::Log(LogFile::Checkpoint)));
    assert_eq!(Address::of("/log/cosigned"), Some(Address::Log(LogFile::Cosigned)));
    assert_eq!(Address::of("/log/key.pub"), Some(Address::Log(LogFile::Keys)));
    assert_eq!(Address::of("/log/key.pub.70000"), Some(Address::Log(LogFile::KeysUntil(70_000))));
    assert_eq!(Address::of("/log/key.pub.0"), Some(Address::Log(LogFile::KeysUntil(0))));
}

#[test]
fn other_paths_are_none() {
    let long = format!("/log/tile/0/{}000", "x000/".repeat(40));
    let rows = [
        "",
        "//",
        "/log",
        "/log/",
        "/log//checkpoint",
        "/log/checkpoint/",
        "/log/checkpoint.new",
        "/log/key",
        "/log/lock",
        "/log/origin",
        "/log/signed",
        "/log/segments/00000000000000000000.seg",
        "/log/../gwanmun.db",
        "/log/%2e%2e/key",
        "/log/tile",
        "/log/tile/",
        "/log/tile/0",
        "/log/tile/0/",
        "/log/tile/0/0",
        "/log/tile/0/00",
        "/log/tile/0/0000",
        "/log/tile/0/x000",
        "/log/tile/0/x000/000",
        "/log/tile/0/001/000",
        "/log/tile/0/000/",
        "/log/tile/00/000",
        "/log/tile/64/000",
        "/log/tile/-1/000",
        "/log/tile/+1/000",
        "/log/tile/4294967296/000",
        "/log/tile/data/000",
        "/log/tile/Entries/000",
        "/log/tile/0/000.p",
        "/log/tile/0/000.p/",
        "/log/tile/0/000.p/0",
        "/log/tile/0/000.p/01",
        "/log/tile/0/000.p/256",
        "/log/tile/0/000.p/257",
        "/log/tile/0/000.p/1/",
        "/log/tile/0/000.p/1.p/1",
        "/log/tile/0/000.p/%31",
        "/log/tile/0/%30%30%30",
        "/log/tile/0/../0/000",
        "/log/tile/entries/..",
        "/log/tile/0/x018/x446/x744/x073/x709/x551/616",
        "/log/key.pub.",
        "/log/key.pub.01",
        "/log/key.pub.18446744073709551616",
        "/log/key.pub.new",
        "/witness/key",
        "/witness/",
        "/health/ready",
        "/v1/models",
        "/metrics",
        &long,
    ];
    for path in rows {
        assert_eq!(Address::of(path), None, "{path}");
    }
}

/// The example of the specification: a tree of 70,000 entries.
#[test]
fn a_tree_has_the_tiles_that_the_specification_counts() {
    let rows = [
        ("/log/tile/0/272", true),
        ("/log/tile/0/273", false),
        ("/log/tile/0/273.p/112", true),
        ("/log/tile/0/273.p/113", false),
        ("/log/tile/1/000", true),
        ("/log/tile/1/001.p/17", true),
        ("/log/tile/1/001.p/18", false),
        ("/log/tile/2/000.p/1", true),
        ("/log/tile/2/000.p/2", false),
        ("/log/tile/3/000.p/1", false),
        ("/log/tile/63/000.p/1", false),
        ("/log/tile/entries/273.p/112", true),
        ("/log/tile/entries/274.p/1", false),
        ("/log/tile/0/x018/x446/x744/x073/x709/x551/615", false),
    ];
    for (path, there) in rows {
        assert_eq!(tile(path).unwrap().is_in_tree(70_000), there, "{path}");
    }
}

proptest! {
    /// Whatever is taken for a tile is written as it was asked for, and stays below the log's directory.
    #[test]
    fn what_is_taken_is_spelled_in_one_way(path in "/log/tile/(0|[0-9]{1,2}|entries)/(x[0-9]{3}/){0,2}[0-9x./p]{0,8}") {
        if let Some(tile) = tile(&path) {
            prop_assert_eq!(format!("/log/{}", tile.path().display()), path.clone());
            prop_assert!(!path.contains(".."));
        }
    }

    #[test]
    fn every_tile_is_found_under_its_path(level in 0_u32..64, index: u64, width in 1_u64..=256, entries: bool) {
        let holds = if entries { Holds::Entries } else { Holds::Hashes(level) };
        let wanted = Tile { holds, index, width };
        prop_assert_eq!(tile(&format!("/log/{}", wanted.path().display())), Some(wanted));
    }
}
