//! The step's size follows the machine; the estimate follows the measurements.

use std::time::Duration;

use super::{
    PROMPT_TOKENS_FIRST, PROMPT_TOKENS_MIN, Pace, RETRY_AFTER_MAX, RETRY_AFTER_UNMEASURED, STEP_TIME_MAX, Step, count,
};

/// Runs mixed steps on a machine that computes this many tokens a second, until the step's size stays.
fn settled(tokens_per_second: f64) -> usize {
    let mut pace = Pace::new(512);
    for _ in 0..20 {
        let prompt_tokens = pace.prompt_tokens();
        let took = Duration::from_secs_f64(count(prompt_tokens + 1) / tokens_per_second);
        pace.measure(Step { prompt_tokens, answer_tokens: 1, took });
    }
    pace.prompt_tokens()
}

#[test]
fn a_steps_share_of_prompts_fits_the_machine() {
    assert_eq!(Pace::new(512).prompt_tokens(), PROMPT_TOKENS_FIRST);
    assert_eq!(settled(1e6), 512);
    assert_eq!(settled(100.0), PROMPT_TOKENS_MIN);
    let tokens = settled(2_000.0);
    assert!(count(tokens) / 2_000.0 <= STEP_TIME_MAX.as_secs_f64(), "{tokens} tokens are too many");
    assert!(count(tokens) / 2_000.0 >= STEP_TIME_MAX.as_secs_f64() / 4.0, "{tokens} tokens are too few");
}

#[test]
fn a_small_batch_is_never_exceeded() {
    let mut pace = Pace::new(4);
    pace.measure(Step { prompt_tokens: 4, answer_tokens: 1, took: Duration::from_secs(1) });
    assert_eq!(pace.prompt_tokens(), 4);
}

#[test]
fn steps_without_answers_do_not_change_the_share() {
    let mut pace = Pace::new(512);
    pace.measure(Step { prompt_tokens: 512, answer_tokens: 0, took: Duration::from_secs(9) });
    assert_eq!(pace.prompt_tokens(), PROMPT_TOKENS_FIRST);
}

#[test]
fn the_wait_is_the_work_ahead_at_the_measured_speed() {
    let mut pace = Pace::new(512);
    assert_eq!(pace.time_for(1e9), RETRY_AFTER_UNMEASURED);
    pace.measure(Step { prompt_tokens: 0, answer_tokens: 10, took: Duration::from_millis(100) });
    assert_eq!(pace.time_for(250.0), Duration::from_secs(3));
    assert_eq!(pace.time_for(0.0), Duration::from_secs(1));
    assert_eq!(pace.time_for(1e12), RETRY_AFTER_MAX);
    // A minute at half the speed, and the old measurement hardly counts.
    for _ in 0..600 {
        pace.measure(Step { prompt_tokens: 0, answer_tokens: 5, took: Duration::from_millis(100) });
    }
    assert_eq!(pace.time_for(250.0), Duration::from_secs(5));
}

#[test]
fn answers_are_expected_to_be_as_long_as_the_last_were() {
    let mut pace = Pace::new(512);
    assert!((pace.tokens_likely(10, 500) - 510.0).abs() < 1e-9);
    pace.measure_answer(100);
    assert!((pace.tokens_likely(10, 500) - 110.0).abs() < 1e-9);
    assert!((pace.tokens_likely(10, 50) - 60.0).abs() < 1e-9);
}
