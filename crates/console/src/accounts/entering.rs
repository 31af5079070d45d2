//! Who is let in: the name, the password, and where they come from. Whether a name is somebody's is told to nobody, neither by words
//! nor by time. It must not know cookies.

use audit_log::Action;
use jiff::Timestamp;

use super::password::{self, PasswordError};
use super::tries::{self, Source, Subject};
use super::verifying::Verifying;
use super::{AccountError, Accounts, SessionToken, by, sessions};

/// What came of somebody's wish to sign in.
#[derive(Debug)]
pub enum Entered {
    /// They are who they say.
    In(SessionToken),
    /// The name or the password is wrong; it is not said which.
    Wrong,
    /// Too many wrong passwords from there: none is looked at for so many seconds.
    Resting(i64),
    /// Too many wait to be looked at.
    Busy,
}

impl Entered {
    /// For metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::In(_) => "in",
            Self::Wrong => "wrong",
            Self::Resting(_) => "resting",
            Self::Busy => "busy",
        }
    }
}

impl Accounts {
    /// Lets somebody in who knows the password. Five wrong ones from the same source and none is looked at for a while, longer each time.
    pub async fn enter(
        &self,
        name: &str,
        password: &str,
        from: &Source<'_>,
        now: Timestamp,
    ) -> Result<Entered, AccountError> {
        // It is nobody's, and nobody waits for it.
        if password.len() > password::BYTES_MAX {
            return Ok(Entered::Wrong);
        }
        // Held until a wrong one is counted, so that many at once are not many first tries.
        let Some(turn) = self.verifying.turn().await else { return Ok(Entered::Busy) };
        let seconds = now.as_second();
        let subject = self.subject(name, from, seconds).await?;
        if let Some(left) = self.rests(&subject, seconds).await? {
            return Ok(Entered::Resting(left));
        }
        let kept = self.kept_password(name).await?;
        let known = kept.is_some();
        let (_turn, right) = Verifying::verify(turn, password, kept).await;
        if !right {
            let rest = self.wrong(&subject, name, known, seconds).await?;
            return Ok(if rest > 0 { Entered::Resting(rest) } else { Entered::Wrong });
        }
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        tries::forget(&mut transaction, &subject).await.map_err(|error| self.failed(error))?;
        if let Some(browser) = from.browser {
            tries::know(&mut transaction, browser, name, seconds).await.map_err(|error| self.failed(error))?;
        }
        let token = SessionToken::generate().map_err(PasswordError::from)?;
        let begun = sessions::begin(&mut transaction, &token, name, from.agent, seconds).await;
        begun.map_err(|error| self.failed(error))?;
        self.note(&mut transaction, Action::SessionBegin, name, &by(name), &[("session", &token.id())]).await?;
        transaction.commit().await.map_err(|error| self.failed(error))?;
        Ok(Entered::In(token))
    }

    /// Makes sure that whoever sits at an open session of that account knows its password.
    pub async fn confirm(&self, name: &str, password: &str, now: Timestamp) -> Result<(), AccountError> {
        if password.len() > password::BYTES_MAX {
            return Err(AccountError::PresentWrong);
        }
        let turn = self.verifying.turn().await.ok_or(AccountError::Busy)?;
        let (subject, seconds) = (Subject::session(name), now.as_second());
        if let Some(left) = self.rests(&subject, seconds).await? {
            return Err(AccountError::PresentResting(left));
        }
        let kept = self.kept_password(name).await?;
        let known = kept.is_some();
        let (_turn, right) = Verifying::verify(turn, password, kept).await;
        if !right {
            let rest = self.wrong(&subject, name, known, seconds).await?;
            return Err(if rest > 0 { AccountError::PresentResting(rest) } else { AccountError::PresentWrong });
        }
        let mut connection = self.database.pool().acquire().await.map_err(|error| self.failed(error))?;
        tries::forget(&mut connection, &subject).await.map_err(|error| self.failed(error))
    }

    async fn kept_password(&self, name: &str) -> Result<Option<String>, AccountError> {
        sqlx::query_scalar("SELECT password FROM accounts WHERE name = ? AND closed_at IS NULL")
            .bind(name)
            .fetch_optional(self.database.pool())
            .await
            .map_err(|error| self.failed(error))
    }

    /// Counts a wrong password; for how many seconds none is looked at from there. What was typed as a name that nobody has is not
    /// told: people type passwords there.
    async fn wrong(&self, subject: &Subject, name: &str, known: bool, seconds: i64) -> Result<i64, AccountError> {
        let mut transaction = self.database.pool().begin().await.map_err(|error| self.failed(error))?;
        let (failures, rest) =
            tries::count(&mut transaction, subject, seconds).await.map_err(|error| self.failed(error))?;
        if known && rest > 0 {
            let (failures, rest) = (failures.to_string(), rest.to_string());
            let detail = [("failures", &*failures), ("seconds", &*rest), ("source", subject.source)];
            self.note(&mut transaction, Action::AccountLock, name, "gateway", &detail).await?;
        }
        transaction.commit().await.map_err(|error| self.failed(error))?;
        let source = subject.source;
        if known {
            tracing::warn!(
                account = name,
                source,
                failures,
                "a wrong password for the account `{name}`, from a {source}"
            );
        } else {
            tracing::warn!(source, failures, "a password for a name that no account has");
        }
        Ok(rest)
    }
}
