//! Which of the permitted places is asked next, after those asked before have ended so. Pure.

use std::time::Duration;

use wire::error::Code;

use crate::{
    availability::{Outage, Sickness},
    error::{ApiError, Fault},
};

/// Before one place is asked the same again: longer than a connection takes to be made anew, shorter than people notice.
const PAUSE: Duration = Duration::from_millis(100);

/// What has to be known of a permitted place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The local floor.
    pub(super) local: bool,
    /// Tokens of prompt and answer together, where known.
    pub(super) context_tokens: Option<u64>,
}

/// One place that was asked, or passed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried {
    place: usize,
    end: End,
}

/// How it ended there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It was not asked: it is sick, or the retries are used up.
    PassedOver,
    /// It began to answer.
    Began,
    /// It failed in a way that the next request may not meet.
    Hiccup,
    /// It failed, and would again.
    Down,
    /// The request is too long for it.
    TooLong,
    /// The request cannot be answered anywhere: its own fault, or this process's.
    Hopeless,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask this place.
    Place(usize),
    /// Ask this place once more, after a pause.
    Again(usize, Duration),
    /// Nobody is left.
    Nobody,
}

impl Tried {
    /// It was not asked.
    pub(super) fn passed_over(place: usize) -> Self {
        Self { place, end: End::PassedOver }
    }

    /// It was asked, and failed so, or began to answer.
    pub(super) fn asked(place: usize, failed: Option<&ApiError>) -> Self {
        Self { place, end: failed.map_or(End::Began, End::of) }
    }

    /// Which one.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// Whether it began to answer.
    pub(super) fn began(&self) -> bool {
        self.end == End::Began
    }

    /// Whether it was asked.
    fn was_asked(&self) -> bool {
        self.end != End::PassedOver
    }
}

impl End {
    fn of(error: &ApiError) -> Self {
        if error.is_of_this_place() {
            return Self::Down;
        }
        if error.code() == Code::ContextLengthExceeded.word() {
            return Self::TooLong;
        }
        match (error.fault(), error.diagnosis().map(|diagnosis| (diagnosis.sickness, diagnosis.retry_after))) {
            (Fault::Caller | Fault::Gateway, None) => Self::Hopeless,
            (_, Some((Sickness::Outage(Outage::Unavailable | Outage::Connection), None))) => Self::Hiccup,
            (Fault::Destination, None) | (_, Some(_)) => Self::Down,
        }
    }
}

/// The first place that was not tried yet, in the permit's order. Where the next would be the floor, or nobody, a place that may only
/// have stumbled is asked once more: one second chance a request. What does not depend on the place ends it all.
pub(super) fn next(places: &[Place], tried: &[Tried]) -> Next {
    if tried.iter().any(|it| it.end == End::Hopeless) {
        return Next::Nobody;
    }
    let too_long =
        tried.iter().filter(|it| it.end == End::TooLong).filter_map(|it| places.get(it.place)?.context_tokens);
    let too_short = too_long.max();
    let is_left = |place: &usize| {
        let context = places.get(*place).and_then(|place| place.context_tokens);
        let fits = too_short.zip(context).is_none_or(|(too_short, context)| context > too_short);
        fits && !tried.iter().any(|it| it.place == *place)
    };
    let fresh = (0..places.len()).find(is_left);
    let is_local = |place: usize| places.get(place).is_some_and(|place| place.local);
    if let Some(place) = fresh.filter(|place| !is_local(*place)) {
        return Next::Place(place);
    }
    match second_chance(tried) {
        Some(place) => Next::Again(place, PAUSE),
        None => fresh.map_or(Next::Nobody, Next::Place),
    }
}

/// The last place that was asked, if it only stumbled and no place has had a second chance.
fn second_chance(tried: &[Tried]) -> Option<usize> {
    let last = tried.iter().rfind(|it| it.was_asked()).filter(|it| it.end == End::Hiccup)?;
    let times = |place: usize| tried.iter().filter(|it| it.place == place).count();
    (!tried.iter().any(|it| times(it.place) > 1)).then_some(last.place)
}

#[cfg(test)]
mod tests;
