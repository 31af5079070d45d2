//! How well the engine predicts a text: one line of JSON with the perplexity over pieces of it, and the tokens, so that
//! another engine can be asked about the very same. `floor_perplexity MODEL TEXT [threads [pieces at once [kernels]]]`
//!
//! Each piece is a sequence of its own. How many are computed at once decides what they are computed with: few rows as
//! whole numbers, many (48 and more, with matrix registers) as bfloat16s.
#![expect(clippy::print_stdout, reason = "a measuring program prints")]

use std::error::Error;
use std::path::Path;

use local_model::{Engine, Run, Slot, Token};
use local_model_cpu::Settings;
use serde_json::json;

/// Tokens of a piece; the first of them is not predicted.
const PIECE_TOKENS: usize = 128;
const PIECES: usize = 48;

const USAGE: &str = "usage: floor_perplexity MODEL TEXT [threads [pieces at once [kernels]]]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let text = std::fs::read_to_string(argument(2).ok_or(USAGE)?)?;
    let threads: usize = argument(3).unwrap_or("0").parse()?;
    let at_once: usize = argument(4).unwrap_or("48").parse()?;
    let kernels = argument(5).unwrap_or("auto").parse()?;
    let settings = Settings { threads, kernels, ..Settings::default() };
    let mut model = local_model_cpu::load(Path::new(argument(1).ok_or(USAGE)?), &settings)?;
    let tokens = model.codec.encode(&text)?;
    let pieces: Vec<&[Token]> = tokens.chunks_exact(PIECE_TOKENS).take(PIECES).collect();
    if pieces.is_empty() {
        return Err(format!("the text is shorter than a piece of {PIECE_TOKENS} tokens; give a longer one").into());
    }
    let mut surprise = 0.0;
    for pieces in pieces.chunks(at_once.max(1)) {
        surprise += surprise_of(model.engine.as_mut(), pieces)?;
    }
    let predicted = pieces.len() * (PIECE_TOKENS - 1);
    let perplexity = (surprise / predicted as f64).exp();
    println!("{}", json!({ "perplexity": perplexity, "predicted": predicted, "pieces": pieces }));
    Ok(())
}

/// The sum of −ln p over all tokens of the pieces but the first ones.
fn surprise_of(engine: &mut dyn Engine, pieces: &[&[Token]]) -> Result<f64, Box<dyn Error>> {
    let slots: Vec<Slot> = pieces
        .iter()
        .map(|piece| engine.reserve(piece.len()).ok_or("the cache has no room for so many pieces at once"))
        .collect::<Result<_, _>>()?;
    let mut surprise = 0.0;
    for position in 0..PIECE_TOKENS - 1 {
        let run = |(slot, piece): (&Slot, &&'_ [Token])| (*slot, piece[position]);
        let now: Vec<(Slot, Token)> = slots.iter().zip(pieces).map(run).collect();
        let runs: Vec<Run<'_>> = now
            .iter()
            .map(|(slot, token)| Run { slot: *slot, position, tokens: std::slice::from_ref(token), logits: 1 })
            .collect();
        for (row, piece) in engine.forward(&runs)?.rows().zip(pieces) {
            surprise -= log_probability(row, piece[position + 1]);
        }
    }
    for slot in slots {
        engine.release(slot);
    }
    Ok(surprise)
}

fn log_probability(logits: &[f32], token: Token) -> f64 {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|logit| f64::from(logit - greatest).exp()).sum();
    f64::from(logits[token as usize] - greatest) - total.ln()
}
