//! The weights of layers' feed-forward halves: one gated layer, or a mixture of experts. It must not know how experts are
//! chosen.

use super::{Part, Plan};
use crate::LoadError;
use crate::packed::Matrix;
use crate::shape::Experts;

/// The feed-forward half of a layer.
pub(crate) enum Feed {
    /// One gated layer for all tokens.
    Dense(Gated),
    /// Each token asks some of many.
    Mixture(Mixture),
}

/// A gated layer.
pub(crate) struct Gated {
    /// Gates and ups in turns of 16 rows.
    pub(crate) gate_up: Matrix,
    pub(crate) down: Matrix,
}

/// A mixture of experts.
pub(crate) struct Mixture {
    /// A row for each expert.
    pub(crate) router: Matrix,
    /// Added to experts' scores where they are compared.
    pub(crate) choice_biases: Option<Vec<f32>>,
    /// All of one shape.
    pub(crate) experts: Vec<Gated>,
    /// The one that all tokens ask.
    pub(crate) shared: Option<Gated>,
}

impl Plan<'_> {
    pub(super) fn feed(&mut self, layer: usize) -> Result<Feed, LoadError> {
        match self.shape.experts {
            Some(experts) if layer >= experts.dense_layers => Ok(Feed::Mixture(self.mixture(layer, &experts)?)),
            _ => Ok(Feed::Dense(self.gated(layer, "", self.shape.feed_width, None)?)),
        }
    }

    fn mixture(&mut self, layer: usize, experts: &Experts) -> Result<Mixture, LoadError> {
        let router = Part::whole(format!("blk.{layer}.ffn_gate_inp.weight"), experts.count);
        let biases = format!("blk.{layer}.exp_probs_b.bias");
        let has_biases = self.has(experts.choice_biases, &biases);
        let expert =
            |plan: &mut Self, expert| plan.gated(layer, "_exps", experts.feed_width, Some((expert, experts.count)));
        Ok(Mixture {
            router: self.matrix(self.shape.width, &[router])?,
            choice_biases: has_biases.then(|| self.vector(&biases, experts.count)).transpose()?,
            experts: (0..experts.count).map(|index| expert(self, index)).collect::<Result<_, _>>()?,
            shared: match experts.shared_width {
                0 => None,
                width => Some(self.gated(layer, "_shexp", width, None)?),
            },
        })
    }

    fn gated(
        &mut self,
        layer: usize,
        suffix: &str,
        feed_width: usize,
        expert: Option<(usize, usize)>,
    ) -> Result<Gated, LoadError> {
        let width = self.shape.width;
        let part = |what: &str, rows: usize| {
            let name = format!("blk.{layer}.ffn_{what}{suffix}.weight");
            Part { expert, ..Part::whole(name, rows) }
        };
        let gate_up = self.matrix_in_turns(width, &[part("gate", feed_width), part("up", feed_width)])?;
        Ok(Gated { gate_up, down: self.matrix(feed_width, &[part("down", width)])? })
    }
}
