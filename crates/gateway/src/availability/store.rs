//! Withdrawals in the database: shared by the server and the commands, kept over a restart. Each begin and each end leaves a change for
//! the audit log, in the same transaction. It must not know what is asked meanwhile.

use audit_log::Action;
use jiff::{Timestamp, civil::Date};
use sqlx::{FromRow as _, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{Cause, Withdrawal};
use crate::{
    changes::{self, Change},
    database::{Database, DatabaseError},
    withdrawal::Subject,
};

/// What the table said at one moment.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// In force, by number, the oldest first.
    pub(super) in_force: Vec<(i64, Withdrawal)>,
    /// Those of them of which the operator has been told.
    pub(super) told: Vec<i64>,
    /// The last number given: rows with later ones are not in here because they came later.
    pub(super) last: i64,
    /// Notices that took effect and were ended.
    pub(super) spent: Vec<(Subject, Date)>,
}

/// Whose decision an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// An operator's: the log names the approval too.
    Approved,
    /// Of a policy that the configuration has for this cause: it ends no other.
    Automatic(Cause),
}

/// Number, subject, cause, why, by whom, since, notice.
type Row = (i64, String, String, String, String, String, Option<String>);

/// Stores that `withdrawal` has begun; gives its number, and whether it is new: a subject is withdrawn once, and a cause that outranks
/// the one it is withdrawn for takes over.
pub async fn begin(database: &Database, withdrawal: &Withdrawal) -> Result<(i64, bool), DatabaseError> {
    let failed = |error| database.failed(error);
    // A transaction that begins by reading could not go on to write if another process wrote in between.
    let mut transaction = database.pool().begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let subject = withdrawal.subject.to_string();
    let known = "SELECT id, cause FROM withdrawals WHERE subject = ? AND ended_at IS NULL";
    let known = sqlx::query_as(known).bind(&subject).fetch_optional(&mut *transaction);
    let known: Option<(i64, String)> = known.await.map_err(failed)?;
    // What a newer version wrote is not known here, and stays.
    let outranks = |cause: &str| Cause::of(cause).is_some_and(|known| withdrawal.cause.outranks(known));
    let known = match known {
        Some((id, cause)) if !outranks(&cause) => return Ok((id, false)),
        known => known.map(|(id, _)| id),
    };
    let id = match known {
        Some(id) => replace(&mut transaction, id, withdrawal).await,
        None => insert(&mut transaction, withdrawal).await,
    };
    let id = id.map_err(failed)?;
    let detail = [("cause", withdrawal.cause.word()), ("why", &withdrawal.why)];
    note(&mut transaction, Action::WithdrawalBegin, &subject, &withdrawal.by, &detail).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok((id, true))
}

async fn insert(connection: &mut SqliteConnection, withdrawal: &Withdrawal) -> Result<i64, sqlx::Error> {
    let insert =
        "INSERT INTO withdrawals (cause, why, begun_by, since, notice, subject) VALUES (?, ?, ?, ?, ?, ?) RETURNING id";
    let insert = sqlx::query_scalar(insert).bind(withdrawal.cause.word()).bind(&*withdrawal.why).bind(&*withdrawal.by);
    let insert = insert.bind(format!("{:.0}", withdrawal.since)).bind(withdrawal.notice.map(|day| day.to_string()));
    insert.bind(withdrawal.subject.to_string()).fetch_one(connection).await
}

/// Nobody has been told of what takes over. A notice that took effect has, whoever takes over.
async fn replace(connection: &mut SqliteConnection, id: i64, withdrawal: &Withdrawal) -> Result<i64, sqlx::Error> {
    let update = "UPDATE withdrawals SET cause = ?, why = ?, begun_by = ?, since = ?, notice = coalesce(?, notice), told = 0 \
                  WHERE id = ? RETURNING id";
    let update = sqlx::query_scalar(update).bind(withdrawal.cause.word()).bind(&*withdrawal.why).bind(&*withdrawal.by);
    let update = update.bind(format!("{:.0}", withdrawal.since)).bind(withdrawal.notice.map(|day| day.to_string()));
    update.bind(id).fetch_one(connection).await
}

/// Stores that what is withdrawn under `subject` is let back; gives what that was, if anything. A running server asks it again
/// when the log says so, within a second.
pub async fn end(
    database: &Database,
    subject: &Subject,
    (by, why): (&str, &str),
    how: Return,
    now: Timestamp,
) -> Result<Option<Withdrawal>, DatabaseError> {
    let failed = |error| database.failed(error);
    let mut transaction = database.pool().begin().await.map_err(failed)?;
    let cause = match how {
        Return::Approved => None,
        Return::Automatic(cause) => Some(cause.word()),
    };
    let update = "UPDATE withdrawals SET ended_at = ?, ended_by = ?, ended_why = ? WHERE subject = ? AND ended_at IS NULL \
                  AND cause = coalesce(?, cause) RETURNING id, subject, cause, why, begun_by, since, notice";
    let ended: Option<Row> = sqlx::query_as(update)
        .bind(format!("{now:.0}"))
        .bind(by)
        .bind(why)
        .bind(subject.to_string())
        .bind(cause)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    let Some(row) = ended else { return Ok(None) };
    let (_, ended) = read(row).map_err(failed)?;
    let subject = subject.to_string();
    if how == Return::Approved {
        let detail = [("for", "withdrawal.end"), ("why", why)];
        note(&mut transaction, Action::ApprovalGive, &subject, by, &detail).await.map_err(failed)?;
    }
    let since = format!("{:.0}", ended.since);
    let detail = [("cause", ended.cause.word()), ("since", &since), ("why", why)];
    note(&mut transaction, Action::WithdrawalEnd, &subject, by, &detail).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(Some(ended))
}

