//! Signs in a row.

use super::Suspicions;
use crate::withdrawal::Subject;

fn subject(name: &str) -> Subject {
    Subject::Destination(name.into())
}

#[test]
fn three_signs_in_a_row_are_certain_and_a_success_between_them_forgets_them() {
    let (mut suspicions, abroad) = (Suspicions::default(), subject("abroad"));
    assert!(!suspicions.sign(&abroad, 0, 1) && !suspicions.sign(&abroad, 1, 2));
    suspicions.success(&abroad, 2);
    assert!(suspicions.is_empty());
    assert!(!suspicions.sign(&abroad, 3, 4) && !suspicions.sign(&abroad, 4, 5));
    assert!(!suspicions.sign(&subject("other"), 5, 6), "of one subject alone");
    assert!(suspicions.sign(&abroad, 5, 7));
}

/// A hundred requests were under way when the key was refused for a moment: they are one sign.
#[test]
fn what_was_sent_before_a_sign_was_seen_counts_as_that_sign() {
    let (mut suspicions, abroad) = (Suspicions::default(), subject("abroad"));
    for number in 0..100 {
        assert!(!suspicions.sign(&abroad, number, 100), "{number}");
    }
    suspicions.success(&abroad, 40);
    assert!(!suspicions.is_empty(), "nor does a success from before it forget it");
    assert!(!suspicions.sign(&abroad, 100, 101) && suspicions.sign(&abroad, 101, 102));
}
