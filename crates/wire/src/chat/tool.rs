//! Tools that a model may call, and which of them it must. It does not know what a tool does.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::TOOLS_MAX;
use crate::limited;
use crate::strict_json::Json;

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Tool {
    /// A function with JSON arguments.
    Function {
        /// The function.
        function: FunctionTool,
    },
    /// A tool whose input is free text, or text of a grammar.
    Custom {
        /// The tool.
        custom: CustomTool,
    },
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionTool {
    /// Its name: 1 to 64 letters, digits, underscores and dashes.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its arguments as a JSON Schema object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Json>,
    /// Whether the arguments are sure to follow the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// A function in the older form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyFunction {
    /// Its name: 1 to 64 letters, digits, underscores and dashes.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its arguments as a JSON Schema object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Json>,
}

/// A tool whose input is text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomTool {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The form of its input; free text where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<CustomFormat>,
}

/// The form of a custom tool's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum CustomFormat {
    /// Free text.
    Text,
    /// Text of a grammar.
    Grammar {
        /// The grammar.
        grammar: Grammar,
    },
}

/// A grammar for a custom tool's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grammar {
    /// The grammar itself.
    pub definition: String,
    /// How it is written.
    pub syntax: GrammarSyntax,
}

/// How a grammar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "names of notations")]
pub enum GrammarSyntax {
    Lark,
    Regex,
}

/// Whether a tool is called, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ToolChoice {
    /// None, any, or at least one.
    Mode(ToolMode),
    /// This one.
    Named(NamedTool),
    /// Of these only.
    Allowed(AllowedTools),
}

/// Whether a tool is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolMode {
    /// No tool.
    None,
    /// As the model finds right.
    Auto,
    /// At least one.
    Required,
}

/// The tool that must be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum NamedTool {
    /// A function.
    Function {
        /// Its name.
        function: ToolName,
    },
    /// A custom tool.
    Custom {
        /// Its name.
        custom: ToolName,
    },
}

/// A tool by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolName {
    /// The name.
    pub name: String,
}

/// The tools that may be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "allowed_tools")]
pub struct AllowedTools {
    /// The set.
    pub allowed_tools: AllowedSet,
}

/// A set of tools with what must be done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedSet {
    /// Whether one must be called.
    pub mode: AllowedMode,
    /// The tools.
    #[serde(deserialize_with = "limited::list::<_, _, TOOLS_MAX>")]
    pub tools: Vec<NamedTool>,
}

/// Whether one of the tools allowed must be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllowedMode {
    /// As the model finds right.
    Auto,
    /// At least one.
    Required,
}

/// Whether a function is called, and which; the older form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FunctionChoice {
    /// None or any.
    Mode(FunctionMode),
    /// This one.
    Named(ToolName),
}

/// Whether a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FunctionMode {
    /// No function.
    None,
    /// As the model finds right.
    Auto,
}

impl Tool {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Function { function } => &function.name,
            Self::Custom { custom } => &custom.name,
        }
    }
}

/// The kinds of tools, and of choices of tools.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ToolKind {
    Function,
    Custom,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedTool {
    #[serde(rename = "type")]
    kind: ToolKind,
    #[serde(default)]
    function: Option<FunctionTool>,
    #[serde(default)]
    custom: Option<CustomTool>,
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let TypedTool { kind, function, custom } = TypedTool::deserialize(deserializer)?;
        match (kind, function, custom) {
            (ToolKind::Function, Some(function), None) => Ok(Self::Function { function }),
            (ToolKind::Custom, None, Some(custom)) => Ok(Self::Custom { custom }),
            (kind, function, _) => Err(wrong_member(kind, function.is_some())),
        }
    }
}

