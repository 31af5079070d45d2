//! Every place of a request that holds words: what a reader of its contents must read. It does not judge them.

use super::message::{AssistantMessage, Content, Message, ToolCall};
use super::options::Voice;
use super::part::Part;
use super::tool::{CustomFormat, CustomTool, FunctionChoice, NamedTool, Tool, ToolChoice};
use super::{ChatRequest, ResponseFormat};
use crate::strict_json::Json;

/// What kind of words they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// A message's text.
    Message,
    /// A speaker's, function's or tool's name.
    Name,
    /// A refusal of the model.
    Refusal,
    /// Arguments or input that the model gave a tool.
    ToolInput,
    /// What a tool is for and how it is called, keys included.
    ToolDefinition,
    /// A schema for the answer, keys included.
    Schema,
    /// Text that the answer will mostly repeat.
    Prediction,
    /// A string that ends the answer.
    Stop,
    /// A key or value of the metadata.
    Metadata,
    /// An identifier that the caller or a provider gave.
    Identifier,
    /// A URL; a picture itself may stand in it.
    Url,
    /// A file's name.
    FileName,
    /// A file or sound in base64.
    Data,
    /// Where the caller's user is.
    Location,
}

/// Some words of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface<'a> {
    /// The message that they stand in, if any.
    pub message: Option<usize>,
    /// What kind of words they are.
    pub place: Place,
    /// The words.
    pub text: &'a str,
}

impl ChatRequest {
    /// Every surface of words but the model's name, messages first.
    pub fn texts(&self) -> impl Iterator<Item = Surface<'_>> {
        let mut all = Vec::with_capacity(self.messages.len());
        self.each_text(|surface| all.push(surface));
        all.into_iter()
    }

    /// The bytes of text that a model is given: messages, definitions of tools, a schema for the answer.
    pub fn prompt_bytes(&self) -> usize {
        let mut bytes = 0;
        self.each_text(|surface| {
            bytes += match surface.place {
                Place::Message
                | Place::Name
                | Place::Refusal
                | Place::ToolInput
                | Place::ToolDefinition
                | Place::Schema => surface.text.len(),
                Place::Prediction
                | Place::Stop
                | Place::Metadata
                | Place::Identifier
                | Place::Url
                | Place::FileName
                | Place::Data
                | Place::Location => 0,
            };
        });
        bytes
    }

    /// Calls `see` with every surface of words but the model's name, messages first.
    pub fn each_text<'a>(&'a self, mut see: impl FnMut(Surface<'a>)) {
        for (index, message) in self.messages.iter().enumerate() {
            each_of_message(message, &mut |place, text| see(Surface { message: Some(index), place, text }));
        }
        let mut see = |place, text| see(Surface { message: None, place, text });
        self.tools.iter().for_each(|tool| each_of_tool(tool, &mut see));
        for function in &self.functions {
            see(Place::ToolDefinition, &function.name);
            each_of_definition(function.description.as_ref(), function.parameters.as_ref(), &mut see);
        }
        self.each_choice_of_tools(&mut see);
        if let Some(ResponseFormat::JsonSchema { json_schema }) = &self.response_format {
            see(Place::Schema, &json_schema.name);
            json_schema.description.iter().for_each(|text| see(Place::Schema, text));
            json_schema.schema.iter().for_each(|schema| schema.each_text(&mut |text| see(Place::Schema, text)));
        }
        self.stop.iter().for_each(|text| see(Place::Stop, text));
        self.each_option(&mut see);
    }

    fn each_choice_of_tools<'a>(&'a self, see: &mut impl FnMut(Place, &'a str)) {
        let named = |tool: &'a NamedTool| match tool {
            NamedTool::Function { function } => function.name.as_str(),
            NamedTool::Custom { custom } => custom.name.as_str(),
        };
        match &self.tool_choice {
            None | Some(ToolChoice::Mode(_)) => {}
            Some(ToolChoice::Named(tool)) => see(Place::ToolDefinition, named(tool)),
            Some(ToolChoice::Allowed(set)) => {
                set.allowed_tools.tools.iter().for_each(|tool| see(Place::ToolDefinition, named(tool)));
            }
        }
        if let Some(FunctionChoice::Named(function)) = &self.function_call {
            see(Place::ToolDefinition, &function.name);
        }
    }

    fn each_option<'a>(&'a self, see: &mut impl FnMut(Place, &'a str)) {
        if let Some(prediction) = &self.prediction {
            each_of_content(&prediction.content, &mut |_, text| see(Place::Prediction, text));
        }
        for (key, value) in self.metadata.iter() {
            see(Place::Metadata, key);
            see(Place::Metadata, value);
        }
        let voice = self.audio.as_ref().map(|audio| match &audio.voice {
            Voice::Named(name) => name,
            Voice::Own(voice) => &voice.id,
        });
        let moderator = self.moderation.as_ref().map(|moderation| &moderation.model);
        let identifiers = [&self.user, &self.safety_identifier, &self.prompt_cache_key].map(Option::as_ref);
        let identifiers = identifiers.into_iter().chain([voice, moderator]);
        identifiers.flatten().for_each(|text| see(Place::Identifier, text));
        let location = self.web_search_options.as_ref().and_then(|search| search.user_location.as_ref());
        if let Some(location) = location {
            let place = &location.approximate;
            let words = [&place.city, &place.country, &place.region, &place.timezone];
            words.into_iter().flatten().for_each(|text| see(Place::Location, text));
        }
    }
}

