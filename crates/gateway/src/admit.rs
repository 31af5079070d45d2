//! Step 3: may this caller begin now? Rate and concurrency; the [`Slot`] is held until the answer ends.
//!
//! It knows keys and numbers only: neither what is asked nor where it will go. Time comes in as an argument.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use wire::error::Code;

use crate::{
    clock::Moment,
    config::Admission,
    error::ApiError,
    keys::Caller,
    tasks::{Phase, Stop},
};

/// A caller that waits for its own answers to end is told to come back after this long: an answer takes seconds.
const RETRY_WHEN_FULL: Duration = Duration::from_secs(1);
/// A process that drains is replaced within about this time.
const RETRY_WHEN_DRAINING: Duration = Duration::from_secs(5);

/// Bytes of requests' bodies that are held at once: with what is parsed from them about three times as much. 256 MiB is
/// sixteen of the longest bodies, or thousands of common ones.
const BODY_BYTES_MAX: usize = 256 << 20;
/// As much of that as one key may take: four of the longest.
const BODY_BYTES_PER_KEY_MAX: usize = 64 << 20;

/// Who is inside. The one owner of all counts; shared by every request.
#[derive(Debug)]
pub(crate) struct Gate {
    stop: Stop,
    in_flight: AtomicUsize,
    body_bytes: AtomicUsize,
    tallies: Mutex<HashMap<Arc<str>, Arc<Tally>>>,
}

/// What one key has under way. Kept while the process lives: there are no more of them than keys.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    in_flight: AtomicUsize,
    body_bytes: AtomicUsize,
    /// Tokens held by reservations; [`crate::reserve`] owns its meaning.
    pub(crate) tokens_held: AtomicU64,
    /// The generic cell rate algorithm's theoretical arrival time, in microseconds of the process's clock.
    next_arrival_us: AtomicU64,
}

/// Room for one request; dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct Slot {
    caller: Arc<Caller>,
    gate: Arc<Gate>,
    tally: Arc<Tally>,
}

/// Room for the bytes of one request's body; dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct BodyRoom {
    bytes: usize,
    gate: Arc<Gate>,
    tally: Arc<Tally>,
}

/// Takes room for a body of at most so many bytes, before any of them is read: a body is read before its request is judged,
/// and must not cost more than it is let.
pub(crate) fn room_for_body(caller: &Caller, gate: &Arc<Gate>, bytes: usize) -> Result<BodyRoom, ApiError> {
    let tally = gate.tally(&caller.key_id);
    // One that is longer than all together may be, since the operator allows such bodies, comes alone.
    if !take(&gate.body_bytes, bytes, BODY_BYTES_MAX.max(bytes)) {
        let message = "the gateway holds as many bytes of requests as it takes";
        let busy = ApiError::gateway(StatusCode::SERVICE_UNAVAILABLE, Code::ServerBusy, message);
        return Err(busy.retry_after(RETRY_WHEN_FULL));
    }
    if !take(&tally.body_bytes, bytes, BODY_BYTES_PER_KEY_MAX.max(bytes)) {
        gate.body_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let message = format!("the requests of this key take {BODY_BYTES_PER_KEY_MAX} bytes, the most that they may");
        return Err(ApiError::too_many(message, RETRY_WHEN_FULL));
    }
    Ok(BodyRoom { bytes, gate: Arc::clone(gate), tally })
}

impl Drop for BodyRoom {
    fn drop(&mut self) {
        self.tally.body_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.gate.body_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Takes a slot for `caller`, at `now` on the process's clock.
pub(crate) fn admit(caller: Arc<Caller>, gate: &Arc<Gate>, limits: &Admission, now: Moment) -> Result<Slot, ApiError> {
    if gate.is_draining() {
        return Err(ApiError::gateway(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::ServerStopping,
            "the gateway is shutting down and takes no new requests",
        )
        .retry_after(RETRY_WHEN_DRAINING));
    }
    let tally = gate.tally(&caller.key_id);
    if !take(&gate.in_flight, 1, limits.requests_in_flight_max) {
        return Err(ApiError::gateway(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::ServerBusy,
            "the gateway has as many requests under way as it takes",
        )
        .retry_after(RETRY_WHEN_FULL));
    }
    if !take(&tally.in_flight, 1, limits.requests_in_flight_per_key_max) {
        gate.in_flight.fetch_sub(1, Ordering::Relaxed);
        let most = limits.requests_in_flight_per_key_max;
        return Err(ApiError::too_many(
            format!("this key has {most} requests under way, which is the most it may have"),
            RETRY_WHEN_FULL,
        ));
    }
    // From here on, dropping the slot gives back what was taken.
    let slot = Slot { caller, gate: Arc::clone(gate), tally };
    if let Some(most) = limits.requests_per_minute_per_key {
        slot.tally
            .begin(most, now.since(Moment::default()))
            .map_err(|wait| ApiError::too_many(format!("this key may begin {most} requests a minute"), wait))?;
    }
    Ok(slot)
}

impl Gate {
    /// Nobody is inside; once `stop` says so, nobody is let in any more.
    pub(crate) fn new(stop: Stop) -> Self {
        Self { stop, in_flight: AtomicUsize::new(0), body_bytes: AtomicUsize::new(0), tallies: Mutex::default() }
    }

    /// How far the process is on its way out.
    pub(crate) fn phase(&self) -> Phase {
        self.stop.phase()
    }

    /// Whether nobody is let in any more; who is inside stays.
    pub(crate) fn is_draining(&self) -> bool {
        match self.phase() {
            Phase::Running => false,
            Phase::Draining | Phase::Cancelled => true,
        }
    }

    /// Requests under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn tally(&self, key_id: &Arc<str>) -> Arc<Tally> {
        // The lock is held for one look-up. A poisoned map is still a map: nothing in it can be half done.
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = tallies.get(key_id) {
            return Arc::clone(tally);
        }
        Arc::clone(tallies.entry(Arc::clone(key_id)).or_default())
    }
}

impl Slot {
    /// Whose request it is.
    pub(crate) fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// What the caller's key has under way.
    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.tally.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.gate.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tally {
    /// Counts one request against the rate, or says how long until there is room for one.
    fn begin(&self, per_minute_max: u32, now: Duration) -> Result<(), Duration> {
        const MINUTE_US: u64 = 60_000_000;
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let cost_us = MINUTE_US / u64::from(per_minute_max.max(1));
        let mut seen = self.next_arrival_us.load(Ordering::Relaxed);
        loop {
            let next = seen.max(now_us).saturating_add(cost_us);
            let ahead_us = next.saturating_sub(now_us);
            if ahead_us > MINUTE_US {
                return Err(Duration::from_micros(ahead_us.saturating_sub(MINUTE_US)));
            }
            match self.next_arrival_us.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(current) => seen = current,
            }
        }
    }
}

/// Adds `wanted` unless that would pass `most`.
fn take(count: &AtomicUsize, wanted: usize, most: usize) -> bool {
    let more = |held: usize| held.checked_add(wanted).filter(|sum| *sum <= most);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

#[cfg(test)]
mod tests;
