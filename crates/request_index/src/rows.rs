//! A request as rows, written and read back. It must not know where it comes from, nor what is searched for.

use audit_entry::Class;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::index::{signed, unsigned};
use crate::lines;
use crate::request::{Attempted, Axes, Finding, Request, Served, State};

/// What [`read`] reads; conditions on `r` follow.
pub(crate) const SELECT: &str = "SELECT r.entry, r.at, r.request, r.key, r.team, r.surface, r.model, r.stream, r.class, r.state, \
     r.served, d.processed_in, d.controlled_by, r.degraded, r.by_floor, r.attempts, r.duration, r.first_byte, r.ended_at, r.prompt_tokens, \
     r.completion_tokens, r.outcome_entry, r.status, r.reason, r.finish, r.tls_group, r.hidden, r.label, r.review, r.seam_at, \
     r.answer_bytes, r.cost, r.rules, r.permitted, r.skipped \
     FROM requests r LEFT JOIN destinations d ON d.id = r.destination ";

const INSERT: &str = "INSERT INTO requests (entry, at, request, key, team, surface, model, stream, class, state, served, destination, \
     degraded, by_floor, attempts, duration, first_byte, ended_at, prompt_tokens, completion_tokens, outcome_entry, status, reason, finish, tls_group, \
     hidden, label, review, seam_at, answer_bytes, cost, rules, permitted, skipped) ";

/// Only what an outcome brings: indexes of the rest are not touched.
const ENDED: &str = " ON CONFLICT (entry) DO UPDATE SET state = excluded.state, served = excluded.served, \
     destination = excluded.destination, degraded = excluded.degraded, by_floor = excluded.by_floor, attempts = excluded.attempts, \
     duration = excluded.duration, first_byte = excluded.first_byte, ended_at = excluded.ended_at, prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens, \
     outcome_entry = excluded.outcome_entry, status = excluded.status, reason = excluded.reason, finish = excluded.finish, \
     tls_group = excluded.tls_group, hidden = excluded.hidden, label = excluded.label, review = excluded.review, \
     seam_at = excluded.seam_at, answer_bytes = excluded.answer_bytes, cost = excluded.cost";

/// Rows of one statement: a statement takes 32,766 values at most.
pub(crate) const ROWS_AT_ONCE: usize = 500;

