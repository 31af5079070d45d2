//! The stream between a socket and the HTTP library: hands on whole, proper heads and the bodies that they announce.
//!
//! A head that arrives in one read stays where it was read; only what comes in pieces, or too early, is held. What is
//! refused is handed on as a request of our own making, for which the service gives the refusal: so it is answered in its
//! turn, by the same code as all else. Knows nothing of what a request asks.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::chunks::Chunks;
use super::exchange::Exchange;
use super::head::{self, BodyFraming};
use super::watchdog::Watchdog;
use super::{Refusal, refusals as no};
use crate::clock::{Clock, Moment};
use crate::config::Limits;

/// Stands for a request that is refused: the service finds the refusal in the [`Exchange`].
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\n\r\n";
/// A body has this long before its rate counts: a lost packet is not slowness.
const BODY_GRACE: Duration = Duration::from_secs(10);
/// Slower than this, on the whole, no body is waited for: a tenth of the slowest mobile network.
const BODY_BYTES_PER_SECOND_MIN: u64 = 1024;
/// How much is read at once of what has to be held.
const HELD_READ_BYTES: usize = 4 * 1024;
/// After the last answer, what still comes is read and thrown away for this long, so that the answer is not lost to a reset
/// (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);
/// And at most this much of it.
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// A socket whose requests are framed properly, or refused.
pub(crate) struct Guard<S> {
    socket: S,
    exchange: Arc<Exchange>,
    limits: Limits,
    watchdog: Watchdog,
    /// What of a request is read next.
    next: Next,
    held: Held,
    /// When the last head was whole.
    asked_at: Moment,
    /// Since when a write makes no progress.
    stalled_since: Option<Moment>,
    /// The caller has ended its side.
    ended: bool,
    linger: Option<Linger>,
}

#[derive(Debug)]
enum Next {
    /// A head. `since`: when its first byte was seen.
    Head { since: Option<Moment> },
    /// The rest of a body. `since`: when it was first waited for; `bytes`: how many have come since.
    Body { body: Body, since: Option<Moment>, bytes: u64 },
    /// Nothing: the caller was refused, or asked for an upgrade.
    Nothing,
}

#[derive(Debug)]
enum Body {
    Sized(u64),
    Chunked(Chunks),
}

/// Bytes that were read and not handed on: a head in pieces, or what came before its turn.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// Handed on up to here.
    from: usize,
    /// To be handed on up to here.
    proper: usize,
    /// Looked at, in vain, up to here.
    looked: usize,
}

struct Linger {
    until: Moment,
    bytes: usize,
}

impl<S> Guard<S> {
    /// Guards `socket`. The limits hold for all of its connection.
    pub(crate) fn new(socket: S, exchange: Arc<Exchange>, limits: Limits, clock: Clock) -> Self {
        let (next, held) = (Next::Head { since: None }, Held::default());
        let watchdog = Watchdog::new(clock);
        let (asked_at, stalled_since) = (watchdog.now(), None);
        Self { socket, exchange, limits, watchdog, next, held, asked_at, stalled_since, ended: false, linger: None }
    }

    /// Lets the service answer `refusal` in the turn of what was refused, and takes no more.
    fn refuse(&mut self, refusal: Refusal) {
        self.exchange.begin_refused(refusal);
        self.held = Held { bytes: STAND_IN.to_vec(), proper: STAND_IN.len(), ..Held::default() };
        self.next = Next::Nothing;
    }

