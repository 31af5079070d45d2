//! What the two ends of one connection have to know of each other: the guard under the HTTP library, and the service above.
//!
//! Knows nothing of bytes.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Frame, SizeHint};

use super::Refusal;
use crate::clock::{Clock, Moment};

/// While a request is being answered; no clock reaches it.
const ANSWERING: u64 = u64::MAX;

/// The state of one connection that both its ends see.
#[derive(Debug)]
pub(crate) struct Exchange {
    clock: Clock,
    /// [`ANSWERING`], or the microsecond of the clock since which nothing is being answered.
    idle_since_us: AtomicU64,
    /// Set by the guard before it hands on the request that stands for the refused one; read by the service.
    refused: AtomicBool,
    refusal: Mutex<Option<Refusal>>,
    /// The request being answered is the connection's last.
    last: AtomicBool,
    /// Wakes the guard, when it holds the next request back until the answer has ended.
    holding: AtomicWaker,
}

impl Exchange {
    /// A fresh connection.
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        let idle_since_us = AtomicU64::new(clock.now().as_micros());
        Arc::new(Self {
            clock,
            idle_since_us,
            refused: AtomicBool::new(false),
            refusal: Mutex::new(None),
            last: AtomicBool::new(false),
            holding: AtomicWaker::new(),
        })
    }

    /// The guard hands on a request.
    pub(super) fn begin(&self, last: bool) {
        self.idle_since_us.store(ANSWERING, Ordering::Release);
        if last {
            self.last.store(true, Ordering::Release);
        }
    }

    /// The guard hands on a request that stands for what it refused.
    pub(super) fn begin_refused(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
        self.refused.store(true, Ordering::Release);
        self.begin(true);
    }

    /// Why the request that has arrived is not one, if it is not.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        if !self.refused.load(Ordering::Acquire) {
            return None;
        }
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the connection must be closed behind the answer.
    pub(crate) fn is_last(&self) -> bool {
        self.last.load(Ordering::Acquire)
    }

    /// Since when nothing is being answered; `None` while something is.
    pub(super) fn idle_since(&self) -> Option<Moment> {
        let since = self.idle_since_us.load(Ordering::Acquire);
        (since != ANSWERING).then(|| Moment::from_micros(since))
    }

    /// Has the guard woken when the answer has ended.
    pub(super) fn hold(&self, waker: &Waker) {
        self.holding.register(waker);
    }

    fn answered(&self) {
        self.idle_since_us.store(self.clock.now().as_micros(), Ordering::Release);
        self.holding.wake();
    }
}

/// An answer's body that tells its connection when it has ended, or is given up.
#[derive(Debug)]
pub(crate) struct Answered {
    body: Body,
    exchange: Arc<Exchange>,
}

impl Answered {
    /// Watches `body` for `exchange`.
    pub(crate) fn new(body: Body, exchange: Arc<Exchange>) -> Self {
        Self { body, exchange }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.exchange.answered();
    }
}

impl http_body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
