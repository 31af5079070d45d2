//! Who is served, when, and who must come back.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::Refused;
use crate::scripted::Gate;

#[tokio::test]
async fn two_hundred_at_once_all_finish_and_callers_take_turns() {
    let gate = Gate::closed();
    let floor = floor_with(Script::new().gate(&gate), Settings { sequences_max: 8, ..settings() });
    let mut answers = Vec::new();
    for number in 0..200 {
        let caller = if number < 190 { "greedy" } else { "modest" };
        let words = format!("{caller} {number}");
        answers.push((floor.ask(caller, &words), words));
    }
    gate.open();
    for (answer, words) in answers {
        assert_eq!(read_text(answer).await, words);
    }
    // Eight of the greedy caller's had slots before the modest one came; from then on every other slot is its own.
    let seen = floor.probe.seen();
    let last = seen.sequences.iter().rposition(|sequence| sequence.prompt.contains("modest"));
    assert!(last.is_some_and(|last| last < 8 + 2 * 10), "the modest caller waited until {last:?}");
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_tells_when_to_come_back() {
    let gate = Gate::closed();
    let clock = Arc::new(AtomicU64::new(0));
    let (tick, now) = (Arc::clone(&clock), Arc::clone(&clock));
    let script = Script::new().gate(&gate).endless("run", "x").before_forward(move |tokens| {
        tick.fetch_add(tokens as u64 * 100, Ordering::SeqCst);
    });
    let clock = Arc::new(move || Duration::from_millis(now.load(Ordering::SeqCst)));
    let floor = floor_with(script, Settings { sequences_max: 1, queue_jobs_max: 2, clock, ..settings() });
    let first = floor.ask("a", "run");
    gate.let_through(1);
    floor.probe.until(|seen| seen.forwards == 1 && seen.at_gate).await;
    // Many choices are one place in the queue.
    let waiting = floor.model.submit(Job { choices: 5, ..floor.job("b", "run") }).expect("room");
    let waiting_too = floor.ask("c", "run");
    let Err(Refused::Busy { queued: 2, retry_after }) = floor.model.submit(floor.job("d", "run")) else {
        panic!("the queue takes more than it holds")
    };
    assert!(retry_after >= Duration::from_secs(1));
    gate.let_through(1);
    floor.probe.until(|seen| seen.forwards == 2 && seen.at_gate).await;
    // Six sequences wait, of as many tokens as they may take, at the ten tokens a second that were measured.
    let work = 6 * (floor.job("a", "run").prompt.len() + 500);
    let Err(busy) = floor.model.submit(floor.job("d", "run")) else { panic!("the queue takes more than it holds") };
    let retry_after = Duration::from_secs(work.div_ceil(10) as u64);
    assert_eq!(busy, Refused::Busy { queued: 2, retry_after });
    assert_eq!(floor.model.load().queued, 2);
    // A place is free once a job that waited is gone.
    drop(waiting);
    gate.let_through(1);
    floor.probe.until(|seen| seen.forwards == 3 && seen.at_gate).await;
    let last = floor.ask("d", "run");
    drop((first, last, waiting_too));
    gate.open();
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn a_long_prompt_does_not_hold_up_a_stream() {
    let clock = Arc::new(AtomicU64::new(0));
    let (tick, now) = (Arc::clone(&clock), Arc::clone(&clock));
    let gate = Gate::closed();
    let script = Script::new().gate(&gate).endless("stream", "x").before_forward(move |_| {
        tick.fetch_add(30, Ordering::SeqCst);
    });
    let clock = Arc::new(move || Duration::from_millis(now.load(Ordering::SeqCst)));
    let floor = floor_with(script, Settings { clock, ..settings() });
    let stream = floor.ask("a", "stream");
    floor.probe.until(|seen| seen.at_gate).await;
    let long = floor.ask("b", &"long ".repeat(400));
    gate.let_through(11);
    let seen = floor.probe.until(|seen| seen.forwards == 11 && seen.at_gate).await;
    // The stream took part in every step; the prompt got its share of each but the first, which it came too late for.
    assert_eq!(seen.sequences[0].forwards, 11);
    assert_eq!(seen.sequences[1].prompt_tokens, 10 * 64);
    drop(stream);
    gate.let_through(2);
    let seen = floor.probe.until(|seen| seen.forwards == 13 && seen.at_gate).await;
    // Alone, it has the whole step. (The step that waited at the gate still held the stream.)
    assert_eq!(seen.sequences[1].prompt_tokens, 11 * 64 + 512);
    drop(long);
    gate.open();
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn a_large_job_is_not_passed_for_ever_by_small_ones() {
    let gate = Gate::closed();
    let capacity = Capacity { cache_tokens_max: 1_000, ..small(1_000, 512) };
    let floor = floor(Script::new().gate(&gate).capacity(capacity));
    let sized = |words: &str, answer_tokens_max| {
        floor.model.submit(Job { answer_tokens_max, ..floor.job("a", words) }).expect("room")
    };
    let mut answers = vec![sized("first", 300)];
    floor.probe.until(|seen| seen.at_gate).await;
    answers.push(sized("large", 900));
    answers.extend((0..5).map(|_| sized("small", 50)));
    gate.open();
    for answer in answers {
        read_text(answer).await;
    }
    let seen = floor.probe.seen();
    assert!(seen.sequences[1].prompt.contains("large"));
    floor.leaves_nothing().await;
}
