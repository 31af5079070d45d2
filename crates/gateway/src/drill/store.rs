//! The drills of the database: wanted by a command, run by the server, kept when they have ended. Knows nothing of what a drill does.

use jiff::Timestamp;
use serde::Serialize;

use super::{Plan, Progress, Why};
use crate::database::{Database, DatabaseError};

/// One drill, as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drill {
    /// 16 hex digits.
    pub id: String,
    /// `wanted`, `running` or `ended`.
    pub state: String,
    /// What was asked for.
    pub plan: Plan,
    /// When: RFC 3339, UTC.
    pub wanted_at: String,
    /// Whether somebody wants it to end before its time.
    pub stop_wanted: bool,
    /// How far it is, while it runs.
    pub progress: Option<Progress>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Why it ended.
    pub why: Option<String>,
    /// The entry with which it began.
    pub begin_entry: Option<i64>,
    /// The entry with which it ended.
    pub end_entry: Option<i64>,
    /// Of its report.
    pub report_sha256: Option<String>,
}

type Row = (
    String,
    String,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

const LIST: &str = "SELECT id, state, plan, wanted_at, stop_wanted, progress, ended_at, why, begin_entry, end_entry, \
                    report_sha256 FROM drills ORDER BY wanted_at DESC, id";
const GET: &str = "SELECT id, state, plan, wanted_at, stop_wanted, progress, ended_at, why, begin_entry, end_entry, \
                   report_sha256 FROM drills WHERE id = ?";

/// An id for a new drill.
///
/// # Errors
/// The system gives no random bytes.
pub fn new_id() -> Result<String, getrandom::Error> {
    getrandom::u64().map(|chance| format!("{chance:016x}"))
}

/// Leaves a plan for the server, under that id.
///
/// # Errors
/// The database's.
pub async fn want(database: &Database, id: &str, plan: &Plan, now: Timestamp) -> Result<(), DatabaseError> {
    let plan = json(plan);
    let insert = "INSERT INTO drills (id, state, plan, wanted_at) VALUES (?, 'wanted', ?, ?)";
    let inserted = sqlx::query(insert).bind(id).bind(plan).bind(format!("{now:.0}")).execute(database.pool()).await;
    inserted.map(drop).map_err(|error| database.failed(error))
}

/// The same, where none is under way: whether it was left. Two who ask at once do not both get theirs.
///
/// # Errors
/// The database's.
pub async fn want_alone(database: &Database, id: &str, plan: &Plan, now: Timestamp) -> Result<bool, DatabaseError> {
    let plan = json(plan);
    let insert = "INSERT INTO drills (id, state, plan, wanted_at) SELECT ?, 'wanted', ?, ? \
                  WHERE NOT EXISTS (SELECT 1 FROM drills WHERE state <> 'ended')";
    let inserted = sqlx::query(insert).bind(id).bind(plan).bind(format!("{now:.0}")).execute(database.pool()).await;
    Ok(inserted.map_err(|error| database.failed(error))?.rows_affected() > 0)
}

/// Every drill, the newest first.
///
/// # Errors
/// The database's.
pub async fn list(database: &Database) -> Result<Vec<Drill>, DatabaseError> {
    let rows: Result<Vec<Row>, _> = sqlx::query_as(LIST).fetch_all(database.pool()).await;
    Ok(rows.map_err(|error| database.failed(error))?.into_iter().filter_map(read).collect())
}

/// The drill of that id.
///
/// # Errors
/// The database's.
pub async fn get(database: &Database, id: &str) -> Result<Option<Drill>, DatabaseError> {
    let row: Result<Option<Row>, _> = sqlx::query_as(GET).bind(id).fetch_optional(database.pool()).await;
    Ok(row.map_err(|error| database.failed(error))?.and_then(read))
}

/// Wants it to end; whether it was not over yet.
///
/// # Errors
/// The database's.
pub async fn stop(database: &Database, id: &str) -> Result<bool, DatabaseError> {
    let update = "UPDATE drills SET stop_wanted = 1 WHERE id = ? AND state <> 'ended'";
    let updated = sqlx::query(update).bind(id).execute(database.pool()).await;
    Ok(updated.map_err(|error| database.failed(error))?.rows_affected() > 0)
}

/// Wants it no longer, if no server has taken it up; whether that is so.
///
/// # Errors
/// The database's.
pub async fn disown(database: &Database, id: &str) -> Result<bool, DatabaseError> {
    let update = "UPDATE drills SET stop_wanted = 1 WHERE id = ? AND state = 'wanted'";
    let updated = sqlx::query(update).bind(id).execute(database.pool()).await;
    Ok(updated.map_err(|error| database.failed(error))?.rows_affected() > 0)
}

/// Takes it up, if it is still wanted; whether that is so. From then on it is this server's to end.
pub(super) async fn take_up(database: &Database, id: &str) -> Result<bool, DatabaseError> {
    let update = "UPDATE drills SET state = 'running' WHERE id = ? AND state = 'wanted' AND stop_wanted = 0";
    let updated = sqlx::query(update).bind(id).execute(database.pool()).await;
    Ok(updated.map_err(|error| database.failed(error))?.rows_affected() > 0)
}

/// This entry says that it begins; gives whether somebody wants it to end.
pub(super) async fn begun(database: &Database, id: &str, entry: Option<u64>) -> Result<bool, DatabaseError> {
    let update = "UPDATE drills SET begin_entry = ? WHERE id = ? RETURNING stop_wanted";
    let entry = entry.and_then(|entry| i64::try_from(entry).ok());
    let wanted = sqlx::query_scalar(update).bind(entry).bind(id).fetch_optional(database.pool()).await;
    let wanted: Option<i64> = wanted.map_err(|error| database.failed(error))?;
    Ok(wanted.is_none_or(|wanted| wanted != 0))
}

/// The report is written, and an entry with its hash comes next: a server that finds this looks for that entry before it writes an end.
pub(super) async fn reported(database: &Database, id: &str, sha256: &str) -> Result<(), DatabaseError> {
    let update = "UPDATE drills SET report_sha256 = ? WHERE id = ?";
    let updated = sqlx::query(update).bind(sha256).bind(id).execute(database.pool()).await;
    updated.map(drop).map_err(|error| database.failed(error))
}

/// How far it is; gives whether somebody wants it to end.
pub(super) async fn advanced(database: &Database, id: &str, progress: &Progress) -> Result<bool, DatabaseError> {
    let update = "UPDATE drills SET progress = ? WHERE id = ? RETURNING stop_wanted";
    let wanted = sqlx::query_scalar(update).bind(json(progress)).bind(id).fetch_optional(database.pool()).await;
    let wanted: Option<i64> = wanted.map_err(|error| database.failed(error))?;
    Ok(wanted.is_none_or(|wanted| wanted != 0))
}

/// How a drill ended, for its row.
pub(super) struct Ended<'a> {
    pub(super) id: &'a str,
    pub(super) why: Why,
    pub(super) at: Timestamp,
    pub(super) entry: Option<u64>,
    pub(super) report_sha256: Option<&'a str>,
}

