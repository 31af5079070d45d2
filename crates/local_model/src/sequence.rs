//! One choice of a job while it holds a slot: how far it is computed, which token comes next, when it ends. Knows nothing
//! of its reader, nor of other sequences.

use crate::lookup::Lookup;
use crate::sampling::{Sampler, Scratch};
use crate::scores;
use crate::text::{AnswerText, Piece};
use crate::{Finish, Form, Job, Listener, Slot, TextCodec, Token, TokenScore};

const NO_NUMBERS: &str = "the local model's numbers are no numbers";

pub(crate) struct Sequence {
    pub(crate) choice: u32,
    pub(crate) slot: Slot,
    /// Tokens that the slot has room for.
    pub(crate) reserved: usize,
    /// The prompt, and the tokens chosen.
    tokens: Vec<Token>,
    /// Tokens of the prompt.
    prompt: usize,
    /// Tokens of it that were computed for an earlier sequence.
    pub(crate) cached_tokens: usize,
    /// Tokens that the engine has computed.
    computed: usize,
    /// Guesses what will be chosen; none for who wants no guesses.
    lookup: Option<Lookup>,
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
    /// Finds the end of an answer in messages.
    listener: Option<Listener>,
    /// Whether the next token is said; of an answer in messages, not a part of a header.
    in_content: bool,
}

/// Where a sequence is computed.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) slot: Slot,
    /// Tokens of prompt and answer that the slot has room for.
    pub(crate) reserved: usize,
    /// Tokens of the prompt that are computed already.
    pub(crate) computed: usize,
    /// Whether it may guess.
    pub(crate) lookup: bool,
}

/// What the tokens that were chosen in a step brought, a piece for each choice of one, with the tokens so far.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) pieces: Vec<(Piece, u32)>,
    /// Set once the choice is complete.
    pub(crate) finish: Option<Finish>,
}

impl Sequence {
    pub(crate) fn new(job: &Job, prompt: &[Token], choice: u32, place: Place) -> Self {
        let Place { slot, reserved, computed, lookup } = place;
        let room = u32::try_from(reserved.saturating_sub(prompt.len())).unwrap_or(u32::MAX);
        Self {
            choice,
            slot,
            reserved,
            tokens: prompt.to_vec(),
            prompt: prompt.len(),
            cached_tokens: computed,
            computed,
            lookup: lookup.then(Lookup::default),
            answer_tokens: 0,
            answer_tokens_max: job.answer_tokens_max.min(room),
            top_logprobs: job.top_logprobs,
            sampler: Sampler::new(job.sampling.clone(), choice, prompt),
            begins_with: job.begins_with.clone(),
            text: AnswerText::new(&job.stop),
            form: job.form.clone(),
            listener: job.listener.clone(),
            in_content: job.listener.as_ref().is_none_or(Listener::is_in_content),
        }
    }

    /// Tokens of the prompt that are still to be computed.
    pub(crate) fn prompt_left(&self) -> usize {
        self.prompt.saturating_sub(self.computed)
    }

    /// Where the next token to compute stands.
    pub(crate) fn position(&self) -> usize {
        self.computed
    }

    /// The tokens that are known and to be computed next.
    pub(crate) fn known(&self) -> &[Token] {
        self.tokens.get(self.computed..).unwrap_or_default()
    }

    /// The tokens that are computed.
    pub(crate) fn computed(&self) -> &[Token] {
        self.tokens.get(..self.computed).unwrap_or_default()
    }

    /// What probably comes after the known tokens, at most `most`.
    pub(crate) fn guess(&self, most: usize) -> &[Token] {
        let left = self.answer_tokens_max.saturating_sub(self.answer_tokens);
        // The last token that is chosen need not be computed.
        let most = most.min(usize::try_from(left).unwrap_or(usize::MAX).saturating_sub(1));
        self.lookup.as_ref().map_or(&[], |lookup| lookup.guess(&self.tokens, most))
    }

