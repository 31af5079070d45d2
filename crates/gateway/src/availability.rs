//! How each place is doing: whether it can be asked now, rests because of an outage, or has been withdrawn. One [`Availability`] for
//! the process; every request asks it before it is sent anywhere, and tells it how that went.
//!
//! Two sicknesses that are never mixed up: an outage heals by itself (`breaker`), a withdrawal ends when an operator approves
//! (`withdrawals`). What is a sign of which, `diagnosis` says. It must not know policy, nor choose between places.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use ::policy::Destination;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{
    clock::{Clock, Moment},
    config,
    judge::LOCAL_DESTINATION,
    withdrawal::Subject,
};

pub(crate) use diagnosis::{Break, Symptom, Told, Wait, diagnose};
pub use diagnosis::{Cause, Diagnosis, Evidence, Extent, Outage, Sickness};
pub use figures::Figures;
pub use follow::follow;
pub use returning::follow_returns;
pub use visit::{Answered, Visit};
pub use withdrawals::{Rehearsed, Withdrawal};

use alert::{Alert, Alerts};
use budget::Budget;
use measures::Measures;
use place::Place;
use withdrawals::Withdrawals;

mod alert;
mod breaker;
mod budget;
mod diagnosis;
mod figures;
mod follow;
mod measures;
mod place;
mod quality;
mod returning;
pub mod store;
mod suspicion;
mod visit;
mod withdrawals;

/// Who withdraws what no operator has withdrawn.
const BY_GATEWAY: &str = "gateway";

/// Whether a place can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can; it may be at rest and due for the one request that tries it.
    Ready,
    /// It does not work now, and is left alone.
    Resting {
        /// Until then; a moment that has passed means that another request is trying it.
        until: Moment,
        /// What it suffers from.
        outage: Outage,
    },
    /// It has been taken away.
    Withdrawn {
        /// Why.
        cause: Cause,
        /// Since when.
        since: Timestamp,
    },
}

/// How every place is doing. Cheap to clone; clones know the same.
#[derive(Clone)]
pub struct Availability(Arc<Shared>);

struct Shared {
    clock: Clock,
    config: config::Live,
    budget: Mutex<Budget>,
    /// By the judge's id.
    places: RwLock<HashMap<Arc<str>, Arc<Place>>>,
    withdrawals: Withdrawals,
    suspicions: Mutex<suspicion::Suspicions>,
    /// Numbers requests as they are sent: what was sent before a sign was seen says nothing of it.
    tickets: AtomicU64,
    /// Whether the database has been read.
    has_read: AtomicBool,
    /// Wakes who attends to withdrawals.
    news: Notify,
    alerts: Alerts,
    measures: Measures,
}

impl Availability {
    /// Of a process that has asked nobody yet, and has not read what the database knows.
    pub fn new(clock: &Clock, config: config::Live) -> Self {
        Self(Arc::new(Shared {
            clock: clock.clone(),
            config,
            budget: Mutex::new(Budget::new(clock.now())),
            places: RwLock::default(),
            withdrawals: Withdrawals::default(),
            suspicions: Mutex::default(),
            tickets: AtomicU64::new(0),
            has_read: AtomicBool::new(false),
            news: Notify::new(),
            alerts: Alerts::default(),
            measures: Measures::default(),
        }))
    }

    /// Whether `place` can be asked now. The local floor always can.
    pub fn state(&self, place: &Destination) -> State {
        if place.local {
            return State::Ready;
        }
        if let Some(withdrawn) = self.withdrawn(place) {
            return withdrawn;
        }
        let known = self.0.places.read().unwrap_or_else(PoisonError::into_inner).get(&place.id).cloned();
        known.map_or(State::Ready, |known| known.state(self.0.clock.now()))
    }

    /// Goes to `place`: to be asked for just before a request is sent there. Where a place at rest is due, this is the one request
    /// that tries it.
    pub(crate) fn enter(&self, place: &Destination) -> Result<Visit, State> {
        if !place.local
            && let Some(withdrawn) = self.withdrawn(place)
        {
            return Err(withdrawn);
        }
        let now = self.0.clock.now();
        let known = self.place(&place.id);
        let pass = known.enter(now)?;
        let ticket = self.0.tickets.fetch_add(1, Ordering::Relaxed);
        self.0.measures.attempt(&place.name, &place.model);
        Ok(Visit::new(self.clone(), known, place, pass, ticket, now))
    }

    /// A request has come that may be sent somewhere: it earns its share of a retry.
    pub(crate) fn request(&self) {
        self.budget(Budget::earn);
    }

