//! What the model's events are in the words of the API: chunks of a stream, or one whole answer; for chats and completions.
//! It must not know how events come about.

mod chat;
mod score;

use std::sync::Arc;

use bytes::BytesMut;
use local_model::{Event, Finish, Listener, TokenScore};
use wire::answer::{
    ChatChoice, ChatCompletion, ChatCompletionObject, ChunkChoice, ChunkUsage, Completion, CompletionChoice, Delta,
    FinishReason, LogProbs, PromptTokensDetails, StreamHead, StreamKind, TextCompletionObject,
};

use crate::{
    destinations::Errand,
    read::{Surface, Words as Asked},
    relay::Usage,
};

/// Tells one answer: keeps what its words have in common, and how far each choice has come.
pub(super) struct Words {
    surface: Surface,
    id: String,
    created: u64,
    model: Arc<str>,
    fingerprint: Arc<str>,
    /// What all events of a stream share; nothing where the answer is told whole.
    head: Option<StreamHead>,
    prompt_tokens: u64,
    /// Answers to each prompt.
    each: u32,
    logprobs: bool,
    choices: Vec<Choice>,
}

/// One answer of several, as far as it has come.
#[derive(Default)]
struct Choice {
    /// What stands before the answer: the prompt, where it is to be repeated.
    before: String,
    begun: bool,
    /// Tokens so far.
    tokens: u64,
    finished: Option<(Finish, u64)>,
    /// Tokens of its prompt that need not be computed.
    cached_tokens: u64,
    /// Characters of its text so far.
    given: u64,
    /// Characters told so far; only counted where log-probabilities are told with their places.
    characters: u64,
    /// Kept for an answer that is told whole.
    text: String,
    scores: Vec<TokenScore>,
    /// What a chat's answer is made of.
    heard: chat::Heard,
}

impl Words {
    /// Nothing has been told yet. `echo` holds the prompts' texts, where answers are to begin with them.
    pub(super) fn new(
        errand: &Errand,
        model: &Arc<str>,
        fingerprint: &Arc<str>,
        prompt_tokens: u64,
        echo: &[String],
        listener: Option<&Listener>,
    ) -> Self {
        let (kind, prefix, usage, logprobs, each) = match &errand.ask.words {
            Asked::Chat(request) => {
                let wanted = request.logprobs_wanted().is_some();
                (StreamKind::Chat, "chatcmpl", request.includes_usage(), wanted, request.choices())
            }
            Asked::Completion(request) => {
                let wanted = request.logprobs.is_some();
                (StreamKind::Completion, "cmpl", request.includes_usage(), wanted, request.choices())
            }
            // Refused before there are words of it.
            Asked::Embedding(_) => (StreamKind::Completion, "embd", false, false, 1),
        };
        let id = format!("{prefix}-{}", errand.answer_id);
        let head = errand.stream.then(|| StreamHead::new(kind, &id, errand.created, model, Some(fingerprint), usage));
        let before = |index: u32| {
            let prompt = usize::try_from(index / each.max(1)).unwrap_or(usize::MAX);
            echo.get(prompt).cloned().unwrap_or_default()
        };
        let choices = (0..errand.ask.choices()).map(|index| Choice {
            before: before(index),
            heard: chat::Heard::new(listener.cloned(), format!("call_{}{index}", errand.answer_id)),
            ..Choice::default()
        });
        Self {
            surface: errand.ask.surface(),
            id,
            created: errand.created,
            model: Arc::clone(model),
            fingerprint: Arc::clone(fingerprint),
            head,
            prompt_tokens,
            each: each.max(1),
            logprobs,
            choices: choices.collect(),
        }
    }

    /// Tokens of the prompts, and of the answers as far as they have come.
    pub(super) fn usage(&self) -> Usage {
        let tokens = |choice: &Choice| choice.finished.map_or(choice.tokens, |(_, tokens)| tokens);
        Usage {
            prompt_tokens: Some(self.prompt_tokens),
            completion_tokens: Some(self.choices.iter().map(tokens).sum()),
            finish: self.choices.first().and_then(|choice| Some(choice.finish_reason(choice.finished?.0).word())),
            tls_group: None,
            model: Some(Arc::clone(&self.model)),
            fingerprint: Some(Arc::clone(&self.fingerprint)),
            characters: Some(self.choices.iter().map(|choice| choice.given).sum()),
            // It has no such field: what it declines it says as text.
            refused: false,
        }
    }

