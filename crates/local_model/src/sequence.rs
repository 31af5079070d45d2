//! One choice of a job while it holds a slot: how far it is computed, which token comes next, when it ends. Knows nothing
//! of its reader, nor of other sequences.

use std::sync::Arc;

use crate::sampling::{Sampler, Scratch};
use crate::scores;
use crate::text::{AnswerText, Piece};
use crate::{Finish, Form, Job, Slot, TextCodec, Token, TokenScore};

const NO_NUMBERS: &str = "the local model's numbers are no numbers";

pub(crate) struct Sequence {
    pub(crate) choice: u32,
    pub(crate) slot: Slot,
    /// Tokens that the slot has room for.
    pub(crate) reserved: usize,
    prompt: Arc<[Token]>,
    /// Tokens that the engine has computed.
    computed: usize,
    /// Tokens chosen and not computed yet: what comes next once the prompt is.
    next: Vec<Token>,
    /// Tokens chosen.
    answer_tokens: u32,
    answer_tokens_max: u32,
    top_logprobs: Option<u8>,
    sampler: Sampler,
    /// Bytes that the next tokens have to spell, and that are not told.
    begins_with: Vec<u8>,
    text: AnswerText,
    /// What the answer is held to.
    form: Option<Form>,
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
            next: Vec::new(),
            answer_tokens: 0,
            answer_tokens_max: job.answer_tokens_max.min(room),
            top_logprobs: job.top_logprobs,
            sampler: Sampler::new(job.sampling.clone(), choice, &prompt),
            begins_with: job.begins_with.clone(),
            text: AnswerText::new(&job.stop),
            form: job.form.clone(),
            prompt,
        }
    }

    /// Tokens of the prompt that are still to be computed.
    pub(crate) fn prompt_left(&self) -> usize {
        self.prompt.len().saturating_sub(self.computed)
    }

    /// Tokens of the answer that are chosen and still to be computed.
    pub(crate) fn answer_left(&self) -> usize {
        self.next.len()
    }

    /// Where the next token to compute stands.
    pub(crate) fn position(&self) -> usize {
        self.computed
    }

    /// At most so many of the tokens that are to be computed next; never empty if `most` is not 0.
    pub(crate) fn next_tokens(&self, most: usize) -> &[Token] {
        match self.prompt.get(self.computed..) {
            Some(left) if !left.is_empty() => left.get(..most.min(left.len())).unwrap_or(left),
            Some(_) | None => self.next.get(..most.min(self.next.len())).unwrap_or_default(),
        }
    }

    /// Notes that so many of them have been computed.
    pub(crate) fn note_computed(&mut self, tokens: usize) {
        let of_prompt = tokens.min(self.prompt_left());
        self.next.drain(..tokens.saturating_sub(of_prompt).min(self.next.len()));
        self.computed += tokens;
    }

    /// Tokens chosen so far.
    pub(crate) fn answer_tokens(&self) -> u32 {
        self.answer_tokens
    }

    /// Chooses the next token, and takes those that must follow it.
    ///
    /// # Errors
    /// Where no token can be chosen: the words say why.
    pub(crate) fn choose(
        &mut self,
        logits: &[f32],
        codec: &dyn TextCodec,
        scratch: &mut Scratch,
    ) -> Result<Progress, String> {
        let token = self.draw(logits, codec, scratch)?;
        let mut piece = Piece::default();
        let score = self.top_logprobs.map(|top| scores::score(logits, token, top, codec));
        let mut finish = self.say(token, score, codec, &mut piece);
        if let (None, Some(mut form)) = (finish, self.form.take()) {
            form.take(token)?;
            finish = self.follow(&mut form, codec, &mut piece)?;
            self.form = Some(form);
        }
        Ok(Progress { piece, finish })
    }

    fn draw(&mut self, logits: &[f32], codec: &dyn TextCodec, scratch: &mut Scratch) -> Result<Token, String> {
        let mut masked = std::mem::take(&mut scratch.masked);
        let mut logits = logits;
        if let Some(form) = &mut self.form {
            form.mask(logits, &mut masked)?;
            logits = &masked;
        }
        let fitting = (!self.begins_with.is_empty()).then(|| self.fitting(logits, codec));
        let token = self.sampler.choose(fitting.as_deref().unwrap_or(logits), scratch);
        scratch.masked = masked;
        token.ok_or_else(|| NO_NUMBERS.to_owned())
    }

    /// Takes what the form leaves no choice about. Not where each token's likelihood is wanted: these were never weighed.
    fn follow(&mut self, form: &mut Form, codec: &dyn TextCodec, piece: &mut Piece) -> Result<Option<Finish>, String> {
        let left = self.answer_tokens_max.saturating_sub(self.answer_tokens);
        let most = if self.top_logprobs.is_some() { 0 } else { usize::try_from(left).unwrap_or(usize::MAX) };
        for token in form.forced(most)? {
            self.sampler.note(token);
            if let Some(finish) = self.say(token, None, codec, piece) {
                return Ok(Some(finish));
            }
        }
        if !form.is_complete() {
            return Ok(None);
        }
        piece.append(self.text.finish());
        Ok(Some(Finish::Stop))
    }

    /// Adds a token to the answer, and what it says to `piece`. Tells whether the answer ends with it.
    fn say(
        &mut self,
        token: Token,
        score: Option<TokenScore>,
        codec: &dyn TextCodec,
        piece: &mut Piece,
    ) -> Option<Finish> {
        self.next.push(token);
        self.answer_tokens = self.answer_tokens.saturating_add(1);
        if codec.is_end(token) {
            piece.append(self.text.finish());
            return Some(Finish::Stop);
        }
        let told = self.untold(codec.bytes(token));
        piece.append(self.text.push(told, score));
        if self.text.stopped() {
            return Some(Finish::Stop);
        }
        let full = self.answer_tokens >= self.answer_tokens_max;
        if full {
            piece.append(self.text.finish());
        }
        full.then_some(Finish::Length)
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
