//! What operators change outside the process that holds the audit log, until the log says so.
//!
//! A command changes something and leaves a row here, in one transaction. Whoever holds the log takes the rows in their
//! order, has each written as an entry, and deletes it when that is durable. A process that dies between the two writes the
//! entry again at its next start: an entry may come twice, none is missing. It must not know what the changes do.

use std::pin::pin;
use std::time::Duration;

use audit_log::{Action, Administration, Erasure, Text, Word};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use crate::availability::Availability;
use crate::clock::Clock;
use crate::database::{Database, DatabaseError, Watch};
use crate::keys::{KeyStore, KeyStoreError};
use crate::record::{RecordError, Recorder};
use crate::tasks::Tasks;

/// How often a change by another process is looked for: a revoked key is refused within a second, the reading included.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Something that an operator changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Change {
    /// It is done; the log has to say so.
    Administration(Administration),
    /// Payload keys have been destroyed; the log has to say so.
    Erasure(Erasure),
    /// The log's own keys are to be replaced: only the process that holds the log can.
    RotateKeys {
        /// By whom.
        by: Text,
    },
}

impl Change {
    /// That somebody has done something to `subject`, with what is worth saying of it. A name that is no word of the log's is
    /// left out.
    pub fn administration(action: Action, subject: &str, by: &str, detail: &[(&str, &str)]) -> Self {
        let named = |(name, value): &(&str, &str)| Some((Word::new(*name).ok()?, Text::of(value)));
        let detail = detail.iter().filter_map(named).collect();
        Self::Administration(Administration { action, subject: Text::of(subject), by: Text::of(by), detail })
    }
}

/// Why a change is not in the log yet. It stays in the database and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It could not be read or taken out.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row that no version known here has written.
    #[error("the change number {id} in the database cannot be read: {error}")]
    Unreadable {
        /// The row's number.
        id: i64,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// The log does not take it.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The keys could not be read.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
}

/// Leaves a change, in the transaction of `connection` that makes it.
pub async fn insert(connection: &mut SqliteConnection, change: &Change) -> Result<(), sqlx::Error> {
    let written = serde_json::to_value(change).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let kind = written.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default();
    let body = written.get("body").map(ToString::to_string).unwrap_or_default();
    let insert = "INSERT INTO changes (kind, body) VALUES (?, ?)";
    sqlx::query(insert).bind(kind).bind(body).execute(connection).await.map(drop)
}

/// Leaves a change that is a transaction of its own; gives its number, for [`waits`].
pub async fn leave(database: &Database, change: &Change) -> Result<i64, DatabaseError> {
    let failed = |error| database.failed(error);
    let mut connection = database.pool().acquire().await.map_err(failed)?;
    insert(&mut connection, change).await.map_err(failed)?;
    sqlx::query_scalar("SELECT last_insert_rowid()").fetch_one(&mut *connection).await.map_err(failed)
}

/// Whether the change with that number still waits for the log.
pub async fn waits(database: &Database, id: i64) -> Result<bool, DatabaseError> {
    let count = sqlx::query_scalar("SELECT count(*) FROM changes WHERE id = ?").bind(id);
    let count: i64 = count.fetch_one(database.pool()).await.map_err(|error| database.failed(error))?;
    Ok(count > 0)
}

/// Has everything that waits written, in its order; each is taken out when its entry is durable. With the log off they
/// go on waiting.
pub async fn settle(database: &Database, recorder: &Recorder) -> Result<(), ChangeError> {
    if recorder.log().is_none() {
        return Ok(());
    }
    let select = "SELECT id, kind, body FROM changes ORDER BY id";
    let rows: Vec<(i64, String, String)> =
        sqlx::query_as(select).fetch_all(database.pool()).await.map_err(|error| database.failed(error))?;
    for (id, kind, body) in rows {
        match read(&kind, &body).map_err(|error| ChangeError::Unreadable { id, error })? {
            Change::Administration(body) => drop(recorder.administration(body).await?),
            Change::Erasure(body) => drop(recorder.erasure(body).await?),
            Change::RotateKeys { by } => recorder.rotate_keys(by).await?,
        }
        let delete = sqlx::query("DELETE FROM changes WHERE id = ?").bind(id).execute(database.pool()).await;
        delete.map_err(|error| database.failed(error))?;
    }
    Ok(())
}

/// Takes in all that waits: what was revoked or withdrawn at once, what was made or let back when the log says so.
pub async fn take_in(keys: &KeyStore, availability: &Availability, recorder: &Recorder) -> Result<(), ChangeError> {
    keys.withdraw().await?;
    let withdrawn = availability.take_away(keys.database()).await?;
    // Read first: whatever is in here has its row, if it is new, among those that are settled next.
    let known = keys.in_force().await?;
    settle(keys.database(), recorder).await?;
    keys.ring().replace(known);
    availability.let_back(&withdrawn);
    // What was revoked meanwhile is in there still.
    Ok(keys.withdraw().await?)
}

/// Takes in what other processes change, for as long as the process lives. While that fails, what was in force before stays,
/// and the log says so once.
pub fn follow(keys: KeyStore, availability: Availability, recorder: Recorder, tasks: &Tasks, clock: Clock) {
    tasks.start("changes", |stop| async move {
        let mut watch = Watch::default();
        let mut failing = false;
        loop {
            tokio::select! {
                // While answers drain nobody new is let in, so no change has to be seen any more.
                () = stop.draining() => break,
                () = clock.sleep(LOOK_EVERY) => {}
            }
            match look(&mut watch, &keys, &availability, &recorder, &clock).await {
                Ok(()) => failing = false,
                Err(error) if failing => tracing::debug!(%error, "changes still cannot be taken in"),
                Err(error) => {
                    failing = true;
                    tracing::error!(%error, "{error}; what was in force stays so, and no other change is seen");
                }
            }
        }
    });
}

async fn look(
    watch: &mut Watch,
    keys: &KeyStore,
    availability: &Availability,
    recorder: &Recorder,
    clock: &Clock,
) -> Result<(), ChangeError> {
    let Some(state) = watch.look(keys.database()).await? else { return Ok(()) };
    let mut taking = pin!(take_in(keys, availability, recorder));
    loop {
        tokio::select! {
            biased;
            taken = &mut taking => {
                taken?;
                watch.settle(state);
                return Ok(());
            }
            // The log may keep the others waiting, as while its keys are replaced: a revocation does not wait with them, nor does a
            // withdrawal.
            () = clock.sleep(LOOK_EVERY) => {
                keys.withdraw().await?;
                availability.take_away(keys.database()).await?;
            }
        }
    }
}

fn read(kind: &str, body: &str) -> serde_json::Result<Change> {
    let body: serde_json::Value = serde_json::from_str(body)?;
    serde_json::from_value(serde_json::json!({ "kind": kind, "body": body }))
}

#[cfg(test)]
mod tests;
