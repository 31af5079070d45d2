//! The word that each kind of answer carries in `object`. Written always; whatever a provider puts there is accepted,
//! for what an answer is follows from what was asked.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl $name {
            /// The word itself.
            pub const WORD: &'static str = $word;
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Self::WORD)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                IgnoredAny::deserialize(deserializer).map(|_| Self)
            }
        }
    )+};
}

objects! {
    /// Of a whole chat answer.
    ChatCompletionObject = "chat.completion",
    /// Of one event of a streamed chat answer.
    ChatChunkObject = "chat.completion.chunk",
    /// Of a completion, whole or streamed.
    TextCompletionObject = "text_completion",
    /// Of a model.
    ModelObject = "model",
    /// Of a list.
    ListObject = "list",
}
