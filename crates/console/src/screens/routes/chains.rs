//! Chains as they are shown: each place in order, with both of its axes and how it is doing. Plain values.

use std::sync::Arc;
use std::time::Duration;

use gateway::config::{Continuity, Registered, Strategy};
use gateway::judge::{Chain, Judgement, Link};
use policy::Destination;

use crate::site::Stand;

/// A model that callers can ask for.
pub(super) struct Route {
    pub(super) model: Arc<str>,
    pub(super) strategy: &'static str,
    pub(super) weighted: bool,
    pub(super) splices: bool,
    pub(super) hedge_after: Option<Duration>,
    pub(super) resume: Option<Duration>,
    pub(super) registered: Registered,
    pub(super) links: Vec<Place>,
}

/// One place of a chain.
pub(super) struct Place {
    pub(super) label: Arc<str>,
    /// How the model is called there.
    pub(super) model: Arc<str>,
    pub(super) local: bool,
    pub(super) own: bool,
    /// Whether another model answers than at the chain's first.
    pub(super) substitutes: bool,
    pub(super) weight: u64,
    pub(super) context_tokens: Option<u64>,
    pub(super) processed_in: Axis,
    pub(super) controlled_by: Axis,
    pub(super) state: Now,
}

/// Jurisdictions of one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) known: Vec<Arc<str>>,
    /// Whether that is all.
    pub(super) whole: bool,
}

/// How a place is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Now {
    /// `ready`, `resting`, `withdrawn` or `stopped`.
    pub(super) word: &'static str,
    /// The outage or the cause, as entries name it.
    pub(super) why: &'static str,
}

impl Axis {
    pub(super) fn of(axis: &policy::Axis) -> Self {
        Self { known: axis.known.iter().cloned().collect(), whole: !axis.within.is_empty() }
    }
}

impl Now {
    pub(super) fn of(stand: &Stand) -> Self {
        Self { word: stand.word(), why: stand.why() }
    }
}

/// Every chain, in the order in which models are listed.
pub(super) fn of(judgement: &Judgement, state: &dyn Fn(&Destination) -> Stand) -> Vec<Route> {
    judgement.chains().iter().map(|chain| route(chain, judgement, state)).collect()
}

fn route(chain: &Chain, judgement: &Judgement, state: &dyn Fn(&Destination) -> Stand) -> Route {
    let manner = &chain.manner;
    let strategy = Strategy::WORDS.iter().find(|(_, strategy)| *strategy == manner.strategy);
    Route {
        model: Arc::clone(&chain.model),
        strategy: strategy.map_or("order", |(word, _)| *word),
        weighted: manner.strategy == Strategy::Weighted,
        splices: manner.continuity == Continuity::Splice,
        hedge_after: manner.hedge_after,
        resume: manner.resume,
        registered: chain.registered.clone(),
        links: chain.links.iter().filter_map(|link| place(link, judgement, state)).collect(),
    }
}

fn place(link: &Link, judgement: &Judgement, state: &dyn Fn(&Destination) -> Stand) -> Option<Place> {
    let judged = judgement.judge().destinations().get(link.judged)?;
    Some(Place {
        label: Arc::clone(&link.label),
        model: Arc::clone(&link.model),
        local: link.local,
        own: link.own,
        substitutes: link.substitutes,
        weight: link.weight.into(),
        context_tokens: link.context_tokens,
        processed_in: Axis::of(&judged.processed_in),
        controlled_by: Axis::of(&judged.controlled_by),
        state: Now::of(&state(judged)),
    })
}
