//! What requests of a time come to: totals, by destination, by jurisdiction, by points in time. All of it is summed from `counters`,
//! so that a year takes as long as an hour; a time is taken in whole minutes, its ends rounded outwards. It must not know how
//! requests are searched for.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use sqlx::Row as _;

use crate::counters::{self, Apart, DAY, HOUR, MINUTE, Percentiles, Summed};
use crate::error::IndexError;
use crate::index::{Index, signed, unsigned};
use crate::lines;
use crate::request::{Axes, FLOOR, State};
use crate::spread::Spread;

/// Points in time that are told at once.
pub const BUCKETS_MAX: u64 = 2_000;

/// What requests came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Whole answers.
    pub answered: u64,
    /// Of these, by another destination than the first permitted.
    pub degraded: u64,
    /// Of these, by the local floor.
    pub by_floor: u64,
    /// Refused before anything was sent.
    pub refused: u64,
    /// Ended with an error.
    pub failed: u64,
    /// The caller left, or the program gave up or ended.
    pub left: u64,
    /// Under way, as far as the log has been read.
    pub open: u64,
    /// Tokens sent to those that served.
    pub prompt_tokens: u64,
    /// Tokens that they answered.
    pub completion_tokens: u64,
    /// Whole answers whose tokens nobody counted.
    pub uncounted: u64,
}

/// What one destination came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfDestination {
    /// As entries call it.
    pub label: String,
    /// As they were when it served: a destination whose jurisdictions have changed is here once for each.
    pub axes: Axes,
    /// Of the requests that it served; none of these was refused or is under way.
    pub totals: Totals,
}

/// Which of the two jurisdictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisOf {
    /// Where what is sent is processed and stored.
    ProcessedIn,
    /// Whose law controls the operator.
    ControlledBy,
}

/// What the destinations of a jurisdiction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfJurisdiction {
    /// Codes; several where a destination lies in several at once, none where nothing is known. Each destination is in one such set,
    /// so that the sets together are the whole.
    pub jurisdictions: Vec<String>,
    /// Whole answers.
    pub answered: u64,
    /// Tokens sent there.
    pub prompt_tokens: u64,
    /// Tokens answered from there.
    pub completion_tokens: u64,
}

/// One point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins, in seconds since 1970.
    pub start: u64,
    /// What the requests decided on in it came to; how many are under way is not told.
    pub totals: Totals,
}

