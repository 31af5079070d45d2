//! What judges under one configuration: its policy compiled for the destinations that it has, with what the catalogue knows of
//! them, and the chains in which they are tried. Made when the configuration comes into force; never changed.
//!
//! It joins the leaves `policy`, `catalog` and `inspect`. It must not know HTTP, nor how a destination is reached.

pub mod coverage;
mod explain;
mod facts_of;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use ::policy::{Destination, Judge, Proof};
use catalog::{Capability, Catalog, Price};
use wire::needs::Need;

pub use explain::{Explained, FoundIn, Hidden, Question, Step};
pub use facts_of::FRONTIER_FLOP;

pub use crate::destinations::local::serves as local_serves;

use crate::config::{Config, Judged, Manner, Operator, Registered, RouteStep, Version};

/// How the local floor is called wherever destinations are named.
pub const LOCAL_DESTINATION: &str = "local";
/// There is one tenant until there are more.
pub const TENANT: &str = "default";

/// One value: who judges, by what, over what.
pub struct Judgement {
    judge: Arc<Judge>,
    judged: Judged,
    hashes: Hashes,
    teams: BTreeMap<Arc<str>, Registered>,
    /// In the order in which models are listed.
    chains: Vec<Chain>,
    by_model: HashMap<Arc<str>, usize>,
}

/// Names what judged: entries hold all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// SHA-256 of the policy's files (`spec/policy.md`).
    pub policy: [u8; 32],
    /// SHA-256 of the catalogue's canonical form.
    pub catalog: [u8; 32],
    /// The configuration.
    pub config: Version,
}

/// A model as callers ask for it, and where it may be answered, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// What callers ask for.
    pub model: Arc<str>,
    /// At least one, each once.
    pub links: Vec<Link>,
    /// What its route is registered with.
    pub registered: Registered,
    /// Whether texts are brought into NFC before they are sent.
    pub nfc: bool,
    /// How the links are used.
    pub manner: Manner,
}

/// One destination of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its place among the judge's destinations.
    pub judged: usize,
    /// How entries, headers and metrics call it: the destination's name, with the model's where it is another than asked for.
    pub label: Arc<str>,
    /// The destination's name in the configuration, or `local`.
    pub destination: Arc<str>,
    /// The model's name there, as the configuration has it.
    pub model: Arc<str>,
    /// Whether it is the local floor.
    pub local: bool,
    /// Whether it is a machine of the organisation's own.
    pub own: bool,
    /// Tokens of prompt and answer together, where known.
    pub context_tokens: Option<u64>,
    /// Tokens of an answer when the caller names no limit, where the gateway sets it.
    pub answer_tokens_default: Option<u64>,
    /// Which model of the catalogue it is, where that is known.
    pub card: Option<Arc<str>>,
    /// What it serves beyond text in and text out; `None`: it takes everything that the API defines, and refuses itself what it lacks.
    pub serves: Option<Arc<[Need]>>,
    /// What the model can do beside text; `None`: nobody knows.
    pub capabilities: Option<Arc<BTreeSet<Capability>>>,
    /// What tokens cost there, where that is known.
    pub price: Option<Arc<Price>>,
    /// Whether it answers in place of the chain's first with another model.
    pub substitutes: bool,
    /// Its share under [`crate::config::Strategy::Weighted`].
    pub weight: u32,
}

/// What is known of the local floor's model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloorModel {
    /// What callers ask for.
    pub name: Arc<str>,
    /// Tokens of prompt and answer together.
    pub context_tokens: u64,
    /// What it serves beyond text in and text out.
    pub serves: Arc<[Need]>,
}

impl Judgement {
    /// What judges under `config`, with this local floor.
    pub fn new(config: &Config, floor: Option<&FloorModel>) -> Self {
        Self::with_embedder(config, floor, None)
    }

