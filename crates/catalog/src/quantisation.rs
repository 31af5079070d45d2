//! Ways of storing weights: how much memory a weight takes, and in which precision it is computed with.

use crate::entry::Entry;
use crate::fact::Fact;
use crate::typed::Typed;
use crate::words::words;

words! {
    /// In which precision matrices are multiplied.
    Precision {
        /// 16-bit floats.
        Bf16 = "bf16",
        /// 8-bit floats.
        Fp8 = "fp8",
    }
}

/// Thousandths of a bit: no weight takes more than 64 bits.
pub(crate) const MILLIBITS_MAX: u64 = 64_000;

/// A way of storing weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantisation {
    /// How it is called.
    pub name: String,
    /// Thousandths of a bit that a weight takes, all that is stored beside it counted; 1 to 64,000.
    pub weight_millibits: Fact<u64>,
    /// In which precision accelerators compute with it, where they have it.
    pub computed_in: Fact<Precision>,
    /// Whether GGUF files store weights so: what the local floor reads.
    pub in_gguf: Fact<bool>,
}

impl Quantisation {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        let read = Self {
            name: entry.name(),
            weight_millibits: entry.fact("weight_millibits", |typed| typed.within(1, MILLIBITS_MAX)),
            computed_in: entry.fact("computed_in", Typed::word),
            in_gguf: entry.fact("in_gguf", Typed::truth),
        };
        entry.required("weight_millibits", &read.weight_millibits);
        read
    }
}
