//! How a route uses the destinations that are permitted: in which order, how patiently, and what becomes of an answer that
//! breaks off. It knows what can be chosen, not how it is done.

use std::time::Duration;

/// The order in which the permitted destinations of a route are asked. The local floor keeps its place in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// As the route names them.
    #[default]
    Order,
    /// By chance, in proportion to `weights`.
    Weighted,
    /// What the request costs there, in its language, the least first.
    Cheapest,
    /// How soon answers have begun there of late, the soonest first.
    Fastest,
    /// How many requests are there now, the fewest first.
    LeastLoaded,
    /// The same destination for requests of one conversation, or with one beginning.
    Sticky,
}

/// What becomes of an answer that breaks off after its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Continuity {
    /// It ends in an error.
    #[default]
    Error,
    /// The next permitted destination is asked to go on, where that can be done exactly.
    Splice,
}

/// How a route uses its destinations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// In which order.
    pub strategy: Strategy,
    /// Of [`Strategy::Weighted`]: one for each of the route's destinations.
    pub weights: Vec<u32>,
    /// After so long without a first byte the next destination of the same jurisdictions is asked beside the first.
    pub hedge_after: Option<Duration>,
    /// What becomes of answers that break off.
    pub continuity: Continuity,
    /// How long an answer goes on for a caller whose connection has dropped.
    pub resume: Option<Duration>,
}

impl Strategy {
    /// The words of the configuration.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("order", Self::Order),
        ("weighted", Self::Weighted),
        ("cheapest", Self::Cheapest),
        ("fastest", Self::Fastest),
        ("least-loaded", Self::LeastLoaded),
        ("sticky", Self::Sticky),
    ];
}

impl Continuity {
    /// The words of the configuration, of keys and of headers.
    pub const WORDS: [(&'static str, Self); 2] = [("error", Self::Error), ("splice", Self::Splice)];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Splice => "splice",
        }
    }

    /// The one of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, continuity)| continuity)
    }
}

impl std::str::FromStr for Continuity {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::of_word(word).ok_or("it must be `error` or `splice`")
    }
}
