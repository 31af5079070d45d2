//! Entries held against the entries before them: what was permitted and how it ended, counters, clocks.
//!
//! Keeps what is open, one bit for each entry, and one number for each replica; nothing else grows with the log.

use std::collections::{BTreeMap, HashMap};

use crate::entry::{Facts, What};
use crate::report::{FindingKind, OpenDecisions, ReplicaSeen};

/// Replicas whose counters are followed. A log has one for each process that wrote to it; more is somebody's attempt on
/// our memory, and each beyond these is a finding of its own.
const REPLICAS_MAX: usize = 4096;

/// What the entries so far add up to.
#[derive(Debug, Default)]
pub(crate) struct History {
    open: BTreeMap<u64, Open>,
    decisions: Bits,
    replicas: HashMap<Box<str>, Counter>,
    pub(crate) kinds: BTreeMap<&'static str, u64>,
    pub(crate) first_at: Option<i64>,
    pub(crate) latest_at: Option<i64>,
}

#[derive(Debug)]
struct Open {
    request: Box<str>,
    destinations: Vec<Box<str>>,
    /// The last attempt's number that was written; the first attempt is not.
    attempt: u64,
}

#[derive(Debug, Default)]
struct Counter {
    entries: u64,
    next: u64,
}

/// What is wrong with an entry in the light of those before it.
pub(crate) type Contradiction = (FindingKind, String);

impl History {
    /// Takes the entry at `index` in and tells what contradicts what stands before it.
    pub(crate) fn take(&mut self, index: u64, facts: Facts, tolerance_us: i64, told: &mut Vec<Contradiction>) {
        *self.kinds.entry(facts.kind).or_default() += 1;
        self.count(&facts, told);
        self.date(&facts, tolerance_us, told);
        match facts.what {
            What::Decision { request, destinations } => {
                self.decisions.set(index);
                self.open.insert(index, Open { request, destinations, attempt: 1 });
            }
            What::Attempt { decision, request, destination, number } => {
                self.attempt(decision, &request, &destination, number, told);
            }
            What::Outcome { decision, request, destination } => {
                self.end(decision, &request, destination.as_deref(), told);
            }
            What::Other => {}
        }
    }

    /// Decisions without outcome so far.
    pub(crate) fn open(&self) -> OpenDecisions {
        OpenDecisions::of(self.open.keys().copied())
    }

    /// What a replica's counter must say next, if it has been seen.
    pub(crate) fn next_of(&self, replica: &str) -> Option<u64> {
        self.replicas.get(replica).map(|counter| counter.next)
    }

    /// The replicas and their counters, by name.
    pub(crate) fn replicas(&self) -> Vec<ReplicaSeen> {
        let mut seen: Vec<ReplicaSeen> = self
            .replicas
            .iter()
            .map(|(name, counter)| ReplicaSeen {
                replica: name.to_string(),
                entries: counter.entries,
                next_seq: counter.next,
            })
            .collect();
        seen.sort_by(|a, b| a.replica.cmp(&b.replica));
        seen
    }

    fn count(&mut self, facts: &Facts, told: &mut Vec<Contradiction>) {
        if !self.replicas.contains_key(&facts.replica) {
            if self.replicas.len() >= REPLICAS_MAX {
                told.push((FindingKind::CounterJump, format!("more than {REPLICAS_MAX} replicas, too many to follow")));
                return;
            }
            self.replicas.insert(facts.replica.clone(), Counter::default());
        }
        if let Some(counter) = self.replicas.get_mut(&facts.replica) {
            if facts.seq != counter.next {
                let (replica, seq, next) = (&facts.replica, facts.seq, counter.next);
                let wrong = format!("`seq` of replica `{replica}` is {seq} where {next} must come next");
                told.push((FindingKind::CounterJump, wrong));
            }
            counter.next = facts.seq.saturating_add(1);
            counter.entries += 1;
        }
    }

    fn date(&mut self, facts: &Facts, tolerance_us: i64, told: &mut Vec<Contradiction>) {
        self.first_at.get_or_insert(facts.at);
        let latest = *self.latest_at.get_or_insert(facts.at);
        let back_us = latest.saturating_sub(facts.at);
        if back_us > tolerance_us {
            let wrong = format!("`at` is {back_us} microseconds before that of an earlier entry");
            told.push((FindingKind::TimeBackwards, wrong));
        }
        self.latest_at = Some(latest.max(facts.at));
    }

    fn attempt(&mut self, decision: u64, request: &str, to: &str, number: u64, told: &mut Vec<Contradiction>) {
        let Some(open) = self.open.get_mut(&decision) else {
            let why = if self.decisions.get(decision) { "has ended" } else { "is no decision" };
            told.push((FindingKind::AttemptWithoutDecision, format!("it belongs to entry {decision}, which {why}")));
            return;
        };
        open.compare(decision, request, Some(to), told);
        if number <= open.attempt {
            let wrong = format!("it is attempt {number} of entry {decision}, after attempt {}", open.attempt);
            told.push((FindingKind::CounterJump, wrong));
        }
        open.attempt = number;
    }

    fn end(&mut self, decision: u64, request: &str, to: Option<&str>, told: &mut Vec<Contradiction>) {
        match self.open.remove(&decision) {
            Some(open) => open.compare(decision, request, to, told),
            None if self.decisions.get(decision) => {
                told.push((FindingKind::SecondOutcome, format!("entry {decision} has an outcome already")));
            }
            None => {
                let wrong = format!("it belongs to entry {decision}, which is no decision before it");
                told.push((FindingKind::OutcomeWithoutDecision, wrong));
            }
        }
    }
}

impl Open {
    fn compare(&self, decision: u64, request: &str, to: Option<&str>, told: &mut Vec<Contradiction>) {
        if *self.request != *request {
            let wrong = format!("it names request `{request}`, but its decision, entry {decision}, another");
            told.push((FindingKind::OtherRequest, wrong));
        }
        if let Some(to) = to
            && !self.destinations.iter().any(|permitted| **permitted == *to)
        {
            let wrong = format!("it went to `{to}`, which its decision, entry {decision}, does not permit");
            told.push((FindingKind::NotPermitted, wrong));
        }
    }
}

/// One bit for each entry, in pages, so that a place far away costs a page and not all the room before it.
#[derive(Debug, Default)]
struct Bits(HashMap<u64, [u64; 64]>);

impl Bits {
    fn set(&mut self, index: u64) {
        let page = self.0.entry(index / 4096).or_insert([0; 64]);
        if let Some(word) = page.get_mut(Self::word(index)) {
            *word |= 1 << (index % 64);
        }
    }

    fn get(&self, index: u64) -> bool {
        let word = self.0.get(&(index / 4096)).and_then(|page| page.get(Self::word(index)));
        word.is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn word(index: u64) -> usize {
        usize::try_from(index / 64 % 64).unwrap_or(0)
    }
}
