//! Real models against goldens that other programs computed from the same files: Hugging Face's transformers in 32-bit
//! floats from the dequantised weights, and llama.cpp.
//!
//! The files are named by two environment variables; without them these tests say that they are left out.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use local_model::{Engine, LoadedModel, Run, Speaker, TextCodec, Token, Turn};
use local_model_cpu::{Settings, load};
use serde_json::Value;

/// How far a model's answers may be from those in 32-bit floats, in natural logarithms.
struct Bounds {
    /// Between log-probabilities of the 20 likeliest tokens after a prompt.
    logprob: f64,
    /// Kullback-Leibler divergence after a prompt, over those tokens.
    divergence: f64,
    /// Between mean log-likelihoods of a passage of 256 tokens.
    mean_logprob: f64,
    /// A greedy answer may part from the reference only where its two likeliest tokens are closer than this.
    near_tie: f64,
}

#[test]
fn the_starter_model_answers_as_in_32_bit_floats() {
    // llama.cpp, whose activations are rounded alike, is as far away: see `llama_cpp` in the golden.
    let bounds = Bounds { logprob: 0.6, divergence: 0.02, mean_logprob: 0.01, near_tie: 0.25 };
    check("GWANMUN_TEST_MODEL", "smollm2.json", &bounds);
}

#[test]
fn the_large_model_answers_as_in_32_bit_floats() {
    let bounds = Bounds { logprob: 0.3, divergence: 0.01, mean_logprob: 0.01, near_tie: 0.15 };
    check("GWANMUN_TEST_MODEL_LARGE", "qwen.json", &bounds);
}

/// The starter model in Hugging Face's form, as `testdata/make_folder.py` makes it of its file, in bfloat16.
#[test]
fn the_starter_model_answers_from_a_folder_as_in_32_bit_floats() {
    let Some(path) = model_path("GWANMUN_TEST_FOLDER") else {
        println!("left out: GWANMUN_TEST_FOLDER names no folder");
        return;
    };
    let settings = Settings { cache_bytes: 256 << 20, ..Settings::default() };
    let LoadedModel { engine, codec, card } = load(&path, &settings).unwrap();
    println!("{card:?}");
    let golden = testdata("smollm2.json");
    tokens_are_the_same(&*codec, &golden);
    let bounds = Bounds { logprob: 0.6, divergence: 0.02, mean_logprob: 0.01, near_tie: 0.25 };
    answers_are_close(&mut Model { engine, codec }, &golden["transformers"], &bounds);
}

fn check(variable: &str, golden: &str, bounds: &Bounds) {
    let Some(path) = model_path(variable) else {
        println!("left out: {variable} names no model file");
        return;
    };
    let golden = testdata(golden);
    let bytes = fs::metadata(&path).unwrap().len();
    assert_eq!(Some(bytes), golden["model"]["bytes"].as_u64(), "{} is not the golden's file", path.display());
    let settings = Settings { cache_bytes: 256 << 20, ..Settings::default() };
    let LoadedModel { engine, codec, .. } = load(&path, &settings).unwrap();
    let mut model = Model { engine, codec };
    tokens_are_the_same(&*model.codec, &golden);
    answers_are_close(&mut model, &golden["transformers"], bounds);
}