/// Stores that the operator has been told of the withdrawal with that number, if it is still for that cause.
pub(super) async fn told(database: &Database, row: i64, cause: Cause) -> Result<(), DatabaseError> {
    let update = "UPDATE withdrawals SET told = 1 WHERE id = ? AND cause = ?";
    let update = sqlx::query(update).bind(row).bind(cause.word());
    update.execute(database.pool()).await.map(drop).map_err(|error| database.failed(error))
}

/// What is withdrawn, the oldest first.
pub async fn in_force(database: &Database) -> Result<Vec<Withdrawal>, DatabaseError> {
    Ok(rows(database).await?.in_force.into_iter().map(|(_, withdrawal)| withdrawal).collect())
}

/// A withdrawal that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// What it was.
    pub withdrawal: Withdrawal,
    /// When it ended: RFC 3339, UTC.
    pub ended_at: String,
    /// By whom.
    pub ended_by: String,
    /// What they said.
    pub ended_why: String,
}

/// The withdrawals that have ended, `most` at most, the latest end first; those that a newer version wrote and this one cannot read
/// are left out. Also how many there are in all.
///
/// # Errors
/// The database's.
pub async fn past(database: &Database, most: u32) -> Result<(Vec<Past>, u64), DatabaseError> {
    let failed = |error| database.failed(error);
    let select = "SELECT id, subject, cause, why, begun_by, since, notice, ended_at, ended_by, coalesce(ended_why, '') \
                  FROM withdrawals WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, id DESC LIMIT ?";
    let rows = sqlx::query(select).bind(most).fetch_all(database.pool()).await.map_err(failed)?;
    let all = sqlx::query_scalar("SELECT count(*) FROM withdrawals WHERE ended_at IS NOT NULL");
    let all: i64 = all.fetch_one(database.pool()).await.map_err(failed)?;
    let past = rows.iter().filter_map(|row| ended_row(row).ok()).collect();
    Ok((past, u64::try_from(all).unwrap_or(0)))
}

fn ended_row(row: &SqliteRow) -> Result<Past, sqlx::Error> {
    let (_, withdrawal) = read(Row::from_row(row)?)?;
    let text = |column: usize| row.try_get::<String, _>(column);
    Ok(Past { withdrawal, ended_at: text(7)?, ended_by: text(8)?, ended_why: text(9)? })
}

/// What the table says now.
pub(crate) async fn rows(database: &Database) -> Result<Rows, DatabaseError> {
    let failed = |error| database.failed(error);
    // One transaction sees one moment.
    let mut transaction = database.pool().begin().await.map_err(failed)?;
    let last = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM withdrawals");
    let last: i64 = last.fetch_one(&mut *transaction).await.map_err(failed)?;
    let select =
        "SELECT id, subject, cause, why, begun_by, since, notice FROM withdrawals WHERE ended_at IS NULL ORDER BY id";
    let in_force: Vec<Row> = sqlx::query_as(select).fetch_all(&mut *transaction).await.map_err(failed)?;
    let select = "SELECT id FROM withdrawals WHERE ended_at IS NULL AND told = 1";
    let told: Vec<i64> = sqlx::query_scalar(select).fetch_all(&mut *transaction).await.map_err(failed)?;
    let select = "SELECT subject, notice FROM withdrawals WHERE notice IS NOT NULL AND ended_at IS NOT NULL";
    let spent: Vec<(String, String)> = sqlx::query_as(select).fetch_all(&mut *transaction).await.map_err(failed)?;
    let in_force = in_force.into_iter().map(read).collect::<Result<_, _>>().map_err(failed)?;
    let day = |(subject, day): (String, String)| Some((subject.parse().ok()?, day.parse().ok()?));
    Ok(Rows { in_force, told, last, spent: spent.into_iter().filter_map(day).collect() })
}

/// A row that a newer version has written may say what this one does not know: then nothing is read at all, for a withdrawal that
/// is passed over would be asked.
fn read((id, subject, cause, why, by, since, notice): Row) -> Result<(i64, Withdrawal), sqlx::Error> {
    let unreadable = |what: &str| sqlx::Error::Decode(format!("the withdrawal number {id} has {what}").into());
    let notice = notice.map(|day| day.parse()).transpose();
    let withdrawal = Withdrawal {
        subject: subject.parse().map_err(|_| unreadable("a subject that is not known"))?,
        cause: Cause::of(&cause).ok_or_else(|| unreadable("a cause that is not known"))?,
        since: since.parse().map_err(|_| unreadable("no time"))?,
        by: by.into(),
        why: why.into(),
        notice: notice.map_err(|_| unreadable("no day"))?,
    };
    Ok((id, withdrawal))
}

/// Leaves for the log what was done.
async fn note(
    connection: &mut SqliteConnection,
    action: Action,
    subject: &str,
    by: &str,
    detail: &[(&str, &str)],
) -> Result<(), sqlx::Error> {
    changes::insert(connection, &Change::administration(action, subject, by, detail)).await
}

#[cfg(test)]
mod tests;