    /// Takes the head at the start of `bytes`, if it is whole.
    fn take_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let Some(head) = head::read(bytes)? else {
            let too_large = bytes.len() >= self.limits.head_bytes_max;
            return if too_large { Err(no::HEAD_LARGE) } else { Ok(None) };
        };
        if head.bytes > self.limits.head_bytes_max {
            return Err(no::HEAD_LARGE);
        }
        self.asked_at = self.watchdog.now();
        self.exchange.begin(head.last);
        let body = match head.body {
            BodyFraming::Absent => None,
            BodyFraming::Sized(bytes) => Some(Body::Sized(bytes)),
            BodyFraming::Chunked => Some(Body::Chunked(Chunks::START)),
        };
        self.next = match body {
            Some(body) => Next::Body { body, since: None, bytes: 0 },
            None => self.after_request(),
        };
        Ok(Some(head.bytes))
    }

    /// Takes what of `bytes` belongs to the body; gives how many that are.
    fn take_body(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let Next::Body { body, bytes: count, .. } = &mut self.next else { return Ok(0) };
        let (taken, ended) = match body {
            Body::Sized(left) => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                (taken, *left == 0)
            }
            Body::Chunked(chunks) => {
                // What turns out broken may be looked at again, from where it began.
                let mut ahead = *chunks;
                let taken = ahead.advance(bytes)?;
                *chunks = ahead;
                (taken, chunks.ended())
            }
        };
        *count += taken as u64;
        if ended {
            self.next = self.after_request();
        }
        Ok(taken)
    }

    fn after_request(&self) -> Next {
        if self.exchange.is_last() { Next::Nothing } else { Next::Head { since: None } }
    }

    /// Looks at what was just read straight into the library's buffer; leaves there what may be handed on, and holds the
    /// rest. False if nothing is left.
    fn look_at(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> io::Result<bool> {
        let read = buf.filled().get(before..).unwrap_or_default();
        let head_bytes = match self.next {
            Next::Head { .. } => match self.take_head(read) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    self.next = Next::Head { since: Some(self.watchdog.now()) };
                    0
                }
                Err(refusal) => {
                    self.refuse(refusal);
                    buf.set_filled(before);
                    return Ok(false);
                }
            },
            Next::Body { .. } | Next::Nothing => 0,
        };
        let rest = read.get(head_bytes..).unwrap_or_default();
        // A body that is broken from its start is told to the body's reader: its head has been handed on.
        let proper = match self.take_body(rest) {
            Ok(bytes) => head_bytes + bytes,
            Err(refusal) if head_bytes == 0 => return Err(self.break_off(refusal)),
            Err(_) => head_bytes,
        };
        self.held.put(read.get(proper..).unwrap_or_default());
        if matches!(self.next, Next::Head { since: Some(_) }) {
            self.held.looked = self.held.bytes.len();
        }
        buf.set_filled(before + proper);
        Ok(proper > 0)
    }

    /// Takes what can be taken of the bytes held. True if that changed anything.
    fn look_at_held(&mut self) -> io::Result<bool> {
        let held = std::mem::take(&mut self.held.bytes);
        let looked = std::mem::replace(&mut self.held.looked, held.len());
        let rest = held.get(self.held.from..).unwrap_or_default();
        let new = held.len() - looked;
        let in_vain = looked > 0 && rest.len() < self.limits.head_bytes_max && !head::may_be_whole(rest, new);
        let taken = match self.next {
            Next::Head { .. } if in_vain => Ok(0),
            Next::Head { .. } => match self.take_head(rest) {
                Ok(taken) => Ok(taken.unwrap_or(0)),
                Err(refusal) => {
                    self.refuse(refusal);
                    return Ok(true);
                }
            },
            Next::Body { .. } => self.take_body(rest),
            Next::Nothing => Ok(0),
        };
        self.held.bytes = held;
        let taken = taken.map_err(|refusal| self.break_off(refusal))?;
        self.held.proper = self.held.from + taken;
        Ok(taken > 0)
    }

    /// The error that tells the body's reader of `refusal`. Nothing more is taken.
    fn break_off(&mut self, refusal: Refusal) -> io::Error {
        self.next = Next::Nothing;
        self.held = Held::default();
        let slow = refusal.status == http::StatusCode::REQUEST_TIMEOUT;
        io::Error::new(if slow { io::ErrorKind::TimedOut } else { io::ErrorKind::InvalidData }, refusal)
    }

    /// Whether the time for what is awaited has run out, and what follows from that. The task is woken when it may have.
    fn run_out(&mut self, cx: &mut Context<'_>) -> Option<RunOut> {
        let now = self.watchdog.now();
        let (deadline, then) = match (&mut self.next, self.exchange.idle_since()) {
            (Next::Body { since, bytes, .. }, _) => {
                let since = *since.get_or_insert(now);
                let at_rate = BODY_GRACE + Duration::from_secs(*bytes / BODY_BYTES_PER_SECOND_MIN);
                (since.plus(at_rate.min(self.limits.body_time_max)), Some(RunOut::Body))
            }
            // The answer's own time is not measured here; looked at again when idleness could have lasted too long.
            (Next::Head { .. } | Next::Nothing, None) => (now.plus(self.limits.idle_time_max), None),
            (Next::Head { since: Some(since) }, Some(_)) => (since.plus(self.limits.head_time_max), Some(RunOut::Head)),
            (Next::Head { since: None } | Next::Nothing, Some(idle)) => {
                (idle.plus(self.limits.idle_time_max), Some(RunOut::Idle))
            }
        };
        self.watchdog.passed(deadline, cx).then_some(then).flatten()
    }
}

/// What was awaited for too long.
enum RunOut {
    Idle,
    Head,
    Body,
}

impl Held {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes that are not yet known to be proper.
    fn unread(&self) -> usize {
        self.bytes.len() - self.proper
    }

    /// Hands on what is proper, as far as there is room; gives the memory back with the last byte.
    fn hand_on(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let proper = self.bytes.get(self.from..self.proper).unwrap_or_default();
        let here = proper.get(..proper.len().min(buf.remaining())).unwrap_or_default();
        if here.is_empty() {
            return false;
        }
        buf.put_slice(here);
        self.from += here.len();
        if self.from == self.bytes.len() {
            *self = Self::default();
        } else if self.from == self.proper {
            self.bytes.drain(..self.from);
            (self.from, self.proper, self.looked) = (0, 0, 0);
        }
        true
    }
}

