//! What is known of a place from its latest answers: how soon it begins, how fast it speaks, how many tokens it makes of a byte of
//! each language. Moving averages; for choosing between places, never for judging one.

use std::time::Duration;

use inspect::language::Language;

/// The weight of the latest answer: about the last ten count.
const WEIGHT: f64 = 0.2;
/// Shorter prompts say more of a provider's template than of its tokens.
const PROMPT_BYTES_MIN: u64 = 64;

/// What is known of one place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// From sending a request to the first piece of its answer.
    pub first_byte: Option<Duration>,
    /// Requests under way there now.
    pub in_flight: u32,
    /// Tokens of an answer in a second, once it has begun.
    pub tokens_per_second: Option<f64>,
    pub(crate) tokens_per_byte: [Option<f64>; Language::ALL.len()],
}

impl Figures {
    /// How many tokens the provider counts for a byte of a prompt in that language; in any, where it is not known.
    pub fn tokens_per_byte(&self, language: Language) -> Option<f64> {
        let of = |wanted: Language| {
            let mut pairs = Language::ALL.iter().zip(self.tokens_per_byte);
            pairs.find(|(known, _)| **known == wanted).and_then(|(_, figure)| figure)
        };
        of(language).or_else(|| of(Language::Unknown))
    }

    /// An answer has begun.
    pub(super) fn began(&mut self, after: Duration) {
        let mean = average(self.first_byte.map(|mean| mean.as_secs_f64()), after.as_secs_f64());
        self.first_byte = Some(Duration::try_from_secs_f64(mean).unwrap_or(after));
    }

    /// The provider counted so many tokens in a prompt of so many bytes.
    pub(crate) fn counted(&mut self, language: Language, bytes: u64, tokens: u64) {
        if bytes < PROMPT_BYTES_MIN {
            return;
        }
        for (known, figure) in Language::ALL.iter().zip(&mut self.tokens_per_byte) {
            if *known == language || *known == Language::Unknown {
                *figure = Some(average(*figure, ratio(tokens, bytes)));
            }
        }
    }

    /// It spoke so many tokens in that time.
    pub(super) fn spoke(&mut self, tokens: u64, within: Duration) {
        let seconds = within.as_secs_f64();
        if tokens > 1 && seconds > 0.0 {
            self.tokens_per_second = Some(average(self.tokens_per_second, ratio(tokens, 1) / seconds));
        }
    }
}

fn average(mean: Option<f64>, latest: f64) -> f64 {
    mean.map_or(latest, |mean| mean + WEIGHT * (latest - mean))
}

#[expect(clippy::cast_precision_loss, reason = "no request has 2^52 bytes or tokens")]
fn ratio(tokens: u64, bytes: u64) -> f64 {
    tokens as f64 / bytes.max(1) as f64
}

#[cfg(test)]
mod tests;
