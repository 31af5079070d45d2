//! The specification's own entries (`spec/audit_log/`): each of the first list is taken, each of the second refused.

use serde_json::Value;

use super::{What, read};
use crate::tree::leaf_hash;

fn vectors(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

#[test]
fn the_specifications_entries_are_taken() {
    let vectors = vectors(include_str!("../../../../spec/audit_log/entries.json"));
    let mut kinds = std::collections::BTreeSet::new();
    for (index, vector) in vectors.iter().enumerate() {
        let (name, entry) = (&vector["name"], vector["entry"].as_str().unwrap());
        let facts = read(entry.as_bytes()).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        assert_eq!(hex::encode(leaf_hash(entry.as_bytes())), vector["leaf"], "{name}");
        // What the history goes by is what stands there, as a reader of JSON alone finds it.
        let fields: Value = serde_json::from_str(entry).unwrap();
        assert_eq!((fields["kind"].as_str(), fields["seq"].as_u64()), (Some(facts.kind), Some(facts.seq)), "{name}");
        assert_eq!((facts.seq, &*facts.replica), (index as u64, fields["replica"].as_str().unwrap()), "{name}");
        let request = match &facts.what {
            What::Decision { request, .. } | What::Attempt { request, .. } | What::Outcome { request, .. } => request,
            What::Other => "",
        };
        assert!(request.is_empty() || fields["request"] == *request, "{name}: {request}");
        kinds.insert(facts.kind);
    }
    let all = ["administration", "attempt", "decision", "erasure", "outcome", "refusal", "start", "stop"];
    assert!(kinds.iter().eq(&all), "{kinds:?}");
}

#[test]
fn what_the_specification_refuses_is_refused() {
    let vectors = vectors(include_str!("../../../../spec/audit_log/refused.json"));
    assert!(vectors.len() > 20, "{} vectors", vectors.len());
    for vector in vectors {
        let entry = vector["entry"].as_str().unwrap();
        assert!(read(entry.as_bytes()).is_err(), "{} was taken: {entry}", vector["name"]);
    }
}
