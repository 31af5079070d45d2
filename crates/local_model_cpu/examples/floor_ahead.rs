//! Measures, through the floor's own thread, what need not be computed again and what is computed ahead: the time to the first token
//! of a long prompt asked twice, and the pace of answers with and without guesses. Prints one line of JSON.
//! `floor_ahead MODEL [threads]`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measuring program prints and reads the clock")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use local_model::{Event, Job, LocalModel, Sampling, Settings, Speaker, Stop, Turn};
use serde_json::{Map, Value, json};

const USAGE: &str = "usage: floor_ahead MODEL [threads]";
const ANSWER_TOKENS: u32 = 192;
/// Measured so often, by turns; the middle one counts.
const ROUNDS: usize = 5;

/// Instructions of the length that assistants are given in practice, some 500 tokens.
const INSTRUCTION: &str =
    "You answer people who write to a town hall. Be polite, name the office, its hours and what to bring. ";
const INSTRUCTION_TIMES: usize = 22;

/// What is asked, and how much of the answer stands in the question or in the answer itself.
const TASKS: [(&str, &str); 3] = [
    ("story", "Tell me a long story about a river and the people who live beside it."),
    ("list", "Write the numbers from 1 to 60 as a list, each with the word `number` before it."),
    (
        "copy",
        "Repeat this text word for word, three times: The town hall opens at nine in the morning and closes at five in the afternoon. \
         Bring your identity card, a recent photograph and the letter that you were sent.",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let path = Path::new(argument(1).ok_or(USAGE)?);
    let threads: usize = argument(2).unwrap_or("0").parse()?;
    let mut told = Map::new();
    let mut floors = Vec::new();
    for on in [false, true] {
        let settings = local_model_cpu::Settings { threads, ..local_model_cpu::Settings::default() };
        let loaded = local_model_cpu::load(path, &settings)?;
        let begun = Instant::now();
        let clock: local_model::Clock = Arc::new(move || begun.elapsed());
        floors.push(LocalModel::start(loaded, Settings { prefix_cache: on, speculation: on, ..Settings::new(clock) })?);
    }
    for (name, question) in TASKS {
        let mut paces = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (paces, (model, _)) in paces.iter_mut().zip(&floors) {
                let asked = ask(model, "", question)?;
                paces.push(f64::from(asked.tokens) / asked.after_first.as_secs_f64());
            }
        }
        let [plain, ahead] = paces.map(middle);
        told.insert(name.to_owned(), json!({"plain": plain, "ahead": ahead, "ratio": ahead / plain}));
    }
    let load = floors[1].0.load();
    told.insert("drafted".to_owned(), json!(load.draft_tokens_total));
    told.insert("accepted".to_owned(), json!(load.draft_tokens_accepted_total));
    let instructions = INSTRUCTION.repeat(INSTRUCTION_TIMES);
    let first = |model: &LocalModel, question: &str| -> Result<(f64, usize), Box<dyn Error>> {
        let asked = ask(model, &instructions, question)?;
        Ok((asked.first.as_secs_f64() * 1000.0, asked.cached))
    };
    let (first_time, _) = first(&floors[1].0, "When do you open?")?;
    let mut times = [Vec::new(), Vec::new()];
    let mut cached = 0;
    for number in 0..ROUNDS {
        let question = format!("When does office {number} open?");
        times[0].push(first(&floors[0].0, &question)?.0);
        let (time, known) = first(&floors[1].0, &question)?;
        times[1].push(time);
        cached = known;
    }
    let [plain, known] = times.map(middle);
    told.insert(
        "first_token_ms".to_owned(),
        json!({"first_time": first_time, "computed": plain, "cached": known, "ratio": plain / known}),
    );
    told.insert("cached_tokens".to_owned(), json!(cached));
    for (model, running) in floors {
        drop(model);
        running.stop(Stop::Cancel);
    }
    println!("{}", Value::Object(told));
    Ok(())
}

/// How an answer came.
struct Asked {
    tokens: u32,
    cached: usize,
    first: Duration,
    after_first: Duration,
}

fn ask(model: &LocalModel, instructions: &str, question: &str) -> Result<Asked, Box<dyn Error>> {
    let mut turns = vec![Turn::new(Speaker::User, question.to_owned())];
    if !instructions.is_empty() {
        turns.insert(0, Turn::new(Speaker::System, instructions.to_owned()));
    }
    let job = Job {
        caller: Arc::from("bench"),
        owner: Arc::from("bench"),
        prompt: model.codec().encode_chat(&turns)?,
        begins_with: Vec::new(),
        choices: 1,
        answer_tokens_max: if instructions.is_empty() { ANSWER_TOKENS } else { 1 },
        sampling: Sampling::greedy(),
        stop: Vec::new(),
        form: None,
        listener: None,
        top_logprobs: None,
    };
    let begun = Instant::now();
    let mut answer = model.submit(job)?;
    let mut first = None;
    while let Some(event) = answer.blocking_next() {
        let first = *first.get_or_insert_with(|| begun.elapsed());
        match event {
            Event::Text { .. } => {}
            Event::Finished { completion_tokens, cached_tokens, .. } => {
                let after_first = begun.elapsed().saturating_sub(first);
                return Ok(Asked { tokens: completion_tokens, cached: cached_tokens, first, after_first });
            }
            Event::Failed { message } => return Err(message.into()),
        }
    }
    Err("the answer ended without an end".into())
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
