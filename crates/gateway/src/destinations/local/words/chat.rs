//! What an answer of a chat is made of: words, reasoning, calls; as pieces of a stream, or kept for a whole answer. It must not know
//! streams or scores.

use local_model::{Listener, Said};
use wire::answer::{AnswerMessage, CalledFunction, CalledTool, Delta, DeltaFunction, DeltaToolCall};

/// One answer, as far as it has come.
#[derive(Default)]
pub(super) struct Heard {
    /// None for what is no chat.
    listener: Option<Listener>,
    /// What the names of its calls begin with.
    call_prefix: String,
    message: AnswerMessage,
}

impl Heard {
    /// Nothing yet.
    pub(super) fn new(listener: Option<Listener>, call_prefix: String) -> Self {
        Self { listener, call_prefix, message: AnswerMessage::default() }
    }

    /// Whether it calls anything.
    pub(super) fn called(&self) -> bool {
        self.listener.as_ref().is_some_and(Listener::called)
    }

    /// What is new with this text, in which the dialect's marks begin at these bytes.
    pub(super) fn deltas(&mut self, text: &str, marks: &[usize]) -> Vec<Delta> {
        self.hear(text, marks).into_iter().map(|said| self.delta(said)).collect()
    }

    /// What was held back, once the answer has ended.
    pub(super) fn last_deltas(&mut self) -> Vec<Delta> {
        self.hear_out().into_iter().map(|said| self.delta(said)).collect()
    }

    /// Keeps this text for [`Self::message`].
    pub(super) fn keep(&mut self, text: &str, marks: &[usize]) {
        for said in self.hear(text, marks) {
            self.add(said);
        }
    }

    /// The whole message, once the answer has ended; of all that was kept.
    pub(super) fn message(&mut self) -> AnswerMessage {
        for said in self.hear_out() {
            self.add(said);
        }
        let mut message = std::mem::take(&mut self.message);
        if message.tool_calls.is_none() {
            message.content.get_or_insert_default();
        }
        message
    }

    fn hear(&mut self, text: &str, marks: &[usize]) -> Vec<Said> {
        match &mut self.listener {
            Some(listener) => listener.hear(text, marks),
            None => vec![Said::Words(text.to_owned())],
        }
    }

    fn hear_out(&mut self) -> Vec<Said> {
        self.listener.as_mut().map(Listener::finish).unwrap_or_default()
    }

    fn delta(&self, said: Said) -> Delta {
        let call = |call| Delta { tool_calls: Some(vec![call]), ..Delta::default() };
        match said {
            Said::Words(text) => Delta::text(text),
            Said::Thought(text) => Delta { reasoning_content: Some(text), ..Delta::default() },
            Said::Call { index, name } => call(DeltaToolCall {
                index,
                id: Some(self.call_id(index)),
                kind: Some("function".to_owned()),
                function: Some(DeltaFunction { name: Some(name), arguments: Some(String::new()) }),
            }),
            Said::Arguments { index, text } => call(DeltaToolCall {
                index,
                function: Some(DeltaFunction { name: None, arguments: Some(text) }),
                ..DeltaToolCall::default()
            }),
        }
    }

    fn add(&mut self, said: Said) {
        let message = &mut self.message;
        match said {
            Said::Words(text) => message.content.get_or_insert_default().push_str(&text),
            Said::Thought(text) => message.reasoning_content.get_or_insert_default().push_str(&text),
            Said::Call { index, name } => {
                let id = self.call_id(index);
                let function = Some(CalledFunction { name, arguments: String::new() });
                let call = CalledTool { id, kind: "function".to_owned(), function, custom: None };
                self.message.tool_calls.get_or_insert_default().push(call);
            }
            Said::Arguments { text, .. } => {
                let calls = message.tool_calls.as_mut().and_then(|calls| calls.last_mut());
                if let Some(function) = calls.and_then(|call| call.function.as_mut()) {
                    function.arguments.push_str(&text);
                }
            }
        }
    }

    fn call_id(&self, index: u32) -> String {
        format!("{}_{index}", self.call_prefix)
    }
}
