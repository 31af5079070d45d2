//! What a model's name asks of the wall: `fault-cut-at-120`, `hold-after-2`, `echo`. Names only; what each does on the
//! socket is the connection's.

/// How an answer's body is framed; a cut is harder to see in some framings than in others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frame {
    /// In chunks: a cut shows in the framing.
    #[default]
    Chunked,
    /// Until the connection closes: a cut looks like an end, and only the content can tell.
    Close,
}

/// What to do with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A whole, right answer. Any name that is not below.
    None,
    /// `echo`: a right answer whose text is the last message's.
    Echo,
    /// `hold-after-N`: N events, then nothing until [`super::Wall::release`], then the rest.
    HoldAfter(usize),
    /// `late-N`: nothing for N milliseconds, then a right answer.
    Late(u64),
    /// `hang`: nothing, ever.
    Hang,
    /// `fault-NNN`: that status with an error body, before any of the answer.
    Status(u16),
    /// `fault-cut-at-N`: the connection is closed after N bytes of body; `fault-cut-close-at-N` without framing.
    Cut(usize, Frame),
    /// `fault-rst` and `fault-rst-at-N`: reset after N bytes of body.
    Reset(usize),
    /// `fault-stall-at-N`: silence after N bytes of body, the connection left open.
    Stall(usize),
    /// `fault-one-byte`: the whole answer, one byte a write: every split that there is, in UTF-8 too.
    OneByte,
    /// `fault-no-usage`: the tokens are not told.
    NoUsage,
    /// `fault-no-done`: a stream without its end marker.
    NoDone,
    /// `fault-no-finish`: an answer without a reason for its end.
    NoFinish,
    /// `fault-error-inside`: an error as an event after two pieces; not streamed, an error body under status 200.
    ErrorInside,
    /// `fault-abort`: after two pieces a finish that says that the server stopped, then all that ends a right answer.
    Abort,
    /// `fault-empty`: a finish without a word before it.
    Empty,
    /// `fault-malformed`: after two pieces an event that is no JSON.
    Malformed,
    /// `fault-filter` and `fault-filter-first`: a filter ends the answer after two pieces, or before the first.
    Filter {
        /// Before the first piece.
        first: bool,
    },
    /// `fault-kind`: a stream under another content type.
    OtherKind,
    /// `fault-redirect`: to the foreign range.
    Redirect,
    /// `fault-gzip-bomb`: a body said to be gzip, a few KiB that unpack to 64 MiB.
    GzipBomb,
    /// `fault-64mib-event`: one event (or one answer) of 64 MiB.
    HugeEvent,
    /// `fault-not-json`: a page of HTML under status 200.
    NotJson,
    /// `fault-huge-head`: a header of 1 MiB.
    HugeHead,
}

impl Fault {
    /// What the name asks for; what stands before `--` in it says what is answered, not how.
    pub fn of(model: &str) -> Self {
        let model = model.rsplit("--").next().unwrap_or(model);
        let number = |prefix: &str| model.strip_prefix(prefix).and_then(|number| number.parse::<usize>().ok());
        if let Some(events) = number("hold-after-") {
            return Self::HoldAfter(events);
        }
        if let Some(after) = number("late-") {
            return Self::Late(after as u64);
        }
        if let Some(bytes) = number("fault-cut-at-") {
            return Self::Cut(bytes, Frame::Chunked);
        }
        if let Some(bytes) = number("fault-cut-close-at-") {
            return Self::Cut(bytes, Frame::Close);
        }
        if let Some(bytes) = number("fault-rst-at-") {
            return Self::Reset(bytes);
        }
        if let Some(bytes) = number("fault-stall-at-") {
            return Self::Stall(bytes);
        }
        if let Some(status) = number("fault-").and_then(|status| u16::try_from(status).ok()) {
            return Self::Status(status);
        }
        match model {
            "echo" => Self::Echo,
            "hang" => Self::Hang,
            "fault-rst" => Self::Reset(0),
            "fault-one-byte" => Self::OneByte,
            "fault-no-usage" => Self::NoUsage,
            "fault-no-done" => Self::NoDone,
            "fault-no-finish" => Self::NoFinish,
            "fault-error-inside" => Self::ErrorInside,
            "fault-abort" => Self::Abort,
            "fault-empty" => Self::Empty,
            "fault-malformed" => Self::Malformed,
            "fault-filter" => Self::Filter { first: false },
            "fault-filter-first" => Self::Filter { first: true },
            "fault-kind" => Self::OtherKind,
            "fault-redirect" => Self::Redirect,
            "fault-gzip-bomb" => Self::GzipBomb,
            "fault-64mib-event" => Self::HugeEvent,
            "fault-not-json" => Self::NotJson,
            "fault-huge-head" => Self::HugeHead,
            _ => Self::None,
        }
    }
}
