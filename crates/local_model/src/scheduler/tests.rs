//! The thread as its users see it, on a scripted engine: what is told, what was computed for it, what is left behind.

mod ahead;
mod fairness;
mod faults;
mod readers;
mod simulation;
mod words;

use std::sync::Arc;
use std::time::Duration;

use crate::scripted::{self, Probe, Script};
use crate::{Answer, Capacity, Event, Finish, Job, LocalModel, Running, Sampling, Settings, Speaker, TokenScore, Turn};

/// A model on its thread, and what shows its work.
struct Floor {
    model: LocalModel,
    running: Running,
    probe: Probe,
}

fn settings() -> Settings {
    // To the step: what is guessed would come at once, and a scripted model repeats what it is told.
    Settings { speculation: false, prefix_cache: false, ..Settings::new(Arc::new(|| Duration::ZERO)) }
}

fn floor(script: Script) -> Floor {
    floor_with(script, settings())
}

fn floor_with(script: Script, settings: Settings) -> Floor {
    let probe = script.probe();
    let (model, running) = LocalModel::start(scripted::model(script), settings).expect("a thread");
    Floor { model, running, probe }
}

impl Floor {
    /// A greedy job for one answer to these words, from a caller of that name.
    fn job(&self, caller: &str, words: &str) -> Job {
        let turn = Turn::new(Speaker::User, words.to_owned());
        Job {
            caller: Arc::from(caller),
            owner: Arc::from(caller),
            prompt: self.model.codec().encode_chat(&[turn]).expect("any words"),
            begins_with: Vec::new(),
            choices: 1,
            answer_tokens_max: 500,
            sampling: Sampling::greedy(),
            stop: Vec::new(),
            form: None,
            listener: None,
            top_logprobs: None,
        }
    }

    fn ask(&self, caller: &str, words: &str) -> Answer {
        self.model.submit(self.job(caller, words)).expect("room in the queue")
    }

    /// Waits until nothing is held any more, and holds the books against that.
    async fn leaves_nothing(self) {
        let Self { model, running, probe } = self;
        probe.until(|seen| seen.live() == 0).await;
        drop(model);
        // Without handles the thread ends by itself.
        running.join();
        assert_eq!(probe.seen().live(), 0);
    }
}

/// One choice as its reader got it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Choice {
    text: String,
    scores: Vec<TokenScore>,
    finish: Option<(Finish, u32)>,
}

/// Reads an answer to its end: its choices by number, or the words with which it failed.
async fn read(mut answer: Answer) -> Result<Vec<Choice>, String> {
    let mut choices: Vec<Choice> = Vec::new();
    while let Some(event) = answer.next().await {
        let number = match &event {
            Event::Text { choice, .. } | Event::Finished { choice, .. } => *choice as usize,
            Event::Failed { message } => {
                assert_eq!(answer.next().await, None, "nothing follows a failure");
                return Err(message.clone());
            }
        };
        if choices.len() <= number {
            choices.resize_with(number + 1, Choice::default);
        }
        let choice = &mut choices[number];
        assert_eq!(choice.finish, None, "nothing follows the end");
        match event {
            Event::Text { text, tokens, .. } => {
                assert!(!text.is_empty() || !tokens.is_empty(), "an event that says nothing");
                choice.text.push_str(&text);
                choice.scores.extend(tokens);
            }
            Event::Finished { reason, completion_tokens, .. } => choice.finish = Some((reason, completion_tokens)),
            Event::Failed { .. } => {}
        }
    }
    assert!(choices.iter().all(|choice| choice.finish.is_some()), "an answer that just stops");
    Ok(choices)
}

/// The text of an answer with one choice.
async fn read_text(answer: Answer) -> String {
    let choices = read(answer).await.expect("an answer");
    assert_eq!(choices.len(), 1);
    choices[0].text.clone()
}

fn small(context: usize, batch: usize) -> Capacity {
    Capacity {
        context_tokens_max: context,
        cache_tokens_max: 10 * context,
        batch_tokens_max: batch,
        slots_max: 10,
        vocabulary: 0,
    }
}
