//! What is withdrawn: in memory, for every request to ask. It holds; it does not judge, and nothing ends here by itself.

use std::sync::{Arc, Mutex, PoisonError};

use ::policy::Destination;
use arc_swap::{ArcSwap, Guard};
use catalog::Catalog;
use jiff::Timestamp;

use super::{Cause, State};
use crate::withdrawal::Subject;

/// One withdrawal in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// What has been taken away.
    pub subject: Subject,
    /// Why, in a word.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
    /// By whom: `gateway`, `notice`, or an operator such as `uid 1000`.
    pub by: Arc<str>,
    /// What shows it, or what the operator said.
    pub why: Arc<str>,
    /// Its number in the database; none until it is stored.
    pub(super) row: Option<i64>,
}

/// All of them. Requests read a whole list; whoever changes it puts another in its place.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    in_force: ArcSwap<InForce>,
    /// Held by who makes the next list.
    changing: Mutex<()>,
}

/// One list.
#[derive(Clone, Debug, Default)]
pub(super) struct InForce {
    withdrawals: Vec<Withdrawal>,
    /// Rehearsed by a drill, since then.
    rehearsed: Option<(Vec<Subject>, Timestamp)>,
}

impl InForce {
    pub(super) fn is_empty(&self) -> bool {
        self.withdrawals.is_empty() && self.rehearsed.is_none()
    }

    /// What holds of `place`: the oldest of the withdrawals that take it, before any drill.
    pub(super) fn of(&self, place: &Destination, catalog: &Catalog) -> Option<State> {
        let taken = self.withdrawals.iter().find(|it| it.subject.withdraws(place, catalog));
        let withdrawn = taken.map(|it| State::Withdrawn { cause: it.cause, since: it.since });
        withdrawn.or_else(|| {
            let (subjects, since) = self.rehearsed.as_ref()?;
            let taken = subjects.iter().any(|subject| subject.withdraws(place, catalog));
            taken.then_some(State::Withdrawn { cause: Cause::Drill, since: *since })
        })
    }
}

impl Withdrawals {
    pub(super) fn load(&self) -> Guard<Arc<InForce>> {
        self.in_force.load()
    }

    pub(super) fn in_force(&self) -> Vec<Withdrawal> {
        self.in_force.load().withdrawals.clone()
    }

    /// Takes one in. Whether it is new: a subject is withdrawn once.
    pub(super) fn begin(&self, withdrawal: Withdrawal) -> bool {
        self.change(|list| {
            let known = list.withdrawals.iter().any(|it| it.subject == withdrawal.subject);
            if !known {
                list.withdrawals.push(withdrawal);
            }
            !known
        })
    }

    pub(super) fn rehearse(&self, subjects: Vec<Subject>, now: Timestamp) {
        self.change(|list| list.rehearsed = Some((subjects, now)).filter(|(subjects, _)| !subjects.is_empty()));
    }

    fn change<T>(&self, change: impl FnOnce(&mut InForce) -> T) -> T {
        // A poisoned lock holds nothing that could be half done.
        let _turn = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = InForce::clone(&self.in_force.load());
        let done = change(&mut list);
        self.in_force.store(Arc::new(list));
        done
    }
}
