//! Who is signed in: a token that the browser alone has, and its hash here. It must not know cookies.

use std::sync::Arc;

use audit_log::Action;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;
use subtle::ConstantTimeEq as _;

use super::{Account, AccountError, Accounts, COLUMNS, Row, account, by};

/// How long somebody stays signed in who does nothing, in seconds.
const IDLE_SECONDS_MAX: i64 = 3600;
/// How long at all, in seconds: a working day.
const SESSION_SECONDS_MAX: i64 = 12 * 3600;
/// How often it is written down that somebody is still there, in seconds.
const SEEN_EVERY_SECONDS: i64 = 60;
/// How much is kept of what a browser calls itself, in characters.
const AGENT_CHARS_MAX: usize = 160;

/// What a browser shows to be known again: 256 bits of chance.
#[derive(Clone)]
pub struct SessionToken([u8; 32]);

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionToken({})", self.id())
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    /// Who.
    pub account: Arc<Account>,
    /// By which token.
    pub token: SessionToken,
}

/// Whether a request shows that somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Still {
    /// Somebody asks.
    There,
    /// An open page asks by itself.
    Open,
}

/// As the database tells it.
#[derive(sqlx::FromRow)]
struct Found {
    name: String,
    role: String,
    team: String,
    language: Option<String>,
    created_at: String,
    closed_at: Option<String>,
    seen_at: i64,
}

/// A session, as its owner is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it; no way to the token.
    pub id: String,
    /// Whose.
    pub account: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to a minute.
    pub seen_at: Timestamp,
    /// What the browser calls itself.
    pub agent: String,
}

impl SessionToken {
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
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

    /// What a form has to carry, so that nobody else's page can send it.
    pub fn form_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.form_mac())
    }

    /// Whether a form carries it.
    pub fn admits_form(&self, given: &str) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(given) else { return false };
        bool::from(given.ct_eq(&self.form_mac()))
    }

    fn form_mac(&self) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.chain_update(b"gwanmun console form").finalize().into_bytes().into()
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// Names the session in the log and in lists.
    pub fn id(&self) -> String {
        id_of(&self.hash())
    }
}

fn id_of(hash: &[u8]) -> String {
    hex::encode(hash.get(..6).unwrap_or_default())
}

pub(super) async fn begin(
    connection: &mut SqliteConnection,
    token: &SessionToken,
    account: &str,
    agent: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    // Those that nobody can use any more go whenever somebody comes.
    let over = sqlx::query("DELETE FROM sessions WHERE began_at < ? OR seen_at < ?");
    over.bind(now - SESSION_SECONDS_MAX).bind(now - IDLE_SECONDS_MAX).execute(&mut *connection).await?;
    let agent: String = agent.chars().filter(|char| !char.is_control()).take(AGENT_CHARS_MAX).collect();
    let insert = "INSERT INTO sessions (hash, account, began_at, seen_at, agent) VALUES (?, ?, ?, ?, ?)";
    let insert = sqlx::query(insert).bind(token.hash().as_slice()).bind(account).bind(now).bind(now).bind(agent);
    insert.execute(connection).await.map(drop)
}

pub(super) async fn end_all(connection: &mut SqliteConnection, account: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sessions WHERE account = ?").bind(account).execute(connection).await.map(drop)
}

impl Accounts {
    /// Who shows that token, if anybody is signed in by it.
    pub(crate) async fn signed_in(
        &self,
        token: SessionToken,
        still: Still,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, AccountError> {
        let seconds = now.as_second();
        let hash = token.hash();
        let select = format!(
            "SELECT {COLUMNS}, seen_at FROM sessions JOIN accounts ON name = account \
             WHERE hash = ? AND closed_at IS NULL AND began_at >= ? AND seen_at >= ?"
        );
        let found: Option<Found> = sqlx::query_as(sqlx::AssertSqlSafe(select))
            .bind(hash.as_slice())
            .bind(seconds - SESSION_SECONDS_MAX)
            .bind(seconds - IDLE_SECONDS_MAX)
            .fetch_optional(self.database.pool())
            .await
            .map_err(|error| self.failed(error))?;
        let Some(Found { name, role, team, language, created_at, closed_at, seen_at }) = found else { return Ok(None) };
        if still == Still::There && seconds - seen_at >= SEEN_EVERY_SECONDS {
            let update =
                sqlx::query("UPDATE sessions SET seen_at = ? WHERE hash = ?").bind(seconds).bind(hash.as_slice());
            update.execute(self.database.pool()).await.map_err(|error| self.failed(error))?;
        }
        let row: Row = (name, role, team, language, created_at, closed_at);
        Ok(Some(SignedIn { account: Arc::new(account(row)), token }))
    }

    /// The sessions of that account, the newest first.
    pub async fn sessions(&self, name: &str, now: Timestamp) -> Result<Vec<Session>, AccountError> {
        let seconds = now.as_second();
        let select = "SELECT hash, account, began_at, seen_at, agent FROM sessions \
                      WHERE account = ? AND began_at >= ? AND seen_at >= ? ORDER BY began_at DESC, hash";
        let rows: Vec<(Vec<u8>, String, i64, i64, String)> = sqlx::query_as(select)
            .bind(name)
            .bind(seconds - SESSION_SECONDS_MAX)
            .bind(seconds - IDLE_SECONDS_MAX)
            .fetch_all(self.database.pool())
            .await
            .map_err(|error| self.failed(error))?;
        let at = |seconds| Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let session = |(hash, account, began, seen, agent): (Vec<u8>, String, i64, i64, String)| Session {
            id: id_of(&hash),
            account,
            began_at: at(began),
            seen_at: at(seen),
            agent,
        };
        Ok(rows.into_iter().map(session).collect())
    }

    /// Ends one session of that account; whether there was one of that id.
    pub async fn end_session(&self, name: &str, id: &str) -> Result<bool, AccountError> {
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let select = "SELECT hash FROM sessions WHERE account = ?";
        let hashes: Vec<Vec<u8>> = sqlx::query_scalar(select)
            .bind(name)
            .fetch_all(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        let Some(hash) = hashes.into_iter().find(|hash| id_of(hash) == id) else { return Ok(false) };
        let delete = sqlx::query("DELETE FROM sessions WHERE hash = ?").bind(hash).execute(&mut *transaction).await;
        delete.map_err(|error| self.failed(error))?;
        self.note(&mut transaction, Action::SessionEnd, name, &by(name), &[("session", id)]).await?;
        transaction.commit().await.map_err(|error| self.failed(error))?;
        Ok(true)
    }
}
