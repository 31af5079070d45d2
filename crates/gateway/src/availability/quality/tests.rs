//! Synthetic places: stable ones are never accused, changed ones are found soon.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{Change, Quality};
use crate::availability::Answered;

/// A place, and who asks it what.
struct Place {
    chance: StdRng,
    quality: Quality,
    callers: usize,
    /// By how much answers are shorter.
    shorter: f64,
    /// The share that is declined.
    declined: f64,
}

impl Place {
    fn new(seed: u64, callers: usize) -> Self {
        let quality = Quality::default();
        Self { chance: StdRng::seed_from_u64(seed), quality, callers, shorter: 1.0, declined: 0.02 }
    }

    /// A number about 0, of a bell's shape: the sum of twelve even ones.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.chance.random_range(0.0..1.0)).sum::<f64>() - 6.0
    }

    /// One answer: of a short question or a long one; lengths spread as they do in life, by a factor of two either way.
    fn answer(&mut self) -> Option<Change> {
        let caller = ["a", "b", "c", "d"][self.chance.random_range(0..self.callers)];
        let (prompt_bytes, usual) = [(30, 6.0), (300, 120.0), (3_000, 400.0)][self.chance.random_range(0..3)];
        let length = (usual * (0.7 * self.bell()).exp() / self.shorter).max(1.0);
        let refused = self.chance.random_bool(self.declined);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a small positive number")]
        let completion_tokens = Some(if refused { 12 } else { length as u64 });
        self.quality.note(&Answered {
            prompt_bytes,
            completion_tokens,
            refused,
            finish: Some("stop"),
            plain: true,
            caller,
            ..Answered::default()
        })
    }

    /// After how many answers an alarm was given.
    fn alarm_within(&mut self, answers: usize) -> Option<(usize, Change)> {
        (1..=answers).find_map(|number| self.answer().map(|change| (number, change)))
    }
}

#[test]
fn a_stable_place_is_not_accused_in_ten_thousand_answers() {
    for seed in 0..12 {
        let mut place = Place::new(seed, 1 + usize::try_from(seed).unwrap() % 4);
        assert_eq!(place.alarm_within(10_000), None, "seed {seed}");
    }
}

/// After how many answers the change was found, in forty places with one to four callers, the soonest first.
fn found_after(change: impl Fn(&mut Place), expected: Change) -> Vec<usize> {
    let found = |seed: usize| {
        let callers = 1 + seed % 4;
        let mut place = Place::new(u64::try_from(seed).unwrap(), callers);
        assert_eq!(place.alarm_within(700 * callers), None, "seed {seed}");
        change(&mut place);
        let (after, found) = place.alarm_within(150).unwrap_or_else(|| panic!("seed {seed}: it is never found"));
        assert_eq!(found, expected, "seed {seed}");
        after
    };
    let mut after: Vec<usize> = (0..40).map(found).collect();
    after.sort_unstable();
    after
}

#[test]
fn answers_a_fourth_as_long_are_found_within_fifty() {
    let after = found_after(|place| place.shorter = 4.0, Change::Shorter);
    // Half of them within 20, all but one in twenty within 50, all within 100.
    assert!(after[19] <= 20 && after[37] <= 50 && after[39] <= 100, "{after:?}");
}

#[test]
fn half_of_them_declined_is_found_within_eighty() {
    let after = found_after(|place| place.declined = 0.5, Change::Declining);
    assert!(after[19] <= 30 && after[37] <= 80 && after[39] <= 130, "{after:?}");
}

/// With two callers neither can be left out for long: both see it, so it is found.
#[test]
fn what_all_callers_see_is_found_though_each_sees_much_of_it() {
    let mut place = Place::new(3, 2);
    assert_eq!(place.alarm_within(2_000), None);
    for _ in 0..60 {
        let habit =
            Answered { prompt_bytes: 300, refused: true, finish: Some("stop"), caller: "a", ..Answered::default() };
        assert_eq!(place.quality.note(&habit), None, "one caller");
    }
    place.declined = 0.5;
    assert!(matches!(place.alarm_within(150), Some((_, Change::Declining))));
}

/// A batch of questions that want one word; a caller who tries what the place will decline.
#[test]
fn one_callers_new_habit_is_no_change_of_the_place() {
    let mut place = Place::new(7, 3);
    assert_eq!(place.alarm_within(3_000), None);
    for number in 0..1_000 {
        let refused = number % 2 == 0;
        let habit = Answered {
            prompt_bytes: 300,
            completion_tokens: Some(1),
            finish: Some("stop"),
            plain: true,
            refused,
            caller: "a",
            ..Answered::default()
        };
        assert_eq!(place.quality.note(&habit), None, "{number}");
    }
}

#[test]
fn too_little_is_known_of_a_new_place_to_accuse_it() {
    let mut place = Place::new(7, 2);
    place.declined = 0.9;
    assert_eq!(place.alarm_within(100), None);
}

/// The limit on answers is the caller's, tool calls and structured answers have the length that they need.
#[test]
fn answers_that_were_cut_off_or_are_no_plain_text_are_not_compared() {
    for (finish, plain) in [("length", true), ("stop", false)] {
        let mut place = Place::new(7, 1);
        assert_eq!(place.alarm_within(3_000), None);
        for _ in 0..500 {
            let short = Answered {
                prompt_bytes: 300,
                completion_tokens: Some(1),
                finish: Some(finish),
                plain,
                caller: "a",
                ..Answered::default()
            };
            assert_eq!(place.quality.note(&short), None);
        }
    }
}
