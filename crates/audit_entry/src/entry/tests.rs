//! The vectors of `spec/audit_log/`, and properties of writing and reading.

use proptest::prelude::*;

use tlog::leaf_hash;

use super::*;

#[derive(Deserialize)]
struct Vector {
    name: String,
    entry: String,
    leaf: Option<String>,
}

fn vectors(file: &str) -> Vec<Vector> {
    serde_json::from_str(file).unwrap()
}

#[test]
fn the_vectors_are_read_and_written_byte_for_byte() {
    let vectors = vectors(include_str!("../../../../spec/audit_log/entries.json"));
    assert_eq!(vectors.len(), 12);
    let mut kinds = std::collections::BTreeSet::new();
    for vector in vectors {
        let entry = Entry::parse(vector.entry.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(entry.to_bytes().unwrap(), vector.entry.as_bytes(), "{}", vector.name);
        assert_eq!(hex::encode(leaf_hash(vector.entry.as_bytes())), vector.leaf.unwrap(), "{}", vector.name);
        kinds.insert(entry.body.kind());
    }
    assert_eq!(kinds.len(), 8);
}

#[test]
fn what_is_not_of_the_schema_or_not_canonical_is_refused() {
    for vector in vectors(include_str!("../../../../spec/audit_log/refused.json")) {
        assert!(Entry::parse(vector.entry.as_bytes()).is_err(), "{} was read", vector.name);
    }
}

#[test]
fn fields_and_values_mean_what_they_say() {
    let vectors = vectors(include_str!("../../../../spec/audit_log/entries.json"));
    let entry = Entry::parse(vectors[0].entry.as_bytes()).unwrap();
    assert_eq!((entry.seq, entry.replica), (0, Replica(0x00f1_e2d3_c4b5_a697)));
    assert_eq!(entry.at, Duration::from_hours(498_684));
    let Body::Decision(decision) = entry.body else { panic!("a decision") };
    assert_eq!(decision.class, Some(Class::Sensitive));
    assert_eq!(decision.findings.unwrap()[&Word::new("email").unwrap()], Count(2));
    let Body::Outcome(outcome) = Entry::parse(vectors[4].entry.as_bytes()).unwrap().body else { panic!("an outcome") };
    assert_eq!(outcome.cost, Some(Cost { amount: 1250, currency: *b"KRW" }));
    assert_eq!(outcome.label, Some(Text::new("ai-generated; AI 기본법 제31조").unwrap()));
    let Body::Outcome(lost) = Entry::parse(vectors[5].entry.as_bytes()).unwrap().body else { panic!("an outcome") };
    assert_eq!((lost.ending, lost.answer_bytes), (Ending::Lost, Count(9_007_199_254_740_993)));
    let Body::Administration(adopted) = Entry::parse(vectors[11].entry.as_bytes()).unwrap().body else { panic!() };
    assert_eq!((adopted.action, adopted.detail.len()), (Action::RecordAdopt, 2));
}

#[test]
fn an_entry_that_no_record_can_hold_is_refused_before_it_is_queued() {
    let destinations = (0..40).map(|number| Text::new(format!("{number}{}", "x".repeat(1_900))).unwrap()).collect();
    let vectors = vectors(include_str!("../../../../spec/audit_log/entries.json"));
    let Body::Decision(mut decision) = Entry::parse(vectors[1].entry.as_bytes()).unwrap().body else { panic!() };
    decision.destinations = destinations;
    assert!(matches!(Body::Decision(decision).to_fields(), Err(EntryError::TooLong(_))));
}

#[test]
fn any_text_can_be_made_to_fit() {
    for (given, wanted) in [("", "-"), ("a\nb\u{7f}", "a\u{fffd}b\u{fffd}"), ("\0", "\u{fffd}"), ("모임", "모임")] {
        assert_eq!(Text::of(given).as_str(), wanted);
    }
    assert_eq!(Text::of(&"a".repeat(5_000)).as_str().len(), Text::BYTES_MAX);
    let long = Text::of(&"가".repeat(5_000));
    assert_eq!((long.as_str().len(), long.as_str().chars().all(|letter| letter == '가')), (2_046, true));
    assert!(Text::new(long.as_str()).is_ok());
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        reason in "[^\\p{Cc}]{1,200}",
        seq in any::<u64>(),
        replica in any::<u64>(),
        micros in 0_u64..4_000_000_000_000_000,
    ) {
        let body = Body::Stop(Stop { reason: Text::new(reason).unwrap() });
        let entry = Entry { at: Duration::from_micros(micros), replica: Replica(replica), seq, body };
        let bytes = entry.to_bytes().unwrap();
        prop_assert_eq!(Entry::parse(&bytes).unwrap(), entry);
        // Another program's parser reads the same text.
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert!(value.is_object());
    }

    #[test]
    fn a_changed_byte_never_reads_as_the_same_entry(at in 0_usize..4_000, to in any::<u8>()) {
        for vector in vectors(include_str!("../../../../spec/audit_log/entries.json")) {
            let mut bytes = vector.entry.into_bytes();
            let before = Entry::parse(&bytes).unwrap();
            let at = at % bytes.len();
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            prop_assert!(Entry::parse(&bytes).map_or(true, |after| after != before));
        }
    }

    #[test]
    fn bytes_from_anywhere_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Entry::parse(&bytes);
    }
}
