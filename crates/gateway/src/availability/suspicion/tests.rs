//! Signs in a row.

use super::{Sign, Suspicions};
use crate::withdrawal::Subject;

fn subject(name: &str) -> Subject {
    Subject::Destination(name.into())
}

fn firm(number: u64) -> Sign<'static> {
    Sign { number, caller: "one", may_be_one_callers: false }
}

fn of(caller: &str, number: u64) -> Sign<'_> {
    Sign { number, caller, may_be_one_callers: true }
}

#[test]
fn three_signs_in_a_row_are_certain_and_a_success_between_them_forgets_them() {
    let (mut suspicions, abroad) = (Suspicions::default(), subject("abroad"));
    assert!(!suspicions.sign(&abroad, firm(0), 1) && !suspicions.sign(&abroad, firm(1), 2));
    suspicions.success(&abroad, 2);
    assert!(suspicions.is_empty());
    assert!(!suspicions.sign(&abroad, firm(3), 4) && !suspicions.sign(&abroad, firm(4), 5));
    assert!(!suspicions.sign(&subject("other"), firm(5), 6), "of one subject alone");
    assert!(suspicions.sign(&abroad, firm(5), 7));
}

/// A hundred requests were under way when the key was refused for a moment: they are one sign.
#[test]
fn what_was_sent_before_a_sign_was_seen_counts_as_that_sign() {
    let (mut suspicions, abroad) = (Suspicions::default(), subject("abroad"));
    for number in 0..100 {
        assert!(!suspicions.sign(&abroad, firm(number), 100), "{number}");
    }
    suspicions.success(&abroad, 40);
    assert!(!suspicions.is_empty(), "nor does a success from before it forget it");
    assert!(!suspicions.sign(&abroad, firm(100), 101) && suspicions.sign(&abroad, firm(101), 102));
}

/// What one caller asks may be refused as often as it likes: others find out sooner, and one that is alone needs twice as many.
#[test]
fn signs_that_one_caller_may_bring_about_are_to_be_seen_by_another_too() {
    let (mut suspicions, abroad) = (Suspicions::default(), subject("abroad"));
    for number in 0..5 {
        assert!(!suspicions.sign(&abroad, of("one", number), number + 1), "{number}");
    }
    assert!(suspicions.sign(&abroad, of("one", 5), 6), "the sixth");
    assert!(!suspicions.sign(&abroad, of("one", 6), 7) && !suspicions.sign(&abroad, of("two", 7), 8));
    assert!(suspicions.sign(&abroad, of("one", 8), 9), "two callers have seen it");
}

#[test]
fn a_caller_whose_request_was_under_way_has_seen_it_too() {
    let (mut suspicions, abroad) = (Suspicions::default(), subject("abroad"));
    assert!(!suspicions.sign(&abroad, of("one", 0), 2) && !suspicions.sign(&abroad, of("two", 1), 2));
    assert!(!suspicions.sign(&abroad, of("one", 2), 3) && suspicions.sign(&abroad, of("one", 3), 4));
}

#[test]
fn three_firm_signs_are_enough_whatever_stands_between_them() {
    let (mut suspicions, abroad) = (Suspicions::default(), subject("abroad"));
    assert!(!suspicions.sign(&abroad, firm(0), 1) && !suspicions.sign(&abroad, of("one", 1), 2));
    assert!(!suspicions.sign(&abroad, firm(2), 3) && suspicions.sign(&abroad, firm(3), 4));
}
