//! Readers who leave and readers who are slow cost nobody else anything.

use std::thread;

use super::*;
use crate::scripted::Gate;

/// Events that an answer may be ahead of its reader: those in the channel, and one step's that found no room.
const AHEAD_MAX: usize = 32 + 1;

#[tokio::test]
async fn the_work_of_those_who_leave_stops_within_one_token() {
    let gate = Gate::closed();
    let script = Script::new().gate(&gate).endless("on", "x");
    let floor = floor_with(script, Settings { sequences_max: 256, ..settings() });
    let mut leave: Vec<Answer> = Vec::new();
    let mut stay = Vec::new();
    for number in 0..200 {
        let (words, answers) = if number % 2 == 0 { ("leave on", &mut leave) } else { ("stay on", &mut stay) };
        answers.push(floor.ask("a", words));
    }
    gate.let_through(20);
    let before = floor.probe.until(|seen| seen.forwards == 20 && seen.at_gate).await;
    assert_eq!(before.live(), 200);
    drop(leave);
    gate.let_through(5);
    let after = floor.probe.until(|seen| seen.forwards == 25 && seen.at_gate).await;
    assert_eq!(after.live(), 100);
    let computed = |seen: &scripted::Seen, words| seen.of(words).map(|one| one.forwards).sum::<u64>();
    // One step, which was under way, and nothing more.
    assert_eq!(computed(&after, "leave") - computed(&before, "leave"), 100);
    assert_eq!(computed(&after, "stay") - computed(&before, "stay"), 500);
    drop(stay);
    gate.open();
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn leaving_while_the_prompt_is_computed_or_in_the_queue_stops_the_work_too() {
    let gate = Gate::closed();
    let script = Script::new().gate(&gate).capacity(small(2_000, 16));
    let floor = floor_with(script, Settings { sequences_max: 1, ..settings() });
    let long = floor.ask("a", &"long ".repeat(100));
    let queued = floor.ask("b", "queued");
    let last = floor.ask("c", "last");
    gate.let_through(3);
    floor.probe.until(|seen| seen.forwards == 3 && seen.at_gate).await;
    drop((long, queued));
    gate.open();
    assert_eq!(read_text(last).await, "last");
    let seen = floor.probe.seen();
    assert_eq!(seen.sequences.len(), 2, "the one that left the queue was started");
    assert_eq!(seen.sequences[0].prompt_tokens, 4 * 16);
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn a_slow_reader_pauses_itself_only() {
    let floor = floor(Script::new().endless("slow", "x"));
    let mut slow = floor.ask("a", "slow");
    let words = "quick ".repeat(50);
    assert_eq!(read_text(floor.ask("b", &words)).await, words);
    let load = floor.model.load();
    assert_eq!((load.running, load.paused), (1, 1));
    let seen = floor.probe.seen();
    assert!(seen.sequences[0].answer_tokens <= AHEAD_MAX, "{} tokens unread", seen.sequences[0].answer_tokens);
    // While it pauses, only others are computed.
    assert_eq!(read_text(floor.ask("b", "hi")).await, "hi");
    assert_eq!(floor.probe.seen().forwards, seen.forwards + 3);
    // What it reads is replaced, from an idle thread.
    for _ in 0..200 {
        assert!(matches!(slow.next().await, Some(Event::Text { .. })));
    }
    drop(slow);
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn a_paused_reader_that_leaves_wakes_the_idle_thread() {
    let floor = floor_with(Script::new().endless("slow", "x"), Settings { sequences_max: 1, ..settings() });
    let slow = floor.ask("a", "slow");
    let next = floor.ask("b", "next");
    floor.probe.until(|seen| seen.sequences[..].first().is_some_and(|one| one.answer_tokens >= 32)).await;
    drop(slow);
    assert_eq!(read_text(next).await, "next");
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn one_who_leaves_the_queue_of_an_idle_thread_frees_the_place() {
    let settings = Settings { sequences_max: 1, queue_jobs_max: 1, ..settings() };
    let floor = floor_with(Script::new().endless("slow", "x"), settings);
    let slow = floor.ask("a", "slow");
    floor.probe.until(|seen| seen.sequences[..].first().is_some_and(|one| one.answer_tokens >= 32)).await;
    let ask = |words: &str| loop {
        match floor.model.submit(floor.job("b", words)) {
            Ok(answer) => break answer,
            Err(_) => thread::yield_now(),
        }
    };
    // Often enough that the thread is sometimes idle again, and sometimes not, when the queued one leaves.
    for pause in 0..300 {
        let queued = ask("never");
        (0..pause).for_each(|_| thread::yield_now());
        drop(queued);
    }
    let next = ask("next");
    drop(slow);
    assert_eq!(read_text(next).await, "next");
    floor.leaves_nothing().await;
}

#[test]
fn threads_can_read_too() {
    let floor = floor(Script::new());
    let words = "from thread to thread, and longer than any channel".repeat(3);
    let mut answer = floor.ask("a", &words);
    let text = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut text = String::new();
            while let Some(event) = answer.blocking_next() {
                if let Event::Text { text: more, .. } = event {
                    text.push_str(&more);
                }
            }
            text
        });
        reader.join().expect("no panic")
    });
    assert_eq!(text, words);
}
