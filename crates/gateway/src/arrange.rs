//! Between deciding and reserving: which of the permitted places can answer now, and in which order the request is offered to them.
//!
//! It can leave out and reorder what was permitted, never add to it. What is sick it learns from [`Availability`], the order from
//! the route. It must not know what policy says, nor how a place is reached.

mod order;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wire::chat::Role;

use crate::{
    app::App,
    availability::{Availability, State},
    clock::Clock,
    config::Strategy,
    decide::{Decision, Permitted, Sick, Skipped},
    inspect::Facts,
    judge::Judgement,
    read::{Ask, Words},
};
use order::Order;

/// What of a conversation's beginning tells it from others.
const BEGINNING_BYTES_MAX: usize = 4096;

/// The places of `decision` that can answer now, in their route's order; a refusal where none can. `name` is the request's: what
/// is left to chance follows from it.
pub(crate) fn arrange(
    decision: Decision,
    ask: &Ask,
    facts: &Facts<'_>,
    name: &str,
    app: &App,
    judgement: &Judgement,
) -> Decision {
    let (availability, clock) = (app.availability(), app.clock());
    let Decision::Permitted(permitted) = decision else { return decision };
    let (mut standing, skipped) = sorted(&permitted, judgement, availability, clock);
    let chain = judgement.chain(permitted.model()).filter(|chain| chain.manner.strategy != Strategy::Order);
    if let Some(chain) = chain {
        let is_sticky = chain.manner.strategy == Strategy::Sticky;
        let order = Order {
            manner: &chain.manner,
            catalog: judgement.catalog(),
            name,
            beginning: if is_sticky { beginning(ask, facts) } else { [0; 32] },
            language: facts.contents.spoken(),
            prompt_bytes: facts.prompt_bytes,
        };
        let links: Vec<_> = permitted.places().iter().map(|place| &place.link).collect();
        let figures = |link: &crate::judge::Link| {
            judgement.judge().destinations().get(link.judged).map(|it| availability.figures(&it.id)).unwrap_or_default()
        };
        order.put(&mut standing, &links, &figures);
    }
    permitted.arranged(&standing, skipped)
}

/// Which of the places can be asked, by their index, and which cannot and why.
fn sorted(
    permitted: &Permitted,
    judgement: &Judgement,
    availability: &Availability,
    clock: &Clock,
) -> (Vec<usize>, Vec<Skipped>) {
    let (mut standing, mut skipped) = (Vec::new(), Vec::new());
    for (index, place) in permitted.places().iter().enumerate() {
        let Some(destination) = judgement.judge().destinations().get(place.link.judged) else { continue };
        match Sick::of(availability.state(destination), clock) {
            None => standing.push(index),
            Some(how) => skipped.push(Skipped { label: Arc::clone(&place.link.label), how }),
        }
    }
    (standing, skipped)
}

impl Sick {
    /// In what way a place in that state is sick, if it is.
    pub(crate) fn of(state: State, clock: &Clock) -> Option<Self> {
        match state {
            State::Ready => None,
            State::Resting { until, outage } => Some(Self::Outage(outage, until.since(clock.now()))),
            State::Withdrawn { cause, .. } => Some(Self::Withdrawn(cause)),
        }
    }
}

/// What requests have in common that one place should answer, for it may have read the same before: the conversation that the
/// caller names, or how the conversation begins.
fn beginning(ask: &Ask, facts: &Facts<'_>) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(facts.caller.team.as_bytes()).chain_update([0]);
    match (&facts.conversation, &ask.words) {
        (Some(conversation), _) => hash.update(conversation.as_bytes()),
        (None, Words::Chat(request)) => {
            for turn in request.turns() {
                let text = turn.text.as_bytes();
                hash.update(text.get(..BEGINNING_BYTES_MAX).unwrap_or(text));
                if turn.role == Role::User {
                    break;
                }
            }
        }
        (None, Words::Completion(_) | Words::Embedding(_)) => {
            hash.update(ask.bytes.get(..BEGINNING_BYTES_MAX).unwrap_or(&ask.bytes));
        }
    }
    hash.finalize().into()
}
