//! What goes wrong is told to those whom it concerns, and to nobody else.

use super::*;
use crate::scripted::Gate;
use crate::{Engine, EngineError, LoadedModel, Logits, Refused, Run, Slot, Stop};

#[tokio::test]
async fn an_engine_error_fails_its_batch_and_the_thread_goes_on() {
    let gate = Gate::closed();
    let floor = floor(Script::new().gate(&gate).fail("bad", "ab").capacity(small(200, 100)));
    let bad = floor.ask("a", "bad");
    let neighbour = floor.ask("b", "a neighbour, longer than that");
    let paused_by_the_queue = floor.model.submit(Job { choices: 12, ..floor.job("c", "many") }).expect("room");
    gate.open();
    assert_eq!(read(bad).await, Err("the engine could not compute: the script says so".to_owned()));
    assert!(read(neighbour).await.is_err());
    assert!(read(paused_by_the_queue).await.is_err());
    assert_eq!(read_text(floor.ask("b", "again")).await, "again");
    assert_eq!(floor.model.load().queued, 0);
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn what_was_told_before_a_failure_is_read_before_it() {
    let floor = floor(Script::new().fail("bad", "some words"));
    let mut answer = floor.ask("a", "bad");
    let mut text = String::new();
    loop {
        match answer.next().await {
            Some(Event::Text { text: more, .. }) => text.push_str(&more),
            Some(Event::Failed { .. }) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text, "some words");
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn logits_that_are_no_numbers_fail_their_own_answer_only() {
    let gate = Gate::closed();
    let floor = floor(Script::new().gate(&gate).nonsense("bad", "ab"));
    let bad = floor.ask("a", "bad");
    let neighbour = floor.ask("b", "a neighbour");
    gate.open();
    assert_eq!(read(bad).await, Err("the local model's numbers are no numbers".to_owned()));
    assert_eq!(read_text(neighbour).await, "a neighbour");
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn a_panic_fails_everything_and_refuses_from_then_on() {
    let gate = Gate::closed();
    let script = Script::new().gate(&gate).panic("bad", "ab").endless("slow", "x");
    let floor = floor_with(script, Settings { sequences_max: 3, ..settings() });
    let answers = ["bad", "slow", "neighbour", "queued"].map(|words| floor.ask("a", words));
    gate.open();
    for answer in answers {
        let message = read(answer).await.expect_err("failed");
        assert_eq!(message, "the local model broke and takes no more work: the script says so");
    }
    assert_eq!(floor.model.submit(floor.job("a", "more")).expect_err("refused"), Refused::Stopped);
    assert!(floor.model.stopped().is_some_and(|why| why.contains("broke")));
    let load = floor.model.load();
    assert_eq!((load.running, load.queued, load.cache_tokens_held), (0, 0, 0));
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn stopping_finishes_what_was_taken_and_takes_no_more() {
    let gate = Gate::closed();
    let Floor { model, running, probe } =
        floor_with(Script::new().gate(&gate), Settings { sequences_max: 1, ..settings() });
    let floor = Floor { model, running, probe };
    let answers = ["first", "second", "third"].map(|words| (floor.ask("a", words), words));
    floor.running.tell(Stop::Finish);
    assert_eq!(floor.model.submit(floor.job("a", "late")).expect_err("refused"), Refused::Stopped);
    gate.open();
    for (answer, words) in answers {
        assert_eq!(read_text(answer).await, words);
    }
    // Ends although there is still a handle.
    floor.running.join();
    assert_eq!(floor.probe.seen().live(), 0);
}

#[tokio::test]
async fn stopping_at_once_fails_what_is_not_answered() {
    let floor = floor_with(Script::new().endless("slow", "x"), Settings { sequences_max: 1, ..settings() });
    let slow = floor.ask("a", "slow");
    let queued = floor.ask("a", "queued");
    floor.probe.until(|seen| seen.forwards > 0).await;
    // A reader who does not read holds up a patient stop, not this one.
    floor.running.tell(Stop::Finish);
    floor.running.stop(Stop::Cancel);
    for answer in [slow, queued] {
        assert_eq!(read(answer).await, Err("the local model was stopped".to_owned()));
    }
    assert_eq!(floor.probe.seen().live(), 0);
    assert_eq!(floor.model.stopped(), Some("it was told to stop"));
}

#[tokio::test]
async fn answers_outlive_the_last_handle() {
    let Floor { model, running, probe } = floor(Script::new());
    let words = "said after the handle is gone, at more length than a channel holds";
    let answer = Floor { model, running, probe: probe.clone() }.ask("a", words);
    assert_eq!(read_text(answer).await, words);
    probe.until(|seen| seen.live() == 0).await;
}

/// An engine that has no room, though it says it has; and one that gives no logits.
struct Liar {
    engine: Box<dyn Engine>,
    has_room: bool,
}

impl Engine for Liar {
    fn capacity(&self) -> Capacity {
        self.engine.capacity()
    }

    fn reserve(&mut self, tokens: usize) -> Option<Slot> {
        if self.has_room { self.engine.reserve(tokens) } else { None }
    }

    fn release(&mut self, slot: Slot) {
        self.engine.release(slot);
    }

    fn forward(&mut self, runs: &[Run<'_>]) -> Result<Logits<'_>, EngineError> {
        self.engine.forward(runs).map(|_| Logits::new(&[], 1))
    }
}

#[tokio::test]
async fn an_engine_that_breaks_its_promises_fails_answers_and_hangs_nobody() {
    for (has_room, message) in [
        (false, "the local model has no room for a prompt and answer of this length"),
        (true, "the engine gave not as many logits as it was asked for"),
    ] {
        let script = Script::new();
        let probe = script.probe();
        let honest = scripted::model(script);
        let lying = LoadedModel { engine: Box::new(Liar { engine: honest.engine, has_room }), ..honest };
        let (model, running) = LocalModel::start(lying, settings()).expect("a thread");
        let floor = Floor { model, running, probe };
        assert_eq!(read(floor.ask("a", "hello")).await, Err(message.to_owned()));
        floor.leaves_nothing().await;
    }
}
