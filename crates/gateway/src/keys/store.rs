//! The database of keys: SQLite, in the data directory, shared by the server and the command line.
//!
//! No request waits for it: the ring is filled from it when it changes ([`crate::changes`]). Knows nothing of HTTP.

mod of_account;

use std::collections::HashMap;
use std::sync::Arc;

use ::policy::Class;
use audit_log::Action;
use jiff::Timestamp;
use serde::Serialize as _;
use sqlx::SqliteConnection;

use super::{Caller, HashSecret, KeyHash, KeyRing, KeyText};
use crate::changes::{self, Change};
use crate::config::{Continuity, Registered};
use crate::database::{Database, DatabaseError};

pub use of_account::{OWN_KEYS_MAX, end_of_account};

/// Names of keys and teams, in characters: they stand in lists and records.
const NAME_CHARS_MAX: usize = 64;

/// The database of keys, and the ring that it fills. Cheap to clone.
#[derive(Clone)]
pub struct KeyStore {
    database: Database,
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
    /// The least class of the data that it is used for; `None` where nobody has said.
    #[serde(serialize_with = "word")]
    pub class: Option<Class>,
    /// What becomes of its streamed answers that break off; `None` where the route says it.
    #[serde(serialize_with = "continuity_word")]
    pub continuity: Option<Continuity>,
    /// The account that made it for itself; `None` where an operator made it.
    pub account: Option<String>,
    /// When it was made: RFC 3339, UTC.
    pub created_at: String,
    /// When it was revoked; `None` while it is in force.
    pub revoked_at: Option<String>,
}

/// A key that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedKey<'a> {
    /// What to call it; unique among the keys in force.
    pub name: &'a str,
    /// Whom it is given to.
    pub team: &'a str,
    /// The least class of the data that it is used for.
    pub class: Option<Class>,
    /// What becomes of its streamed answers that break off.
    pub continuity: Option<Continuity>,
    /// The account that makes it for itself.
    pub account: Option<&'a str>,
}

