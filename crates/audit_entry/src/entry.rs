//! What an entry says: the typed schema of `spec/audit_log.md`, section 4, its one canonical writing, and its strict reading.
//!
//! This file must not know how entries are kept, nor who makes them. The log itself adds `at`, `replica`, `seq` and `v`.

mod canonical;
mod value;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use canonical::{Fields, Stamp};
pub use value::{Cost, Count, Digest, Text, Word};

/// The longest entry, in bytes: `tlog-tiles` bundles give an entry's length in 16 bits.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// The version of the schema that this crate writes and reads.
pub const SCHEMA_VERSION: u64 = 1;

/// An entry that is not one of the schema's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is not JSON, has a field that the schema lacks or lacks one that it has, or a value out of its range.
    #[error("the entry does not follow the schema: {0}")]
    Schema(String),
    /// It says the right things in another writing than the canonical one (RFC 8785).
    #[error("the entry is not written in canonical form")]
    NotCanonical,
    /// It is of a schema that this reader does not know.
    #[error("the entry is of schema version `{0}`, this program reads version {SCHEMA_VERSION}")]
    Version(String),
    /// It is longer than a record can be.
    #[error("the entry takes {0} bytes, {max} are the most", max = ENTRY_BYTES_MAX)]
    TooLong(usize),
}

/// One entry, as read back from a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the log took it, since the Unix epoch, in whole microseconds; never before the entry in front of it.
    pub at: Duration,
    /// Which writer wrote it: 64 random bits made with the log, as 16 hex digits.
    pub replica: Replica,
    /// That writer's own counter: one more than in its entry before, from 0.
    pub seq: u64,
    /// What happened.
    pub body: Body,
}

/// A writer's name: 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Replica(pub u64);

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

        impl $name {
            fn fields(&self, to: &mut Fields) -> Result<(), EntryError> {
                $(to.add(stringify!($field), &self.$field)?;)*
                Ok(())
            }
        }
    };
}

record! {
    /// A request that may be answered, and where; durable before anything of it is sent.
    Decision {
        /// The request's id.
        request: Text,
        /// The id of the caller's key, never the key.
        key: Text,
        /// The caller's team.
        team: Text,
        /// The interface it came in by, such as `chat` or `completions`.
        surface: Text,
        /// The model that was asked for.
        model: Text,
        /// Whether the answer is streamed.
        stream: bool,
        /// How many answers were asked for.
        choices: u32,
        /// Bytes of the request's body.
        request_bytes: Count,
        /// Tokens of the prompt, where the gateway counted them.
        prompt_tokens: Option<Count>,
        /// The most tokens that the answer may have.
        answer_tokens_max: Option<Count>,
        /// The destinations permitted, in the order in which they may be tried.
        destinations: Vec<Text>,
        /// Those that are permitted as well and are not asked: each with why, such as `foreign (withdrawn)`.
        skipped: Option<Vec<Text>>,
        /// The class of the data.
        class: Option<Class>,
        /// What the reader found in the text, by kind; counts only.
        findings: Option<BTreeMap<Word, Count>>,
        /// The policy's rules that permit it.
        rules: Option<Vec<Text>>,
        /// The hash of the policy that judged.
        policy: Digest,
        /// The hash of the configuration in force.
        config: Digest,
        /// The hash of the catalogue in force.
        catalog: Option<Digest>,
        /// The hash of the obligations in force.
        law: Option<Digest>,
        /// The id of the money held.
        reservation: Option<Text>,
        /// The salted commitment to the request's bytes.
        commitment: Digest,
    }
}

record! {
    /// A request that was refused before anything of it was sent.
    Refusal {
        /// The request's id.
        request: Text,
        /// The id of the caller's key.
        key: Text,
        /// The caller's team.
        team: Text,
        /// The interface it came in by.
        surface: Text,
        /// The model that was asked for, where the request could be read so far.
        model: Option<Text>,
        /// Why, as the code that the caller was told.
        reason: Text,
        /// The policy's rule that refused it, where one did.
        rule: Option<Text>,
        /// The destinations that are permitted and cannot be asked: each with why.
        skipped: Option<Vec<Text>>,
        /// The class of the data.
        class: Option<Class>,
        /// What the reader found in the text, by kind; counts only.
        findings: Option<BTreeMap<Word, Count>>,
        /// The hash of the policy in force.
        policy: Digest,
        /// The hash of the configuration in force.
        config: Digest,
        /// The hash of the catalogue in force.
        catalog: Option<Digest>,
        /// The salted commitment to the request's bytes.
        commitment: Digest,
    }
}

record! {
    /// A request sent to another destination than the first.
    Attempt {
        /// The index of the decision's entry.
        decision: Count,
        /// The request's id.
        request: Text,
        /// Where it was sent.
        destination: Text,
        /// Which attempt it is; the first is 1.
        number: u32,
        /// Why the one before did not do.
        reason: Text,
        /// Bytes of an answer that the one before gave, and that were handed over.
        answer_bytes: Option<Count>,
        /// Tokens of that.
        completion_tokens: Option<Count>,
    }
}

