//! The two axes of a destination: where bytes are processed and stored, and whose law reaches whoever has them. Each link
//! that is not known is a gap, and what has a gap is foreign to everybody. What may be sent there is not decided here.

use std::collections::BTreeSet;
use std::fmt;

use crate::Catalog;
use crate::jurisdiction::{Jurisdiction, PlaceName};
use crate::model::LicenceOf;
use crate::organisation::Parent;
use crate::provider::{Cloud, Provider, Region};

/// Both axes of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes {
    /// Where bytes are processed and stored.
    pub processed_in: Axis,
    /// Whose law reaches those who process them.
    pub controlled_by: Axis,
}

/// The jurisdictions that are known, and what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    jurisdictions: BTreeSet<Jurisdiction>,
    gaps: BTreeSet<Gap>,
}

/// A link that is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// The provider's region says not where, or there is none.
    Region,
    /// The provider's operator.
    Operator,
    /// On whose machines it runs.
    Cloud,
    /// Who else gets the data.
    SubProcessors,
    /// The seat of this organisation.
    Seat(String),
    /// Who controls this organisation.
    Parent(String),
    /// Which model it is.
    Model,
    /// The licence of this model.
    Licence(String),
    /// The developer of this model, who could end its licence.
    Developer(String),
}

/// An answer of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// It cannot be told.
    Unknown,
}

/// What was asked for by a name that the catalogue does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotListed {
    /// `provider`, `region`, `model` or `jurisdiction`.
    pub what: &'static str,
    /// The name.
    pub name: String,
}

impl Catalog {
    /// Where and under whose law a request to `model` at `provider` goes. Without a region, any of the provider's counts;
    /// without a model, its licence is a gap.
    ///
    /// # Errors
    /// A provider, region or model that is not in the catalogue.
    pub fn axes(&self, provider: &str, region: Option<&str>, model: Option<&str>) -> Result<Axes, NotListed> {
        let listed = self.provider(provider).ok_or_else(|| NotListed::new("provider", provider))?;
        let regions: Vec<&Region> = match region {
            Some(name) => vec![listed.regions.get(name).ok_or_else(|| NotListed::new("region", name))?],
            None => listed.regions.values().collect(),
        };
        Ok(Axes { processed_in: self.processed_in(&regions), controlled_by: self.controlled_by(listed, model)? })
    }

    /// The same for a model on the organisation's own machine in `home`.
    ///
    /// # Errors
    /// A jurisdiction or model that is not in the catalogue.
    pub fn axes_at_home(&self, home: Jurisdiction, model: Option<&str>) -> Result<Axes, NotListed> {
        if self.jurisdiction(home).is_none() {
            return Err(NotListed::new("jurisdiction", home.code()));
        }
        let processed_in = Axis { jurisdictions: BTreeSet::from([home]), gaps: BTreeSet::new() };
        let mut controlled_by = processed_in.clone();
        self.follow_licence(model, None, &mut controlled_by)?;
        Ok(Axes { processed_in, controlled_by })
    }

    /// The jurisdictions of a place: of a bloc all that belong to it, of a jurisdiction itself; none where neither is listed.
    pub fn place(&self, name: &str) -> Option<BTreeSet<Jurisdiction>> {
        if let Some(bloc) = self.bloc(name) {
            return Some(bloc.jurisdictions.clone());
        }
        let code = name.parse::<Jurisdiction>().ok()?;
        self.jurisdiction(code).map(|_| BTreeSet::from([code]))
    }

    /// Whether `code` belongs to the bloc, through however many others; none where there is no such bloc.
    pub fn is_member(&self, code: Jurisdiction, bloc: &str) -> Option<bool> {
        self.bloc(bloc).map(|bloc| bloc.jurisdictions.contains(&code))
    }

    fn processed_in(&self, regions: &[&Region]) -> Axis {
        let mut axis = Axis::default();
        for region in regions {
            match region.processed_in.known() {
                Some(places) => axis.jurisdictions.extend(places.iter().flat_map(|place| self.expanded(place))),
                None => axis.gap(Gap::Region),
            }
        }
        if axis.jurisdictions.is_empty() {
            axis.gap(Gap::Region);
        }
        axis
    }

    fn expanded(&self, place: &PlaceName) -> BTreeSet<Jurisdiction> {
        match place {
            PlaceName::Jurisdiction(code) => BTreeSet::from([*code]),
            PlaceName::Bloc(id) => self.bloc(id).map(|bloc| bloc.jurisdictions.clone()).unwrap_or_default(),
        }
    }

    fn controlled_by(&self, provider: &Provider, model: Option<&str>) -> Result<Axis, NotListed> {
        let mut axis = Axis::default();
        let operator = provider.operator.known();
        match operator {
            Some(id) => self.follow(id, &mut axis),
            None => axis.gap(Gap::Operator),
        }
        match provider.cloud.known() {
            Some(Cloud::Own) => {}
            Some(Cloud::Organisation(id)) => self.follow(id, &mut axis),
            None => axis.gap(Gap::Cloud),
        }
        match provider.sub_processors.known() {
            Some(ids) => ids.iter().for_each(|id| self.follow(id, &mut axis)),
            None => axis.gap(Gap::SubProcessors),
        }
        self.follow_licence(model, operator.map(String::as_str), &mut axis)?;
        Ok(axis)
    }

