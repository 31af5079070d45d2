//! What is asked of the floor, and why it may be refused. Data only: nothing here waits or computes.

use std::sync::Arc;
use std::time::Duration;

use crate::{Capacity, CodecError, Form, Listener, TextCodec, Token};

/// Answers to one prompt, at most: eight times what the public APIs allow, and few enough to be queued as one job.
const CHOICES_MAX: u32 = 128;

/// One prompt to answer, once or several times.
#[derive(Clone, Debug)]
pub struct Job {
    /// Who asks. Callers take turns in the queue, however many jobs each has there.
    pub caller: Arc<str>,
    /// Who may share with whom what has been computed of prompts that begin alike: those of one owner. Empty shares with nobody.
    pub owner: Arc<str>,
    /// The prompt, as [`crate::TextCodec`] made it; at least one token.
    pub prompt: Vec<Token>,
    /// Bytes that the answer begins with and that are not told again: the last of an answer that is continued. Where a text was
    /// cut inside a token, they are what that token has to begin with; see [`Continuation`]. Empty for a new answer.
    pub begins_with: Vec<u8>,
    /// How many answers to give, each drawn for itself; 1 to 128. They are queued together or not at all.
    pub choices: u32,
    /// Tokens of one answer at most; at least 1. Cut to what the context leaves after the prompt.
    pub answer_tokens_max: u32,
    /// How each token is chosen.
    pub sampling: Sampling,
    /// Texts that end an answer and are no part of it; none may be empty.
    pub stop: Vec<String>,
    /// What each answer is held to, if anything.
    pub form: Option<Form>,
    /// Listens for where an answer is over though no token ends it; only for families that answer in [`crate::Messages`].
    pub listener: Option<Listener>,
    /// Whether each token's log-probability is wanted, and of how many of its likeliest rivals; see [`crate::TokenScore`].
    pub top_logprobs: Option<u8>,
}

/// The most bytes of a begun answer that are chosen again rather than computed as they stand: a long word.
const CHOSEN_AGAIN_BYTES_MAX: usize = 64;

/// A begun answer, as a model goes on with it: the tokens that stand, and the bytes that the next ones have to begin with.
///
/// A text that is cut anywhere is not cut where its tokens were: of ` capi` the model would have made other tokens than of
/// ` capital`. So the last word's tokens are taken back and chosen again among those that spell it. Under greedy sampling that
/// gives the answer that was cut, exactly: a token that was the likeliest of all is the likeliest of those that fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// Tokens after the prompt.
    pub tokens: Vec<Token>,
    /// For [`Job::begins_with`].
    pub begins_with: Vec<u8>,
    /// How many tokens were taken back.
    pub taken_back: usize,
}

impl Continuation {
    /// Goes on with `text`, which are words of an answer.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn of(text: &str, codec: &dyn TextCodec) -> Result<Self, CodecError> {
        let mut tokens = codec.encode_own(codec.dialect().before_words())?;
        let before = tokens.len();
        tokens.extend(codec.encode(text)?);
        let all = tokens.len();
        let mut bytes_back = 0;
        while let Some(&last) = tokens.get(before..).and_then(<[Token]>::last) {
            let bytes = codec.bytes(last);
            let longer = bytes.len().saturating_add(bytes_back);
            if bytes.is_empty() || longer > CHOSEN_AGAIN_BYTES_MAX {
                break;
            }
            bytes_back = longer;
            tokens.pop();
            // A token that begins with a blank begins a word: those before it were cut as they are.
            if bytes.first().is_some_and(u8::is_ascii_whitespace)
                && bytes.iter().any(|byte| !byte.is_ascii_whitespace())
            {
                break;
            }
        }
        let from = text.len().saturating_sub(bytes_back);
        let begins_with = text.as_bytes().get(from..).unwrap_or_default().to_vec();
        Ok(Self { taken_back: all.saturating_sub(tokens.len()), tokens, begins_with })
    }
}

/// How a token is chosen from the model's logits. `crate::sampling` documents the order in which these apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits: 0 always takes the likeliest token, 1 the model's own distribution, more is bolder.
    pub temperature: f32,
    /// Draws from the likeliest tokens that together hold this share of probability, 0 to 1; 1 is all.
    pub top_p: f32,
    /// Draws from this many of the likeliest tokens; 0 is all.
    pub top_k: u32,
    /// Draws only tokens at least this share as likely as the likeliest, 0 to 1; 0 is all.
    pub min_p: f32,
    /// Taken from a token's logit for each time that the answer holds it already; negative favours repetition.
    pub frequency_penalty: f32,
    /// Taken from a token's logit once if the answer holds it already.
    pub presence_penalty: f32,
    /// Divides a positive logit, multiplies a negative one, of tokens that the prompt or the answer holds; 1 is off.
    pub repetition_penalty: f32,
    /// Added to the logits of these tokens; −100 practically forbids, +100 practically forces.
    pub logit_bias: Vec<(Token, f32)>,
    /// The same seed, prompt and model give the same answers, but for near ties: what else is computed in a step, and what is known of the
    /// prompt, rounds otherwise. Each choice draws differently.
    pub seed: u64,
}

