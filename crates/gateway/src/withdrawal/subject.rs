//! What can be withdrawn: a destination, one model there, a provider, an operator, a model, a jurisdiction, or all that is outside of
//! one; and which places each takes away.
//!
//! A subject has one canonical form (`jurisdiction:US`), in which it is stored and told. People type shorter ones (`US`, `outside KR`,
//! `openai`), which `typed` resolves against the configuration and its catalogue.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use ::policy::{Axis, Destination};
use catalog::{Axes, Catalog, Cloud, LicenceOf, Parent, Provider};

use crate::judge::LOCAL_DESTINATION;

mod typed;

pub use typed::SubjectError;

/// The provider that is the organisation itself.
const OWN_PROVIDER: &str = "own";

/// What is taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// `destination:NAME`: every model of a `[[destination]]`.
    Destination(Arc<str>),
    /// `NAME/MODEL`: one model of a `[[destination]]`, by the name that callers ask for.
    Place(Arc<str>, Arc<str>),
    /// `provider:ID`: a provider of the catalogue, or `own`.
    Provider(Arc<str>),
    /// `operator:ID`: an organisation of the catalogue, with all that it runs, hosts or controls.
    Operator(Arc<str>),
    /// `model:NAME`: a model wherever it is, as callers ask for it, as its destination calls it, or as the catalogue does.
    Model(Arc<str>),
    /// `jurisdiction:ID`: a country or a bloc: all that it processes, and all that its law reaches.
    Jurisdiction(Arc<str>),
    /// `outside:ID`: all that is not known to lie within a country or a bloc on both axes.
    Outside(Arc<str>),
}

/// Whether a subject takes a place. The order is from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Taken {
    /// It does not.
    No,
    /// It cannot be told: something of the place is not known.
    Perhaps,
    /// It does.
    Yes,
}

/// The words before the colon of a canonical form.
const WORDS: [&str; 6] = ["destination", "provider", "operator", "model", "jurisdiction", "outside"];

impl Subject {
    /// Whether it takes `place` away. The local floor is never taken.
    pub fn takes(&self, place: &Destination, catalog: &Catalog) -> Taken {
        if place.local {
            return Taken::No;
        }
        match self {
            Self::Destination(name) => known(place.name == *name),
            Self::Place(name, model) => known(place.name == *name && place.model == *model),
            Self::Provider(id) => match &place.provider {
                Some(provider) => known(provider == id),
                None => Taken::Perhaps,
            },
            Self::Operator(id) => operated(id, place, catalog),
            Self::Model(name) => is_model(name, place, catalog),
            Self::Jurisdiction(id) => touched(&codes(id, catalog), place, catalog),
            Self::Outside(id) => outside(id, place, catalog),
        }
    }

    /// Whether `place` counts as taken while this is withdrawn: what cannot be told stays in use, but for what must be known to lie
    /// within a place.
    pub fn withdraws(&self, place: &Destination, catalog: &Catalog) -> bool {
        match self.takes(place, catalog) {
            Taken::Yes => true,
            Taken::Perhaps => matches!(self, Self::Outside(_)),
            Taken::No => false,
        }
    }

    /// The word for its kind: `destination`, `place`, `provider`, `operator`, `model`, `jurisdiction` or `outside`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Destination(_) => "destination",
            Self::Place(..) => "place",
            Self::Provider(_) => "provider",
            Self::Operator(_) => "operator",
            Self::Model(_) => "model",
            Self::Jurisdiction(_) => "jurisdiction",
            Self::Outside(_) => "outside",
        }
    }

    /// As it is said in a sentence: `US`, `everything outside KR`, `the provider openai`.
    pub fn told(&self) -> String {
        match self {
            Self::Destination(name) => format!("the destination {name}"),
            Self::Place(name, model) => format!("{name}/{model}"),
            Self::Provider(id) => format!("the provider {id}"),
            Self::Operator(id) => format!("the operator {id}"),
            Self::Model(name) => format!("the model {name}"),
            Self::Jurisdiction(id) => id.to_string(),
            Self::Outside(id) => format!("everything outside {id}"),
        }
    }
}

