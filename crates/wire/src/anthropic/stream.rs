//! A streamed answer of Anthropic's, event by event, in OpenAI's form.
//!
//! The end marker is written for `message_stop` alone and a finish reason for `message_delta`: an answer that is cut looks cut.

use bytes::{BufMut as _, BytesMut};
use serde::Deserialize;

use super::{Counts, finish};
use crate::answer::{
    ChatChunk, ChatChunkObject, ChunkChoice, ChunkUsage, Delta, DeltaFunction, DeltaToolCall, FinishReason,
};
use crate::sse;

/// Blocks of one answer; an index beyond is nobody's.
const BLOCKS_MAX: usize = 4096;

/// Translates the events of one answer.
#[derive(Debug)]
pub struct Translator {
    created: u64,
    wants_usage: bool,
    id: String,
    model: String,
    counts: Counts,
    /// What each block is, by its index.
    blocks: Vec<Option<Kind>>,
    calls: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    /// What is not passed on.
    Silent,
    /// A call, and which it is.
    Call(u32),
}

/// What is read of an event's data.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: usize,
        content_block: Block,
    },
    ContentBlockDelta {
        index: usize,
        delta: More,
    },
    ContentBlockStop {},
    MessageDelta {
        delta: Ending,
        #[serde(default)]
        usage: Counts,
    },
    MessageStop {},
    Ping {},
    Error {
        #[serde(default)]
        error: Trouble,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    id: String,
    model: String,
    #[serde(default)]
    usage: Counts,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum More {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    /// Signatures and citations: of use to their provider alone, or not asked for.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Ending {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Trouble {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl Translator {
    /// Of an answer begun at `created`, in seconds since 1970. With `wants_usage` the counts are told before the end.
    pub fn new(created: u64, wants_usage: bool) -> Self {
        Self {
            created,
            wants_usage,
            id: String::new(),
            model: String::new(),
            counts: Counts::default(),
            blocks: Vec::new(),
            calls: 0,
        }
    }

    /// Adds what one event says to `out`. What is not understood is written as it came: whoever reads it will not
    /// understand it either, and say so.
    pub fn event(&mut self, data: &[u8], out: &mut BytesMut) {
        let Ok(event) = serde_json::from_slice::<Event>(data) else {
            sse::write_event(out, b"not understood");
            return;
        };
        match event {
            Event::MessageStart { message } => {
                (self.id, self.model) = (message.id, message.model);
                self.counts = self.counts.then(message.usage);
                self.write(out, Delta::opening(), None);
            }
            Event::ContentBlockStart { index, content_block } => self.begin(index, content_block, out),
            Event::ContentBlockDelta { index, delta } => self.more(index, delta, out),
            Event::MessageDelta { delta, usage } => {
                self.counts = self.counts.then(usage);
                if let Some(reason) = delta.stop_reason.as_deref().and_then(finish) {
                    self.write(out, Delta::default(), Some(reason));
                }
            }
            Event::MessageStop {} => {
                if self.wants_usage {
                    self.write_usage(out);
                }
                sse::write_event(out, b"[DONE]");
            }
            Event::Error { error } => write_error(out, &error),
            // A ping keeps connections open; a comment does the same.
            Event::Ping {} => out.extend_from_slice(b": ping\n\n"),
            Event::ContentBlockStop {} | Event::Other => {}
        }
    }

    fn begin(&mut self, index: usize, block: Block, out: &mut BytesMut) {
        let kind = match block.kind.as_str() {
            "text" => Kind::Text,
            "thinking" => Kind::Thinking,
            "tool_use" => {
                let call = self.calls;
                self.calls = call.saturating_add(1);
                Kind::Call(call)
            }
            "redacted_thinking" => Kind::Silent,
            _ => return sse::write_event(out, b"not understood"),
        };
        if index >= BLOCKS_MAX {
            return sse::write_event(out, b"not understood");
        }
        if self.blocks.len() <= index {
            self.blocks.resize(index + 1, None);
        }
        if let Some(place) = self.blocks.get_mut(index) {
            *place = Some(kind);
        }
        let delta = match kind {
            Kind::Call(call) => {
                let function = DeltaFunction { name: block.name, arguments: Some(String::new()) };
                let called = DeltaToolCall {
                    index: call,
                    id: block.id,
                    kind: Some("function".to_owned()),
                    function: Some(function),
                };
                Some(Delta { tool_calls: Some(vec![called]), ..Delta::default() })
            }
            Kind::Text => block.text.filter(|text| !text.is_empty()).map(Delta::text),
            Kind::Thinking => {
                let thought = block.thinking.filter(|text| !text.is_empty());
                thought.map(|thought| Delta { reasoning_content: Some(thought), ..Delta::default() })
            }
            Kind::Silent => None,
        };
        if let Some(delta) = delta {
            self.write(out, delta, None);
        }
    }

    fn more(&mut self, index: usize, more: More, out: &mut BytesMut) {
        let kind = self.blocks.get(index).copied().flatten();
        let delta = match (more, kind) {
            (More::TextDelta { text }, Some(Kind::Text)) => Delta::text(text),
            (More::ThinkingDelta { thinking }, Some(Kind::Thinking)) => {
                Delta { reasoning_content: Some(thinking), ..Delta::default() }
            }
            (More::InputJsonDelta { partial_json }, Some(Kind::Call(call))) => {
                let function = DeltaFunction { name: None, arguments: Some(partial_json) };
                let called = DeltaToolCall { index: call, function: Some(function), ..DeltaToolCall::default() };
                Delta { tool_calls: Some(vec![called]), ..Delta::default() }
            }
            (More::Other, Some(_)) | (_, Some(Kind::Silent)) => return,
            // A piece of a block that never began, or of another kind.
            (_, None | Some(Kind::Text | Kind::Thinking | Kind::Call(_))) => {
                return sse::write_event(out, b"not understood");
            }
        };
        self.write(out, delta, None);
    }

    fn write(&self, out: &mut BytesMut, delta: Delta, finish_reason: Option<FinishReason>) {
        let usage = if self.wants_usage { ChunkUsage::Pending } else { ChunkUsage::Absent };
        let choice = ChunkChoice { index: 0, delta, logprobs: None, finish_reason };
        self.write_chunk(out, vec![choice], usage);
    }

    fn write_usage(&self, out: &mut BytesMut) {
        self.write_chunk(out, Vec::new(), ChunkUsage::Told(self.counts.usage()));
    }

    fn write_chunk(&self, out: &mut BytesMut, choices: Vec<ChunkChoice>, usage: ChunkUsage) {
        let chunk = ChatChunk {
            id: self.id.clone(),
            object: ChatChunkObject,
            created: self.created,
            model: self.model.clone(),
            service_tier: None,
            system_fingerprint: None,
            choices,
            usage,
        };
        out.extend_from_slice(b"data: ");
        // Our own types to memory: that does not fail, and JSON holds no line feed.
        let _ = serde_json::to_writer(out.writer(), &chunk);
        out.extend_from_slice(b"\n\n");
    }
}

/// OpenAI's error object, as it stands inside of streams.
fn write_error(out: &mut BytesMut, trouble: &Trouble) {
    let told = serde_json::json!({
        "error": { "message": trouble.message, "type": trouble.kind, "param": null, "code": trouble.kind }
    });
    sse::write_event(out, told.to_string().as_bytes());
}
