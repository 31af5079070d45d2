//! Reading, checking and joining at the same time: one thread reads, some check entries, the caller's own takes the
//! results in the order of the log. What waits between them is bounded.
//!
//! Checks each entry for itself: leaf hash, form, schema. What entries mean together is not known here.

use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::entry::{self, Facts, Fault};
use crate::report::Finding;
use crate::segments::{self, Batch, Piece, Segment, Unreadable};
use crate::tree::{self, Hash};

/// Batches that wait before and after each checking thread.
const WAITING_MAX: usize = 2;

/// More threads than this wait for the one that reads and the one that joins.
const THREADS_MAX: usize = 8;

/// What became of a piece.
#[derive(Debug)]
pub(crate) enum Checked {
    Records(Batch, Vec<Verdict>),
    Fault(Finding),
    Unreadable(Unreadable),
}

/// What an entry is in itself.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The hash of the entry as it stands, whatever is written beside it.
    pub(crate) leaf: Hash,
    pub(crate) facts: Result<Facts, Fault>,
}

/// Runs all of `segments` through and gives each result to `take`, in order.
pub(crate) fn run(segments: &[Segment], origin: &str, take: &mut dyn FnMut(Checked)) -> io::Result<()> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
    thread::scope(|scope| {
        let (mut to_check, mut checked) = (Vec::new(), Vec::new());
        for number in 0..threads {
            let (give, pieces) = sync_channel(WAITING_MAX);
            let (results, receive) = sync_channel(WAITING_MAX);
            to_check.push(give);
            checked.push(receive);
            thread::Builder::new()
                .name(format!("audit-check-{number}"))
                .spawn_scoped(scope, move || check_all(&pieces, &results))?;
        }
        let reader = thread::Builder::new()
            .name("audit-read".to_owned())
            .spawn_scoped(scope, move || read_all(segments, origin, &to_check))?;
        // Pieces were dealt out in turn, so taking them in turn restores their order; the first thread that has no more
        // is the one whose turn never came.
        for receive in checked.iter().cycle() {
            match receive.recv() {
                Ok(result) => take(result),
                Err(_) => break,
            }
        }
        drop(checked);
        reader.join().unwrap_or_else(|_| Err(io::Error::other("the reading thread failed")))
    })
}

fn read_all(segments: &[Segment], origin: &str, to_check: &[SyncSender<Piece>]) -> io::Result<()> {
    let mut turns = to_check.iter().cycle();
    segments::read(segments, origin, &mut |piece| turns.next().is_some_and(|thread| thread.send(piece).is_ok()))
}

fn check_all(pieces: &Receiver<Piece>, results: &SyncSender<Checked>) {
    for piece in pieces {
        let result = match piece {
            Piece::Records(batch) => check_batch(batch),
            Piece::Fault(finding) => Checked::Fault(finding),
            Piece::Unreadable(bytes) => Checked::Unreadable(bytes),
        };
        if results.send(result).is_err() {
            return;
        }
    }
}

fn check_batch(batch: Batch) -> Checked {
    let mut verdicts = Vec::with_capacity(batch.records.len());
    for record in &batch.records {
        let text = batch.entry(record);
        verdicts.push(Verdict { leaf: tree::leaf_hash(text), facts: entry::read(text) });
    }
    Checked::Records(batch, verdicts)
}
