//! The request's smaller arguments: choices of a word, and objects of a few members. It does not know their effect.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::message::Content;
use crate::limited::{self, Pairs};

/// Pairs of `metadata`, as OpenAI documents it.
pub const METADATA_MAX: usize = 16;
/// Characters of a key of `metadata`, as OpenAI documents it.
pub const METADATA_KEY_CHARS_MAX: usize = 64;
/// Characters of a value of `metadata`, as OpenAI documents it.
pub const METADATA_VALUE_CHARS_MAX: usize = 512;

/// Writes enums whose variants are the API's own words.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "the words are the API's own and say what they mean")]
        pub enum $name { $(#[serde(rename = $word)] $variant,)+ }
    )+};
}

words! {
    /// How much a model reasons before it answers.
    Effort {
        None = "none", Minimal = "minimal", Low = "low", Medium = "medium", High = "high", Xhigh = "xhigh", Max = "max",
    }
    /// How long-winded an answer is.
    Verbosity { Low = "low", Medium = "medium", High = "high" }
    /// A kind of answer.
    Modality { Text = "text", Audio = "audio" }
    /// A provider's class of service.
    ServiceTier {
        Auto = "auto", Default = "default", Flex = "flex", Scale = "scale", Priority = "priority", Fast = "fast",
    }
    /// The format of a spoken answer.
    AudioFormat { Wav = "wav", Aac = "aac", Mp3 = "mp3", Flac = "flac", Opus = "opus", Pcm16 = "pcm16" }
    /// How long prompts stay cached at most.
    CacheRetention { InMemory = "in_memory", Hours24 = "24h" }
    /// Whether the provider chooses what it caches.
    CacheMode { Implicit = "implicit", Explicit = "explicit" }
    /// How long prompts stay cached at least.
    CacheTtl { Minutes30 = "30m" }
    /// How much of the web's text a search may bring in.
    ContextSize { Low = "low", Medium = "medium", High = "high" }
    /// Whether a moderated text is only judged, or held back.
    ModerationMode { Score = "score", Block = "block" }
    /// The only kind of predicted output.
    PredictionKind { Content = "content" }
    /// The only kind of location.
    LocationKind { Approximate = "approximate" }
}

/// What else a stream holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamOptions {
    /// Whether an event with the usage of the whole request comes before the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_usage: Option<bool>,
    /// Whether events are padded, so that their size does not tell their text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_obfuscation: Option<bool>,
}

/// How a spoken answer sounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioOutput {
    /// Its format.
    pub format: AudioFormat,
    /// The voice.
    pub voice: Voice,
}

/// A voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Voice {
    /// One that the provider has, by its name.
    Named(String),
    /// One of the caller's own.
    Own(VoiceId),
}

/// A voice of the caller's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceId {
    /// The provider's name for it.
    pub id: String,
}

/// Text that an answer will mostly repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Always `content`.
    #[serde(rename = "type")]
    pub kind: PredictionKind,
    /// The text, or parts of text.
    pub content: Content,
}

/// A search of the web before the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSearch {
    /// How much text it may bring in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_context_size: Option<ContextSize>,
    /// Where the caller's user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_location: Option<UserLocation>,
}

/// Where the caller's user is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserLocation {
    /// Always `approximate`.
    #[serde(rename = "type")]
    pub kind: LocationKind,
    /// The place.
    pub approximate: Approximate,
}

/// An approximate place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approximate {
    /// City, in free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Country, as ISO 3166-1 has it in two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Region, in free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Time zone, as IANA names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// A check of request and answer by the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moderation {
    /// The model that checks.
    pub model: String,
    /// What follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ModerationPolicy>,
}

/// What follows from a check, for the request and for the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModerationPolicy {
    /// For the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<ModerationRule>,
    /// For the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ModerationRule>,
}

/// What follows from a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModerationRule {
    /// Judged only, or held back.
    pub mode: ModerationMode,
}

/// How prompts are cached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheOptions {
    /// Whether the provider chooses what it caches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<CacheMode>,
    /// How long it stays at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<CacheTtl>,
}

/// The caller's own notes: at most 16 pairs, keys of at most 64 characters, values of at most 512.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Deref for Metadata {
    type Target = [(String, String)];

    fn deref(&self) -> &[(String, String)] {
        &self.0
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        limited::write_pairs(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Pairs::<String, String> { max: METADATA_MAX, pair: PhantomData };
        let pairs = deserializer.deserialize_option(pairs)?;
        for (key, value) in &pairs {
            if key.chars().nth(METADATA_KEY_CHARS_MAX).is_some() {
                let wanted = format!("of at most {METADATA_KEY_CHARS_MAX} characters in its keys");
                return Err(D::Error::invalid_length(key.chars().count(), &wanted.as_str()));
            }
            if value.chars().nth(METADATA_VALUE_CHARS_MAX).is_some() {
                let wanted = format!("of at most {METADATA_VALUE_CHARS_MAX} characters in its values");
                return Err(D::Error::invalid_length(value.chars().count(), &wanted.as_str()));
            }
        }
        Ok(Self(pairs))
    }
}

impl<'de> Deserialize<'de> for Voice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVoice)
    }
}

struct AnyVoice;

impl<'de> Visitor<'de> for AnyVoice {
    type Value = Voice;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a voice's name or an object with its `id`")
    }

    fn visit_str<E>(self, name: &str) -> Result<Voice, E> {
        Ok(Voice::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Voice, A::Error> {
        VoiceId::deserialize(MapAccessDeserializer::new(access)).map(Voice::Own)
    }
}
