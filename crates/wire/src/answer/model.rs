//! Models as `GET /v1/models` lists them. It does not know which there are.

use serde::{Deserialize, Serialize};

use super::object::{ListObject, ModelObject};

/// A model that a caller may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The name to ask for.
    pub id: String,
    /// Always `model`.
    #[serde(default)]
    pub object: ModelObject,
    /// When it came to be offered, in seconds since 1970.
    #[serde(default)]
    pub created: u64,
    /// Who offers it.
    #[serde(default)]
    pub owned_by: String,
}

/// All the models that a caller may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    /// Always `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The models.
    pub data: Vec<Model>,
}