/// Writes requests, each with the number of its destination; what is there already is brought to what the outcome says.
pub(crate) async fn write(connection: &mut SqliteConnection, requests: &[(&Request, Option<i64>)]) -> sqlx::Result<()> {
    for requests in requests.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new(INSERT);
        insert.push_values(requests, |mut row, (request, destination)| {
            let count = |count: Option<u64>| count.map(signed);
            row.push_bind(signed(request.entry))
                .push_bind(signed(request.at))
                .push_bind(&request.request)
                .push_bind(&request.key)
                .push_bind(&request.team)
                .push_bind(&request.surface)
                .push_bind(request.model.as_deref())
                .push_bind(request.stream)
                .push_bind(request.class.map(Class::word))
                .push_bind(request.state.word())
                .push_bind(request.served.as_ref().map(|served| served.label.as_str()))
                .push_bind(*destination)
                .push_bind(request.degraded)
                .push_bind(request.by_floor)
                .push_bind(i64::from(request.attempts))
                .push_bind(count(request.duration))
                .push_bind(count(request.first_byte))
                .push_bind(count(request.ended_at))
                .push_bind(count(request.prompt_tokens))
                .push_bind(count(request.completion_tokens))
                .push_bind(count(request.outcome_entry))
                .push_bind(request.status.map(i64::from))
                .push_bind(request.reason.as_deref())
                .push_bind(request.finish.as_deref())
                .push_bind(request.tls_group.as_deref())
                .push_bind(count(request.hidden))
                .push_bind(request.label.as_deref())
                .push_bind(request.review.as_deref())
                .push_bind(count(request.seam_at))
                .push_bind(count(request.answer_bytes))
                .push_bind(request.cost.as_deref())
                .push_bind(lines::join(request.rules.iter().map(String::as_str)))
                .push_bind(lines::join(request.permitted.iter().map(String::as_str)))
                .push_bind(lines::join(request.skipped.iter().map(String::as_str)));
        });
        insert.push(ENDED);
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    let found = |request: &&Request| -> Vec<(u64, Finding)> {
        request.findings.iter().map(|finding| (request.entry, finding.clone())).collect()
    };
    let findings: Vec<(u64, Finding)> = requests.iter().map(|(request, _)| request).flat_map(found).collect();
    for findings in findings.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO findings (kind, entry, in_request, in_answer) ");
        insert.push_values(findings, |mut row, (entry, finding)| {
            row.push_bind(&finding.kind)
                .push_bind(signed(*entry))
                .push_bind(signed(finding.in_request))
                .push_bind(signed(finding.in_answer));
        });
        insert.push(" ON CONFLICT (kind, entry) DO UPDATE SET in_answer = excluded.in_answer");
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes attempts, each of the request decided on at that entry.
pub(crate) async fn write_attempts(
    connection: &mut SqliteConnection,
    attempts: &[(u64, Attempted)],
) -> sqlx::Result<()> {
    for attempts in attempts.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO attempts (entry, number, at, destination, reason, answer_bytes, completion_tokens, attempt_entry) ",
        );
        insert.push_values(attempts, |mut row, (entry, attempt)| {
            row.push_bind(signed(*entry))
                .push_bind(i64::from(attempt.number))
                .push_bind(signed(attempt.at))
                .push_bind(&attempt.destination)
                .push_bind(&attempt.reason)
                .push_bind(attempt.answer_bytes.map(signed))
                .push_bind(attempt.completion_tokens.map(signed))
                .push_bind(signed(attempt.entry));
        });
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// One row of [`SELECT`], without its findings.
pub(crate) fn read(row: &SqliteRow) -> sqlx::Result<Request> {
    let text = |name: &str| row.try_get::<Option<String>, _>(name);
    let count = |name: &str| row.try_get::<Option<i64>, _>(name).map(|count| count.map(unsigned));
    let whole = |name: &str| row.try_get::<i64, _>(name).map(unsigned);
    let list = |name: &str| row.try_get::<&str, _>(name).map(lines::split);
    let codes = |name: &str| row.try_get::<Option<&str>, _>(name).map(|codes| lines::split(codes.unwrap_or_default()));
    let served = match text("served")? {
        Some(label) => {
            let axes = Axes { processed_in: codes("processed_in")?, controlled_by: codes("controlled_by")? };
            Some(Served { label, axes })
        }
        None => None,
    };
    let state = row.try_get::<&str, _>("state")?;
    let state = State::of(state).ok_or_else(|| sqlx::Error::Decode(format!("`{state}` is no state").into()))?;
    Ok(Request {
        entry: whole("entry")?,
        at: whole("at")?,
        request: row.try_get("request")?,
        key: row.try_get("key")?,
        team: row.try_get("team")?,
        surface: row.try_get("surface")?,
        model: text("model")?,
        stream: row.try_get("stream")?,
        class: row.try_get::<Option<&str>, _>("class")?.and_then(class_of),
        state,
        reason: text("reason")?,
        rules: list("rules")?,
        permitted: list("permitted")?,
        skipped: list("skipped")?,
        findings: Vec::new(),
        served,
        degraded: row.try_get("degraded")?,
        by_floor: row.try_get("by_floor")?,
        attempts: u32::try_from(whole("attempts")?).unwrap_or(u32::MAX),
        duration: count("duration")?,
        first_byte: count("first_byte")?,
        ended_at: count("ended_at")?,
        prompt_tokens: count("prompt_tokens")?,
        completion_tokens: count("completion_tokens")?,
        outcome_entry: count("outcome_entry")?,
        status: count("status")?.and_then(|status| u16::try_from(status).ok()),
        finish: text("finish")?,
        tls_group: text("tls_group")?,
        hidden: count("hidden")?,
        label: text("label")?,
        review: text("review")?,
        seam_at: count("seam_at")?,
        answer_bytes: count("answer_bytes")?,
        cost: text("cost")?,
    })
}

/// Gives each of these requests its findings.
pub(crate) async fn add_findings(connection: &mut SqliteConnection, requests: &mut [Request]) -> sqlx::Result<()> {
    for requests in requests.chunks_mut(ROWS_AT_ONCE) {
        let mut select =
            QueryBuilder::<Sqlite>::new("SELECT entry, kind, in_request, in_answer FROM findings WHERE entry IN (");
        let mut entries = select.separated(", ");
        for request in &*requests {
            entries.push_bind(signed(request.entry));
        }
        select.push(") ORDER BY kind");
        let rows = select.build().persistent(false).fetch_all(&mut *connection).await?;
        for row in rows {
            let entry = unsigned(row.try_get(0)?);
            if let Some(request) = requests.iter_mut().find(|request| request.entry == entry) {
                request.findings.push(Finding {
                    kind: row.try_get(1)?,
                    in_request: row.try_get(2).map(unsigned)?,
                    in_answer: row.try_get(3).map(unsigned)?,
                });
            }
        }
    }
    Ok(())
}

/// The attempts of the request decided on at `entry`, in their order.
pub(crate) async fn attempts(connection: &mut SqliteConnection, entry: u64) -> sqlx::Result<Vec<Attempted>> {
    let select = "SELECT number, at, destination, reason, answer_bytes, completion_tokens, attempt_entry FROM attempts \
                  WHERE entry = $1 ORDER BY attempt_entry";
    let rows = sqlx::query(select).bind(signed(entry)).fetch_all(connection).await?;
    let count = |count: Option<i64>| count.map(unsigned);
    let read = |row: &SqliteRow| {
        Ok(Attempted {
            number: u32::try_from(row.try_get::<i64, _>(0)?).unwrap_or(u32::MAX),
            at: row.try_get(1).map(unsigned)?,
            destination: row.try_get(2)?,
            reason: row.try_get(3)?,
            answer_bytes: row.try_get(4).map(count)?,
            completion_tokens: row.try_get(5).map(count)?,
            entry: row.try_get(6).map(unsigned)?,
        })
    };
    rows.iter().map(read).collect()
}

fn class_of(word: &str) -> Option<Class> {
    Class::ALL.into_iter().find(|class| class.word() == word)
}
