//! One thing that is wrong: where, what, and what it means for whoever relies on the log.

use serde::Serialize;

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Whether the log's promise is broken by it.
    pub severity: Severity,
    /// The file, from the log's directory.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: Option<u64>,
    /// Which entry, counted from 0.
    pub entry: Option<u64>,
    /// What is wrong.
    pub wrong: String,
    /// What that means.
    pub means: &'static str,
}

/// Whether a finding breaks the log's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The log is not what its signatures or its format promise.
    Fault,
    /// Worth knowing; the entries and their signatures hold.
    Notice,
}

/// What kind of thing was found. The word is stable; a program may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// There is no checkpoint.
    NoCheckpoint,
    /// A checkpoint cannot be read.
    MalformedCheckpoint,
    /// A checkpoint or a key names another log.
    OtherOrigin,
    /// The log's own signature is missing.
    NotSigned,
    /// A signature by a known key does not hold.
    BadSignature,
    /// Too few witnesses.
    QuorumNotMet,
    /// Fewer entries than were signed for.
    EntriesMissing,
    /// The entries lead to another root than the newest checkpoint's.
    RootMismatch,
    /// The entries lead to another root than an earlier checkpoint's.
    HistoryRewritten,
    /// The newest checkpoint is older than one that somebody kept.
    RolledBack,
    /// The file `signed` cannot be read or contradicts the log.
    SignedState,
    /// A file that the log does not write.
    UnexpectedFile,
    /// A segment's header is not what it must be.
    SegmentHeader,
    /// Entries are missing between two segments, or stand in two.
    SegmentGap,
    /// Bytes that are not a record where one must be.
    DamagedRecord,
    /// A record's checksum is not that of its bytes.
    BadChecksum,
    /// A record's leaf hash is not that of its entry.
    WrongLeafHash,
    /// A record's durable size cannot be true.
    DurableSize,
    /// An entry is not canonical JSON.
    NotCanonical,
    /// An entry says what the schema does not know.
    NotInSchema,
    /// An outcome of something that is not a decision.
    OutcomeWithoutDecision,
    /// A second outcome of one decision.
    SecondOutcome,
    /// An attempt for something that is not an open decision.
    AttemptWithoutDecision,
    /// A destination that the decision did not permit.
    NotPermitted,
    /// An entry names another request than its decision.
    OtherRequest,
    /// A replica's counter leaps or repeats.
    CounterJump,
    /// An entry is dated before one that stands before it.
    TimeBackwards,
    /// An entry is dated after the signature that covers it.
    TimeAfterSignature,
    /// A tile or bundle differs from the segments.
    DerivedFileWrong,
    /// A tile or bundle is missing.
    DerivedFileMissing,
}

impl FindingKind {
    /// The stable word for it.
    pub fn word(self) -> &'static str {
        self.told().0
    }

    /// What it means for whoever relies on the log.
    pub fn means(self) -> &'static str {
        self.told().1
    }

    /// Whether it breaks the log's promise.
    pub fn severity(self) -> Severity {
        self.told().2
    }

    // What is derived can be made again from what is signed, and a clock that was set back for an honest reason looks like
    // one that was not: those are notices.
    #[expect(clippy::too_many_lines, reason = "a table, a row for each kind, that the compiler keeps complete")]
    fn told(self) -> (&'static str, &'static str, Severity) {
        use Severity::{Fault, Notice};
        match self {
            Self::NoCheckpoint => {
                ("no-checkpoint", "nothing in this directory is signed, so nothing in it is proved", Fault)
            }
            Self::MalformedCheckpoint => ("malformed-checkpoint", "what it was to prove is not proved", Fault),
            Self::OtherOrigin => ("other-origin", "it speaks of another log, or this log took another's name", Fault),
            Self::NotSigned => ("not-signed", "whoever made this checkpoint did not hold the keys you trust", Fault),
            Self::BadSignature => ("bad-signature", "the checkpoint or its signature was changed after signing", Fault),
            Self::QuorumNotMet => {
                ("quorum-not-met", "nobody outside can say that this is the history that everyone was shown", Fault)
            }
            Self::EntriesMissing => {
                ("entries-missing", "entries that were signed for have been cut off or lost", Fault)
            }
            Self::RootMismatch => (
                "root-mismatch",
                "at least one entry before this size was changed, added, removed or moved after it was signed",
                Fault,
            ),
            Self::HistoryRewritten => (
                "history-rewritten",
                "the log signed this earlier history and now shows another: kept and new checkpoint together prove it",
                Fault,
            ),
            Self::RolledBack => {
                ("rolled-back", "the newest checkpoint was replaced by an older one, to hide what came later", Fault)
            }
            Self::SignedState => {
                ("signed-state", "the log has lost what it may have signed, or its memory of that was changed", Fault)
            }
            Self::UnexpectedFile => ("unexpected-file", "something other than the log has written here", Fault),
            Self::SegmentHeader => {
                ("segment-header", "the file was damaged, replaced or brought from another log", Fault)
            }
            Self::SegmentGap => {
                ("segment-gap", "a segment was removed, renamed or cut; entries are missing or doubled", Fault)
            }
            Self::DamagedRecord => (
                "damaged-record",
                "what stood in these bytes is lost, and no root covers what stands behind them",
                Fault,
            ),
            Self::BadChecksum => {
                ("bad-checksum", "the bytes were changed after they were written, or the disk lost some", Fault)
            }
            Self::WrongLeafHash => ("wrong-leaf-hash", "the entry was changed and its checksum made anew", Fault),
            Self::DurableSize => {
                ("durable-size", "the record was not written here, or not when its neighbours were", Fault)
            }
            Self::NotCanonical => {
                ("not-canonical", "it can be read in more than one way, or was not written by this log", Fault)
            }
            Self::NotInSchema => {
                ("not-in-schema", "it was not written by this log, or by a version newer than this reader", Fault)
            }
            Self::OutcomeWithoutDecision => {
                ("outcome-without-decision", "something was done that nothing permitted", Fault)
            }
            Self::SecondOutcome => ("second-outcome", "one of the two accounts of this request is not true", Fault),
            Self::AttemptWithoutDecision => {
                ("attempt-without-decision", "something was sent that nothing permitted, or after it had ended", Fault)
            }
            Self::NotPermitted => ("not-permitted", "data went where the decision did not let it go", Fault),
            Self::OtherRequest => ("other-request", "the entry was attached to a decision that is not its own", Fault),
            Self::CounterJump => {
                ("counter-jump", "entries of this replica are missing, doubled or out of order", Fault)
            }
            Self::TimeBackwards => {
                ("time-backwards", "a clock was set back, or the entry was dated or moved falsely", Notice)
            }
            Self::TimeAfterSignature => {
                ("time-after-signature", "the entry or the signature is dated falsely, or a clock was wrong", Notice)
            }
            Self::DerivedFileWrong => (
                "derived-file-wrong",
                "readers of this file were shown what the signed tree does not hold; it can be rebuilt from segments",
                Fault,
            ),
            Self::DerivedFileMissing => ("derived-file-missing", "it can be rebuilt from the segments", Notice),
        }
    }
}

impl Finding {
    /// About a file as a whole.
    pub(crate) fn of_file(kind: FindingKind, file: &str, wrong: String) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            file: file.to_owned(),
            offset: None,
            entry: None,
            wrong,
            means: kind.means(),
        }
    }

    /// About a place in a file, and the entry there.
    pub(crate) fn at(kind: FindingKind, file: &str, offset: u64, entry: Option<u64>, wrong: String) -> Self {
        Self { offset: Some(offset), entry, ..Self::of_file(kind, file, wrong) }
    }
}
