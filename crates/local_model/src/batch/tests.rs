//! No room is wasted, nobody starves.

use proptest::prelude::*;

use super::share;

proptest! {
    #[test]
    fn room_is_used_and_the_oldest_goes_on(left in prop::collection::vec(1_usize..300, 1..20), room in 1_usize..600) {
        let shares = share(&left, room);
        prop_assert_eq!(shares.len(), left.len());
        prop_assert!(shares.iter().zip(&left).all(|(share, left)| share <= left));
        prop_assert_eq!(shares.iter().sum::<usize>(), room.min(left.iter().sum()));
        prop_assert!(shares[0] >= left[0].min(room.div_ceil(2)));
        // A prompt that got less than it wants waits for shorter ones only, or for the oldest.
        for (one, &share) in shares.iter().enumerate().skip(1) {
            let longer_served = shares.iter().zip(&left).skip(1).any(|(&other, &l)| other > 0 && l > left[one]);
            prop_assert!(share == left[one] || !longer_served);
        }
    }
}

#[test]
fn a_short_question_passes_a_long_document() {
    assert_eq!(share(&[10_000, 9_000, 20], 64), [32, 12, 20]);
    assert_eq!(share(&[], 64), Vec::<usize>::new());
}
