//! The form that an answer must have. It does not know how a schema is enforced.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::strict_json::Json;

/// The form that an answer must have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Text; the default.
    Text,
    /// Some JSON object; the older way.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema.
        json_schema: JsonSchema,
    },
}

/// A schema for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonSchema {
    /// Its name: 1 to 64 letters, digits, underscores and dashes.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Json>,
    /// Whether the answer is sure to follow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedFormat {
    #[serde(rename = "type")]
    kind: FormatKind,
    #[serde(default)]
    json_schema: Option<JsonSchema>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormatKind {
    Text,
    JsonObject,
    JsonSchema,
}

impl<'de> Deserialize<'de> for ResponseFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let TypedFormat { kind, json_schema } = TypedFormat::deserialize(deserializer)?;
        match (kind, json_schema) {
            (FormatKind::Text, None) => Ok(Self::Text),
            (FormatKind::JsonObject, None) => Ok(Self::JsonObject),
            (FormatKind::JsonSchema, Some(json_schema)) => Ok(Self::JsonSchema { json_schema }),
            (FormatKind::JsonSchema, None) => Err(D::Error::missing_field("json_schema")),
            (FormatKind::Text | FormatKind::JsonObject, Some(_)) => {
                Err(D::Error::unknown_field("json_schema", &["type"]))
            }
        }
    }
}
