//! What a destination suffers from, told from what it showed: an outage heals, a withdrawal does not, and what is the request's own
//! fault is neither. Pure; `spec/availability.md` is the table that it follows, with its cases.
//!
//! It must not know who is asked next, nor keep anything of what a provider or a caller wrote.

use std::{fmt, time::Duration};

pub(crate) use told::Told;

mod answered;
mod told;
mod words;

/// A destination does not work now. It heals by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outage {
    /// It answers that it cannot: 500, 502 and their like.
    Unavailable,
    /// It answers that it will not now: 429, 503, 529.
    Overloaded,
    /// It does not answer in time, or stops in the middle.
    Timeout,
    /// It cannot be connected to, or breaks the connection.
    Connection,
    /// What it answers is no answer: not understood, cut, empty, of another form than asked for.
    Broken,
}

/// Why a destination has been taken away. It comes back when an operator approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The gateway's key is refused.
    Credentials,
    /// The account is suspended, closed, or has no money left.
    Account,
    /// The provider serves no one from here.
    Region,
    /// The model is not there any more.
    Model,
    /// A law, a sanction or a court forbids it.
    Legal,
    /// The contract or its terms have ended it.
    Contract,
    /// Its certificate is not trusted, or it refuses to speak TLS with us.
    Tls,
    /// Its name is gone.
    Name,
    /// It was announced, and the day has come.
    Notice,
    /// An operator said so.
    Operator,
    /// Something else answers than was agreed.
    Changed,
    /// Its answers are suddenly far shorter, or refusals.
    Quality,
    /// A drill rehearses it.
    Drill,
}

/// The two sicknesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sickness {
    /// It does not work now.
    Outage(Outage),
    /// It has been taken away.
    Withdrawal {
        /// Why.
        cause: Cause,
        /// Whether one sign is enough; otherwise it takes several in a row.
        certain: bool,
    },
}

/// How much of a destination is sick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// All of its models.
    Destination,
    /// The model that was asked for.
    Model,
}

/// What one failure says of the place where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What it suffers from.
    pub sickness: Sickness,
    /// How much of it.
    pub extent: Extent,
    /// How long it asks not to be asked.
    pub retry_after: Option<Duration>,
    /// What shows it, for the log and for people.
    pub evidence: Evidence,
}

/// What shows a sickness: words of ours, a status, and the provider's own code where that is one short word. Never what a provider
/// wrote in sentences, which may repeat the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What happened.
    pub what: &'static str,
    /// The HTTP status of an answer.
    pub status: Option<u16>,
    /// The provider's code, such as `model_not_found`.
    pub code: Option<Box<str>>,
}

/// What a destination showed in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Symptom<'a> {
    /// It answered with an error: by another status than 200, or inside an answer that had begun, which then counts as 200.
    Answered {
        /// The HTTP status.
        status: u16,
        /// What its body says.
        told: Told<'a>,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
        /// The request's body: words that stand in it too are the caller's, and prove nothing.
        asked: &'a [u8],
    },
    /// Its name could not be looked up.
    Name {
        /// Whether the name system says that there is none; otherwise it did not say.
        gone: bool,
    },
    /// TLS was refused: by us, because its certificate is not trusted, or by it.
    Tls,
    /// Nobody listens, or no way leads there.
    Refused,
    /// The connection was reset or closed before it was due, TLS without its close included.
    Reset,
    /// A limit of time ran out.
    Late(Wait),
    /// What came is no answer.
    Broken(Break),
}

/// What was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wait {
    /// A connection.
    Connect,
    /// The first byte of an answer.
    FirstByte,
    /// The next byte of it.
    Idle,
    /// Its end.
    Total,
}

/// Why what came is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Break {
    /// It is not what the protocol says.
    NotUnderstood,
    /// It ended before it was finished.
    Cut,
    /// It holds nothing.
    Empty,
    /// It is of another content type or encoding than was asked for.
    ContentType,
    /// It is larger than is taken.
    TooLarge,
}

