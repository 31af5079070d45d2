//! What the judge is told of each destination: from the configuration who operates it, from the catalogue all else. What the
//! catalogue does not know stays unknown.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::policy::{Axis, Destination};
use catalog::{Answer, Axes, Capability, Catalog, LicenceOf, Model, Price};

use super::LOCAL_DESTINATION;
use crate::config::{self, Config, Operator, RemoteModel};

/// From this training compute on a model counts as a frontier model: 10^26 FLOP (AI Basic Act of Korea, Enforcement Decree,
/// article 24, which adds two criteria that no catalogue knows).
pub const FRONTIER_FLOP: u128 = 100_000_000_000_000_000_000_000_000;

/// The provider that is the organisation itself, as policies say it.
const OWN_PROVIDER: &str = "own";

/// What the catalogue knows of a model at a destination that matters when one of several is chosen. Nothing where it does not know.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// Which model of the catalogue it is.
    pub(super) card: Option<Arc<str>>,
    /// What it can do beside text.
    pub(super) capabilities: Option<BTreeSet<Capability>>,
    /// Tokens of prompt and answer together.
    pub(super) context_tokens: Option<u64>,
    /// What tokens cost there.
    pub(super) price: Option<Price>,
}

/// What is known of `model` at `at`.
pub(super) fn offered(config: &Config, at: &config::Destination, model: &RemoteModel) -> Offered {
    let catalog = &*config.policy.catalog;
    let card = card(catalog, at, model);
    let facts = card.as_deref().and_then(|card| catalog.model(card));
    let offer = match &at.operated_by {
        Some(Operator::Provider { provider, .. }) => {
            catalog.provider(provider).and_then(|provider| provider.offers.get(&*model.upstream))
        }
        Some(Operator::Own) | None => None,
    };
    let of_offer = offer.and_then(|offer| offer.context_tokens.known());
    let of_model = facts.and_then(|facts| facts.context_tokens.known());
    Offered {
        capabilities: facts.and_then(|facts| facts.capabilities.known()).cloned(),
        context_tokens: of_offer.or(of_model).copied(),
        price: offer.and_then(|offer| offer.price.known()).cloned(),
        card,
    }
}

/// The judge's name for a model at a destination.
pub(super) fn id(destination: &str, model: &str) -> Arc<str> {
    format!("{destination}/{model}").into()
}

/// The local floor first, whether there is one or not; then every model of every destination.
pub(super) fn destinations(config: &Config) -> Vec<Destination> {
    let local = local(config);
    let remote = config.destinations.iter().flat_map(|it| it.models.iter().map(|model| remote(config, it, model)));
    std::iter::once(local).chain(remote).collect()
}

/// The floor, whichever model it has: a policy is compiled before one is loaded.
fn local(config: &Config) -> Destination {
    let catalog = &*config.policy.catalog;
    let axes = config.policy.home.and_then(|home| catalog.axes_at_home(home, None).ok());
    Destination {
        id: LOCAL_DESTINATION.into(),
        name: LOCAL_DESTINATION.into(),
        model: LOCAL_DESTINATION.into(),
        local: true,
        ..placed(catalog, axes)
    }
}

fn remote(config: &Config, at: &config::Destination, model: &RemoteModel) -> Destination {
    let catalog = &*config.policy.catalog;
    let card = card(catalog, at, model);
    let axes = match &at.operated_by {
        None => None,
        Some(Operator::Own) => config.policy.home.and_then(|home| catalog.axes_at_home(home, card.as_deref()).ok()),
        Some(Operator::Provider { provider, region }) => {
            catalog.axes(provider, region.as_deref(), card.as_deref()).ok()
        }
    };
    let mut known = placed(catalog, axes);
    known.id = id(&at.name, &model.name);
    known.name = Arc::clone(&at.name);
    known.model = Arc::clone(&model.name);
    known.upstream = Some(Arc::clone(&model.upstream));
    if at.operated_by == Some(Operator::Own) {
        known.provider = Some(OWN_PROVIDER.into());
    }
    if let Some(Operator::Provider { provider, region }) = &at.operated_by {
        known.provider = Some(Arc::clone(provider));
        known.region.clone_from(region);
        if let Some(facts) = catalog.provider(provider) {
            known.training_on_input = facts.training_on_input.known().map(|word| word.word().into());
            known.retention_days = facts.retention_days.known().and_then(|days| i64::try_from(*days).ok());
            let basis = facts.transfer_basis.known().into_iter().flatten();
            known.transfer_basis = basis.map(|word| word.word().into()).collect();
        }
    }
    if let Some(facts) = card.as_deref().and_then(|card| catalog.model(card)) {
        of_model(catalog, facts, &mut known);
    }
    known.card = card;
    known
}

/// Which model of the catalogue it is: as the configuration says, or as the provider offers it under that name.
fn card(catalog: &Catalog, at: &config::Destination, model: &RemoteModel) -> Option<Arc<str>> {
    if model.card.is_some() {
        return model.card.clone();
    }
    let Some(Operator::Provider { provider, .. }) = &at.operated_by else { return None };
    let offer = catalog.provider(provider)?.offers.get(&*model.upstream)?;
    offer.model.known().map(|id| id.as_str().into())
}

fn of_model(catalog: &Catalog, facts: &Model, known: &mut Destination) {
    known.developer = facts.developer.known().map(|id| id.as_str().into());
    let percent = |share: Option<&u64>| share.and_then(|share| i64::try_from(*share).ok());
    known.open_weights = percent(facts.open_weights.known());
    known.open_data = percent(facts.open_data.known());
    known.open_code = percent(facts.open_code.known());
    known.frontier = facts.training_flop.known().map(|compute| compute.flop >= FRONTIER_FLOP);
    known.capabilities = facts.capabilities.known().into_iter().flatten().map(|word| word.word().into()).collect();
    known.languages = facts.languages.known().into_iter().flatten().map(|tag| tag.as_str().into()).collect();
    if let Some(LicenceOf::Licence(id)) = facts.licence.known()
        && let Some(licence) = catalog.licence(id)
    {
        known.commercial_use = licence.commercial_use.known().map(|word| word.word().into());
        known.offer_to_third_parties = licence.offer_to_third_parties.known().map(|word| word.word().into());
    }
}

/// A destination of which nothing is known but where it lies on the two axes.
fn placed(catalog: &Catalog, axes: Option<Axes>) -> Destination {
    let Some(Axes { processed_in, controlled_by }) = axes else { return Destination::default() };
    Destination {
        processed_in: axis(catalog, &processed_in),
        controlled_by: axis(catalog, &controlled_by),
        ..Destination::default()
    }
}

fn axis(catalog: &Catalog, axis: &catalog::Axis) -> Axis {
    let known: BTreeSet<Arc<str>> = axis.jurisdictions().iter().map(|code| code.code().into()).collect();
    let codes = catalog.jurisdictions().map(|code| code.to_string());
    let names = codes.chain(catalog.blocs().map(|(id, _)| id.to_owned()));
    let holds = |name: &String| catalog.place(name).is_some_and(|place| axis.lies_within(&place) == Answer::Yes);
    Axis { known, within: names.filter(holds).map(Arc::from).collect() }
}
