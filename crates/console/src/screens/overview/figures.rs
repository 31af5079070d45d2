//! What requests of a time came to, as plain values for the page: totals, points in time, shares by jurisdiction and destination.

use std::ops::Range as Span;
use std::time::Duration;

use jiff::Timestamp;
use request_index::{AxisOf, Index, OfDestination, OfJurisdiction, Totals};

use crate::answer::Refused;
use crate::language::{Language, Written};

const MINUTE: u64 = 60;
const MICROS: u64 = 1_000_000;
/// What stands for others that are not known.
pub(super) const UNKNOWN: &str = "?";

/// How far back the page looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Hour,
    Day,
    Week,
    Month,
}

/// What the page shows of a time.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) totals: Totals,
    pub(super) took: Option<[Duration; 3]>,
    pub(super) requests: u64,
    pub(super) tokens: u64,
    pub(super) points: Vec<Point>,
    pub(super) processed: Vec<Share>,
    pub(super) controlled: Vec<Share>,
    pub(super) by_destination: Vec<Share>,
    /// As the index has them, for what would be lost.
    pub(super) destinations: Vec<OfDestination>,
}

/// One point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) seconds: u64,
    pub(super) at: Written,
    pub(super) answered: u64,
    pub(super) degraded: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
}

/// A part of all tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Codes or a label; empty where nothing is known.
    pub(super) name: String,
    pub(super) tokens: u64,
    /// Of all tokens, in thousandths.
    pub(super) permille: u64,
}

impl Range {
    pub(super) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The one of that word; a day where it is none.
    pub(super) fn of(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|range| Some(range.word()) == word).unwrap_or(Self::Day)
    }

    /// As links and messages name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// How long it is and how far its points are apart, in seconds.
    fn seconds(self) -> (u64, u64) {
        match self {
            Self::Hour => (60 * MINUTE, MINUTE),
            Self::Day => (24 * 60 * MINUTE, 15 * MINUTE),
            Self::Week => (7 * 24 * 60 * MINUTE, 120 * MINUTE),
            Self::Month => (30 * 24 * 60 * MINUTE, 720 * MINUTE),
        }
    }

    /// The time that ends with the minute that runs, in microseconds since 1970.
    pub(super) fn micros(self, now: Timestamp) -> Span<u64> {
        let now = u64::try_from(now.as_second()).unwrap_or(0) / MINUTE * MINUTE + MINUTE;
        now.saturating_sub(self.seconds().0) * MICROS..now * MICROS
    }
}

impl Figures {
    pub(super) async fn read(index: &Index, range: Range, now: Timestamp, language: Language) -> Result<Self, Refused> {
        let micros = range.micros(now);
        let totals = index.totals(micros.clone()).await.map_err(Refused::ours)?;
        let destinations = index.by_destination(micros.clone()).await.map_err(Refused::ours)?;
        let took = index.took(micros.clone()).await.map_err(Refused::ours)?;
        let series = index.series(micros, range.seconds().1).await.map_err(Refused::ours)?;
        let points = series.into_iter().map(|bucket| Point {
            seconds: bucket.start,
            at: language.time(Timestamp::from_second(i64::try_from(bucket.start).unwrap_or(0)).unwrap_or_default()),
            answered: bucket.totals.answered,
            degraded: bucket.totals.degraded,
            refused: bucket.totals.refused,
            failed: bucket.totals.failed,
        });
        let Totals { answered, refused, failed, left, open, .. } = totals;
        Ok(Self {
            took: took.map(|took| [took.p50, took.p95, took.p99].map(Duration::from_micros)),
            requests: answered + refused + failed + left + open,
            tokens: totals.prompt_tokens.saturating_add(totals.completion_tokens),
            points: points.collect(),
            processed: by_axis(&destinations, AxisOf::ProcessedIn),
            controlled: by_axis(&destinations, AxisOf::ControlledBy),
            by_destination: by_label(&destinations),
            destinations,
            totals,
        })
    }

    /// The three ways to share all tokens out, with the messages that name them.
    pub(super) fn shares(&self) -> [(&'static str, &[Share]); 3] {
        [
            ("overview-processed", &self.processed),
            ("overview-controlled", &self.controlled),
            ("overview-by-destination", &self.by_destination),
        ]
    }
}

fn by_axis(destinations: &[OfDestination], axis: AxisOf) -> Vec<Share> {
    let told = OfJurisdiction::shared(destinations, axis).into_iter().map(|set| {
        let tokens = set.prompt_tokens.saturating_add(set.completion_tokens);
        (set.jurisdictions.join(" + "), tokens, set.answered)
    });
    shares(told.collect())
}

/// A destination whose jurisdictions have changed counts once.
fn by_label(destinations: &[OfDestination]) -> Vec<Share> {
    let mut told: Vec<(String, u64, u64)> = Vec::new();
    for OfDestination { label, totals, .. } in destinations {
        let tokens = totals.prompt_tokens.saturating_add(totals.completion_tokens);
        // What served nobody belongs to none.
        if label.is_empty() {
            continue;
        }
        match told.iter_mut().find(|(known, ..)| known == label) {
            Some((_, sum, answered)) => {
                *sum = sum.saturating_add(tokens);
                *answered += totals.answered;
            }
            None => told.push((label.clone(), tokens, totals.answered)),
        }
    }
    told.sort_by_key(|(_, tokens, _)| std::cmp::Reverse(*tokens));
    shares(told)
}

/// Each with its part of the whole; what is nothing is left out.
pub(super) fn shares(told: Vec<(String, u64, u64)>) -> Vec<Share> {
    let whole: u128 = told.iter().map(|(_, tokens, _)| u128::from(*tokens)).sum();
    let told = told.into_iter().filter(|(_, tokens, answered)| *tokens > 0 || *answered > 0);
    told.map(|(name, tokens, _)| {
        let permille = (u128::from(tokens) * 1000).checked_div(whole).unwrap_or(0);
        Share { name, tokens, permille: u64::try_from(permille).unwrap_or(1000) }
    })
    .collect()
}