impl Default for Sampling {
    /// The model's own distribution, nothing cut off, seed 0.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            repetition_penalty: 1.0,
            logit_bias: Vec::new(),
            seed: 0,
        }
    }
}

impl Sampling {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, ..Self::default() }
    }
}

impl Sampling {
    /// Refuses what has no meaning. Narrower ranges are the business of the APIs that set them.
    fn check(&self, capacity: &Capacity) -> Result<(), Refused> {
        let share = 0.0..=1.0;
        let sensible = [
            ("temperature", self.temperature.is_finite() && self.temperature >= 0.0),
            ("top_p", share.contains(&self.top_p)),
            ("min_p", share.contains(&self.min_p)),
            ("frequency_penalty", self.frequency_penalty.is_finite()),
            ("presence_penalty", self.presence_penalty.is_finite()),
            ("repetition_penalty", self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0),
            ("logit_bias", self.logit_bias.iter().all(|&(_, bias)| !bias.is_nan())),
        ];
        if let Some((name, _)) = sensible.iter().find(|(_, sensible)| !sensible) {
            return Err(Refused::Unservable(format!("`{name}` is out of range")));
        }
        match self.logit_bias.iter().find(|&&(token, _)| token as usize >= capacity.vocabulary) {
            Some((token, _)) => {
                Err(Refused::Unservable(format!("`logit_bias` names token {token}, which this model does not know")))
            }
            None => Ok(()),
        }
    }
}

/// Why a job was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The queue is full.
    #[error("the local model is busy: {queued} requests are waiting; try again in {} s", retry_after.as_secs())]
    Busy {
        /// Jobs that wait.
        queued: usize,
        /// When the jobs that wait now will have been worked off, at the speed measured lately; whole seconds, at least 1.
        retry_after: Duration,
    },
    /// The prompt leaves no room for an answer.
    #[error("the prompt has {prompt} tokens; the local model holds {context}, prompt and answer together")]
    TooLong {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens of prompt and answer together that the model holds here.
        context: usize,
    },
    /// A text is longer than the model was made to make a vector of; none is cut off silently.
    #[error("text {index} has {tokens} tokens; the model `{model}` embeds at most {most}: split the text")]
    TextTooLong {
        /// Which text, from 0.
        index: usize,
        /// Its tokens, those that the model puts round it among them.
        tokens: usize,
        /// Tokens of one text at most.
        most: u64,
        /// The model's name.
        model: String,
    },
    /// The job makes no sense to this model; the words say why.
    #[error("{0}")]
    Unservable(String),
    /// The model has been stopped, or broke; [`crate::LocalModel::stopped`] says which.
    #[error("the local model has stopped")]
    Stopped,
}

impl Job {
    /// Holds the job against what the engine can do.
    pub(crate) fn check(&self, capacity: &Capacity) -> Result<(), Refused> {
        let unservable = |why: String| Err(Refused::Unservable(why));
        if self.prompt.is_empty() {
            return unservable("the prompt is empty".to_owned());
        }
        if self.choices == 0 || self.answer_tokens_max == 0 {
            return unservable("no answer is asked for".to_owned());
        }
        if self.choices > CHOICES_MAX {
            return unservable(format!("more than {CHOICES_MAX} answers are asked for"));
        }
        if self.stop.iter().any(String::is_empty) {
            return unservable("a stop string is empty".to_owned());
        }
        if let Some(token) = self.prompt.iter().find(|&&token| token as usize >= capacity.vocabulary) {
            return unservable(format!("the prompt holds token {token}, which this model does not know"));
        }
        self.sampling.check(capacity)?;
        let context = capacity.sequence_tokens_max();
        if self.prompt.len() >= context {
            return Err(Refused::TooLong { prompt: self.prompt.len(), context });
        }
        Ok(())
    }

    /// Tokens that one sequence of the job may take, a prompt of this length included.
    pub(crate) fn sequence_tokens(&self, prompt: usize, capacity: &Capacity) -> usize {
        let answer = usize::try_from(self.answer_tokens_max).unwrap_or(usize::MAX);
        prompt.saturating_add(answer).min(capacity.sequence_tokens_max())
    }
}

impl Capacity {
    /// Tokens that one sequence can have here: the model's context, or the whole cache where that is smaller.
    fn sequence_tokens_max(&self) -> usize {
        self.context_tokens_max.min(self.cache_tokens_max)
    }
}
