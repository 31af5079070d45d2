//! What is withdrawn: in memory, for every request to ask. It holds; it does not judge, and nothing ends here by itself.

use std::sync::{Arc, Mutex, PoisonError};

use ::policy::Destination;
use arc_swap::{ArcSwap, Guard};
use catalog::Catalog;
use jiff::{Timestamp, civil::Date};

use super::{Cause, State, store::Rows};
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
    /// The day of the notice that announced it, where one did.
    pub notice: Option<Date>,
}

/// What a live drill withdraws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// What is taken away.
    pub subjects: Vec<Subject>,
    /// Since when.
    pub since: Timestamp,
    /// When it ends at the latest.
    pub until: Timestamp,
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
    held: Vec<Held>,
    /// Rehearsed by a drill.
    rehearsed: Option<Rehearsed>,
    /// Notices that took effect and were ended: they take effect once.
    spent: Vec<(Subject, Date)>,
}

#[derive(Clone, Debug)]
struct Held {
    withdrawal: Withdrawal,
    /// Its number in the database; none until it is stored.
    row: Option<i64>,
    /// Whether the log of this process has said so.
    logged: bool,
    told: Telling,
}

impl Held {
    /// Whether this is more than the database knows of it, and is still to be stored over it.
    fn is_ahead_of(&self, row: i64, cause: Cause) -> bool {
        self.withdrawal.cause.outranks(cause) && self.row.is_none_or(|known| known == row)
    }
}

/// How far the operator has been told of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// Nobody has been.
    Not,
    /// The message waits, or is being tried.
    Waiting,
    /// The webhook has taken it, or there is none.
    Done,
    /// And the database says so.
    Kept,
}

impl InForce {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.rehearsed.is_none()
    }

    /// What holds of `place`: the oldest of the withdrawals that take it, before any drill.
    pub(super) fn of(&self, place: &Destination, catalog: &Catalog) -> Option<State> {
        let taken = self.held.iter().map(|it| &it.withdrawal).find(|it| it.subject.withdraws(place, catalog));
        let withdrawn = taken.map(|it| State::Withdrawn { cause: it.cause, since: it.since });
        withdrawn.or_else(|| {
            let rehearsed = self.rehearsed.as_ref()?;
            let taken = rehearsed.subjects.iter().any(|subject| subject.withdraws(place, catalog));
            taken.then_some(State::Withdrawn { cause: Cause::Drill, since: rehearsed.since })
        })
    }

    pub(super) fn rehearsed(&self) -> Option<&Rehearsed> {
        self.rehearsed.as_ref()
    }

    /// Whether a notice for that day has taken effect before and was ended.
    pub(super) fn is_spent(&self, subject: &Subject, day: Date) -> bool {
        self.spent.iter().any(|(known, of)| known == subject && *of == day)
    }

    fn find(&mut self, subject: &Subject) -> Option<&mut Held> {
        self.held.iter_mut().find(|it| it.withdrawal.subject == *subject)
    }
}

impl Withdrawals {
    pub(super) fn load(&self) -> Guard<Arc<InForce>> {
        self.in_force.load()
    }

    pub(super) fn in_force(&self) -> Vec<Withdrawal> {
        self.in_force.load().held.iter().map(|it| it.withdrawal.clone()).collect()
    }

    /// Takes one in. Whether it is new: a subject is withdrawn once, and a cause that outranks the one it is withdrawn for takes over.
    pub(super) fn begin(&self, mut withdrawal: Withdrawal) -> bool {
        self.change(|list| {
            let known = list.find(&withdrawal.subject);
            if known.as_ref().is_some_and(|known| !withdrawal.cause.outranks(known.withdrawal.cause)) {
                return false;
            }
            // A notice that took effect has, whoever takes over.
            withdrawal.notice = withdrawal.notice.or(known.as_ref().and_then(|known| known.withdrawal.notice));
            let new = Held { withdrawal, row: None, logged: false, told: Telling::Not };
            match known {
                Some(known) => *known = new,
                None => list.held.push(new),
            }
            true
        })
    }

    /// Those of which the log of this process has not said anything; they count as said from now on.
    pub(super) fn take_unlogged(&self) -> Vec<Withdrawal> {
        self.take(|it| !it.logged, |it| it.logged = true)
    }

