//! Kills and their reckoning: writers that note what they were promised, moments chosen by chance, and what a stranger finds in
//! the log's directory after each kill, held against all that was promised before. Knows the API, the log's format and the
//! verifier; not the server.

mod moments;
mod writers;

use std::path::{Path, PathBuf};

use audit_verify::{Kept, Options, verify};
use serde_json::Value;

use crate::entries::{misplaced, unsettled};
use crate::segments;

pub use moments::{Chance, Moment, Starting};
pub use writers::{Promise, Writers};

/// How much to kill, and by which chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many kills: half of them while it serves, half while it starts.
    pub kills: usize,
    /// The same seed chooses the same moments.
    pub seed: u64,
}

impl Plan {
    /// What `GWANMUN_TEST_KILLS` and `GWANMUN_TEST_SEED` say; without them 20 kills and a seed from the clock, which is printed.
    pub fn from_environment() -> Self {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let clock = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970").as_micros();
        let seed = number("GWANMUN_TEST_SEED").unwrap_or_else(|| u64::try_from(clock).unwrap_or_default());
        let kills = number("GWANMUN_TEST_KILLS").unwrap_or(20);
        // Seen where the test fails.
        eprintln!("{kills} kills; GWANMUN_TEST_SEED={seed} chooses the same moments");
        Self { kills: usize::try_from(kills).expect("a small number"), seed }
    }

    /// For each kill whether it comes while the server starts: half of them do, in an order by chance.
    pub fn starting(&self, chance: &mut Chance) -> Vec<bool> {
        let mut starting: Vec<bool> = (0..self.kills).map(|kill| kill % 2 == 1).collect();
        for at in (1..starting.len()).rev() {
            starting.swap(at, chance.below_index(at + 1));
        }
        starting
    }
}

/// All that has been promised so far, and the log that must keep it.
#[derive(Debug)]
pub struct Reckoning {
    log: PathBuf,
    kept: Vec<Kept>,
    promises: Vec<Promise>,
    /// Entries as they were read last, so that only what is new is taken apart.
    entries: Vec<(Vec<u8>, Value)>,
}

impl Reckoning {
    /// Of a log that nobody has been promised anything of.
    pub fn new(log: &Path) -> Self {
        Self { log: log.to_owned(), kept: Vec::new(), promises: Vec::new(), entries: Vec::new() }
    }

    /// The same, of a copy of the log that lies elsewhere.
    #[must_use]
    pub fn of(&self, log: &Path) -> Self {
        let (kept, promises) = (self.kept.clone(), self.promises.clone());
        Self { log: log.to_owned(), kept, promises, entries: Vec::new() }
    }

    /// Notes what was promised before a kill, and gives what is wrong with the log after it. Keeps the checkpoint that it finds.
    pub fn after_kill(&mut self, promises: Vec<Promise>) -> Vec<String> {
        self.promises.extend(promises);
        let faults = self.faults(&Options { kept: self.kept.clone(), ..Options::default() });
        let note = std::fs::read(self.log.join("checkpoint")).unwrap_or_default();
        if self.kept.last().is_none_or(|kept| kept.note != note) {
            self.kept.push(Kept { name: format!("checkpoint {}", self.kept.len()), note });
        }
        faults
    }

    /// What is wrong with the log after a good start and a good end: nothing is open any more, and tiles are right.
    pub fn at_the_end(&mut self) -> Vec<String> {
        let mut faults = self.faults(&Options { kept: self.kept.clone(), tiles: true, ..Options::default() });
        faults.extend(unsettled(self.fields()));
        faults
    }

    /// How many entries of a kind there are, at the last look.
    pub fn count(&self, kind: &str) -> usize {
        self.of_kind(kind).count()
    }

    /// How many outcomes end so, at the last look.
    pub fn endings(&self, ending: &str) -> usize {
        self.of_kind("outcome").filter(|(_, fields)| fields["ending"] == ending).count()
    }

    /// All that was promised.
    pub fn promises(&self) -> &[Promise] {
        &self.promises
    }

    /// How many different checkpoints were kept.
    pub fn checkpoints(&self) -> usize {
        self.kept.len()
    }

    fn fields(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().map(|(_, fields)| fields)
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (usize, &'a Value)> {
        self.fields().enumerate().filter(move |(_, fields)| fields["kind"] == kind)
    }

    fn outcome_of(&self, index: usize) -> Option<u64> {
        let (_, fields) = self.entries.get(index)?;
        (fields["kind"] == "outcome").then(|| segments::number(&fields["decision"]))?
    }

    fn faults(&mut self, options: &Options) -> Vec<String> {
        let report = match verify(&self.log, options) {
            Ok(report) => report,
            Err(error) => return vec![format!("nothing can be verified: {error}")],
        };
        let mut faults: Vec<String> = if report.holds() {
            Vec::new()
        } else {
            report.findings.iter().map(|found| format!("{found:?}")).collect()
        };
        faults.extend(
            report.kept.iter().filter(|kept| !kept.consistent).map(|kept| format!("{} is not extended", kept.name)),
        );
        self.read();
        if report.entries != self.entries.len() as u64 {
            faults.push(format!("the verifier reads {} entries, this test {}", report.entries, self.entries.len()));
        }
        faults.extend(misplaced(self.fields()));
        let outcomes: std::collections::BTreeMap<u64, &Value> =
            self.of_kind("outcome").filter_map(|(index, fields)| Some((self.outcome_of(index)?, fields))).collect();
        faults.extend(self.promises.iter().filter_map(|promise| self.broken(promise, &outcomes)));
        faults
    }

    fn broken(&self, promise: &Promise, outcomes: &std::collections::BTreeMap<u64, &Value>) -> Option<String> {
        let Promise { entry, request, whole } = promise;
        let Some((_, fields)) = usize::try_from(*entry).ok().and_then(|entry| self.entries.get(entry)) else {
            return Some(format!("entry {entry} was acknowledged for {request} and is not there"));
        };
        if fields["request"] != *request.as_str() || fields["kind"] != "decision" {
            return Some(format!("entry {entry} was acknowledged for the decision of {request}, and is {fields}"));
        }
        let answered = outcomes.get(entry).is_some_and(|outcome| outcome["ending"] == "answered");
        (*whole && !answered).then(|| format!("the answer to decision {entry} ended, and its outcome is not there"))
    }

    fn read(&mut self) {
        let entries = segments::entries(&self.log);
        self.entries.truncate(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            if self.entries.get(index).is_some_and(|(known, _)| *known == entry) {
                continue;
            }
            let fields = segments::fields(&entry);
            match self.entries.get_mut(index) {
                Some(known) => *known = (entry, fields),
                None => self.entries.push((entry, fields)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
