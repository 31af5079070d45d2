//! Measures the engine on a model file: one line of JSON with tokens per second of reading a prompt (512 tokens) and
//! of writing an answer (128 tokens), one sequence, greedy. `floor_bench MODEL [threads [rounds [kernels]]]`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measuring program prints and reads the clock")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use local_model::{Engine, Run, Token};
use local_model_cpu::{KernelChoice, Settings};

const PROMPT_TOKENS: usize = 512;
const ANSWER_TOKENS: usize = 128;
const SHORT_PROMPT_TOKENS: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let number =
        |index: usize, otherwise: usize| arguments.get(index).map_or(Ok(otherwise), |text| text.parse::<usize>());
    let path = arguments.get(1).ok_or("usage: floor_bench MODEL [threads [rounds [kernels]]]")?;
    let (threads, rounds) = (number(2, 0)?, number(3, 3)?.max(1));
    let kernels = match arguments.get(4).map(String::as_str) {
        None | Some("auto") => KernelChoice::Auto,
        Some("portable") => KernelChoice::Portable,
        Some("avx2") => KernelChoice::Avx2,
        Some("avx512") => KernelChoice::Avx512Vnni,
        Some(other) => return Err(format!("no kernels are named `{other}`").into()),
    };
    let start = Instant::now();
    let mut engine =
        local_model_cpu::load_engine(Path::new(path), &Settings { threads, kernels, ..Settings::default() })?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let (mut prefill, mut short, mut long) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (_, decode) = round(engine.as_mut(), SHORT_PROMPT_TOKENS)?;
        short.push(decode);
        let (read, decode) = round(engine.as_mut(), PROMPT_TOKENS)?;
        prefill.push(read);
        long.push(decode);
    }
    println!(
        "{{\"threads\":{threads},\"prefill_tokens_per_second\":{:.1},\"decode_tokens_per_second\":{:.1},\
         \"decode_after_prompt_tokens_per_second\":{:.1},\"load_ms\":{load_ms:.0},\"rounds\":{rounds}}}",
        median(&mut prefill),
        median(&mut short),
        median(&mut long),
    );
    Ok(())
}

/// Tokens per second of reading a prompt, and of writing after it.
fn round(engine: &mut dyn Engine, prompt_tokens: usize) -> Result<(f64, f64), Box<dyn Error>> {
    let capacity = engine.capacity();
    // Any tokens will do: the arithmetic is the same. They differ, so that no cache of rows helps.
    let prompt: Vec<Token> =
        (0..prompt_tokens).map(|index| ((index * 7919 + 13) % capacity.vocabulary) as Token).collect();
    let slot = engine.reserve(prompt_tokens + ANSWER_TOKENS).ok_or("the cache has no room")?;
    let start = Instant::now();
    let mut token = 0;
    let mut position = 0;
    for part in prompt.chunks(capacity.batch_tokens_max) {
        let wants_logits = position + part.len() == prompt.len();
        token = greedy(engine, Run { slot, position, tokens: part, wants_logits })?;
        position += part.len();
    }
    let read = prompt_tokens as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    for position in prompt_tokens..prompt_tokens + ANSWER_TOKENS {
        token = greedy(engine, Run { slot, position, tokens: &[token], wants_logits: true })?;
    }
    let written = ANSWER_TOKENS as f64 / start.elapsed().as_secs_f64();
    engine.release(slot);
    Ok((read, written))
}

fn greedy(engine: &mut dyn Engine, run: Run<'_>) -> Result<Token, Box<dyn Error>> {
    let logits = engine.forward(&[run])?;
    let row = logits.rows().next().unwrap_or_default();
    let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    Ok(best.map_or(0, |(token, _)| token as Token))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
