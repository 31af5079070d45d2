//! Forms: what an answer may be, held to token by token. `llguidance` says which tokens may come next; this module gives it the
//! model's vocabulary, bounds what a hostile schema can cost, and says in whose words a mistake is. It must not know how logits
//! come about.
//!
//! Fuel for building and for each step is `llguidance`'s own way of counting work, so that the same schema is taken or refused on
//! every machine.

mod numbers;

use std::sync::{Arc, OnceLock};
use std::{fmt, thread};

use llguidance::api::{GrammarWithLexer, ParserLimits, TopLevelGrammar};
use llguidance::toktrie::{InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;

use numbers::Numbers;

use crate::dialect::{Grammar, Problem};
use crate::{TextCodec, Token, Tool};

/// Tokens that may follow without choice and are computed in one step. More would let one answer take a step for itself.
const FORCED_MAX: usize = 32;

/// Bytes of a grammar's text at most: schemas of some hundred kilobytes are in use, larger ones are mistakes.
const GRAMMAR_BYTES_MAX: usize = 1 << 20;

/// Definitions of a caller's own grammar at most. `llguidance` follows them one inside the other on the stack.
const DEFINITIONS_MAX: usize = 1024;

/// The stack on which grammars are built: some 60 KiB for each definition.
const BUILD_STACK_BYTES: usize = 64 << 20;

/// What an answer is to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// JSON that follows a schema.
    Json {
        /// The JSON Schema.
        schema: Value,
        /// Whether what the schema says and cannot be enforced is refused, or passed over.
        strict: bool,
    },
    /// Text that a regular expression matches as a whole.
    Regex(String),
    /// One of these texts.
    OneOf(Vec<String>),
    /// Text of a context-free grammar in Lark's notation, whose first rule is `start`.
    Lark(String),
    /// Calls of tools.
    Calls {
        /// What may be called; never empty.
        tools: Vec<Tool>,
        /// Whether there must be a call; else words will do.
        required: bool,
        /// Whether there may be several.
        several: bool,
        /// What words must be where nothing is called; absent: any.
        words: Option<Box<Wanted>>,
    },
}

/// What a prompt leaves of a model's reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    /// It is open: what comes first belongs to it. See [`crate::Opened::thinking`].
    Open,
    /// It may come, as the model likes.
    Possible,
    /// It is done, or was not wanted.
    Done,
}

impl Wanted {
    /// Whether the answer is JSON from its first letter, but for reasoning before it.
    fn is_json(&self) -> bool {
        match self {
            Self::Json { .. } => true,
            Self::Calls { required, .. } => *required,
            Self::Regex(_) | Self::OneOf(_) | Self::Lark(_) => false,
        }
    }
}

/// Why there is no such form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// What is wanted of the answer cannot be met, or cannot be enforced.
    #[error("{0}")]
    Answer(String),
    /// The arguments of a tool cannot be.
    #[error("tool {0}: {1}")]
    Tool(usize, String),
}

/// Makes forms for one model. Cheap to clone; what it needs of the vocabulary is made at the first form.
#[derive(Clone)]
pub struct Forms {
    codec: Arc<dyn TextCodec>,
    vocabulary: usize,
    factory: Arc<OnceLock<Result<ParserFactory, String>>>,
}

/// A form, at its beginning; each answer takes a copy of its own.
pub struct Form {
    /// Boxed, for it is large and most jobs have none.
    matcher: Box<Matcher>,
    /// Holds numbers to a length that means something; where the answer is JSON from its first letter.
    numbers: Option<Numbers>,
}

impl Forms {
    /// For answers of `codec`'s tokens, of which there are `vocabulary`.
    pub fn new(codec: Arc<dyn TextCodec>, vocabulary: usize) -> Self {
        Self { codec, vocabulary, factory: Arc::default() }
    }

