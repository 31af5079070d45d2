//! The form that an answer must have. It does not know how a schema is enforced.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::limited;
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

/// Texts that an answer may be one of, at most.
pub const CHOICE_MAX: usize = 4096;

/// A form of the answer for which OpenAI's API has no word, as vLLM takes it: one of these.
/// Source: vLLM's documentation, *Structured Outputs*, as of version 0.12.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StructuredOutputs {
    /// JSON that follows this schema.
    Json(Json),
    /// Text that this regular expression matches as a whole.
    Regex(String),
    /// One of these texts.
    Choice(Vec<String>),
    /// Text of this context-free grammar.
    Grammar(String),
}

impl StructuredOutputs {
    /// The member that was given.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Regex(_) => "regex",
            Self::Choice(_) => "choice",
            Self::Grammar(_) => "grammar",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenOutputs {
    #[serde(default)]
    json: Option<Json>,
    #[serde(default)]
    regex: Option<String>,
    #[serde(default, deserialize_with = "limited::list::<_, _, CHOICE_MAX>")]
    choice: Vec<String>,
    #[serde(default)]
    grammar: Option<String>,
}

impl<'de> Deserialize<'de> for StructuredOutputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let GivenOutputs { json, regex, choice, grammar } = GivenOutputs::deserialize(deserializer)?;
        let choice = (!choice.is_empty()).then_some(choice);
        match (json, regex, choice, grammar) {
            (Some(schema), None, None, None) => Ok(Self::Json(schema)),
            (None, Some(expression), None, None) => Ok(Self::Regex(expression)),
            (None, None, Some(texts), None) => Ok(Self::Choice(texts)),
            (None, None, None, Some(grammar)) => Ok(Self::Grammar(grammar)),
            _ => Err(D::Error::custom("must hold exactly one of `json`, `regex`, `choice` and `grammar`")),
        }
    }
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
