//! What a permitted request owes when it ends: one outcome, its tokens settled, its slot free.
//!
//! An [`Account`] holds the permit from the moment it exists. However the request ends (answered, failed, the caller
//! gone), the account closes exactly once; when nobody closes it, `Drop` sends that one message. It must not know where
//! the answer comes from.

use std::collections::BTreeMap;
use std::{sync::Arc, time::Duration};

use wire::{answer::FinishReason, error::Code};

use crate::{
    admit::Slot,
    app::App,
    availability::{Answered, Visit},
    clock::Moment,
    error::ApiError,
    outgoing::{Asked, Outgoing},
    payloads::Payload,
    permit::{Recorded, not_kept, not_recorded},
    record::{Commitment, Committing, Ending, NextAttempt, Outcome, Part, Permit},
    relay::Marks,
    reserve::Reservation,
    routes::Arrival,
    tasks::Phase,
};

/// What is owed, and what was handed over so far.
#[derive(Debug)]
pub(crate) struct Account {
    app: Arc<App>,
    /// Owed until the account is closed.
    owed: Option<Owed>,
    /// Where the answer is kept, if it is.
    payload: Option<Payload>,
    marks: Marks,
    /// Where it was sent last.
    destination: Arc<str>,
    /// There, as long as it has not been said how it went.
    visit: Option<Visit>,
    asked: Asked,
    /// After how many characters another destination went on with the answer.
    seam_at: Option<u64>,
    hidden: u64,
    /// What the answer was found to hold, where that was looked for.
    findings: BTreeMap<String, u64>,
    request_id: Arc<str>,
    arrived: Moment,
    attempts: u32,
    status: Option<u16>,
    handed: Handed,
}

#[derive(Debug)]
struct Owed {
    permit: Permit,
    reservation: Reservation,
    slot: Slot,
}

/// What the transport was given before the end marker.
#[derive(Debug, Default)]
struct Handed {
    bytes: u64,
    /// So many of them stand in an attempt's entry: another destination gave them.
    told_bytes: u64,
    /// When the first of them was, since the request arrived.
    first_byte: Option<Duration>,
    /// All of it or nothing.
    whole: bool,
    commitment: Option<Committing>,
    usage: Usage,
}

/// What an answer took, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Of the prompt.
    pub(crate) prompt_tokens: Option<u64>,
    /// Of the answers handed over.
    pub(crate) completion_tokens: Option<u64>,
    /// Why the first of them ended, as one of the words that entries know.
    pub(crate) finish: Option<&'static str>,
    /// The key exchange of the connection that it came over.
    pub(crate) tls_group: Option<&'static str>,
    /// The model that says it answered, in its own words.
    pub(crate) model: Option<Arc<str>>,
    /// Its fingerprint, in its own words.
    pub(crate) fingerprint: Option<Arc<str>>,
    /// Characters of the answers' texts, where they were counted.
    pub(crate) characters: Option<u64>,
    /// Whether it says in the field for it that it declines to answer.
    pub(crate) refused: bool,
}

impl Account {
    /// Opens the account of a request that is about to be sent.
    pub(crate) fn open(
        app: &Arc<App>,
        recorded: Recorded,
        slot: Slot,
        reservation: Reservation,
        asked: Asked,
        arrival: &Arrival,
    ) -> Self {
        let Recorded { permit, payload } = recorded;
        let marks = Marks::of(permit.entry(), asked.class);
        let commitment = Some(app.recorder().commit(&arrival.id, Part::Answer));
        let handed = Handed { commitment, ..Handed::default() };
        Self {
            app: Arc::clone(app),
            owed: Some(Owed { permit, reservation, slot }),
            payload,
            marks,
            destination: "".into(),
            visit: None,
            asked,
            seam_at: None,
            hidden: 0,
            findings: BTreeMap::new(),
            request_id: Arc::clone(&arrival.id),
            arrived: arrival.at,
            attempts: 0,
            status: None,
            handed,
        }
    }

