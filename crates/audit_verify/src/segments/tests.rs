//! The specification's own segment (`spec/audit_log/tree.json`), read.

use serde_json::Value;

use super::{Piece, list, read};
use crate::tree::leaf_hash;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]
fn the_specifications_segment_is_read() {
    let tree: Value = serde_json::from_str(include_str!("../../../../spec/audit_log/tree.json")).unwrap();
    let entries: Value = serde_json::from_str(include_str!("../../../../spec/audit_log/entries.json")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("segments")).unwrap();
    let bytes = hex::decode(tree["segment"].as_str().unwrap()).unwrap();
    std::fs::write(directory.path().join("segments/00000000000000000000.seg"), bytes).unwrap();

    let (segments, findings) = list(directory.path()).unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    let mut told = Vec::new();
    let origin = tree["origin"].as_str().unwrap();
    read(&segments, origin, &mut |piece| {
        let Piece::Records(batch) = piece else { panic!("{piece:?}") };
        for record in &batch.records {
            let entry = batch.entry(record);
            assert!(record.checksum_holds && record.leaf == leaf_hash(entry));
            told.push((record.durable, String::from_utf8(entry.to_vec()).unwrap()));
        }
        true
    })
    .unwrap();

    // The records of one sync say how many entries were durable before the first of them.
    let mut expected = Vec::new();
    for batch in tree["batches"].as_array().unwrap() {
        let durable = expected.len();
        for _ in 0..batch.as_u64().unwrap() {
            let entry = entries[expected.len()]["entry"].as_str().unwrap();
            expected.push((durable as u64, entry.to_owned()));
        }
    }
    assert_eq!(told, expected);

    // Another log's name does not fit its header.
    let mut faults = 0;
    read(&segments, "gwanmun.example/another", &mut |piece| {
        faults += usize::from(matches!(piece, Piece::Fault(_)));
        true
    })
    .unwrap();
    assert_eq!(faults, 1);
}
