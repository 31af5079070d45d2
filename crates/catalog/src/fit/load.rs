//! How many accelerators a load needs: streams that write at once, each at a speed. Pure.
//!
//! A copy of the model is spread over one or more cards. Each step writes a token of every stream of a copy: it reads the
//! weights once and each stream's keys and values, and computes two operations for each weight that a token passes through.
//! The slower of the two is the step (the roofline); of both, only the share that servers reach counts. Prompts are not in
//! it: a service whose prompts are long needs more.

use crate::accelerator::{Accelerator, Rate};
use crate::quantisation::Precision;

use super::{Sizes, narrowed, real};

/// Cards that compute one layer together. More hardly help: heads of keys and values are eight in most networks, and the
/// fast links of most servers join eight cards. Further cards hold further layers, which makes no single stream faster.
pub const CARDS_A_LAYER_MAX: u64 = 8;

/// Cards of one copy, at most.
pub const CARDS_A_COPY_MAX: u64 = 1024;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Streams that write at once; without any, the model still has to be held.
    pub streams: u64,
    /// Of each stream, at least.
    pub tokens_per_second: u64,
    /// Tokens that each stream holds, prompt and answer together.
    pub context_tokens: u64,
}

/// What a card gives to one model, with what is assumed of it taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    /// Memory for weights and caches.
    pub memory_bytes: u64,
    /// Bytes that it reads a second.
    pub bandwidth: u64,
    /// Operations a second; none where that is not known, and then only memory counts.
    pub operations: Option<u64>,
}

/// A fact that is missing, by the name of its field.
pub type Missing = &'static str;

/// What was found for one kind of card.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Planned {
    /// So many cards do.
    Cards(Plan),
    /// No number of them writes a single stream so fast; at most so many tokens a second.
    TooSlow(f64),
    /// The model, with one stream, does not fit into [`CARDS_A_COPY_MAX`] of them.
    TooLarge,
}

/// How the load is carried with the fewest cards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Cards that hold one copy of the model.
    pub cards_a_copy: u64,
    /// Copies.
    pub copies: u64,
    /// What each stream gets at this load, tokens a second.
    pub tokens_per_second: f64,
    /// What more streams on as many cards would meet first.
    pub bound: Bound,
}

/// What a number of cards is bound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Memory's size.
    Memory,
    /// Memory's speed.
    Bandwidth,
    /// Operations.
    Compute,
}

impl Plan {
    /// All cards. At most what [`u64`] holds.
    pub fn cards(&self) -> u64 {
        self.cards_a_copy.saturating_mul(self.copies)
    }
}

impl Card {
    /// What a card gives to weights of that precision; or the facts that are missing to say.
    ///
    /// # Errors
    /// The names of the fields that are not known.
    pub fn of(accelerator: &Accelerator, precision: Precision) -> Result<Self, Vec<Missing>> {
        const GIGA: u64 = 1_000_000_000;
        const TERA: u64 = 1_000_000_000_000;
        let facts = [
            ("memory_gb", &accelerator.memory_gb),
            ("bandwidth_gb_per_second", &accelerator.bandwidth_gb_per_second),
            ("memory_usable_percent", &accelerator.memory_usable_percent),
            ("reached_percent", &accelerator.reached_percent),
        ];
        let missing: Vec<Missing> =
            facts.iter().filter(|(_, fact)| fact.known().is_none()).map(|(field, _)| *field).collect();
        let [Some(memory), Some(bandwidth), Some(usable), Some(reached)] = facts.map(|(_, fact)| fact.known().copied())
        else {
            return Err(missing);
        };
        let share = |amount: u64, percent: u64| amount / 100 * percent;
        // Weights of 8 bits are widened where a card cannot multiply them as they are.
        let fp8 = accelerator.fp8_tflops.known().filter(|_| precision == Precision::Fp8);
        let rate = fp8.filter(|rate| **rate != Rate::None).or(accelerator.bf16_tflops.known());
        let operations = match rate {
            Some(Rate::Tflops(tflops)) => Some(share(tflops.saturating_mul(TERA), reached)),
            Some(Rate::None) | None => None,
        };
        Ok(Self {
            memory_bytes: share(memory.saturating_mul(GIGA), usable),
            bandwidth: share(bandwidth.saturating_mul(GIGA), reached),
            operations,
        })
    }
}

