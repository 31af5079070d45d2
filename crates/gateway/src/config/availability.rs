//! `[availability]` and `[[notice]]`: what is done about places that are taken away, and what is known to come. Knows nothing of how a
//! withdrawal is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Uri;
use jiff::civil::Date;

use super::Secret;
use crate::availability::Cause;
use crate::withdrawal::Subject;

/// `[availability]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// What is done about a place whose answers are suddenly far shorter, or refusals.
    pub quality: Quality,
    /// The causes whose withdrawals end without an operator, once a request without anybody's data is answered.
    pub automatic_return: BTreeSet<Cause>,
    /// Where withdrawals are told of. `None`: in the log alone.
    pub webhook: Option<Webhook>,
}

/// What is done about answers that change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// The place is withdrawn.
    #[default]
    Withdraw,
    /// The operator is told.
    Alert,
    /// Nothing is compared.
    Off,
}

/// Who is told of withdrawals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where messages are posted.
    pub url: Uri,
    /// What they are signed with.
    pub key: Option<Secret>,
}

/// `[[notice]]`: a withdrawal that is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What will be taken away.
    pub subject: Subject,
    /// From which day on, by UTC.
    pub from: Date,
    /// What was announced, by whom.
    pub why: Arc<str>,
}

impl Quality {
    /// Each with its word.
    pub(super) const WORDS: [(&'static str, Self); 3] =
        [("withdraw", Self::Withdraw), ("alert", Self::Alert), ("off", Self::Off)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Withdraw => "withdraw",
            Self::Alert => "alert",
            Self::Off => "off",
        }
    }
}
