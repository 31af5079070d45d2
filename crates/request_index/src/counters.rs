//! What is counted while it is written, so that a year is summed as quickly as an hour: requests that have ended, by the minute, the
//! hour and the day in which each was decided on. A time is put together from whole days, and from hours and minutes at its ends; so
//! every time that is asked for is one of whole minutes. It must not know what the figures are wanted for.

use std::collections::BTreeMap;
use std::ops::Range;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::index::{signed, unsigned};
use crate::request::{FLOOR, Request, State};
use crate::rows::ROWS_AT_ONCE;
use crate::spread::Spread;

pub(crate) const MINUTE: u64 = 60;
pub(crate) const HOUR: u64 = 3600;
pub(crate) const DAY: u64 = 86_400;
const SPANS: [u64; 3] = [MINUTE, HOUR, DAY];
const MICROS: u64 = 1_000_000;
/// A request's tokens as they are counted: what a destination says of them is its own word, and no word of one may be more than the
/// sum of all can hold.
const TOKENS_MAX: u64 = 1_000_000_000;

/// How long answered requests took, in microseconds: each at most a thirty-second part too low, for it comes from a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of them took less.
    pub p50: u64,
    /// All but one in twenty.
    pub p95: u64,
    /// All but one in a hundred.
    pub p99: u64,
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    /// Seconds: [`MINUTE`], [`HOUR`] or [`DAY`].
    pub(crate) span: u64,
    /// When it begins, in seconds since 1970.
    pub(crate) start: u64,
    /// The number of the destination that served; 0 for none.
    pub(crate) destination: i64,
    pub(crate) state: State,
    pub(crate) degraded: bool,
}

/// How many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) requests: u64,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    /// Answers whose tokens nobody counted.
    pub(crate) uncounted: u64,
    /// How long answered requests took.
    pub(crate) took: Spread,
}

/// What is told apart beside stretches of time, states and degraded answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    /// The destinations, by their numbers.
    Destinations,
    /// The local floor, which is 1, and all others, which are 0.
    Floor,
}

/// Counters added up. How long answers took is not: [`took`] tells that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summed {
    /// Which stretch of time since 1970.
    pub(crate) stretch: u64,
    /// As [`Apart`] says.
    pub(crate) whom: i64,
    pub(crate) state: State,
    pub(crate) degraded: bool,
    pub(crate) requests: u64,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    pub(crate) uncounted: u64,
}

impl Percentiles {
    /// None where there is no number.
    pub(crate) fn of(spread: &Spread) -> Option<Self> {
        let [p50, p95, p99] = [500, 950, 990].map(|thousandths| spread.quantile(thousandths));
        Some(Self { p50: p50?, p95: p95?, p99: p99? })
    }
}

impl Counter {
    fn add(&mut self, request: &Request) {
        self.requests += 1;
        if request.served.is_none() {
            return;
        }
        let tokens = |told: Option<u64>| told.unwrap_or(0).min(TOKENS_MAX);
        self.prompt_tokens += tokens(request.prompt_tokens);
        self.completion_tokens += tokens(request.completion_tokens);
        if request.state == State::Answered {
            self.uncounted += u64::from(request.completion_tokens.is_none());
            if let Some(duration) = request.duration {
                self.took.add(duration);
            }
        }
    }
}

/// Counts a request that has ended, in each span.
pub(crate) fn count(counters: &mut BTreeMap<Counted, Counter>, request: &Request, destination: Option<i64>) {
    for span in SPANS {
        let start = request.at / MICROS / span * span;
        let (destination, state, degraded) = (destination.unwrap_or(0), request.state, request.degraded);
        counters.entry(Counted { span, start, destination, state, degraded }).or_default().add(request);
    }
}

