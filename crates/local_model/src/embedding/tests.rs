//! The thread of a model that makes vectors, as its users see it: turns, pieces, refusals, ends. It must not know weights.

use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::*;
use crate::scripted::{EMBEDDER_TOKENS, embedder, gated_embedder};

fn settings() -> EmbeddingSettings {
    EmbeddingSettings::new(Arc::new(|| Duration::ZERO))
}

fn model() -> (EmbeddingModel, EmbedderRunning) {
    EmbeddingModel::start(embedder("counter"), settings()).unwrap()
}

/// A model that computes one batch for each word sent.
fn gated(queue_jobs_max: usize) -> (EmbeddingModel, EmbedderRunning, Sender<()>) {
    let (open, gate) = channel();
    let settings = EmbeddingSettings { queue_jobs_max, ..settings() };
    let (model, running) = EmbeddingModel::start(gated_embedder("counter", gate), settings).unwrap();
    (model, running, open)
}

fn job(model: &EmbeddingModel, caller: &str, texts: &[&str]) -> EmbeddingJob {
    let texts = texts.iter().map(|text| model.codec().encode(text).unwrap()).collect();
    EmbeddingJob { caller: caller.into(), texts }
}

#[tokio::test]
async fn each_text_gets_its_vector_in_its_place() {
    let (model, running) = model();
    let letters: Vec<String> = (0..200).map(|number| "a".repeat(number % 60)).collect();
    let texts: Vec<&str> = letters.iter().map(String::as_str).collect();
    let made = model.submit(job(&model, "one", &texts)).unwrap().await.unwrap();
    assert_eq!(made.vectors.len(), 200);
    for (text, vector) in texts.iter().zip(&made.vectors) {
        // `a` is 97: one more than a multiple of eight.
        assert!((vector[1] - f32::from(u8::try_from(text.len()).unwrap())).abs() < 0.1, "{text}: {vector:?}");
    }
    let tokens: usize = texts.iter().map(|text| text.len() + 2).sum();
    assert_eq!(made.tokens, tokens as u64);
    running.stop(Stop::Finish);
    assert_eq!(model.load().prompt_tokens_total, tokens as u64);
    assert!(matches!(model.submit(job(&model, "one", &["a"])), Err(Refused::Stopped)));
}

#[test]
fn what_the_model_cannot_do_is_refused_in_words() {
    let (model, _running) = model();
    let refusal = |texts: Vec<Vec<Token>>| {
        let job = EmbeddingJob { caller: "one".into(), texts };
        model.submit(job).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(refusal(Vec::new()), "there is no text");
    assert_eq!(refusal(vec![vec![1], vec![]]), "text 1 has no tokens");
    let long = vec![vec![1], vec![1; EMBEDDER_TOKENS + 1]];
    assert_eq!(refusal(long), "text 1 has 65 tokens; the model `counter` embeds at most 64: split the text");
    let told = refusal(vec![vec![100_000]]);
    assert!(told.starts_with("text 0 holds token 100000; the model `counter` has tokens 0 to "), "{told}");
}

#[tokio::test]
async fn a_full_queue_says_so_and_a_place_is_given_back() {
    let (model, _running, open) = gated(2);
    let first = model.submit(job(&model, "one", &["a"])).unwrap();
    let second = model.submit(job(&model, "two", &["a"])).unwrap();
    let Err(Refused::Busy { queued: 2, retry_after }) = model.submit(job(&model, "three", &["a"])) else {
        panic!("the queue has two places");
    };
    assert!(retry_after >= Duration::from_secs(1));
    open.send(()).unwrap();
    first.await.unwrap();
    let third = model.submit(job(&model, "three", &["a"])).unwrap();
    open.send(()).unwrap();
    open.send(()).unwrap();
    second.await.unwrap();
    third.await.unwrap();
}

#[tokio::test]
async fn callers_take_turns_however_much_one_asks_for() {
    let (model, _running, open) = gated(8);
    let long = "a".repeat(50);
    let many = vec![long.as_str(); 10];
    let mut large = pin!(model.submit(job(&model, "one", &many)).unwrap());
    let small = model.submit(job(&model, "two", &["a"])).unwrap();
    // At most one batch of the large job before the small one, and one that may have begun before it was there.
    for _ in 0..3 {
        open.send(()).unwrap();
    }
    small.await.unwrap();
    let waker = std::task::Waker::noop();
    assert!(large.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    for _ in 0..10 {
        open.send(()).unwrap();
    }
    assert_eq!(large.await.unwrap().vectors.len(), 10);
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_computed() {
    let (model, running, open) = gated(8);
    let long = "a".repeat(50);
    drop(model.submit(job(&model, "one", &vec![long.as_str(); 100])).unwrap());
    let last = model.submit(job(&model, "two", &["a"])).unwrap();
    // The batch that may have begun, and the last job's own.
    open.send(()).unwrap();
    open.send(()).unwrap();
    last.await.unwrap();
    running.stop(Stop::Finish);
    assert!(model.load().prompts_total <= 2, "{:?}", model.load());
    assert_eq!(model.load().queued, 0);
}

#[tokio::test]
async fn an_engine_that_fails_fails_its_job_and_goes_on() {
    let (model, running, open) = gated(8);
    drop(open);
    let error = model.submit(job(&model, "one", &["a"])).unwrap().await.unwrap_err();
    assert_eq!(error.to_string(), "the engine could not compute: the gate is gone");
    assert_eq!(model.load().queued, 0);
    running.stop(Stop::Cancel);
}

#[tokio::test]
async fn what_is_cancelled_is_told() {
    let (model, running, open) = gated(8);
    let waits = model.submit(job(&model, "one", &vec!["a".repeat(60).as_str(); 50])).unwrap();
    let stopping = thread::Builder::new().spawn(move || running.stop(Stop::Cancel)).unwrap();
    // Batches go on until the thread hears that it is to stop.
    while !stopping.is_finished() {
        let _ = open.send(());
        thread::yield_now();
    }
    stopping.join().unwrap();
    match waits.await {
        Ok(made) => assert_eq!(made.vectors.len(), 50),
        Err(error) => assert!(error.to_string().contains(ENDED_SILENTLY), "{error}"),
    }
    assert_eq!(model.stopped(), Some("it was told to stop"));
}