    /// Those of which the operator has not been told; they wait from now on.
    pub(super) fn take_untold(&self) -> Vec<Withdrawal> {
        self.take(|it| it.told == Telling::Not, |it| it.told = Telling::Waiting)
    }

    fn take(&self, is_meant: impl Fn(&Held) -> bool, mark: impl Fn(&mut Held)) -> Vec<Withdrawal> {
        if !self.in_force.load().held.iter().any(&is_meant) {
            return Vec::new();
        }
        self.change(|list| {
            let meant = list.held.iter_mut().filter(|it| is_meant(it));
            meant.map(|it| (mark(it), it.withdrawal.clone()).1).collect()
        })
    }

    /// That the operator has been told of that one. Of one that has taken over since he has not.
    pub(super) fn told(&self, withdrawal: &Withdrawal) {
        self.take(|it| it.withdrawal == *withdrawal && it.told != Telling::Kept, |it| it.told = Telling::Done);
    }

    /// The numbers and causes of those of which the operator has been told, and the database does not say so yet.
    pub(super) fn told_not_kept(&self) -> Vec<(i64, Cause)> {
        let list = self.in_force.load();
        let told = list.held.iter().filter(|it| it.told == Telling::Done);
        told.filter_map(|it| Some((it.row?, it.withdrawal.cause))).collect()
    }

    /// That the database says so now.
    pub(super) fn told_kept(&self, row: i64, cause: Cause) {
        self.take(|it| it.row == Some(row) && it.withdrawal.cause == cause, |it| it.told = Telling::Kept);
    }

    /// Those that are not in the database.
    pub(super) fn unstored(&self) -> Vec<Withdrawal> {
        self.in_force.load().held.iter().filter(|it| it.row.is_none()).map(|it| it.withdrawal.clone()).collect()
    }

    /// That one is in the database now, under that number. One that has taken over since is not.
    pub(super) fn stored(&self, withdrawal: &Withdrawal, row: i64) {
        self.change(|list| {
            if let Some(held) = list.find(&withdrawal.subject).filter(|it| it.withdrawal.cause == withdrawal.cause) {
                held.row = Some(row);
            }
        });
    }

    /// Takes in what the database has; lets nothing back. `logged`: whether the log need not say what is new here.
    pub(super) fn take_away(&self, rows: &Rows, logged: bool) {
        let known = self.in_force.load();
        let is_known = |(row, withdrawal): &(i64, Withdrawal)| {
            known.held.iter().any(|it| it.row == Some(*row) && it.withdrawal.cause == withdrawal.cause)
        };
        if rows.in_force.iter().all(is_known) && known.spent == rows.spent {
            return;
        }
        drop(known);
        self.change(|list| {
            list.spent.clone_from(&rows.spent);
            for (row, withdrawal) in &rows.in_force {
                let told = if rows.told.contains(row) { Telling::Kept } else { Telling::Not };
                let read = Held { withdrawal: withdrawal.clone(), row: Some(*row), logged, told };
                match list.find(&withdrawal.subject) {
                    None => list.held.push(read),
                    Some(held) if held.withdrawal.cause == withdrawal.cause => held.row = Some(*row),
                    Some(held) if held.is_ahead_of(*row, withdrawal.cause) => {}
                    // Another process knows better: an operator's command, as a rule.
                    Some(held) => *held = read,
                }
            }
        });
    }

    /// Lets back what had been ended when `rows` were read; gives what that was.
    pub(super) fn let_back(&self, rows: &Rows) -> Vec<Withdrawal> {
        let ended = |held: &Held| {
            let is_in_force = |row: i64| rows.in_force.iter().any(|(known, _)| *known == row);
            held.row.is_some_and(|row| row <= rows.last && !is_in_force(row))
        };
        if !self.in_force.load().held.iter().any(ended) {
            return Vec::new();
        }
        self.change(|list| {
            let (back, held) = std::mem::take(&mut list.held).into_iter().partition(ended);
            list.held = held;
            let back: Vec<Held> = back;
            back.into_iter().map(|it| it.withdrawal).collect()
        })
    }

    pub(super) fn rehearse(&self, rehearsed: Rehearsed) {
        self.change(|list| list.rehearsed = Some(rehearsed).filter(|rehearsed| !rehearsed.subjects.is_empty()));
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
