//! Entries come in: a batch is one transaction, which also moves on the number of the next entry, so that a crash repeats nothing and
//! loses nothing. What is open is read, the entries are folded over it in memory, and the result is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use audit_entry::{Body, Digest, Entry, Text};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::administration::{self, Administered};
use crate::counters;
use crate::error::IndexError;
use crate::index::{Index, NameKind, signed, unsigned};
use crate::lines;
use crate::request::{Attempted, Axes, Request, Served, micros};
use crate::rows;

/// Whom the index names where the program did something by itself.
const BY_ITSELF: &str = "gwanmun";

/// What a batch makes of the index.
#[derive(Default)]
struct Batch {
    /// By the entry of the decision or the refusal.
    requests: BTreeMap<u64, Touched>,
    attempts: Vec<(u64, Attempted)>,
    administration: Vec<Administered>,
    names: BTreeMap<(NameKind, String), Seen>,
}

struct Touched {
    request: Request,
    /// Whether it ended in this batch.
    ended: bool,
}

/// How often a name was seen in a batch, and in which request last.
#[derive(Clone, Copy, Default)]
struct Seen {
    requests: u64,
    at: u64,
    entry: u64,
}

impl Index {
    /// Takes in entries of the log, each with its index, in their order and none left out; those that it has already are passed over.
    /// `axes` tells whose law reaches a destination, given the model that was asked for and the label that entries call it by. Gives
    /// how many were new.
    ///
    /// # Errors
    /// Where entries are left out or out of order, or the database fails: then nothing of the batch is taken in.
    pub async fn take(
        &self,
        entries: &[(u64, Entry)],
        axes: &(dyn Fn(&str, &str) -> Option<Axes> + Sync),
    ) -> Result<u64, IndexError> {
        self.take_to_end(entries, None, None, axes).await
    }

    /// The same, and keeps the leaf hash of the last of them, by which the index is held to its log ([`Index::reached`]).
    ///
    /// # Errors
    /// As [`Index::take`].
    pub async fn take_until(
        &self,
        entries: &[(u64, Entry)],
        last_leaf: &[u8; 32],
        axes: &(dyn Fn(&str, &str) -> Option<Axes> + Sync),
    ) -> Result<u64, IndexError> {
        self.take_to_end(entries, None, Some(last_leaf), axes).await
    }

    /// Passes over an entry that cannot be read, which must be the next, and keeps its leaf hash.
    ///
    /// # Errors
    /// Where it is not the next, or the database fails.
    pub async fn pass_over(&self, index: u64, leaf: &[u8; 32]) -> Result<(), IndexError> {
        self.take_to_end(&[], Some(index), Some(leaf), &|_, _| None).await.map(drop)
    }