/// Adds these to what is there.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    mut counters: BTreeMap<Counted, Counter>,
) -> sqlx::Result<()> {
    let select = "SELECT took FROM counters WHERE span = $1 AND start = $2 AND destination = $3 AND state = $4 AND degraded = $5";
    for (cell, counter) in &mut counters {
        let took = sqlx::query_scalar::<_, Vec<u8>>(select)
            .bind(signed(cell.span))
            .bind(signed(cell.start))
            .bind(cell.destination)
            .bind(cell.state.word())
            .bind(i64::from(cell.degraded));
        if let Some(took) = took.fetch_optional(&mut *connection).await? {
            counter.took.join(&took);
        }
    }
    let counters: Vec<_> = counters.into_iter().collect();
    for counters in counters.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO counters (span, start, destination, state, degraded, requests, prompt_tokens, completion_tokens, \
             uncounted, took) ",
        );
        insert.push_values(counters, |mut row, (cell, counter)| {
            row.push_bind(signed(cell.span))
                .push_bind(signed(cell.start))
                .push_bind(cell.destination)
                .push_bind(cell.state.word())
                .push_bind(i64::from(cell.degraded))
                .push_bind(signed(counter.requests))
                .push_bind(signed(counter.prompt_tokens))
                .push_bind(signed(counter.completion_tokens))
                .push_bind(signed(counter.uncounted))
                .push_bind(counter.took.to_bytes());
        });
        insert.push(
            " ON CONFLICT (span, start, destination, state, degraded) DO UPDATE SET \
             requests = counters.requests + excluded.requests, \
             prompt_tokens = counters.prompt_tokens + excluded.prompt_tokens, \
             completion_tokens = counters.completion_tokens + excluded.completion_tokens, \
             uncounted = counters.uncounted + excluded.uncounted, took = excluded.took",
        );
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// What was counted in these spans, added up by stretches of so many seconds, which are whole numbers of spans. The database adds: a
/// page asks for few sums of many counters.
pub(crate) async fn sums(
    connection: &mut SqliteConnection,
    apart: Apart,
    (span, seconds): (u64, Range<u64>),
    stretch: u64,
) -> sqlx::Result<Vec<Summed>> {
    let mut select = QueryBuilder::<Sqlite>::new("SELECT start / ");
    select.push_bind(signed(stretch)).push(" AS stretch, ");
    match apart {
        Apart::Destinations => select.push("destination"),
        Apart::Floor => select
            .push("CASE WHEN destination IN (SELECT id FROM destinations WHERE label = ")
            .push_bind(FLOOR)
            .push(") THEN 1 ELSE 0 END"),
    };
    select.push(
        " AS whom, state, degraded, CAST(sum(requests) AS BIGINT), CAST(sum(prompt_tokens) AS BIGINT), \
         CAST(sum(completion_tokens) AS BIGINT), CAST(sum(uncounted) AS BIGINT) FROM counters WHERE span = ",
    );
    select.push_bind(signed(span)).push(" AND start >= ").push_bind(signed(seconds.start));
    select.push(" AND start < ").push_bind(signed(seconds.end)).push(" GROUP BY 1, 2, 3, 4");
    let rows = select.build().fetch_all(connection).await?;
    let read = |row: &SqliteRow| {
        let state = row.try_get::<&str, _>(2)?;
        let state = State::of(state).ok_or_else(|| sqlx::Error::Decode(format!("`{state}` is no state").into()))?;
        Ok(Summed {
            stretch: row.try_get(0).map(unsigned)?,
            whom: row.try_get(1)?,
            state,
            degraded: row.try_get(3)?,
            requests: row.try_get(4).map(unsigned)?,
            prompt_tokens: row.try_get(5).map(unsigned)?,
            completion_tokens: row.try_get(6).map(unsigned)?,
            uncounted: row.try_get(7).map(unsigned)?,
        })
    };
    rows.iter().map(read).collect()
}

/// How long the answered requests of these spans took; added to `spread`.
pub(crate) async fn took(
    connection: &mut SqliteConnection,
    (span, seconds): (u64, Range<u64>),
    spread: &mut Spread,
) -> sqlx::Result<()> {
    let select = "SELECT took FROM counters WHERE span = $1 AND start >= $2 AND start < $3 AND state = 'answered'";
    let select = sqlx::query(select).bind(signed(span)).bind(signed(seconds.start)).bind(signed(seconds.end));
    for row in select.fetch_all(connection).await? {
        spread.join(row.try_get(0)?);
    }
    Ok(())
}

/// The whole minutes that have a part in this time, given in microseconds, told in seconds.
pub(crate) fn minutes(micros: &Range<u64>) -> Range<u64> {
    let end = micros.end.min(i64::MAX.unsigned_abs());
    micros.start / MICROS / MINUTE * MINUTE..end.div_ceil(MICROS).div_ceil(MINUTE) * MINUTE
}

/// A time of whole minutes put together from the longest spans: at most five parts.
pub(crate) fn parts(seconds: Range<u64>) -> Vec<(u64, Range<u64>)> {
    split(seconds, &[DAY, HOUR, MINUTE])
}

fn split(seconds: Range<u64>, spans: &[u64]) -> Vec<(u64, Range<u64>)> {
    if seconds.is_empty() {
        return Vec::new();
    }
    let Some((span, shorter)) = spans.split_first() else { return Vec::new() };
    let (from, until) = (seconds.start.div_ceil(*span) * span, seconds.end / span * span);
    if from >= until {
        return split(seconds, shorter);
    }
    let mut parts = split(seconds.start..from, shorter);
    parts.push((*span, from..until));
    parts.extend(split(until..seconds.end, shorter));
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_put_together_without_gap_or_overlap(start in 0_u64..10_000_000, minutes in 0_u64..100_000) {
            let seconds = start * MINUTE..(start + minutes) * MINUTE;
            let parts = parts(seconds.clone());
            prop_assert!(parts.len() <= 5);
            let mut at = seconds.start;
            for (span, part) in parts {
                prop_assert_eq!(part.start, at);
                prop_assert!(part.start % span == 0 && part.end % span == 0);
                at = part.end;
            }
            prop_assert_eq!(at, seconds.end.max(seconds.start));
        }
    }

    #[test]
    fn a_time_is_taken_in_whole_minutes() {
        assert_eq!(minutes(&(59_999_999..60_000_001)), 0..120);
        assert_eq!(minutes(&(60_000_000..120_000_000)), 60..120);
    }
}
