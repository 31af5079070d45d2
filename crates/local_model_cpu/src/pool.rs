//! Threads that share out one piece of work after another: the caller works too, the others help while they can. It
//! must not know what the work is.
//!
//! A forward pass is hundreds of pieces of some microseconds, so helpers wait for the next one by spinning, then by
//! yielding, and park when nothing comes: an idle engine costs nothing. Nobody waits for a helper that has not begun:
//! on a busy machine, where the system gives a helper no core, the caller does its share.

use std::cell::UnsafeCell;
use std::hint;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

/// A helper looks this often for work before it begins to yield: some 40 µs.
const SPINS: u32 = 1500;
/// A helper yields this often before it parks: some 300 µs, more than lies between two steps of an answer.
const YIELDS: u32 = 800;

// The gate: how many helpers are inside, whether they may enter, and the number of the piece.
const INSIDE: u64 = (1 << 16) - 1;
const OPEN: u64 = 1 << 16;
const PIECE: u64 = 1 << 17;

/// Threads of one engine.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

/// A piece of work panicked; the panic's message has been written by the process's hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a computing thread panicked")]
pub(crate) struct Panicked;

struct Shared {
    gate: AtomicU64,
    /// Written while the gate is closed and nobody inside; read only inside.
    piece: UnsafeCell<Option<Piece>>,
    /// The first item that nobody has taken.
    next: AtomicUsize,
    sleeping: AtomicUsize,
    panicked: AtomicBool,
    stopping: AtomicBool,
}

#[derive(Clone, Copy)]
struct Piece {
    work: *const (dyn Fn(Range<usize>) + Sync),
    items: usize,
    grain: usize,
}

// SAFETY: `piece` is written by the one thread that owns the pool, while the gate keeps everyone out; the gate's
// acquire and release order those writes before the readers inside. The rest is atomic.
unsafe impl Sync for Shared {}
// SAFETY: the pointer in `piece` is used only inside, while `Pool::share` borrows what it points to.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool of `threads` threads, the caller's among them.
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            gate: AtomicU64::new(0),
            piece: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            sleeping: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        });
        let mut pool = Self { shared, helpers: Vec::new() };
        for number in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let name = format!("model-{number}");
            pool.helpers.push(thread::Builder::new().name(name).spawn(move || {
                local_model::give_way();
                shared.help();
            })?);
        }
        Ok(pool)
    }

    /// Threads that work, the caller's among them.
    pub(crate) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Runs `work` for all of `items`, `grain` at a time, on all threads; returns when all is done.
    pub(crate) fn share(
        &mut self,
        items: usize,
        grain: usize,
        work: &(dyn Fn(Range<usize>) + Sync),
    ) -> Result<(), Panicked> {
        let grain = grain.max(1);
        if self.helpers.is_empty() || items <= grain {
            let done = catch_unwind(AssertUnwindSafe(|| {
                if items > 0 {
                    work(0..items);
                }
            }));
            return done.map_err(|_| Panicked);
        }
        let shared = &*self.shared;
        #[expect(clippy::transmute_ptr_to_ptr, reason = "a cast cannot forget the lifetime of a trait object")]
        // SAFETY: only the lifetime is forgotten; the pointer is used inside the gate only, which is closed and empty
        // again before this function returns.
        let work = unsafe {
            std::mem::transmute::<*const (dyn Fn(Range<usize>) + Sync + '_), *const (dyn Fn(Range<usize>) + Sync)>(work)
        };
        // SAFETY: the gate is closed and nobody inside, by the end of the previous call.
        unsafe { *shared.piece.get() = Some(Piece { work, items, grain }) };
        shared.next.store(0, Ordering::Relaxed);
        shared.gate.fetch_add(PIECE + OPEN, Ordering::SeqCst);
        if shared.sleeping.load(Ordering::SeqCst) > 0 {
            for helper in &self.helpers {
                helper.thread().unpark();
            }
        }
        shared.work();
        shared.gate.fetch_sub(OPEN, Ordering::AcqRel);
        let mut waited = 0_u32;
        while shared.gate.load(Ordering::Acquire) & INSIDE != 0 {
            pause(&mut waited);
        }
        if shared.panicked.swap(false, Ordering::AcqRel) { Err(Panicked) } else { Ok(()) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper catches the panics of its work; there is nothing to learn from its end.
            let _ = helper.join();
        }
    }
}

impl Shared {
    /// A helper's life.
    fn help(&self) {
        let mut served = 0;
        while let Some(piece) = self.await_piece(served) {
            served = piece;
            let gate = self.gate.fetch_add(1, Ordering::AcqRel);
            if gate & OPEN != 0 {
                served = gate / PIECE;
                self.work();
            }
            self.gate.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// The number of a piece other than `served`, as soon as there is one; nothing when the pool stops.
    fn await_piece(&self, served: u64) -> Option<u64> {
        let mut waited = 0_u32;
        loop {
            if self.stopping.load(Ordering::Acquire) {
                return None;
            }
            let piece = self.gate.load(Ordering::Acquire) / PIECE;
            if piece != served {
                return Some(piece);
            }
            if waited < SPINS + YIELDS {
                pause(&mut waited);
                continue;
            }
            // Said before the last look, and the caller looks after opening the gate: one of the two sees the other.
            self.sleeping.fetch_add(1, Ordering::SeqCst);
            if self.gate.load(Ordering::SeqCst) / PIECE == served && !self.stopping.load(Ordering::SeqCst) {
                thread::park();
            }
            self.sleeping.fetch_sub(1, Ordering::SeqCst);
            waited = 0;
        }
    }

    /// Takes items until none is left. Called inside only, or by the pool's owner.
    fn work(&self) {
        // SAFETY: the gate is open, or the caller is the owner: nobody writes the piece meanwhile.
        let Some(Piece { work, items, grain }) = (unsafe { *self.piece.get() }) else { return };
        // SAFETY: `share` keeps what it points to borrowed until everyone has left.
        let work = unsafe { &*work };
        let done = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let first = self.next.fetch_add(grain, Ordering::Relaxed);
                if first >= items {
                    return;
                }
                work(first..items.min(first + grain));
            }
        }));
        if done.is_err() {
            self.panicked.store(true, Ordering::Release);
            self.next.store(items, Ordering::Relaxed);
        }
    }
}

/// Waits a moment: at first on the core, then giving it to whoever else wants it.
fn pause(waited: &mut u32) {
    if *waited < SPINS {
        hint::spin_loop();
    } else {
        thread::yield_now();
    }
    *waited = waited.saturating_add(1);
}

#[cfg(test)]
mod tests;
