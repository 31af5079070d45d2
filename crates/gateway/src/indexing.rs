//! Takes the audit log's entries into the request index ([`request_index`]), behind the request path: a task that follows the log, and
//! what `gwanmun index rebuild` does in one go. Only what a checkpoint covers is taken in, a batch at a time.
//!
//! The index is never in the way of a request: nothing waits for it, and while it fails the road goes on. It must not know what
//! is asked of the index.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use audit_log::{Entry, LogError, Reader};
use policy::Axis;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use request_index::{Axes, Index, IndexError};
use tlog::leaf_hash;

use crate::app::App;
use crate::judge::{Judgement, Link};
use crate::tasks::{Stop, Tasks};
use crate::what_if;

/// Entries of one batch: sixteen of the log's bundles.
const BATCH: u64 = 4096;
/// How often the log is looked at when everything is in the index.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The index is left alone for so long after it has failed.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Stands for jurisdictions that are not known.
const UNKNOWN: &str = "?";

/// Why entries could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum IndexingError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The index could not be written.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Whoever read the log ended in between.
    #[error("reading the audit log for the request index ended without an answer: this is a defect of gwanmun")]
    Unanswered,
    /// The index has entries that the log does not have, or has others in their place.
    #[error("the request index `{}` was made from another history of this log: it has {indexed} entries, and the last of them is not in the log, which has {held}; `gwanmun index rebuild` makes it again", path.display())]
    OtherHistory {
        /// The index.
        path: PathBuf,
        /// How many it has taken in.
        indexed: u64,
        /// How many there are.
        held: u64,
    },
}

/// What metrics tell of the index. Cheap to clone; clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    behind: Gauge<u64, AtomicU64>,
    failures: Counter,
}

impl Standing {
    /// Adds itself to what `/metrics` shows.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let about = "Signed entries of the audit log that are not in the request index yet";
        registry.register("request_index_entries_behind", about, self.behind.clone());
        registry.register("request_index_failures", "How often the request index failed", self.failures.clone());
    }
}

/// An index, and the log that it is made from.
pub struct Feed {
    reader: Reader,
    index: Index,
}

/// Entries that were read.
struct Batch {
    entries: Vec<(u64, Entry)>,
    /// The leaf hash of the last of them.
    last_leaf: [u8; 32],
    /// The one after them, where it is none of this version's schema, and its leaf hash.
    unreadable: Option<(u64, [u8; 32])>,
}

/// What was read of a log.
enum Read {
    Batch(Batch),
    /// The log does not have what the index took in last.
    OtherHistory,
}

