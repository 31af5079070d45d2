//! A remote's answer as it comes in: passed on in whole events, held to its limits, and never shown as complete unless the
//! provider finished every choice and said so.

use std::{fmt, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::error::Code;

use super::connection::TlsGroup;
use super::dialect::Spoken;
use super::events::{
    ChunkUsage, Delta, Noted, Progress, Reported, Splitter, characters, claims_words, ends_by_error, events,
    finish_word, is_nothing,
};
use crate::{
    availability::{Break, Symptom, Told, Wait, diagnose},
    clock::{Clock, Moment, Sleep},
    config,
    destinations::Errand,
    error::ApiError,
    read::Surface,
    relay::{Piece, Usage},
};

/// The largest answer that is not streamed: 16 choices of a long context, many times over.
const WHOLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most that is held from the last choice's finish to the end marker: the finish and the usage.
const TAIL_BYTES_MAX: usize = 1024 * 1024;
/// The most that is held before anything is said: roles, keep-alives, a provider's own first events.
const OPENING_BYTES_MAX: usize = 1024 * 1024;

/// An answer under way. Dropping it closes its connection: the provider stops.
pub(crate) struct Reply {
    body: Spoken<Incoming>,
    surface: Surface,
    /// Answers, or vectors, that were asked for.
    wanted: usize,
    stream: bool,
    about: Arc<config::Destination>,
    /// The request's body: words of it that come back prove nothing.
    asked: Bytes,
    clock: Clock,
    /// When the whole answer has to be there.
    deadline: Sleep,
    /// When something of it has to be there.
    first_due: Moment,
    /// Wakes a read that waits; set anew only when it has run out, so that a chunk costs no timer.
    idle: Sleep,
    /// When that is.
    idle_due: Moment,
    splitter: Splitter,
    progress: Progress,
    /// Events that say nothing, before the first that does: until then another destination may still answer.
    opening: BytesMut,
    /// Events held since the last choice finished: with them the answer would look complete.
    tail: BytesMut,
    /// How the answer ends after what was passed on.
    next: Option<Result<(), ApiError>>,
    tls_group: Option<TlsGroup>,
}

/// What is read of an answer that is not streamed.
#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(default, borrow)]
    choices: Vec<WholeChoice<'a>>,
    #[serde(default)]
    usage: Option<ChunkUsage>,
    #[serde(default, borrow)]
    model: Option<&'a RawValue>,
    #[serde(default, borrow)]
    system_fingerprint: Option<&'a RawValue>,
    #[serde(default, borrow)]
    error: Option<&'a RawValue>,
}

/// What is read of an answer of vectors.
#[derive(Deserialize)]
struct Vectors<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default)]
    usage: Option<ChunkUsage>,
}

#[derive(Deserialize)]
struct WholeChoice<'a> {
    #[serde(default, borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(default, borrow)]
    message: Option<Delta<'a>>,
    /// The older surface's text.
    #[serde(default, borrow)]
    text: Option<&'a RawValue>,
}

impl WholeChoice<'_> {
    fn finished(&self) -> Option<&RawValue> {
        self.finish_reason.filter(|reason| !is_nothing(reason))
    }

    fn says_something(&self) -> bool {
        let is_said = self.message.as_ref().is_some_and(Delta::says_something);
        is_said || self.text.is_some_and(|text| !is_nothing(text))
    }
}

impl Reply {
    pub(super) fn new(
        answer: http::Response<Incoming>,
        errand: &Errand,
        about: &Arc<config::Destination>,
        clock: &Clock,
    ) -> Self {
        Self {
            tls_group: answer.extensions().get().copied(),
            body: Spoken::new(answer.into_body(), about.api, &errand.ask, errand.stream, errand.created),
            surface: errand.ask.surface(),
            wanted: usize::try_from(errand.ask.choices()).unwrap_or(usize::MAX),
            stream: errand.stream,
            about: Arc::clone(about),
            asked: errand.ask.bytes.clone(),
            clock: clock.clone(),
            deadline: clock.sleep(about.total_time_max),
            first_due: clock.now().plus(about.first_byte_time_max),
            idle: clock.sleep(about.idle_time_max),
            idle_due: clock.now().plus(about.idle_time_max),
            splitter: Splitter::default(),
            progress: Progress::new(errand.ask.choices()),
            opening: BytesMut::new(),
            tail: BytesMut::new(),
            next: None,
        }
    }

    /// See [`crate::destinations::Source::next`].
    pub(crate) async fn next(&mut self) -> Piece {
        let piece = if self.stream { self.next_events().await } else { self.whole().await };
        piece.unwrap_or_else(Piece::Broken)
    }

    /// See [`crate::destinations::Source::says_something`].
    pub(crate) fn says_something(&self) -> bool {
        self.progress.says_something()
    }

