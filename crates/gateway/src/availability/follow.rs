//! What follows from a withdrawal, beside the road: the operator is told, the database keeps it, and by that the audit log. Also what
//! begins by the calendar: notices. It must not delay a request, and no request waits for it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    Availability, Cause, Withdrawal,
    alert::{self, Alert},
    store,
};
use crate::{
    clock::Clock,
    database::{Database, DatabaseError},
    tasks::Tasks,
};

/// How often the calendar is looked at, and what could not be stored is tried again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who withdraws what a notice announced.
const BY_NOTICE: &str = "notice";

impl Availability {
    /// Takes in what the database says is withdrawn, and what the calendar says. All of it is in force when this returns; nothing is
    /// let back before [`Availability::let_back`] is told, when the log names the ends.
    pub(crate) async fn take_away(&self, database: &Database) -> Result<store::Rows, DatabaseError> {
        let rows = store::rows(database).await?;
        // Those that this process has found in its place when it started were logged when they began.
        let logged = !self.0.has_read.swap(true, Ordering::Relaxed);
        self.0.withdrawals.take_away(&rows, logged);
        if logged && !rows.in_force.is_empty() {
            let subjects: Vec<String> = rows.in_force.iter().map(|(_, it)| it.subject.to_string()).collect();
            tracing::warn!("withdrawn since before this start: {}", subjects.join(", "));
        }
        self.heed_notices();
        Ok(rows)
    }

    /// Lets back what had been ended when `rows` were read: the log has said so since.
    pub(crate) fn let_back(&self, rows: &store::Rows) {
        for Withdrawal { subject, cause, .. } in self.0.withdrawals.let_back(rows) {
            tracing::warn!(
                subject = %subject,
                cause = cause.word(),
                "{} is asked again: its withdrawal ({}) has ended",
                subject.told(),
                cause.word()
            );
            self.0.measures.ended(cause);
            self.0.alerts.send(Alert::ended(&subject, cause, self.0.clock.wall()));
        }
    }

    /// Withdraws what was announced for a day that has come, by UTC. A notice that was ended stays so.
    fn heed_notices(&self) {
        let config = self.0.config.load();
        if config.notices.is_empty() {
            return;
        }
        let now = self.0.clock.wall();
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        for notice in config.notices.iter().filter(|notice| notice.from <= today) {
            if self.0.withdrawals.load().is_spent(&notice.subject, notice.from) {
                continue;
            }
            self.begin(Withdrawal {
                subject: notice.subject.clone(),
                cause: Cause::Notice,
                since: now,
                by: BY_NOTICE.into(),
                why: Arc::clone(&notice.why),
                notice: Some(notice.from),
            });
        }
    }

    /// Tells the operator of what is new, and stores it.
    async fn attend(&self, database: &Database) -> Result<(), DatabaseError> {
        self.heed_notices();
        for withdrawal in self.0.withdrawals.take_unlogged() {
            let Withdrawal { subject, cause, why, .. } = &withdrawal;
            tracing::error!(
                subject = %subject,
                cause = cause.word(),
                evidence = %why,
                "{} is withdrawn ({}): {why}; nothing is sent there until `gwanmun restore {subject} --approve`",
                subject.told(),
                cause.word()
            );
        }
        for withdrawal in self.0.withdrawals.take_untold() {
            self.0.alerts.send_of(Alert::begun(&withdrawal), withdrawal);
        }
        for withdrawal in self.0.withdrawals.unstored() {
            let (row, _) = store::begin(database, &withdrawal).await?;
            self.0.withdrawals.stored(&withdrawal, row);
        }
        for (row, cause) in self.0.withdrawals.told_not_kept() {
            store::told(database, row, cause).await?;
            self.0.withdrawals.told_kept(row, cause);
        }
        Ok(())
    }

    /// The last look, when every request has ended: what the last of them showed is kept too.
    pub async fn settle(&self, database: &Database) -> Result<(), DatabaseError> {
        self.attend(database).await
    }

    /// The operator has been told of that withdrawal.
    pub(super) fn told(&self, withdrawal: &Withdrawal) {
        self.0.withdrawals.told(withdrawal);
        self.0.news.notify_one();
    }
}

/// Attends to withdrawals until requests drain; [`Availability::settle`] is for what those show that end later. While they cannot be stored they are in force in memory, and the log
/// says so once.
pub fn follow(availability: Availability, database: Database, tasks: &Tasks, clock: Clock) {
    alert::follow(&availability, tasks, &clock);
    tasks.start("withdrawals", |stop| async move {
        let mut failing = false;
        loop {
            let ending = tokio::select! {
                () = stop.draining() => true,
                () = availability.0.news.notified() => false,
                () = clock.sleep(LOOK_EVERY) => false,
            };
            match availability.attend(&database).await {
                Ok(()) => failing = false,
                Err(error) if failing => tracing::debug!(%error, "withdrawals still cannot be stored"),
                Err(error) => {
                    failing = true;
                    tracing::error!(%error, "a withdrawal is in force, but {error}: it would be forgotten by a restart");
                }
            }
            if ending {
                break;
            }
        }
    });
}
