//! The parts of a message's content: text, refusal, image, sound, file. It does not know what is in a picture or file.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// One part of a message's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Text {
        /// The text itself.
        text: String,
        /// Where a part of the prompt that will be used again ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<Breakpoint>,
    },
    /// What the model said when it refused; in messages of the assistant only.
    Refusal {
        /// The model's words.
        refusal: String,
    },
    /// A picture; in messages of the user only.
    ImageUrl {
        /// Where it is.
        image_url: ImageUrl,
        /// Where a part of the prompt that will be used again ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<Breakpoint>,
    },
    /// Sound; in messages of the user only.
    InputAudio {
        /// The sound itself.
        input_audio: InputAudio,
        /// Where a part of the prompt that will be used again ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<Breakpoint>,
    },
    /// A file; in messages of the user only.
    File {
        /// The file itself, or its name at the provider.
        file: FileInput,
        /// Where a part of the prompt that will be used again ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<Breakpoint>,
    },
}

/// The kinds of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Text.
    Text,
    /// A refusal.
    Refusal,
    /// A picture.
    ImageUrl,
    /// Sound.
    InputAudio,
    /// A file.
    File,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageUrl {
    /// A URL, or the picture itself as a `data:` URL.
    pub url: String,
    /// How closely the model looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<ImageDetail>,
}

/// How closely the model looks at a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words are OpenAI's and say what they mean")]
pub enum ImageDetail {
    Auto,
    Low,
    High,
    Original,
}

/// Sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputAudio {
    /// The sound in base64.
    pub data: String,
    /// Its format.
    pub format: InputAudioFormat,
}

/// The format of sound given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "names of formats")]
pub enum InputAudioFormat {
    Wav,
    Mp3,
}

/// A file, whole or by its name at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInput {
    /// The file in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The provider's name for a file that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// The file's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// The end of a part of the prompt that will be used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakpoint {
    /// Always `explicit`.
    pub mode: BreakpointMode,
    /// How long the cache keeps it at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<BreakpointTtl>,
}

/// The only mode of a breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the word is OpenAI's")]
pub enum BreakpointMode {
    Explicit,
}

/// How long a cache keeps a part of a prompt at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "durations")]
pub enum BreakpointTtl {
    #[serde(rename = "30m")]
    Minutes30,
    #[serde(rename = "12h")]
    Hours12,
}

impl Part {
    /// Its kind.
    pub fn kind(&self) -> PartKind {
        match self {
            Self::Text { .. } => PartKind::Text,
            Self::Refusal { .. } => PartKind::Refusal,
            Self::ImageUrl { .. } => PartKind::ImageUrl,
            Self::InputAudio { .. } => PartKind::InputAudio,
            Self::File { .. } => PartKind::File,
        }
    }

    /// Its text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Refusal { .. } | Self::ImageUrl { .. } | Self::InputAudio { .. } | Self::File { .. } => None,
        }
    }
}

impl PartKind {
    /// Its word in `type`, which is also the name of the member that holds it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Refusal => "refusal",
            Self::ImageUrl => "image_url",
            Self::InputAudio => "input_audio",
            Self::File => "file",
        }
    }
}

/// A part as it was typed, before its type says which members it has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedPart {
    #[serde(rename = "type")]
    kind: PartKind,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    image_url: Option<ImageUrl>,
    #[serde(default)]
    input_audio: Option<InputAudio>,
    #[serde(default)]
    file: Option<FileInput>,
    #[serde(default)]
    prompt_cache_breakpoint: Option<Breakpoint>,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = TypedPart::deserialize(deserializer)?;
        typed.only_members_of_its_kind()?;
        let TypedPart { kind, text, refusal, image_url, input_audio, file, prompt_cache_breakpoint } = typed;
        let missing = || D::Error::missing_field(kind.word());
        Ok(match kind {
            PartKind::Text => Self::Text { text: text.ok_or_else(missing)?, prompt_cache_breakpoint },
            PartKind::Refusal => Self::Refusal { refusal: refusal.ok_or_else(missing)? },
            PartKind::ImageUrl => Self::ImageUrl { image_url: image_url.ok_or_else(missing)?, prompt_cache_breakpoint },
            PartKind::InputAudio => {
                Self::InputAudio { input_audio: input_audio.ok_or_else(missing)?, prompt_cache_breakpoint }
            }
            PartKind::File => Self::File { file: file.ok_or_else(missing)?, prompt_cache_breakpoint },
        })
    }
}

impl TypedPart {
    fn only_members_of_its_kind<E: Error>(&self) -> Result<(), E> {
        let possible: &'static [&'static str] = match self.kind {
            PartKind::Text => &["type", "text", "prompt_cache_breakpoint"],
            PartKind::Refusal => &["type", "refusal"],
            PartKind::ImageUrl => &["type", "image_url", "prompt_cache_breakpoint"],
            PartKind::InputAudio => &["type", "input_audio", "prompt_cache_breakpoint"],
            PartKind::File => &["type", "file", "prompt_cache_breakpoint"],
        };
        let given = [
            ("text", self.text.is_some()),
            ("refusal", self.refusal.is_some()),
            ("image_url", self.image_url.is_some()),
            ("input_audio", self.input_audio.is_some()),
            ("file", self.file.is_some()),
            ("prompt_cache_breakpoint", self.prompt_cache_breakpoint.is_some()),
        ];
        match given.iter().find(|(name, given)| *given && !possible.contains(name)) {
            Some((name, _)) => Err(E::unknown_field(name, possible)),
            None => Ok(()),
        }
    }
}
