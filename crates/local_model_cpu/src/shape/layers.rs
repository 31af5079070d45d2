//! What distinguishes a network's layers from each other: how far they see, and whether positions turn them. It must not
//! know weights.

use super::Entries;
use super::architecture::{Turning, Windows};
use crate::LoadError;

/// By which angles a layer's queries and keys are turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turns {
    /// None: what it sees has no order.
    Not,
    /// Those of layers that see everything.
    AsFull,
    /// Those of layers with a window.
    AsWindowed,
}

/// One layer's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LayerKind {
    /// The last so many tokens, its own among them, are all that a token sees.
    pub(crate) window: Option<usize>,
    pub(crate) turns: Turns,
}

impl Entries<'_> {
    /// The kinds of all layers.
    pub(super) fn layer_kinds(&self, layers: usize) -> Result<Vec<LayerKind>, LoadError> {
        let windows = self.windows(layers)?;
        let any_window = windows.iter().any(Option::is_some);
        let kind = |(layer, window): (usize, Option<usize>)| {
            let turned = match self.family.turning {
                Turning::All => true,
                Turning::Windowed => window.is_some() || !any_window,
                Turning::AllButEach(step) => !(layer + 1).is_multiple_of(step),
            };
            let turns = match (turned, window) {
                (false, _) => Turns::Not,
                (true, Some(_)) if self.family.window_rope_base.is_some() => Turns::AsWindowed,
                (true, _) => Turns::AsFull,
            };
            LayerKind { window, turns }
        };
        Ok(windows.into_iter().enumerate().map(kind).collect())
    }

    /// Each layer's window.
    fn windows(&self, layers: usize) -> Result<Vec<Option<usize>>, LoadError> {
        /// No sequence is longer.
        const WINDOW_MAX: usize = 1 << 24;
        let Windows::AllButEach(usual_step) = self.family.windows else { return Ok(vec![None; layers]) };
        // Converters write a zero where a model's configuration says that it has none.
        if self.metadata.u64(&self.key("attention.sliding_window"))?.unwrap_or(0) == 0 {
            return Ok(vec![None; layers]);
        }
        let window = self.size("attention.sliding_window", WINDOW_MAX)?;
        let pattern = self.key("attention.sliding_window_pattern");
        if self.metadata.is_array(&pattern) {
            let windowed = self.metadata.bools(&pattern)?.unwrap_or_default();
            if windowed.len() != layers {
                let problem = format!("has {} entries for {layers} layers", windowed.len());
                return Err(LoadError::metadata(&pattern, problem));
            }
            return Ok(windowed.into_iter().map(|windowed| windowed.then_some(window)).collect());
        }
        let step = self.optional_size("attention.sliding_window_pattern", WINDOW_MAX)?.unwrap_or(usual_step);
        Ok((1..=layers).map(|number| (!number.is_multiple_of(step)).then_some(window)).collect())
    }
}
