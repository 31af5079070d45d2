//! The bound, over any stretch of time and any order of requests.

use std::time::Duration;

use proptest::prelude::*;

use super::Budget;
use crate::clock::Moment;

#[test]
fn a_second_brings_ten_and_five_requests_one_more() {
    let began = Moment::from_micros(0);
    let mut budget = Budget::new(began);
    let granted = |budget: &mut Budget, now| (0..1000).filter(|_| budget.spend(now)).count();
    assert_eq!(granted(&mut budget, began), 10);
    let later = began.plus(Duration::from_millis(500));
    assert_eq!(granted(&mut budget, later), 5);
    (0..100).for_each(|_| budget.earn(later));
    assert_eq!(granted(&mut budget, later), 20);
    (0..100).for_each(|_| budget.earn(later));
    let much_later = later.plus(Duration::from_mins(1));
    assert_eq!(granted(&mut budget, much_later), 10, "what was earned a minute ago is gone");
}

proptest! {
    /// However requests and failures come: never more than ten at once, ten a second, and a fifth of the requests.
    #[test]
    fn no_more_is_ever_granted(steps in proptest::collection::vec((0_u64..400_000, 0_u64..20, 0_u64..20), 1..200)) {
        let (mut micros, mut requests, mut granted) = (0, 0, 0);
        let mut budget = Budget::new(Moment::from_micros(0));
        for (wait, come, fail) in steps {
            micros += wait;
            let now = Moment::from_micros(micros);
            (0..come).for_each(|_| budget.earn(now));
            requests += come;
            granted += (0..fail).map(|_| u64::from(budget.spend(now))).sum::<u64>();
            prop_assert!(granted <= 10 + micros / 100_000 + requests / 5);
        }
    }
}
