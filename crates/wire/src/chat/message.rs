//! The messages of a conversation, by role. It does not know what a model makes of them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::IDENTIFIER_CHARS_MAX;
use super::part::Part;
use crate::limited;

/// Parts of one message.
pub const PARTS_MAX: usize = 4096;
/// Calls of tools in one message.
pub const TOOL_CALLS_MAX: usize = 512;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions of the application's developer; the newer word for `system`.
    Developer,
    /// Instructions of the application's developer.
    System,
    /// The person who asks.
    User,
    /// The model.
    Assistant,
    /// What a tool gave back.
    Tool,
    /// What a function gave back; the older word for `tool`.
    Function,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Message {
    /// See [`Role::Developer`].
    Developer {
        /// Text or parts of text.
        content: Content,
        /// Tells speakers of the same role apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// See [`Role::System`].
    System {
        /// Text or parts of text.
        content: Content,
        /// Tells speakers of the same role apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// See [`Role::User`].
    User {
        /// Text, or parts of text, image, sound and file.
        content: Content,
        /// Tells speakers of the same role apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// See [`Role::Assistant`].
    Assistant(AssistantMessage),
    /// See [`Role::Tool`].
    Tool {
        /// Text or parts of text.
        content: Content,
        /// The call that this answers.
        tool_call_id: String,
    },
    /// See [`Role::Function`].
    Function {
        /// What the function gave back, if anything.
        content: Option<String>,
        /// The function.
        name: String,
    },
}

/// What the model said or did before.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AssistantMessage {
    /// Text, or parts of text and refusal. Absent where it only calls tools; written as `null` then, for some servers
    /// look for it.
    pub content: Option<Content>,
    /// Tells speakers of the same role apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why the model refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The tools that it called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The older form of `tool_calls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCalled>,
    /// An earlier spoken answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioId>,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts of several kinds.
    Parts(Vec<Part>),
}

/// One call of a tool, as the model made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ToolCall {
    /// Of a function with JSON arguments.
    Function {
        /// The call's own name, which the tool's message repeats.
        id: String,
        /// The function and its arguments.
        function: FunctionCalled,
    },
    /// Of a tool whose input is free text.
    Custom {
        /// The call's own name, which the tool's message repeats.
        id: String,
        /// The tool and its input.
        custom: CustomCalled,
    },
}

/// A function called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionCalled {
    /// Its name.
    pub name: String,
    /// Its arguments as the model wrote them: meant to be JSON, not always so.
    pub arguments: String,
}

/// A custom tool called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomCalled {
    /// Its name.
    pub name: String,
    /// Its input.
    pub input: String,
}

/// An earlier spoken answer, kept by the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioId {
    /// The provider's name for it.
    pub id: String,
}

/// A message as a text model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// All its text; parts are joined by a line feed, as vLLM does.
    pub text: Cow<'a, str>,
}

impl Message {
    /// Who speaks.
    pub fn role(&self) -> Role {
        match self {
            Self::Developer { .. } => Role::Developer,
            Self::System { .. } => Role::System,
            Self::User { .. } => Role::User,
            Self::Assistant(_) => Role::Assistant,
            Self::Tool { .. } => Role::Tool,
            Self::Function { .. } => Role::Function,
        }
    }

    /// The name that tells speakers of the same role apart, or the function's name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Developer { name, .. } | Self::System { name, .. } | Self::User { name, .. } => name.as_deref(),
            Self::Assistant(message) => message.name.as_deref(),
            Self::Tool { .. } => None,
            Self::Function { name, .. } => Some(name),
        }
    }

    /// The content, where it has one that may hold parts.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Developer { content, .. }
            | Self::System { content, .. }
            | Self::User { content, .. }
            | Self::Tool { content, .. } => Some(content),
            Self::Assistant(message) => message.content.as_ref(),
            Self::Function { .. } => None,
        }
    }

    /// The message as a text model sees it.
    pub fn turn(&self) -> Turn<'_> {
        let text = match self {
            Self::Function { content, .. } => Cow::Borrowed(content.as_deref().unwrap_or_default()),
            Self::Developer { .. }
            | Self::System { .. }
            | Self::User { .. }
            | Self::Assistant(_)
            | Self::Tool { .. } => self.content().map(Content::text).unwrap_or_default(),
        };
        Turn { role: self.role(), text }
    }
}

