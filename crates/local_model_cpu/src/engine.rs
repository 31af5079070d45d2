//! The engine as the floor knows it: checks what it is asked for, keeps the cache, runs passes. It must not know
//! callers.

use local_model::{Beginning, Capacity, Engine, EngineError, Logits, Run, Slot, Token};

use crate::cache::{Cache, PageShape};
use crate::checkpoint::Checkpoint;
use crate::forward::Forward;
use crate::kernels::{Kernels, PAGE_TOKENS};
use crate::pool::Pool;
use crate::weights::Weights;
use crate::{LoadError, Settings};

/// Tokens that one pass computes at most: enough to be bound by arithmetic, few enough that answers being written,
/// which wait for the pass, do not stall.
const BATCH_TOKENS_MAX: usize = 256;
/// Sequences at once.
const SLOTS_MAX: usize = 256;

/// A network on this machine's processor.
pub(crate) struct CpuEngine {
    weights: Weights,
    kernels: Kernels,
    pool: Pool,
    cache: Cache,
    forward: Forward,
    context_tokens_max: usize,
}

impl CpuEngine {
    /// Packs a model's weights and makes room to compute in.
    pub(crate) fn load(checkpoint: &dyn Checkpoint, settings: &Settings) -> Result<Self, LoadError> {
        let refused = |error| LoadError::Machine(format!("the system refuses what the model needs: {error}"));
        let kernels = Kernels::choose(settings.kernels)?;
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_err(refused)?.get(),
            threads => threads,
        };
        let mut pool = Pool::start(threads).map_err(refused)?;
        let weights = Weights::load(checkpoint, &mut pool)?;
        let shape = &weights.shape;
        let page = PageShape { layers: shape.layers(), kv_heads: shape.kv_heads, head_dim: shape.head_dim };
        let pages = settings.cache_bytes / page.bytes();
        if pages == 0 {
            return Err(LoadError::Machine(format!(
                "a cache of {} bytes holds no page of this model, which takes {} bytes",
                settings.cache_bytes,
                page.bytes()
            )));
        }
        let cache = Cache::new(page, pages, SLOTS_MAX).map_err(refused)?;
        let forward = Forward::new(shape, weights.vocabulary(), BATCH_TOKENS_MAX).map_err(refused)?;
        let context_tokens_max = shape.context_tokens.min(settings.context_tokens_max).min(cache.tokens_max());
        tracing::debug!(kernels = kernels.name(), threads, pages, page_tokens = PAGE_TOKENS, "engine ready");
        Ok(Self { weights, kernels, pool, cache, forward, context_tokens_max })
    }

    fn check(&mut self, runs: &[Run<'_>]) -> Result<(), EngineError> {
        let wrong = |problem: String| Err(EngineError(problem));
        let tokens: usize = runs.iter().map(|run| run.tokens.len()).sum();
        if tokens > BATCH_TOKENS_MAX {
            return wrong(format!("a batch of {tokens} tokens exceeds {BATCH_TOKENS_MAX}"));
        }
        let vocabulary = self.weights.vocabulary();
        let (rooms, _) = self.cache.parts_mut();
        let mut slots: Vec<usize> = Vec::with_capacity(runs.len());
        for run in runs {
            let Some(room) = rooms.of(run.slot) else {
                return wrong(format!("slot {} is not reserved", run.slot.0));
            };
            let inside = run.position.checked_add(run.tokens.len()).is_some_and(|end| end <= room.tokens);
            if run.tokens.is_empty() || !inside || run.logits > run.tokens.len() {
                return wrong(format!("a run of slot {} is empty or leaves its room", run.slot.0));
            }
            if run.position < room.shared {
                return wrong(format!("a run of slot {} would write into what others read", run.slot.0));
            }
            if let Some(token) = run.tokens.iter().find(|token| **token as usize >= vocabulary) {
                return wrong(format!("token {token} is not in the vocabulary"));
            }
            slots.push(run.slot.0);
        }
        slots.sort_unstable();
        if slots.windows(2).any(|pair| pair[0] == pair[1]) {
            return wrong("a slot has two runs in one batch".to_owned());
        }
        Ok(())
    }
}

impl Engine for CpuEngine {
    fn capacity(&self) -> Capacity {
        Capacity {
            context_tokens_max: self.context_tokens_max,
            cache_tokens_max: self.cache.tokens_max(),
            batch_tokens_max: BATCH_TOKENS_MAX,
            slots_max: self.cache.slots_max(),
            vocabulary: self.weights.vocabulary(),
        }
    }

    fn reserve(&mut self, tokens: usize) -> Option<Slot> {
        if tokens > self.context_tokens_max { None } else { self.cache.reserve(tokens) }
    }

    fn begin(&mut self, beginning: &Beginning<'_>) -> Option<(Slot, usize)> {
        if beginning.tokens > self.context_tokens_max { None } else { self.cache.begin(beginning) }
    }

    fn share(&mut self, slot: Slot, owner: &str, tokens: &[Token]) {
        self.cache.share(slot, owner, tokens);
    }

    fn release(&mut self, slot: Slot) {
        self.cache.release(slot);
    }

    fn forward(&mut self, runs: &[Run<'_>]) -> Result<Logits<'_>, EngineError> {
        self.check(runs)?;
        let vocabulary = self.weights.vocabulary();
        let values = self
            .forward
            .run(&self.weights, self.kernels, &mut self.pool, &mut self.cache, runs)
            .map_err(|panicked| EngineError(panicked.to_string()))?;
        Ok(Logits::new(values, vocabulary))
    }
}

#[cfg(test)]
mod tests;
