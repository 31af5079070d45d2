//! Measures the engine on a model file and prints one line of JSON: tokens a second of reading prompts and of writing
//! answers, greedy, for one sequence and for several at once; time to the first token; how much of the memory's speed
//! writing reaches; time to load; peak memory. `floor_bench MODEL [threads [sequences,sequences... [kernels]]]`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measuring program prints and reads the clock")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use local_model::{Engine, Run, Slot, Token};
use local_model_cpu::{MemoryReader, Settings};
use serde_json::{Map, Value, json};

/// The same as `llama_bench.py`'s.
const PROMPT_TOKENS: usize = 512;
const SHORT_PROMPT_TOKENS: usize = 16;
const ANSWER_TOKENS: usize = 128;
/// Of each of several sequences.
const SHARED_PROMPT_TOKENS: usize = 64;
const SHARED_ANSWER_TOKENS: usize = 32;
/// Times that memory is read; the fastest counts.
const READS: usize = 4;

const USAGE: &str = "usage: floor_bench MODEL [threads [sequences,sequences... [kernels]]]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let path = Path::new(argument(1).ok_or(USAGE)?);
    let threads: usize = argument(2).unwrap_or("0").parse()?;
    let sequences: Vec<usize> = argument(3).unwrap_or("1").split(',').map(str::parse).collect::<Result<_, _>>()?;
    let kernels = argument(4).unwrap_or("auto").parse()?;
    let mut told = Map::new();
    told.insert("threads".to_owned(), json!(threads));
    let start = Instant::now();
    let settings = Settings { threads, kernels, ..Settings::default() };
    let mut engine = local_model_cpu::load_engine(path, &settings)?;
    told.insert("load_ms".to_owned(), json!(milliseconds(start)));
    for count in sequences {
        if count == 1 {
            alone(engine.as_mut(), &mut told)?;
        } else {
            together(engine.as_mut(), count, &mut told)?;
        }
    }
    told.insert("peak_mib".to_owned(), json!(peak_mib()));
    drop(engine);
    memory(path, threads, &mut told)?;
    println!("{}", Value::Object(told));
    Ok(())
}

/// One sequence, after a long prompt and after a short one.
fn alone(engine: &mut dyn Engine, told: &mut Map<String, Value>) -> Result<(), Box<dyn Error>> {
    round(engine, 1, SHORT_PROMPT_TOKENS, 1)?;
    let short = round(engine, 1, SHORT_PROMPT_TOKENS, ANSWER_TOKENS)?;
    let long = round(engine, 1, PROMPT_TOKENS, ANSWER_TOKENS)?;
    told.insert("prefill_tokens_per_second".to_owned(), json!(long.read));
    told.insert("decode_tokens_per_second".to_owned(), json!(short.written));
    told.insert("decode_after_prompt_tokens_per_second".to_owned(), json!(long.written));
    told.insert("first_token_ms".to_owned(), json!(long.first_token_ms));
    Ok(())
}

/// Several sequences, their prompts read and their answers written together.
fn together(engine: &mut dyn Engine, count: usize, told: &mut Map<String, Value>) -> Result<(), Box<dyn Error>> {
    let round = round(engine, count, SHARED_PROMPT_TOKENS, SHARED_ANSWER_TOKENS)?;
    told.insert(format!("prefill_of_{count}_tokens_per_second"), json!(round.read));
    told.insert(format!("decode_of_{count}_tokens_per_second"), json!(round.written));
    Ok(())
}

/// How fast as much memory as the weights take is read plainly, and what part of that writing reaches.
fn memory(path: &Path, threads: usize, told: &mut Map<String, Value>) -> Result<(), Box<dyn Error>> {
    let bytes = local_model_cpu::file_sizes(path)?.read_bytes as usize;
    let mut reader = MemoryReader::new(bytes, threads)?;
    reader.read();
    let mut fastest = f64::INFINITY;
    for _ in 0..READS {
        let start = Instant::now();
        reader.read();
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let plain = bytes as f64 / fastest;
    told.insert("bytes_a_token".to_owned(), json!(bytes));
    told.insert("plain_reading_gb_per_second".to_owned(), json!(plain / 1e9));
    if let Some(written) = told.get("decode_tokens_per_second").and_then(Value::as_f64) {
        told.insert("bandwidth_reached".to_owned(), json!(written * bytes as f64 / plain));
    }
    Ok(())
}

struct Round {
    /// Tokens a second of all prompts.
    read: f64,
    /// Tokens a second of all answers.
    written: f64,
    first_token_ms: f64,
}

/// Reads a prompt of each sequence, then writes an answer of each.
fn round(
    engine: &mut dyn Engine,
    sequences: usize,
    prompt_tokens: usize,
    answer_tokens: usize,
) -> Result<Round, Box<dyn Error>> {
    let capacity = engine.capacity();
    // Any tokens will do: the arithmetic is the same. They differ, so that no cache of rows helps.
    let prompt: Vec<Token> =
        (0..prompt_tokens).map(|index| ((index * 7919 + 13) % capacity.vocabulary) as Token).collect();
    let slots: Vec<Slot> = (0..sequences)
        .map(|_| engine.reserve(prompt_tokens + answer_tokens).ok_or("the cache has no room"))
        .collect::<Result<_, _>>()?;
    let start = Instant::now();
    let mut tokens = Vec::new();
    let part = (capacity.batch_tokens_max / sequences).clamp(1, prompt_tokens);
    let mut position = 0;
    while position < prompt_tokens {
        let end = (position + part).min(prompt_tokens);
        let run =
            |slot| Run { slot, position, tokens: &prompt[position..end], logits: usize::from(end == prompt_tokens) };
        tokens = greedy(engine, &slots.iter().map(|slot| run(*slot)).collect::<Vec<_>>())?;
        position = end;
    }
    let first_token_ms = milliseconds(start);
    let read = (sequences * prompt_tokens) as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    for position in prompt_tokens..prompt_tokens + answer_tokens {
        let last = tokens;
        let run =
            |(slot, token): (&Slot, _)| Run { slot: *slot, position, tokens: std::slice::from_ref(token), logits: 1 };
        tokens = greedy(engine, &slots.iter().zip(&last).map(run).collect::<Vec<_>>())?;
    }
    let written = (sequences * answer_tokens) as f64 / start.elapsed().as_secs_f64();
    for slot in slots {
        engine.release(slot);
    }
    Ok(Round { read, written, first_token_ms })
}

fn greedy(engine: &mut dyn Engine, runs: &[Run<'_>]) -> Result<Vec<Token>, Box<dyn Error>> {
    let best = |row: &[f32]| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(token, _)| token as Token)
    };
    Ok(engine.forward(runs)?.rows().map(best).collect())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The most memory that the process has had, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}
