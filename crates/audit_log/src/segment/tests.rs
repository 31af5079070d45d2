//! The segment of `spec/audit_log/tree.json`, and records that are not whole.

use serde::Deserialize;

use tlog::{leaf_hash, root_of};

use super::*;

#[derive(Deserialize)]
struct Vector {
    origin: String,
    batches: Vec<usize>,
    segment: String,
    roots: Vec<String>,
}

#[derive(Deserialize)]
struct EntryVector {
    entry: String,
}

fn vectors() -> (Vector, Vec<Vec<u8>>) {
    let entries: Vec<EntryVector> =
        serde_json::from_str(include_str!("../../../../spec/audit_log/entries.json")).unwrap();
    let tree = serde_json::from_str(include_str!("../../../../spec/audit_log/tree.json")).unwrap();
    (tree, entries.into_iter().map(|vector| vector.entry.into_bytes()).collect())
}

#[test]
fn the_segment_of_the_specification_is_written_byte_for_byte() {
    let (vector, entries) = vectors();
    let mut bytes = header(0, &vector.origin).to_vec();
    let mut rest = entries.as_slice();
    let mut durable = 0;
    for batch in vector.batches {
        for entry in &rest[..batch] {
            Record { durable, leaf: leaf_hash(entry), entry }.write(&mut bytes);
        }
        durable += batch as u64;
        rest = &rest[batch..];
    }
    assert_eq!(hex::encode(bytes), vector.segment);
}

#[test]
fn the_roots_of_the_specification_are_computed() {
    let (vector, entries) = vectors();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for (size, root) in vector.roots.iter().enumerate() {
        assert_eq!(hex::encode(root_of(&leaves[..size])), *root);
    }
}

#[test]
fn a_record_with_any_bit_changed_or_any_byte_missing_is_none() {
    let entry = b"{\"kind\":\"stop\"}";
    let mut bytes = Vec::new();
    let record = Record { durable: 7, leaf: leaf_hash(entry), entry };
    record.write(&mut bytes);
    assert_eq!(Record::read(&bytes), Some(record));
    assert_eq!(record.bytes(), bytes.len());
    for length in 0..bytes.len() {
        assert_eq!(Record::read(&bytes[..length]), None);
    }
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Record::read(&changed), None, "bit {bit}");
    }
    assert_eq!(Record::read(&[0; 100]), None);
}

#[test]
fn names_are_twenty_digits() {
    assert_eq!(file_name(70_000), "00000000000000070000.seg");
    assert_eq!(first_of("00000000000000070000.seg"), Some(70_000));
    for wrong in ["70000.seg", "0000000000000007000x.seg", "00000000000000070000.seg.new", "+0000000000000070000.seg"] {
        assert_eq!(first_of(wrong), None, "{wrong}");
    }
}
