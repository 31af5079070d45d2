//! What is shown of destinations, and of the providers that one can be of.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{Api, Catalog};
use gateway::app::InForce;
use gateway::availability::Availability;
use gateway::config::{Config, Destination, Operator, RouteStep, Secret};
use gateway::judge::Judgement;
use policy::{Action, Class, Outcome};

/// One destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) base_url: String,
    pub(super) api: &'static str,
    /// `own`, or the provider's name; none where nobody has said.
    pub(super) provider: Option<String>,
    pub(super) region: Option<String>,
    /// Where its key is, as messages call it: `file`, `environment` or `none`.
    pub(super) key: &'static str,
    /// Its models, each with how it stands: `ready`, `resting`, `withdrawn` …
    pub(super) models: Vec<(String, &'static str)>,
    /// Whether a plain request of each class may go there, from the lowest.
    pub(super) reached: [bool; 3],
}

/// A provider, and the regions to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vendor {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) regions: Vec<String>,
}

pub(super) fn destinations(in_force: &InForce, availability: &Availability) -> Vec<Told> {
    let judgement = &in_force.judgement;
    let reached: Vec<BTreeSet<Arc<str>>> = Class::ALL.map(|class| reached(judgement, class)).into();
    let told = |it: &Arc<Destination>| {
        let (provider, region) = match &it.operated_by {
            None => (None, None),
            Some(Operator::Own) => (Some("own".to_owned()), None),
            Some(Operator::Provider { provider, region }) => {
                let known = judgement.catalog().provider(provider);
                let name = known.map_or_else(|| provider.to_string(), |known| known.name.clone());
                (Some(name), region.as_ref().map(ToString::to_string))
            }
        };
        let places = judgement.judge().destinations().iter().filter(|place| place.name == it.name);
        Told {
            name: it.name.to_string(),
            base_url: it.base_url.to_string(),
            api: it.api.word(),
            provider,
            region,
            key: match it.key.as_ref().map(Secret::file) {
                None => "none",
                Some(None) => "environment",
                Some(Some(_)) => "file",
            },
            models: places.map(|place| (place.model.to_string(), availability.state(place).word())).collect(),
            reached: std::array::from_fn(|class| reached.get(class).is_some_and(|names| names.contains(&it.name))),
        }
    };
    in_force.config.destinations.iter().map(told).collect()
}

/// The destinations that a plain request of that class may reach, by any model.
fn reached(judgement: &Judgement, class: Class) -> BTreeSet<Arc<str>> {
    let mut reached = BTreeSet::new();
    for chain in judgement.chains() {
        let verdict = judgement.plain(chain, None, class, Action::Infer);
        let permitted = chain.links.iter().filter(|link| verdict.of(link.judged).and_then(Outcome::terms).is_some());
        reached.extend(permitted.map(|link| Arc::clone(&link.destination)));
    }
    reached
}

/// The catalogue's, by name.
pub(super) fn vendors(catalog: &Catalog) -> Vec<Vendor> {
    let told = |(id, provider): (&str, &catalog::Provider)| Vendor {
        id: id.to_owned(),
        name: provider.name.clone(),
        regions: provider.regions.keys().cloned().collect(),
    };
    let mut vendors: Vec<Vendor> = catalog.providers().map(told).collect();
    vendors.sort_by_key(|vendor| vendor.name.to_lowercase());
    vendors
}

/// Where the catalogue says that it is asked.
pub(super) fn base_url(catalog: &Catalog, provider: &str, region: &str) -> Option<String> {
    let provider = catalog.provider(provider)?;
    let of_region = provider.regions.get(region).and_then(|region| region.base_url.known());
    of_region.or_else(|| provider.base_url.known()).cloned()
}

/// Whose API it speaks, as the file says it, where the catalogue knows of none but Anthropic's.
pub(super) fn api(catalog: &Catalog, provider: &str) -> Option<String> {
    let apis = catalog.provider(provider)?.apis.known()?;
    (apis.contains(&Api::AnthropicMessages) && !apis.contains(&Api::OpenAiChat)).then(|| "anthropic".to_owned())
}

/// The models whose routes lead to that destination alone.
pub(super) fn routes_only_to(config: &Config, name: &str) -> Vec<String> {
    let leads_there = |step: &RouteStep| match step {
        RouteStep::Local => false,
        RouteStep::Remote { destination, .. } => **destination == *name,
    };
    let only = config.routes.iter().filter(|route| route.steps.iter().all(leads_there));
    only.map(|route| route.model.to_string()).collect()
}
