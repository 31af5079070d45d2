//! Whether a place suddenly answers far shorter, or declines far more often, than it did: a silent change. Pure counting; per place.
//!
//! A cumulative sum of log-likelihood ratios (Page, *Biometrika* 41, 1954) for each of the two: every answer adds to it if it is short
//! (or declined) and takes from it if it is not, it never falls below zero, and an alarm is given where it reaches a bound. How long
//! an answer is depends on what was asked, so it is compared only with answers to the same caller's prompts of like length; "short" is
//! below the tenth part of those and at most half their median. Answers enter the comparison late, so that a decline does not become
//! its own measure. One caller's new habit is no change of the place: where several are known, those that are left without any one of
//! them have to show it too.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Answered;

/// Answers that are compared with, of each kind of prompt.
const KNOWN_MAX: usize = 256;
/// Fewer say too little of what is usual.
const KNOWN_MIN: usize = 96;
/// So many answers wait before others are compared with them: more than it takes to see a change.
const DELAY: usize = 64;
/// Kinds of prompts of a place, and callers; more are not compared.
const KINDS_MAX: usize = 64;
/// After so many answers what is usual is worked out anew.
const RENEW_EVERY: usize = 16;
/// The bound of both sums. By Wald's inequality a stable place reaches it from zero with a chance below e^-10, one in 22,000, if as much
/// is short or declined as is taken for usual; with the tenth that is short as a rule, below e^-13.
const BOUND: f64 = 10.0;
/// The bound of the sums in which one caller is left out, where there are several.
const BOUND_WITHOUT_ONE: f64 = 6.0;
/// The share of short answers that is taken for usual, and the one that is looked for. A tenth is short by definition.
const SHORT: (f64, f64) = (0.15, 0.55);
/// The least share of declined answers that is taken for usual; what is looked for is by so much more.
const DECLINED_MIN: f64 = 0.10;
const DECLINED_MORE: f64 = 0.35;
/// A place that declines more often than this as a rule is not watched for it.
const DECLINED_MAX: f64 = 0.5;

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Answers are far shorter.
    Shorter,
    /// Answers are refusals far more often.
    Declining,
}

/// Of one place.
#[derive(Debug, Default)]
pub(super) struct Quality {
    kinds: HashMap<Kind, Usual>,
    callers: HashSet<u64>,
    declined: Declined,
    shorter: Sum,
    declining: Sum,
}

/// Whose prompts, of which length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Kind {
    caller: u64,
    /// The length in bytes, as a power of four.
    size: u32,
}

/// How long answers of one kind usually are.
#[derive(Debug, Default)]
struct Usual {
    known: VecDeque<u64>,
    waiting: VecDeque<u64>,
    since_renewed: usize,
    /// The length that a tenth of them does not reach, and the median.
    tenth_and_median: Option<(u64, u64)>,
}

/// How often answers are usually declined.
#[derive(Debug, Default)]
struct Declined {
    known: VecDeque<bool>,
    waiting: VecDeque<bool>,
    count: usize,
}

/// A cumulative sum over all callers, and for each of them one over all others.
#[derive(Debug, Default)]
struct Sum {
    value: f64,
    without: HashMap<u64, f64>,
}

impl Quality {
    /// Takes one answer into account. After an alarm everything is learnt anew: what an operator lets back is the new usual.
    pub(super) fn note(&mut self, answered: &Answered<'_>) -> Option<Change> {
        let caller = number(answered.caller);
        if self.callers.len() >= KINDS_MAX && !self.callers.contains(&caller) {
            return None;
        }
        self.callers.insert(caller);
        let alarm = self.note_declined(answered.refused, caller).or_else(|| self.note_length(answered, caller));
        if alarm.is_some() {
            *self = Self::default();
        }
        alarm
    }

    fn note_declined(&mut self, refused: bool, caller: u64) -> Option<Change> {
        let usual = self.declined.share();
        self.declined.push(refused);
        let usual = (usual? * 2.0).max(DECLINED_MIN);
        if usual > DECLINED_MAX {
            return None;
        }
        self.declining.add(refused, caller, (usual, usual + DECLINED_MORE));
        self.declining.is_alarm(self.callers.len()).then_some(Change::Declining)
    }

    fn note_length(&mut self, answered: &Answered<'_>, caller: u64) -> Option<Change> {
        // One that was cut off at the caller's limit has the length that the caller chose.
        let comparable = answered.plain && !answered.refused && answered.finish.is_none_or(|finish| finish == "stop");
        let length = answered.completion_tokens.filter(|_| comparable)?;
        let kind = Kind { caller, size: answered.prompt_bytes.max(1).ilog(4) };
        if !self.kinds.contains_key(&kind) && self.kinds.len() >= KINDS_MAX {
            return None;
        }
        let usual = self.kinds.entry(kind).or_default();
        let compared = usual.tenth_and_median;
        usual.push(length);
        let (tenth, median) = compared?;
        let is_short = length < tenth && length.saturating_mul(2) <= median;
        self.shorter.add(is_short, caller, SHORT);
        self.shorter.is_alarm(self.callers.len()).then_some(Change::Shorter)
    }
}

impl Change {
    /// What the log says of it.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Shorter => "its answers are suddenly far shorter than they were",
            Self::Declining => "it suddenly declines far more than it did",
        }
    }
}

impl Usual {
    fn push(&mut self, length: u64) {
        self.waiting.push_back(length);
        if self.waiting.len() <= DELAY {
            return;
        }
        self.known.extend(self.waiting.pop_front());
        if self.known.len() > KNOWN_MAX {
            self.known.pop_front();
        }
        self.since_renewed += 1;
        if self.known.len() >= KNOWN_MIN && (self.tenth_and_median.is_none() || self.since_renewed >= RENEW_EVERY) {
            self.since_renewed = 0;
            let mut sorted: Vec<u64> = self.known.iter().copied().collect();
            sorted.sort_unstable();
            let at = |part: usize| sorted.get(sorted.len() / part).copied();
            self.tenth_and_median = at(10).zip(at(2));
        }
    }
}

impl Declined {
    /// The usual share; none while too little is known.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    fn share(&self) -> Option<f64> {
        (self.known.len() >= KNOWN_MIN).then(|| self.count as f64 / self.known.len() as f64)
    }

    fn push(&mut self, declined: bool) {
        self.waiting.push_back(declined);
        if self.waiting.len() <= DELAY {
            return;
        }
        let Some(declined) = self.waiting.pop_front() else { return };
        self.known.push_back(declined);
        self.count += usize::from(declined);
        if self.known.len() > KNOWN_MAX {
            let gone = self.known.pop_front();
            self.count -= usize::from(gone == Some(true));
        }
    }
}

impl Sum {
    /// Adds how much more likely the answer is under the share that is looked for than under the usual one.
    fn add(&mut self, shown: bool, caller: u64, (usual, sought): (f64, f64)) {
        let ratio = if shown { sought / usual } else { (1.0 - sought) / (1.0 - usual) };
        self.without.entry(caller).or_insert(self.value);
        self.value = (self.value + ratio.ln()).max(0.0);
        for (_, value) in self.without.iter_mut().filter(|(left_out, _)| **left_out != caller) {
            *value = (*value + ratio.ln()).max(0.0);
        }
    }

    /// Whether all of them together show it; and, where the place has several callers, all but any one of them too.
    fn is_alarm(&self, callers: usize) -> bool {
        self.value >= BOUND && (callers < 2 || self.without.values().all(|value| *value >= BOUND_WITHOUT_ONE))
    }
}

/// A caller as a number: nothing of it is kept longer than the process lives.
fn number(caller: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    caller.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
