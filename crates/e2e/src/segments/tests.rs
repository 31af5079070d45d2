//! The specification's own segment (`spec/audit_log/tree.json`), read.

use super::*;

#[test]
fn the_specifications_segment_is_read() {
    let tree: Value = serde_json::from_str(include_str!("../../../../spec/audit_log/tree.json")).unwrap();
    let bytes = hex::decode(tree["segment"].as_str().unwrap()).unwrap();
    assert_eq!(first_of(&bytes), Some(0));
    let mut records = Vec::new();
    let mut rest = &bytes[HEADER_BYTES..];
    while let Some((record, after)) = Record::split(rest) {
        records.push(record);
        rest = after;
    }
    assert!(rest.is_empty());
    // Two entries in one sync, then one in another: each says how many were durable before its own.
    assert_eq!(records.iter().map(|record| record.durable).collect::<Vec<_>>(), [0, 0, 2]);
    assert!(records.iter().all(|record| fields(record.entry)["v"] == 1));
}

#[test]
fn what_is_not_whole_is_no_record() {
    let whole = Record::bytes(7, b"{}");
    assert_eq!(Record::split(&whole), Some((Record { durable: 7, leaf: &[0; 32], entry: b"{}" }, [].as_slice())));
    for cut in 0..whole.len() {
        assert_eq!(Record::split(&whole[..cut]), None, "{cut} bytes");
    }
    assert_eq!(Record::split(&[0; 100]), None, "an entry of no bytes");
    assert_eq!(first_of(&header(300)), Some(300));
    assert_eq!(first_of(&[0; 32]), None);
}
