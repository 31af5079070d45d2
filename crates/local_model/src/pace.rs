//! How fast the model goes: how much of the prompts a step may hold so that streams keep their pace, and when a refused
//! caller may hope again. Pure; is told how long things took.

use std::time::Duration;

/// How long a step may take while answers stream: 20 tokens a second for each stream, some three times as fast as people
/// read.
const STEP_TIME_MAX: Duration = Duration::from_millis(50);

/// Tokens of prompts in a step, at first: at the 1,900 tokens a second of a small model on two cores, 34 ms.
const PROMPT_TOKENS_FIRST: usize = 64;

/// Tokens of prompts in a step, at least: fewer would read all weights for next to nothing, and prompts would never end.
const PROMPT_TOKENS_MIN: usize = 16;

/// How long a measurement of speed counts: long enough to average prompts and answers, short enough to notice a change.
const MEMORY: Duration = Duration::from_secs(30);

/// Share of a new answer's length in the mean: the last twenty or so count.
const ANSWER_SHARE: f64 = 0.05;

/// The longest time that a caller is told to wait: beyond an hour an estimate means nothing.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// What a caller is told while nothing has been measured.
const RETRY_AFTER_UNMEASURED: Duration = Duration::from_secs(5);

/// What has been measured lately.
#[derive(Debug)]
pub(crate) struct Pace {
    prompt_tokens: usize,
    prompt_tokens_max: usize,
    tokens_per_second: Option<f64>,
    answer_tokens: Option<f64>,
}

/// What one step held and took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) prompt_tokens: usize,
    pub(crate) answer_tokens: usize,
    pub(crate) took: Duration,
}

impl Pace {
    /// `batch_tokens_max`: what a step can hold at all.
    pub(crate) fn new(batch_tokens_max: usize) -> Self {
        let prompt_tokens_max = batch_tokens_max.max(1);
        let prompt_tokens = PROMPT_TOKENS_FIRST.min(prompt_tokens_max);
        Self { prompt_tokens, prompt_tokens_max, tokens_per_second: None, answer_tokens: None }
    }

    /// Tokens of prompts that a step may hold while answers stream.
    pub(crate) fn prompt_tokens(&self) -> usize {
        self.prompt_tokens
    }

    /// Learns from a step.
    pub(crate) fn measure(&mut self, step: Step) {
        let mixed = step.prompt_tokens > 0 && step.answer_tokens > 0;
        if mixed && step.took > STEP_TIME_MAX {
            self.prompt_tokens = (self.prompt_tokens / 2).max(PROMPT_TOKENS_MIN).min(self.prompt_tokens_max);
        } else if mixed && step.took < STEP_TIME_MAX / 2 && step.prompt_tokens >= self.prompt_tokens {
            self.prompt_tokens = self.prompt_tokens.saturating_mul(2).min(self.prompt_tokens_max);
        }
        let seconds = step.took.as_secs_f64();
        if seconds > 0.0 {
            let measured = count(step.prompt_tokens + step.answer_tokens) / seconds;
            let share = 1.0 - (-seconds / MEMORY.as_secs_f64()).exp();
            self.tokens_per_second = Some(mean(self.tokens_per_second, measured, share));
        }
    }

    /// Learns from a complete answer.
    pub(crate) fn measure_answer(&mut self, tokens: u32) {
        self.answer_tokens = Some(mean(self.answer_tokens, f64::from(tokens), ANSWER_SHARE));
    }

    /// Tokens that a sequence is likely to take: its prompt, and an answer as long as answers have been lately.
    pub(crate) fn tokens_likely(&self, prompt: usize, answer_tokens_max: u32) -> f64 {
        let longest = f64::from(answer_tokens_max);
        count(prompt) + self.answer_tokens.map_or(longest, |mean| mean.min(longest))
    }

    /// How long this much work takes: about as long as a caller would have waited in the queue behind it.
    pub(crate) fn time_for(&self, tokens: f64) -> Duration {
        let Some(tokens_per_second) = self.tokens_per_second else { return RETRY_AFTER_UNMEASURED };
        let seconds = (tokens / tokens_per_second).ceil().clamp(1.0, RETRY_AFTER_MAX.as_secs_f64());
        Duration::try_from_secs_f64(seconds).unwrap_or(RETRY_AFTER_MAX)
    }
}

fn mean(before: Option<f64>, new: f64, share: f64) -> f64 {
    before.map_or(new, |before| before + (new - before) * share)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn count(tokens: usize) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests;
