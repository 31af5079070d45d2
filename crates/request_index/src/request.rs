//! What entries make of a request: one [`Request`], begun by a decision or a refusal, ended by an outcome. Pure. It must not know SQL.

use std::collections::BTreeMap;
use std::time::Duration;

use audit_entry::{Attempt, Class, Count, Decision, Ending, Outcome, Refusal, Text, Word};

/// How entries call the local floor.
pub const FLOOR: &str = "local";

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It is under way, as far as the log has been read.
    Open,
    /// Nothing of it was sent anywhere.
    Refused,
    /// The whole answer was handed over.
    Answered,
    /// The caller was told of an error.
    Failed,
    /// The caller left.
    Cancelled,
    /// The program gave up on it.
    Abandoned,
    /// The program ended before it could say.
    Lost,
}

/// Whose law reaches a destination, as the caller of [`crate::Index::take`] knows it. Codes, sorted; empty where nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Axes {
    /// Where what is sent is processed and stored.
    pub processed_in: Vec<String>,
    /// Whose law controls the operator.
    pub controlled_by: Vec<String>,
}

/// The destination that served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Served {
    /// As entries call it.
    pub label: String,
    /// As they were when it was written down.
    pub axes: Axes,
}

/// What the reader found, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which, such as `kr.rrn`.
    pub kind: String,
    /// How often in the request.
    pub in_request: u64,
    /// How often in the answer.
    pub in_answer: u64,
}

/// A request that was sent on to another destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Which attempt it is; the first, which has no entry of its own, is 1.
    pub number: u32,
    /// When, in microseconds since 1970.
    pub at: u64,
    /// Where to.
    pub destination: String,
    /// Why the one before did not do.
    pub reason: String,
    /// Bytes of an answer that the one before gave and that were handed over.
    pub answer_bytes: Option<u64>,
    /// Tokens of that.
    pub completion_tokens: Option<u64>,
    /// The index of its entry.
    pub entry: u64,
}

/// One request. Fields that an outcome brings are empty until it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The index of the entry of its decision or its refusal.
    pub entry: u64,
    /// When that was written, in microseconds since 1970.
    pub at: u64,
    /// Its id.
    pub request: String,
    /// The id of the caller's key.
    pub key: String,
    /// The caller's team.
    pub team: String,
    /// The interface that it came in by.
    pub surface: String,
    /// The model that was asked for, where the request could be read so far.
    pub model: Option<String>,
    /// Whether the answer was to be streamed.
    pub stream: bool,
    /// The class of the data, where it was judged.
    pub class: Option<Class>,
    /// Where it stands.
    pub state: State,
    /// Why it was refused or not answered, as the code that the caller was told.
    pub reason: Option<String>,
    /// The policy's rules that permitted it, or the one that refused it.
    pub rules: Vec<String>,
    /// The destinations that were permitted, in their order.
    pub permitted: Vec<String>,
    /// Those that were permitted and could not be asked: each with why in brackets.
    pub skipped: Vec<String>,
    /// What the reader found, by kind.
    pub findings: Vec<Finding>,
    /// The destination that served.
    pub served: Option<Served>,
    /// Whether another served than the first that was permitted: an earlier one failed, or was left out and the local floor stood in.
    pub degraded: bool,
    /// Whether the local floor served.
    pub by_floor: bool,
    /// How many destinations were tried.
    pub attempts: u32,
    /// From the request's first byte to the answer's last, in microseconds.
    pub duration: Option<u64>,
    /// From the request's first byte to the answer's first, in microseconds; nothing where none was handed over.
    pub first_byte: Option<u64>,
    /// When its outcome was written, in microseconds since 1970.
    pub ended_at: Option<u64>,
    /// Tokens of the prompt, as the destination counted them, or else the gateway.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer.
    pub completion_tokens: Option<u64>,
    /// The index of the outcome's entry.
    pub outcome_entry: Option<u64>,
    /// The HTTP status that the caller was given.
    pub status: Option<u16>,
    /// Why the model stopped.
    pub finish: Option<String>,
    /// The key exchange of the connection to the destination.
    pub tls_group: Option<String>,
    /// How many findings were masked or disguised in what was sent.
    pub hidden: Option<u64>,
    /// The label that the answer carried.
    pub label: Option<String>,
    /// Who must review the answer.
    pub review: Option<String>,
    /// Characters of the answer that came from the destination before, where two gave it.
    pub seam_at: Option<u64>,
    /// Bytes of the answer that were handed over.
    pub answer_bytes: Option<u64>,
    /// What it cost: an amount in minor units, and the currency.
    pub cost: Option<String>,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Open, Self::Refused, Self::Answered, Self::Failed, Self::Cancelled, Self::Abandoned, Self::Lost];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Lost => "lost",
        }
    }

    /// The one of that name.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl From<Ending> for State {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Answered => Self::Answered,
            Ending::Failed => Self::Failed,
            Ending::Cancelled => Self::Cancelled,
            Ending::Abandoned => Self::Abandoned,
            Ending::Lost => Self::Lost,
        }
    }
}

