//! The demonstration of a cut-off: two fake foreign providers that can be told to refuse, the real command with the real local model, and
//! callers who count what becomes of them. It is told in a table, and each of its claims is checked.

pub mod callers;
pub mod provider;
pub mod stage;

/// Seconds of each act.
#[derive(Clone, Copy, Debug)]
pub struct Acts {
    /// All is well.
    pub before: u64,
    /// The providers refuse.
    pub refused: u64,
    /// They would answer again, and nobody has approved that.
    pub healed: u64,
    /// It is approved.
    pub approved: u64,
    /// Callers at once.
    pub callers: usize,
    /// The longest answer that they ask for.
    pub tokens: u32,
}

impl Acts {
    /// As it is shown.
    pub const WHOLE: Self = Self { before: 6, refused: 12, healed: 5, approved: 5, callers: 20, tokens: 24 };
    /// As it is tested.
    pub const SHORT: Self = Self { before: 2, refused: 6, healed: 2, approved: 3, callers: 4, tokens: 6 };
}