    /// Tokens as the provider counts them.
    pub(crate) fn usage(&self) -> Usage {
        let counted = (self.progress.pieces > 0).then_some(self.progress.pieces);
        Usage {
            prompt_tokens: self.progress.prompt_tokens,
            // Where the provider has not counted (yet), a piece is taken for a token, as most send them so.
            completion_tokens: self.progress.completion_tokens.or(counted),
            finish: self.progress.finish,
            tls_group: self.tls_group.map(|TlsGroup(name)| name),
            model: self.progress.model.word(),
            fingerprint: self.progress.fingerprint.word(),
            characters: Some(self.progress.characters),
            refused: self.progress.refused,
        }
    }

    async fn next_events(&mut self) -> Result<Piece, ApiError> {
        if let Some(ending) = self.next.take() {
            return ending.and_then(|()| self.complete());
        }
        loop {
            let Some(chunk) = self.read().await? else { return self.ended() };
            let events = self.splitter.push(chunk).map_err(|error| {
                self.broken("the destination sent an event larger than is taken", Break::TooLarge).detail(error)
            })?;
            let passed_on = self.take_note(&events)?;
            let passed_on = self.opened(passed_on)?;
            if !passed_on.is_empty() {
                return Ok(Piece::Part(passed_on));
            }
            if let Some(ending) = self.next.take() {
                return ending.and_then(|()| self.complete());
            }
        }
    }

    /// The body has ended in an orderly way, without an end marker. An answer whose choices have all finished is complete.
    fn ended(&mut self) -> Result<Piece, ApiError> {
        if !self.progress.finished() || !self.splitter.may_end() {
            return Err(self.broken("the destination's answer ended before it was complete", Break::Cut));
        }
        self.complete()
    }

    /// The answer is complete, if there is one.
    fn complete(&mut self) -> Result<Piece, ApiError> {
        if self.progress.is_empty() {
            return Err(self.broken("the destination finished its answer without saying anything", Break::Empty));
        }
        let mut rest = std::mem::take(&mut self.opening);
        rest.extend_from_slice(&std::mem::take(&mut self.tail));
        Ok(Piece::Complete(rest.freeze()))
    }

    /// What may be passed on of these events: nothing until something is said, then all from the first event on.
    fn opened(&mut self, events: Bytes) -> Result<Bytes, ApiError> {
        if self.progress.says_something() && self.opening.is_empty() {
            return Ok(events);
        }
        if self.opening.len().saturating_add(events.len()) > OPENING_BYTES_MAX {
            return Err(self.broken("the destination sent too much before it said anything", Break::TooLarge));
        }
        self.opening.extend_from_slice(&events);
        let said = self.progress.says_something();
        Ok(if said { std::mem::take(&mut self.opening).freeze() } else { Bytes::new() })
    }

    /// Reads what whole events say; gives those to pass on now, and leaves in `next` what ends the answer.
    fn take_note(&mut self, whole: &Bytes) -> Result<Bytes, ApiError> {
        let mut hold_from = if self.progress.finished() { 0 } else { whole.len() };
        let mut end = whole.len();
        for event in events(whole) {
            let ending = match self.progress.note(&event.data) {
                Noted::Part => {
                    if self.progress.finished() {
                        hold_from = hold_from.min(event.start);
                    }
                    continue;
                }
                Noted::Done if self.progress.finished() => Ok(()),
                Noted::Done => Err(self.broken("the destination ended its answer without finishing it", Break::Cut)),
                Noted::Error(told) => Err(self.in_band(told.as_deref())),
                Noted::NotJson => {
                    Err(self.broken("the destination sent an event that is not understood", Break::NotUnderstood))
                }
            };
            end = event.start;
            hold_from = hold_from.min(end);
            self.hold(whole.get(hold_from..end).unwrap_or_default())?;
            self.next = Some(ending);
            return Ok(whole.slice(..hold_from));
        }
        self.hold(whole.get(hold_from..end).unwrap_or_default())?;
        Ok(whole.slice(..hold_from))
    }

    /// From the last choice's finish on, everything waits for the end marker.
    fn hold(&mut self, events: &[u8]) -> Result<(), ApiError> {
        if self.tail.len().saturating_add(events.len()) > TAIL_BYTES_MAX {
            return Err(self.broken("the destination sent too much after its answer had finished", Break::TooLarge));
        }
        self.tail.extend_from_slice(events);
        Ok(())
    }

