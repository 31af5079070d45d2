//! A breaker for outages: after three failures in a row a place rests, then one request at a time tries it, and a success lets all
//! others back. Pure: the time and the chance come in as arguments.
//!
//! It must not know withdrawals: what it holds back heals by itself.

use std::time::Duration;

use super::diagnosis::Outage;
use crate::clock::Moment;

/// So many failures in a row open it: one or two are lost requests, which the next place answers.
pub(crate) const FAILURES_IN_A_ROW: u32 = 3;
/// The first rest. It doubles with each failed try.
const REST_MIN: Duration = Duration::from_secs(1);
/// The longest rest, so that a place that has recovered is asked again within ten seconds.
const REST_MAX: Duration = Duration::from_secs(5);
/// By so much of itself, in thousandths, a rest is longer or shorter by chance: many gateways do not come back in step.
const SPREAD_PER_MILLE: u32 = 200;
/// The longest wait that a provider can ask for.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Of one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    phase: Phase,
    /// Failures since the last success.
    in_row: u32,
    /// How long the last rest was meant to be.
    rest: Duration,
    /// Counts the times that requests were held back or let back: what began before the last of them says nothing of now.
    turn: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// All are let through.
    #[default]
    Closed,
    /// None is, until then; after that one at a time.
    Open { until: Moment, outage: Outage, trying: bool },
}

/// The right to send one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pass {
    turn: u64,
    /// Whether it is the one request that tries a place at rest.
    pub(crate) probe: bool,
}

/// A place is not to be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// Until then; a moment that has passed means that one request is trying it.
    pub(crate) until: Moment,
    /// Why.
    pub(crate) outage: Outage,
}

impl Breaker {
    /// Whether a request would be let through now.
    pub(crate) fn stands(&self, now: Moment) -> Result<(), Rest> {
        match self.phase {
            Phase::Closed => Ok(()),
            Phase::Open { until, trying: false, .. } if now >= until => Ok(()),
            Phase::Open { until, outage, .. } => Err(Rest { until, outage }),
        }
    }

    /// Lets a request through, or not. A pass must come back by one of the functions below, once.
    pub(crate) fn enter(&mut self, now: Moment) -> Result<Pass, Rest> {
        self.stands(now)?;
        let probe = match &mut self.phase {
            Phase::Closed => false,
            Phase::Open { trying, .. } => {
                *trying = true;
                true
            }
        };
        Ok(Pass { turn: self.turn, probe })
    }

    /// The place has begun to answer. One that was at rest is open to all again, but on trial: its next failure closes it.
    pub(crate) fn began(&mut self, pass: &mut Pass) {
        if pass.turn == self.turn && pass.probe {
            self.let_back();
            self.in_row = FAILURES_IN_A_ROW - 1;
            *pass = Pass { turn: self.turn, probe: false };
        }
    }

    /// The place has answered.
    pub(crate) fn succeeded(&mut self, pass: Pass) {
        if pass.turn != self.turn {
            return;
        }
        if pass.probe {
            self.let_back();
        }
        (self.in_row, self.rest) = (0, Duration::ZERO);
    }

    /// The place has failed; whether by that it begins to rest. `chance` is any number, drawn anew each time.
    pub(crate) fn failed(
        &mut self,
        pass: Pass,
        outage: Outage,
        retry_after: Option<Duration>,
        now: Moment,
        chance: u32,
    ) -> bool {
        if pass.turn != self.turn {
            return false;
        }
        self.in_row = self.in_row.saturating_add(1);
        // What a provider asks for is kept at its first word.
        if !pass.probe && self.in_row < FAILURES_IN_A_ROW && retry_after.is_none() {
            return false;
        }
        self.rest = self.rest.saturating_mul(2).clamp(REST_MIN, REST_MAX);
        let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        self.hold_back(now.plus(spread(self.rest, chance).max(asked)), outage);
        true
    }

    /// Something is not right: from now on one request at a time tries the place, until one succeeds.
    pub(crate) fn doubt(&mut self, pass: Pass, outage: Outage, now: Moment) {
        if pass.turn == self.turn {
            self.hold_back(now, outage);
        }
    }

    /// A request ended without saying anything of the place.
    pub(crate) fn freed(&mut self, pass: Pass) {
        if pass.turn == self.turn
            && pass.probe
            && let Phase::Open { trying, .. } = &mut self.phase
        {
            *trying = false;
        }
    }

    fn hold_back(&mut self, until: Moment, outage: Outage) {
        self.turn = self.turn.wrapping_add(1);
        self.phase = Phase::Open { until, outage, trying: false };
    }

    fn let_back(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        self.phase = Phase::Closed;
    }
}

/// `rest`, longer or shorter by chance.
fn spread(rest: Duration, chance: u32) -> Duration {
    let per_mille = 1000 - SPREAD_PER_MILLE + chance % (2 * SPREAD_PER_MILLE + 1);
    rest * per_mille / 1000
}

#[cfg(test)]
mod tests;