impl Content {
    /// All its text; parts are joined by a line feed. A refusal is not text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => {
                let mut texts = parts.iter().filter_map(Part::text);
                let first = texts.next().unwrap_or_default();
                texts.fold(Cow::Borrowed(first), |all, text| Cow::Owned(format!("{all}\n{text}")))
            }
        }
    }

    /// Its parts; none where it is plain text.
    pub fn parts(&self) -> &[Part] {
        match self {
            Self::Text(_) => &[],
            Self::Parts(parts) => parts,
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyContent)
    }
}

struct AnyContent;

impl<'de> Visitor<'de> for AnyContent {
    type Value = Content;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a string or an array of at most {PARTS_MAX} parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = access.next_element()? {
            if parts.len() == PARTS_MAX {
                return Err(A::Error::invalid_length(parts.len() + 1, &self));
            }
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }
}

/// A message as it was typed, before its role says which members it may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedMessage {
    role: Role,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default, deserialize_with = "limited::text::<_, IDENTIFIER_CHARS_MAX>")]
    name: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default, deserialize_with = "limited::list::<_, _, TOOL_CALLS_MAX>")]
    tool_calls: Vec<ToolCall>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    function_call: Option<FunctionCalled>,
    #[serde(default)]
    audio: Option<AudioId>,
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TypedMessage::deserialize(deserializer)?.into_message()
    }
}

impl TypedMessage {
    fn into_message<E: Error>(mut self) -> Result<Message, E> {
        self.only_members_of_its_role()?;
        Ok(match self.role {
            Role::Developer => Message::Developer { content: self.take_content()?, name: self.name },
            Role::System => Message::System { content: self.take_content()?, name: self.name },
            Role::User => Message::User { content: self.take_content()?, name: self.name },
            Role::Assistant => Message::Assistant(AssistantMessage {
                content: self.content,
                name: self.name,
                refusal: self.refusal,
                tool_calls: self.tool_calls,
                function_call: self.function_call,
                audio: self.audio,
            }),
            Role::Tool => Message::Tool {
                content: self.take_content()?,
                tool_call_id: self.tool_call_id.ok_or_else(|| E::missing_field("tool_call_id"))?,
            },
            Role::Function => Message::Function {
                content: match self.content {
                    None => None,
                    Some(Content::Text(text)) => Some(text),
                    Some(Content::Parts(_)) => {
                        return Err(E::custom("has role `function`; its `content` must be a string"));
                    }
                },
                name: self.name.ok_or_else(|| E::missing_field("name"))?,
            },
        })
    }

    fn take_content<E: Error>(&mut self) -> Result<Content, E> {
        self.content.take().ok_or_else(|| E::missing_field("content"))
    }

    fn only_members_of_its_role<E: Error>(&self) -> Result<(), E> {
        let possible: &'static [&'static str] = match self.role {
            Role::Developer | Role::System | Role::User | Role::Function => &["role", "content", "name"],
            Role::Assistant => &["role", "content", "name", "refusal", "tool_calls", "function_call", "audio"],
            Role::Tool => &["role", "content", "tool_call_id"],
        };
        let given = [
            ("name", self.name.is_some()),
            ("refusal", self.refusal.is_some()),
            ("tool_calls", !self.tool_calls.is_empty()),
            ("tool_call_id", self.tool_call_id.is_some()),
            ("function_call", self.function_call.is_some()),
            ("audio", self.audio.is_some()),
        ];
        match given.iter().find(|(name, given)| *given && !possible.contains(name)) {
            Some((name, _)) => Err(E::unknown_field(name, possible)),
            None => Ok(()),
        }
    }
}

/// A tool call as it was typed, before its type says which members it has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedToolCall {
    id: String,
    #[serde(rename = "type")]
    kind: ToolCallKind,
    #[serde(default)]
    function: Option<FunctionCalled>,
    #[serde(default)]
    custom: Option<CustomCalled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ToolCallKind {
    Function,
    Custom,
}

impl<'de> Deserialize<'de> for ToolCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let TypedToolCall { id, kind, function, custom } = TypedToolCall::deserialize(deserializer)?;
        match (kind, function, custom) {
            (ToolCallKind::Function, Some(function), None) => Ok(Self::Function { id, function }),
            (ToolCallKind::Custom, None, Some(custom)) => Ok(Self::Custom { id, custom }),
            (ToolCallKind::Function, None, _) => Err(D::Error::missing_field("function")),
            (ToolCallKind::Custom, _, None) => Err(D::Error::missing_field("custom")),
            (ToolCallKind::Function, _, Some(_)) => Err(D::Error::unknown_field("custom", &["id", "type", "function"])),
            (ToolCallKind::Custom, Some(_), _) => Err(D::Error::unknown_field("function", &["id", "type", "custom"])),
        }
    }
}