    /// As [`Judgement::new`], where this model on this machine makes vectors of texts.
    pub fn with_embedder(config: &Config, floor: Option<&FloorModel>, embedder: Option<&FloorModel>) -> Self {
        let judged = config.policy.clone();
        let destinations = facts_of::destinations(config);
        let places: HashMap<Arc<str>, usize> =
            destinations.iter().enumerate().map(|(place, it)| (Arc::clone(&it.id), place)).collect();
        let judge = compiled(&judged, destinations);
        let chains = chains(config, &OnThisMachine { floor, embedder }, &places);
        let by_model = chains.iter().enumerate().map(|(place, chain)| (Arc::clone(&chain.model), place)).collect();
        let hashes =
            Hashes { policy: judged.rules.hash(), catalog: judged.catalog.hash().bytes(), config: config.version };
        Self { judge, judged, hashes, teams: config.teams.clone(), chains, by_model }
    }

    /// The chain of the model that is asked for.
    pub fn chain(&self, model: &str) -> Option<&Chain> {
        self.by_model.get(model).and_then(|place| self.chains.get(*place))
    }

    /// Every chain, in the order in which models are listed.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// The compiled policy.
    pub fn judge(&self) -> &Arc<Judge> {
        &self.judge
    }

    /// The teams that are registered.
    pub fn teams(&self) -> impl Iterator<Item = &Arc<str>> {
        self.teams.keys()
    }

    /// What the team is registered with.
    pub fn team(&self, name: &str) -> Option<&Registered> {
        self.teams.get(name)
    }

    /// The policy, as it was read.
    pub fn policy(&self) -> &::policy::Policy {
        &self.judged.rules
    }

    /// The catalogue in force.
    pub fn catalog(&self) -> &Catalog {
        &self.judged.catalog
    }

    /// What is looked for in texts.
    pub fn identifiers(&self) -> &::inspect::Rules {
        &self.judged.identifiers
    }

    /// Names what judged.
    pub fn hashes(&self) -> Hashes {
        self.hashes
    }

    /// What is proved of the policy over these destinations and chains.
    pub fn proof(&self) -> Proof {
        let mut proof = self.judge.prove();
        for chain in &self.chains {
            let links: Vec<usize> = chain.links.iter().map(|link| link.judged).collect();
            proof.notes.extend(self.judge.prove_chain(&chain.model, &links));
        }
        proof
    }
}

/// The policy over these destinations: as it was compiled when it was proved, if it was for the same ones.
fn compiled(judged: &Judged, destinations: Vec<Destination>) -> Arc<Judge> {
    let known = judged.compiled.as_ref();
    let same = |judge: &&Arc<Judge>| {
        judge.policy().hash() == judged.rules.hash() && judge.destinations() == destinations.as_slice()
    };
    match known.filter(same) {
        Some(judge) => Arc::clone(judge),
        None => Arc::new(judged.rules.compile(destinations)),
    }
}

impl Link {
    /// Whether it is worth asking for this: it serves it, or nobody can tell but itself.
    pub fn serves(&self, need: Need) -> bool {
        self.serves.as_ref().is_none_or(|serves| serves.contains(&need))
    }

    /// Whether an answer from there is degraded: the local floor stands in for another.
    pub fn is_degraded(&self) -> bool {
        self.local && self.substitutes
    }
}

impl fmt::Debug for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = self.policy().name();
        f.debug_struct("Judgement").field("policy", &policy).field("chains", &self.chains).finish_non_exhaustive()
    }
}