/// What `symptom` says of the place that showed it. `None`: nothing, for it is the request's own fault, which is not asked of
/// another place and not counted.
pub(crate) fn diagnose(symptom: &Symptom<'_>) -> Option<Diagnosis> {
    use Extent::{Destination, Model};
    let (sickness, extent, what) = match symptom {
        Symptom::Answered { status, told, retry_after, asked } => {
            return answered::diagnose(*status, told, *retry_after, asked);
        }
        Symptom::Name { gone: true } => (suspected(Cause::Name), Destination, "its name is gone"),
        Symptom::Name { gone: false } => (outage(Outage::Connection), Destination, "its name could not be looked up"),
        Symptom::Tls => (suspected(Cause::Tls), Destination, "tls was refused"),
        Symptom::Refused => (outage(Outage::Connection), Destination, "the connection was refused"),
        Symptom::Reset => (outage(Outage::Connection), Destination, "the connection was broken off"),
        Symptom::Late(Wait::Connect) => (outage(Outage::Timeout), Destination, "it could not be connected to in time"),
        Symptom::Late(Wait::FirstByte) => (outage(Outage::Timeout), Model, "it did not begin to answer in time"),
        Symptom::Late(Wait::Idle) => (outage(Outage::Timeout), Model, "it stopped in the middle of an answer"),
        Symptom::Late(Wait::Total) => (outage(Outage::Timeout), Model, "its answer took too long"),
        Symptom::Broken(Break::NotUnderstood) => (outage(Outage::Broken), Model, "its answer is not understood"),
        Symptom::Broken(Break::Cut) => (outage(Outage::Broken), Model, "its answer ended before it was finished"),
        Symptom::Broken(Break::Empty) => (outage(Outage::Broken), Model, "its answer is empty"),
        Symptom::Broken(Break::ContentType) => {
            (outage(Outage::Broken), Destination, "its answer is of a form that was not asked for")
        }
        Symptom::Broken(Break::TooLarge) => (outage(Outage::Broken), Model, "its answer is larger than is taken"),
    };
    Some(Diagnosis { sickness, extent, retry_after: None, evidence: Evidence { what, status: None, code: None } })
}

fn outage(outage: Outage) -> Sickness {
    Sickness::Outage(outage)
}

fn suspected(cause: Cause) -> Sickness {
    Sickness::Withdrawal { cause, certain: false }
}

impl Diagnosis {
    /// The word for records: of the outage, or the cause of the withdrawal.
    pub fn word(&self) -> &'static str {
        match self.sickness {
            Sickness::Outage(outage) => outage.word(),
            Sickness::Withdrawal { cause, .. } => cause.word(),
        }
    }

    /// Whether one such sign withdraws.
    pub(crate) fn is_certain(&self) -> bool {
        matches!(self.sickness, Sickness::Withdrawal { certain: true, .. })
    }

    /// Whether it may have been brought about by what one caller asks: so answer places that are well, and walls before them.
    pub(crate) fn may_be_one_callers(&self) -> bool {
        matches!(self.evidence.status, Some(200 | 400 | 403 | 422))
    }

    /// Whether it is a sign of a withdrawal, certain or not.
    pub fn is_withdrawal(&self) -> bool {
        matches!(self.sickness, Sickness::Withdrawal { .. })
    }
}

impl Outage {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unavailable, Self::Overloaded, Self::Timeout, Self::Connection, Self::Broken];

    /// The word for records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Broken => "broken",
        }
    }
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Credentials,
        Self::Account,
        Self::Region,
        Self::Model,
        Self::Legal,
        Self::Contract,
        Self::Tls,
        Self::Name,
        Self::Notice,
        Self::Operator,
        Self::Changed,
        Self::Quality,
        Self::Drill,
    ];

    /// The word for records and settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Account => "account",
            Self::Region => "region",
            Self::Model => "model",
            Self::Legal => "legal",
            Self::Contract => "contract",
            Self::Tls => "tls",
            Self::Name => "name",
            Self::Notice => "notice",
            Self::Operator => "operator",
            Self::Changed => "changed",
            Self::Quality => "quality",
            Self::Drill => "drill",
        }
    }

    /// Whether it takes the place of `other` where both withdraw the same. What an operator says outranks all else; what nothing but
    /// an operator ends outranks what may end by itself; and of that, what one answer shows to be over yields to what it does not.
    pub fn outranks(self, other: Self) -> bool {
        self.rank() > other.rank()
    }

    fn rank(self) -> u8 {
        match self {
            Self::Drill => 0,
            // Any answer shows that it is over, even a refusal.
            Self::Tls | Self::Name => 1,
            Self::Credentials | Self::Account | Self::Region | Self::Model => 2,
            Self::Legal | Self::Contract | Self::Notice | Self::Changed | Self::Quality => 3,
            Self::Operator => 4,
        }
    }

    /// The one of that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

impl fmt::Display for Evidence {
    /// `it refused the gateway's key (401 invalid_api_key)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " ({status} {code})"),
            (Some(status), None) => write!(f, " ({status})"),
            (None, Some(code)) => write!(f, " ({code})"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
