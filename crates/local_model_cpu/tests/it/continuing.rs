//! The real model goes on with an answer that was cut: greedy, it says what it would have said. Where it does not, two tokens were as
//! likely as each other there, and how the engine rounds decided: a prompt computed at once is rounded otherwise than the same tokens
//! one by one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use local_model::{Answer, Continuation, Event, Job, LocalModel, Sampling, Speaker, TokenScore, Turn};
use local_model_cpu::{Settings, load};

use crate::goldens::model_path;

/// Tokens of the answers that are cut, and of those that go on, beyond what was taken back.
const ANSWER_TOKENS: u32 = 48;
const GOING_ON_TOKENS: u32 = 16;
/// Between two cuts, in characters: they fall between words, within them, and within tokens.
const STEP: usize = 11;
/// The likeliest token and the next are as likely as each other where their log-probabilities are no further apart. Where a prompt
/// is read in bfloat16 (AMX) and answers are written with 8-bit activations, that is further than where both are rounded alike.
const NEAR_TIE: f32 = 0.35;
/// Places, of all the answers' tokens, at which some cut goes on otherwise: near ties are rare. (Every cut before such a place meets it.)
const PLACES_MAX: usize = 6;

const ASKED: [&str; 4] = [
    "Describe the river that flows through Seoul in three sentences.",
    "Write a short list of five fruits with one word about each.",
    "Décrivez la Seine en deux phrases.",
    "서울을 두 문장으로 소개해 주세요.",
];

fn job(model: &LocalModel, asked: &str) -> Job {
    let turn = Turn::new(Speaker::User, asked.to_owned());
    Job {
        owner: Arc::from(""),
        caller: Arc::from("test"),
        prompt: model.codec().encode_chat(&[turn]).unwrap(),
        begins_with: Vec::new(),
        choices: 1,
        answer_tokens_max: ANSWER_TOKENS,
        sampling: Sampling::greedy(),
        stop: Vec::new(),
        form: None,
        listener: None,
        top_logprobs: None,
    }
}

/// All that is said, and its tokens where they were asked for.
fn said(mut answer: Answer) -> (String, Vec<TokenScore>) {
    let (mut text, mut scores) = (String::new(), Vec::new());
    while let Some(event) = answer.blocking_next() {
        match event {
            Event::Text { text: more, tokens, .. } => {
                text.push_str(&more);
                scores.extend(tokens);
            }
            Event::Finished { .. } => {}
            Event::Failed { message } => panic!("{message}"),
        }
    }
    // The limit may fall into a character: what is left of that is no text of the model's.
    text.truncate(text.trim_end_matches('\u{fffd}').len());
    (text, scores)
}

/// An answer that was given without a cut.
struct Whole {
    asked: &'static str,
    text: String,
    scores: Vec<TokenScore>,
}

impl Whole {
    /// How far apart the two likeliest tokens were where byte `at` was said: at the token that holds it, or the one before, for two
    /// tokens can begin with the same bytes.
    fn margin(&self, at: usize) -> f32 {
        let (mut begins, mut before) = (0, f32::INFINITY);
        for score in &self.scores {
            let margin = score.top[0].2 - score.top[1].2;
            begins += score.bytes.len();
            if begins > at {
                return margin.min(before);
            }
            before = margin;
        }
        before
    }
}

#[test]
fn a_cut_answer_is_gone_on_with_as_it_would_have_been() {
    let Some(path) = model_path("GWANMUN_TEST_MODEL") else {
        println!("left out: GWANMUN_TEST_MODEL names no model file");
        return;
    };
    let settings = Settings { cache_bytes: 128 << 20, ..Settings::default() };
    let loaded = load(&path, &settings).unwrap();
    let clock = Arc::new(|| Duration::ZERO);
    let (model, running) = LocalModel::start(loaded, local_model::Settings::new(clock)).unwrap();
    let wholes = ASKED.map(|asked| (asked, model.submit(Job { top_logprobs: Some(2), ..job(&model, asked) }).unwrap()));
    let wholes = wholes.map(|(asked, answer)| {
        let (text, scores) = said(answer);
        Whole { asked, text, scores }
    });
    let mut cuts = Vec::new();
    for whole in &wholes {
        for at in whole.text.char_indices().map(|(at, _)| at).skip(3).step_by(STEP) {
            let begun = Continuation::of(&whole.text[..at], model.codec()).unwrap();
            let mut job = job(&model, whole.asked);
            job.answer_tokens_max = GOING_ON_TOKENS + u32::try_from(begun.taken_back).unwrap();
            job.prompt.extend(begun.tokens);
            job.begins_with = begun.begins_with;
            cuts.push((whole, at, model.submit(job).unwrap()));
        }
    }
    let (all, mut exact, mut places) = (cuts.len(), 0, BTreeSet::new());
    for (whole, at, answer) in cuts {
        let (went_on, _) = said(answer);
        let rest = &whole.text[at..];
        let same = went_on.bytes().zip(rest.bytes()).take_while(|(one, other)| one == other).count();
        if same == went_on.len().min(rest.len()) {
            exact += 1;
            continue;
        }
        let margin = whole.margin(at + same);
        let words = format!("{:?} went on {went_on:?}, not {rest:?}: the margin is {margin}", &whole.text[..at]);
        println!("{words}");
        assert!(margin < NEAR_TIE, "{words}");
        places.insert((whole.asked, at + same));
    }
    println!("{all} cuts, {exact} went on exactly, others left at {} places", places.len());
    drop(model);
    running.join();
    assert!(all > 20 && exact * 4 > all && places.len() <= PLACES_MAX, "{all} cuts, {exact} exact, left at {places:?}");
}