pub(super) async fn ended(database: &Database, ended: &Ended<'_>) -> Result<(), DatabaseError> {
    let update =
        "UPDATE drills SET state = 'ended', why = ?, ended_at = ?, end_entry = ?, report_sha256 = ? WHERE id = ?";
    let updated = sqlx::query(update)
        .bind(ended.why.word())
        .bind(format!("{:.0}", ended.at))
        .bind(ended.entry.and_then(|entry| i64::try_from(entry).ok()))
        .bind(ended.report_sha256)
        .bind(ended.id)
        .execute(database.pool())
        .await;
    updated.map(drop).map_err(|error| database.failed(error))
}

/// None where no version known here wrote it.
fn read(row: Row) -> Option<Drill> {
    let (id, state, plan, wanted_at, stop, progress, ended_at, why, begin_entry, end_entry, report_sha256) = row;
    let plan = serde_json::from_str(&plan).ok()?;
    let progress = progress.and_then(|progress| serde_json::from_str(&progress).ok());
    let stop_wanted = stop != 0;
    Some(Drill {
        id,
        state,
        plan,
        wanted_at,
        stop_wanted,
        progress,
        ended_at,
        why,
        begin_entry,
        end_entry,
        report_sha256,
    })
}

fn json(value: &impl Serialize) -> String {
    // Plans and progress are plain values, which JSON always holds.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::Mode;

    async fn wanted(id: &str) -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        std::fs::File::create(&path).unwrap();
        let database = Database::open(&path).await.unwrap();
        let plan = Plan {
            mode: Mode::Live,
            withdraw: vec!["jurisdiction:US".to_owned()],
            seconds: 60,
            sample_permille: 0,
            least_answered_permille: 950,
            reference_model: None,
            by: "test".to_owned(),
        };
        want(&database, id, &plan, Timestamp::UNIX_EPOCH).await.unwrap();
        (folder, database)
    }

    #[tokio::test]
    async fn of_two_who_want_a_drill_at_once_one_gets_it() {
        let (_folder, database) = wanted("0123456789abcdef").await;
        let plan = get(&database, "0123456789abcdef").await.unwrap().unwrap().plan;
        let again = want_alone(&database, "1123456789abcdef", &plan, Timestamp::UNIX_EPOCH).await;
        assert!(!again.unwrap(), "one is under way");
        sqlx::query("UPDATE drills SET state = 'ended'").execute(database.pool()).await.unwrap();
        let both = futures_util::future::join_all(["2123456789abcdef", "3123456789abcdef"].map(|id| {
            let (database, plan) = (&database, &plan);
            async move { want_alone(database, id, plan, Timestamp::UNIX_EPOCH).await.unwrap() }
        }));
        assert_eq!(both.await.into_iter().filter(|left| *left).count(), 1);
        assert_eq!(list(&database).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_drill_is_either_disowned_or_taken_up() {
        let id = "0123456789abcdef";
        let (_folder, database) = wanted(id).await;
        assert!(disown(&database, id).await.unwrap());
        assert!(!take_up(&database, id).await.unwrap(), "its command has given it up");
        let (_folder, database) = wanted(id).await;
        assert!(take_up(&database, id).await.unwrap());
        assert!(!take_up(&database, id).await.unwrap(), "once");
        assert!(!disown(&database, id).await.unwrap(), "it is held: its command goes on watching");
        assert!(!begun(&database, id, Some(7)).await.unwrap());
        assert!(stop(&database, id).await.unwrap());
        assert!(begun(&database, id, Some(7)).await.unwrap(), "stopped before it was in force");
    }
}
