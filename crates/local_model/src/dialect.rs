//! How families of models write what is no plain answer: calls of tools and reasoning. One row of a table each; the grammar that
//! holds a model to it and the reader that takes it apart again are both made of the same row.
//!
//! Sources: the chat templates that the models' publishers ship in `tokenizer_config.json` (read in 2026-11): Qwen 2.5 and 3,
//! SmolLM3, A.X 4.0, EXAONE 4.0 and Mi:dm 2.0 (`<tool_call>`, after Nous Research's Hermes), Llama 3.1 and 3.2, Granite 3,
//! Mistral, HyperCLOVA X SEED Think. Those of answers in messages are with [`Messages`].

mod grammar;
mod listener;
pub(crate) mod messages;
mod teaching;

pub(crate) use grammar::{Grammar, Problem};
pub use listener::{Listener, Said};
pub use messages::{Kind, Messages};

/// How a family of models writes calls and reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Calls of tools.
    pub calls: CallSyntax,
    /// Reasoning before the answer, where the model knows it.
    pub thought: Option<Thought>,
    /// Whether the model's template says itself which tools there are. Where it does not, the conversation has to.
    pub knows_tools: bool,
    /// How it writes an answer as messages, where it does.
    pub messages: Option<&'static Messages>,
}

/// What encloses reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thought {
    /// Before it, unless the prompt ends with it.
    pub open: &'static str,
    /// After it.
    pub close: &'static str,
}

/// How calls are written: `trigger open (head ID after_id NAME middle ARGUMENTS tail) separator … close`, with blanks allowed
/// after the trigger, and before and after the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSyntax {
    /// What tells that calls come. Empty: what stands before a name, at the very beginning of an answer.
    pub trigger: &'static str,
    /// What a list of calls begins with.
    pub open: &'static str,
    /// What stands before a name.
    pub head: &'static str,
    /// What stands between the call's own name, which the model makes up, and the function's; absent: there is no such name.
    pub after_id: Option<&'static str>,
    /// What stands between name and arguments.
    pub middle: &'static str,
    /// What stands after the arguments.
    pub tail: &'static str,
    /// What a call, or a list of calls, ends with.
    pub close: &'static str,
    /// What stands between two calls of a list; absent: each call has its own trigger and close.
    pub separator: Option<&'static str>,
}

/// Nous Research's way, the most widespread.
const HERMES: CallSyntax = CallSyntax {
    trigger: "<tool_call>",
    open: "",
    head: "{\"name\": \"",
    after_id: None,
    middle: "\", \"arguments\": ",
    tail: "}",
    close: "</tool_call>",
    separator: None,
};

const LLAMA: CallSyntax = CallSyntax {
    trigger: "",
    open: "",
    head: "{\"name\": \"",
    after_id: None,
    middle: "\", \"parameters\": ",
    tail: "}",
    close: "",
    separator: None,
};

const GRANITE: CallSyntax =
    CallSyntax { trigger: "<|tool_call|>", open: "[", close: "]", separator: Some(", "), ..HERMES };

const MISTRAL: CallSyntax = CallSyntax { trigger: "[TOOL_CALLS]", ..GRANITE };

const HYPERCLOVA: CallSyntax = CallSyntax { trigger: " -> tool/function_call\n", ..GRANITE };

/// What a template says of the way in which its model calls tools. The first that fits holds.
const CALLS: [(&str, CallSyntax); 6] = [
    ("tool/function_call", HYPERCLOVA),
    ("[TOOL_CALLS]", MISTRAL),
    ("<|tool_call|>", GRANITE),
    ("<tool_call>", HERMES),
    ("<|python_tag|>", LLAMA),
    ("\"parameters\": dictionary of argument name and its value", LLAMA),
];

const THINK: Thought = Thought { open: "<think>", close: "</think>" };

/// The families that write messages, and what their templates say. The first that fits holds, before all of [`CALLS`].
const IN_MESSAGES: [(&str, Dialect); 2] =
    [("<|channel|>", messages::HARMONY), ("<|begin|>assistant", messages::SOLAR_OPEN)];

impl Dialect {
    /// Of a model that knows no tools and does not reason: calls are taught by the conversation.
    pub const PLAIN: Self = Self { calls: HERMES, thought: None, knows_tools: false, messages: None };

    /// The dialect that a chat template speaks.
    pub fn of_template(template: &str) -> Self {
        let tells_tools = template.contains("tools");
        if let Some((_, dialect)) = IN_MESSAGES.iter().find(|(sign, _)| template.contains(sign)) {
            return Self { knows_tools: tells_tools, ..*dialect };
        }
        let known = CALLS.iter().find(|(sign, _)| template.contains(sign)).map(|(_, calls)| *calls);
        Self {
            calls: known.unwrap_or(HERMES),
            thought: template.contains(THINK.close).then_some(THINK),
            knows_tools: known.is_some() && tells_tools,
            messages: None,
        }
    }

    /// Whether `spelling` is a part of how this dialect is written: a control token spelled so stands for text.
    pub fn is_written_with(&self, spelling: &str) -> bool {
        let thought = self.thought.iter().flat_map(|thought| [thought.open, thought.close]);
        let calls = [self.calls.trigger.trim(), self.calls.close];
        self.is_mark(spelling) || calls.into_iter().chain(thought).any(|part| part == spelling)
    }

    /// Whether `spelling` is a mark of its messages: a control token whatever a model's file says, and only as such a mark.
    pub fn is_mark(&self, spelling: &str) -> bool {
        self.messages.is_some_and(|messages| messages.marks().any(|mark| mark == spelling))
    }

    /// Whether the content of a message comes after a mark that is spelled so.
    pub fn opens_content(&self, mark: &[u8]) -> bool {
        self.messages.is_some_and(|messages| messages.contents.iter().any(|content| content.as_bytes() == mark))
    }

    /// Whether a token spelled so ends an answer, where the dialect knows.
    pub fn ends_with(&self, spelling: &str) -> Option<bool> {
        let ends = self.messages?.ends.contains(&spelling);
        (ends || self.is_mark(spelling)).then_some(ends)
    }

    /// What the model writes before the words of an answer that it does not reason about.
    pub fn before_words(&self) -> &'static str {
        self.messages.map_or("", |messages| messages.answer)
    }
}

#[cfg(test)]
mod tests;