impl Request {
    pub(crate) fn decided(entry: u64, at: Duration, decision: &Decision) -> Self {
        Self {
            model: Some(decision.model.to_string()),
            stream: decision.stream,
            class: decision.class,
            rules: texts(decision.rules.as_deref()),
            permitted: texts(Some(&decision.destinations)),
            skipped: texts(decision.skipped.as_deref()),
            findings: found(decision.findings.as_ref()),
            prompt_tokens: whole(decision.prompt_tokens),
            ..Self::begun((entry, at), &decision.request, (&decision.key, &decision.team), &decision.surface)
        }
    }

    pub(crate) fn refused(entry: u64, at: Duration, refusal: &Refusal) -> Self {
        Self {
            model: text(refusal.model.as_ref()),
            class: refusal.class,
            state: State::Refused,
            reason: Some(refusal.reason.to_string()),
            rules: texts(refusal.rule.as_ref().map(std::slice::from_ref)),
            skipped: texts(refusal.skipped.as_deref()),
            findings: found(refusal.findings.as_ref()),
            ..Self::begun((entry, at), &refusal.request, (&refusal.key, &refusal.team), &refusal.surface)
        }
    }

    fn begun((entry, at): (u64, Duration), request: &Text, (key, team): (&Text, &Text), surface: &Text) -> Self {
        Self {
            entry,
            at: micros(at),
            request: request.to_string(),
            key: key.to_string(),
            team: team.to_string(),
            surface: surface.to_string(),
            model: None,
            stream: false,
            class: None,
            state: State::Open,
            reason: None,
            rules: Vec::new(),
            permitted: Vec::new(),
            skipped: Vec::new(),
            findings: Vec::new(),
            served: None,
            degraded: false,
            by_floor: false,
            attempts: 0,
            duration: None,
            first_byte: None,
            ended_at: None,
            prompt_tokens: None,
            completion_tokens: None,
            outcome_entry: None,
            status: None,
            finish: None,
            tls_group: None,
            hidden: None,
            label: None,
            review: None,
            seam_at: None,
            answer_bytes: None,
            cost: None,
        }
    }

    /// Takes in how it ended, as the entry of that time says. `axes` tells those of a label, for the model that was asked for.
    pub(crate) fn ended(
        &mut self,
        entry: u64,
        at: Duration,
        outcome: &Outcome,
        axes: impl Fn(&str, &str) -> Option<Axes>,
    ) {
        self.state = outcome.ending.into();
        self.reason = text(outcome.reason.as_ref());
        self.served = outcome.destination.as_ref().map(|label| Served {
            axes: axes(self.model.as_deref().unwrap_or_default(), label.as_str()).unwrap_or_default(),
            label: label.to_string(),
        });
        let served = outcome.destination.as_ref().map(Text::as_str);
        self.by_floor = served == Some(FLOOR);
        // The floor is the last of every chain: whatever was left out stood before it.
        let first = self.permitted.first().map(String::as_str);
        self.degraded = served.is_some() && (served != first || (self.by_floor && !self.skipped.is_empty()));
        self.attempts = outcome.attempts;
        self.duration = whole(outcome.duration_us);
        self.first_byte = whole(outcome.first_byte_us);
        self.ended_at = Some(micros(at));
        self.prompt_tokens = whole(outcome.prompt_tokens).or(self.prompt_tokens);
        self.completion_tokens = whole(outcome.completion_tokens);
        self.outcome_entry = Some(entry);
        self.status = outcome.status;
        self.finish = text(outcome.finish.as_ref());
        self.tls_group = text(outcome.tls_group.as_ref());
        self.hidden = whole(outcome.hidden);
        self.label = text(outcome.label.as_ref());
        self.review = text(outcome.review.as_ref());
        self.seam_at = whole(outcome.seam_at);
        self.answer_bytes = Some(outcome.answer_bytes.0);
        self.cost = outcome.cost.as_ref().map(ToString::to_string);
        for (kind, count) in outcome.findings.iter().flatten() {
            match self.findings.binary_search_by(|finding| finding.kind.as_str().cmp(kind.as_str())) {
                Ok(place) => {
                    if let Some(finding) = self.findings.get_mut(place) {
                        finding.in_answer = count.0;
                    }
                }
                Err(place) => self
                    .findings
                    .insert(place, Finding { kind: kind.as_str().to_owned(), in_request: 0, in_answer: count.0 }),
            }
        }
    }
}

impl Attempted {
    pub(crate) fn of(entry: u64, at: Duration, attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            at: micros(at),
            destination: attempt.destination.to_string(),
            reason: attempt.reason.to_string(),
            answer_bytes: whole(attempt.answer_bytes),
            completion_tokens: whole(attempt.completion_tokens),
            entry,
        }
    }
}

/// Microseconds since 1970.
pub(crate) fn micros(at: Duration) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or(u64::MAX)
}

fn text(text: Option<&Text>) -> Option<String> {
    text.map(ToString::to_string)
}

fn texts(texts: Option<&[Text]>) -> Vec<String> {
    texts.unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn whole(count: Option<Count>) -> Option<u64> {
    count.map(|count| count.0)
}

/// By kind, in the kinds' order.
fn found(findings: Option<&BTreeMap<Word, Count>>) -> Vec<Finding> {
    let of =
        |(kind, count): (&Word, &Count)| Finding { kind: kind.as_str().to_owned(), in_request: count.0, in_answer: 0 };
    findings.into_iter().flatten().map(of).collect()
}
