//! By which angles a network's positions turn, read from a model file's metadata. It must not know how angles are used.

use super::Entries;
use crate::LoadError;

/// An entry of ours: whether YaRN rounds the pairs between which it blends.
pub(crate) const WHOLE_PAIRS: &str = "rope.scaling.yarn_whole_pairs";

/// How angles of positions come about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Angles {
    pub(crate) base: f32,
    pub(crate) stretch: Stretch,
}

/// How positions are brought nearer to each other than the network was first taught.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stretch {
    /// All are divided by this.
    Evenly(f32),
    /// Pairs that turn slowly are divided by the factor, those that turn fast by nothing (YaRN, Peng et al. 2023).
    Yarn {
        factor: f32,
        /// Tokens that the network was first taught.
        context_tokens: f32,
        /// Turns within those tokens above which a pair is left as it is, and below which it is stretched wholly.
        turns: [f32; 2],
        /// Whether the pairs between which the one becomes the other are rounded to whole numbers.
        whole_pairs: bool,
        /// What cosines and sines are multiplied with.
        loudness: f32,
    },
}

impl Entries<'_> {
    /// Angles of layers that see everything, and of those with a window where they differ.
    pub(super) fn angles(&self) -> Result<(Angles, Option<Angles>), LoadError> {
        let angles = Angles { base: self.positive("rope.freq_base")?.unwrap_or(10_000.0), stretch: self.stretch()? };
        let Some(usual) = self.family.window_rope_base else { return Ok((angles, None)) };
        let base = self.positive("rope.freq_base_swa")?.unwrap_or(usual);
        Ok((angles, Some(Angles { base, stretch: Stretch::Evenly(1.0) })))
    }

    fn stretch(&self) -> Result<Stretch, LoadError> {
        let scaling = self.key("rope.scaling.type");
        match self.metadata.string(&scaling)? {
            None | Some("none") => Ok(Stretch::Evenly(1.0)),
            Some("linear") => Ok(Stretch::Evenly(self.positive("rope.scaling.factor")?.unwrap_or(1.0))),
            Some("yarn") => self.yarn(),
            Some(kind) => Err(LoadError::Unsupported(format!(
                "the model stretches positions by `{kind}` (entry `{scaling}`), which is not computed; take a model \
                 without it"
            ))),
        }
    }

    fn yarn(&self) -> Result<Stretch, LoadError> {
        let key = self.key("rope.scaling.factor");
        let factor = match self.positive("rope.scaling.factor")? {
            Some(factor) if factor >= 1.0 => factor,
            Some(factor) => return Err(LoadError::metadata(&key, format!("is {factor}; 1 or more is computed"))),
            None => return Err(LoadError::metadata(&key, "is missing; positions stretched by `yarn` need it")),
        };
        for (name, usual) in [("yarn_ext_factor", 1.0), ("yarn_log_multiplier", 0.0)] {
            let key = self.key(&format!("rope.scaling.{name}"));
            let value = self.metadata.f32(&key)?.unwrap_or(usual);
            if value.to_bits() != usual.to_bits() {
                let problem = format!("is {value}; only {usual} is computed; take a model without it");
                return Err(LoadError::metadata(&key, problem));
            }
        }
        let context_tokens = match self.optional_size("rope.scaling.original_context_length", 1 << 24)? {
            Some(tokens) => tokens,
            None => self.size("context_length", 1 << 24)?,
        };
        let loudness = self.positive("rope.scaling.yarn_attn_factor")?.unwrap_or(1.0 + 0.1 * factor.ln());
        Ok(Stretch::Yarn {
            factor,
            context_tokens: context_tokens as f32,
            turns: [
                self.positive("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
                self.positive("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
            ],
            whole_pairs: self.metadata.bool(&self.key(WHOLE_PAIRS))?.unwrap_or(self.family.whole_pairs),
            loudness: loudness * self.positive("rope.scaling.attn_factor")?.unwrap_or(1.0),
        })
    }
}
