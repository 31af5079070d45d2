//! What the traffic of the log would do to the places that remain: how much moves where, and whether it has been seen to bear that.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{LogRead, Question, Stand, withdrawn};
use crate::{
    judge::{Chain, Judgement, Link},
    traffic::{Kind, Traffic},
};

/// What one place would get beside what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Load {
    /// The place; none for what nothing would answer.
    pub to: Option<Stand>,
    /// Requests that would move there.
    pub requests: u64,
    /// The most of them in one hour.
    pub peak_hour_requests: u64,
    /// The tokens answered in the hour with most of them.
    pub peak_hour_tokens: u64,
    /// Tokens that the place would have had to answer in a second of that hour, in thousandths, with what it answers already.
    pub needed_tokens_per_second_milli: u64,
    /// The most that it has been seen to answer in a second, over a minute, in thousandths; none where it has answered nothing.
    pub seen_tokens_per_second_milli: Option<u64>,
    /// Whether it could bear it.
    pub bears: Bears,
    /// What the requests that move cost where they were answered, in millionths, by currency; own machines cost nothing by the token.
    pub cost_before: BTreeMap<String, u64>,
    /// What they would cost there, by the same tokens.
    pub cost_after: BTreeMap<String, u64>,
    /// Requests whose price is not known, before or after.
    pub cost_unknown: u64,
}

/// Whether a place could bear what would move to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bears {
    /// It has answered as much before.
    Yes,
    /// It has not been seen to answer so much.
    NotShown,
    /// It has not been seen to answer anything, or nobody counted tokens.
    Unknown,
}

impl Bears {
    /// As tables say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes: it has done as much",
            Self::NotShown => "not shown: it has not done so much",
            Self::Unknown => "unknown",
        }
    }
}

/// What moves to one place.
#[derive(Default)]
struct Moving {
    to: Option<Stand>,
    requests: u64,
    hours: BTreeMap<u32, (u64, u64)>,
    cost_before: BTreeMap<String, u64>,
    cost_after: BTreeMap<String, u64>,
    cost_unknown: u64,
}

/// Each place that would get more, by how much; and what of the log that is.
pub(super) fn moved(judgement: &Judgement, question: &Question, traffic: &Traffic) -> (Vec<Load>, LogRead) {
    let mut moving: BTreeMap<Option<usize>, Moving> = BTreeMap::new();
    let (mut moved, mut dark, mut unresolved) = (0, 0, 0);
    for kind in &traffic.kinds {
        let chain = judgement.chain(&kind.model);
        let Some((chain, from)) = chain.and_then(|chain| Some((chain, first(judgement, question, chain, kind)?)))
        else {
            unresolved += kind.requests;
            continue;
        };
        if !withdrawn(judgement, &question.subjects, from) {
            continue;
        }
        let to = permitted(chain, kind)
            .filter(|link| !withdrawn(judgement, &question.already, link))
            .find(|link| !withdrawn(judgement, &question.subjects, link));
        match to {
            Some(_) => moved += kind.requests,
            None => dark += kind.requests,
        }
        let of = moving.entry(to.map(|link| link.judged)).or_default();
        of.to = to.map(|link| Stand::of(judgement, link));
        of.add(kind, &Stand::of(judgement, from));
    }
    let loads = moving.into_iter().map(|(place, moving)| load(judgement, place, moving, traffic)).collect();
    let requests = traffic.requests();
    let permille = |count: u64| (count * 1000 + requests / 2).checked_div(requests).unwrap_or(0);
    let read = traffic.read.clone();
    (loads, LogRead { read, requests, moved_permille: permille(moved), dark_permille: permille(dark), unresolved })
}

/// The links of the chain that the log says were permitted, in the chain's order.
pub(crate) fn permitted<'a>(chain: &'a Chain, kind: &'a Kind) -> impl Iterator<Item = &'a Link> {
    chain.links.iter().filter(|link| kind.permitted.contains(&link.label))
}

/// Where the kind goes today.
fn first<'a>(judgement: &Judgement, question: &Question, chain: &'a Chain, kind: &'a Kind) -> Option<&'a Link> {
    permitted(chain, kind).find(|link| !withdrawn(judgement, &question.already, link))
}

impl Moving {
    fn add(&mut self, kind: &Kind, from: &Stand) {
        self.requests += kind.requests;
        for (hour, (requests, tokens)) in &kind.hours {
            let of_hour = self.hours.entry(*hour).or_default();
            *of_hour = (of_hour.0 + requests, of_hour.1 + tokens);
        }
        let Some(to) = &self.to else { return };
        let known = |stand: &Stand| stand.price.is_some() || stand.is_own();
        if !known(from) || !known(to) || kind.uncounted > 0 {
            self.cost_unknown += kind.requests;
            return;
        }
        for (stand, cost) in [(from, &mut self.cost_before), (to, &mut self.cost_after)] {
            if let Some(price) = stand.price.as_ref().filter(|_| !stand.is_own()) {
                *cost.entry(price.currency.clone()).or_default() +=
                    price.micros(kind.prompt_tokens, kind.completion_tokens);
            }
        }
    }
}

fn load(judgement: &Judgement, place: Option<usize>, moving: Moving, traffic: &Traffic) -> Load {
    let peak = |of: fn(&(u64, u64)) -> u64| moving.hours.values().map(of).max().unwrap_or(0);
    let (peak_hour_requests, peak_hour_tokens) = (peak(|hour| hour.0), peak(|hour| hour.1));
    // What answers to this place, under whichever model it was asked for.
    let here = |((model, label), _): &(&(Arc<str>, Arc<str>), _)| place_of(judgement, model, label) == place;
    let served: Vec<_> = traffic.served.iter().filter(here).collect();
    let best_minute = served.iter().map(|(_, served)| served.best_minute_tokens).max().unwrap_or(0);
    let already: u64 = served.iter().map(|(_, served)| served.completion_tokens).sum::<u64>() / traffic.hours();
    let seen = (best_minute > 0 && place.is_some()).then_some(best_minute * 1000 / 60);
    let needed = (peak_hour_tokens + already) * 1000 / 3600;
    let bears = match seen {
        Some(seen) if peak_hour_tokens > 0 && needed <= seen => Bears::Yes,
        Some(_) if peak_hour_tokens > 0 => Bears::NotShown,
        Some(_) | None => Bears::Unknown,
    };
    Load {
        to: moving.to,
        requests: moving.requests,
        peak_hour_requests,
        peak_hour_tokens,
        needed_tokens_per_second_milli: needed,
        seen_tokens_per_second_milli: seen,
        bears,
        cost_before: moving.cost_before,
        cost_after: moving.cost_after,
        cost_unknown: moving.cost_unknown,
    }
}

fn place_of(judgement: &Judgement, model: &Arc<str>, label: &Arc<str>) -> Option<usize> {
    let link = judgement.chain(model)?.links.iter().find(|link| link.label == *label)?;
    Some(link.judged)
}