impl Feed {
    /// Opens the index at `path`, made where there is none, for the log in the folder `log`.
    ///
    /// # Errors
    /// Where either cannot be opened, or the index was made from another log.
    pub async fn open(log: &Path, path: &Path) -> Result<Self, IndexingError> {
        let reader = Reader::open(log)?;
        let index = Index::open(path).await?;
        index.made_from(reader.origin()).await?;
        Ok(Self { reader, index })
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Closes the index.
    pub async fn close(self) {
        self.index.close().await;
    }

    /// Takes in one batch of what the newest checkpoint covers, each destination with the jurisdictions that it has under `judgement`.
    /// Gives how many entries the index has and how many that checkpoint covers.
    ///
    /// # Errors
    /// Where the log cannot be read or the index cannot be written: then nothing of the batch is taken in.
    pub async fn advance(&self, judgement: &Judgement, tasks: &Tasks) -> Result<(u64, u64), IndexingError> {
        let (next, last_leaf) = self.index.reached().await?;
        let reader = self.reader.clone();
        let read = tasks.blocking("request index reader", move || read(&reader, next, last_leaf)).await;
        let (read, size) = read.ok_or(IndexingError::Unanswered)??;
        let Read::Batch(batch) = read else {
            return Err(IndexingError::OtherHistory { path: self.index.path().to_owned(), indexed: next, held: size });
        };
        let axes = |model: &str, label: &str| axes(judgement, model, label);
        let mut taken = self.index.take_until(&batch.entries, &batch.last_leaf, &axes).await?;
        if let Some((unreadable, leaf)) = batch.unreadable {
            tracing::warn!(
                entry = unreadable,
                "entry {unreadable} is of no schema that this version reads: not in the request index"
            );
            self.index.pass_over(unreadable, &leaf).await?;
            taken += 1;
        }
        Ok((next + taken, size))
    }
}

/// Whether the log has as entry `next - 1` the one with that leaf hash: where not, the log was put back to an earlier state, and has
/// perhaps grown again. Where the hash is not known, only that there is one. Blocks.
///
/// # Errors
/// Where the log cannot be read.
pub fn has_taken(reader: &Reader, next: u64, last_leaf: Option<[u8; 32]>) -> Result<bool, LogError> {
    let Some(last) = next.checked_sub(1) else { return Ok(true) };
    if next > reader.checkpoint()?.checkpoint.size {
        return Ok(false);
    }
    let Some(known) = last_leaf else { return Ok(true) };
    Ok(reader.entries(last..next)?.first().is_some_and(|entry| leaf_hash(entry) == known))
}

/// The batch that begins with entry `next`, and how many entries the newest checkpoint covers. Blocks.
fn read(reader: &Reader, next: u64, last_leaf: Option<[u8; 32]>) -> Result<(Read, u64), LogError> {
    let size = reader.checkpoint()?.checkpoint.size;
    if !has_taken(reader, next, last_leaf)? {
        return Ok((Read::OtherHistory, size));
    }
    let until = size.min(next - next % BATCH + BATCH);
    let mut batch = Batch { entries: Vec::new(), last_leaf: last_leaf.unwrap_or_default(), unreadable: None };
    if next >= until {
        return Ok((Read::Batch(batch), size));
    }
    for (index, bytes) in (next..).zip(reader.entries(next..until)?) {
        let leaf = leaf_hash(&bytes);
        if let Ok(entry) = Entry::parse(&bytes) {
            batch.entries.push((index, entry));
            batch.last_leaf = leaf;
        } else {
            batch.unreadable = Some((index, leaf));
            break;
        }
    }
    Ok((Read::Batch(batch), size))
}

/// Whose law reaches what entries call `label`, where `model` was asked for. A name that stands for several models now, of which
/// none is the one asked for, is told only where all are under the same law.
fn axes(judgement: &Judgement, model: &str, label: &str) -> Option<Axes> {
    let named = |link: &&Link| &*link.label == label;
    let own = judgement.chain(model).and_then(|chain| chain.links.iter().find(named));
    if let Some(link) = own {
        return axes_of(judgement, link);
    }
    let mut all = judgement.chains().iter().flat_map(|chain| &chain.links).filter(named);
    let first = axes_of(judgement, all.next()?)?;
    all.all(|link| axes_of(judgement, link).as_ref() == Some(&first)).then_some(first)
}

fn axes_of(judgement: &Judgement, link: &Link) -> Option<Axes> {
    let place = judgement.judge().destinations().get(link.judged)?;
    let codes = |axis: &Axis| {
        let known = what_if::jurisdictions(axis, judgement.catalog());
        let known: BTreeSet<String> = known.into_iter().collect();
        let more = !known.is_empty() && axis.within.is_empty();
        known.into_iter().chain(more.then(|| UNKNOWN.to_owned())).collect()
    };
    Some(Axes { processed_in: codes(&place.processed_in), controlled_by: codes(&place.controlled_by) })
}

/// Keeps the index at `path` up with the log until the tasks are told to drain; what comes later is taken in after the next start.
/// Does nothing where the log is off.
pub fn follow(app: &Arc<App>, path: PathBuf) {
    if app.recorder().log().is_none() {
        return;
    }
    let following = Following { app: Arc::clone(app), path, feed: None, failing: false };
    app.tasks().start("request index", |stop| following.run(stop));
}

struct Following {
    app: Arc<App>,
    path: PathBuf,
    feed: Option<Feed>,
    failing: bool,
}

impl Following {
    async fn run(mut self, stop: Stop) {
        let clock = self.app.clock().clone();
        loop {
            let began = clock.now();
            let pause = match self.advance().await {
                Ok(0) => LOOK_EVERY,
                // As long as it worked: it takes half of one processor at most from the road.
                Ok(_) => clock.now().since(began).min(LOOK_EVERY),
                Err(error) => {
                    self.failed(&error);
                    RETRY_AFTER
                }
            };
            tokio::select! {
                () = stop.draining() => break,
                () = clock.sleep(pause) => {}
            }
        }
    }

    /// Takes in a batch; how many entries are left.
    async fn advance(&mut self) -> Result<u64, IndexingError> {
        let Some(log) = self.app.recorder().log() else { return Ok(0) };
        let feed = match self.feed.take() {
            Some(feed) => feed,
            None => Feed::open(log.dir(), &self.path).await?,
        };
        let in_force = self.app.in_force();
        let (indexed, size) = match feed.advance(&in_force.judgement, self.app.tasks()).await {
            // Everything in it is made from the log: it is made again from this one.
            Err(error @ IndexingError::OtherHistory { .. }) => {
                tracing::warn!(%error, "{error}; this server does so now");
                feed.index.forget().await?;
                feed.index.made_from(feed.reader.origin()).await?;
                feed.advance(&in_force.judgement, self.app.tasks()).await?
            }
            advanced => advanced?,
        };
        self.feed = Some(feed);
        self.failing = false;
        let behind = size.saturating_sub(indexed);
        self.app.indexing().behind.set(behind);
        Ok(behind)
    }

    /// Told once, where it is handled: here. A feed that failed is opened again.
    fn failed(&mut self, error: &IndexingError) {
        self.app.indexing().failures.inc();
        if self.failing {
            tracing::debug!(%error, "the request index still fails");
        } else {
            tracing::error!(%error, "requests are answered and recorded, but not indexed: {error}");
        }
        self.failing = true;
    }
}

#[cfg(test)]
mod tests;
