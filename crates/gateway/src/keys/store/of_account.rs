//! Keys that people with an account have made for themselves: how many, and that they end with what made them theirs.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{COLUMNS, KeyStore, KeyStoreError, ListedKey, Row, listed, note};
use audit_log::Action;

/// Keys in force that one account can have made for itself.
pub const OWN_KEYS_MAX: usize = 10;

impl KeyStore {
    /// The keys in force that this account has made for itself, the oldest first.
    pub async fn of_account(&self, account: &str) -> Result<Vec<ListedKey>, KeyStoreError> {
        let all = self.list().await?;
        let own = |key: &ListedKey| key.revoked_at.is_none() && key.account.as_deref() == Some(account);
        Ok(all.into_iter().filter(own).collect())
    }
}

/// Ends the keys that this account has made for itself, but for those of `kept_team`, on behalf of `by`: part of the transaction in
/// which the account ends or changes. They are refused elsewhere within a second; here, once [`KeyStore::withdraw`] has been asked to.
pub async fn end_of_account(
    connection: &mut SqliteConnection,
    account: &str,
    kept_team: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let update = format!(
        "UPDATE keys SET revoked_at = ?1 WHERE revoked_at IS NULL AND account = ?2 AND (?3 IS NULL OR team <> ?3) \
         RETURNING {COLUMNS}"
    );
    let update = sqlx::query_as(sqlx::AssertSqlSafe(update)).bind(format!("{now:.0}")).bind(account).bind(kept_team);
    let ended: Vec<Row> = update.fetch_all(&mut *connection).await?;
    for key in ended.into_iter().map(listed) {
        note(connection, Action::KeyRevoke, &key, &[], by).await?;
    }
    Ok(())
}
