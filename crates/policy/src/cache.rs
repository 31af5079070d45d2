//! A bounded memory of verdicts by combination, for policies with more combinations than a table can hold. Two generations: when
//! the young one is full it becomes the old one, and what of the old one is asked for again moves up. Knows nothing of rules.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Verdict;
use crate::space::Combination;

const SHARDS: usize = 16;
/// What verdicts may take together, in bytes, both generations.
const MOST_BYTES: usize = 64 << 20;
/// The least and the most combinations of one generation of a shard.
const FEWEST: usize = 1;
const MOST: usize = 4_096;

/// Verdicts that were found before.
pub(crate) struct Cache {
    shards: Vec<Mutex<Generations>>,
    hash: RandomState,
    most: usize,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Combination, Arc<Verdict>>,
    old: HashMap<Combination, Arc<Verdict>>,
}

impl Cache {
    /// For verdicts on so many destinations.
    pub(crate) fn of(destinations: usize) -> Self {
        let bytes = 256 + destinations * 16;
        let most = (MOST_BYTES / bytes / SHARDS / 2).clamp(FEWEST, MOST);
        let shard = || {
            let young = HashMap::with_capacity(most);
            Mutex::new(Generations { young, old: HashMap::new() })
        };
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), hash: RandomState::new(), most }
    }

    /// The verdict on a combination, found by `find` if it is not remembered.
    pub(crate) fn verdict(&self, combination: &Combination, find: impl FnOnce() -> Arc<Verdict>) -> Arc<Verdict> {
        let number = usize::try_from(self.hash.hash_one(combination) >> 32).unwrap_or(0) % SHARDS;
        let Some(shard) = self.shards.get(number) else { return find() };
        if let Some(verdict) = self.remembered(shard, combination) {
            return verdict;
        }
        // Found without the lock: others are not held up, and at worst it is found twice.
        let verdict = find();
        self.keep(shard, *combination, verdict.clone());
        verdict
    }

    fn remembered(&self, shard: &Mutex<Generations>, combination: &Combination) -> Option<Arc<Verdict>> {
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = shard.young.get(combination) {
            return Some(verdict.clone());
        }
        let verdict = shard.old.remove(combination)?;
        self.insert(&mut shard, *combination, verdict.clone());
        Some(verdict)
    }

    fn keep(&self, shard: &Mutex<Generations>, combination: Combination, verdict: Arc<Verdict>) {
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        self.insert(&mut shard, combination, verdict);
    }

    fn insert(&self, shard: &mut Generations, combination: Combination, verdict: Arc<Verdict>) {
        if shard.young.len() >= self.most {
            // The room of the older generation is used again.
            let Generations { young, old } = shard;
            std::mem::swap(young, old);
            young.clear();
        }
        shard.young.insert(combination, verdict);
    }
}

#[cfg(test)]
mod tests;