/// The fewest cards that hold the model and all streams, each stream at its speed.
pub fn plan(sizes: &Sizes, active: u64, load: Load, card: Card) -> Planned {
    let stream_bytes = sizes.cache_bytes_a_token.saturating_mul(load.context_tokens);
    let mut best: Option<Plan> = None;
    let mut fastest: Option<f64> = None;
    for cards in (0..=3).map(|power| 1 << power).chain((16..=CARDS_A_COPY_MAX).step_by(8)) {
        let copy = Spread { sizes, active, stream_bytes, card, cards };
        let Some(held) = copy.streams_held() else { continue };
        let alone = copy.tokens_per_second(1);
        fastest = Some(fastest.map_or(alone, |before| before.max(alone)));
        let Some(written) = copy.streams_written(real(load.tokens_per_second)) else { continue };
        let most = held.min(written).max(1);
        let copies = load.streams.div_ceil(most).max(1);
        let found = Plan {
            cards_a_copy: cards,
            copies,
            tokens_per_second: copy.tokens_per_second(load.streams.div_ceil(copies)),
            bound: if held < written { Bound::Memory } else { copy.bound(most) },
        };
        if best.is_none_or(|best| found.cards() < best.cards()) {
            best = Some(found);
        }
    }
    match (best, fastest) {
        (Some(plan), _) => Planned::Cards(plan),
        (None, Some(fastest)) => Planned::TooSlow(fastest),
        (None, None) => Planned::TooLarge,
    }
}

/// One copy of the model, spread over some cards.
struct Spread<'a> {
    sizes: &'a Sizes,
    active: u64,
    stream_bytes: u64,
    card: Card,
    cards: u64,
}

impl Spread<'_> {
    /// Cards that compute a layer together; the others hold other layers.
    fn cards_a_layer(&self) -> u64 {
        self.cards.min(CARDS_A_LAYER_MAX)
    }

    /// Groups of cards, each with its share of the layers. While one computes, the others compute other streams.
    fn stages(&self) -> u64 {
        self.cards / self.cards_a_layer()
    }

    /// Bytes of one stream's keys and values on all cards of the copy. Cards that compute a layer together share the parts out; where
    /// they are more than the parts, some hold the same one. Parts that are not known are taken to be enough.
    fn stream_bytes(&self) -> u64 {
        let together = self.cards_a_layer();
        let parts = self.sizes.cache_shards.unwrap_or(together).clamp(1, together);
        narrowed((u128::from(self.stream_bytes) * u128::from(together)).div_ceil(u128::from(parts)))
    }

    /// Streams that memory holds; none where it does not hold the weights and one.
    fn streams_held(&self) -> Option<u64> {
        let memory = self.card.memory_bytes.saturating_mul(self.cards);
        let left = memory.checked_sub(self.sizes.weight_bytes)?;
        let streams = left.checked_div(self.stream_bytes()).unwrap_or(u64::MAX);
        (streams > 0).then_some(streams)
    }

    /// Streams that are written at that speed; none where not even one is.
    fn streams_written(&self, tokens_per_second: f64) -> Option<u64> {
        // More are never asked for at once: a step of so many takes longer than any answer.
        const STREAMS_MAX: u64 = 1 << 32;
        let is_met = |streams: u64| self.tokens_per_second(streams) >= tokens_per_second;
        if !is_met(1) {
            return None;
        }
        let (mut low, mut high) = (1, STREAMS_MAX);
        while low < high {
            let middle = (low + high).div_ceil(2);
            if is_met(middle) { low = middle } else { high = middle - 1 }
        }
        Some(low)
    }

    fn tokens_per_second(&self, streams: u64) -> f64 {
        let step = self.read_seconds(streams).max(self.compute_seconds(streams));
        if step > 0.0 { 1.0 / step } else { f64::MAX }
    }

    /// Seconds that a step's bytes take. Streams of a mixture of experts ask different ones: at worst, none twice.
    fn read_seconds(&self, streams: u64) -> f64 {
        let together = self.streams_together(streams);
        let weights = self.sizes.read_bytes.saturating_mul(together).min(self.sizes.weight_bytes);
        let bytes = weights.saturating_add(self.stream_bytes().saturating_mul(together));
        real(bytes) / (real(self.card.bandwidth) * real(self.cards_a_layer()))
    }

    /// Seconds that a step's operations take: two for each weight that a token passes through.
    fn compute_seconds(&self, streams: u64) -> f64 {
        let Some(operations) = self.card.operations else { return 0.0 };
        2.0 * real(self.active) * real(self.streams_together(streams)) / (real(operations) * real(self.cards_a_layer()))
    }

    /// Streams that a stage computes at once.
    fn streams_together(&self, streams: u64) -> u64 {
        streams.div_ceil(self.stages()).max(1)
    }

    fn bound(&self, streams: u64) -> Bound {
        if self.compute_seconds(streams) > self.read_seconds(streams) { Bound::Compute } else { Bound::Bandwidth }
    }
}

#[cfg(test)]
mod tests;
