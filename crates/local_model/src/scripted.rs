//! A model that answers from a script: a real [`Engine`](crate::Engine) and a real [`TextCodec`](crate::TextCodec) over a
//! vocabulary of bytes, so that queue, scheduler, gateway and command can be tested without weights, to the token.
//! Computes no language; must not know the scheduler.
//!
//! ```text
//! let gate = Gate::closed();
//! let script = Script::new().answer("capital of France", "Paris").endless("count", "1 ").gate(&gate);
//! let probe = script.probe();
//! let (model, running) = LocalModel::start(scripted::model(script), settings)?;
//! gate.let_through(3);                                             // three steps, no more
//! let seen = probe.until(|seen| seen.forwards == 3 && seen.at_gate).await;
//! assert_eq!(seen.sequences[0].answer_tokens, 2);
//! ```
//!
//! One token is one byte, so a character beyond ASCII always comes in parts. Without a rule that fits, the model repeats
//! the last thing that a user said.

mod codec;
mod embedder;
mod engine;
mod probe;

pub use codec::{ASSISTANT, BEGIN, END, SYSTEM, TOOL, USER, VOCABULARY};
pub use embedder::{EMBEDDER_BATCH_TOKENS, EMBEDDER_DIMENSIONS, EMBEDDER_TOKENS, embedder, gated_embedder};
pub use probe::{Gate, Probe, Seen, SeenSequence};

use std::fmt;
use std::sync::Arc;

use crate::{AnswerDefaults, Capacity, Dialect, LoadedModel, ModelCard};

use codec::ByteCodec;
use engine::ScriptedEngine;

/// What a scripted model can hold unless told otherwise: room for the tests' usual 200 answers at once.
const CAPACITY: Capacity = Capacity {
    context_tokens_max: 4_096,
    cache_tokens_max: 262_144,
    batch_tokens_max: 512,
    slots_max: 256,
    vocabulary: VOCABULARY,
};

/// What the model does, to be built up and given to [`model`]. Rules are tried in the order in which they were added; the
/// first whose words stand in the prompt holds.
#[must_use]
#[derive(Clone)]
pub struct Script {
    name: String,
    dialect: Dialect,
    defaults: AnswerDefaults,
    capacity: Capacity,
    rules: Vec<Rule>,
    gate: Option<Gate>,
    before_forward: Option<BeforeForward>,
    probe: Probe,
}

/// Called with the number of tokens that a forward is about to compute.
type BeforeForward = Arc<dyn Fn(usize) + Send + Sync>;

/// What to answer to prompts that contain some words.
#[derive(Clone, Debug)]
struct Rule {
    words: String,
    answer: Vec<u8>,
    then: Then,
}

/// What comes after an answer's last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The end token.
    End,
    /// The answer again, without end.
    Again,
    /// The engine says that it could not compute.
    Fail,
    /// The engine panics.
    Panic,
    /// Logits that are no numbers.
    Nonsense,
    /// Not the answer's bytes but as many letters, all of them likely, so that sampling shows.
    Chance,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// A model named `scripted` that repeats what it is told.
    pub fn new() -> Self {
        Self {
            name: "scripted".to_owned(),
            dialect: codec::DIALECT,
            defaults: AnswerDefaults::default(),
            capacity: CAPACITY,
            rules: Vec::new(),
            gate: None,
            before_forward: None,
            probe: Probe::new(),
        }
    }

    /// What it is asked with where a caller says nothing.
    pub fn defaults(mut self, defaults: AnswerDefaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// How it writes calls and reasoning. Of a dialect that answers in messages, marks and ends in answers are tokens of their own.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The name on the model's card.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// What the engine can hold; the vocabulary stays its own.
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = Capacity { vocabulary: VOCABULARY, ..capacity };
        self
    }

    /// What the engine can hold, as built so far.
    pub fn capacity_now(&self) -> Capacity {
        self.capacity
    }

    /// To prompts that contain `words`: this text, then the end.
    pub fn answer(self, words: &str, text: &str) -> Self {
        self.rule(words, text.as_bytes(), Then::End)
    }

    /// As [`Script::answer`], with bytes that need not be UTF-8.
    pub fn answer_bytes(self, words: &str, bytes: &[u8]) -> Self {
        self.rule(words, bytes, Then::End)
    }

    /// To prompts that contain `words`: this text again and again, until the caller has enough.
    pub fn endless(self, words: &str, text: &str) -> Self {
        self.rule(words, text.as_bytes(), Then::Again)
    }

    /// To prompts that contain `words`: this text, then an engine error.
    pub fn fail(self, words: &str, after: &str) -> Self {
        self.rule(words, after.as_bytes(), Then::Fail)
    }

    /// To prompts that contain `words`: this text, then a panic in the engine.
    pub fn panic(self, words: &str, after: &str) -> Self {
        self.rule(words, after.as_bytes(), Then::Panic)
    }

    /// To prompts that contain `words`: this text, then logits that are no numbers.
    pub fn nonsense(self, words: &str, after: &str) -> Self {
        self.rule(words, after.as_bytes(), Then::Nonsense)
    }

    /// To prompts that contain `words`: this many letters, each drawn from a distribution in which all letters are likely.
    pub fn chance(self, words: &str, letters: usize) -> Self {
        self.rule(words, &vec![b'?'; letters], Then::Chance)
    }

    /// Every forward waits at this gate.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Called on the model's thread before each forward, with the number of tokens that it will compute: for a test that
    /// needs a model of a certain slowness.
    pub fn before_forward(mut self, step: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.before_forward = Some(Arc::new(step));
        self
    }

    /// Shows what the engine has been made to do.
    pub fn probe(&self) -> Probe {
        self.probe.clone()
    }

    fn rule(mut self, words: &str, answer: &[u8], then: Then) -> Self {
        self.rules.push(Rule { words: words.to_owned(), answer: answer.to_vec(), then });
        self
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("name", &self.name).field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// The model that does what the script says, ready for [`crate::LocalModel::start`].
pub fn model(mut script: Script) -> LoadedModel {
    let dialect = script.dialect;
    for rule in &mut script.rules {
        rule.answer = codec::spoken(&dialect, &rule.answer);
    }
    let card = ModelCard {
        name: script.name.clone(),
        architecture: "scripted".to_owned(),
        context_tokens: script.capacity.context_tokens_max as u64,
        vocabulary: VOCABULARY as u64,
        chat: true,
        reasons: true,
        defaults: script.defaults.clone(),
        ..ModelCard::default()
    };
    LoadedModel { card, engine: Box::new(ScriptedEngine::new(script)), codec: Arc::new(ByteCodec { dialect }) }
}
