//! From the answers of the rules to a verdict: which rule decides each destination, under which terms, with which code. Must not
//! know how the answers were found.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bits::Bits;
use crate::rule::NOT_PERMITTED;
use crate::tree::Answer;
use crate::{Denial, Effect, Hide, Outcome, Rule, Terms, Verdict};

/// The code where a rule could not be evaluated, or was found to open what it must not.
const POLICY_FAILED: &str = "policy_failed";
/// The code where something must be hidden and cannot be.
const CANNOT_HIDE: &str = "cannot_hide";

/// What verdicts that are kept may take together, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// What a rule says of one lane of destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Applied {
    pub(crate) lane: u32,
    pub(crate) rule: u32,
    pub(crate) answer: Answer,
}

/// What about a request makes an edit impossible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Fixed {
    /// It holds what is not read, so nobody can say that everything was hidden.
    pub(crate) unread: bool,
    /// Vectors are asked for: what was disguised cannot be restored in them.
    pub(crate) embed: bool,
}

/// How many different permissions are kept for verdicts to share.
const MOST_TERMS: usize = 1 << 16;

/// What verdicts of a policy share: the refusals that it can give, and the terms of the permissions that it has given.
pub(crate) struct Shared {
    terms: Mutex<HashMap<Vec<u32>, Arc<Terms>>>,
    forbidden: Vec<Arc<Denial>>,
    failed: Vec<Arc<Denial>>,
    cannot_hide: Vec<Arc<Denial>>,
    opened: Vec<Arc<Denial>>,
    not_permitted: Arc<Denial>,
}

impl Shared {
    pub(crate) fn of(rules: &[Rule]) -> Self {
        let each = |make: &dyn Fn(&Rule) -> Denial| rules.iter().map(|rule| Arc::new(make(rule))).collect();
        let told = |rule: &Rule, code: &str, why: &str| Denial {
            rule: Some(rule.id.clone()),
            code: code.into(),
            why: Some(why.into()),
        };
        Self {
            terms: Mutex::default(),
            forbidden: each(&|rule| Denial {
                rule: Some(rule.id.clone()),
                code: rule.code.clone(),
                why: rule.why.clone(),
            }),
            failed: each(&|rule| told(rule, POLICY_FAILED, "the rule cannot be evaluated for this destination")),
            cannot_hide: each(&|rule| {
                told(rule, CANNOT_HIDE, "what must be hidden before it goes there cannot be hidden")
            }),
            opened: each(&|rule| {
                told(rule, POLICY_FAILED, "the rule would open what is closed to a lower class or without a signal")
            }),
            not_permitted: Arc::new(Denial { rule: None, code: NOT_PERMITTED.into(), why: None }),
        }
    }
}

impl Shared {
    /// The terms of these rules together, made once.
    fn terms(&self, permits: &[u32], make: impl FnOnce() -> Terms) -> Arc<Terms> {
        let mut known = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(terms) = known.get(permits) {
            return terms.clone();
        }
        let terms = Arc::new(make());
        if known.len() < MOST_TERMS {
            known.insert(permits.to_vec(), terms.clone());
        }
        terms
    }
}

/// Makes verdicts for so many destinations.
pub(crate) struct Bench<'a> {
    pub(crate) rules: &'a [Rule],
    pub(crate) shared: &'a Shared,
    pub(crate) destinations: usize,
}

