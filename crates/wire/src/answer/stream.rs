//! Writes the events of one streamed answer: what is the same in all of them is written once, and copied.
//! It does not know when events are due.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use super::Usage;
use super::object::{ChatChunkObject, TextCompletionObject};

/// What is streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// A chat: the pieces are [`ChunkChoice`](super::ChunkChoice)s.
    Chat,
    /// A completion: the pieces are [`CompletionChoice`](super::CompletionChoice)s.
    Completion,
}

/// The members that all the events of one answer share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StreamHead {
    before_choices: Bytes,
    usage: bool,
}

#[derive(Serialize)]
struct Shared<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a str>,
}

impl StreamHead {
    /// For an answer named `id`, begun at `created` (seconds since 1970) by `model`. With `usage`, every event has that
    /// member, as [`ChunkUsage`](super::ChunkUsage) says.
    pub fn new(
        kind: StreamKind,
        id: &str,
        created: u64,
        model: &str,
        system_fingerprint: Option<&str>,
        usage: bool,
    ) -> Self {
        let object = match kind {
            StreamKind::Chat => ChatChunkObject::WORD,
            StreamKind::Completion => TextCompletionObject::WORD,
        };
        let mut before = BytesMut::new();
        before.extend_from_slice(b"data: ");
        write_json(&mut before, &Shared { id, object, created, model, system_fingerprint });
        // The closing brace makes room for what differs from event to event.
        before.truncate(before.len().saturating_sub(1));
        before.extend_from_slice(b",\"choices\":[");
        Self { before_choices: before.freeze(), usage }
    }

    /// Adds the event of one piece to `out`.
    pub fn write_choice(&self, out: &mut BytesMut, choice: &impl Serialize) {
        out.extend_from_slice(&self.before_choices);
        write_json(out, choice);
        out.extend_from_slice(if self.usage { b"],\"usage\":null}\n\n" } else { b"]}\n\n" });
    }

    /// Adds the event that tells the usage, which has no piece, to `out`; nothing where usage was not asked for.
    pub fn write_usage(&self, out: &mut BytesMut, usage: &Usage) {
        if self.usage {
            out.extend_from_slice(&self.before_choices);
            out.extend_from_slice(b"],\"usage\":");
            write_json(out, usage);
            out.extend_from_slice(b"}\n\n");
        }
    }
}

/// JSON holds no line feed, so it is one line of an event.
fn write_json(out: &mut BytesMut, value: &impl Serialize) {
    // Our own types have string keys and finite numbers only, and memory takes what is written: this does not fail.
    let _ = serde_json::to_writer(out.writer(), value);
}