    /// The form of what is wanted. Takes milliseconds, for large schemas a second: not for a thread that others wait for.
    ///
    /// # Errors
    /// Where the schema, expression or grammar is no such thing, contradicts itself, needs what cannot be enforced, or is too much.
    pub fn make(&self, wanted: &Wanted, reasoning: Reasoning) -> Result<Form, FormError> {
        if matches!(wanted, Wanted::Regex(expression) if expression.is_empty()) {
            return Err(FormError::Answer("the expression is empty".to_owned()));
        }
        let grammar = Grammar::of(wanted, self.codec.dialect(), reasoning);
        let mut form = self.build(&grammar).map_err(|words| self.blame(wanted, words))?;
        form.numbers = wanted.is_json().then(|| Numbers::after(reasoning, Arc::clone(&self.codec)));
        Ok(form)
    }

    fn build(&self, grammar: &Grammar) -> Result<Form, String> {
        let answer = grammar.answer.as_deref().unwrap_or_default();
        if grammar.lark.len().saturating_add(answer.len()) > GRAMMAR_BYTES_MAX {
            return Err(format!("it has more than {GRAMMAR_BYTES_MAX} bytes as a grammar"));
        }
        // Each definition has its colon.
        if answer.matches(':').count() > DEFINITIONS_MAX {
            return Err(format!("it has more than {DEFINITIONS_MAX} definitions"));
        }
        let built = thread::scope(|scope| {
            let thread = thread::Builder::new().name("grammar".to_owned()).stack_size(BUILD_STACK_BYTES);
            let thread = thread.spawn_scoped(scope, || self.build_here(grammar)).map_err(|error| error.to_string())?;
            thread.join().map_err(|_| "the grammar's builder broke".to_owned())
        });
        built?
    }

    fn build_here(&self, grammar: &Grammar) -> Result<Form, String> {
        let factory = self.factory.get_or_init(|| factory(&self.codec, self.vocabulary)).as_ref();
        let factory = factory.map_err(Clone::clone)?;
        let lark = |text: &str, name: Option<&str>| GrammarWithLexer {
            name: name.map(str::to_owned),
            lark_grammar: Some(text.to_owned()),
            ..GrammarWithLexer::default()
        };
        let mut grammars = vec![lark(&grammar.lark, None)];
        grammars.extend(grammar.answer.iter().map(|answer| lark(answer, Some("answer"))));
        let parser = factory.create_parser(TopLevelGrammar { grammars, max_tokens: None });
        let mut matcher = Matcher::new(parser);
        match matcher.get_error() {
            Some(words) => Err(first_line(&words)),
            // A grammar that nothing fits shows at its first step.
            None => match matcher.compute_mask() {
                Ok(mask) if !mask.is_zero() => Ok(Form { matcher: Box::new(matcher), numbers: None }),
                Ok(_) => Err("nothing can meet it".to_owned()),
                Err(error) => Err(first_line(&error.to_string())),
            },
        }
    }

    /// Whose mistake it is: each tool's arguments are tried alone.
    fn blame(&self, wanted: &Wanted, words: String) -> FormError {
        let Wanted::Calls { tools, .. } = wanted else { return FormError::Answer(words) };
        let at_fault = tools.iter().enumerate().find_map(|(index, tool)| {
            let words = self.build(&Grammar::of_arguments(tool)).err()?;
            Some(Problem::Tool(index, words))
        });
        match at_fault.unwrap_or(Problem::Answer(words)) {
            Problem::Tool(index, words) => FormError::Tool(index, words),
            Problem::Answer(words) => FormError::Answer(words),
        }
    }
}

impl fmt::Debug for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forms").field("vocabulary", &self.vocabulary).finish_non_exhaustive()
    }
}

impl Form {
    /// Leaves of the logits only those of tokens that may come next.
    ///
    /// # Errors
    /// Where finding out takes more work than one step may.
    pub(crate) fn mask(&mut self, logits: &[f32], to: &mut Vec<f32>) -> Result<(), String> {
        let mask = self.matcher.compute_mask_or_eos().map_err(|error| first_line(&error.to_string()))?;
        let masked = |allowed: &dyn Fn(Token) -> bool, to: &mut Vec<f32>| {
            to.clear();
            to.extend((0..).zip(logits).map(|(token, &logit)| if allowed(token) { logit } else { f32::NEG_INFINITY }));
        };
        if let Some(numbers) = self.numbers.as_ref().filter(|numbers| numbers.is_long()) {
            masked(&|token| allows(&mask, token) && !numbers.goes_on(token), to);
            if to.iter().any(|logit| *logit > f32::NEG_INFINITY) {
                return Ok(());
            }
        }
        masked(&|token| allows(&mask, token), to);
        Ok(())
    }