    /// Whether a request may be sent to another remote place, after one failed in that way. Retries are what makes an outage worse;
    /// leaving a place that is withdrawn by that is none, for it happens once. What is only suspected may go on.
    pub(crate) fn may_retry(&self, after: Option<&Diagnosis>) -> bool {
        if after.is_some_and(Diagnosis::is_certain) || self.budget(Budget::spend) {
            return true;
        }
        self.0.measures.retry_refused();
        false
    }

    /// A request that waits for another place has been sent to this one too.
    pub(crate) fn hedged(&self, place: &Destination) {
        self.0.measures.hedge(&place.name, &place.model);
    }

    fn budget<T>(&self, act: impl FnOnce(&mut Budget, Moment) -> T) -> T {
        let now = self.0.clock.now();
        act(&mut self.0.budget.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// What is known of the place with that id (`NAME/MODEL`, or `local`).
    pub(crate) fn figures(&self, id: &str) -> Figures {
        let known = self.0.places.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        known.map(|known| known.figures()).unwrap_or_default()
    }

    /// Counts these as withdrawn until they are taken back with `None`: a live drill, which ends at `until` at the latest. Nothing of it
    /// is kept.
    pub fn rehearse(&self, subjects: Option<Vec<Subject>>, until: Timestamp) {
        let (subjects, since) = (subjects.unwrap_or_default(), self.0.clock.wall());
        self.0.withdrawals.rehearse(Rehearsed { subjects, since, until });
    }

    /// What a live drill withdraws now, if one is held.
    pub fn rehearsed(&self) -> Option<Rehearsed> {
        self.0.withdrawals.load().rehearsed().cloned()
    }

    /// What is withdrawn now, the oldest first; a drill's are not among them.
    pub fn withdrawals(&self) -> Vec<Withdrawal> {
        self.0.withdrawals.in_force()
    }

    /// Takes `subject` away, because of what the gateway itself has seen.
    fn withdraw(&self, subject: Subject, cause: Cause, why: String) {
        let since = self.0.clock.wall();
        self.begin(Withdrawal { subject, cause, since, by: BY_GATEWAY.into(), why: why.into(), notice: None });
    }

    /// It is in force when this returns; what follows from it is done beside the road.
    fn begin(&self, withdrawal: Withdrawal) {
        let cause = withdrawal.cause;
        if self.0.withdrawals.begin(withdrawal) {
            self.0.measures.begun(cause);
            self.0.news.notify_one();
        }
    }

    /// Tells the operator that `subject` seems to have changed, and does no more.
    fn suspect(&self, subject: &Subject, why: &str) {
        tracing::error!(subject = %subject, "{} seems to have changed: {why}; it is still asked", subject.told());
        self.0.alerts.send(Alert::suspected(subject, Cause::Quality, why, self.0.clock.wall()));
    }

    /// A request showed a sign of a withdrawal; whether it is certain now.
    fn suspects(&self, subject: &Subject, sign: suspicion::Sign<'_>) -> bool {
        let next = self.0.tickets.load(Ordering::Relaxed);
        self.0.suspicions.lock().unwrap_or_else(PoisonError::into_inner).sign(subject, sign, next)
    }

    /// A request with that number was answered.
    fn succeeded(&self, subject: &Subject, ticket: u64) {
        let mut suspicions = self.0.suspicions.lock().unwrap_or_else(PoisonError::into_inner);
        if !suspicions.is_empty() {
            suspicions.success(subject, ticket);
        }
    }

    /// A number that nobody can tell before. Where the system gives none, rests are of their middle length.
    fn chance() -> u32 {
        getrandom::u32().unwrap_or_default()
    }

    fn withdrawn(&self, place: &Destination) -> Option<State> {
        let in_force = self.0.withdrawals.load();
        if in_force.is_empty() {
            return None;
        }
        in_force.of(place, &self.0.config.load().policy.catalog)
    }

    fn place(&self, id: &Arc<str>) -> Arc<Place> {
        let known = self.0.places.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        known.unwrap_or_else(|| {
            let mut places = self.0.places.write().unwrap_or_else(PoisonError::into_inner);
            let local = &**id == LOCAL_DESTINATION;
            Arc::clone(places.entry(Arc::clone(id)).or_insert_with(|| Arc::new(Place::new(local))))
        })
    }
}

impl State {
    /// Whether it is asked.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// The word for entries and metrics: `ready`, `resting` or `withdrawn`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Resting { .. } => "resting",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Why, in a word: the outage or the cause.
    pub fn why(&self) -> Option<&'static str> {
        match self {
            Self::Ready => None,
            Self::Resting { outage, .. } => Some(outage.word()),
            Self::Withdrawn { cause, .. } => Some(cause.word()),
        }
    }
}

impl fmt::Debug for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Availability").field("withdrawals", &self.withdrawals()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