    /// Whether any choice has text so far.
    pub(super) fn says_something(&self) -> bool {
        self.choices.iter().any(|choice| choice.tokens > 0)
    }

    /// Adds what `event` is in a stream to `out`.
    pub(super) fn event(&mut self, event: Event, out: &mut BytesMut) {
        let Some(head) = &self.head else { return };
        match event {
            Event::Text { choice: index, text, marks, tokens, completion_tokens } => {
                let Some(choice) = choice_at(&mut self.choices, index) else { return };
                choice.begin(self.surface, head, index, out);
                choice.note(&text, completion_tokens);
                match self.surface {
                    Surface::Chat => {
                        let deltas = choice.heard.deltas(&text, &marks);
                        write_deltas(head, index, deltas, self.logprobs.then(|| score::chat(tokens)), out);
                    }
                    Surface::Completions | Surface::Embeddings => {
                        let logprobs = self.logprobs.then(|| score::completion(tokens, &mut choice.characters));
                        head.write_choice(out, &CompletionChoice { text, index, logprobs, finish_reason: None });
                    }
                }
            }
            Event::Finished { choice: index, reason, completion_tokens, cached_tokens } => {
                let Some(choice) = choice_at(&mut self.choices, index) else { return };
                choice.begin(self.surface, head, index, out);
                choice.finish(reason, completion_tokens, cached_tokens);
                let finish_reason = Some(choice.finish_reason(reason));
                match self.surface {
                    Surface::Chat => {
                        write_deltas(head, index, choice.heard.last_deltas(), None, out);
                        let finish_reason = Some(choice.finish_reason(reason));
                        head.write_choice(out, &ChunkChoice { index, finish_reason, ..ChunkChoice::default() });
                    }
                    Surface::Completions | Surface::Embeddings => {
                        head.write_choice(
                            out,
                            &CompletionChoice { index, finish_reason, ..CompletionChoice::default() },
                        );
                    }
                }
            }
            Event::Failed { .. } => {}
        }
    }

    /// Adds the event that tells the usage to `out`, where it was asked for.
    pub(super) fn usage_event(&self, out: &mut BytesMut) {
        if let Some(head) = &self.head {
            head.write_usage(out, &self.wire_usage());
        }
    }

    /// Keeps `event` for the whole answer.
    pub(super) fn keep(&mut self, event: Event) {
        match event {
            Event::Text { choice, text, marks, tokens, completion_tokens } => {
                if let Some(choice) = choice_at(&mut self.choices, choice) {
                    choice.note(&text, completion_tokens);
                    match self.surface {
                        Surface::Chat => choice.heard.keep(&text, &marks),
                        Surface::Completions | Surface::Embeddings => choice.text.push_str(&text),
                    }
                    choice.scores.extend(tokens);
                }
            }
            Event::Finished { choice, reason, completion_tokens, cached_tokens } => {
                if let Some(choice) = choice_at(&mut self.choices, choice) {
                    choice.finish(reason, completion_tokens, cached_tokens);
                }
            }
            Event::Failed { .. } => {}
        }
    }

    /// The whole answer as JSON, of all that was kept.
    pub(super) fn whole(&mut self) -> Vec<u8> {
        let usage = self.wire_usage();
        let (id, created, model) = (self.id.clone(), self.created, self.model.to_string());
        let system_fingerprint = Some(self.fingerprint.to_string());
        let numbered = (0_u32..).zip(&mut self.choices);
        let json = match self.surface {
            Surface::Chat => serde_json::to_vec(&ChatCompletion {
                id,
                object: ChatCompletionObject,
                created,
                model,
                choices: numbered.map(|(index, choice)| choice.of_chat(index, self.logprobs)).collect(),
                usage: Some(usage),
                service_tier: None,
                system_fingerprint,
            }),
            Surface::Completions | Surface::Embeddings => serde_json::to_vec(&Completion {
                id,
                object: TextCompletionObject,
                created,
                model,
                system_fingerprint,
                choices: numbered.map(|(index, choice)| choice.of_completion(index, self.logprobs)).collect(),
                usage: ChunkUsage::Told(usage),
            }),
        };
        // Writing our own types to memory does not fail.
        json.unwrap_or_default()
    }