record! {
    /// How a decided request ended; claims bytes handed to the transport, never their receipt.
    Outcome {
        /// The index of the decision's entry.
        decision: Count,
        /// The request's id.
        request: Text,
        /// How it ended.
        ending: Ending,
        /// Why, where it was not answered.
        reason: Option<Text>,
        /// The HTTP status that the caller was given.
        status: Option<u16>,
        /// The destination that served.
        destination: Option<Text>,
        /// How many destinations were tried.
        attempts: u32,
        /// Tokens of the prompt, as the destination counted them.
        prompt_tokens: Option<Count>,
        /// Tokens of the answer.
        completion_tokens: Option<Count>,
        /// Bytes of the answer handed to the transport.
        answer_bytes: Count,
        /// Characters of the answer that came from the destination before, where two gave it.
        seam_at: Option<Count>,
        /// The salted commitment to the answer's bytes.
        commitment: Option<Digest>,
        /// From the request's first byte to the answer's last, in microseconds.
        duration_us: Option<Count>,
        /// From the request's first byte to the answer's first, in microseconds; nothing where none was handed over.
        first_byte_us: Option<Count>,
        /// The key exchange of the connection to the destination, such as `X25519MLKEM768`.
        tls_group: Option<Text>,
        /// Why the model stopped, as the destination said.
        finish: Option<Text>,
        /// How many findings were masked or disguised in what the destination was sent.
        hidden: Option<Count>,
        /// What the reader found in the answer, by kind; counts only.
        findings: Option<BTreeMap<Word, Count>>,
        /// The label that the answer carried for its reader, such as that a machine wrote it.
        label: Option<Text>,
        /// Who must review the answer before it is used.
        review: Option<Text>,
        /// What it cost.
        cost: Option<Cost>,
    }
}

record! {
    /// Something an operator changed.
    Administration {
        /// What was done.
        action: Action,
        /// To what.
        subject: Text,
        /// By whom.
        by: Text,
        /// What else belongs to that action, by name.
        detail: BTreeMap<Word, Text>,
    }
}

record! {
    /// The program began to serve.
    Start {
        /// Its version.
        version: Text,
        /// The hash of its configuration.
        config: Digest,
    }
}

record! {
    /// The program was told to stop.
    Stop {
        /// Why.
        reason: Text,
    }
}

record! {
    /// Kept payloads were made unreadable by destroying their keys.
    Erasure {
        /// What they were, such as a tenant and a month.
        scope: Text,
        /// The ids of the keys destroyed.
        keys: Vec<Text>,
        /// By whom.
        by: Text,
    }
}

/// The class of the data in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// May be public.
    Open,
    /// Personal or internal; what is unknown counts as this.
    Sensitive,
    /// Secret by law.
    Classified,
}

impl Class {
    /// All of them, from the lowest.
    pub const ALL: [Self; 3] = [Self::Open, Self::Sensitive, Self::Classified];

    /// As entries name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sensitive => "sensitive",
            Self::Classified => "classified",
        }
    }
}

/// How a decided request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The whole answer was handed to the transport.
    Answered,
    /// The caller was told of an error.
    Failed,
    /// The caller left.
    Cancelled,
    /// The program gave up on it, as when it stops.
    Abandoned,
    /// The program ended before it could say; written at the next start.
    Lost,
}

macro_rules! actions {
    ($(#[$doc:meta])* $name:ident { $(#[doc = $action_doc:literal] $action:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = $action_doc] #[serde(rename = $word)] $action,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// As entries name it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$action => $word,)*
                }
            }
        }
    };
}

actions! {
    /// What an operator can do.
    Action {
        /// A caller's key was made.
        KeyCreate = "key.create",
        /// A caller's key was revoked.
        KeyRevoke = "key.revoke",
        /// The log's own keys were replaced.
        KeyRotate = "key.rotate",
        /// A voucher was granted.
        VoucherGrant = "voucher.grant",
        /// A voucher was closed.
        VoucherClose = "voucher.close",
        /// A policy came into force.
        PolicyChange = "policy.change",
        /// A catalogue came into force.
        CatalogChange = "catalog.change",
        /// A configuration came into force.
        ConfigurationChange = "configuration.change",
        /// A model was added.
        ModelAdd = "model.add",
        /// A model was removed.
        ModelRemove = "model.remove",
        /// The record of an earlier version was taken over: its last line's hash is in the detail.
        RecordAdopt = "record.adopt",
        /// A model was evaluated.
        EvaluationFinish = "evaluation.finish",
        /// A destination was withdrawn.
        WithdrawalBegin = "withdrawal.begin",
        /// A withdrawn destination was taken back.
        WithdrawalEnd = "withdrawal.end",
        /// Something that waited for it was approved.
        ApprovalGive = "approval.give",
        /// A drill began.
        DrillBegin = "drill.begin",
        /// A drill ended.
        DrillEnd = "drill.end",
        /// An account of the console was made.
        AccountCreate = "account.create",
        /// An account got another role, team or password.
        AccountChange = "account.change",
        /// An account was closed.
        AccountClose = "account.close",
        /// An account rests after wrong passwords.
        AccountLock = "account.lock",
        /// Somebody signed in.
        SessionBegin = "session.begin",
        /// Somebody signed out.
        SessionEnd = "session.end",
    }
}

