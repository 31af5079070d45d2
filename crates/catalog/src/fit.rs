//! What a model needs of a machine's memory, and how fast memory lets it write. Pure: what a machine has is handed in, by
//! whoever measured it.
//!
//! Writing a token reads every weight that it passes through, and all keys and values of its sequence; on one sequence
//! nothing else counts (the roofline's memory side). Bandwidth divided by those bytes is an estimate: kernels can read better than
//! whoever measured the bandwidth did.

pub mod load;

use crate::model::Model;

/// Bytes that a number of the cache of keys and values takes: 16-bit floats, as the local floor and most servers keep them.
pub const CACHE_BYTES_A_VALUE: u64 = 2;

/// What a process has beside weights and cache: code, vocabulary, logits, activations. Measured with a model of 1 GB:
/// some 150 MiB.
pub const OVERHEAD_BYTES: u64 = 256 << 20;

/// A shorter context hardly holds a question and its answer: what only fits with less does not fit.
pub const CONTEXT_TOKENS_MIN: u64 = 512;

/// What is estimated where a network's sizes are not known: 20 layers for each cube root of a billion weights, each with
/// eight heads of keys and values of 128 numbers. The dense networks of the catalogue that are known have 64 layers at 32
/// billion (estimated: 64), 48 at 11.5 (46), 28 and four heads at 7 (39), 30 and half as wide at 1.2 (22); mixtures of experts
/// have fewer layers than estimated.
const LAYERS_A_ROOT: u64 = 20;
const KEYS_AND_VALUES_A_LAYER: u64 = 2 * 8 * 128;

/// A network's sizes, as far as memory is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// All weights.
    pub parameters: u64,
    /// Those that a token passes through; all, where no share of them is known.
    pub active: u64,
    /// Numbers that a token leaves in the cache of keys and values.
    pub cache_values: u64,
    /// Whether that was estimated from the number of weights.
    pub cache_is_estimated: bool,
    /// Parts into which the cache can be cut, where that is known.
    pub cache_shards: Option<u64>,
}

/// Bytes of one model in one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of all weights.
    pub weight_bytes: u64,
    /// Of the weights that writing a token of one sequence reads.
    pub read_bytes: u64,
    /// Of the keys and values that a token leaves.
    pub cache_bytes_a_token: u64,
    /// Parts into which those can be cut: more cards than that hold copies. None where that is not known.
    pub cache_shards: Option<u64>,
}

/// What a model is to hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Tokens of each sequence, prompt and answer together.
    pub context_tokens: u64,
    /// Sequences at once.
    pub sequences: u64,
}

/// Whether it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As demanded.
    Fits,
    /// With as many sequences, but contexts of at most so many tokens.
    FitsWithContext(u64),
    /// Not with contexts that are of any use.
    DoesNotFit,
}

impl Network {
    /// What the catalogue says of a model; nothing where it does not know the number of weights.
    pub fn of(model: &Model) -> Option<Self> {
        let parameters = *model.parameters.known()?;
        let active = model.active_parameters.known().copied().unwrap_or(parameters).min(parameters);
        let cache_values = model.cache_values.known().copied();
        Some(Self {
            parameters,
            active,
            cache_values: cache_values.unwrap_or_else(|| estimated_cache_values(parameters)),
            cache_is_estimated: cache_values.is_none(),
            cache_shards: model.cache_shards.known().copied(),
        })
    }

    /// Its bytes where a weight takes so many thousandths of a bit, and one that a token passes through so many.
    pub fn sizes(&self, weight_millibits: u64, active_millibits: u64) -> Sizes {
        let bytes =
            |weights: u64, millibits: u64| narrowed((u128::from(weights) * u128::from(millibits)).div_ceil(8000));
        Sizes {
            weight_bytes: bytes(self.parameters, weight_millibits),
            read_bytes: bytes(self.active, active_millibits),
            cache_bytes_a_token: self.cache_values.saturating_mul(CACHE_BYTES_A_VALUE),
            cache_shards: self.cache_shards,
        }
    }
}

impl Sizes {
    /// Bytes of the keys and values of all sequences.
    pub fn cache_bytes(&self, demand: Demand) -> u64 {
        self.cache_bytes_a_token.saturating_mul(demand.context_tokens).saturating_mul(demand.sequences)
    }

    /// All bytes of a process that serves it on its own machine.
    pub fn bytes(&self, demand: Demand) -> u64 {
        self.weight_bytes.saturating_add(self.cache_bytes(demand)).saturating_add(OVERHEAD_BYTES)
    }

    /// Whether that fits into `memory_bytes`. What reaches the end of the numbers never does.
    pub fn verdict(&self, demand: Demand, memory_bytes: u64) -> Verdict {
        let bytes = self.bytes(demand);
        if bytes <= memory_bytes && bytes < u64::MAX {
            return Verdict::Fits;
        }
        let left = memory_bytes.saturating_sub(self.weight_bytes.saturating_add(OVERHEAD_BYTES));
        let a_token = self.cache_bytes_a_token.saturating_mul(demand.sequences);
        match left.checked_div(a_token) {
            Some(tokens @ CONTEXT_TOKENS_MIN..) => Verdict::FitsWithContext(tokens.min(demand.context_tokens)),
            _ => Verdict::DoesNotFit,
        }
    }

    /// Tokens a second of one sequence, about, when `context_tokens` stand before the token that is written and memory is
    /// read at `bandwidth` bytes a second. Zero where nothing is read, because then nothing is known.
    pub fn tokens_per_second(&self, context_tokens: u64, bandwidth: u64) -> f64 {
        let read = self.read_bytes.saturating_add(self.cache_bytes_a_token.saturating_mul(context_tokens));
        if read == 0 { 0.0 } else { real(bandwidth) / real(read) }
    }
}

/// See [`LAYERS_A_ROOT`].
fn estimated_cache_values(parameters: u64) -> u64 {
    // In thousandths of a root of a billion: 10⁹ weights have the root 1000.
    let layers = (u128::from(integer_root(parameters)) * u128::from(LAYERS_A_ROOT)).div_ceil(1000);
    narrowed(layers.max(1) * u128::from(KEYS_AND_VALUES_A_LAYER))
}

/// The greatest number whose cube is at most `value`.
fn integer_root(value: u64) -> u64 {
    let (mut low, mut high) = (0_u64, 1 << 22);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if u128::from(middle).pow(3) <= u128::from(value) { low = middle } else { high = middle - 1 }
    }
    low
}

fn narrowed(bytes: u128) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "estimates; two digits of them are shown")]
fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
