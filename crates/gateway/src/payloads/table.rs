//! The table of payload keys: found, made, destroyed (`spec/payloads.md`, sections 2 and 7).
//!
//! No request waits for it but the first of a team and month. Knows nothing of files.

use audit_log::{Erasure, Text};
use jiff::Timestamp;
use sqlx::{Connection as _, SqliteConnection};

use super::PayloadError;
use super::keys::{DataKey, KeyId, Month, OriginHash, Owner, PayloadSecret};
use crate::changes::{self, Change};
use crate::database::{Database, DatabaseError};

/// Where keys are.
pub(super) struct Table {
    pub(super) database: Database,
    pub(super) secret: PayloadSecret,
    pub(super) origin: OriginHash,
}

/// A row of the table.
pub(super) struct Row {
    pub(super) id: KeyId,
    pub(super) month: Month,
    pub(super) created_at: Timestamp,
    pub(super) state: State,
}

/// `id`, `month`, `wrapped`, `created_at`, `destroyed_at`.
type Columns = (String, String, Option<Vec<u8>>, String, Option<String>);

/// What is left of a key.
pub(super) enum State {
    /// It opens what it sealed.
    InForce(DataKey),
    /// It does not open under the secret that there is.
    Foreign,
    /// It is gone, since then.
    Destroyed(Timestamp),
}

/// What was destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The ids of the keys, as the log's entry names them.
    pub keys: Vec<String>,
}