/// What an entry says, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each kind is described at its struct")]
pub enum Body {
    Decision(Decision),
    Refusal(Refusal),
    Attempt(Attempt),
    Outcome(Outcome),
    Administration(Administration),
    Start(Start),
    Stop(Stop),
    Erasure(Erasure),
}

impl Body {
    /// The kind's name in the schema.
    pub fn kind(&self) -> &'static str {
        match self {
            Body::Decision(_) => "decision",
            Body::Refusal(_) => "refusal",
            Body::Attempt(_) => "attempt",
            Body::Outcome(_) => "outcome",
            Body::Administration(_) => "administration",
            Body::Start(_) => "start",
            Body::Stop(_) => "stop",
            Body::Erasure(_) => "erasure",
        }
    }

    /// All fields but those that the log adds, each written; fails where the whole entry would be too long.
    pub fn to_fields(&self) -> Result<Fields, EntryError> {
        let mut fields = Fields::default();
        fields.add("kind", self.kind())?;
        match self {
            Body::Decision(body) => {
                check_list("destinations", &body.destinations)?;
                body.rules.iter().try_for_each(|rules| check_list("rules", rules))?;
                body.skipped.iter().try_for_each(|skipped| check_list("skipped", skipped))?;
                body.fields(&mut fields)
            }
            Body::Refusal(body) => {
                body.skipped.iter().try_for_each(|skipped| check_list("skipped", skipped))?;
                body.fields(&mut fields)
            }
            Body::Attempt(body) => body.fields(&mut fields),
            Body::Outcome(body) => body.fields(&mut fields),
            Body::Administration(body) => body.fields(&mut fields),
            Body::Start(body) => body.fields(&mut fields),
            Body::Stop(body) => body.fields(&mut fields),
            Body::Erasure(body) => check_list("keys", &body.keys).and_then(|()| body.fields(&mut fields)),
        }?;
        fields.check_length()?;
        Ok(fields)
    }

    fn from_fields(kind: &str, fields: serde_json::Value) -> Result<Body, EntryError> {
        fn read<B: for<'de> Deserialize<'de>>(fields: serde_json::Value) -> Result<B, EntryError> {
            serde_json::from_value(fields).map_err(|error| EntryError::Schema(error.to_string()))
        }
        Ok(match kind {
            "decision" => Body::Decision(read(fields)?),
            "refusal" => Body::Refusal(read(fields)?),
            "attempt" => Body::Attempt(read(fields)?),
            "outcome" => Body::Outcome(read(fields)?),
            "administration" => Body::Administration(read(fields)?),
            "start" => Body::Start(read(fields)?),
            "stop" => Body::Stop(read(fields)?),
            "erasure" => Body::Erasure(read(fields)?),
            other => return Err(EntryError::Schema(format!("unknown kind `{other}`"))),
        })
    }
}

/// A list names something, and nothing twice.
fn check_list(name: &str, list: &[Text]) -> Result<(), EntryError> {
    let twice = list.iter().enumerate().any(|(at, text)| list.iter().take(at).any(|before| before == text));
    if list.is_empty() || twice {
        return Err(EntryError::Schema(format!("`{name}` is empty or names something twice")));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Common {
    at: String,
    kind: String,
    replica: String,
    seq: Count,
    v: serde_json::Value,
}

impl Entry {
    /// The entry's canonical bytes (RFC 8785): what is hashed into the tree.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        let mut bytes = Vec::new();
        self.body.to_fields()?.write(&Stamp::new(self.at, self.replica)?, self.seq, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads an entry, strictly: every field known, none missing, and the very bytes that [`Entry::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Entry, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let schema = |error: serde_json::Error| EntryError::Schema(error.to_string());
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes).map_err(schema)?;
        let common: Common = serde_json::from_value(fields.clone().into()).map_err(schema)?;
        if common.v != SCHEMA_VERSION {
            return Err(EntryError::Version(common.v.to_string()));
        }
        for name in ["at", "kind", "replica", "seq", "v"] {
            fields.remove(name);
        }
        let entry = Entry {
            at: canonical::parse_time(&common.at)?,
            replica: canonical::parse_replica(&common.replica)?,
            seq: common.seq.0,
            body: Body::from_fields(&common.kind, fields.into())?,
        };
        // One comparison refuses white space, another order of fields, a field given twice, needless escapes and `null`.
        if entry.to_bytes()? == bytes { Ok(entry) } else { Err(EntryError::NotCanonical) }
    }
}

#[cfg(test)]
mod tests;