    /// An answer that is not streamed, whole or not at all.
    async fn whole(&mut self) -> Result<Piece, ApiError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.read().await? {
            if body.len().saturating_add(chunk.len()) > WHOLE_BYTES_MAX {
                return Err(self.broken("the destination's answer is larger than is taken", Break::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        if self.surface == Surface::Embeddings {
            return self.vectors(body.freeze());
        }
        let Ok(whole) = serde_json::from_slice::<Whole<'_>>(&body) else {
            return Err(self.broken("the destination's answer is not understood", Break::NotUnderstood));
        };
        if let Some(error) = whole.error.filter(|error| !is_nothing(error)) {
            return Err(self.in_band(Some(error.get())));
        }
        let finishes: Vec<&RawValue> = whole.choices.iter().filter_map(WholeChoice::finished).collect();
        if finishes.len() < self.wanted.max(whole.choices.len()) {
            return Err(self.broken("the destination ended its answer without finishing it", Break::Cut));
        }
        if finishes.iter().any(|reason| ends_by_error(reason)) {
            return Err(self.in_band(None));
        }
        let is_said = whole.choices.iter().any(WholeChoice::says_something);
        if !is_said && finishes.iter().all(|reason| claims_words(reason)) {
            return Err(self.broken("the destination finished its answer without saying anything", Break::Empty));
        }
        self.progress.finish = finishes.first().map(|reason| finish_word(reason));
        let characters = |choice: &WholeChoice<'_>| {
            let said = choice.message.as_ref().map_or(0, Delta::characters);
            said.saturating_add(choice.text.map_or(0, characters))
        };
        self.progress.characters = whole.choices.iter().map(characters).sum();
        let declines = |choice: &WholeChoice<'_>| choice.message.as_ref().is_some_and(Delta::declines);
        self.progress.refused = whole.choices.iter().any(declines);
        self.progress.pieces = self.progress.pieces.max(u64::from(is_said));
        self.report(whole.model, whole.system_fingerprint);
        if let Some(usage) = whole.usage {
            self.progress.prompt_tokens = usage.prompt_tokens;
            self.progress.completion_tokens = usage.completion_tokens;
        }
        Ok(Piece::Complete(body.freeze()))
    }

    fn report(&mut self, model: Option<&RawValue>, fingerprint: Option<&RawValue>) {
        let (of_model, of_fingerprint) = (&mut self.progress.model, &mut self.progress.fingerprint);
        for (reported, raw) in [(of_model, model), (of_fingerprint, fingerprint)] {
            Reported::note(reported, raw);
        }
    }

    /// An answer of vectors: one for each text.
    fn vectors(&mut self, body: Bytes) -> Result<Piece, ApiError> {
        let Ok(answer) = serde_json::from_slice::<Vectors<'_>>(&body) else {
            return Err(self.broken("the destination's answer is not understood", Break::NotUnderstood));
        };
        if answer.data.len() != self.wanted {
            return Err(self.broken("the destination gave not one vector for each text", Break::NotUnderstood));
        }
        self.progress.prompt_tokens = answer.usage.and_then(|usage| usage.prompt_tokens);
        Ok(Piece::Complete(body))
    }

    /// The next bytes of the body, within the limits of time; nothing at its orderly end.
    async fn read(&mut self) -> Result<Option<Bytes>, ApiError> {
        // Until something is said, a head and keep-alives are no beginning.
        let waits_for_first = self.stream && !self.progress.says_something();
        let due = if waits_for_first { self.first_due } else { self.clock.now().plus(self.about.idle_time_max) };
        if due < self.idle_due {
            self.wake(due);
        }
        loop {
            let frame = tokio::select! {
                biased;
                frame = self.body.frame() => frame,
                () = &mut self.deadline => return Err(self.late("the destination's answer took too long as a whole", Wait::Total)),
                () = &mut self.idle => {
                    if self.clock.now() >= due {
                        let (message, wait) = if waits_for_first {
                            ("the destination did not begin to answer in time", Wait::FirstByte)
                        } else {
                            ("the destination stopped in the middle of its answer", Wait::Idle)
                        };
                        return Err(self.late(message, wait));
                    }
                    // It was set for an earlier read, which got its bytes.
                    self.wake(due);
                    continue;
                }
            };
            match frame {
                None => return Ok(None),
                Some(Err(error)) => {
                    let message = "the destination broke off in the middle of its answer";
                    return Err(self.failed(message, &Symptom::Reset).detail(error));
                }
                Some(Ok(frame)) => {
                    // Trailers say nothing that is passed on.
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// Sets the wait of a read anew.
    fn wake(&mut self, due: Moment) {
        self.idle = self.clock.sleep_until(due);
        self.idle_due = due;
    }

    /// The provider says, in place of more of the answer, that it failed; or that the request is at fault, which another must
    /// not be asked to overlook.
    fn in_band(&self, told: Option<&str>) -> ApiError {
        let told = Told::read(told.unwrap_or_default().as_bytes());
        let symptom = Symptom::Answered { status: 200, told, retry_after: None, asked: &self.asked };
        if diagnose(&symptom).is_none() {
            let message = "the destination refused the request in the middle of its answer";
            let error = ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidValue, message);
            return error.detail(format_args!("destination `{}`", self.about.name));
        }
        self.failed("the destination broke its answer off with an error", &symptom)
    }

    fn broken(&self, message: &'static str, how: Break) -> ApiError {
        self.failed(message, &Symptom::Broken(how))
    }

    fn failed(&self, message: &'static str, symptom: &Symptom<'_>) -> ApiError {
        let error = ApiError::destination(StatusCode::BAD_GATEWAY, Code::AnswerInterrupted, message);
        error.detail(format_args!("destination `{}`", self.about.name)).diagnosed(diagnose(symptom))
    }

    fn late(&self, message: &'static str, wait: Wait) -> ApiError {
        let error = ApiError::destination(StatusCode::GATEWAY_TIMEOUT, Code::UpstreamTimeout, message);
        let error = error.detail(format_args!("destination `{}`", self.about.name));
        error.diagnosed(diagnose(&Symptom::Late(wait)))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("destination", &self.about.name)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}
