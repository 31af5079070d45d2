//! The index as it is opened, and how far it has got. What is written into it stands in `taking`, what is asked of it in `search`,
//! `figures` and `administration`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use crate::error::IndexError;
use crate::file;

/// One writes a batch at a time, which takes milliseconds.
const BUSY_TIME_MAX: Duration = Duration::from_secs(5);
/// How often it is tried to open the file, where another is making it or bringing it up to date at the same moment.
const OPEN_TRIES: u32 = 50;
/// One to write and the others to read.
const CONNECTIONS_MAX: u32 = 4;
/// Of the file's pages, kept by each connection: in KiB, as SQLite wants it said.
const CACHE_KIB: &str = "-16384";

/// The index. Cheap to clone; clones share its connections.
#[derive(Clone, Debug)]
pub struct Index {
    path: Arc<PathBuf>,
    pool: SqlitePool,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// The id of a caller's key.
    Key,
    /// A team.
    Team,
    /// A model that was asked for.
    Model,
    /// A destination that served.
    Destination,
    /// A kind of findings.
    Finding,
}

/// A name that requests had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// How many requests had it.
    pub requests: u64,
    /// When the last of them was decided on, in microseconds since 1970.
    pub last_at: u64,
    /// The index of that one's entry.
    pub last_entry: u64,
}

impl NameKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Team => "team",
            Self::Model => "model",
            Self::Destination => "destination",
            Self::Finding => "finding",
        }
    }
}

/// Whether somebody else is making it or bringing it up to date at this moment: SQLite does not wait for each of its locks.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others are no matter of a moment")]
fn is_busy(error: &IndexError) -> bool {
    let error = match error {
        // Another has made just that: the next look finds it made.
        IndexError::Migration { error: MigrateError::ExecuteMigration(..), .. } => return true,
        IndexError::Failed { error, .. } | IndexError::Migration { error: MigrateError::Execute(error), .. } => error,
        _ => return false,
    };
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| ["5", "261", "517"].contains(&&*code))
}

impl Index {
    /// Opens the index at `path` and brings it up to date; an empty one is made where there is none.
    ///
    /// # Errors
    /// Where the file cannot be made or opened, or is of another version.
    pub async fn open(path: &Path) -> Result<Self, IndexError> {
        file::make(path)?;
        let mut tries_left = OPEN_TRIES;
        loop {
            tries_left -= 1;
            match Self::opened(path).await {
                Err(error) if tries_left > 0 && is_busy(&error) => {}
                opened => return opened,
            }
        }
    }

    async fn opened(path: &Path) -> Result<Self, IndexError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // What a crash takes is taken from the log again; the file stays whole.
            .synchronous(SqliteSynchronous::Normal)
            .pragma("cache_size", CACHE_KIB)
            .busy_timeout(BUSY_TIME_MAX);
        let failed = |error| IndexError::Failed { path: path.to_owned(), error };
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options);
        let pool = pool.await.map_err(failed)?;
        let migrated = sqlx::migrate!("./migrations").run(&pool).await;
        migrated.map_err(|error| IndexError::Migration { path: path.to_owned(), error })?;
        Ok(Self { path: Arc::new(path.to_owned()), pool })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes its connections; everything is in the one file then.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// The next entry of the log that it wants, and the leaf hash of the one before it, where that is known.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn reached(&self) -> Result<(u64, Option<[u8; 32]>), IndexError> {
        let select = "SELECT next_entry, last_leaf FROM progress WHERE only = 1";
        let (next, leaf): (i64, Option<Vec<u8>>) =
            sqlx::query_as(select).fetch_one(self.pool()).await.map_err(|error| self.failed(error))?;
        Ok((unsigned(next), leaf.and_then(|leaf| leaf.try_into().ok())))
    }

    /// The next entry of the log that it wants: all before it have been taken in.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn next_entry(&self) -> Result<u64, IndexError> {
        let next = sqlx::query_scalar::<_, i64>("SELECT next_entry FROM progress WHERE only = 1");
        next.fetch_one(&self.pool).await.map(unsigned).map_err(|error| self.failed(error))
    }

    /// Says which log it is made from: an index that nothing was taken into yet keeps the name, another must have the same.
    ///
    /// # Errors
    /// Where it was made from another log, or the database fails.
    pub async fn made_from(&self, origin: &str) -> Result<(), IndexError> {
        let failed = |error| self.failed(error);
        let keep = sqlx::query("UPDATE progress SET origin = $1 WHERE only = 1 AND origin IS NULL");
        keep.bind(origin).execute(&self.pool).await.map_err(failed)?;
        let kept = sqlx::query_scalar::<_, String>("SELECT origin FROM progress WHERE only = 1");
        let of = kept.fetch_one(&self.pool).await.map_err(failed)?;
        if of == origin {
            return Ok(());
        }
        Err(IndexError::OtherLog { path: self.path.to_path_buf(), of, origin: origin.to_owned() })
    }

    /// How many requests are in it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn requests(&self) -> Result<u64, IndexError> {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM requests").fetch_one(&self.pool);
        count.await.map(unsigned).map_err(|error| self.failed(error))
    }

    /// Whether no request is in it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn is_empty(&self) -> Result<bool, IndexError> {
        let any = sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT 1 FROM requests)").fetch_one(&self.pool);
        any.await.map(|any| !any).map_err(|error| self.failed(error))
    }

    /// When the keys of requests were last used, by their ids; refused requests count too.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn last_used(&self) -> Result<Vec<Name>, IndexError> {
        self.names(NameKind::Key, i64::MAX.unsigned_abs()).await
    }

    /// Names that requests had, the most frequent first, this many at most.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn names(&self, kind: NameKind, at_most: u64) -> Result<Vec<Name>, IndexError> {
        let select = "SELECT name, requests, last_at, last_entry FROM names WHERE kind = $1 \
                      ORDER BY requests DESC, name LIMIT $2";
        let rows = sqlx::query(select).bind(kind.word()).bind(signed(at_most)).fetch_all(&self.pool).await;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Name {
                name: row.try_get(0)?,
                requests: row.try_get(1).map(unsigned)?,
                last_at: row.try_get(2).map(unsigned)?,
                last_entry: row.try_get(3).map(unsigned)?,
            })
        };
        rows.and_then(|rows| rows.iter().map(read).collect()).map_err(|error| self.failed(error))
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Names the file in an error.
    pub(crate) fn failed(&self, error: sqlx::Error) -> IndexError {
        IndexError::Failed { path: self.path.to_path_buf(), error }
    }
}

/// As the database holds it: numbers that are too large for it are at its end.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As it was given.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
