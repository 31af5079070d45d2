//! Requests are searched for: by any of what they had, the newest first, a page at a time by the entry that the last page ended with.
//! One condition is answered from its index. Several together may fit almost none: then a page ends where it has looked at a bounded
//! part of the log, and says where to go on.

use audit_entry::Class;
use sqlx::sqlite::SqlitePool;
use sqlx::{QueryBuilder, Sqlite};

use crate::error::IndexError;
use crate::index::{Index, signed, unsigned};
use crate::request::{Attempted, Request, State};
use crate::rows;

/// The most rows of a page.
pub const PAGE_MAX: u32 = 200;
/// Entries of the log that one page looks through where several conditions are given.
pub const EXAMINED_MAX: u64 = 200_000;

/// Which requests are wanted; all without any of these.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Not decided on before then, in microseconds since 1970.
    pub from: Option<u64>,
    /// Decided on before then.
    pub until: Option<u64>,
    /// By the id of the caller's key.
    pub key: Option<String>,
    /// By team.
    pub team: Option<String>,
    /// By the model that was asked for.
    pub model: Option<String>,
    /// By the label of the destination that served.
    pub destination: Option<String>,
    /// By the class of the data.
    pub class: Option<Class>,
    /// By where it stands.
    pub state: Option<State>,
    /// Only those that another destination served than the first permitted.
    pub degraded: bool,
    /// By a kind of what the reader found in it.
    pub finding: Option<String>,
    /// By its id.
    pub request: Option<String>,
    /// By the index of the entry of its decision, refusal or outcome.
    pub entry: Option<u64>,
}

/// Which part of what was found.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Only what has an earlier entry than this; the newest without it.
    pub before: Option<u64>,
    /// How many at most; [`PAGE_MAX`] at most.
    pub rows: u32,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The newest first, with their findings.
    pub requests: Vec<Request>,
    /// [`Page::before`] of the next page; none where there is no more. A page that is not full may have a next one.
    pub older: Option<u64>,
}

impl Page {
    pub(crate) fn rows(self) -> u32 {
        self.rows.clamp(1, PAGE_MAX)
    }
}

impl Filter {
    /// Whether its conditions together are answered from no one index.
    fn is_mixed(&self) -> bool {
        let given = [
            self.key.is_some(),
            self.team.is_some(),
            self.model.is_some(),
            self.destination.is_some(),
            self.class.is_some(),
            self.state.is_some(),
            self.degraded,
            self.finding.is_some(),
        ];
        let direct = self.request.is_some() || self.entry.is_some();
        !direct && given.into_iter().filter(|given| *given).count() > 1
    }

    /// Whether it asks for what few requests may have.
    fn is_narrow(&self) -> bool {
        self.key.is_some()
            || self.team.is_some()
            || self.model.is_some()
            || self.destination.is_some()
            || self.finding.is_some()
    }

    fn select(&self) -> QueryBuilder<Sqlite> {
        let mut select = QueryBuilder::new(rows::SELECT);
        if let Some(finding) = &self.finding {
            select.push("JOIN findings f ON f.entry = r.entry AND f.kind = ").push_bind(finding.clone());
        }
        select.push(" WHERE 1 = 1");
        // What most requests have leads only where nothing narrower is given: of an expression there is no index.
        let narrower = self.is_narrow();
        let class = if narrower { " AND (r.class || '') = " } else { " AND r.class = " };
        let answered = narrower && self.state == Some(State::Answered);
        let state = if answered { " AND (r.state || '') = " } else { " AND r.state = " };
        let texts = [
            (" AND r.key = ", self.key.as_deref()),
            (" AND r.team = ", self.team.as_deref()),
            (" AND r.model = ", self.model.as_deref()),
            (" AND r.served = ", self.destination.as_deref()),
            (class, self.class.map(Class::word)),
            (state, self.state.map(State::word)),
            (" AND r.request = ", self.request.as_deref()),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                select.push(condition).push_bind(value.to_owned());
            }
        }
        if self.degraded {
            select.push(" AND r.degraded = 1");
        }
        select
    }

    /// The column that rows are ordered by, so that the index of the condition gives the order too.
    fn order(&self) -> &'static str {
        if self.finding.is_some() { "f.entry" } else { "r.entry" }
    }
}