    /// Notes that so many of the known tokens have been computed.
    pub(crate) fn note_computed(&mut self, tokens: usize) {
        self.computed = self.computed.saturating_add(tokens).min(self.tokens.len());
    }

    /// Tokens chosen so far.
    pub(crate) fn answer_tokens(&self) -> u32 {
        self.answer_tokens
    }

    /// Chooses the next tokens, all known ones being computed: one after the last of those, and one more after each of the
    /// `guessed` that proves right, as the logits of those are among `rows`, too.
    ///
    /// # Errors
    /// Where no token can be chosen: the words say why.
    pub(crate) fn choose<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a [f32]>,
        guessed: &[Token],
        codec: &dyn TextCodec,
        scratch: &mut Scratch,
    ) -> Result<Progress, String> {
        let mut progress = Progress::default();
        let mut right = 0;
        let expected = guessed.iter().map(Some).chain([None]);
        for (row, expected) in rows.zip(expected) {
            let known = self.tokens.len();
            let mut piece = Piece::default();
            progress.finish = self.choose_one(row, codec, scratch, &mut piece)?;
            progress.pieces.push((piece, self.answer_tokens));
            // What the form leaves no choice about has not been computed.
            let one = self.tokens.len() == known.saturating_add(1);
            if progress.finish.is_some() || !one || self.tokens.last() != expected {
                break;
            }
            right += 1;
            self.note_computed(1);
        }
        if let Some(lookup) = &mut self.lookup {
            lookup.learn(guessed.len(), right);
        }
        Ok(progress)
    }

    /// Chooses one token, and takes those that must follow it.
    fn choose_one(
        &mut self,
        logits: &[f32],
        codec: &dyn TextCodec,
        scratch: &mut Scratch,
        piece: &mut Piece,
    ) -> Result<Option<Finish>, String> {
        let token = self.draw(logits, codec, scratch)?;
        let score = self.top_logprobs.map(|top| scores::score(logits, token, top, codec));
        let mut finish = self.say(token, score, codec, piece);
        if let (None, Some(mut form)) = (finish, self.form.take()) {
            form.take(token)?;
            finish = self.follow(&mut form, codec, piece)?;
            self.form = Some(form);
        }
        Ok(finish)
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
        self.tokens.push(token);
        self.answer_tokens = self.answer_tokens.saturating_add(1);
        if codec.is_end(token) {
            piece.append(self.text.finish());
            return Some(Finish::Stop);
        }
        let told = self.untold(codec.bytes(token));
        let more = if codec.is_mark(token) && self.listener.is_some() {
            self.in_content = codec.dialect().opens_content(codec.bytes(token));
            self.text.mark();
            self.text.push_unwatched(told, None)
        } else if self.in_content {
            self.text.push(told, score)
        } else {
            self.text.push_unwatched(told, None)
        };
        let over = self.is_over(&more);
        piece.append(more);
        if over || self.text.stopped() {
            return Some(Finish::Stop);
        }
        let full = self.answer_tokens >= self.answer_tokens_max;
        if full {
            piece.append(self.text.finish());
        }
        full.then_some(Finish::Length)
    }

    /// Whether the answer has come to its end with this text, though no end token says so.
    fn is_over(&mut self, more: &Piece) -> bool {
        self.listener.as_mut().is_some_and(|listener| {
            listener.hear(&more.text, &more.marks);
            listener.is_over()
        })
    }

    /// The logits, with negative infinity for tokens that do not go on as the answer has to begin.
    fn fitting(&self, logits: &[f32], codec: &dyn TextCodec) -> Vec<f32> {
        let fits = |token: Token| {
            let bytes = codec.bytes(token);
            !bytes.is_empty()
                && !codec.is_mark(token)
                && (bytes.starts_with(&self.begins_with) || self.begins_with.starts_with(bytes))
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
