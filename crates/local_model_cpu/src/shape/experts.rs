//! The sizes of a mixture of experts, and how it chooses among them. It must not know weights.

use super::Entries;
use super::architecture::Presence;
use crate::LoadError;

/// How experts' scores come from the router's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scoring {
    /// Shares of one over all experts.
    Softmax,
    /// Each for itself, between 0 and 1.
    Sigmoid,
    /// Shares of one over the chosen experts.
    SoftmaxOfChosen,
}

/// How a family's mixtures choose, where the file does not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routing {
    pub(super) scoring: Scoring,
    /// Whether the chosen experts' scores are divided by their sum.
    pub(super) normalised: bool,
    /// Whether experts are chosen by their scores and a bias each, which has no part in what they count for.
    pub(super) choice_biases: Presence,
}

/// A network's mixtures of experts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Experts {
    pub(crate) count: usize,
    /// Experts that a token asks.
    pub(crate) used: usize,
    /// Width of an expert's gated layer.
    pub(crate) feed_width: usize,
    /// Width of the gated layer of the expert that all tokens ask; none where that is zero.
    pub(crate) shared_width: usize,
    /// Layers before the first mixture; they have one gated layer each.
    pub(crate) dense_layers: usize,
    pub(crate) scoring: Scoring,
    pub(crate) normalised: bool,
    /// What the chosen experts' scores are multiplied with.
    pub(crate) scale: f32,
    pub(crate) choice_biases: Presence,
}

/// Greatest width of a gated layer.
pub(super) const FEED_WIDTH_MAX: usize = 1 << 18;
const COUNT_MAX: usize = 1 << 12;

impl Entries<'_> {
    /// The mixtures' sizes; nothing for a dense network.
    pub(super) fn experts(&self, layers: usize) -> Result<Option<Experts>, LoadError> {
        let Some(routing) = self.family.routing else {
            return match self.number("expert_count")? {
                0 => Ok(None),
                _ => Err(LoadError::Unsupported(format!(
                    "mixtures of experts are not computed for the architecture `{}`; take a dense model of it",
                    self.family.name
                ))),
            };
        };
        self.refuse_other_choices()?;
        let count = self.size("expert_count", COUNT_MAX)?;
        let feed_width = self.size("expert_feed_forward_length", FEED_WIDTH_MAX)?;
        let shared = match self.number("expert_shared_feed_forward_length")? {
            0 => self.number("expert_shared_count")?.saturating_mul(feed_width as u64),
            width => width,
        };
        if shared > FEED_WIDTH_MAX as u64 {
            let problem = format!("gives a width of {shared}; up to {FEED_WIDTH_MAX} is computed");
            return Err(LoadError::metadata(&self.key("expert_shared_count"), problem));
        }
        let normalised = self.metadata.bool(&self.key("expert_weights_norm"))?;
        Ok(Some(Experts {
            count,
            used: self.size("expert_used_count", count)?,
            feed_width,
            shared_width: shared as usize,
            dense_layers: usize::try_from(self.number("leading_dense_block_count")?).unwrap_or(layers).min(layers),
            scoring: self.scoring(routing.scoring)?,
            normalised: normalised.unwrap_or(routing.normalised),
            scale: self.positive("expert_weights_scale")?.unwrap_or(1.0),
            choice_biases: routing.choice_biases,
        }))
    }

    /// A whole number, zero where the file does not say.
    pub(super) fn number(&self, name: &str) -> Result<u64, LoadError> {
        Ok(self.metadata.u64(&self.key(name))?.unwrap_or(0))
    }

    fn scoring(&self, usual: Scoring) -> Result<Scoring, LoadError> {
        match self.number("expert_gating_func")? {
            0 => Ok(usual),
            1 => Ok(Scoring::Softmax),
            2 => Ok(Scoring::Sigmoid),
            3 => Ok(Scoring::SoftmaxOfChosen),
            other => {
                let problem = format!("is {other}; the functions 1, 2 and 3 are computed");
                Err(LoadError::metadata(&self.key("expert_gating_func"), problem))
            }
        }
    }

    /// What would be computed wrongly if it were passed over.
    fn refuse_other_choices(&self) -> Result<(), LoadError> {
        for (name, usual) in
            [("expert_group_count", 1), ("expert_group_used_count", 1), ("interleave_moe_layer_step", 1)]
        {
            let value = self.number(name)?;
            if value > usual {
                let problem = format!("is {value}, which is not computed; take a model without it");
                return Err(LoadError::metadata(&self.key(name), problem));
            }
        }
        Ok(())
    }
}