fn each_of_message<'a>(message: &'a Message, see: &mut impl FnMut(Place, &'a str)) {
    message.name().into_iter().for_each(|name| see(Place::Name, name));
    message.content().into_iter().for_each(|content| each_of_content(content, see));
    match message {
        Message::Developer { .. } | Message::System { .. } | Message::User { .. } => {}
        Message::Assistant(said) => each_of_assistant(said, see),
        Message::Tool { tool_call_id, .. } => see(Place::Identifier, tool_call_id),
        Message::Function { content, .. } => content.iter().for_each(|text| see(Place::Message, text)),
    }
}

fn each_of_assistant<'a>(said: &'a AssistantMessage, see: &mut impl FnMut(Place, &'a str)) {
    said.refusal.iter().for_each(|text| see(Place::Refusal, text));
    for call in &said.tool_calls {
        let (id, name, input) = match call {
            ToolCall::Function { id, function } => (id, &function.name, &function.arguments),
            ToolCall::Custom { id, custom } => (id, &custom.name, &custom.input),
        };
        see(Place::Identifier, id);
        see(Place::Name, name);
        see(Place::ToolInput, input);
    }
    if let Some(call) = &said.function_call {
        see(Place::Name, &call.name);
        see(Place::ToolInput, &call.arguments);
    }
    said.audio.iter().for_each(|audio| see(Place::Identifier, &audio.id));
}

fn each_of_content<'a>(content: &'a Content, see: &mut impl FnMut(Place, &'a str)) {
    match content {
        Content::Text(text) => see(Place::Message, text),
        Content::Parts(parts) => parts.iter().for_each(|part| each_of_part(part, see)),
    }
}

fn each_of_part<'a>(part: &'a Part, see: &mut impl FnMut(Place, &'a str)) {
    match part {
        Part::Text { text, .. } => see(Place::Message, text),
        Part::Refusal { refusal } => see(Place::Refusal, refusal),
        Part::ImageUrl { image_url, .. } => see(Place::Url, &image_url.url),
        Part::InputAudio { input_audio, .. } => see(Place::Data, &input_audio.data),
        Part::File { file, .. } => {
            file.filename.iter().for_each(|name| see(Place::FileName, name));
            file.file_id.iter().for_each(|id| see(Place::Identifier, id));
            file.file_data.iter().for_each(|data| see(Place::Data, data));
        }
    }
}

fn each_of_tool<'a>(tool: &'a Tool, see: &mut impl FnMut(Place, &'a str)) {
    see(Place::ToolDefinition, tool.name());
    match tool {
        Tool::Function { function } => {
            each_of_definition(function.description.as_ref(), function.parameters.as_ref(), see);
        }
        Tool::Custom { custom: CustomTool { description, format, .. } } => {
            each_of_definition(description.as_ref(), None, see);
            if let Some(CustomFormat::Grammar { grammar }) = format {
                see(Place::ToolDefinition, &grammar.definition);
            }
        }
    }
}

fn each_of_definition<'a>(
    description: Option<&'a String>,
    parameters: Option<&'a Json>,
    see: &mut impl FnMut(Place, &'a str),
) {
    if let Some(text) = description {
        see(Place::ToolDefinition, text);
    }
    if let Some(json) = parameters {
        json.each_text(&mut |text| see(Place::ToolDefinition, text));
    }
}
