//! The facts: jurisdictions and blocs, organisations, licences, tokenizers, providers, models, ways of storing weights,
//! accelerators; each fact with its source and date, and `unknown` where nothing was found.
//!
//! It answers where a destination processes what it is sent and whose law reaches it, and what memory and how many
//! accelerators a model needs. It decides nothing, asks no network, measures nothing and reads no clock; the form of the
//! data and what unknown means is `spec/catalog.md`.

mod accelerator;
mod axes;
mod blocs;
mod build;
mod entry;
mod fact;
pub mod fit;
mod folder;
mod hash;
mod index;
mod jurisdiction;
mod licence;
mod mistakes;
mod model;
mod organisation;
mod provider;
mod quantisation;
pub mod rows;
mod shipped;
mod tokenizer;
mod typed;
mod words;

use std::collections::BTreeMap;

pub use accelerator::{Accelerator, Rate};
pub use axes::{Answer, Axes, Axis, Gap, NotListed};
pub use blocs::Bloc;
pub use fact::{Fact, Source};
pub use folder::File;
pub use hash::Hash;
pub use index::Kind;
pub use jurisdiction::{Jurisdiction, PlaceName};
pub use licence::{Licence, Permission};
pub use mistakes::{Mistake, Mistakes};
pub use model::{BuiltOn, Capability, Compute, ComputeMethod, LicenceOf, Model};
pub use organisation::{Organisation, Parent};
pub use provider::{Api, Cloud, Offer, Price, Provider, Region, Training, TransferBasis};
pub use quantisation::{Precision, Quantisation};
pub use tokenizer::{Tokenizer, TokensByLanguage};

/// Everything that is known, as one value that never changes: another file means another catalogue.
#[derive(Clone, Debug)]
pub struct Catalog {
    jurisdictions: BTreeMap<Jurisdiction, Fact<String>>,
    blocs: BTreeMap<String, Bloc>,
    organisations: BTreeMap<String, Organisation>,
    licences: BTreeMap<String, Licence>,
    tokenizers: BTreeMap<String, Tokenizer>,
    providers: BTreeMap<String, Provider>,
    models: BTreeMap<String, Model>,
    quantisations: BTreeMap<String, Quantisation>,
    accelerators: BTreeMap<String, Accelerator>,
    /// What each entry says, field by field, and where it stands.
    said: BTreeMap<(Kind, String), entry::Said>,
    hash: Hash,
}

impl Catalog {
    /// SHA-256 of the canonical form: the same for the same facts, however the files are laid out.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The name of a jurisdiction; none where the code is not listed.
    pub fn jurisdiction(&self, code: Jurisdiction) -> Option<&Fact<String>> {
        self.jurisdictions.get(&code)
    }

    /// Every listed code.
    pub fn jurisdictions(&self) -> impl Iterator<Item = Jurisdiction> {
        self.jurisdictions.keys().copied()
    }

    /// A bloc by its identifier, such as `EU`.
    pub fn bloc(&self, id: &str) -> Option<&Bloc> {
        self.blocs.get(id)
    }

    /// Every bloc, by its identifier.
    pub fn blocs(&self) -> impl Iterator<Item = (&str, &Bloc)> {
        self.blocs.iter().map(|(id, bloc)| (id.as_str(), bloc))
    }

    /// An organisation by its identifier.
    pub fn organisation(&self, id: &str) -> Option<&Organisation> {
        self.organisations.get(id)
    }

    /// A licence by its identifier.
    pub fn licence(&self, id: &str) -> Option<&Licence> {
        self.licences.get(id)
    }

    /// A tokenizer by its identifier.
    pub fn tokenizer(&self, id: &str) -> Option<&Tokenizer> {
        self.tokenizers.get(id)
    }

    /// A provider by its identifier.
    pub fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.get(id)
    }

    /// Every provider, by its identifier.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &Provider)> {
        self.providers.iter().map(|(id, provider)| (id.as_str(), provider))
    }

    /// A model by its identifier.
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.get(id)
    }

    /// Every model, by its identifier.
    pub fn models(&self) -> impl Iterator<Item = (&str, &Model)> {
        self.models.iter().map(|(id, model)| (id.as_str(), model))
    }

    /// A way of storing weights, by its identifier.
    pub fn quantisation(&self, id: &str) -> Option<&Quantisation> {
        self.quantisations.get(id)
    }

    /// Every way of storing weights, by its identifier.
    pub fn quantisations(&self) -> impl Iterator<Item = (&str, &Quantisation)> {
        self.quantisations.iter().map(|(id, quantisation)| (id.as_str(), quantisation))
    }

    /// Every accelerator, by its identifier.
    pub fn accelerators(&self) -> impl Iterator<Item = (&str, &Accelerator)> {
        self.accelerators.iter().map(|(id, accelerator)| (id.as_str(), accelerator))
    }
}

#[cfg(test)]
mod tests;