impl Index {
    /// What the requests of a time came to; `micros` since 1970.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn totals(&self, micros: Range<u64>) -> Result<Totals, IndexError> {
        let mut totals = Totals::default();
        for sum in self.sums(Apart::Floor, &micros).await? {
            totals.add(&sum, sum.whom == 1);
        }
        let minutes = counters::minutes(&micros);
        let select = "SELECT count(*) FROM requests WHERE state = 'open' AND at >= $1 AND at < $2";
        let open = sqlx::query_scalar::<_, i64>(select)
            .bind(signed(minutes.start.saturating_mul(1_000_000)))
            .bind(signed(minutes.end.saturating_mul(1_000_000)));
        let open = open.fetch_one(self.pool()).await.map(unsigned).map_err(|error| self.failed(error))?;
        Ok(Totals { open, ..totals })
    }

    /// How long the whole answers of a time took, none where there were none; `micros` since 1970.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn took(&self, micros: Range<u64>) -> Result<Option<Percentiles>, IndexError> {
        let failed = |error| self.failed(error);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let mut spread = Spread::default();
        for part in counters::parts(counters::minutes(&micros)) {
            counters::took(&mut connection, part, &mut spread).await.map_err(failed)?;
        }
        Ok(Percentiles::of(&spread))
    }

    /// What each destination came to in a time, those that answered most first; `micros` since 1970.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn by_destination(&self, micros: Range<u64>) -> Result<Vec<OfDestination>, IndexError> {
        let destinations = self.destinations().await?;
        let mut all: BTreeMap<i64, Totals> = BTreeMap::new();
        for sum in self.sums(Apart::Destinations, &micros).await? {
            let floor = destinations.get(&sum.whom).is_some_and(|(label, _)| label == FLOOR);
            all.entry(sum.whom).or_default().add(&sum, floor);
        }
        let told = |(number, totals): (i64, Totals)| {
            let (label, axes) = destinations.get(&number)?.clone();
            Some(OfDestination { label, axes, totals })
        };
        let mut told: Vec<OfDestination> = all.into_iter().filter_map(told).collect();
        told.sort_by_key(|it| std::cmp::Reverse(it.totals.answered));
        Ok(told)
    }

    /// What requests came to from one point in time to the next, also where there were none; `micros` since 1970. `bucket` is in
    /// seconds, and taken in whole minutes; its points are multiples of it since 1970.
    ///
    /// # Errors
    /// Where that is more than [`BUCKETS_MAX`] points, or the database fails.
    pub async fn series(&self, micros: Range<u64>, bucket: u64) -> Result<Vec<Bucket>, IndexError> {
        let bucket = bucket.clamp(MINUTE, 366 * DAY).div_ceil(MINUTE) * MINUTE;
        let minutes = counters::minutes(&micros);
        let (first, end) = (minutes.start / bucket, minutes.end.div_ceil(bucket));
        let buckets = end.saturating_sub(first);
        if buckets > BUCKETS_MAX {
            return Err(IndexError::TooFine { buckets, max: BUCKETS_MAX });
        }
        let span = [DAY, HOUR, MINUTE].into_iter().find(|span| bucket.is_multiple_of(*span)).unwrap_or(MINUTE);
        let mut connection = self.pool().acquire().await.map_err(|error| self.failed(error))?;
        let sums = counters::sums(&mut connection, Apart::Floor, (span, first * bucket..end * bucket), bucket).await;
        let mut all: BTreeMap<u64, Totals> = (first..end).map(|place| (place, Totals::default())).collect();
        for sum in sums.map_err(|error| self.failed(error))? {
            all.entry(sum.stretch).or_default().add(&sum, sum.whom == 1);
        }
        Ok(all.into_iter().map(|(place, totals)| Bucket { start: place * bucket, totals }).collect())
    }

    /// Whole times, each from its longest spans.
    async fn sums(&self, apart: Apart, micros: &Range<u64>) -> Result<Vec<Summed>, IndexError> {
        let failed = |error| self.failed(error);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let mut all = Vec::new();
        for part in counters::parts(counters::minutes(micros)) {
            all.append(&mut counters::sums(&mut connection, apart, part, u64::MAX).await.map_err(failed)?);
        }
        Ok(all)
    }

    /// Labels and jurisdictions by number.
    async fn destinations(&self) -> Result<HashMap<i64, (String, Axes)>, IndexError> {
        let select = "SELECT id, label, processed_in, controlled_by FROM destinations";
        let rows = sqlx::query(select).fetch_all(self.pool()).await;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let axes =
                Axes { processed_in: lines::split(row.try_get(2)?), controlled_by: lines::split(row.try_get(3)?) };
            Ok((row.try_get(0)?, (row.try_get(1)?, axes)))
        };
        rows.and_then(|rows| rows.iter().map(read).collect()).map_err(|error| self.failed(error))
    }
}

impl OfJurisdiction {
    /// Whose law the tokens of these destinations were under, those with most tokens first.
    pub fn shared(destinations: &[OfDestination], axis: AxisOf) -> Vec<Self> {
        let mut sums: BTreeMap<&[String], Totals> = BTreeMap::new();
        for OfDestination { axes, totals, .. } in destinations {
            let jurisdictions = match axis {
                AxisOf::ProcessedIn => &axes.processed_in,
                AxisOf::ControlledBy => &axes.controlled_by,
            };
            let sum = sums.entry(jurisdictions).or_default();
            sum.answered += totals.answered;
            sum.prompt_tokens = sum.prompt_tokens.saturating_add(totals.prompt_tokens);
            sum.completion_tokens = sum.completion_tokens.saturating_add(totals.completion_tokens);
        }
        let told = |(jurisdictions, sum): (&[String], Totals)| Self {
            jurisdictions: jurisdictions.to_vec(),
            answered: sum.answered,
            prompt_tokens: sum.prompt_tokens,
            completion_tokens: sum.completion_tokens,
        };
        let mut told: Vec<Self> = sums.into_iter().map(told).collect();
        told.sort_by_key(|it| std::cmp::Reverse(it.prompt_tokens.saturating_add(it.completion_tokens)));
        told
    }
}

impl Totals {
    fn add(&mut self, sum: &Summed, floor: bool) {
        match sum.state {
            State::Open => self.open += sum.requests,
            State::Refused => self.refused += sum.requests,
            State::Answered => {
                self.answered += sum.requests;
                self.degraded += if sum.degraded { sum.requests } else { 0 };
                self.by_floor += if floor { sum.requests } else { 0 };
            }
            State::Failed => self.failed += sum.requests,
            State::Cancelled | State::Abandoned | State::Lost => self.left += sum.requests,
        }
        self.prompt_tokens = self.prompt_tokens.saturating_add(sum.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(sum.completion_tokens);
        self.uncounted += sum.uncounted;
    }
}
