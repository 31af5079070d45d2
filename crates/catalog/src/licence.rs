//! Licences of weights: what they permit, and whether their licensor can take them back. Our words, not the licence's.

use std::collections::BTreeSet;

use crate::entry::Entry;
use crate::fact::Fact;
use crate::typed::Typed;
use crate::words::words;

words! {
    /// Whether a licence permits something.
    Permission {
        /// It does.
        Yes = "yes",
        /// Within limits; the conditions name them.
        Limited = "limited",
        /// Only when the licensor has agreed.
        WithAgreement = "with-agreement",
        /// It does not.
        No = "no",
    }
}

/// Terms under which weights are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// How it is called; its SPDX identifier where it has one.
    pub name: String,
    /// Using the model for money.
    pub commercial_use: Fact<Permission>,
    /// Offering others a service that is built on it.
    pub offer_to_third_parties: Fact<Permission>,
    /// What else it asks.
    pub conditions: Fact<BTreeSet<String>>,
    /// Whether the licensor can end it for one who keeps to it; unknown counts as true.
    pub revocable: Fact<bool>,
}

impl Licence {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        Self {
            name: entry.name(),
            commercial_use: entry.fact("commercial_use", Typed::word),
            offer_to_third_parties: entry.fact("offer_to_third_parties", Typed::word),
            conditions: entry.set("conditions", true, Typed::owned),
            revocable: entry.fact("revocable", Typed::truth),
        }
    }
}