/// Why nothing was erased, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nothing of that team and month was kept.
    #[error("no payloads of team `{}` in {month} are kept: see the team's name in `gwanmun key list`, and give the month as in `2026-11`", team.escape_debug())]
    NothingKept {
        /// As it was asked for.
        team: String,
        /// As it was asked for.
        month: Month,
    },
    /// It had been done before.
    #[error("the payloads of team `{}` in {month} were erased at {at} already", team.escape_debug())]
    Already {
        /// As it was asked for.
        team: String,
        /// As it was asked for.
        month: Month,
        /// When the last key was destroyed: RFC 3339, UTC.
        at: String,
    },
    /// The keys are destroyed and cannot be used any more, but the old bytes may still lie in the database's files.
    #[error("the keys {} are destroyed, but their bytes may still be in the database's files, which another process holds ({reason}): run the same command again", keys.join(", "))]
    Lingering {
        /// The ids of the keys.
        keys: Vec<String>,
        /// What kept the files from being cleaned.
        reason: String,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Table {
    /// The key of that team and month that is in force, made if there is none.
    pub(super) async fn find_or_make(
        &self,
        team: &str,
        month: Month,
        now: Timestamp,
    ) -> Result<(KeyId, DataKey), PayloadError> {
        let select = "SELECT id, wrapped FROM payload_keys WHERE team = ? AND month = ? AND wrapped IS NOT NULL";
        let found: Option<(String, Vec<u8>)> = sqlx::query_as(select)
            .bind(team)
            .bind(month.to_string())
            .fetch_optional(self.database.pool())
            .await
            .map_err(|error| self.database.failed(error))?;
        let owner = Owner { team, month };
        if let Some((text, wrapped)) = found {
            let foreign = || PayloadError::Foreign { id: text.clone(), team: team.to_owned() };
            let id = KeyId::parse(&text).ok_or_else(foreign)?;
            let key = self.secret.unwrap(self.origin, id, owner, &wrapped).map_err(|_| foreign())?;
            return Ok((id, key));
        }
        let id = KeyId::make().map_err(|error| PayloadError::NotMade(error.to_string()))?;
        let made = self.secret.make(self.origin, id, owner);
        let (key, wrapped) = made.map_err(|error| PayloadError::NotMade(error.to_string()))?;
        sqlx::query("INSERT INTO payload_keys (id, team, month, wrapped, created_at) VALUES (?, ?, ?, ?, ?)")
            .bind(id.to_string())
            .bind(team)
            .bind(month.to_string())
            .bind(wrapped)
            .bind(format!("{now:.6}"))
            .execute(self.database.pool())
            .await
            .map_err(|error| self.database.failed(error))?;
        Ok((id, key))
    }

    /// The ids of all keys in force.
    pub(super) async fn in_force(&self) -> Result<Vec<KeyId>, DatabaseError> {
        let select = sqlx::query_scalar("SELECT id FROM payload_keys WHERE wrapped IS NOT NULL");
        let ids: Vec<String> =
            select.fetch_all(self.database.pool()).await.map_err(|error| self.database.failed(error))?;
        Ok(ids.iter().filter_map(|id| KeyId::parse(id)).collect())
    }

    /// Every key that the team ever had.
    pub(super) async fn of_team(&self, team: &str) -> Result<Vec<Row>, DatabaseError> {
        let select =
            "SELECT id, month, wrapped, created_at, destroyed_at FROM payload_keys WHERE team = ? ORDER BY created_at";
        let rows: Vec<Columns> = sqlx::query_as(select)
            .bind(team)
            .fetch_all(self.database.pool())
            .await
            .map_err(|error| self.database.failed(error))?;
        let read = |(id, month, wrapped, created_at, destroyed_at): Columns| {
            let (id, month) = (KeyId::parse(&id)?, month.parse().ok()?);
            let state = match wrapped {
                Some(wrapped) => match self.secret.unwrap(self.origin, id, Owner { team, month }, &wrapped) {
                    Ok(key) => State::InForce(key),
                    Err(_) => State::Foreign,
                },
                None => State::Destroyed(destroyed_at?.parse().ok()?),
            };
            Some(Row { id, month, created_at: created_at.parse().ok()?, state })
        };
        let damaged = || self.database.failed(sqlx::Error::Decode("a row of `payload_keys` is not one".into()));
        rows.into_iter().map(|row| read(row).ok_or_else(damaged)).collect()
    }
}

/// Destroys the keys of that team and month, on behalf of `by`, and leaves the change from which the log writes its entry.
/// What they sealed cannot be opened any more; a serving process forgets them within a second. The old bytes are gone from
/// the database's files when this returns.
pub async fn erase(
    database: &Database,
    team: &str,
    month: Month,
    by: Text,
    now: Timestamp,
) -> Result<Erased, EraseError> {
    let failed = |error| database.failed(error);
    let mut connection = database.pool().acquire().await.map_err(failed)?;
    sqlx::query("PRAGMA secure_delete = ON").execute(&mut *connection).await.map_err(failed)?;
    let keys = destroy(&mut connection, team, month, by, now).await.map_err(failed)?;
    if keys.is_empty() {
        let select = "SELECT max(destroyed_at) FROM payload_keys WHERE team = ? AND month = ?";
        let select = sqlx::query_scalar(select).bind(team).bind(month.to_string());
        let at: Option<String> = select.fetch_one(&mut *connection).await.map_err(failed)?;
        let team = team.to_owned();
        let Some(at) = at else { return Err(EraseError::NothingKept { team, month }) };
        // Whoever was told that bytes linger comes again.
        clean(&mut connection).await.map_err(|reason| EraseError::Lingering { keys: Vec::new(), reason })?;
        return Err(EraseError::Already { team, month, at });
    }
    match clean(&mut connection).await {
        Ok(()) => Ok(Erased { keys }),
        Err(reason) => Err(EraseError::Lingering { keys, reason }),
    }
}

/// Destroys the keys and leaves the change, in one transaction; gives the ids.
async fn destroy(
    connection: &mut SqliteConnection,
    team: &str,
    month: Month,
    by: Text,
    now: Timestamp,
) -> Result<Vec<String>, sqlx::Error> {
    // A transaction that begins by reading could not go on to write if another process wrote in between.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // First as many zeros, which are written where the key stood.
    let zeros = "UPDATE payload_keys SET wrapped = zeroblob(60) WHERE team = ? AND month = ? AND wrapped IS NOT NULL";
    sqlx::query(zeros).bind(team).bind(month.to_string()).execute(&mut *transaction).await?;
    let null = "UPDATE payload_keys SET wrapped = NULL, destroyed_at = ? \
                WHERE team = ? AND month = ? AND wrapped IS NOT NULL RETURNING id";
    let null = sqlx::query_scalar(null).bind(format!("{now:.6}")).bind(team).bind(month.to_string());
    let keys: Vec<String> = null.fetch_all(&mut *transaction).await?;
    if !keys.is_empty() {
        let scope = Text::of(&format!("payloads of team `{team}` in {month}"));
        let erasure = Erasure { scope, keys: keys.iter().map(|id| Text::of(id)).collect(), by };
        changes::insert(&mut transaction, &Change::Erasure(erasure)).await?;
    }
    transaction.commit().await?;
    Ok(keys)
}

/// Writes the database anew, without what was deleted, and empties the write-ahead log. Says what is in the way.
async fn clean(connection: &mut SqliteConnection) -> Result<(), String> {
    // Pages that SQLite has split or moved may hold old bytes in their free space; a database written anew has none.
    sqlx::query("VACUUM").execute(&mut *connection).await.map_err(|error| error.to_string())?;
    let checkpoint = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await;
    let (busy, _, _): (i64, i64, i64) = checkpoint.map_err(|error| error.to_string())?;
    if busy == 0 { Ok(()) } else { Err("it is reading them".to_owned()) }
}
