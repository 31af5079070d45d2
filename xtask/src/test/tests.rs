//! The count must be right, or a failing run could look like a passing one.

use super::Count;

fn counted(lines: &[&str]) -> (u64, u64) {
    let mut count = Count::default();
    for line in lines {
        count.read(line);
    }
    (count.passed, count.failed)
}

#[test]
fn nextest_summaries() {
    assert_eq!(counted(&["     Summary [   0.012s] 12 tests run: 12 passed, 0 skipped"]), (12, 0));
    assert_eq!(
        counted(&["     Summary [  61.5s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 3 skipped"]),
        (9, 3)
    );
    assert_eq!(counted(&["     Summary [   0.1s] 1 test run: 1 passed, 0 skipped"]), (1, 0));
    assert_eq!(counted(&["     Summary [   0.1s] 3/7 tests run: 2 passed, 1 failed, 0 skipped"]), (2, 5));
    assert_eq!(counted(&["        PASS [   0.012s] gateway a_test_about run: 3 passed"]), (0, 0));
}

#[test]
fn what_failing_tests_printed_is_not_counted_twice() {
    let lines = [
        "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 45 filtered out; finished in 0.62s",
        "     Summary [   9.1s] 5 tests run: 4 passed, 1 failed, 52 skipped",
    ];
    assert_eq!(counted(&lines), (4, 1));
}

#[test]
fn built_in_summaries_add_up() {
    let lines = [
        "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        "running 2 tests",
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    ];
    assert_eq!(counted(&lines), (4, 1));
}