    /// Where the answer comes from, for the answer's head.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The request's name in the log.
    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The same, to keep.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.request_id
    }

    /// Whose request it is.
    pub(crate) fn key_id(&self) -> &Arc<str> {
        &self.asked.caller
    }

    /// When the request came.
    pub(crate) fn arrived(&self) -> Moment {
        self.arrived
    }

    /// The process that it belongs to.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// A destination is about to be contacted, after another has failed in that way: durable in the log when this returns.
    pub(crate) async fn attempt(
        &mut self,
        outgoing: &Outgoing,
        failed: Option<&ApiError>,
        visit: Visit,
    ) -> Result<(), ApiError> {
        match failed {
            Some(failed) => self.beside(outgoing, &failed.why()).await?,
            None => self.attempts = self.attempts.saturating_add(1),
        }
        self.turn(outgoing, visit);
        Ok(())
    }

    /// Another destination is about to be contacted, for that reason: durable in the log when this returns.
    pub(crate) async fn beside(&mut self, outgoing: &Outgoing, reason: &str) -> Result<(), ApiError> {
        let number = self.attempts.saturating_add(1);
        if let Some(owed) = &self.owed {
            let durable = owed.permit.attempt(&NextAttempt {
                destination: &outgoing.place.link.label,
                number,
                reason,
                answer_bytes: self.handed.bytes.saturating_sub(self.handed.told_bytes),
                completion_tokens: std::mem::take(&mut self.handed.usage).completion_tokens,
            });
            self.handed.told_bytes = self.handed.bytes;
            durable.await.map_err(|error| {
                self.app.metrics().not_recorded();
                not_recorded(error)
            })?;
        }
        self.attempts = number;
        Ok(())
    }

    /// From here on the answer is expected from there.
    pub(crate) fn turn(&mut self, outgoing: &Outgoing, visit: Visit) {
        self.destination = Arc::clone(&outgoing.place.link.label);
        self.visit = Some(visit);
        self.hidden = outgoing.form.hidden;
        self.marks = self.marks.sent(outgoing);
    }

    /// The destination has begun to answer, so long after it was asked.
    pub(crate) fn began(&mut self, after: Duration) {
        if let Some(visit) = &mut self.visit {
            visit.began(after);
        }
    }

    /// The destination has failed in that way; another may be asked.
    pub(crate) fn left(&mut self, error: &ApiError) {
        if let Some(visit) = self.visit.take() {
            visit.ended(error, &self.asked.caller);
        }
    }

    /// A place that was asked beside the one that answers has failed.
    pub(crate) fn ended(&self, visit: Visit, error: &ApiError) {
        visit.ended(error, &self.asked.caller);
    }

    /// From here on the answer is another destination's: so many characters of it came before.
    pub(crate) fn seam(&mut self, at: u64) {
        self.seam_at = Some(at);
    }

    /// The destination has answered whole: what that says of it.
    fn visited(&mut self) {
        let Some(visit) = self.visit.take() else { return };
        let usage = &self.handed.usage;
        visit.answered(&Answered {
            reported_model: usage.model.as_deref(),
            fingerprint: usage.fingerprint.as_deref(),
            prompt_bytes: self.asked.prompt_bytes,
            prompt_tokens: usage.prompt_tokens,
            // Of an answer that another began, only a part is its own.
            completion_tokens: usage.completion_tokens.filter(|_| self.seam_at.is_none()),
            finish: usage.finish,
            language: self.asked.language,
            refused: usage.refused || usage.finish == Some(FinishReason::ContentFilter.word()),
            plain: self.asked.plain && self.seam_at.is_none(),
            caller: &self.asked.caller,
        });
    }

    /// The answer was found to hold this.
    pub(crate) fn found(&mut self, findings: BTreeMap<String, u64>) {
        self.findings = findings;
    }

    /// The status is told to the caller.
    pub(crate) fn told(&mut self, status: http::StatusCode) {
        self.status = Some(status.as_u16());
    }

    /// These bytes of the answer's body are handed to the transport, and are kept where answers are; waits for what was
    /// handed over before to be on its way to the disk. After an error nothing of them is to be handed over.
    pub(crate) async fn hand_over(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        if let Some(payload) = &mut self.payload {
            payload.flow().await.map_err(not_kept)?;
            payload.answer(bytes).map_err(not_kept)?;
        }
        // From here on nothing waits: what is counted is handed over.
        if self.handed.bytes == 0 {
            let after = self.app.clock().now().since(self.arrived);
            self.app.metrics().first_byte(&self.destination, after);
            self.handed.first_byte = Some(after);
        }
        self.handed.bytes = self.handed.bytes.saturating_add(bytes.len() as u64);
        if let Some(commitment) = &mut self.handed.commitment {
            commitment.update(bytes);
        }
        Ok(())
    }

    /// The answer is handed over whole, once its outcome is durable: nothing of it counts in an outcome of another ending.
    pub(crate) fn whole(&mut self) {
        self.handed.whole = true;
    }

    /// An answer that was to be handed over whole, and was not.
    fn take_back(&mut self) {
        if self.handed.whole {
            self.handed.bytes = 0;
            self.status = None;
        }
    }

    /// What has been answered so far took this.
    pub(crate) fn meter(&mut self, usage: Usage) {
        self.handed.usage = usage;
    }

    /// The answer is complete: its outcome is durable when this returns.
    pub(crate) async fn answered(&mut self) -> Result<(), ApiError> {
        self.visited();
        self.close(Ending::Answered, None).await
    }

    /// The answer has failed. Gives back the error to tell, marked with where the request went.
    pub(crate) async fn failed(&mut self, error: ApiError) -> ApiError {
        self.left(&error);
        self.take_back();
        if self.handed.bytes == 0 {
            self.told(error.status());
        }
        // The caller is told why the answer failed; that the log failed as well is told by the log itself.
        let _ = self.close(Ending::Failed, Some(error.reason())).await;
        error.marked(&self.marks)
    }

    async fn close(&mut self, ending: Ending, reason: Option<&'static str>) -> Result<(), ApiError> {
        let kept = match &mut self.payload {
            Some(payload) => payload.finish().await.map_err(not_kept),
            None => Ok(()),
        };
        // It is still owed an outcome, of another ending.
        if ending == Ending::Answered {
            kept?;
        }
        let Some((permit, outcome)) = self.settle(ending, reason) else { return Ok(()) };
        let durable = permit.outcome(&outcome);
        durable.await.map(|_| ()).map_err(|error| {
            self.app.metrics().not_recorded();
            not_recorded(error)
        })
    }

    /// Gives back what was held, and what is to be sent: the outcome. Nothing if that has been done before.
    fn settle(&mut self, ending: Ending, reason: Option<&'static str>) -> Option<(Permit, Outcome)> {
        let Owed { permit, reservation, slot } = self.owed.take()?;
        let answer = self.handed.commitment.take().filter(|_| self.handed.bytes > 0).map(Committing::finish);
        let outcome = self.outcome(ending, reason, answer);
        reservation.settle();
        drop(slot);
        let usage = &self.handed.usage;
        let tokens = (usage.prompt_tokens.unwrap_or(0), usage.completion_tokens.unwrap_or(0));
        let after = self.app.clock().now().since(self.arrived);
        self.app.metrics().ended(&self.destination, ending_name(ending), after, tokens);
        Some((permit, outcome))
    }

    fn outcome(&self, ending: Ending, reason: Option<&'static str>, answer: Option<Commitment>) -> Outcome {
        let usage = &self.handed.usage;
        Outcome {
            ending,
            reason,
            status: self.status,
            destination: (self.attempts > 0).then(|| Arc::clone(&self.destination)),
            attempts: self.attempts,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            answer_bytes: self.handed.bytes,
            seam_at: self.seam_at,
            answer,
            first_byte: self.handed.first_byte,
            tls_group: usage.tls_group,
            finish: usage.finish,
            hidden: (self.hidden > 0).then_some(self.hidden),
            findings: self.findings.clone(),
            label: self.marks.label().filter(|_| ending == Ending::Answered),
            review: self.marks.review(),
        }
    }
}

impl Drop for Account {
    /// Whoever held the account is gone without closing it: the caller has left, unless it was this process that broke off.
    fn drop(&mut self) {
        self.take_back();
        let (ending, reason) = match self.app.gate().phase() {
            _ if std::thread::panicking() => (Ending::Abandoned, Code::InternalError.word()),
            Phase::Cancelled => (Ending::Abandoned, Code::ServerStopping.word()),
            Phase::Running | Phase::Draining => (Ending::Cancelled, "caller_left"),
        };
        let Some((permit, outcome)) = self.settle(ending, Some(reason)) else { return };
        match self.payload.take() {
            Some(payload) => payload.finish_then(move || drop(permit.outcome(&outcome))),
            None => drop(permit.outcome(&outcome)),
        }
    }
}

fn ending_name(ending: Ending) -> &'static str {
    match ending {
        Ending::Answered => "answered",
        Ending::Failed => "failed",
        Ending::Cancelled => "cancelled",
        Ending::Abandoned => "abandoned",
        Ending::Lost => "lost",
    }
}
