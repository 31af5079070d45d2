//! Moving averages.

use std::time::Duration;

use inspect::language::Language;

use super::Figures;

#[test]
fn averages_follow_the_latest_answers() {
    let mut figures = Figures::default();
    figures.began(Duration::from_millis(100));
    assert_eq!(figures.first_byte, Some(Duration::from_millis(100)));
    for _ in 0..40 {
        figures.began(Duration::from_millis(500));
    }
    let mean = figures.first_byte.unwrap();
    assert!((499..=500).contains(&mean.as_millis()), "{mean:?}");
    figures.spoke(50, Duration::from_secs(2));
    assert_eq!(figures.tokens_per_second, Some(25.0));
    figures.spoke(1, Duration::from_secs(2));
    figures.spoke(50, Duration::ZERO);
    assert_eq!(figures.tokens_per_second, Some(25.0), "of which no speed can be told");
}

#[test]
fn tokens_of_a_byte_are_known_by_language_or_else_of_any() {
    let mut figures = Figures::default();
    assert_eq!(figures.tokens_per_byte(Language::Korean), None);
    figures.counted(Language::Korean, 1000, 400);
    figures.counted(Language::English, 1000, 250);
    figures.counted(Language::English, 8, 30);
    assert_eq!(figures.tokens_per_byte(Language::Korean), Some(0.4));
    assert_eq!(figures.tokens_per_byte(Language::English), Some(0.25));
    let any = figures.tokens_per_byte(Language::French).unwrap();
    assert!((0.25..0.4).contains(&any), "{any}");
}
