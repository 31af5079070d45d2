//! One place: its breaker, what is known of it from its answers. One lock, held for no longer than it takes to count.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    Answered, Figures, Outage, State,
    breaker::{Breaker, Pass, Rest},
    quality::{Change, Quality},
};
use crate::clock::Moment;

/// One place.
#[derive(Debug)]
pub(super) struct Place {
    /// The local floor needs no breaker: it has a queue.
    local: bool,
    in_flight: AtomicU32,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    breaker: Breaker,
    figures: Figures,
    quality: Quality,
}

impl Place {
    pub(super) fn new(local: bool) -> Self {
        Self { local, in_flight: AtomicU32::new(0), health: Mutex::default() }
    }

    pub(super) fn state(&self, now: Moment) -> State {
        if self.local {
            return State::Ready;
        }
        self.with(|health| health.breaker.stands(now)).map_or_else(State::from, |()| State::Ready)
    }

    /// Lets a request in. It must come back by [`Place::left`], and its pass by one of the others.
    pub(super) fn enter(&self, now: Moment) -> Result<Pass, State> {
        let pass = self.with(|health| if self.local { Ok(Pass::default()) } else { health.breaker.enter(now) })?;
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(pass)
    }

    pub(super) fn left(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn began(&self, pass: &mut Pass, after: Duration) {
        self.with(|health| {
            health.figures.began(after);
            health.breaker.began(pass);
        });
    }

    pub(super) fn succeeded(&self, pass: Pass, learn: impl FnOnce(&mut Figures)) {
        self.with(|health| {
            health.breaker.succeeded(pass);
            learn(&mut health.figures);
        });
    }

    /// Compares an answer with those before it.
    pub(super) fn compare(&self, answered: &Answered<'_>) -> Option<Change> {
        self.with(|health| health.quality.note(answered))
    }

    /// Whether it begins to rest by that.
    pub(super) fn failed(
        &self,
        pass: Pass,
        outage: Outage,
        retry_after: Option<Duration>,
        (now, chance): (Moment, u32),
    ) -> bool {
        !self.local && self.with(|health| health.breaker.failed(pass, outage, retry_after, now, chance))
    }

    pub(super) fn doubt(&self, pass: Pass, now: Moment) {
        if !self.local {
            self.with(|health| health.breaker.doubt(pass, Outage::Unavailable, now));
        }
    }

    pub(super) fn freed(&self, pass: Pass) {
        self.with(|health| health.breaker.freed(pass));
    }

    pub(super) fn figures(&self) -> Figures {
        let mut figures = self.with(|health| health.figures);
        figures.in_flight = self.in_flight.load(Ordering::Relaxed);
        figures
    }

    /// What is counted is whole at every moment, so a poisoned lock holds nothing half done.
    fn with<T>(&self, work: impl FnOnce(&mut Health) -> T) -> T {
        work(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Rest> for State {
    fn from(Rest { until, outage }: Rest) -> Self {
        Self::Resting { until, outage }
    }
}
