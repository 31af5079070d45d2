//! How a test watches a scripted engine and holds it back, without sleeping. Knows nothing of what is computed.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::watch;

/// What the engine has been made to do so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Forwards begun.
    pub forwards: u64,
    /// Tokens computed, prompts and answers together.
    pub tokens: u64,
    /// Whether a forward waits at the gate now.
    pub at_gate: bool,
    /// Every sequence that was ever given a slot, oldest first.
    pub sequences: Vec<SeenSequence>,
}

/// One sequence, as the engine saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenSequence {
    /// Tokens that were reserved for it.
    pub reserved: usize,
    /// The prompt's text so far, with a line break for each control token.
    pub prompt: String,
    /// Tokens of the prompt computed.
    pub prompt_tokens: usize,
    /// Tokens of the answer computed after it; one less than were chosen.
    pub answer_tokens: usize,
    /// Forwards that it took part in.
    pub forwards: u64,
    /// Whether it still holds its slot.
    pub live: bool,
}

impl Seen {
    /// Sequences that hold a slot now.
    pub fn live(&self) -> usize {
        self.sequences.iter().filter(|sequence| sequence.live).count()
    }

    /// The sequences whose prompt contains these words.
    pub fn of<'a>(&'a self, words: &'a str) -> impl Iterator<Item = &'a SeenSequence> {
        self.sequences.iter().filter(move |sequence| sequence.prompt.contains(words))
    }
}

/// Shows a [`Seen`] from any thread.
#[derive(Clone, Debug)]
pub struct Probe {
    seen: Arc<watch::Sender<Seen>>,
}

impl Probe {
    pub(super) fn new() -> Self {
        Self { seen: Arc::new(watch::Sender::new(Seen::default())) }
    }

    /// As of now.
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until the condition holds, and gives what was seen then.
    pub async fn until(&self, condition: impl FnMut(&Seen) -> bool) -> Seen {
        let mut changes = self.seen.subscribe();
        // The sender is ours, so it cannot go away while we wait.
        let met = changes.wait_for(condition).await.map(|seen| seen.clone());
        met.unwrap_or_default()
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Seen)) {
        self.seen.send_modify(change);
    }
}

/// Lets forwards through one by one, or all. Clones share the gate.
#[derive(Clone, Debug)]
pub struct Gate {
    inner: Arc<GateInner>,
}

#[derive(Debug)]
struct GateInner {
    allowed: Mutex<u64>,
    changed: Condvar,
}

impl Gate {
    /// A gate that lets nothing through yet. A test must open it before it waits for the model's thread to end.
    pub fn closed() -> Self {
        Self { inner: Arc::new(GateInner { allowed: Mutex::new(0), changed: Condvar::new() }) }
    }

    /// Lets this many forwards more through.
    pub fn let_through(&self, forwards: u64) {
        let mut allowed = self.inner.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        *allowed = allowed.saturating_add(forwards);
        self.inner.changed.notify_all();
    }

    /// Lets all forwards through from now on.
    pub fn open(&self) {
        self.let_through(u64::MAX);
    }

    /// Lets nothing more through, for a gate that was open.
    pub fn close(&self) {
        *self.inner.allowed.lock().unwrap_or_else(PoisonError::into_inner) = 0;
    }

    /// Waits to be let through; tells before it waits and after.
    pub(super) fn pass(&self, mut tell_waiting: impl FnMut(bool)) {
        let mut allowed = self.inner.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        if *allowed == 0 {
            tell_waiting(true);
            while *allowed == 0 {
                allowed = self.inner.changed.wait(allowed).unwrap_or_else(PoisonError::into_inner);
            }
            tell_waiting(false);
        }
        // An open gate stays open.
        if *allowed != u64::MAX {
            *allowed -= 1;
        }
    }
}
