//! What operators changed, when the program began and stopped, and what was erased: listed, the newest first. It must not know what
//! an action does.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::error::IndexError;
use crate::index::{Index, signed, unsigned};
use crate::lines;
use crate::rows::ROWS_AT_ONCE;
use crate::search::Page;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administered {
    /// The index of its entry.
    pub entry: u64,
    /// When, in microseconds since 1970.
    pub at: u64,
    /// What was done, such as `key.create`; `start`, `stop` and `erasure` for the entries of those kinds.
    pub action: String,
    /// To what; of a start the version, of a stop why.
    pub subject: String,
    /// By whom.
    pub by: String,
    /// What else belongs to it, by name.
    pub detail: Vec<(String, String)>,
}

/// Which changes are wanted; all without any of these.
#[derive(Clone, Debug, Default)]
pub struct AdministrationFilter {
    /// Only of these actions; of any where there is none.
    pub actions: Vec<String>,
    /// Only to this.
    pub subject: Option<String>,
    /// Only by this one.
    pub by: Option<String>,
}

impl Index {
    /// What was changed, the newest first; for the next page, the last one's entry is [`Page::before`].
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn administration(
        &self,
        filter: &AdministrationFilter,
        page: Page,
    ) -> Result<Vec<Administered>, IndexError> {
        let mut select = QueryBuilder::<Sqlite>::new(
            "SELECT entry, at, action, subject, by_whom, detail FROM administration WHERE entry < ",
        );
        select.push_bind(signed(page.before.unwrap_or(u64::MAX)));
        if !filter.actions.is_empty() {
            select.push(" AND action IN (");
            let mut actions = select.separated(", ");
            for action in &filter.actions {
                actions.push_bind(action);
            }
            select.push(")");
        }
        if let Some(subject) = &filter.subject {
            select.push(" AND subject = ").push_bind(subject);
        }
        if let Some(by) = &filter.by {
            select.push(" AND by_whom = ").push_bind(by);
        }
        select.push(" ORDER BY entry DESC LIMIT ").push_bind(i64::from(page.rows()));
        let rows = select.build().fetch_all(self.pool()).await;
        rows.and_then(|rows| rows.iter().map(read).collect()).map_err(|error| self.failed(error))
    }
}

pub(crate) async fn write(connection: &mut SqliteConnection, done: &[Administered]) -> sqlx::Result<()> {
    for done in done.chunks(ROWS_AT_ONCE) {
        let mut insert =
            QueryBuilder::<Sqlite>::new("INSERT INTO administration (entry, at, action, subject, by_whom, detail) ");
        insert.push_values(done, |mut row, done| {
            let detail = done.detail.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
            row.push_bind(signed(done.entry))
                .push_bind(signed(done.at))
                .push_bind(&done.action)
                .push_bind(&done.subject)
                .push_bind(&done.by)
                .push_bind(lines::join(detail));
        });
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

fn read(row: &SqliteRow) -> sqlx::Result<Administered> {
    Ok(Administered {
        entry: row.try_get(0).map(unsigned)?,
        at: row.try_get(1).map(unsigned)?,
        action: row.try_get(2)?,
        subject: row.try_get(3)?,
        by: row.try_get(4)?,
        detail: lines::pairs(row.try_get(5)?),
    })
}