    /// Forgets everything: it was made from another history of its log.
    ///
    /// # Errors
    /// Where the database fails: then nothing is forgotten.
    pub async fn forget(&self) -> Result<(), IndexError> {
        let failed = |error| self.failed(error);
        let mut transaction = self.pool().begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        for delete in [
            "DELETE FROM attempts",
            "DELETE FROM findings",
            "DELETE FROM requests",
            "DELETE FROM destinations",
            "DELETE FROM administration",
            "DELETE FROM counters",
            "DELETE FROM names",
            "UPDATE progress SET next_entry = 0, last_leaf = NULL, origin = NULL WHERE only = 1",
        ] {
            sqlx::query(delete).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn take_to_end(
        &self,
        entries: &[(u64, Entry)],
        unreadable: Option<u64>,
        last_leaf: Option<&[u8; 32]>,
        axes: &(dyn Fn(&str, &str) -> Option<Axes> + Sync),
    ) -> Result<u64, IndexError> {
        let failed = |error| self.failed(error);
        // A transaction that begins by reading could not go on to write if another process wrote in between. (SQLite's words: a
        // PostgreSQL store begins plainly and locks the row of `progress`.)
        let mut transaction = self.pool().begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let next = "SELECT next_entry FROM progress WHERE only = 1";
        let next =
            sqlx::query_scalar::<_, i64>(next).fetch_one(&mut *transaction).await.map(unsigned).map_err(failed)?;
        let known = entries.iter().take_while(|(index, _)| *index < next).count();
        let fresh = entries.get(known..).unwrap_or_default();
        let mut expected = next;
        for given in fresh.iter().map(|(index, _)| *index).chain(unreadable) {
            if given != expected {
                return Err(IndexError::OutOfOrder { path: self.path().to_owned(), expected, given });
            }
            expected += 1;
        }
        if expected == next {
            return Ok(0);
        }
        let open = open(&mut transaction, fresh).await.map_err(failed)?;
        let mut batch = Batch::default();
        batch.requests.extend(open.into_iter().map(|request| (request.entry, Touched { request, ended: false })));
        for (index, entry) in fresh {
            batch.add(*index, entry, axes);
        }
        batch.write(&mut transaction).await.map_err(failed)?;
        let update = sqlx::query("UPDATE progress SET next_entry = $1, last_leaf = $2 WHERE only = 1");
        let update = update.bind(signed(expected)).bind(last_leaf.map(<[u8; 32]>::as_slice));
        update.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(expected - next)
    }
}

/// Requests decided on in earlier batches that these entries speak of.
async fn open(connection: &mut SqliteConnection, entries: &[(u64, Entry)]) -> sqlx::Result<Vec<Request>> {
    let Some((first, _)) = entries.first() else { return Ok(Vec::new()) };
    let decisions: BTreeSet<u64> = entries.iter().filter_map(|(_, entry)| spoken_of(entry)).collect();
    let earlier: Vec<u64> = decisions.into_iter().filter(|decision| decision < first).collect();
    let mut requests = Vec::new();
    for earlier in earlier.chunks(rows::ROWS_AT_ONCE) {
        let mut select = QueryBuilder::<Sqlite>::new(rows::SELECT);
        select.push("WHERE r.state = 'open' AND r.entry IN (");
        let mut wanted = select.separated(", ");
        for entry in earlier {
            wanted.push_bind(signed(*entry));
        }
        select.push(")");
        let found = select.build().persistent(false).fetch_all(&mut *connection).await?;
        let mut found = found.iter().map(rows::read).collect::<sqlx::Result<Vec<_>>>()?;
        rows::add_findings(connection, &mut found).await?;
        requests.append(&mut found);
    }
    Ok(requests)
}

/// The decision that an entry belongs to.
fn spoken_of(entry: &Entry) -> Option<u64> {
    match &entry.body {
        Body::Attempt(attempt) => Some(attempt.decision.0),
        Body::Outcome(outcome) => Some(outcome.decision.0),
        Body::Decision(_)
        | Body::Refusal(_)
        | Body::Administration(_)
        | Body::Start(_)
        | Body::Stop(_)
        | Body::Erasure(_) => None,
    }
}

impl Batch {
    fn add(&mut self, index: u64, entry: &Entry, axes: &(dyn Fn(&str, &str) -> Option<Axes> + Sync)) {
        let administered = |action: &str, subject: &str, by: &str, detail: Vec<(String, String)>| Administered {
            entry: index,
            at: micros(entry.at),
            action: action.to_owned(),
            subject: subject.to_owned(),
            by: by.to_owned(),
            detail,
        };
        match &entry.body {
            Body::Decision(decision) => self.begin(Request::decided(index, entry.at, decision), false),
            Body::Refusal(refusal) => self.begin(Request::refused(index, entry.at, refusal), true),
            Body::Attempt(attempt) => {
                // Of a request that ended, or whose decision could not be read, nothing is added.
                if self.requests.get(&attempt.decision.0).is_some_and(|touched| !touched.ended) {
                    self.attempts.push((attempt.decision.0, Attempted::of(index, entry.at, attempt)));
                }
            }
            Body::Outcome(outcome) => self.end((index, entry.at), outcome, axes),
            Body::Administration(done) => {
                let detail = done.detail.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_string()));
                let action = done.action.word();
                let (subject, by) = (done.subject.as_str(), done.by.as_str());
                self.administration.push(administered(action, subject, by, detail.collect()));
            }
            Body::Start(start) => {
                let detail = vec![("config".to_owned(), hex(&start.config))];
                self.administration.push(administered("start", start.version.as_str(), BY_ITSELF, detail));
            }
            Body::Stop(stop) => {
                self.administration.push(administered("stop", stop.reason.as_str(), BY_ITSELF, Vec::new()));
            }
            Body::Erasure(erasure) => {
                let keys = erasure.keys.iter().map(Text::as_str).collect::<Vec<_>>().join(" ");
                let detail = vec![("keys".to_owned(), keys)];
                self.administration.push(administered("erasure", erasure.scope.as_str(), erasure.by.as_str(), detail));
            }
        }
    }

    fn begin(&mut self, request: Request, ended: bool) {
        self.see(NameKind::Key, &request.key, &request);
        self.see(NameKind::Team, &request.team, &request);
        if let Some(model) = &request.model {
            self.see(NameKind::Model, model, &request);
        }
        for finding in &request.findings {
            self.see(NameKind::Finding, &finding.kind, &request);
        }
        self.requests.insert(request.entry, Touched { request, ended });
    }

