//! What a chat request needs beyond plain text. It does not know who offers it.

use super::message::{Content, Message};
use super::part::Part;
use super::{ChatRequest, Effort, Modality, ResponseFormat, ServiceTier, Verbosity};
use crate::needs::{Need, Needed};

impl ChatRequest {
    /// All that the request needs beyond text, in the order of its fields. Empty for a plain text request.
    ///
    /// What changes no answer is no need: identifiers, metadata, caching, a predicted output (which only saves time),
    /// and arguments that ask for what happens anyway (`store: false`, `service_tier: "auto"`).
    pub fn needs(&self) -> Vec<Needed> {
        let mut needs = Vec::new();
        for (index, message) in self.messages.iter().enumerate() {
            message_needs(index, message, &mut needs);
        }
        let stream = self.stream_options.as_ref();
        let asked = [
            (!self.tools.is_empty(), Need::Tools, "tools"),
            (!self.functions.is_empty(), Need::Tools, "functions"),
            (self.function_call.is_some(), Need::Tools, "function_call"),
            (self.wants_json_object(), Need::JsonObject, "response_format"),
            (self.wants_json_schema(), Need::JsonSchema, "response_format"),
            (self.structured_outputs.is_some(), Need::Grammar, "structured_outputs"),
            (!matches!(self.reasoning_effort, None | Some(Effort::None)), Need::Reasoning, "reasoning_effort"),
            (!matches!(self.verbosity, None | Some(Verbosity::Medium)), Need::Verbosity, "verbosity"),
            (self.modalities.contains(&Modality::Audio), Need::AudioOutput, "modalities"),
            (self.audio.is_some(), Need::AudioOutput, "audio"),
            (self.web_search_options.is_some(), Need::WebSearch, "web_search_options"),
            (self.moderation.is_some(), Need::Moderation, "moderation"),
            (self.store == Some(true), Need::Storage, "store"),
            (self.wants_a_tier(), Need::ServiceTier, "service_tier"),
            (
                stream.is_some_and(|options| options.include_obfuscation == Some(true)),
                Need::Obfuscation,
                "stream_options.include_obfuscation",
            ),
        ];
        needs.extend(asked.iter().filter(|(wanted, ..)| *wanted).map(|(_, need, field)| Needed::new(*need, *field)));
        needs
    }

    fn wants_json_object(&self) -> bool {
        matches!(self.response_format, Some(ResponseFormat::JsonObject))
    }

    fn wants_json_schema(&self) -> bool {
        matches!(self.response_format, Some(ResponseFormat::JsonSchema { .. }))
    }

    fn wants_a_tier(&self) -> bool {
        !matches!(self.service_tier, None | Some(ServiceTier::Auto | ServiceTier::Default))
    }
}

fn message_needs(index: usize, message: &Message, needs: &mut Vec<Needed>) {
    let parts = message.content().map(Content::parts).unwrap_or_default();
    for (place, part) in parts.iter().enumerate() {
        let need = match part {
            Part::Text { .. } | Part::Refusal { .. } => continue,
            Part::ImageUrl { .. } => Need::Images,
            Part::InputAudio { .. } => Need::AudioInput,
            Part::File { .. } => Need::Files,
        };
        needs.push(Needed::new(need, format!("messages[{index}].content[{place}]")));
    }
    match message {
        Message::Assistant(said) => {
            if !said.tool_calls.is_empty() {
                needs.push(Needed::new(Need::Tools, format!("messages[{index}].tool_calls")));
            }
            if said.function_call.is_some() {
                needs.push(Needed::new(Need::Tools, format!("messages[{index}].function_call")));
            }
            if said.audio.is_some() {
                needs.push(Needed::new(Need::AudioOutput, format!("messages[{index}].audio")));
            }
        }
        Message::Tool { .. } | Message::Function { .. } => {
            needs.push(Needed::new(Need::Tools, format!("messages[{index}].role")));
        }
        Message::Developer { .. } | Message::System { .. } | Message::User { .. } => {}
    }
    if message.name().is_some() && !matches!(message, Message::Function { .. }) {
        needs.push(Needed::new(Need::Names, format!("messages[{index}].name")));
    }
}
