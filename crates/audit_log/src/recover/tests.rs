//! The peeks into canonical entries that recovery takes instead of parsing each.

use super::*;

#[test]
fn the_decision_of_an_outcome_is_found_in_both_of_its_writings() {
    assert_eq!(decision_of(br#"{"attempts":2,"decision":17,"kind":"outcome"}"#), Some(17));
    assert_eq!(decision_of(br#"{"decision":"9007199254740993","kind":"outcome"}"#), Some(9_007_199_254_740_993));
    assert_eq!(decision_of(br#"{"by":"\"decision\":5","decision":6}"#), Some(6));
    assert_eq!(decision_of(br#"{"kind":"outcome"}"#), None);
}
