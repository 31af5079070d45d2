//! The peeks into entries, and resume files written, read and refused.

use proptest::prelude::*;
use tlog::leaf_hash;

use super::*;

const ORIGIN: &str = "gwanmun.test/1";

#[test]
fn the_decision_of_an_outcome_is_found_in_both_of_its_writings() {
    assert_eq!(decision_of(br#"{"attempts":2,"decision":17,"kind":"outcome"}"#), Some(17));
    assert_eq!(decision_of(br#"{"decision":"9007199254740993","kind":"outcome"}"#), Some(9_007_199_254_740_993));
    assert_eq!(decision_of(br#"{"by":"\"decision\":5","decision":6}"#), Some(6));
    assert_eq!(decision_of(br#"{"kind":"outcome"}"#), None);
}

fn grown(entries: &[&str]) -> Grown {
    let mut grown = Grown::default();
    for entry in entries {
        grown.add(leaf_hash(entry.as_bytes()), entry.as_bytes(), |_, _, _| {});
    }
    grown
}

fn open(grown: &Grown) -> Vec<u64> {
    grown.open.keys().copied().collect()
}

#[test]
fn decisions_are_open_until_their_outcome_whatever_other_entries_say() {
    let decision = r#"{"at":"x","findings":{"kind":2},"kind":"decision","model":"\"kind\":\"outcome\""}"#;
    let administration =
        r#"{"action":"key.create","detail":{"decision":"0","kind":"outcome"},"kind":"administration"}"#;
    let other = r#"{"action":"key.create","detail":{"kind":"decision"},"kind":"administration"}"#;
    let attempt = r#"{"at":"x","decision":0,"kind":"attempt"}"#;
    let outcome = r#"{"answer_bytes":1,"decision":1,"kind":"outcome"}"#;
    let told = grown(&[decision, decision, administration, other, attempt, outcome]);
    assert_eq!(open(&told), [0]);
    assert_eq!(told.last, outcome.as_bytes());
}

proptest! {
    #[test]
    fn a_resume_file_reads_the_same_and_no_other_bytes_read_as_one(
        count in 0_usize..600, decisions in 0_usize..5, at in any::<proptest::sample::Index>(), flip in 1_u8..=255,
    ) {
        let entries: Vec<String> =
            (0..count).map(|number| format!("{{\"kind\":\"{}\"}}", if number < decisions { "decision" } else { "stop" })).collect();
        let whole = grown(&entries.iter().map(String::as_str).collect::<Vec<_>>());
        let bytes = whole.to_bytes(ORIGIN);
        prop_assert_eq!(Grown::parse(&bytes, ORIGIN), Some(whole));
        prop_assert_eq!(Grown::parse(&bytes, "gwanmun.test/2"), None);
        let at = at.index(bytes.len());
        prop_assert_eq!(Grown::parse(&bytes[..at], ORIGIN), None);
        let mut changed = bytes;
        changed[at] ^= flip;
        prop_assert_eq!(Grown::parse(&changed, ORIGIN), None);
    }

    /// Whoever can make the checksum right can still not make us fall over.
    #[test]
    fn bytes_with_a_sound_checksum_never_panic(
        more in proptest::collection::vec(any::<u8>(), 0..200), size in any::<u64>(), length in any::<u64>(),
    ) {
        let mut bytes = [MAGIC.as_slice(), &Sha256::digest(ORIGIN.as_bytes()), &size.to_be_bytes()].concat();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&more);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        let _ = Grown::parse(&bytes, ORIGIN);
    }
}
