//! Time, as a value that is handed in: the only place that reads a clock or sets a timer.
//!
//! A test takes a clock that stands still until the test moves it, and so waits an hour in no time.
//! Knows nothing of what the time is wanted for.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use tokio::sync::watch;

/// A clock: the machine's own, or one that a test moves. Cheap to clone; clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

/// A point of a clock's monotonic time, counted from when the clock was made. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

/// What moves a test's clock. See [`Clock::by_hand`].
#[derive(Clone, Debug)]
pub struct Hand(Arc<HandMoved>);

#[derive(Clone, Debug)]
enum Source {
    System { origin: Instant },
    Hand(Arc<HandMoved>),
}

#[derive(Debug)]
struct HandMoved {
    began: Timestamp,
    /// Owner: [`Hand`]. Time passed since `began`; sleepers wait on the channel.
    passed: watch::Sender<Duration>,
    /// Owner: the sleepers; each takes its own moment out when it ends.
    waits: watch::Sender<Vec<Moment>>,
}

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    pub fn system() -> Self {
        Self(Source::System { origin: Instant::now() })
    }

    /// A clock that shows `began` and moves only when its [`Hand`] moves it.
    pub fn by_hand(began: Timestamp) -> (Self, Hand) {
        let (passed, waits) = (watch::Sender::new(Duration::ZERO), watch::Sender::new(Vec::new()));
        let moved = Arc::new(HandMoved { began, passed, waits });
        (Self(Source::Hand(Arc::clone(&moved))), Hand(moved))
    }

    /// Wall time in UTC. It may jump, back as well as forward: for records and for people, never for waiting.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    pub fn wall(&self) -> Timestamp {
        match &self.0 {
            // A machine set to before 1970 or after 9999 is told the nearest end of what can be written.
            Source::System { .. } => Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH),
            Source::Hand(hand) => hand.began.saturating_add(*hand.passed.borrow()).unwrap_or(Timestamp::MAX),
        }
    }

    /// Monotonic time, for measuring and for limits.
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System { origin } => Moment(origin.elapsed()),
            Source::Hand(hand) => Moment(*hand.passed.borrow()),
        }
    }

    /// Waits for `span`.
    pub fn sleep(&self, span: Duration) -> Sleep {
        self.sleep_until(self.now().plus(span))
    }

    /// Waits until `moment`; at once if it has passed. The wait holds its own share of the clock.
    pub fn sleep_until(&self, moment: Moment) -> Sleep {
        match &self.0 {
            Source::System { origin } => match origin.checked_add(moment.0) {
                Some(at) => Box::pin(tokio::time::sleep_until(at.into())),
                None => Box::pin(std::future::pending()),
            },
            Source::Hand(hand) => {
                let hand = Arc::clone(hand);
                // Counted when made, not when first polled: a test that saw the sleeper may move the hand.
                let counted = Sleeper::count(&hand, moment);
                let mut passed = hand.passed.subscribe();
                Box::pin(async move {
                    let _counted = counted;
                    // An error means that hand and clock are both gone; then nobody waits either.
                    let _ = passed.wait_for(|passed| *passed >= moment.0).await;
                })
            }
        }
    }

    /// Runs `work`, but no longer than `span`. `None` when the time ran out; `work` is dropped then.
    pub async fn within<T>(&self, span: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.sleep(span) => None,
        }
    }
}

/// A wait that a clock gave out.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Moment {
    /// The moment `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// Microseconds since the clock was made; what no clock reaches counts as the largest number.
    pub fn as_micros(self) -> u64 {
        u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX)
    }

    /// The moment `micros` after the clock was made.
    pub fn from_micros(micros: u64) -> Self {
        Self(Duration::from_micros(micros))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Hand {
    /// Moves the clock on by `span` and wakes whoever waited for that.
    pub fn advance(&self, span: Duration) {
        self.0.passed.send_modify(|passed| *passed = passed.saturating_add(span));
    }

    /// How many waits are set now.
    pub fn sleepers(&self) -> usize {
        self.0.waits.borrow().len()
    }

    /// Returns when somebody waits for the time to be `passed` since the clock was made: a test that moves the clock sooner
    /// would wake nobody.
    pub async fn awaited(&self, passed: Duration) {
        let mut waits = self.0.waits.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = waits.wait_for(|waits| waits.contains(&Moment(passed))).await;
    }
}

struct Sleeper(Arc<HandMoved>, Moment);

impl Sleeper {
    fn count(hand: &Arc<HandMoved>, until: Moment) -> Self {
        hand.waits.send_modify(|waits| waits.push(until));
        Self(Arc::clone(hand), until)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.waits.send_modify(|waits| {
            if let Some(at) = waits.iter().position(|until| *until == self.1) {
                waits.swap_remove(at);
            }
        });
    }
}

#[cfg(test)]
mod tests;