impl Index {
    /// The requests that fit, the newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn search(&self, filter: &Filter, page: Page) -> Result<Found, IndexError> {
        self.searched(filter, page).await.map_err(|error| self.failed(error))
    }

    async fn searched(&self, filter: &Filter, page: Page) -> sqlx::Result<Found> {
        let pool = self.pool();
        let end = match filter.until {
            Some(until) => first_since(pool, until).await?,
            None => None,
        };
        let first = match filter.from {
            Some(from) => match first_since(pool, from).await? {
                Some(first) => first,
                None => return Ok(Found { requests: Vec::new(), older: None }),
            },
            None => 0,
        };
        let newest = sqlx::query_scalar::<_, i64>("SELECT next_entry FROM progress WHERE only = 1");
        let newest = newest.fetch_one(pool).await.map(unsigned)?;
        let end = page.before.unwrap_or(u64::MAX).min(end.unwrap_or(u64::MAX)).min(newest);
        let (first, end) = match filter.entry {
            Some(entry) => match decided_at(pool, entry).await? {
                Some(only) => (first.max(only), end.min(only.saturating_add(1))),
                None => return Ok(Found { requests: Vec::new(), older: None }),
            },
            None => (first, end),
        };
        let floor = if filter.is_mixed() { first.max(end.saturating_sub(EXAMINED_MAX)) } else { first };
        let by = filter.order();
        let mut select = filter.select();
        select.push(" AND ").push(by).push(" >= ").push_bind(signed(floor));
        select.push(" AND ").push(by).push(" < ").push_bind(signed(end));
        select.push(" ORDER BY ").push(by).push(" DESC LIMIT ").push_bind(i64::from(page.rows()) + 1);
        let mut connection = pool.acquire().await?;
        let rows = select.build().fetch_all(&mut *connection).await?;
        let mut requests = rows.iter().map(rows::read).collect::<sqlx::Result<Vec<_>>>()?;
        let rows = usize::try_from(page.rows()).unwrap_or(usize::MAX);
        let more = requests.len() > rows;
        requests.truncate(rows);
        rows::add_findings(&mut connection, &mut requests).await?;
        let older = if more { requests.last().map(|last| last.entry) } else { (floor > first).then_some(floor) };
        Ok(Found { requests, older })
    }

    /// The newest request of that id, with its attempts from the second on.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn request(&self, id: &str) -> Result<Option<(Request, Vec<Attempted>)>, IndexError> {
        let by_id = Filter { request: Some(id.to_owned()), ..Filter::default() };
        self.one(&by_id).await
    }

    /// The request whose decision, refusal or outcome is that entry, with its attempts from the second on.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn request_of(&self, entry: u64) -> Result<Option<(Request, Vec<Attempted>)>, IndexError> {
        let by_entry = Filter { entry: Some(entry), ..Filter::default() };
        self.one(&by_entry).await
    }

    async fn one(&self, filter: &Filter) -> Result<Option<(Request, Vec<Attempted>)>, IndexError> {
        let failed = |error| self.failed(error);
        let found = self.search(filter, Page { before: None, rows: 1 }).await?;
        let Some(request) = found.requests.into_iter().next() else { return Ok(None) };
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let attempts = rows::attempts(&mut connection, request.entry).await.map_err(failed)?;
        Ok(Some((request, attempts)))
    }
}

/// The first request that was not decided on before `at`. Entries never go back in time, so that a time is a part of the log.
async fn first_since(pool: &SqlitePool, at: u64) -> sqlx::Result<Option<u64>> {
    let select = "SELECT entry FROM requests WHERE at >= $1 ORDER BY at, entry LIMIT 1";
    let first = sqlx::query_scalar::<_, i64>(select).bind(signed(at)).fetch_optional(pool).await?;
    Ok(first.map(unsigned))
}

/// The entry of the decision or refusal of the request that this entry belongs to; none for attempts and other entries.
async fn decided_at(pool: &SqlitePool, entry: u64) -> sqlx::Result<Option<u64>> {
    let select =
        "SELECT entry FROM requests WHERE entry = $1 UNION ALL SELECT entry FROM requests WHERE outcome_entry = $1";
    let decided = sqlx::query_scalar::<_, i64>(select).bind(signed(entry)).fetch_optional(pool).await?;
    Ok(decided.map(unsigned))
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;

    /// What few requests have is looked up, and what most have is not searched through for it.
    #[tokio::test]
    async fn the_narrowest_condition_leads() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("requests.sqlite")).await.unwrap();
        let all = Filter::default;
        let answered = Some(State::Answered);
        let (team, key) = (Some("desk".to_owned()), Some("k_1".to_owned()));
        for (filter, leads) in [
            (Filter { state: answered, ..all() }, "requests_state (state=?"),
            (Filter { class: Some(Class::Open), ..all() }, "requests_class (class=?"),
            (Filter { team: team.clone(), state: answered, ..all() }, "requests_team (team=?"),
            (Filter { team, class: Some(Class::Open), state: answered, ..all() }, "requests_team (team=?"),
            (Filter { key, class: Some(Class::Open), ..all() }, "requests_key (key=?"),
        ] {
            let mut select = filter.select();
            select.push(" AND r.entry < ").push_bind(9_i64).push(" ORDER BY r.entry DESC LIMIT 51");
            let explain = format!("EXPLAIN QUERY PLAN {}", select.sql().as_str());
            let plan = sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_all(index.pool()).await.unwrap();
            let told: Vec<String> = plan.iter().map(|row| row.get(3)).collect();
            let sorts = told.iter().any(|step| step.contains("TEMP B-TREE"));
            assert!(told.iter().any(|step| step.contains(leads)) && !sorts, "{filter:?}: {told:?}");
        }
    }
}