    fn wire_usage(&self) -> wire::answer::Usage {
        let finished = self.choices.iter().filter_map(|choice| choice.finished);
        let usage = wire::answer::Usage::new(self.prompt_tokens, finished.map(|(_, tokens)| tokens).sum());
        // A prompt counts once, however many answers it has.
        let firsts = self.choices.iter().step_by(usize::try_from(self.each).unwrap_or(usize::MAX));
        let cached_tokens = Some(firsts.map(|choice| choice.cached_tokens).sum());
        let details = PromptTokensDetails { cached_tokens, ..PromptTokensDetails::default() };
        wire::answer::Usage { prompt_tokens_details: Some(details), ..usage }
    }
}

impl Choice {
    /// Takes note of a piece of text.
    fn note(&mut self, text: &str, completion_tokens: u32) {
        self.tokens = completion_tokens.into();
        self.given = self.given.saturating_add(text.chars().count() as u64);
    }

    /// Takes note of its end.
    fn finish(&mut self, reason: Finish, completion_tokens: u32, cached_tokens: usize) {
        self.finished = Some((reason, completion_tokens.into()));
        self.cached_tokens = cached_tokens as u64;
    }

    /// What a stream says before a choice's first piece: who speaks, or the prompt again.
    fn begin(&mut self, surface: Surface, head: &StreamHead, index: u32, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        match surface {
            Surface::Chat => {
                head.write_choice(out, &ChunkChoice { index, delta: Delta::opening(), ..ChunkChoice::default() });
            }
            Surface::Completions | Surface::Embeddings if self.before.is_empty() => {}
            Surface::Completions | Surface::Embeddings => {
                let text = std::mem::take(&mut self.before);
                head.write_choice(out, &CompletionChoice { text, index, ..CompletionChoice::default() });
            }
        }
    }

    fn of_chat(&mut self, index: u32, logprobs: bool) -> ChatChoice {
        ChatChoice {
            index,
            message: self.heard.message(),
            logprobs: logprobs.then(|| score::chat(std::mem::take(&mut self.scores))),
            finish_reason: self.finished.map(|(reason, _)| self.finish_reason(reason)),
        }
    }

    fn of_completion(&mut self, index: u32, logprobs: bool) -> CompletionChoice {
        let mut characters = 0;
        CompletionChoice {
            text: std::mem::take(&mut self.before) + &self.text,
            index,
            logprobs: logprobs.then(|| score::completion(std::mem::take(&mut self.scores), &mut characters)),
            finish_reason: self.finished.map(|(reason, _)| self.finish_reason(reason)),
        }
    }

    /// Why it ended: an answer that called tools and was not cut off waits for them.
    fn finish_reason(&self, reason: Finish) -> FinishReason {
        match reason {
            Finish::Stop if self.heard.called() => FinishReason::ToolCalls,
            Finish::Stop => FinishReason::Stop,
            Finish::Length => FinishReason::Length,
        }
    }
}

/// Writes what is new in a chat; scores go with the first words, or alone where there are none.
fn write_deltas(head: &StreamHead, index: u32, deltas: Vec<Delta>, mut logprobs: Option<LogProbs>, out: &mut BytesMut) {
    let silent = deltas.is_empty() && logprobs.is_some();
    for delta in deltas.into_iter().chain(silent.then(|| Delta::text(""))) {
        let logprobs = delta.content.is_some().then(|| logprobs.take()).flatten();
        head.write_choice(out, &ChunkChoice { index, delta, logprobs, finish_reason: None });
    }
}

fn choice_at(choices: &mut [Choice], index: u32) -> Option<&mut Choice> {
    choices.get_mut(usize::try_from(index).ok()?)
}