impl<S: AsyncRead + Unpin> Guard<S> {
    /// Reads more into what is held. `Ok(0)`: the caller has ended.
    fn read_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut place = [0; HELD_READ_BYTES];
        let mut buf = ReadBuf::new(&mut place);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buf))?;
        self.ended |= buf.filled().is_empty();
        self.held.put(buf.filled());
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Nothing can be handed on now: waits, or ends what was waited for too long.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        match self.run_out(cx) {
            None => Poll::Pending,
            Some(RunOut::Idle) => Poll::Ready(Ok(Step::End)),
            Some(RunOut::Head) => {
                self.refuse(no::HEAD_SLOW);
                Poll::Ready(Ok(Step::Again))
            }
            Some(RunOut::Body) => Poll::Ready(Err(self.break_off(no::BODY_SLOW))),
        }
    }

    /// While an answer is under way: watches whether its caller leaves, and holds what comes too early.
    fn hold(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        while self.held.unread() < self.limits.head_bytes_max {
            match self.read_held(cx)? {
                Poll::Ready(0) => return Poll::Ready(Ok(Step::End)),
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        if self.held.unread() > 0 {
            self.exchange.hold(cx.waker());
            if self.exchange.idle_since().is_some() {
                return Poll::Ready(Ok(Step::Again));
            }
        }
        self.wait(cx)
    }

    /// Goes on with a head that is held in part, or with what came before its turn.
    fn go_on_with_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        if self.look_at_held()? {
            return Poll::Ready(Ok(Step::Again));
        }
        if let Next::Head { since } = &mut self.next {
            since.get_or_insert_with(|| self.watchdog.now());
        }
        match self.read_held(cx)? {
            Poll::Ready(0) => Poll::Ready(Ok(Step::End)),
            Poll::Ready(_) => Poll::Ready(Ok(Step::Again)),
            Poll::Pending => self.wait(cx),
        }
    }

    /// Reads straight into the library's buffer.
    fn go_on(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<Step>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.socket).poll_read(cx, buf)? {
            Poll::Ready(()) if buf.filled().len() == before => {
                self.ended = true;
                Poll::Ready(Ok(Step::End))
            }
            Poll::Ready(()) if self.look_at(buf, before)? => Poll::Ready(Ok(Step::Handed)),
            Poll::Ready(()) => Poll::Ready(Ok(Step::Again)),
            Poll::Pending => self.wait(cx),
        }
    }
}

/// What came of one step of reading.
enum Step {
    /// Bytes were handed on.
    Handed,
    /// Something changed; look again.
    Again,
    /// No bytes will come.
    End,
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    /// Hands on bytes of proper requests only. No bytes: the caller has ended, or nothing more is taken.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.held.hand_on(buf) {
                return Poll::Ready(Ok(()));
            }
            let answering = this.exchange.idle_since().is_none();
            let step = match this.next {
                Next::Head { .. } | Next::Nothing if answering => ready!(this.hold(cx))?,
                Next::Nothing => Step::End,
                Next::Head { .. } | Next::Body { .. } if this.held.unread() > 0 => ready!(this.go_on_with_held(cx))?,
                Next::Head { .. } | Next::Body { .. } => ready!(this.go_on(cx, buf))?,
            };
            match step {
                Step::Again => {}
                Step::Handed | Step::End => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Guard<S> {
    /// Ends a connection whose caller takes nothing for too long, or takes so little at a time that the whole takes too long:
    /// while a write waits, the answer itself is not asked, and cannot end by its own limit.
    fn watch_write(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.stalled_since = None;
            return wrote;
        }
        let now = self.watchdog.now();
        let since = *self.stalled_since.get_or_insert(now);
        let Limits { body_time_max, answer_time_max, write_stall_time_max, .. } = self.limits;
        let whole = self.asked_at.plus(body_time_max).plus(answer_time_max);
        if self.watchdog.passed(since.min(whole).plus(write_stall_time_max), cx) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the caller has stopped reading")));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.watch_write(cx, wrote)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.watch_write(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    /// Ends our side; if the caller may still be sending, takes that until it ends too, within limits.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
            let quiet = matches!(this.next, Next::Head { since: None }) && this.held.unread() == 0;
            if this.ended || quiet {
                return Poll::Ready(Ok(()));
            }
        }
        let until = this.watchdog.now().plus(LINGER);
        let linger = this.linger.get_or_insert(Linger { until, bytes: 0 });
        let mut place = [0; HELD_READ_BYTES];
        while linger.bytes < LINGER_BYTES_MAX {
            let mut buf = ReadBuf::new(&mut place);
            match Pin::new(&mut this.socket).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if buf.filled().is_empty() => break,
                Poll::Ready(Ok(())) => linger.bytes += buf.filled().len(),
                Poll::Ready(Err(_)) => break,
                Poll::Pending if this.watchdog.passed(linger.until, cx) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}