impl Bench<'_> {
    /// How many verdicts may be kept at once.
    pub(crate) fn most_verdicts(&self) -> usize {
        MOST_BYTES / (256 + 16 * self.destinations)
    }

    /// The verdict; `applied` holds every rule that says something, in the order of the file within a lane.
    /// `closed` has a set a lane of destinations that must not be open, whatever permits them.
    pub(crate) fn verdict(&self, applied: &[Applied], fixed: Fixed, closed: &[Bits]) -> Verdict {
        let nothing = Outcome::Refused(self.shared.not_permitted.clone());
        let mut outcomes = vec![nothing; self.destinations];
        for (number, lane) in outcomes.chunks_mut(Bits::LANE).enumerate() {
            let here = || applied.iter().filter(|applied| applied.lane as usize == number);
            let mut denied = Bits::NONE;
            for one in here().filter(|one| self.effect(one) == Some(Effect::Forbid)) {
                put(lane, one.answer.yes.without(denied), self.shared.forbidden.get(one.rule as usize));
                denied = denied.or(one.answer.yes);
            }
            for one in here() {
                put(lane, one.answer.error.without(denied), self.shared.failed.get(one.rule as usize));
                denied = denied.or(one.answer.error);
            }
            let mut groups: Vec<(Bits, Vec<u32>)> = Vec::new();
            for one in here().filter(|one| self.effect(one) == Some(Effect::Permit)) {
                divide(&mut groups, one.answer.yes.without(denied), one.rule);
            }
            let closed = closed.get(number).copied().unwrap_or_default();
            for (destinations, permits) in groups {
                self.permit(lane, destinations, &permits, fixed, closed);
            }
        }
        Verdict(outcomes)
    }

    fn effect(&self, applied: &Applied) -> Option<Effect> {
        self.rules.get(applied.rule as usize).map(|rule| rule.effect)
    }

    /// Destinations that the same rules permit.
    fn permit(&self, lane: &mut [Outcome], destinations: Bits, permits: &[u32], fixed: Fixed, closed: Bits) {
        let rules = || permits.iter().filter_map(|number| self.rules.get(*number as usize));
        let blocks = |rule: &Rule| match rule.edit {
            Some(Hide::Pseudonymise) => fixed.unread || fixed.embed,
            Some(Hide::Mask) => fixed.unread,
            None => false,
        };
        let blocked = permits.iter().zip(rules()).find(|(_, rule)| blocks(rule));
        if let Some((number, _)) = blocked {
            put(lane, destinations, self.shared.cannot_hide.get(*number as usize));
            return;
        }
        let terms = self.shared.terms(permits, || terms(rules()));
        for number in destinations.without(closed).iter() {
            lane.get_mut(number).into_iter().for_each(|outcome| *outcome = Outcome::Permitted(terms.clone()));
        }
        let opened = permits.first().and_then(|number| self.shared.opened.get(*number as usize));
        put(lane, destinations.and(closed), opened);
    }
}

/// The destinations of a lane that these rules open, as [`Bench::verdict`] finds them.
pub(crate) fn open(rules: &[Rule], applied: &[Applied], lane: u32, fixed: Fixed) -> Bits {
    let (mut permitted, mut denied) = (Bits::NONE, Bits::NONE);
    for one in applied.iter().filter(|one| one.lane == lane) {
        let Some(rule) = rules.get(one.rule as usize) else { continue };
        denied = denied.or(one.answer.error);
        match (rule.effect, rule.edit) {
            (Effect::Forbid, _) => denied = denied.or(one.answer.yes),
            (Effect::Permit, edit) => {
                permitted = permitted.or(one.answer.yes);
                if edit.is_some() && fixed.unread || edit == Some(Hide::Pseudonymise) && fixed.embed {
                    denied = denied.or(one.answer.yes);
                }
            }
        }
    }
    permitted.without(denied)
}

fn put(lane: &mut [Outcome], destinations: Bits, denial: Option<&Arc<Denial>>) {
    for number in destinations.iter() {
        if let Some((outcome, denial)) = lane.get_mut(number).zip(denial) {
            *outcome = Outcome::Refused(denial.clone());
        }
    }
}

/// Divides groups of destinations into those that a rule permits too and those that it does not.
fn divide(groups: &mut Vec<(Bits, Vec<u32>)>, permitted: Bits, rule: u32) {
    let mut new = permitted;
    let mut divided = Vec::new();
    for (destinations, rules) in groups.iter_mut() {
        new = new.without(*destinations);
        let both = destinations.and(permitted);
        if both.is_empty() {
            continue;
        }
        let rest = destinations.without(permitted);
        if !rest.is_empty() {
            divided.push((rest, rules.clone()));
        }
        *destinations = both;
        rules.push(rule);
    }
    groups.extend(divided);
    if !new.is_empty() {
        groups.push((new, vec![rule]));
    }
}

/// The strictest of what the rules ask for.
fn terms<'r>(rules: impl Iterator<Item = &'r Rule>) -> Terms {
    let mut terms = Terms::default();
    let (mut answer, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for rule in rules {
        terms.rules.push(rule.id.clone());
        terms.review |= rule.review;
        labels.extend(rule.label.clone());
        if rule.answer {
            answer.extend(rule.kinds.iter().cloned());
        }
        let Some(hide) = rule.edit else { continue };
        terms.edit_rules.push((rule.id.clone(), rule.kinds.clone()));
        for kind in &rule.kinds {
            let there = terms.edits.entry(kind.clone()).or_insert(hide);
            *there = hide.max(*there);
        }
    }
    // A secret is worthless to a model: where it is hidden at all, it is hidden for good.
    let secret = |kind: &str| kind == "secret" || kind.starts_with("secret.");
    for (_, hide) in terms.edits.iter_mut().filter(|(kind, _)| secret(kind)) {
        *hide = Hide::Mask;
    }
    if terms.edits.contains_key("*") {
        terms.edits.insert("secret".into(), Hide::Mask);
    }
    terms.answer = answer.into_iter().collect();
    terms.labels = labels.into_iter().collect();
    terms
}
