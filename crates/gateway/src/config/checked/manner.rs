//! What the typed settings of how a route uses its destinations mean.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::typed::{self, At};
use super::super::{Continuity, Manner, Strategy};
use super::{Finder, Numbers, one_of};

/// Weights are shares: more digits than these make no difference.
const WEIGHT: RangeInclusive<i64> = 0..=10_000;
/// Below this every request would be asked twice; above it the first destination's own limit has long run out.
const HEDGE_MS: RangeInclusive<i64> = 50..=60_000;
/// An answer that nobody reads is held in memory and paid for: ten minutes of it at most.
const RESUME_SECONDS: RangeInclusive<i64> = 1..=600;

/// How a route of so many `steps` uses them.
pub(super) fn manner(typed: &typed::Manner, steps: usize, at: usize, mistakes: &mut Finder<'_>) -> Manner {
    let strategy = one_of("route.strategy", typed.strategy.as_ref(), &Strategy::WORDS, mistakes).unwrap_or_default();
    let continuity =
        one_of("route.continuity", typed.continuity.as_ref(), &Continuity::WORDS, mistakes).unwrap_or_default();
    let weights = weights(strategy, typed.weights.as_ref(), steps, at, mistakes);
    let mut numbers = Numbers { mistakes };
    let hedge_after = numbers.count("route.hedge_after_ms", typed.hedge_after_ms.as_ref(), HEDGE_MS);
    let resume = numbers.count("route.resume_seconds", typed.resume_seconds.as_ref(), RESUME_SECONDS);
    Manner {
        strategy,
        weights,
        hedge_after: hedge_after.map(Duration::from_millis),
        continuity,
        resume: resume.map(Duration::from_secs),
    }
}

fn weights(
    strategy: Strategy,
    typed: Option<&At<Vec<At<i64>>>>,
    steps: usize,
    at: usize,
    mistakes: &mut Finder<'_>,
) -> Vec<u32> {
    match (strategy, typed) {
        (Strategy::Weighted, None) => {
            mistakes.add(at, "`route.strategy` is `weighted`: add `weights`, one for each of its destinations");
            Vec::new()
        }
        (Strategy::Weighted, Some(typed)) => {
            if typed.value.len() != steps {
                let what =
                    format!("has {}, and the route has {steps} destinations: give one for each", typed.value.len());
                mistakes.add(typed.at, format!("`route.weights` {what}"));
            }
            let mut numbers = Numbers { mistakes };
            let weights: Vec<u32> =
                typed.value.iter().filter_map(|weight| numbers.count("route.weights", Some(weight), WEIGHT)).collect();
            if !weights.is_empty() && weights.iter().all(|weight| *weight == 0) {
                mistakes.add(typed.at, "`route.weights` are all 0: give at least one destination a share");
            }
            weights
        }
        (_, Some(typed)) => {
            mistakes.add(
                typed.at,
                "`route.weights` is of no use without `strategy = \"weighted\"`: add that, or take it out",
            );
            Vec::new()
        }
        (_, None) => Vec::new(),
    }
}
