//! The weights of layers' feed-forward halves: one gated layer, or a mixture of experts. It must not know how experts are
//! chosen.

use super::packing::Part;
use super::{Plan, floats};
use crate::LoadError;
use crate::packed::{Matrix, TILE_ROWS};
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
    /// Added to gates and ups, in the same turns.
    pub(crate) gate_up_biases: Option<Vec<f32>>,
    pub(crate) down: Matrix,
    /// Added to what comes out.
    pub(crate) down_biases: Option<Vec<f32>>,
}

/// A mixture of experts.
pub(crate) struct Mixture {
    /// A row for each expert.
    pub(crate) router: Matrix,
    /// Added to the router's results.
    pub(crate) router_biases: Option<Vec<f32>>,
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
        let choice_biases = format!("blk.{layer}.exp_probs_b.bias");
        let expert =
            |plan: &mut Self, expert| plan.gated(layer, "_exps", experts.feed_width, Some((expert, experts.count)));
        Ok(Mixture {
            router: self.packing.matrix(self.shape.width, &[router])?,
            router_biases: self.biases(&format!("blk.{layer}.ffn_gate_inp.bias"), experts.count)?,
            choice_biases: self.optional_vector(experts.choice_biases, &choice_biases, experts.count)?,
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
        let name = |what: &str, kind: &str| format!("blk.{layer}.ffn_{what}{suffix}.{kind}");
        let part = |what: &str, rows: usize| Part { expert, ..Part::whole(name(what, "weight"), rows) };
        let [gates, ups] = ["gate", "up"].map(|what| self.biases_of(&name(what, "bias"), expert, feed_width));
        let gate_up_biases = match (gates?, ups?) {
            (None, None) => None,
            (gates, ups) => Some(in_turns(gates, ups, feed_width)),
        };
        let down_biases = self.biases_of(&name("down", "bias"), expert, width)?;
        let gate_up = self.packing.matrix_in_turns(width, &[part("gate", feed_width), part("up", feed_width)])?;
        Ok(Gated {
            gate_up,
            gate_up_biases,
            down: self.packing.matrix(feed_width, &[part("down", width)])?,
            down_biases,
        })
    }

    /// As [`Plan::biases`], of one expert where the tensor has all experts'.
    fn biases_of(
        &self,
        name: &str,
        expert: Option<(usize, usize)>,
        rows: usize,
    ) -> Result<Option<Vec<f32>>, LoadError> {
        match expert {
            Some((expert, experts)) if self.has(self.shape.biases, name) => {
                floats(&self.checkpoint.expert_tensor(name, expert, experts)?, rows).map(Some)
            }
            Some(_) => Ok(None),
            None => self.biases(name, rows),
        }
    }
}

/// Sixteen of the one and sixteen of the other in turns, zeros where there are none.
fn in_turns(first: Option<Vec<f32>>, second: Option<Vec<f32>>, each: usize) -> Vec<f32> {
    let [first, second] = [first, second].map(|values| values.unwrap_or_else(|| vec![0.0; each]));
    let turns = first.chunks(TILE_ROWS).zip(second.chunks(TILE_ROWS));
    turns.flat_map(|(first, second)| [first, second]).flatten().copied().collect()
}