    /// Takes note of the token that came, which must be one that might.
    pub(crate) fn take(&mut self, token: Token) -> Result<(), String> {
        if let Some(numbers) = &mut self.numbers {
            numbers.take(token);
        }
        self.matcher.consume_token(token).map_err(|error| first_line(&error.to_string()))
    }

    /// Tokens that must come next, whatever the model says; they are taken note of.
    pub(crate) fn forced(&mut self, most: usize) -> Result<Vec<Token>, String> {
        let mut forced = self.matcher.compute_ff_tokens();
        forced.truncate(most.min(FORCED_MAX));
        if let Some(numbers) = &mut self.numbers {
            for token in &forced {
                numbers.take(*token);
            }
        }
        self.matcher.consume_tokens(&forced).map_err(|error| first_line(&error.to_string()))?;
        Ok(forced)
    }

    /// Whether the answer is complete, and nothing can follow.
    pub(crate) fn is_complete(&self) -> bool {
        self.matcher.is_stopped()
    }
}

impl Clone for Form {
    fn clone(&self) -> Self {
        Self { matcher: Box::new(self.matcher.deep_clone()), numbers: self.numbers.clone() }
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

fn allows(mask: &SimpleVob, token: Token) -> bool {
    (token as usize) < mask.len() && mask.is_allowed(token)
}

fn factory(codec: &Arc<dyn TextCodec>, vocabulary: usize) -> Result<ParserFactory, String> {
    let count = Token::try_from(vocabulary).map_err(|error| error.to_string())?;
    let words: Vec<Vec<u8>> = (0..count).map(|token| word(&**codec, token)).collect();
    let ends: Vec<Token> = (0..count).filter(|token| codec.is_end(*token)).collect();
    let Some(&end) = ends.first() else { return Err("the model's file names no token that ends an answer".to_owned()) };
    let trie = TokTrie::from(&TokRxInfo::new(count, end), &words).with_eos_tokens(&ends);
    let vocabulary: TokEnv = Arc::new(Words { codec: Arc::clone(codec), trie });
    let capabilities = InferenceCapabilities { ff_tokens: true, ..InferenceCapabilities::default() };
    let mut factory =
        ParserFactory::new(&vocabulary, capabilities, &llguidance::earley::SlicedBiasComputer::general_slices())
            .map_err(|error| error.to_string())?;
    factory.quiet();
    *factory.limits_mut() = ParserLimits { verbose_errors: false, ..ParserLimits::default() };
    Ok(factory)
}

/// A token's bytes; control tokens are marked as such, for no text is made of them: grammars call marks of messages by their
/// spelling.
fn word(codec: &dyn TextCodec, token: Token) -> Vec<u8> {
    let control = |name: &[u8]| [&[TokTrie::SPECIAL_TOKEN_MARKER], name].concat();
    match codec.bytes(token) {
        [] => control(format!("<{token}>").as_bytes()),
        mark if codec.is_mark(token) => control(mark),
        bytes => bytes.to_vec(),
    }
}

/// The model's vocabulary as `llguidance` asks for it.
struct Words {
    codec: Arc<dyn TextCodec>,
    trie: TokTrie,
}

impl TokenizerEnv for Words {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<Token> {
        // Marks of messages do not come as text.
        let plain = self.codec.dialect().messages.is_some();
        let encoded = |text: &str| if plain { self.codec.encode(text) } else { self.codec.encode_own(text) };
        let whole = |text: &str| encoded(text).unwrap_or_else(|_| self.trie.greedy_tokenize(text.as_bytes()));
        self.trie.tokenize_with_greedy_fallback(bytes, whole)
    }
}

fn first_line(words: &str) -> String {
    words.lines().find(|line| !line.trim().is_empty()).unwrap_or(words).trim().to_owned()
}

#[cfg(test)]
mod tests;