/// The most that any of them does to `place`.
pub fn taken_by(subjects: &[Subject], place: &Destination, catalog: &Catalog) -> Taken {
    subjects.iter().map(|subject| subject.takes(place, catalog)).max().unwrap_or(Taken::No)
}

/// Whether `place` counts as taken while all of them are withdrawn.
pub fn withdrawn_by(subjects: &[Subject], place: &Destination, catalog: &Catalog) -> bool {
    subjects.iter().any(|subject| subject.withdraws(place, catalog))
}

fn known(is_so: bool) -> Taken {
    if is_so { Taken::Yes } else { Taken::No }
}

/// By any of its three names. Of a place whose model the catalogue cannot name, a model of the catalogue may be the one.
fn is_model(name: &Arc<str>, place: &Destination, catalog: &Catalog) -> Taken {
    let names = [Some(&place.model), place.upstream.as_ref(), place.card.as_ref()];
    match names.into_iter().flatten().any(|its| its == name) {
        true => Taken::Yes,
        false if place.card.is_none() && catalog.model(name).is_some() => Taken::Perhaps,
        false => Taken::No,
    }
}

/// The codes of a country or a bloc. What the catalogue has no longer is at least itself.
fn codes(id: &str, catalog: &Catalog) -> BTreeSet<Arc<str>> {
    match catalog.place(id) {
        Some(codes) => codes.iter().map(|code| code.code().into()).collect(),
        None => BTreeSet::from([id.into()]),
    }
}

/// Whether either axis touches it.
fn touched(codes: &BTreeSet<Arc<str>>, place: &Destination, catalog: &Catalog) -> Taken {
    let whole = are_whole(place, catalog);
    let axis = |axis: &Axis, whole: bool| match (axis.known.is_disjoint(codes), whole) {
        (false, _) => Taken::Yes,
        (true, true) => Taken::No,
        (true, false) => Taken::Perhaps,
    };
    axis(&place.processed_in, whole.0).max(axis(&place.controlled_by, whole.1))
}

/// Whether either axis is not known to lie within it.
fn outside(id: &Arc<str>, place: &Destination, catalog: &Catalog) -> Taken {
    let (codes, whole) = (codes(id, catalog), are_whole(place, catalog));
    let axis = |axis: &Axis, whole: bool| match (axis.known.is_subset(&codes), whole) {
        (false, _) => Taken::Yes,
        (true, true) => Taken::No,
        (true, false) => Taken::Perhaps,
    };
    axis(&place.processed_in, whole.0).max(axis(&place.controlled_by, whole.1))
}

/// Whether each axis is known in whole. What lies within anything is; what lies within nothing may still be, where no bloc holds
/// all of its jurisdictions, so the catalogue is asked.
fn are_whole(place: &Destination, catalog: &Catalog) -> (bool, bool) {
    let again = axes(place, catalog);
    let whole = |axis: &Axis, again: Option<&catalog::Axis>| {
        !axis.within.is_empty() || again.is_some_and(catalog::Axis::is_known)
    };
    (
        whole(&place.processed_in, again.as_ref().map(|axes| &axes.processed_in)),
        whole(&place.controlled_by, again.as_ref().map(|axes| &axes.controlled_by)),
    )
}

fn axes(place: &Destination, catalog: &Catalog) -> Option<Axes> {
    match place.provider.as_deref()? {
        OWN_PROVIDER => {
            let home = place.processed_in.known.first()?.parse().ok()?;
            catalog.axes_at_home(home, place.card.as_deref()).ok()
        }
        provider => catalog.axes(provider, place.region.as_deref(), place.card.as_deref()).ok(),
    }
}

