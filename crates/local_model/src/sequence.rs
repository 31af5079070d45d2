//! One choice of a job while it holds a slot: how far it is computed, which token comes next, when it ends. Knows nothing
//! of its reader, nor of other sequences.

use std::sync::Arc;

use crate::sampling::{Sampler, Scratch};
use crate::scores;
use crate::text::{AnswerText, Piece};
use crate::{Finish, Job, Slot, TextCodec, Token};

pub(crate) struct Sequence {
    pub(crate) choice: u32,
    pub(crate) slot: Slot,
    /// Tokens that the slot has room for.
    pub(crate) reserved: usize,
    prompt: Arc<[Token]>,
    /// Tokens that the engine has computed.
    computed: usize,
    /// The token chosen last, to be computed next once the prompt is.
    last: Token,
    /// Tokens chosen.
    answer_tokens: u32,
    answer_tokens_max: u32,
    top_logprobs: Option<u8>,
    sampler: Sampler,
    /// Bytes that the next tokens have to spell, and that are not told.
    begins_with: Vec<u8>,
    text: AnswerText,
}

/// What a chosen token brought.
pub(crate) struct Progress {
    pub(crate) piece: Piece,
    /// Set once the choice is complete.
    pub(crate) finish: Option<Finish>,
}

impl Sequence {
    /// `reserved`: tokens of prompt and answer that the slot has room for.
    pub(crate) fn new(job: &Job, prompt: Arc<[Token]>, choice: u32, slot: Slot, reserved: usize) -> Self {
        let room = u32::try_from(reserved.saturating_sub(prompt.len())).unwrap_or(u32::MAX);
        Self {
            choice,
            slot,
            reserved,
            computed: 0,
            last: 0,
            answer_tokens: 0,
            answer_tokens_max: job.answer_tokens_max.min(room),
            top_logprobs: job.top_logprobs,
            sampler: Sampler::new(job.sampling.clone(), choice, &prompt),
            begins_with: job.begins_with.clone(),
            text: AnswerText::new(&job.stop),
            prompt,
        }
    }

    /// Tokens of the prompt that are still to be computed.
    pub(crate) fn prompt_left(&self) -> usize {
        self.prompt.len().saturating_sub(self.computed)
    }

    /// Where the next token to compute stands.
    pub(crate) fn position(&self) -> usize {
        self.computed
    }

    /// At most so many of the tokens that are to be computed next; never empty if `most` is not 0.
    pub(crate) fn next_tokens(&self, most: usize) -> &[Token] {
        match self.prompt.get(self.computed..) {
            Some(left) if !left.is_empty() => left.get(..most.min(left.len())).unwrap_or(left),
            Some(_) | None => std::slice::from_ref(&self.last),
        }
    }

    /// Notes that so many of them have been computed.
    pub(crate) fn note_computed(&mut self, tokens: usize) {
        self.computed += tokens;
    }

    /// Tokens chosen so far.
    pub(crate) fn answer_tokens(&self) -> u32 {
        self.answer_tokens
    }

    /// Chooses the next token; nothing where the logits are no numbers.
    pub(crate) fn choose(&mut self, logits: &[f32], codec: &dyn TextCodec, scratch: &mut Scratch) -> Option<Progress> {
        let token = if self.begins_with.is_empty() {
            self.sampler.choose(logits, scratch)?
        } else {
            self.sampler.choose(&self.fitting(logits, codec), scratch)?
        };
        self.last = token;
        self.answer_tokens = self.answer_tokens.saturating_add(1);
        if codec.is_end(token) {
            return Some(Progress { piece: self.text.finish(), finish: Some(Finish::Stop) });
        }
        let score = self.top_logprobs.map(|top| scores::score(logits, token, top, codec));
        let told = self.untold(codec.bytes(token));
        let mut piece = self.text.push(told, score);
        if self.text.stopped() {
            return Some(Progress { piece, finish: Some(Finish::Stop) });
        }
        let full = self.answer_tokens >= self.answer_tokens_max;
        if full {
            piece.append(self.text.finish());
        }
        Some(Progress { piece, finish: full.then_some(Finish::Length) })
    }

    /// The logits, with negative infinity for tokens that do not go on as the answer has to begin.
    fn fitting(&self, logits: &[f32], codec: &dyn TextCodec) -> Vec<f32> {
        let fits = |token: Token| {
            let bytes = codec.bytes(token);
            !bytes.is_empty() && (bytes.starts_with(&self.begins_with) || self.begins_with.starts_with(bytes))
        };
        (0..).zip(logits).map(|(token, &logit)| if fits(token) { logit } else { f32::NEG_INFINITY }).collect()
    }

    /// What of a token's bytes is to be told: not those with which the answer had to begin.
    fn untold<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let known = bytes.len().min(self.begins_with.len());
        self.begins_with.drain(..known);
        bytes.get(known..).unwrap_or_default()
    }
}