    /// What the entry of that index and time says has ended.
    fn end(
        &mut self,
        (index, at): (u64, Duration),
        outcome: &audit_entry::Outcome,
        axes: &(dyn Fn(&str, &str) -> Option<Axes> + Sync),
    ) {
        let Some(touched) = self.requests.get_mut(&outcome.decision.0).filter(|touched| !touched.ended) else { return };
        touched.ended = true;
        touched.request.ended(index, at, outcome, axes);
        let request = touched.request.clone();
        if let Some(served) = &request.served {
            self.see(NameKind::Destination, &served.label, &request);
        }
        for finding in request.findings.iter().filter(|finding| finding.in_request == 0) {
            self.see(NameKind::Finding, &finding.kind, &request);
        }
    }

    fn see(&mut self, kind: NameKind, name: &str, request: &Request) {
        let seen = self.names.entry((kind, name.to_owned())).or_default();
        seen.requests += 1;
        if request.entry >= seen.entry {
            (seen.at, seen.entry) = (request.at, request.entry);
        }
    }

    async fn write(self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let numbers = destinations(connection, self.requests.values().map(|touched| &touched.request)).await?;
        let number = |request: &Request| request.served.as_ref().and_then(|served| numbers.get(served)).copied();
        let mut counters = BTreeMap::new();
        for touched in self.requests.values().filter(|touched| touched.ended) {
            counters::count(&mut counters, &touched.request, number(&touched.request));
        }
        let requests: Vec<_> =
            self.requests.values().map(|touched| (&touched.request, number(&touched.request))).collect();
        rows::write(connection, &requests).await?;
        rows::write_attempts(connection, &self.attempts).await?;
        administration::write(connection, &self.administration).await?;
        counters::write(connection, counters).await?;
        write_names(connection, self.names).await
    }
}

/// The numbers of the destinations that served these; those that have none get one.
async fn destinations<'r>(
    connection: &mut SqliteConnection,
    requests: impl Iterator<Item = &'r Request>,
) -> sqlx::Result<HashMap<Served, i64>> {
    let mut served: Vec<&Served> = Vec::new();
    let mut numbers = HashMap::new();
    for request in requests {
        served.extend(request.served.as_ref().filter(|it| !served.contains(it)));
    }
    if served.is_empty() {
        return Ok(numbers);
    }
    let select = "SELECT id, label, processed_in, controlled_by FROM destinations";
    for row in sqlx::query(select).fetch_all(&mut *connection).await? {
        let axes = Axes { processed_in: lines::split(row.try_get(2)?), controlled_by: lines::split(row.try_get(3)?) };
        numbers.insert(Served { label: row.try_get(1)?, axes }, row.try_get(0)?);
    }
    let axis = |codes: &[String]| lines::join(codes.iter().map(String::as_str));
    for fresh in served {
        if numbers.contains_key(fresh) {
            continue;
        }
        let insert = "INSERT INTO destinations (label, processed_in, controlled_by) VALUES ($1, $2, $3) RETURNING id";
        let insert = sqlx::query_scalar::<_, i64>(insert).bind(&fresh.label);
        let insert = insert.bind(axis(&fresh.axes.processed_in)).bind(axis(&fresh.axes.controlled_by));
        numbers.insert(fresh.clone(), insert.fetch_one(&mut *connection).await?);
    }
    Ok(numbers)
}

async fn write_names(connection: &mut SqliteConnection, names: BTreeMap<(NameKind, String), Seen>) -> sqlx::Result<()> {
    let names: Vec<_> = names.into_iter().collect();
    for names in names.chunks(rows::ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO names (kind, name, requests, last_at, last_entry) ");
        insert.push_values(names, |mut row, ((kind, name), seen)| {
            row.push_bind(kind.word())
                .push_bind(name)
                .push_bind(signed(seen.requests))
                .push_bind(signed(seen.at))
                .push_bind(signed(seen.entry));
        });
        // A destination is seen when its request ends, which may be one that began long ago.
        insert.push(
            " ON CONFLICT (kind, name) DO UPDATE SET requests = names.requests + excluded.requests, \
             last_at = CASE WHEN excluded.last_entry > names.last_entry THEN excluded.last_at ELSE names.last_at END, \
             last_entry = CASE WHEN excluded.last_entry > names.last_entry THEN excluded.last_entry ELSE names.last_entry END",
        );
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

fn hex(digest: &Digest) -> String {
    digest.0.iter().fold(String::new(), |mut digits, byte| {
        // Writing to text does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests;
