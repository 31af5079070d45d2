//! Asking a second destination beside the first, where that keeps silent: only of the same jurisdictions on both axes, within the
//! retry budget, and said in the log before it is done. Who speaks first answers; the other is left.

use std::time::Duration;

use futures_util::future::{Either, select};

use super::{Onward, next::Next, next::Tried, next::next};
use crate::{
    availability::Visit,
    destinations::Source,
    error::ApiError,
    relay::{Account, Piece},
};

/// Why the second is asked, in the log.
const HEDGED: &str = "hedged: no first byte";

/// What came of asking one place, and perhaps another beside it.
pub(super) struct Raced {
    /// Who answered, or failed last.
    pub(super) place: usize,
    /// How.
    pub(super) answered: Result<(Source, Piece), ApiError>,
}

/// Another place that may be asked beside the first.
struct Second {
    place: usize,
    after: Duration,
}

impl Onward {
    /// Asks `place`, which `account` has gone to, and after a while of silence the next of the same jurisdictions.
    pub(super) async fn race(&self, place: usize, account: &mut Account) -> Raced {
        let first = std::pin::pin!(self.first_words(place, None));
        let Some(second) = self.second(place) else { return Raced { place, answered: first.await } };
        let silence = self.app.clock().sleep(second.after);
        let first = match select(first, silence).await {
            Either::Left((answered, _)) => return Raced { place, answered },
            Either::Right(((), first)) => first,
        };
        let Some(visit) = self.enter_second(&second, account).await else {
            return Raced { place, answered: first.await };
        };
        let other = std::pin::pin!(self.first_words(second.place, None));
        match select(first, other).await {
            Either::Left((Ok(words), _)) => Raced { place, answered: Ok(words) },
            Either::Right((Ok(words), _)) => {
                self.turn(&second, account, visit);
                Raced { place: second.place, answered: Ok(words) }
            }
            // One has failed: the other has the word.
            Either::Left((Err(error), other)) => {
                account.left(&error);
                self.turn(&second, account, visit);
                Raced { place: second.place, answered: other.await }
            }
            Either::Right((Err(error), first)) => {
                visit.ended(&error);
                Raced { place, answered: first.await }
            }
        }
    }

    /// The place that may be asked beside `place`, if the route wants that and there is one.
    fn second(&self, place: usize) -> Option<Second> {
        let after = self.force.judgement.chain(self.forms.model()?)?.manner.hedge_after?;
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
        Some(visit)
    }

    /// From here on the answer is the second's.
    fn turn(&self, second: &Second, account: &mut Account, visit: Visit) {
        if let Ok(outgoing) = self.outgoing(second.place) {
            account.turn(outgoing, visit);
        }
    }
}
