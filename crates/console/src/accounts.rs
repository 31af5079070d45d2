//! Who may use the console: accounts, their roles, who is signed in. Every change leaves an entry for the audit log.
//!
//! It must not know pages nor HTTP: the command line makes accounts with it too.

mod entering;
mod password;
mod role;
mod sessions;
mod tries;
mod verifying;

use std::sync::Arc;

use audit_log::Action;
use gateway::changes::{self, Change};
use gateway::database::{Database, DatabaseError};
use gateway::keys;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::SqliteConnection;

pub use entering::Entered;
pub use password::{PasswordError, generate as generate_password};
pub use role::{Permission, Role, UnknownRole};
pub(crate) use sessions::{Session, SessionToken, SignedIn, Still};
pub(crate) use tries::KNOWN_SECONDS;
pub use tries::{BrowserToken, Source};

/// The longest name of an account, in characters.
const NAME_CHARS_MAX: usize = 64;

/// The accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    database: Database,
    verifying: verifying::Verifying,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// How its owner signs in, and how the log names them.
    pub name: Arc<str>,
    /// What it is for.
    pub role: Role,
    /// As whose its questions count.
    pub team: Arc<str>,
    /// The language that was chosen, by its BCP 47 tag; none where the browser says it.
    pub language: Option<Arc<str>>,
    /// RFC 3339.
    pub created_at: String,
    /// When it was closed, if it was.
    pub closed_at: Option<String>,
}

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot be used.
    #[error("`{0}` cannot be an account's name: take 1 to {NAME_CHARS_MAX} characters without spaces")]
    BadName(String),
    /// The team cannot be used.
    #[error("`{0}` cannot be a team's name: take 1 to {NAME_CHARS_MAX} characters")]
    BadTeam(String),
    /// There is one.
    #[error("there is an account `{0}` already, or there was: its name in the log means one person")]
    NameTaken(String),
    /// There is none in force.
    #[error("there is no account `{0}`; `gwanmun account list` shows all")]
    NotFound(String),
    /// Nobody could make accounts any more.
    #[error("`{0}` is the last owner: make another account an owner first")]
    LastOwner(String),
    /// Whoever sits there does not know the password.
    #[error("the present password is wrong")]
    PresentWrong,
    /// They have said wrong ones too often: seconds until one is looked at.
    #[error("there were too many wrong passwords: try again in {0} s")]
    PresentResting(i64),
    /// Too many passwords wait to be looked at.
    #[error("too many passwords wait to be looked at: try again in a few seconds")]
    Busy,
    /// The password cannot be taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

type Row = (String, String, String, Option<String>, String, Option<String>);

const COLUMNS: &str = "name, role, team, language, created_at, closed_at";

impl Accounts {
    /// Those in this database.
    pub fn new(database: Database) -> Self {
        Self { database, verifying: verifying::Verifying::default() }
    }

