//! Counts entries as they come, one by one: decisions are held until their outcome says how they ended.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use ::policy::Class;
use audit_log::{Body, Count, Decision, Ending, Entry, LogError, Outcome, Reader, Text};

use super::{DRILL_TEAM, Kind, Read, SHADOW, STEP, Served, Traffic};

/// Kinds that are kept apart; a configuration has hundreds at most.
const KINDS_MAX: usize = 16_384;
/// Decisions whose outcome is waited for; far more than a process admits at once.
const OPEN_MAX: usize = 65_536;
/// Hours that are kept, of all kinds together: a year of hours of two dozen kinds.
const HOURS_MAX: usize = 200_000;

/// Counts one sort of requests.
#[derive(Debug, Default)]
pub struct Counter {
    shadows: bool,
    traffic: Traffic,
    by_kind: HashMap<KindKey, usize>,
    open: BTreeMap<u64, Open>,
    names: HashMap<String, Arc<str>>,
    hours: usize,
    seen: Option<(u64, u64)>,
}

/// Team, model, class, and where it was permitted.
type KindKey = (Arc<str>, Arc<str>, Option<Class>, Vec<Arc<str>>);

/// A decision without outcome so far.
#[derive(Debug)]
struct Open {
    kind: usize,
    model: Arc<str>,
    at: u64,
}

impl Counter {
    /// Counts what callers asked; what drills asked is left out.
    pub fn callers() -> Self {
        Self::default()
    }

    /// Counts what a drill asked again beside the callers' answers, and nothing else.
    pub fn shadows() -> Self {
        Self { shadows: true, ..Self::default() }
    }

