//! Asks others to cosign the log's checkpoints (C2SP `tlog-witness`, the asker's side), so that a stranger need not believe
//! that he was shown the only history there is.
//!
//! What a witness answers is believed as far as its signatures hold. It also is the one who notices when this log was rolled
//! back or forked; that is told as an alarm. This file must not know requests or the road.

mod asking;
pub(crate) mod policy_file;
mod post;
mod rounds;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use audit_log::Log;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tlog::VerifierKey;

use crate::clock::Clock;
use crate::tasks::Tasks;

use asking::Asking;
pub use policy_file::PolicyFileError;
use post::Post;
use rounds::Round;

/// Whom to ask: the witnesses of a policy that have an address.
pub struct Witnesses(Vec<Witness>);

/// One of them.
struct Witness {
    /// As the policy names it first.
    name: Arc<str>,
    /// Those that verify its cosignatures.
    keys: Vec<VerifierKey>,
    post: Post,
}

impl Witnesses {
    /// Reads them from a policy file. Lines with the same address are one witness with several keys.
    pub fn read(path: &Path, clock: &Clock) -> Result<Witnesses, PolicyFileError> {
        Self::read_opened(path, false, clock)
    }

    /// The same; with `private`, the names of witnesses may stand for addresses in private networks.
    pub fn read_opened(path: &Path, private: bool, clock: &Clock) -> Result<Witnesses, PolicyFileError> {
        let policy = policy_file::read(path)?;
        let mut known: Vec<(String, Arc<str>, Vec<VerifierKey>)> = Vec::new();
        for witness in policy.witnesses() {
            let Some(url) = &witness.url else { continue };
            if let Some((.., keys)) = known.iter_mut().find(|(known, ..)| known == url) {
                keys.push(witness.key.clone());
            } else {
                let name = String::from_utf8_lossy(&witness.name).as_ref().into();
                known.push((url.clone(), name, vec![witness.key.clone()]));
            }
        }
        if known.is_empty() {
            let what = "has no `witness` line with an address to ask at: write `witness <name> <vkey> <URL>`";
            return Err(PolicyFileError::Nobody { path: path.to_owned(), what });
        }
        let posts = Post::to_all(known.iter().map(|(url, ..)| url.as_str()), private, clock)
            .map_err(|(url, what)| PolicyFileError::Address { path: path.to_owned(), url, what })?;
        let witnesses = known.into_iter().zip(posts);
        Ok(Witnesses(witnesses.map(|((_, name, keys), post)| Witness { name, keys, post }).collect()))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Begins to ask all of them about one checkpoint after another, until the tasks are told to drain.
    pub fn ask(self, log: &Arc<Log>, standing: &Standing, clock: &Clock, tasks: &Tasks) {
        let round = rounds::begin(log, clock, tasks);
        for witness in self.0 {
            let (log, round) = (Arc::clone(log), round.clone());
            let asking = Asking::new(witness, log, round, standing.clone(), clock.clone(), tasks.clone());
            tasks.start("witness", |stop| asking.run(stop));
        }
    }
}

/// What metrics tell of the witnesses. Cheap to clone; clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    cosigned_entries: Family<WitnessLabels, Gauge<u64, AtomicU64>>,
    cosigned_seconds: Family<WitnessLabels, Gauge<u64, AtomicU64>>,
    alarms: Family<WitnessLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WitnessLabels {
    witness: Arc<str>,
}

impl Standing {
    /// Adds itself to what `/metrics` shows.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let (entries, seconds) = (self.cosigned_entries.clone(), self.cosigned_seconds.clone());
        registry.register("witness_cosigned_entries", "Entries that the witness has cosigned", entries);
        let about = "When the witness last cosigned, in seconds since 1970";
        registry.register("witness_cosigned_timestamp_seconds", about, seconds);
        let about = "How often the witness said that it has seen another history of this log";
        registry.register("witness_alarms", about, self.alarms.clone());
    }

    fn cosigned(&self, witness: &Arc<str>, entries: u64, seconds: u64) {
        let labels = WitnessLabels { witness: Arc::clone(witness) };
        self.cosigned_entries.get_or_create(&labels).set(entries);
        self.cosigned_seconds.get_or_create(&labels).set(seconds);
    }

    fn alarm(&self, witness: &Arc<str>) {
        self.alarms.get_or_create(&WitnessLabels { witness: Arc::clone(witness) }).inc();
    }
}

#[cfg(test)]
mod tests;
