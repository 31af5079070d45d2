//! Blocs: groups of jurisdictions and of other blocs, and who belongs to each in the end. Knows nothing of destinations.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::Entry;
use crate::fact::Fact;
use crate::jurisdiction::{Jurisdiction, PlaceName};
use crate::typed::Typed;

/// A group of jurisdictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bloc {
    /// How it is called.
    pub name: String,
    /// As it was written: jurisdictions and blocs.
    pub members: Fact<BTreeSet<PlaceName>>,
    /// Every jurisdiction that belongs to it, through however many blocs.
    pub jurisdictions: BTreeSet<Jurisdiction>,
}

impl Bloc {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        let (name, members) = (entry.name(), entry.set("members", false, Typed::place));
        entry.required("members", &members);
        Self { name, members, jurisdictions: BTreeSet::new() }
    }

    /// The blocs that are its members.
    pub(crate) fn inner(&self) -> impl Iterator<Item = &str> {
        self.members.known().into_iter().flatten().filter_map(|member| match member {
            PlaceName::Bloc(id) => Some(id.as_str()),
            PlaceName::Jurisdiction(_) => None,
        })
    }
}

/// Fills in who belongs to each. Goes round until nothing is added, so it ends on cycles too, which are told elsewhere.
pub(crate) fn expand(blocs: &mut BTreeMap<String, Bloc>) {
    for bloc in blocs.values_mut() {
        bloc.jurisdictions = bloc.members.known().into_iter().flatten().filter_map(jurisdiction).collect();
    }
    loop {
        let mut added: Vec<(String, BTreeSet<Jurisdiction>)> = Vec::new();
        for (id, bloc) in blocs.iter() {
            let through = bloc.inner().filter_map(|inner| blocs.get(inner)).flat_map(|inner| &inner.jurisdictions);
            let new: BTreeSet<Jurisdiction> =
                through.filter(|code| !bloc.jurisdictions.contains(code)).copied().collect();
            if !new.is_empty() {
                added.push((id.clone(), new));
            }
        }
        if added.is_empty() {
            return;
        }
        for (id, new) in added {
            if let Some(bloc) = blocs.get_mut(&id) {
                bloc.jurisdictions.extend(new);
            }
        }
    }
}

fn jurisdiction(member: &PlaceName) -> Option<Jurisdiction> {
    match member {
        PlaceName::Jurisdiction(code) => Some(*code),
        PlaceName::Bloc(_) => None,
    }
}