    /// Reads these entries, all of which a checkpoint covers.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn read(&mut self, reader: &Reader, first: u64, end: u64) -> Result<(), LogError> {
        let mut next = first;
        while next < end {
            let until = end.min(next - next % STEP + STEP);
            for (index, bytes) in (next..until).zip(reader.entries(next..until)?) {
                match Entry::parse(&bytes) {
                    Ok(entry) => self.add(index, &entry),
                    Err(_) => self.traffic.unreadable += 1,
                }
            }
            next = until;
        }
        Ok(())
    }

    /// Counts one entry. Entries come in their order.
    pub fn add(&mut self, index: u64, entry: &Entry) {
        let at = entry.at.as_secs();
        let (first, from) = *self.seen.get_or_insert((index, at));
        self.traffic.read = Read { first, end: index + 1, from, until: at, origin: String::new() };
        match &entry.body {
            Body::Decision(decision) if self.counts(&decision.team, &decision.request) => {
                self.decided(index, decision, at);
            }
            Body::Refusal(refusal) if self.counts(&refusal.team, &refusal.request) => {
                let reason = self.name(&refusal.reason);
                *self.traffic.refused.entry(reason).or_default() += 1;
            }
            Body::Outcome(outcome) => self.ended(outcome, at),
            Body::Decision(_)
            | Body::Refusal(_)
            | Body::Attempt(_)
            | Body::Administration(_)
            | Body::Start(_)
            | Body::Stop(_)
            | Body::Erasure(_) => {}
        }
    }

    /// What was counted so far.
    pub fn so_far(&self) -> &Traffic {
        &self.traffic
    }

    /// Requests that were decided on by then, in seconds since 1970, and whose end has not come yet.
    pub fn open_since(&self, at: u64) -> u64 {
        self.open.values().filter(|open| open.at <= at).count() as u64
    }

    /// What was counted, of the log of that name.
    pub fn finish(mut self, origin: &str) -> Traffic {
        origin.clone_into(&mut self.traffic.read.origin);
        self.traffic
    }

    fn counts(&self, team: &Text, request: &Text) -> bool {
        let shadow = request.as_str().ends_with(SHADOW);
        shadow == self.shadows && team.as_str() != DRILL_TEAM
    }

    fn decided(&mut self, index: u64, decision: &Decision, at: u64) {
        let (team, model) = (self.name(&decision.team), self.name(&decision.model));
        let permitted: Vec<Arc<str>> = permitted(decision).into_iter().map(|label| self.name_of(label)).collect();
        let class = decision.class.map(class);
        let key = (Arc::clone(&team), Arc::clone(&model), class, permitted);
        let kind = match self.by_kind.get(&key) {
            Some(kind) => *kind,
            None if self.traffic.kinds.len() >= KINDS_MAX => {
                self.traffic.beyond += 1;
                return;
            }
            None => {
                let kind = self.traffic.kinds.len();
                let fresh =
                    Kind { team, model: Arc::clone(&model), class, permitted: key.3.clone(), ..Kind::default() };
                self.traffic.kinds.push(fresh);
                self.by_kind.insert(key, kind);
                kind
            }
        };
        if self.open.len() >= OPEN_MAX {
            // Its end is never seen: it stays open.
            self.open.pop_first();
        }
        self.open.insert(index, Open { kind, model, at });
        let Some(kind) = self.traffic.kinds.get_mut(kind) else { return };
        kind.requests += 1;
        kind.open += 1;
        let hour = u32::try_from(at / 3600).unwrap_or(u32::MAX);
        if let Some(of_hour) = kind.hours.get_mut(&hour) {
            of_hour.0 += 1;
        } else if self.hours < HOURS_MAX {
            self.hours += 1;
            kind.hours.insert(hour, (1, 0));
        }
    }

    fn ended(&mut self, outcome: &Outcome, at: u64) {
        let Some(Open { kind, model, .. }) = self.open.remove(&outcome.decision.0) else { return };
        let reason = self.name_of(outcome.reason.as_ref().map_or("unknown", Text::as_str));
        let label = outcome.destination.as_ref().map(|label| self.name(label));
        let Some(kind) = self.traffic.kinds.get_mut(kind) else { return };
        kind.open = kind.open.saturating_sub(1);
        kind.attempts += u64::from(outcome.attempts);
        let tokens = (whole(outcome.prompt_tokens.as_ref()), whole(outcome.completion_tokens.as_ref()));
        kind.prompt_tokens += tokens.0.unwrap_or(0);
        kind.completion_tokens += tokens.1.unwrap_or(0);
        let served = label.as_ref().map(|label| self.traffic.served.entry((model, Arc::clone(label))).or_default());
        match outcome.ending {
            Ending::Answered => {
                kind.uncounted += u64::from(tokens.1.is_none());
                *kind.answered.entry(label.unwrap_or(reason)).or_default() += 1;
                let hour = u32::try_from(at / 3600).unwrap_or(u32::MAX);
                if let Some(of_hour) = kind.hours.get_mut(&hour) {
                    of_hour.1 += tokens.1.unwrap_or(0);
                }
                if let Some(served) = served {
                    answered(served, outcome, tokens, at);
                }
                if let Some(took) = whole(outcome.duration_us.as_ref()) {
                    self.traffic.took.add(took);
                }
            }
            Ending::Failed => {
                *kind.failed.entry(reason).or_default() += 1;
                if let Some(served) = served {
                    served.failed += 1;
                }
            }
            Ending::Cancelled | Ending::Abandoned | Ending::Lost => kind.left += 1,
        }
    }

    fn name(&mut self, text: &Text) -> Arc<str> {
        self.name_of(text.as_str())
    }

    /// One value of each name, however often it comes.
    fn name_of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = name.into();
        if self.names.len() < KINDS_MAX {
            self.names.insert(name.to_owned(), Arc::clone(&fresh));
        }
        fresh
    }
}

fn answered(served: &mut Served, outcome: &Outcome, tokens: (Option<u64>, Option<u64>), at: u64) {
    served.answers += 1;
    served.prompt_tokens += tokens.0.unwrap_or(0);
    served.completion_tokens += tokens.1.unwrap_or(0);
    served.ended(at, tokens.1.unwrap_or(0));
    if let Some(took) = whole(outcome.duration_us.as_ref()) {
        served.took.add(took);
    }
}

/// The labels of all that was permitted: also of what was left out because it was sick, as `LABEL (WORD)`.
fn permitted(decision: &Decision) -> Vec<&str> {
    let skipped = decision.skipped.iter().flatten().map(Text::as_str);
    let labels = skipped.filter_map(|skipped| skipped.rsplit_once(" (").map(|(label, _)| label));
    decision.destinations.iter().map(Text::as_str).chain(labels).collect()
}

fn whole(count: Option<&Count>) -> Option<u64> {
    count.map(|count| count.0)
}

fn class(class: audit_log::Class) -> Class {
    match class {
        audit_log::Class::Open => Class::Open,
        audit_log::Class::Sensitive => Class::Sensitive,
        audit_log::Class::Classified => Class::Classified,
    }
}