    /// Where they are kept.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Makes an account, on behalf of `by`.
    pub async fn create(&self, wanted: &Wanted<'_>, by: &str, now: Timestamp) -> Result<Account, AccountError> {
        let Wanted { name, role, team, password } = *wanted;
        check_name(name)?;
        check_team(team)?;
        let hash = self.verifying.hash(password).await?;
        let account = Account {
            name: name.into(),
            role,
            team: team.into(),
            language: None,
            created_at: format!("{now:.0}"),
            closed_at: None,
        };
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let insert = "INSERT INTO accounts (name, role, team, password, created_at) VALUES (?, ?, ?, ?, ?)";
        let inserted = sqlx::query(insert)
            .bind(name)
            .bind(role.word())
            .bind(team)
            .bind(hash)
            .bind(&account.created_at)
            .execute(&mut *transaction)
            .await;
        match inserted {
            Ok(_) => {}
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(AccountError::NameTaken(name.to_owned()));
            }
            Err(error) => return Err(self.failed(error)),
        }
        let detail = [("role", role.word()), ("team", team)];
        self.note(&mut transaction, Action::AccountCreate, name, by, &detail).await?;
        transaction.commit().await.map_err(|error| self.failed(error))?;
        Ok(account)
    }

    /// Every account that there is or was, by name.
    pub async fn list(&self) -> Result<Vec<Account>, AccountError> {
        let select = format!("SELECT {COLUMNS} FROM accounts ORDER BY name");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(select))
            .fetch_all(self.database.pool())
            .await
            .map_err(|error| self.failed(error))?;
        Ok(rows.into_iter().map(account).collect())
    }

    /// Whether nobody has an account yet.
    pub async fn is_empty(&self) -> Result<bool, AccountError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts WHERE closed_at IS NULL")
            .fetch_one(self.database.pool())
            .await
            .map_err(|error| self.failed(error))?;
        Ok(count == 0)
    }

    /// Gives an account another role and team, on behalf of `by`. The keys that it has made for itself as another team's end; all of them
    /// where it may not ask any more.
    pub async fn change(
        &self,
        name: &str,
        role: Role,
        team: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        check_team(team)?;
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let update = "UPDATE accounts SET role = ?, team = ? WHERE name = ? AND closed_at IS NULL";
        let changed = sqlx::query(update).bind(role.word()).bind(team).bind(name).execute(&mut *transaction).await;
        self.found(changed, name)?;
        self.keep_an_owner(&mut transaction, name).await?;
        let kept = role.may(Permission::Chat).then_some(team);
        let ended = keys::end_of_account(&mut transaction, name, kept, by, now).await;
        ended.map_err(|error| self.failed(error))?;
        let detail = [("role", role.word()), ("team", team)];
        self.note(&mut transaction, Action::AccountChange, name, by, &detail).await?;
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// Gives an account another password and signs it out everywhere, on behalf of `by`.
    pub async fn set_password(&self, name: &str, password: &str, by: &str) -> Result<(), AccountError> {
        let hash = self.verifying.hash(password).await?;
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let update = "UPDATE accounts SET password = ? WHERE name = ? AND closed_at IS NULL";
        let changed = sqlx::query(update).bind(hash).bind(name).execute(&mut *transaction).await;
        self.found(changed, name)?;
        sessions::end_all(&mut transaction, name).await.map_err(|error| self.failed(error))?;
        tries::forget_all(&mut transaction, name).await.map_err(|error| self.failed(error))?;
        tries::know_none(&mut transaction, name).await.map_err(|error| self.failed(error))?;
        self.note(&mut transaction, Action::AccountChange, name, by, &[("password", "replaced")]).await?;
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// Lets an account's owner try again at once, though there were too many wrong passwords, on behalf of `by`.
    pub async fn unlock(&self, name: &str, by: &str) -> Result<(), AccountError> {
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let update = "UPDATE accounts SET name = name WHERE name = ? AND closed_at IS NULL";
        let known = sqlx::query(update).bind(name).execute(&mut *transaction).await;
        self.found(known, name)?;
        tries::forget_all(&mut transaction, name).await.map_err(|error| self.failed(error))?;
        self.note(&mut transaction, Action::AccountChange, name, by, &[("rest", "ended")]).await?;
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// Closes an account, signs it out everywhere and ends the keys that it has made for itself, on behalf of `by`. It stays in the list.
    pub async fn close(&self, name: &str, by: &str, now: Timestamp) -> Result<(), AccountError> {
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let update = "UPDATE accounts SET closed_at = ? WHERE name = ? AND closed_at IS NULL";
        let closed = sqlx::query(update).bind(format!("{now:.0}")).bind(name).execute(&mut *transaction).await;
        self.found(closed, name)?;
        self.keep_an_owner(&mut transaction, name).await?;
        sessions::end_all(&mut transaction, name).await.map_err(|error| self.failed(error))?;
        let ended = keys::end_of_account(&mut transaction, name, None, by, now).await;
        ended.map_err(|error| self.failed(error))?;
        self.note(&mut transaction, Action::AccountClose, name, by, &[]).await?;
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// The language that its owner has chosen; none: the browser's. No entry: it changes nothing for anybody else.
    pub async fn choose_language(&self, name: &str, language: &str) -> Result<(), AccountError> {
        let update = sqlx::query("UPDATE accounts SET language = ? WHERE name = ?").bind(language).bind(name);
        update.execute(self.database.pool()).await.map(drop).map_err(|error| self.failed(error))
    }

    /// An owner must be left: nobody else can make accounts.
    async fn keep_an_owner(&self, connection: &mut SqliteConnection, name: &str) -> Result<(), AccountError> {
        let select = "SELECT count(*) FROM accounts WHERE role = 'owner' AND closed_at IS NULL";
        let owners: i64 = sqlx::query_scalar(select).fetch_one(connection).await.map_err(|error| self.failed(error))?;
        if owners == 0 { Err(AccountError::LastOwner(name.to_owned())) } else { Ok(()) }
    }

    fn found(
        &self,
        done: Result<sqlx::sqlite::SqliteQueryResult, sqlx::Error>,
        name: &str,
    ) -> Result<(), AccountError> {
        let done = done.map_err(|error| self.failed(error))?;
        if done.rows_affected() == 0 { Err(AccountError::NotFound(name.to_owned())) } else { Ok(()) }
    }

    async fn note(
        &self,
        connection: &mut SqliteConnection,
        action: Action,
        subject: &str,
        by: &str,
        detail: &[(&str, &str)],
    ) -> Result<(), AccountError> {
        let inserted = changes::insert(connection, &Change::administration(action, subject, by, detail)).await;
        inserted.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: sqlx::Error) -> AccountError {
        self.database.failed(error).into()
    }
}

/// An account to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Unique, also among those that were closed.
    pub name: &'a str,
    /// What it is for.
    pub role: Role,
    /// As whose its questions count.
    pub team: &'a str,
    /// The first password.
    pub password: &'a str,
}

/// How the log names somebody with an account.
pub fn by(name: &str) -> String {
    format!("account:{name}")
}

fn account((name, role, team, language, created_at, closed_at): Row) -> Account {
    // The table admits no other word; one of a later version may do the least.
    let role = role.parse().unwrap_or(Role::User);
    Account { name: name.into(), role, team: team.into(), language: language.map(Into::into), created_at, closed_at }
}

fn check_name(name: &str) -> Result<(), AccountError> {
    let proper = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
        && !name.chars().any(|char| char.is_control() || char.is_whitespace());
    if proper { Ok(()) } else { Err(AccountError::BadName(name.to_owned())) }
}

fn check_team(team: &str) -> Result<(), AccountError> {
    let proper = (1..=NAME_CHARS_MAX).contains(&team.chars().count())
        && team.trim() == team
        && !team.chars().any(char::is_control);
    if proper { Ok(()) } else { Err(AccountError::BadTeam(team.to_owned())) }
}

#[cfg(test)]
mod tests;
