//! Wrong passwords are counted, by whom they came from: a browser that somebody has signed in with before, or anybody else. Five together
//! and no password is looked at for a while; one is forgiven each quarter of an hour. Names that nobody has are counted too.
//!
//! It must not know passwords.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use super::{AccountError, Accounts};

/// Wrong passwords, after which no other is looked at for a while.
const FAILURES_MAX: i64 = 5;
/// The most that is counted: what is forgiven one by one must be forgiven some day.
const COUNTED_MAX: i64 = 16;
/// How long the first rest is, in seconds; each further wrong password doubles it.
const REST_SECONDS: i64 = 60;
/// The longest rest, in seconds.
const REST_SECONDS_MAX: i64 = 3600;
/// One wrong password is forgiven in so many seconds.
const FORGIVEN_SECONDS: i64 = 900;
/// How long a browser is known that nobody signs in with, in seconds: a quarter of a year.
pub(crate) const KNOWN_SECONDS: i64 = 90 * 86_400;
/// Browsers that one account is known by; the one that was used last longest ago goes.
const KNOWN_MAX: i64 = 16;

/// What a browser keeps that somebody has signed in with: 256 bits of chance. It opens nothing.
#[derive(Clone)]
pub struct BrowserToken([u8; 32]);

impl std::fmt::Debug for BrowserToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserToken")
    }
}

impl BrowserToken {
    /// A new one.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut chance = [0; 32];
        getrandom::fill(&mut chance)?;
        Ok(Self(chance))
    }

    /// As the browser shows it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// As the browser is given it.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// Where a wish to sign in comes from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What the browser calls itself.
    pub agent: &'a str,
    /// What it keeps, if it has signed somebody in before.
    pub browser: Option<&'a BrowserToken>,
}

/// Whose wrong passwords are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    key: [u8; 32],
    /// For the log: where it came from.
    pub(super) source: &'static str,
}

impl Subject {
    /// Whoever gives that name from a browser that nobody knows.
    pub(super) fn stranger(name: &str) -> Self {
        Self::of("stranger", &[], name)
    }

    /// Whoever gives that name from that browser.
    fn browser(token: &BrowserToken, name: &str) -> Self {
        Self::of("known browser", &token.0, name)
    }

    /// Whoever is asked for the password again at an open session.
    pub(super) fn session(name: &str) -> Self {
        Self::of("open session", &[], name)
    }

    fn of(source: &'static str, token: &[u8], name: &str) -> Self {
        let hash = Sha256::new().chain_update(source).chain_update([0]).chain_update(token).chain_update(name);
        Self { key: hash.finalize().into(), source }
    }
}

/// What is counted now of what was counted until `forgiven_at`.
fn counted(forgiven_at: i64, now: i64) -> i64 {
    let left = (forgiven_at - now).max(0);
    left / FORGIVEN_SECONDS + i64::from(left % FORGIVEN_SECONDS > 0)
}

/// How long a rest follows that many, in seconds.
fn rest(failures: i64) -> i64 {
    let over = failures - FAILURES_MAX;
    if over < 0 { 0 } else { (REST_SECONDS << over.min(16)).min(REST_SECONDS_MAX) }
}

/// Counts one more; how many are counted now, and for how many seconds none is looked at.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    subject: &Subject,
    now: i64,
) -> Result<(i64, i64), sqlx::Error> {
    let key = subject.key.as_slice();
    let over = sqlx::query("DELETE FROM tries WHERE forgiven_at <= ? AND rests_until <= ?").bind(now).bind(now);
    over.execute(&mut *connection).await?;
    let known: Option<i64> = sqlx::query_scalar("SELECT forgiven_at FROM tries WHERE subject = ?")
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?;
    let failures = (counted(known.unwrap_or(now), now) + 1).min(COUNTED_MAX);
    let rest = rest(failures);
    let write = "INSERT INTO tries (subject, forgiven_at, rests_until) VALUES (?, ?, ?) ON CONFLICT (subject) \
                 DO UPDATE SET forgiven_at = excluded.forgiven_at, rests_until = excluded.rests_until";
    let write = sqlx::query(write).bind(key).bind(now + failures * FORGIVEN_SECONDS).bind(now + rest);
    write.execute(connection).await?;
    Ok((failures, rest))
}

/// Forgets what is counted for that one.
pub(super) async fn forget(connection: &mut SqliteConnection, subject: &Subject) -> Result<(), sqlx::Error> {
    let delete = sqlx::query("DELETE FROM tries WHERE subject = ?").bind(subject.key.as_slice());
    delete.execute(connection).await.map(drop)
}

/// Forgets all that is counted for an account.
pub(super) async fn forget_all(connection: &mut SqliteConnection, account: &str) -> Result<(), sqlx::Error> {
    for subject in [Subject::stranger(account), Subject::session(account)] {
        forget(&mut *connection, &subject).await?;
    }
    let delete = "DELETE FROM tries WHERE subject IN (SELECT subject FROM browsers WHERE account = ?)";
    sqlx::query(delete).bind(account).execute(connection).await.map(drop)
}

/// An account is known by no browser any more.
pub(super) async fn know_none(connection: &mut SqliteConnection, account: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM browsers WHERE account = ?").bind(account).execute(connection).await.map(drop)
}

/// Somebody has signed in with that browser.
pub(super) async fn know(
    connection: &mut SqliteConnection,
    token: &BrowserToken,
    account: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let key = Subject::browser(token, account).key;
    let write = "INSERT INTO browsers (subject, account, seen_at) VALUES (?, ?, ?) ON CONFLICT (subject) \
                 DO UPDATE SET seen_at = excluded.seen_at";
    sqlx::query(write).bind(key.as_slice()).bind(account).bind(now).execute(&mut *connection).await?;
    let old = "DELETE FROM browsers WHERE seen_at < ? OR (account = ? AND subject NOT IN \
               (SELECT subject FROM browsers WHERE account = ? ORDER BY seen_at DESC, subject LIMIT ?))";
    let old = sqlx::query(old).bind(now - KNOWN_SECONDS).bind(account).bind(account).bind(KNOWN_MAX);
    old.execute(connection).await.map(drop)
}

impl Accounts {
    /// Whose wrong passwords these would be.
    pub(super) async fn subject(&self, name: &str, from: &Source<'_>, now: i64) -> Result<Subject, AccountError> {
        let Some(token) = from.browser else { return Ok(Subject::stranger(name)) };
        let subject = Subject::browser(token, name);
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM browsers WHERE subject = ? AND seen_at >= ?")
            .bind(subject.key.as_slice())
            .bind(now - KNOWN_SECONDS)
            .fetch_one(self.database.pool())
            .await
            .map_err(|error| self.failed(error))?;
        Ok(if known > 0 { subject } else { Subject::stranger(name) })
    }

    /// For how many seconds none is looked at.
    pub(super) async fn rests(&self, subject: &Subject, now: i64) -> Result<Option<i64>, AccountError> {
        let until: Option<i64> = sqlx::query_scalar("SELECT rests_until FROM tries WHERE subject = ?")
            .bind(subject.key.as_slice())
            .fetch_optional(self.database.pool())
            .await
            .map_err(|error| self.failed(error))?;
        Ok(until.map(|until| until - now).filter(|left| *left > 0))
    }

    /// Until when an account lets nobody in from a browser that it does not know, if it rests.
    pub async fn rests_until(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, AccountError> {
        let left = self.rests(&Subject::stranger(name), now.as_second()).await?;
        Ok(left.and_then(|left| Timestamp::from_second(now.as_second() + left).ok()))
    }
}
