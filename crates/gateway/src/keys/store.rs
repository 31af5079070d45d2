//! The database of keys: SQLite, in the data directory, shared by the server and the command line.
//!
//! No request waits for it: the ring is filled from it when it changes. Knows nothing of HTTP.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection};

use super::{Caller, HashSecret, KeyHash, KeyRing, KeyText};
use crate::clock::Clock;
use crate::tasks::Tasks;

/// How often a change by another process is looked for: a revoked key is refused within a second, the reading included.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Another process writes for milliseconds only.
const BUSY_TIME_MAX: Duration = Duration::from_secs(5);
/// One to write and one to read.
const CONNECTIONS_MAX: u32 = 2;
/// Names of keys and teams, in characters: they stand in lists and records.
const NAME_CHARS_MAX: usize = 64;

/// The database of keys, and the ring that it fills. Cheap to clone.
#[derive(Clone)]
pub struct KeyStore {
    path: Arc<PathBuf>,
    pool: SqlitePool,
    secret: HashSecret,
    ring: KeyRing,
}

/// A key, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ListedKey {
    /// The first 12 hex digits of its keyed hash.
    pub id: String,
    /// What the operator called it.
    pub name: String,
    /// Whom it was given to.
    pub team: String,
    /// When it was made: RFC 3339, UTC.
    pub created_at: String,
    /// When it was revoked; `None` while it is in force.
    pub revoked_at: Option<String>,
}

/// A key that was just made. Its text is nowhere else, and cannot be had again.
#[derive(Debug)]
pub struct NewKey {
    /// What the caller has to send.
    pub text: KeyText,
    /// As it is listed.
    pub listed: ListedKey,
}

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// A name that cannot be one.
    #[error("the {what} `{}` must be 1 to {NAME_CHARS_MAX} characters, without control characters or blanks around it", name.escape_debug())]
    BadName {
        /// Which of the two: name or team.
        what: &'static str,
        /// As it was typed.
        name: String,
    },
    /// Another key in force has the name.
    #[error("a key named `{name}` exists: choose another name, or revoke that one first")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// No key in force has the name or id.
    #[error("no key in force has the name or id `{}`: see `gwanmun key list`", wanted.escape_debug())]
    NotFound {
        /// As it was typed.
        wanted: String,
    },
    /// The operating system gave no chance.
    #[error("no random bytes from the operating system: {0}")]
    Chance(#[from] getrandom::Error),
    /// The database.
    #[error("the key database `{}` failed: {error}", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        error: sqlx::Error,
    },
    /// It was made by a newer version, or is not ours.
    #[error("the key database `{}` cannot be brought up to date: {error}", path.display())]
    Migration {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        error: sqlx::migrate::MigrateError,
    },
}

