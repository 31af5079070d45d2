//! How likely a token was in the model's own distribution, before anything was done to it. Pure.

use crate::sampling::usable;
use crate::{TextCodec, Token, TokenScore, exponential};

/// Logits whose exponentials are summed at once, without a buffer of the vocabulary's size.
const BLOCK: usize = 256;

/// What OpenAI's API tells for a token that is all but impossible; JSON has no negative infinity.
const LOGPROB_MIN: f32 = -9_999.0;

/// The score of `token` with its `top` likeliest rivals, itself included where it is among them.
pub(crate) fn score(logits: &[f32], token: Token, top: u8, codec: &dyn TextCodec) -> TokenScore {
    let normal = log_sum_of_exponentials(logits);
    let logprob = |logit: f32| {
        #[expect(clippy::cast_possible_truncation, reason = "a log-probability needs no more than an f32 holds")]
        let logprob = (f64::from(usable(logit)) - normal) as f32;
        logprob.clamp(LOGPROB_MIN, 0.0)
    };
    let chosen = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    let top = likeliest(logits, usize::from(top));
    let told = |(token, logit): (Token, f32)| (token, codec.bytes(token).to_vec(), logprob(logit));
    TokenScore {
        token,
        bytes: codec.bytes(token).to_vec(),
        logprob: logprob(chosen),
        top: top.into_iter().map(told).collect(),
    }
}

fn log_sum_of_exponentials(logits: &[f32]) -> f64 {
    let max = logits.iter().copied().map(usable).fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    let mut block = [0.0; BLOCK];
    for logits in logits.chunks(BLOCK) {
        block.fill(0.0);
        for (power, &logit) in block.iter_mut().zip(logits) {
            *power = exponential::of_negative(usable(logit) - max);
        }
        sum += exponential::sum(&block);
    }
    f64::from(max) + sum.ln()
}

/// The `count` highest logits, highest first, equals in the order of the vocabulary. One pass: `count` is 20 at most in
/// the APIs that ask, and a newcomer seldom gets in.
fn likeliest(logits: &[f32], count: usize) -> Vec<(Token, f32)> {
    let mut best: Vec<(Token, f32)> = Vec::with_capacity(count + 1);
    for (token, &logit) in (0..).zip(logits) {
        let logit = usable(logit);
        if best.len() < count || best.last().is_some_and(|&(_, worst)| logit > worst) {
            let place = best.partition_point(|&(_, better)| better >= logit);
            best.insert(place, (token, logit));
            best.truncate(count);
        }
    }
    best
}

#[cfg(test)]
mod tests;
