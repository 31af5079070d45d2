//! What is known of a place that a request could go to. Facts come from the catalogue and the configuration; `None` and empty
//! mean that it is not known, which never counts as harmless.

use std::collections::BTreeSet;
use std::sync::Arc;

/// One model at one destination, or the local floor: a Cedar entity `Destination::"id"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// `NAME/MODEL`, or `local`; unique among those of a judge.
    pub id: Arc<str>,
    /// Of the `[[destination]]`, or `local`.
    pub name: Arc<str>,
    /// As callers ask for it.
    pub model: Arc<str>,
    /// As the destination calls it, where it is another's. Policies do not ask for it.
    pub upstream: Option<Arc<str>>,
    /// Whether it is the floor in this process.
    pub local: bool,
    /// Where bytes are processed and stored.
    pub processed_in: Axis,
    /// Whose law reaches those who process them.
    pub controlled_by: Axis,
    /// The catalogue's provider.
    pub provider: Option<Arc<str>>,
    /// The provider's region.
    pub region: Option<Arc<str>>,
    /// The catalogue's model.
    pub card: Option<Arc<str>>,
    /// Who made the model.
    pub developer: Option<Arc<str>>,
    /// `never`, `opt-out`, `opt-in`, `always`.
    pub training_on_input: Option<Arc<str>>,
    /// Days for which requests or answers are kept.
    pub retention_days: Option<i64>,
    /// On what a transfer abroad rests.
    pub transfer_basis: BTreeSet<Arc<str>>,
    /// `yes`, `limited`, `with-agreement`, `no`.
    pub commercial_use: Option<Arc<str>>,
    /// The same words.
    pub offer_to_third_parties: Option<Arc<str>>,
    /// Share of the weights that anyone can fetch, 0 to 100.
    pub open_weights: Option<i64>,
    /// Of the training data.
    pub open_data: Option<i64>,
    /// Of the code.
    pub open_code: Option<i64>,
    /// Whether its training took 10^26 FLOP or more.
    pub frontier: Option<bool>,
    /// What it can do beside text.
    pub capabilities: BTreeSet<Arc<str>>,
    /// BCP 47 tags.
    pub languages: BTreeSet<Arc<str>>,
}

/// One axis of jurisdiction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    /// Jurisdictions known to be on it.
    pub known: BTreeSet<Arc<str>>,
    /// Jurisdictions and blocs within which all of it is known to lie; empty where anything is not known.
    pub within: BTreeSet<Arc<str>>,
}