/// The file that the test runner names so.
#[expect(clippy::disallowed_methods, reason = "the test runner names the models' files so")]
pub(crate) fn model_path(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn testdata(name: &str) -> Value {
    let path = format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn tokens_are_the_same(codec: &dyn TextCodec, golden: &Value) {
    let corpus = testdata("texts.json");
    let sentences = corpus["sentences"].as_array().unwrap();
    let mut differs = Vec::new();
    for (at, sentence) in sentences.iter().enumerate() {
        let text = sentence.as_str().unwrap();
        let tokens = codec.encode(text).unwrap();
        assert_eq!(tokens, numbers::<Token>(&golden["transformers"]["sentences"][at]), "{text:?}");
        if tokens != numbers::<Token>(&golden["llama_cpp"]["sentences"][at]) {
            differs.push(text);
        }
    }
    println!("{} texts as the published tokenizer; llama.cpp differs at {differs:?}", sentences.len());
    for chat in golden["transformers"]["chats"].as_array().unwrap() {
        let turns: Vec<Turn> = chat["turns"].as_array().unwrap().iter().map(turn).collect();
        assert_eq!(codec.encode_chat(&turns).unwrap(), numbers::<Token>(&chat["ids"]), "{}", chat["text"]);
    }
}

fn turn(turn: &Value) -> Turn {
    let speakers = [Speaker::System, Speaker::User, Speaker::Assistant];
    let speaker = speakers.into_iter().find(|speaker| Some(speaker.role()) == turn[0].as_str()).unwrap();
    Turn::new(speaker, turn[1].as_str().unwrap().to_owned())
}

fn answers_are_close(model: &mut Model, golden: &Value, bounds: &Bounds) {
    let (mut apart_max, mut divergence_max): (f64, f64) = (0.0, 0.0);
    for (at, prompt) in golden["prompts"].as_array().unwrap().iter().enumerate() {
        let ids: Vec<Token> = numbers(&prompt["ids"]);
        let top = likeliest(&prompt["top"]);
        let greedy: Vec<Token> = numbers(&prompt["greedy"]);
        let margins: Vec<f64> = numbers(&prompt["margins"]);
        let mut sequence = model.sequence(ids.len() + greedy.len());
        let mut row = sequence.next(&ids);
        let apart = top.iter().map(|(token, logprob)| (row[*token as usize] - logprob).abs()).fold(0.0, f64::max);
        let divergence: f64 = top.iter().map(|(token, logprob)| logprob.exp() * (logprob - row[*token as usize])).sum();
        (apart_max, divergence_max) = (apart_max.max(apart), divergence_max.max(divergence.abs()));
        let mut same = 0;
        for (expected, margin) in greedy.iter().zip(margins) {
            let ours = likeliest_of(&row);
            if ours != *expected {
                let words = format!("prompt {at}: parts after {same} tokens, where the margin is {margin}");
                assert!(margin < bounds.near_tie, "{words}");
                println!("{words}");
                break;
            }
            same += 1;
            row = sequence.next(&[ours]);
        }
        println!("prompt {at}: top 20 within {apart:.4}, divergence {divergence:.5}, {same} greedy tokens the same");
    }
    let passage: Vec<Token> = numbers(&golden["passage"]["ids"]);
    let mean_logprob = model.mean_logprob(&passage);
    let reference = golden["passage"]["mean_logprob"].as_f64().unwrap();
    println!("passage: {mean_logprob:.5} for {reference:.5}");
    assert!(apart_max < bounds.logprob, "log-probabilities are {apart_max} apart");
    assert!(divergence_max < bounds.divergence, "divergence is {divergence_max}");
    assert!((mean_logprob - reference).abs() < bounds.mean_logprob, "{mean_logprob} for {reference}");
}

struct Model {
    engine: Box<dyn Engine>,
    codec: Arc<dyn TextCodec>,
}

impl Model {
    fn sequence(&mut self, tokens: usize) -> Sequence<'_> {
        let slot = self.engine.reserve(tokens).expect("room for one sequence");
        Sequence { model: self, slot, position: 0 }
    }

    fn mean_logprob(&mut self, tokens: &[Token]) -> f64 {
        let mut sequence = self.sequence(tokens.len());
        let pairs = tokens.windows(2);
        let total: f64 = pairs.map(|pair| sequence.next(&pair[..1])[pair[1] as usize]).sum();
        total / (tokens.len() - 1) as f64
    }
}

struct Sequence<'a> {
    model: &'a mut Model,
    slot: local_model::Slot,
    position: usize,
}

impl Sequence<'_> {
    /// Log-probabilities after further tokens.
    fn next(&mut self, tokens: &[Token]) -> Vec<f64> {
        let run = Run { slot: self.slot, position: self.position, tokens, logits: 1 };
        self.position += tokens.len();
        let logits = self.model.engine.forward(&[run]).unwrap();
        let row: Vec<f64> = logits.rows().next().unwrap().iter().copied().map(f64::from).collect();
        let peak = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total = row.iter().map(|logit| (logit - peak).exp()).sum::<f64>().ln();
        row.iter().map(|logit| logit - peak - total).collect()
    }
}

impl Drop for Sequence<'_> {
    fn drop(&mut self) {
        self.model.engine.release(self.slot);
    }
}

fn likeliest_of(row: &[f64]) -> Token {
    let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(token, _)| token as Token)
}

fn likeliest(text: &Value) -> HashMap<Token, f64> {
    let pairs = text.as_str().unwrap().split(' ').map(|pair| pair.split_once(':').unwrap());
    pairs.map(|(token, logprob)| (token.parse().unwrap(), logprob.parse().unwrap())).collect()
}

fn numbers<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &Value) -> Vec<T> {
    text.as_str().unwrap().split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// 100 KB of prose, and of one word without an end, in well under a second each.
#[test]
fn long_texts_are_encoded_quickly() {
    let Some(path) = model_path("GWANMUN_TEST_MODEL") else {
        println!("left out: GWANMUN_TEST_MODEL names no model file");
        return;
    };
    let settings = Settings { cache_bytes: 64 << 20, ..Settings::default() };
    let codec = load(&path, &settings).unwrap().codec;
    let corpus = testdata("texts.json");
    let passages: Vec<&str> =
        corpus["passages"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let prose = passages.join("\n").repeat(40);
    let texts = [
        ("prose", prose),
        ("one word", "a".repeat(100_000)),
        ("blanks", " ".repeat(100_000) + "x"),
        ("hangul", "가나다라마바사".repeat(5_000)),
    ];
    for (name, text) in texts {
        #[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
        let begin = std::time::Instant::now();
        let tokens = codec.encode(&text).unwrap().len();
        let took = begin.elapsed();
        println!("{name}: {} bytes, {tokens} tokens in {took:?}", text.len());
        assert!(took.as_secs() < 5, "{name} took {took:?}");
    }
}