/// Models with a route of their own first, as they were typed; then the floor's, then those of destinations.
fn chains(config: &Config, here: &OnThisMachine<'_>, places: &HashMap<Arc<str>, usize>) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    for route in &config.routes {
        let weights = route.manner.weights.iter().copied().chain(std::iter::repeat(1));
        let link = |(step, weight)| link(config, here, places, &route.model, step).map(|link| Link { weight, ..link });
        let links: Vec<Link> = route.steps.iter().zip(weights).filter_map(link).collect();
        if !links.is_empty() {
            let (model, registered) = (Arc::clone(&route.model), route.registered.clone());
            chains.push(Chain { model, links, registered, nfc: route.nfc, manner: route.manner.clone() });
        }
    }
    let routed: Vec<Arc<str>> = chains.iter().map(|chain| Arc::clone(&chain.model)).collect();
    let local =
        [here.floor, here.embedder].into_iter().flatten().map(|model| (Arc::clone(&model.name), RouteStep::Local));
    let remote = config.destinations.iter().flat_map(|it| {
        let step = |model: &Arc<str>| RouteStep::Remote { destination: Arc::clone(&it.name), model: Arc::clone(model) };
        it.models.iter().map(move |model| (Arc::clone(&model.name), step(&model.name)))
    });
    for (model, step) in local.chain(remote).filter(|(model, _)| !routed.contains(model)) {
        let Some(link) = link(config, here, places, &model, &step) else { continue };
        if let Some(chain) = chains.iter_mut().find(|chain| chain.model == model) {
            chain.links.push(link);
        } else {
            let (registered, manner) = (Registered::default(), Manner::default());
            chains.push(Chain { model, links: vec![link], registered, nfc: false, manner });
        }
    }
    chains.iter_mut().for_each(mark_substitutes);
    chains
}

/// Where another model than the first's answers, that is a substitute. Weights of the same model of the catalogue are the same
/// model, however they are called; of those that the catalogue does not know, the name tells.
fn mark_substitutes(chain: &mut Chain) {
    let Some(first) = chain.links.first().cloned() else { return };
    for link in &mut chain.links {
        let known = first.card.as_ref().zip(link.card.as_ref());
        let same = known.map_or(first.model == link.model, |(first, card)| first == card);
        link.substitutes = !same || link.local != first.local;
    }
}

/// The models that this process runs.
struct OnThisMachine<'a> {
    /// Answers in words.
    floor: Option<&'a FloorModel>,
    /// Makes vectors of texts.
    embedder: Option<&'a FloorModel>,
}

impl OnThisMachine<'_> {
    /// Who answers for `asked`, and whether that is with vectors. They are of use only among those of the same model, so the embedder
    /// stands in for no other: `local` is it where it is asked for by its name.
    fn answers(&self, asked: &str) -> Option<(&FloorModel, bool)> {
        let embedder = self.embedder.filter(|model| &*model.name == asked).map(|model| (model, true));
        embedder.or(self.floor.map(|model| (model, false)))
    }
}

/// None where there is no local floor to go to.
fn link(
    config: &Config,
    here: &OnThisMachine<'_>,
    places: &HashMap<Arc<str>, usize>,
    asked: &Arc<str>,
    step: &RouteStep,
) -> Option<Link> {
    match step {
        RouteStep::Local => {
            let (model, embeds) = here.answers(asked)?;
            Some(Link {
                judged: *places.get(LOCAL_DESTINATION)?,
                label: LOCAL_DESTINATION.into(),
                destination: LOCAL_DESTINATION.into(),
                model: Arc::clone(&model.name),
                local: true,
                own: true,
                // Of an embedder it is that of one text; a request has many.
                context_tokens: (!embeds).then_some(model.context_tokens),
                answer_tokens_default: (!embeds).then_some(config.local.answer_tokens_default.into()),
                card: None,
                serves: Some(Arc::clone(&model.serves)),
                capabilities: None,
                price: None,
                substitutes: false,
                weight: 1,
            })
        }
        RouteStep::Remote { destination, model } => {
            let id = facts_of::id(destination, model);
            let at = config.destinations.iter().find(|it| it.name == *destination)?;
            let offered = facts_of::offered(config, at, at.models.iter().find(|it| it.name == *model)?);
            Some(Link {
                judged: *places.get(&id)?,
                label: if model == asked { Arc::clone(destination) } else { id },
                destination: Arc::clone(destination),
                model: Arc::clone(model),
                local: false,
                own: at.operated_by == Some(Operator::Own),
                context_tokens: offered.context_tokens,
                answer_tokens_default: None,
                card: offered.card,
                serves: None,
                capabilities: offered.capabilities.map(Arc::new),
                price: offered.price.map(Arc::new),
                substitutes: false,
                weight: 1,
            })
        }
    }
}

#[cfg(test)]
mod tests;