/// The mistake where a tool's type and its members do not go together.
fn wrong_member<E: Error>(kind: ToolKind, has_function: bool) -> E {
    match (kind, has_function) {
        (ToolKind::Function, true) => E::unknown_field("custom", &["type", "function"]),
        (ToolKind::Function, false) => E::missing_field("function"),
        (ToolKind::Custom, true) => E::unknown_field("function", &["type", "custom"]),
        (ToolKind::Custom, false) => E::missing_field("custom"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedFormat {
    #[serde(rename = "type")]
    kind: FormatKind,
    #[serde(default)]
    grammar: Option<Grammar>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatKind {
    Text,
    Grammar,
}

impl<'de> Deserialize<'de> for CustomFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let TypedFormat { kind, grammar } = TypedFormat::deserialize(deserializer)?;
        match (kind, grammar) {
            (FormatKind::Text, None) => Ok(Self::Text),
            (FormatKind::Text, Some(_)) => Err(D::Error::unknown_field("grammar", &["type"])),
            (FormatKind::Grammar, Some(grammar)) => Ok(Self::Grammar { grammar }),
            (FormatKind::Grammar, None) => Err(D::Error::missing_field("grammar")),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedChoice {
    #[serde(rename = "type")]
    kind: ChoiceKind,
    #[serde(default)]
    function: Option<ToolName>,
    #[serde(default)]
    custom: Option<ToolName>,
    #[serde(default)]
    allowed_tools: Option<AllowedSet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChoiceKind {
    Function,
    Custom,
    AllowedTools,
}

impl<'de> Deserialize<'de> for NamedTool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct TypedName {
            #[serde(rename = "type")]
            kind: ToolKind,
            #[serde(default)]
            function: Option<ToolName>,
            #[serde(default)]
            custom: Option<ToolName>,
        }
        let TypedName { kind, function, custom } = TypedName::deserialize(deserializer)?;
        named(kind, function, custom)
    }
}

fn named<E: Error>(kind: ToolKind, function: Option<ToolName>, custom: Option<ToolName>) -> Result<NamedTool, E> {
    match (kind, function, custom) {
        (ToolKind::Function, Some(function), None) => Ok(NamedTool::Function { function }),
        (ToolKind::Custom, None, Some(custom)) => Ok(NamedTool::Custom { custom }),
        (kind, function, _) => Err(wrong_member(kind, function.is_some())),
    }
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyChoice)
    }
}

struct AnyChoice;

impl<'de> Visitor<'de> for AnyChoice {
    type Value = ToolChoice;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`none`, `auto`, `required` or an object that names tools")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<ToolChoice, E> {
        Ok(ToolChoice::Mode(match word {
            "none" => ToolMode::None,
            "auto" => ToolMode::Auto,
            "required" => ToolMode::Required,
            _ => return Err(E::invalid_value(Unexpected::Str(word), &self)),
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<ToolChoice, A::Error> {
        let typed = TypedChoice::deserialize(MapAccessDeserializer::new(access))?;
        let TypedChoice { kind, function, custom, allowed_tools } = typed;
        let kind = match (kind, allowed_tools) {
            (ChoiceKind::Function, None) => ToolKind::Function,
            (ChoiceKind::Custom, None) => ToolKind::Custom,
            (ChoiceKind::AllowedTools, None) => return Err(A::Error::missing_field("allowed_tools")),
            (ChoiceKind::AllowedTools, Some(set)) if function.is_none() && custom.is_none() => {
                return Ok(ToolChoice::Allowed(AllowedTools { allowed_tools: set }));
            }
            (ChoiceKind::AllowedTools, Some(_)) => {
                let extra = if function.is_some() { "function" } else { "custom" };
                return Err(A::Error::unknown_field(extra, &["type", "allowed_tools"]));
            }
            (ChoiceKind::Function, Some(_)) => {
                return Err(A::Error::unknown_field("allowed_tools", &["type", "function"]));
            }
            (ChoiceKind::Custom, Some(_)) => {
                return Err(A::Error::unknown_field("allowed_tools", &["type", "custom"]));
            }
        };
        named(kind, function, custom).map(ToolChoice::Named)
    }
}

impl<'de> Deserialize<'de> for FunctionChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyFunctionChoice)
    }
}

struct AnyFunctionChoice;

impl<'de> Visitor<'de> for AnyFunctionChoice {
    type Value = FunctionChoice;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`none`, `auto` or an object that names a function")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<FunctionChoice, E> {
        Ok(FunctionChoice::Mode(match word {
            "none" => FunctionMode::None,
            "auto" => FunctionMode::Auto,
            _ => return Err(E::invalid_value(Unexpected::Str(word), &self)),
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<FunctionChoice, A::Error> {
        ToolName::deserialize(MapAccessDeserializer::new(access)).map(FunctionChoice::Named)
    }
}