    /// The organisation and its parents up to the last. The catalogue has no circles, so this ends.
    fn follow(&self, id: &str, axis: &mut Axis) {
        let mut next = Some(id);
        while let Some((id, organisation)) = next.and_then(|id| Some((id, self.organisation(id)?))) {
            match organisation.seat.known() {
                Some(seat) => drop(axis.jurisdictions.insert(*seat)),
                None => axis.gap(Gap::Seat(id.to_owned())),
            }
            next = match organisation.parent.known() {
                Some(Parent::Organisation(parent)) => Some(parent),
                Some(Parent::None) => None,
                None => {
                    axis.gap(Gap::Parent(id.to_owned()));
                    None
                }
            };
        }
    }

    /// Whoever could end the licence under which `operator` (the organisation itself, if none) runs the model, and that of
    /// each model which it is known to be built on. A licence that cannot be taken back adds nobody.
    fn follow_licence(&self, model: Option<&str>, operator: Option<&str>, axis: &mut Axis) -> Result<(), NotListed> {
        let Some(asked) = model else {
            axis.gap(Gap::Model);
            return Ok(());
        };
        if self.model(asked).is_none() {
            return Err(NotListed::new("model", asked));
        }
        let mut next = model;
        while let Some((id, model)) = next.and_then(|id| Some((id, self.model(id)?))) {
            let developer = model.developer.known();
            let is_bound = match model.licence.known() {
                // Whoever made the model needs no licence for it.
                _ if developer.is_some() && developer.map(String::as_str) == operator => false,
                Some(LicenceOf::None) => true,
                Some(LicenceOf::Licence(licence)) => {
                    self.licence(licence).and_then(|licence| licence.revocable.known()) != Some(&false)
                }
                None => {
                    axis.gap(Gap::Licence(id.to_owned()));
                    true
                }
            };
            match developer {
                Some(developer) if is_bound => self.follow(developer, axis),
                None if is_bound => axis.gap(Gap::Developer(id.to_owned())),
                Some(_) | None => {}
            }
            next = model.base_id();
        }
        Ok(())
    }
}

impl Axis {
    /// The jurisdictions that are known to be on it; not all of them where there are gaps.
    pub fn jurisdictions(&self) -> &BTreeSet<Jurisdiction> {
        &self.jurisdictions
    }

    /// What is not known.
    pub fn gaps(&self) -> &BTreeSet<Gap> {
        &self.gaps
    }

    /// Whether all of it is known.
    pub fn is_known(&self) -> bool {
        self.gaps.is_empty() && !self.jurisdictions.is_empty()
    }

    /// Whether any of `place` is on it.
    pub fn touches(&self, place: &BTreeSet<Jurisdiction>) -> Answer {
        match self.jurisdictions.is_disjoint(place) {
            false => Answer::Yes,
            true if self.is_known() => Answer::No,
            true => Answer::Unknown,
        }
    }

    /// Whether all of it is in `place`.
    pub fn lies_within(&self, place: &BTreeSet<Jurisdiction>) -> Answer {
        match self.jurisdictions.is_subset(place) {
            false => Answer::No,
            true if self.is_known() => Answer::Yes,
            true => Answer::Unknown,
        }
    }

    /// Whether it must be treated as foreign to `home`: unless it is known to lie within, it is.
    pub fn is_foreign_to(&self, home: &BTreeSet<Jurisdiction>) -> bool {
        self.lies_within(home) != Answer::Yes
    }

    fn gap(&mut self, gap: Gap) {
        self.gaps.insert(gap);
    }
}

impl NotListed {
    fn new(what: &'static str, name: &str) -> Self {
        Self { what, name: name.to_owned() }
    }
}

impl fmt::Display for NotListed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the catalogue has no {} `{}`: add it to the catalogue's folder, or name another",
            self.what, self.name
        )
    }
}

impl std::error::Error for NotListed {}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region => f.write_str("where the bytes are processed"),
            Self::Operator => f.write_str("who operates it"),
            Self::Cloud => f.write_str("on whose machines it runs"),
            Self::SubProcessors => f.write_str("who else gets the data"),
            Self::Seat(id) => write!(f, "the seat of `{id}`"),
            Self::Parent(id) => write!(f, "who controls `{id}`"),
            Self::Model => f.write_str("which model it is"),
            Self::Licence(id) => write!(f, "the licence of `{id}`"),
            Self::Developer(id) => write!(f, "who made `{id}`"),
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = self.jurisdictions.iter().map(ToString::to_string).collect();
        let gaps: Vec<String> = self.gaps.iter().map(ToString::to_string).collect();
        match (known.is_empty(), gaps.is_empty()) {
            (_, true) => f.write_str(&known.join(", ")),
            (true, false) => write!(f, "unknown ({})", gaps.join("; ")),
            (false, false) => write!(f, "{} and unknown ({})", known.join(", "), gaps.join("; ")),
        }
    }
}
