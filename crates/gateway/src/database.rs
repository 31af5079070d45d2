//! The database in the data directory: SQLite, shared by the server and the command line.
//!
//! It opens the file and brings it up to date. It must not know what the tables hold; each belongs to the module that asks it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection};

/// Another process writes for milliseconds only.
const BUSY_TIME_MAX: Duration = Duration::from_secs(5);
/// One to write and one to read.
const CONNECTIONS_MAX: u32 = 2;

/// The database. Cheap to clone; clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    path: Arc<PathBuf>,
    pool: SqlitePool,
}

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file, or what it holds.
    #[error("the database `{}` failed: {error}", path.display())]
    Failed {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        error: sqlx::Error,
    },
    /// It was made by a newer version, or is not ours.
    #[error("the database `{}` cannot be brought up to date: {error}", path.display())]
    Migration {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        error: sqlx::migrate::MigrateError,
    },
}

/// Tells whether others have changed the database: a connection of its own, for SQLite tells a connection of the changes
/// made by others.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    connection: Option<SqliteConnection>,
    seen: Option<i64>,
}

impl Database {
    /// Opens the file at `path`, which must be there, and brings it up to date.
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        let options = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX);
        let failed = |error| DatabaseError::Failed { path: path.to_owned(), error };
        let pool = options.connect_with(connect_options(path)).await.map_err(failed)?;
        let migrated = sqlx::migrate!("./migrations").run(&pool).await;
        migrated.map_err(|error| DatabaseError::Migration { path: path.to_owned(), error })?;
        Ok(Self { path: Arc::new(path.to_owned()), pool })
    }

    /// Its connections.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Names the file in an error.
    pub fn failed(&self, error: sqlx::Error) -> DatabaseError {
        DatabaseError::Failed { path: self.path.to_path_buf(), error }
    }
}

impl Watch {
    /// The state of the database, if it is another than the one last [`Watch::settle`]d; `None` while nothing has changed.
    pub(crate) async fn look(&mut self, database: &Database) -> Result<Option<i64>, DatabaseError> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            let opened = SqliteConnection::connect_with(&connect_options(&database.path)).await;
            opened.map_err(|error| database.failed(error))?
        };
        let asked = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut connection).await;
        // A connection that failed is not used again.
        let now: i64 = asked.map_err(|error| {
            self.seen = None;
            database.failed(error)
        })?;
        self.connection = Some(connection);
        Ok((self.seen != Some(now)).then_some(now))
    }

    /// That state has been taken in. Until this is said, a change is told again: what failed is tried again.
    pub(crate) fn settle(&mut self, state: i64) {
        self.seen = Some(state);
    }
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
