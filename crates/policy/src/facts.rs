//! What is known of a request when it is judged: a strict schema of words, sets of words, booleans and one count.

use crate::Class;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An answer in words.
    Infer,
    /// Vectors.
    Embed,
}

/// One request. Words that no rule names make no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The caller's tenant.
    pub tenant: &'a str,
    /// The caller's team.
    pub team: &'a str,
    /// The caller's key, by its id.
    pub key: &'a str,
    /// What is asked for.
    pub action: Action,
    /// How sensitive it is.
    pub class: Class,
    /// Kinds found, and the groups they belong to. In any order; repeats do no harm.
    pub findings: &'a [&'a str],
    /// Signals of prompt injection.
    pub signals: &'a [&'a str],
    /// What is needed beside text.
    pub needs: &'a [&'a str],
    /// `chat`, `completions` or `embeddings`.
    pub surface: &'a str,
    /// The language of most of its text, or `unknown`.
    pub language: &'a str,
    /// As registered; empty where it is not.
    pub purpose: &'a str,
    /// As registered; empty where it is not.
    pub use_area: &'a str,
    /// As registered.
    pub high_impact: bool,
    /// Whether it holds what is not read.
    pub unread: bool,
    /// Whether the answer is wanted as a stream.
    pub stream: bool,
    /// The body's size in KiB, rounded up.
    pub prompt_kib: u64,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Infer, Self::Embed];

    /// The id of its Cedar entity.
    pub fn word(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Embed => "embed",
        }
    }
}
