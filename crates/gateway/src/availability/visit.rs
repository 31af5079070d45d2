//! One request at one place, from just before it is sent to how it ended. Whoever holds a [`Visit`] says how it went; one that is
//! dropped says nothing, as when the caller has left.

use std::{fmt, sync::Arc, time::Duration};

use ::policy::Destination;
use inspect::language::Language;

use super::{Availability, Cause, Diagnosis, Extent, Sickness, breaker::Pass, place::Place, suspicion::Sign};
use crate::{clock::Moment, config::Quality, error::ApiError, withdrawal::Subject};

/// A request at a place.
#[must_use = "a visit that is dropped says nothing of the place"]
pub struct Visit {
    availability: Availability,
    place: Arc<Place>,
    destination: Arc<str>,
    model: Arc<str>,
    pass: Option<Pass>,
    ticket: u64,
    entered: Moment,
    began: Option<Moment>,
}

/// What a complete answer showed of the place that gave it.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The model that it says it is from.
    pub reported_model: Option<&'a str>,
    /// `system_fingerprint`, or what the provider has in its place.
    pub fingerprint: Option<&'a str>,
    /// Bytes of the texts that were asked.
    pub prompt_bytes: u64,
    /// As the provider counted them.
    pub prompt_tokens: Option<u64>,
    /// As the provider counted them.
    pub completion_tokens: Option<u64>,
    /// Why it ended, as entries say it.
    pub finish: Option<&'static str>,
    /// The language that was asked in.
    pub language: Language,
    /// Whether it declined to answer: said so in the field for it, or was stopped by a filter.
    pub refused: bool,
    /// Whether it is one plain text: no tool calls, no structured output, no more choices than one. Only these are compared with
    /// each other.
    pub plain: bool,
    /// Who asked: the key's id. What one asks is compared with what the same one asked before.
    pub caller: &'a str,
}

impl Default for Answered<'_> {
    fn default() -> Self {
        Self {
            reported_model: None,
            fingerprint: None,
            prompt_bytes: 0,
            prompt_tokens: None,
            completion_tokens: None,
            finish: None,
            language: Language::Unknown,
            refused: false,
            plain: false,
            caller: "",
        }
    }
}

impl Visit {
    pub(super) fn new(
        availability: Availability,
        place: Arc<Place>,
        at: &Destination,
        pass: Pass,
        ticket: u64,
        entered: Moment,
    ) -> Self {
        let (destination, model) = (Arc::clone(&at.name), Arc::clone(&at.model));
        Self { availability, place, destination, model, pass: Some(pass), ticket, entered, began: None }
    }

    /// The first piece of the answer has come, so long after the request was sent.
    pub(crate) fn began(&mut self, after: Duration) {
        self.began = Some(self.entered.plus(after));
        if let Some(pass) = &mut self.pass {
            self.place.began(pass, after);
        }
    }

    /// The answer is complete.
    pub(crate) fn answered(mut self, answered: &Answered<'_>) {
        let Some(pass) = self.pass.take() else { return };
        let now = self.availability.0.clock.now();
        let spoken_within = self.began.map(|began| now.since(began));
        self.place.succeeded(pass, |figures| {
            if let Some(tokens) = answered.prompt_tokens {
                figures.counted(answered.language, answered.prompt_bytes, tokens);
            }
            if let (Some(tokens), Some(within)) = (answered.completion_tokens, spoken_within) {
                figures.spoke(tokens, within);
            }
        });
        self.availability.succeeded(&self.subject(Extent::Destination), self.ticket);
        self.availability.succeeded(&self.subject(Extent::Model), self.ticket);
        self.look_for_change(answered);
    }

    /// What answers under the agreed name is to be what was agreed. This answer has been passed on; it is the last.
    fn look_for_change(&self, answered: &Answered<'_>) {
        let config = self.availability.0.config.load();
        let known = config.destinations.iter().find(|it| it.name == self.destination);
        let Some(agreed) = known.and_then(|it| it.models.iter().find(|model| model.name == self.model)) else { return };
        let is_other = |agreed: &[Arc<str>], told: Option<&str>| {
            !agreed.is_empty() && told.is_some_and(|told| !agreed.iter().any(|it| **it == *told))
        };
        if is_other(&agreed.reports, answered.reported_model) {
            self.withdraw(Extent::Model, Cause::Changed, "it reports another model than was agreed".to_owned());
        } else if is_other(&agreed.fingerprints, answered.fingerprint) {
            self.withdraw(Extent::Model, Cause::Changed, "it reports another fingerprint than was agreed".to_owned());
        }
        let quality = config.availability.quality;
        if quality == Quality::Off {
            return;
        }
        let Some(change) = self.place.compare(answered) else { return };
        match quality {
            Quality::Withdraw => self.withdraw(Extent::Model, Cause::Quality, change.what().to_owned()),
            Quality::Alert | Quality::Off => self.availability.suspect(&self.subject(Extent::Model), change.what()),
        }
    }

    /// The place failed in this way, asked by `caller` (the key's id): what one alone sees may be its own doing.
    pub(crate) fn failed(mut self, diagnosis: &Diagnosis, caller: &str) {
        let Some(pass) = self.pass.take() else { return };
        let now = self.availability.0.clock.now();
        match diagnosis.sickness {
            Sickness::Outage(outage) => {
                let chance = Availability::chance();
                if self.place.failed(pass, outage, diagnosis.retry_after, (now, chance)) {
                    self.availability.0.measures.rests(&self.destination, &self.model);
                }
            }
            Sickness::Withdrawal { cause, certain } => {
                let may_be_one_callers = diagnosis.may_be_one_callers();
                let sign = Sign { number: self.ticket, caller, may_be_one_callers };
                if certain || self.availability.suspects(&self.subject(diagnosis.extent), sign) {
                    self.place.freed(pass);
                    self.withdraw(diagnosis.extent, cause, diagnosis.evidence.to_string());
                } else {
                    self.place.doubt(pass, now);
                }
            }
        }
    }

    /// It ended in this error there, asked by `caller`.
    pub(crate) fn ended(self, error: &ApiError, caller: &str) {
        match error.diagnosis() {
            Some(diagnosis) => self.failed(diagnosis, caller),
            None => self.refused_by_request(),
        }
    }

    /// The place refused the request for what it asks: that says nothing of the place.
    pub(crate) fn refused_by_request(self) {
        drop(self);
    }

    fn withdraw(&self, extent: Extent, cause: Cause, evidence: String) {
        self.availability.withdraw(self.subject(extent), cause, evidence);
    }

    fn subject(&self, extent: Extent) -> Subject {
        match extent {
            Extent::Destination => Subject::Destination(Arc::clone(&self.destination)),
            Extent::Model => Subject::Place(Arc::clone(&self.destination), Arc::clone(&self.model)),
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.place.freed(pass);
        }
        self.place.left();
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, model, ticket, .. } = self;
        write!(f, "Visit({destination}/{model}, {ticket})")
    }
}