impl<'a> WantedKey<'a> {
    /// One that nothing is said of but whose it is.
    pub fn new(name: &'a str, team: &'a str) -> Self {
        Self { name, team, class: None, continuity: None, account: None }
    }
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
    /// The account has made as many as it can.
    #[error("an account can have {OWN_KEYS_MAX} keys of its own: revoke one first")]
    TooMany,
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
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl KeyStore {
    /// Takes the keys in `database`, and fills the ring.
    pub async fn open(database: Database, secret: HashSecret) -> Result<Self, KeyStoreError> {
        let ring = KeyRing::new(secret.clone());
        let store = Self { database, secret, ring };
        store.refill().await?;
        Ok(store)
    }

    /// The keys in force, for looking up.
    pub fn ring(&self) -> KeyRing {
        self.ring.clone()
    }

    /// Where they are kept.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Makes a key, on behalf of `by`. It comes into force when the log says so, within a second
    /// where a server runs: see [`crate::changes`].
    pub async fn create(&self, wanted: &WantedKey<'_>, by: &str, now: Timestamp) -> Result<NewKey, KeyStoreError> {
        check_name("name", wanted.name)?;
        check_name("team", wanted.team)?;
        if let Some(account) = wanted.account
            && self.of_account(account).await?.len() >= OWN_KEYS_MAX
        {
            return Err(KeyStoreError::TooMany);
        }
        let (key, hash) = self.fresh(wanted, now)?;
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        self.insert(&mut transaction, &key.listed, &hash).await?;
        note(&mut transaction, Action::KeyCreate, &key.listed, &[], by).await.map_err(|error| self.failed(error))?;
        transaction.commit().await.map_err(|error| self.failed(error))?;
        Ok(key)
    }

    /// Makes a new key in place of the one in force that has the name or id `wanted`, on behalf of `by`: with its name, its team and all
    /// that it is registered with. In one transaction, so that nobody is left without one. The old one is refused here at once,
    /// elsewhere within a second; the new one comes into force as one that was made.
    pub async fn rotate(&self, wanted: &str, by: &str, now: Timestamp) -> Result<NewKey, KeyStoreError> {
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let old = self.end(&mut transaction, wanted, now).await?;
        let ListedKey { name, team, class, continuity, account, .. } = &old;
        let account = account.as_deref();
        let wanted = WantedKey { name, team, class: *class, continuity: *continuity, account };
        let (key, hash) = self.fresh(&wanted, now)?;
        self.insert(&mut transaction, &key.listed, &hash).await?;
        let failed = |error| self.failed(error);
        note(&mut transaction, Action::KeyRevoke, &old, &[("replaced_by", &key.listed.id)], by)
            .await
            .map_err(failed)?;
        note(&mut transaction, Action::KeyCreate, &key.listed, &[("replaces", &old.id)], by).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        self.withdraw().await?;
        Ok(key)
    }

    /// A key that is nowhere yet.
    fn fresh(&self, wanted: &WantedKey<'_>, now: Timestamp) -> Result<(NewKey, KeyHash), KeyStoreError> {
        let WantedKey { name, team, class, continuity, account } = *wanted;
        let text = KeyText::generate()?;
        let hash = self.secret.hash(&text);
        let listed = ListedKey {
            id: hash.id().to_string(),
            name: name.to_owned(),
            team: team.to_owned(),
            class,
            continuity,
            account: account.map(str::to_owned),
            created_at: format!("{now:.0}"),
            revoked_at: None,
        };
        Ok((NewKey { text, listed }, hash))
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        key: &ListedKey,
        hash: &KeyHash,
    ) -> Result<(), KeyStoreError> {
        let insert = "INSERT INTO keys (hash, id, name, team, class, continuity, account, created_at) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        let inserted = sqlx::query(insert)
            .bind(hash.as_bytes().as_slice())
            .bind(&key.id)
            .bind(&key.name)
            .bind(&key.team)
            .bind(key.class.map(Class::word))
            .bind(key.continuity.map(Continuity::word))
            .bind(&key.account)
            .bind(&key.created_at)
            .execute(connection)
            .await;
        match inserted {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(KeyStoreError::NameTaken { name: key.name.clone() })
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Every key that was ever made, the oldest first.
    pub async fn list(&self) -> Result<Vec<ListedKey>, KeyStoreError> {
        let select = format!("SELECT {COLUMNS} FROM keys ORDER BY created_at, name, id");
        let select = sqlx::query_as(sqlx::AssertSqlSafe(select));
        let rows: Vec<Row> = select.fetch_all(self.database.pool()).await.map_err(|error| self.failed(error))?;
        Ok(rows.into_iter().map(listed).collect())
    }

    /// Revokes the key in force that has the name or id `wanted`, on behalf of `by`. It is refused here at once, elsewhere
    /// within a second.
    pub async fn revoke(&self, wanted: &str, by: &str, now: Timestamp) -> Result<ListedKey, KeyStoreError> {
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let revoked = self.end(&mut transaction, wanted, now).await?;
        note(&mut transaction, Action::KeyRevoke, &revoked, &[], by).await.map_err(|error| self.failed(error))?;
        transaction.commit().await.map_err(|error| self.failed(error))?;
        self.withdraw().await?;
        Ok(revoked)
    }

    /// Ends the one key in force that `wanted` names. One that has it as its id goes before one that somebody has named so.
    async fn end(
        &self,
        connection: &mut SqliteConnection,
        wanted: &str,
        now: Timestamp,
    ) -> Result<ListedKey, KeyStoreError> {
        let update = format!(
            "UPDATE keys SET revoked_at = ?1 WHERE hash = (SELECT hash FROM keys \
             WHERE revoked_at IS NULL AND (id = ?2 OR name = ?2) ORDER BY id = ?2 DESC LIMIT 1) \
             RETURNING {COLUMNS}"
        );
        let update = sqlx::query_as(sqlx::AssertSqlSafe(update)).bind(format!("{now:.0}")).bind(wanted);
        let ended: Option<Row> = update.fetch_optional(connection).await.map_err(|error| self.failed(error))?;
        Ok(listed(ended.ok_or_else(|| KeyStoreError::NotFound { wanted: wanted.to_owned() })?))
    }

    /// Takes what has been revoked out of the ring; adds nothing.
    pub async fn withdraw(&self) -> Result<(), KeyStoreError> {
        self.ring.keep_only(&self.in_force().await?);
        Ok(())
    }

    /// Makes the ring hold all keys in force.
    pub async fn refill(&self) -> Result<(), KeyStoreError> {
        self.ring.replace(self.in_force().await?);
        Ok(())
    }

    /// The keys in force, as the database says now.
    pub(crate) async fn in_force(&self) -> Result<HashMap<KeyHash, Arc<Caller>>, KeyStoreError> {
        let select = "SELECT hash, id, name, team, class, continuity FROM keys WHERE revoked_at IS NULL";
        let rows: Vec<HashedRow> =
            sqlx::query_as(select).fetch_all(self.database.pool()).await.map_err(|error| self.failed(error))?;
        let mut known = HashMap::with_capacity(rows.len());
        for (hash, id, name, team, class, continuity) in rows {
            let hash =
                hash.try_into().map_err(|_| self.failed(sqlx::Error::Decode("a hash is not 32 bytes".into())))?;
            let continuity = continuity.as_deref().and_then(Continuity::of_word);
            let registered = Registered { class: class.as_deref().map(of_word), continuity, ..Registered::default() };
            let caller = Caller { key_id: id.into(), name: name.into(), team: team.into(), registered };
            known.insert(KeyHash::from_bytes(hash), Arc::new(caller));
        }
        Ok(known)
    }

    fn failed(&self, error: sqlx::Error) -> KeyStoreError {
        self.database.failed(error).into()
    }
}

/// Leaves for the log what was done to a key. Neither its text nor its hash: the id, the name, the team, and `beside` what it has to
/// do with another.
async fn note(
    connection: &mut SqliteConnection,
    action: Action,
    key: &ListedKey,
    beside: &[(&str, &str)],
    by: &str,
) -> Result<(), sqlx::Error> {
    let class = key.class.map(|class| ("class", class.word()));
    let continuity = key.continuity.map(|continuity| ("continuity", continuity.word()));
    let account = key.account.as_deref().map(|account| ("account", account));
    let detail = [("name", key.name.as_str()), ("team", key.team.as_str())].into_iter().chain(class).chain(continuity);
    let detail: Vec<_> = detail.chain(account).chain(beside.iter().copied()).collect();
    changes::insert(connection, &Change::administration(action, &key.id, by, &detail)).await
}

/// Hash, id, name, team, class, continuity.
type HashedRow = (Vec<u8>, String, String, String, Option<String>, Option<String>);

/// What [`listed`] reads, in its order.
const COLUMNS: &str = "id, name, team, class, continuity, account, created_at, revoked_at";

type Row = (String, String, String, Option<String>, Option<String>, Option<String>, String, Option<String>);

fn listed((id, name, team, class, continuity, account, created_at, revoked_at): Row) -> ListedKey {
    let class = class.as_deref().map(of_word);
    let continuity = continuity.as_deref().and_then(Continuity::of_word);
    ListedKey { id, name, team, class, continuity, account, created_at, revoked_at }
}

/// A class that the database holds; one that it cannot hold counts as the highest.
fn of_word(word: &str) -> Class {
    word.parse().unwrap_or(Class::Classified)
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
fn word<S: serde::Serializer>(class: &Option<Class>, serializer: S) -> Result<S::Ok, S::Error> {
    class.map(Class::word).serialize(serializer)
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
fn continuity_word<S: serde::Serializer>(continuity: &Option<Continuity>, serializer: S) -> Result<S::Ok, S::Error> {
    continuity.map(Continuity::word).serialize(serializer)
}

fn check_name(what: &'static str, name: &str) -> Result<(), KeyStoreError> {
    let chars = name.chars().count();
    let proper = (1..=NAME_CHARS_MAX).contains(&chars) && name.trim() == name && !name.chars().any(char::is_control);
    if proper { Ok(()) } else { Err(KeyStoreError::BadName { what, name: name.to_owned() }) }
}

#[cfg(test)]
mod tests;
