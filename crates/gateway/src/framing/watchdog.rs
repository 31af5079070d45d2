//! One timer a connection, set seldom: it wakes at or before the time that matters, and is then set anew.
//!
//! Setting a timer at every read would cost more than reading. Knows nothing of what it watches.

use std::task::{Context, Poll};

use crate::clock::{Clock, Moment, Sleep};

/// A connection's timer.
pub(super) struct Watchdog {
    clock: Clock,
    set: Option<(Moment, Sleep)>,
}

impl Watchdog {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, set: None }
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Whether `deadline` has passed. If not, the task is woken at it or before, and has to ask again.
    pub(super) fn passed(&mut self, deadline: Moment, cx: &mut Context<'_>) -> bool {
        loop {
            match &mut self.set {
                Some((at, timer)) if *at <= deadline => match timer.as_mut().poll(cx) {
                    Poll::Pending => return false,
                    Poll::Ready(()) => {
                        self.set = None;
                        if self.clock.now() >= deadline {
                            return true;
                        }
                    }
                },
                _ => self.set = Some((deadline, self.clock.sleep_until(deadline))),
            }
        }
    }
}
