//! Where a request's time went, by the times of its entries. Pure. It must not know how it is drawn.

use std::time::Duration;

use request_index::{Attempted, Request};

/// What the whole of a picture's width counts.
const WIDTH: u64 = 1000;

/// Where the time of a request that has ended went.
pub(super) struct Timing {
    /// From its first byte until its decision was handed to the log: read and judged.
    pub(super) judged: Duration,
    /// From its first byte to the answer's first, where there was one.
    pub(super) first_byte: Option<Duration>,
    /// The picture, from left to right: the judging, then each try.
    pub(super) parts: Vec<Part>,
    /// Where in the picture the answer began.
    pub(super) began: Option<u64>,
}

/// A part of the picture.
pub(super) struct Part {
    /// What it is, as its class.
    pub(super) is: &'static str,
    pub(super) left: u64,
    pub(super) width: u64,
}

/// One try of a destination.
pub(super) struct Try {
    pub(super) number: u32,
    pub(super) destination: String,
    /// Why the one before did not do; nothing of the first.
    pub(super) reason: Option<String>,
    /// Since the decision.
    pub(super) after: Duration,
    /// Until the next began, or the end; nothing while it is under way.
    pub(super) lasted: Option<Duration>,
    /// The entry that says it.
    pub(super) entry: u64,
}

impl Timing {
    /// Of a request and its further attempts, in their order. Nothing of one that was not sent anywhere, is under way, or of which the
    /// log does not say how long it took.
    pub(super) fn of(request: &Request, further: &[Attempted]) -> Option<Self> {
        let (whole, ended) = (request.duration?, request.ended_at?);
        if request.attempts == 0 {
            return None;
        }
        let judged = whole.saturating_sub(ended.saturating_sub(request.at));
        let place = |micros: u64| micros.min(whole).saturating_mul(WIDTH) / whole.max(1);
        let mut parts = vec![Part { is: "judged", left: 0, width: place(judged) }];
        for (number, (began, until)) in spans(request, further).enumerate() {
            let since = |at: u64| place(judged.saturating_add(at.saturating_sub(request.at)));
            let left = since(began);
            let is = if number % 2 == 0 { "tried" } else { "tried-next" };
            parts.push(Part { is, left, width: until.map_or(WIDTH, since).saturating_sub(left) });
        }
        Some(Self {
            judged: Duration::from_micros(judged),
            first_byte: request.first_byte.map(Duration::from_micros),
            parts,
            began: request.first_byte.map(place),
        })
    }
}

/// When each try began and ended, in microseconds since 1970.
fn spans(request: &Request, further: &[Attempted]) -> impl Iterator<Item = (u64, Option<u64>)> {
    let began: Vec<u64> = std::iter::once(request.at).chain(further.iter().map(|it| it.at)).collect();
    let ends: Vec<Option<u64>> = further.iter().map(|it| Some(it.at)).chain([request.ended_at]).collect();
    began.into_iter().zip(ends)
}

/// All tries of a request, the first among them.
pub(super) fn tries(request: &Request, further: Vec<Attempted>) -> Vec<Try> {
    let spans: Vec<_> = spans(request, &further).collect();
    let first = (1, request.permitted.first().cloned().unwrap_or_default(), None, request.entry);
    let further = further.into_iter().map(|it| (it.number, it.destination, Some(it.reason), it.entry));
    let all = std::iter::once(first).chain(further);
    all.zip(spans)
        .map(|((number, destination, reason, entry), (began, until))| Try {
            number,
            destination,
            reason,
            after: Duration::from_micros(began.saturating_sub(request.at)),
            lasted: until.map(|until| Duration::from_micros(until.saturating_sub(began))),
            entry,
        })
        .collect()
}

#[cfg(test)]
mod tests;