/// Whether the organisation runs it, hosts it, gets its data, controls who does, or could end its model's licence.
fn operated(id: &str, place: &Destination, catalog: &Catalog) -> Taken {
    let by_model = by_licence(id, place, catalog);
    match place.provider.as_deref() {
        None => Taken::Perhaps,
        Some(OWN_PROVIDER) => by_model,
        Some(provider) => by_model.max(catalog.provider(provider).map_or(Taken::Perhaps, |it| runs(id, it, catalog))),
    }
}

/// Whether the organisation runs or hosts the service, gets its data, or controls who does.
fn runs(id: &str, provider: &Provider, catalog: &Catalog) -> Taken {
    let operator = provider.operator.known().map(|operator| belongs(operator, id, catalog));
    let cloud = provider.cloud.known().map(|cloud| match cloud {
        Cloud::Own => Taken::No,
        Cloud::Organisation(cloud) => belongs(cloud, id, catalog),
    });
    let others = provider.sub_processors.known();
    let others = others.map(|others| others.iter().map(|it| belongs(it, id, catalog)).max().unwrap_or(Taken::No));
    [operator, cloud, others].into_iter().map(|taken| taken.unwrap_or(Taken::Perhaps)).max().unwrap_or(Taken::Perhaps)
}

/// Whether `organisation` is `id`, or controlled by it through however many parents. The catalogue has no circles.
fn belongs(organisation: &str, id: &str, catalog: &Catalog) -> Taken {
    let mut next = Some(organisation);
    while let Some(current) = next {
        if current == id {
            return Taken::Yes;
        }
        next = match catalog.organisation(current).and_then(|it| it.parent.known()) {
            Some(Parent::Organisation(parent)) => Some(parent),
            Some(Parent::None) => None,
            None => return Taken::Perhaps,
        };
    }
    Taken::No
}

/// Whether the organisation could end the licence under which the model runs there.
fn by_licence(id: &str, place: &Destination, catalog: &Catalog) -> Taken {
    let Some(model) = place.card.as_deref().and_then(|card| catalog.model(card)) else { return Taken::Perhaps };
    let is_bound = match model.licence.known() {
        Some(LicenceOf::None) | None => true,
        Some(LicenceOf::Licence(licence)) => {
            catalog.licence(licence).and_then(|licence| licence.revocable.known()) != Some(&false)
        }
    };
    match (is_bound, model.developer.known()) {
        (false, _) => Taken::No,
        (true, Some(developer)) => belongs(developer, id, catalog),
        (true, None) => Taken::Perhaps,
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(name, model) => write!(f, "{name}/{model}"),
            Self::Destination(it)
            | Self::Provider(it)
            | Self::Operator(it)
            | Self::Model(it)
            | Self::Jurisdiction(it)
            | Self::Outside(it) => write!(f, "{}:{it}", self.kind()),
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    /// Reads the canonical form, whether or not what it names is there.
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let malformed = || SubjectError::Malformed { typed: text.to_owned() };
        if text.chars().any(char::is_control) {
            return Err(malformed());
        }
        if let Some((word, rest)) = text.split_once(':').filter(|(word, _)| WORDS.contains(word)) {
            let rest: Arc<str> = Some(rest).filter(|rest| !rest.is_empty()).ok_or_else(malformed)?.into();
            return match word {
                "destination" if &*rest == LOCAL_DESTINATION => Err(SubjectError::Floor),
                "destination" => Ok(Self::Destination(rest)),
                "provider" => Ok(Self::Provider(rest)),
                "operator" => Ok(Self::Operator(rest)),
                "model" => Ok(Self::Model(rest)),
                "jurisdiction" => Ok(Self::Jurisdiction(rest)),
                _ => Ok(Self::Outside(rest)),
            };
        }
        match text.split_once('/') {
            Some((name, model)) if !name.is_empty() && !model.is_empty() => Ok(Self::Place(name.into(), model.into())),
            Some(_) | None => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests;