impl KeyStore {
    /// Opens the database at `path`, which must be there, brings it up to date, and fills the ring.
    pub async fn open(path: &Path, secret: HashSecret) -> Result<Self, KeyStoreError> {
        let database = |error| KeyStoreError::Database { path: path.to_owned(), error };
        let options = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX);
        let pool = options.connect_with(connect_options(path)).await.map_err(database)?;
        let migrated = sqlx::migrate!("./migrations").run(&pool).await;
        migrated.map_err(|error| KeyStoreError::Migration { path: path.to_owned(), error })?;
        let ring = KeyRing::new(secret.clone());
        let store = Self { path: Arc::new(path.to_owned()), pool, secret, ring };
        store.refill().await?;
        Ok(store)
    }

    /// The keys in force, for looking up.
    pub fn ring(&self) -> KeyRing {
        self.ring.clone()
    }

    /// Makes a key called `name` for `team`. It is in force here at once, and within a second in other processes.
    pub async fn create(&self, name: &str, team: &str, now: Timestamp) -> Result<NewKey, KeyStoreError> {
        check_name("name", name)?;
        check_name("team", team)?;
        let text = KeyText::generate()?;
        let hash = self.secret.hash(&text);
        let listed = ListedKey {
            id: hash.id().to_string(),
            name: name.to_owned(),
            team: team.to_owned(),
            created_at: format!("{now:.0}"),
            revoked_at: None,
        };
        let insert = "INSERT INTO keys (hash, id, name, team, created_at) VALUES (?, ?, ?, ?, ?)";
        let inserted = sqlx::query(insert)
            .bind(hash.as_bytes().as_slice())
            .bind(&listed.id)
            .bind(&listed.name)
            .bind(&listed.team)
            .bind(&listed.created_at)
            .execute(&self.pool)
            .await;
        match inserted {
            Ok(_) => {}
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(KeyStoreError::NameTaken { name: name.to_owned() });
            }
            Err(error) => return Err(self.database(error)),
        }
        self.refill().await?;
        Ok(NewKey { text, listed })
    }

    /// Every key that was ever made, the oldest first.
    pub async fn list(&self) -> Result<Vec<ListedKey>, KeyStoreError> {
        let select = "SELECT id, name, team, created_at, revoked_at FROM keys ORDER BY created_at, name, id";
        let rows: Vec<(String, String, String, String, Option<String>)> =
            sqlx::query_as(select).fetch_all(&self.pool).await.map_err(|error| self.database(error))?;
        Ok(rows.into_iter().map(listed).collect())
    }

    /// Revokes the key in force that has the name or id `wanted`. It is refused here at once, elsewhere within a second.
    pub async fn revoke(&self, wanted: &str, now: Timestamp) -> Result<ListedKey, KeyStoreError> {
        let update = "UPDATE keys SET revoked_at = ?1 WHERE revoked_at IS NULL AND (id = ?2 OR name = ?2) \
                      RETURNING id, name, team, created_at, revoked_at";
        let revoked: Option<(String, String, String, String, Option<String>)> = sqlx::query_as(update)
            .bind(format!("{now:.0}"))
            .bind(wanted)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| self.database(error))?;
        let revoked = revoked.ok_or_else(|| KeyStoreError::NotFound { wanted: wanted.to_owned() })?;
        self.refill().await?;
        Ok(listed(revoked))
    }

    /// Keeps the ring true to what other processes write, for as long as the process lives. If the database cannot be read,
    /// the ring stays as it is, and the log says so once.
    pub fn follow(&self, tasks: &Tasks, clock: Clock) {
        let store = self.clone();
        tasks.start("keys", |stop| async move {
            let mut watch = None;
            let mut failing = false;
            loop {
                tokio::select! {
                    // While answers drain nobody new is let in, so no revocation has to be seen any more.
                    () = stop.draining() => break,
                    () = clock.sleep(LOOK_EVERY) => {}
                }
                match store.look(&mut watch).await {
                    Ok(()) => failing = false,
                    Err(error) if failing => tracing::debug!(%error, "the keys still cannot be read"),
                    Err(error) => {
                        failing = true;
                        tracing::error!(%error, "{error}; the keys known before stay in force, and no revocation is seen");
                    }
                }
            }
        });
    }

    /// Refills the ring if another connection has changed the database since the last look.
    async fn look(&self, watch: &mut Option<Watch>) -> Result<(), KeyStoreError> {
        if watch.is_none() {
            let connection = SqliteConnection::connect_with(&connect_options(&self.path)).await;
            *watch = Some(Watch { connection: connection.map_err(|error| self.database(error))?, version: None });
        }
        let Some(Watch { connection, version }) = watch else { return Ok(()) };
        let now: i64 = match sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await {
            Ok(now) => now,
            Err(error) => {
                *watch = None;
                return Err(self.database(error));
            }
        };
        if *version != Some(now) {
            self.refill().await?;
            // Only now: a refill that failed is tried again.
            *version = Some(now);
        }
        Ok(())
    }

    async fn refill(&self) -> Result<(), KeyStoreError> {
        let select = "SELECT hash, id, name, team FROM keys WHERE revoked_at IS NULL";
        let rows: Vec<(Vec<u8>, String, String, String)> =
            sqlx::query_as(select).fetch_all(&self.pool).await.map_err(|error| self.database(error))?;
        let mut known = HashMap::with_capacity(rows.len());
        for (hash, id, name, team) in rows {
            let hash =
                hash.try_into().map_err(|_| self.database(sqlx::Error::Decode("a hash is not 32 bytes".into())))?;
            let caller = Caller { key_id: id.into(), name: name.into(), team: team.into() };
            known.insert(KeyHash::from_bytes(hash), Arc::new(caller));
        }
        self.ring.replace(known);
        Ok(())
    }

    fn database(&self, error: sqlx::Error) -> KeyStoreError {
        KeyStoreError::Database { path: self.path.to_path_buf(), error }
    }
}

/// A connection of its own, for `data_version` tells a connection of the changes made by others.
struct Watch {
    connection: SqliteConnection,
    version: Option<i64>,
}

fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // A database that has gone must not be begun anew, without its keys.
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode only this makes a commit durable.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIME_MAX)
}

fn listed((id, name, team, created_at, revoked_at): (String, String, String, String, Option<String>)) -> ListedKey {
    ListedKey { id, name, team, created_at, revoked_at }
}

fn check_name(what: &'static str, name: &str) -> Result<(), KeyStoreError> {
    let chars = name.chars().count();
    let proper = (1..=NAME_CHARS_MAX).contains(&chars) && name.trim() == name && !name.chars().any(char::is_control);
    if proper { Ok(()) } else { Err(KeyStoreError::BadName { what, name: name.to_owned() }) }
}

#[cfg(test)]
mod tests;
