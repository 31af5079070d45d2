//! The two seams between the floor and what computes it: an [`Engine`] turns tokens into logits, a [`TextCodec`] turns
//! text into tokens and back. An engine knows nothing of callers, queues, sampling or stop strings; those are this crate's.

use crate::{Conversation, Dialect, ModelCard, Opened, Turn};

/// A number that stands for a piece of text in a model's vocabulary.
pub type Token = u32;

/// One sequence's room in the engine's key-value cache; made by [`Engine::reserve`], given back with [`Engine::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub usize);

/// What an engine can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Tokens of one sequence, prompt and answer together.
    pub context_tokens_max: usize,
    /// Tokens of all sequences together (the key-value cache's size).
    pub cache_tokens_max: usize,
    /// Tokens that one [`Engine::forward`] may compute.
    pub batch_tokens_max: usize,
    /// Sequences that may hold a slot at once.
    pub slots_max: usize,
    /// Entries in a row of logits.
    pub vocabulary: usize,
}

/// A part of one sequence to compute: `tokens` stand at `position` and after it.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Where the sequence's earlier keys and values lie.
    pub slot: Slot,
    /// Position of the first of `tokens` in its sequence; everything before it has been computed in this slot.
    pub position: usize,
    /// What to compute; never empty.
    pub tokens: &'a [Token],
    /// After how many of the last of `tokens` logits are wanted; 0 is none.
    pub logits: usize,
}

/// How a sequence begins, for [`Engine::begin`].
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    /// Whose sequence it is. What was computed for one owner never serves another: how soon an answer comes would tell one
    /// what another has asked.
    pub owner: &'a str,
    /// Its prompt; never empty.
    pub prompt: &'a [Token],
    /// Tokens that it may come to have, prompt and answer together.
    pub tokens: usize,
}

/// Rows of logits, as many for each [`Run`] as it wanted, in the order of the runs and of their tokens.
#[derive(Clone, Copy, Debug)]
pub struct Logits<'a> {
    values: &'a [f32],
    vocabulary: usize,
}

impl<'a> Logits<'a> {
    /// Rows of `vocabulary` values each, one after another.
    pub fn new(values: &'a [f32], vocabulary: usize) -> Self {
        Self { values, vocabulary }
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &'a [f32]> {
        self.values.chunks_exact(self.vocabulary.max(1))
    }
}

/// What computes. One thread owns it; it may use others of its own.
pub trait Engine: Send {
    /// What it can hold; does not change.
    fn capacity(&self) -> Capacity;

    /// Room for a sequence of up to `tokens` tokens, or nothing while there is none.
    fn reserve(&mut self, tokens: usize) -> Option<Slot>;

    /// As [`Engine::reserve`], for a sequence that may begin as an earlier one of its owner did. Also tells how many tokens of
    /// the prompt need not be computed again: never all of them.
    fn begin(&mut self, beginning: &Beginning<'_>) -> Option<(Slot, usize)> {
        self.reserve(beginning.tokens).map(|slot| (slot, 0))
    }

    /// Lets later sequences of `owner` begin with what is computed in this slot: the keys and values of `tokens`, from the
    /// first. The slot stays as it is.
    fn share(&mut self, _slot: Slot, _owner: &str, _tokens: &[Token]) {}

    /// Gives a sequence's room back. Releasing twice, or what was never reserved, does nothing.
    fn release(&mut self, slot: Slot);

    /// Computes the runs, at most [`Capacity::batch_tokens_max`] tokens together, at most one run a slot. A run may stand
    /// where an earlier one did: what that computed from there on is forgotten.
    fn forward(&mut self, runs: &[Run<'_>]) -> Result<Logits<'_>, EngineError>;
}

/// Why an engine could not compute; all sequences of that batch are lost, the engine itself goes on.
#[derive(Debug, thiserror::Error)]
#[error("the engine could not compute: {0}")]
pub struct EngineError(pub String);

/// Text to tokens and back. Shared between threads; pure.
pub trait TextCodec: Send + Sync {
    /// Plain text as tokens. Spellings of control tokens (`<|im_end|>`) in it stay text.
    fn encode(&self, text: &str) -> Result<Vec<Token>, CodecError>;

    /// A prompt for a bare completion: as [`TextCodec::encode`], with the begin-of-text token where the model wants one.
    fn encode_prompt(&self, text: &str) -> Result<Vec<Token>, CodecError>;

    /// What the model itself would say, as tokens: as [`TextCodec::encode`], but the marks of its dialect that are control
    /// tokens become those.
    fn encode_own(&self, text: &str) -> Result<Vec<Token>, CodecError>;

    /// A conversation through the model's chat template, ready for the assistant to speak. Spellings of control tokens
    /// in what people said, in tools and in calls stay text: a caller cannot close its own turn.
    fn open(&self, conversation: &Conversation) -> Result<Opened, CodecError>;

    /// The prompt of a conversation of nothing but turns.
    fn encode_chat(&self, turns: &[Turn]) -> Result<Vec<Token>, CodecError> {
        self.open(&Conversation::of(turns)).map(|opened| opened.tokens)
    }

    /// How the model writes calls and reasoning.
    fn dialect(&self) -> &Dialect;

    /// The bytes that a token stands for: possibly part of a UTF-8 sequence; empty for control tokens, but for the marks of the
    /// model's dialect, and for unknown numbers.
    fn bytes(&self, token: Token) -> &[u8];

    /// Whether the token is a mark of the messages that the model's dialect writes; see [`crate::Messages`].
    fn is_mark(&self, token: Token) -> bool {
        let _ = token;
        false
    }

    /// Whether the model ends its turn with this token.
    fn is_end(&self, token: Token) -> bool;
}

/// Why a text could not be made into tokens.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The model's chat template refused the conversation; the words are the template's own.
    #[error("the model's chat template refuses this conversation: {0}")]
    Template(String),
    /// The tokenizer failed.
    #[error("the model's tokenizer failed: {0}")]
    Tokenizer(String),
}

/// A model as loaded: all that [`crate::LocalModel`] needs to serve it.
pub struct LoadedModel {
    /// What it is.
    pub card: ModelCard,
    /// What computes it.
    pub engine: Box<dyn Engine>,
    /// Its tokenizer and chat template.
    pub codec: std::sync::Arc<dyn TextCodec>,
}
