//! Asking a second destination beside the first, where that keeps silent: only of the same jurisdictions on both axes, within the
//! retry budget, and said in the log before it is done. Who speaks first answers; the other is left.

use std::time::Duration;

use futures_util::future::{Either, select};

use super::{Onward, next::Next, next::Tried, next::next};
use crate::{
    availability::Visit,
    clock::Moment,
    destinations::Source,
    error::{ApiError, Fault},
    relay::{Account, Piece},
};

/// Why the second is asked, in the log.
const HEDGED: &str = "hedged: no first byte";

/// What came of asking one place, and perhaps another beside it.
pub(super) struct Raced {
    /// Who answered, or failed last.
    pub(super) place: usize,
    /// When that was asked.
    pub(super) sent: Moment,
    /// How.
    pub(super) answered: Result<(Source, Piece), ApiError>,
    /// The other, where that has failed too.
    pub(super) beside: Option<Tried>,
}

impl Raced {
    /// Nobody was asked beside it.
    pub(super) fn alone(place: usize, sent: Moment, answered: Result<(Source, Piece), ApiError>) -> Self {
        Self { place, sent, answered, beside: None }
    }
}

/// Another place that may be asked beside the first.
struct Second {
    place: usize,
    after: Duration,
}

impl Onward {
    /// Asks `place`, which `account` has gone to, and after a while of silence the next of the same jurisdictions. What one of them
    /// refuses for what it asks is refused: the other is not heard.
    pub(super) async fn race(&self, place: usize, account: &mut Account) -> Raced {
        let clock = self.app.clock();
        let first_sent = clock.now();
        let first = std::pin::pin!(self.first_words(place, None));
        let Some(second) = self.second(place) else { return Raced::alone(place, first_sent, first.await) };
        let silence = clock.sleep(second.after);
        let first = match select(first, silence).await {
            Either::Left((answered, _)) => return Raced::alone(place, first_sent, answered),
            Either::Right(((), first)) => first,
        };
        let Some(visit) = self.enter_second(&second, account).await else {
            return Raced::alone(place, first_sent, first.await);
        };
        let second_sent = clock.now();
        let other = std::pin::pin!(self.first_words(second.place, None));
        match select(first, other).await {
            Either::Left((Err(error), other)) if error.fault() == Fault::Destination => {
                // The first has failed: the other has the word.
                account.left(&error);
                self.turn(&second, account, visit);
                let beside = Some(Tried::asked(place, Some(&error)));
                Raced { place: second.place, sent: second_sent, answered: other.await, beside }
            }
            Either::Left((answered, _)) => Raced::alone(place, first_sent, answered),
            Either::Right((Err(error), first)) if error.fault() == Fault::Destination => {
                let beside = Some(Tried::asked(second.place, Some(&error)));
                account.ended(visit, &error);
                Raced { place, sent: first_sent, answered: first.await, beside }
            }
            Either::Right((answered, _)) => {
                self.turn(&second, account, visit);
                Raced::alone(second.place, second_sent, answered)
            }
        }
    }

    /// The place that may be asked beside `place`, if the route wants that and there is one.
    fn second(&self, place: usize) -> Option<Second> {
        let after = self.force.judgement.chain(self.forms.model()?)?.manner.hedge_after?;
        // Of an answer that is not streamed the first piece is all of it: silence says nothing.
        if !self.outgoing(place).is_ok_and(|outgoing| outgoing.form.ask.streams()) {
            return None;
        }
        let mut tried = self.tried.clone();
        tried.push(Tried::passed_over(place));
        let Next::Place(other) = next(&self.places(), &tried) else { return None };
        let at = |place: usize| {
            let link = &self.outgoing(place).ok()?.place.link;
            self.force.judgement.judge().destinations().get(link.judged).filter(|it| !it.local)
        };
        let (one, two) = (at(place)?, at(other)?);
        let same = |one: &policy::Axis, two: &policy::Axis| !one.known.is_empty() && one.known == two.known;
        let alike = same(&one.processed_in, &two.processed_in) && same(&one.controlled_by, &two.controlled_by);
        alike.then_some(Second { place: other, after })
    }

    /// Goes to the second place, if there is a retry left and it is not sick by now.
    async fn enter_second(&self, second: &Second, account: &mut Account) -> Option<Visit> {
        let outgoing = self.outgoing(second.place).ok()?;
        let destination = self.force.judgement.judge().destinations().get(outgoing.place.link.judged)?;
        if !self.app.availability().may_retry(None) {
            return None;
        }
        let visit = self.app.availability().enter(destination).ok()?;
        account.beside(outgoing, HEDGED).await.ok()?;
        self.app.availability().hedged(destination);
        Some(visit)
    }

    /// From here on the answer is the second's.
    fn turn(&self, second: &Second, account: &mut Account, visit: Visit) {
        if let Ok(outgoing) = self.outgoing(second.place) {
            account.turn(outgoing, visit);
        }
    }
}
