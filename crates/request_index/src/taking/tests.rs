//! Each kind of entry, what a crash leaves, entries that come twice, and a random log held against a naive fold.

use audit_entry::{Action, Body, Class, Count, Digest, Ending, Entry, Erasure, Start, Stop};
use proptest::prelude::*;
use sqlx::Row as _;

use crate::made::{administration, attempt, axes, counts, decision, entry, outcome, refusal, text};
use crate::{
    AdministrationFilter, AxisOf, Filter, Finding, Found, Index, IndexError, NameKind, OfJurisdiction, Page, Request,
    Served, State, Totals,
};

const ALWAYS: std::ops::Range<u64> = 0..u64::MAX;
const NEWEST: Page = Page { before: None, rows: 100 };

struct Held {
    index: Index,
    folder: tempfile::TempDir,
}

impl Held {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("requests.sqlite")).await.unwrap();
        Self { index, folder }
    }

    async fn with(entries: &[(u64, Entry)]) -> Self {
        let held = Self::new().await;
        assert_eq!(held.index.take(entries, &axes).await.unwrap(), entries.len() as u64);
        held
    }

    async fn found(&self, filter: Filter) -> Vec<u64> {
        self.index.search(&filter, NEWEST).await.unwrap().requests.iter().map(|request| request.entry).collect()
    }
}

#[tokio::test]
async fn a_request_is_told_with_all_that_its_entries_say() {
    let entries = [
        entry(0, 1_500, Body::Decision(decision("r"))),
        entry(1, 1_600, Body::Attempt(attempt(0, 2, "abroad/m2"))),
        entry(2, 61_000, Body::Outcome(outcome(0, Ending::Answered, Some("abroad/m2")))),
    ];
    let held = Held::with(&entries).await;
    let (request, attempts) = held.index.request("r").await.unwrap().unwrap();
    let served = Served { label: "abroad/m2".to_owned(), axes: axes("m", "abroad/m2").unwrap() };
    assert_eq!((request.at, request.state, request.served), (1_500_000, State::Answered, Some(served)));
    assert_eq!((request.degraded, request.by_floor, request.outcome_entry), (true, false, Some(2)));
    assert_eq!((request.team.as_str(), request.model.as_deref(), request.stream), ("통계청", Some("m"), true));
    assert_eq!((request.class, request.rules.join(" ")), (Some(Class::Sensitive), "one two".to_owned()));
    assert_eq!(request.permitted, ["national", "abroad/m2", "local"]);
    assert_eq!(request.findings, [Finding { kind: "kr.rrn".to_owned(), in_request: 2, in_answer: 0 }]);
    assert_eq!((request.duration, request.status, request.hidden), (Some(2_000), Some(200), Some(2)));
    assert_eq!((request.first_byte, request.ended_at), (Some(900), Some(61_000_000)));
    assert_eq!(request.tls_group.as_deref(), Some("X25519MLKEM768"));
    assert_eq!((attempts.len(), attempts[0].number, attempts[0].entry), (1, 2, 1));
    assert_eq!((attempts[0].destination.as_str(), attempts[0].answer_bytes), ("abroad/m2", Some(5)));
    for entry in [0, 2] {
        assert_eq!(held.index.request_of(entry).await.unwrap().map(|(request, _)| request.entry), Some(0));
    }
    assert_eq!(held.index.request_of(1).await.unwrap(), None);
    let took = held.index.took(ALWAYS).await.unwrap().unwrap();
    assert_eq!((took.p50, took.p99), (1_984, 1_984), "within a thirty-second part of 2000");
    let totals = held.index.totals(60_000_000..120_000_000).await.unwrap();
    assert_eq!(totals, Totals::default(), "it counts when it was decided on, not when it ended");
}

#[tokio::test]
async fn a_refusal_names_code_and_rule() {
    let held = Held::with(&[entry(0, 5, Body::Refusal(refusal("r", "policy_denied")))]).await;
    let (request, attempts) = held.index.request("r").await.unwrap().unwrap();
    assert_eq!((request.state, request.reason.as_deref()), (State::Refused, Some("policy_denied")));
    assert_eq!((request.rules, request.skipped), (vec!["no-secrets".to_owned()], vec!["national (outage)".to_owned()]));
    assert_eq!((request.model, attempts.len(), request.served), (None, 0, None));
    let totals = held.index.totals(ALWAYS).await.unwrap();
    assert_eq!(totals, Totals { refused: 1, ..Totals::default() });
}

#[tokio::test]
async fn an_answer_of_the_floor_is_degraded_where_another_was_left_out_or_failed() {
    let mut alone = decision("alone");
    alone.destinations = vec![text("local")];
    let mut stands_in = alone.clone();
    stands_in.skipped = Some(vec![text("national (withdrawn: region)")]);
    let mut entries = Vec::new();
    for (place, decision) in [alone, stands_in, decision("failed over")].into_iter().enumerate() {
        let index = place as u64 * 2;
        entries.push(entry(index, 1, Body::Decision(decision)));
        entries.push(entry(index + 1, 2, Body::Outcome(outcome(index, Ending::Answered, Some("local")))));
    }
    let held = Held::with(&entries).await;
    assert_eq!(held.found(Filter { degraded: true, ..Filter::default() }).await, [4, 2]);
    let totals = held.index.totals(ALWAYS).await.unwrap();
    assert_eq!((totals.answered, totals.degraded, totals.by_floor), (3, 2, 3));
}

#[tokio::test]
async fn findings_of_request_and_answer_stand_together() {
    let mut ended = outcome(0, Ending::Answered, Some("national"));
    ended.findings = counts(&[("email", 1), ("kr.rrn", 3)]);
    let held = Held::with(&[entry(0, 1, Body::Decision(decision("r")))]).await;
    held.index.take(&[entry(1, 2, Body::Outcome(ended))], &axes).await.unwrap();
    let (request, _) = held.index.request("r").await.unwrap().unwrap();
    let findings: Vec<_> = request.findings.iter().map(|it| (it.kind.as_str(), it.in_request, it.in_answer)).collect();
    assert_eq!(findings, [("email", 0, 1), ("kr.rrn", 2, 3)]);
    for kind in ["email", "kr.rrn"] {
        assert_eq!(held.found(Filter { finding: Some(kind.to_owned()), ..Filter::default() }).await, [0]);
    }
    let kinds = held.index.names(NameKind::Finding, 9).await.unwrap();
    assert_eq!(
        kinds.iter().map(|name| (name.name.as_str(), name.requests)).collect::<Vec<_>>(),
        [("email", 1), ("kr.rrn", 1)]
    );
}

#[tokio::test]
async fn what_is_no_request_is_listed_as_administration() {
    let entries = [
        entry(0, 1, Body::Start(Start { version: text("0.1.0"), config: Digest([0xab; 32]) })),
        entry(1, 2, Body::Administration(administration(Action::KeyCreate, "k_1"))),
        entry(2, 3, Body::Administration(administration(Action::WithdrawalBegin, "openai"))),
        entry(
            3,
            4,
            Body::Erasure(Erasure { scope: text("a/2026-01"), keys: vec![text("1"), text("2")], by: text("b") }),
        ),
        entry(4, 5, Body::Stop(Stop { reason: text("told to stop") })),
    ];
    let held = Held::with(&entries).await;
    let listed = held.index.administration(&AdministrationFilter::default(), NEWEST).await.unwrap();
    let told: Vec<_> = listed.iter().map(|it| (it.entry, it.action.as_str(), it.subject.as_str())).collect();
    assert_eq!(
        told,
        [
            (4, "stop", "told to stop"),
            (3, "erasure", "a/2026-01"),
            (2, "withdrawal.begin", "openai"),
            (1, "key.create", "k_1"),
            (0, "start", "0.1.0"),
        ]
    );
    assert_eq!(listed[2].detail, [("why".to_owned(), "it is time".to_owned())]);
    assert_eq!(listed[1].detail, [("keys".to_owned(), "1 2".to_owned())]);
    assert_eq!(listed[4].detail[0].1, "ab".repeat(32));
    let some = AdministrationFilter { actions: vec!["stop".to_owned(), "start".to_owned()], ..Default::default() };
    let older = held.index.administration(&some, Page { before: Some(4), rows: 5 }).await.unwrap();
    assert_eq!(older.iter().map(|it| it.entry).collect::<Vec<_>>(), [0]);
    for (filter, fit) in [
        (AdministrationFilter { by: Some("b".to_owned()), ..Default::default() }, vec![3]),
        (AdministrationFilter { by: Some("nobody".to_owned()), ..Default::default() }, vec![]),
        (
            AdministrationFilter { subject: Some("k_1".to_owned()), by: Some("b".to_owned()), ..Default::default() },
            vec![],
        ),
    ] {
        let found = held.index.administration(&filter, NEWEST).await.unwrap();
        assert_eq!(found.iter().map(|it| it.entry).collect::<Vec<_>>(), fit, "{filter:?}");
    }
}

/// What was changed is found, and put in order, by an index of its own, whatever it is looked for by.
#[tokio::test]
async fn changes_are_looked_up_and_not_searched_through() {
    let held = Held::with(&[]).await;
    for (column, index) in
        [("action", "administration_action"), ("subject", "administration_subject"), ("by_whom", "administration_by")]
    {
        let explain = format!(
            "EXPLAIN QUERY PLAN SELECT entry FROM administration WHERE entry < 9 AND {column} = 'x' ORDER BY entry DESC LIMIT 51"
        );
        let plan = sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_all(held.index.pool()).await.unwrap();
        let told: Vec<String> = plan.iter().map(|row| row.get(3)).collect();
        assert!(told.len() == 1 && told[0].contains(&format!("INDEX {index} ({column}=? AND rowid<?)")), "{told:?}");
    }
}

#[tokio::test]
async fn entries_that_come_twice_are_passed_over_and_gaps_are_refused() {
    let entries = [
        entry(0, 1, Body::Decision(decision("r"))),
        entry(1, 2, Body::Outcome(outcome(0, Ending::Answered, Some("national")))),
        entry(2, 3, Body::Refusal(refusal("s", "busy"))),
    ];
    let held = Held::with(&entries[..2]).await;
    assert_eq!(held.index.take(&entries[..2], &axes).await.unwrap(), 0);
    assert_eq!(held.index.take(&entries, &axes).await.unwrap(), 1);
    let totals = held.index.totals(ALWAYS).await.unwrap();
    assert_eq!((totals.answered, totals.refused, held.index.next_entry().await.unwrap()), (1, 1, 3));
    for wrong in [
        [entry(4, 9, Body::Refusal(refusal("t", "busy")))].as_slice(),
        &[entry(3, 9, Body::Refusal(refusal("t", "busy"))), entry(3, 9, Body::Refusal(refusal("t", "busy")))],
    ] {
        let refused = held.index.take(wrong, &axes).await;
        assert!(matches!(refused, Err(IndexError::OutOfOrder { .. })), "{refused:?}");
    }
    assert_eq!(held.index.next_entry().await.unwrap(), 3, "nothing of it was taken in");
    assert!(held.index.pass_over(4, &[7; 32]).await.is_err());
    held.index.pass_over(3, &[7; 32]).await.unwrap();
    assert_eq!(held.index.reached().await.unwrap(), (4, Some([7; 32])));
    assert_eq!(held.index.next_entry().await.unwrap(), 4);
}

#[tokio::test]
async fn a_crash_between_batches_or_in_one_repeats_nothing_and_loses_nothing() {
    let entries = [
        entry(0, 1, Body::Decision(decision("r"))),
        entry(1, 2, Body::Decision(decision("s"))),
        entry(2, 3, Body::Outcome(outcome(0, Ending::Failed, None))),
        entry(3, 4, Body::Outcome(outcome(1, Ending::Lost, None))),
    ];
    let Held { index, folder } = Held::with(&entries[..2]).await;
    // A batch that fails when everything but its last statement was written is as if it had not been.
    let pool = index.pool().clone();
    let trap = "CREATE TRIGGER trap BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'trap'); END";
    sqlx::query(trap).execute(&pool).await.unwrap();
    let failed = index.take(&entries[2..], &axes).await;
    assert!(matches!(failed, Err(IndexError::Failed { .. })), "{failed:?}");
    sqlx::query("DROP TRIGGER trap").execute(&pool).await.unwrap();
    // What lies on the disk now is what a process that dies here leaves: the file and its WAL are copied from under it.
    let after = tempfile::tempdir().unwrap();
    for name in ["requests.sqlite", "requests.sqlite-wal"] {
        std::fs::copy(folder.path().join(name), after.path().join(name)).unwrap();
    }
    let index = Index::open(&after.path().join("requests.sqlite")).await.unwrap();
    assert_eq!(index.next_entry().await.unwrap(), 2);
    assert_eq!(index.totals(ALWAYS).await.unwrap(), Totals { open: 2, ..Totals::default() });
    index.take(&entries, &axes).await.unwrap();
    let totals = index.totals(ALWAYS).await.unwrap();
    assert_eq!(totals, Totals { failed: 1, left: 1, ..Totals::default() });
}

/// A destination's word of its tokens is its own: however much it claims, the index goes on, and its sums are sums.
#[tokio::test]
async fn tokens_beyond_belief_stop_nothing() {
    let mut entries = Vec::new();
    for number in 0..4 {
        let mut ended = outcome(number * 2, Ending::Answered, Some("national"));
        ended.prompt_tokens = Some(Count(u64::MAX));
        ended.completion_tokens = Some(Count(i64::MAX.unsigned_abs()));
        entries.push(entry(number * 2, number, Body::Decision(decision(&format!("r{number}")))));
        entries.push(entry(number * 2 + 1, number, Body::Outcome(ended)));
    }
    let held = Held::with(&entries[..2]).await;
    for batch in entries[2..].chunks(2) {
        held.index.take(batch, &axes).await.unwrap();
    }
    let totals = held.index.totals(ALWAYS).await.unwrap();
    assert_eq!((totals.answered, totals.prompt_tokens, totals.completion_tokens), (4, 4_000_000_000, 4_000_000_000));
    assert_eq!(held.index.request("r0").await.unwrap().unwrap().0.completion_tokens, Some(i64::MAX.unsigned_abs()));
}

#[tokio::test]
async fn an_index_of_another_log_is_told() {
    let held = Held::new().await;
    held.index.made_from("one").await.unwrap();
    held.index.made_from("one").await.unwrap();
    let other = held.index.made_from("two").await.unwrap_err().to_string();
    assert!(other.contains("`one`, not from `two`") && other.contains("gwanmun index rebuild"), "{other}");
}

#[tokio::test]
async fn an_index_is_put_in_the_place_of_another() {
    let held = Held::with(&[entry(0, 1, Body::Refusal(refusal("old", "busy")))]).await;
    let (path, aside) = (held.index.path().to_owned(), held.folder.path().join("aside"));
    held.index.close().await;
    let index = Index::open(&aside).await.unwrap();
    index.take(&[entry(0, 1, Body::Refusal(refusal("new", "busy")))], &axes).await.unwrap();
    index.close().await;
    crate::replace(&aside, &path).unwrap();
    let index = Index::open(&path).await.unwrap();
    assert!(index.request("new").await.unwrap().is_some() && index.request("old").await.unwrap().is_none());
    assert!(!aside.exists());
}

#[tokio::test]
async fn a_page_of_several_conditions_says_where_to_go_on() {
    let mut entries: Vec<(u64, Entry)> = vec![entry(0, 1, Body::Refusal(refusal("first", "rare")))];
    let mut other = refusal("x", "busy");
    other.team = text("others");
    entries.extend((1..2_000).map(|index| entry(index, index, Body::Refusal(other.clone()))));
    let held = Held::with(&entries).await;
    let wanted = Filter { team: Some("audit".to_owned()), state: Some(State::Refused), ..Filter::default() };
    assert_eq!(held.found(wanted).await, [0], "less than a page looks through is looked through at once");
    let one = Filter { team: Some("others".to_owned()), ..Filter::default() };
    let mut page = Page { before: None, rows: 150 };
    let mut seen = Vec::new();
    loop {
        let Found { requests, older } = held.index.search(&one, page).await.unwrap();
        seen.extend(requests.iter().map(|request| request.entry));
        let Some(before) = older else { break };
        page.before = Some(before);
    }
    assert_eq!(seen, (1..2_000).rev().collect::<Vec<_>>());
}

/// What a random log is made of.
#[derive(Clone, Debug)]
enum Step {
    Decide {
        team: u8,
        model: u8,
        class: u8,
        skipped: bool,
        found: bool,
    },
    Refuse {
        team: u8,
    },
    /// Of the requests so far, this one; it may have ended before.
    Attempt(usize),
    End {
        which: usize,
        ending: u8,
        served: u8,
        duration: u64,
        tokens: Option<u64>,
    },
    Administer,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        4 => (0_u8..3, 0_u8..3, 0_u8..4, any::<bool>(), any::<bool>())
            .prop_map(|(team, model, class, skipped, found)| Step::Decide { team, model, class, skipped, found }),
        1 => (0_u8..3).prop_map(|team| Step::Refuse { team }),
        1 => (0_usize..40).prop_map(Step::Attempt),
        4 => (0_usize..40, 0_u8..5, 0_u8..5, 0_u64..90_000_000, proptest::option::of(0_u64..1000))
            .prop_map(|(which, ending, served, duration, tokens)| Step::End { which, ending, served, duration, tokens }),
        1 => Just(Step::Administer),
    ];
    // Up to a few hours between two entries: minutes, hours and days are passed.
    proptest::collection::vec((0_u64..10_000_000, step), 0..120)
}

fn log_of(steps: Vec<(u64, Step)>) -> Vec<(u64, Entry)> {
    let (mut at, mut decided, mut log) = (1_790_000_000_000, Vec::new(), Vec::new());
    for (index, (later, step)) in (0..).zip(steps) {
        at += later;
        let name = |prefix: &str, number: u8| text(&format!("{prefix}{number}"));
        let body = match step {
            Step::Decide { team, model, class, skipped, found } => {
                decided.push(index);
                let mut made = decision(&format!("r{index}"));
                made.team = name("team", team);
                made.model = name("model", model);
                made.class = [None, Some(Class::Open), Some(Class::Sensitive), Some(Class::Classified)][class as usize];
                made.skipped = skipped.then(|| vec![text("other (outage)")]);
                made.findings = if found { made.findings } else { None };
                Body::Decision(made)
            }
            Step::Refuse { team } => {
                let mut made = refusal(&format!("r{index}"), "busy");
                made.team = name("team", team);
                Body::Refusal(made)
            }
            Step::Attempt(which) => Body::Attempt(attempt(decided.get(which).copied().unwrap_or(0), 2, "abroad/m2")),
            Step::End { which, ending, served, duration, tokens } => {
                let ending = [Ending::Answered, Ending::Failed, Ending::Cancelled, Ending::Abandoned, Ending::Lost]
                    [ending as usize];
                let served =
                    [Some("national"), Some("abroad/m2"), Some("local"), Some("unknown"), None][served as usize];
                let mut made = outcome(decided.get(which).copied().unwrap_or(0), ending, served);
                made.duration_us = Some(Count(duration));
                made.completion_tokens = tokens.map(Count);
                Body::Outcome(made)
            }
            Step::Administer => Body::Administration(administration(Action::PolicyChange, "p")),
        };
        log.push(entry(index, at, body));
    }
    log
}

/// What a request comes to, found by looking through the whole log for it.
fn naive(log: &[(u64, Entry)]) -> Vec<(Request, usize)> {
    let mut all = Vec::new();
    for (index, begun) in log {
        let mut request = match &begun.body {
            Body::Decision(decision) => Request::decided(*index, begun.at, decision),
            Body::Refusal(refusal) => Request::refused(*index, begun.at, refusal),
            Body::Attempt(_)
            | Body::Outcome(_)
            | Body::Administration(_)
            | Body::Start(_)
            | Body::Stop(_)
            | Body::Erasure(_) => continue,
        };
        let ends = |(_, later): &&(u64, Entry)| matches!(&later.body, Body::Outcome(it) if it.decision.0 == *index);
        let end = if request.state == State::Open { log.iter().find(ends) } else { None };
        if let Some((at, ended @ Entry { body: Body::Outcome(outcome), .. })) = end {
            request.ended(*at, ended.at, outcome, axes);
        }
        let until = end.map_or(u64::MAX, |(at, _)| *at);
        let tried = log.iter().filter(|(at, later)| {
            let is_of = matches!(&later.body, Body::Attempt(it) if it.decision.0 == *index);
            is_of && request.state != State::Refused && *at > *index && *at < until
        });
        let tried = tried.count();
        all.push((request, tried));
    }
    all
}

fn naive_totals(requests: &[&Request]) -> Totals {
    let count = |fits: &dyn Fn(&Request) -> bool| requests.iter().filter(|it| fits(it)).count() as u64;
    let is = |states: &'static [State]| move |it: &Request| states.contains(&it.state);
    let answered = is(&[State::Answered]);
    let served: Vec<&&Request> = requests.iter().filter(|it| it.served.is_some()).collect();
    Totals {
        answered: count(&answered),
        degraded: count(&|it| answered(it) && it.degraded),
        by_floor: count(&|it| answered(it) && it.by_floor),
        refused: count(&is(&[State::Refused])),
        failed: count(&is(&[State::Failed])),
        left: count(&is(&[State::Cancelled, State::Abandoned, State::Lost])),
        open: count(&is(&[State::Open])),
        prompt_tokens: served.iter().filter_map(|it| it.prompt_tokens).sum(),
        completion_tokens: served.iter().filter_map(|it| it.completion_tokens).sum(),
        uncounted: count(&|it| answered(it) && it.served.is_some() && it.completion_tokens.is_none()),
    }
}

async fn agrees(log: &[(u64, Entry)], batches: &[usize], window: (u64, u64)) {
    let held = Held::new().await;
    let (mut rest, mut sizes) = (log, batches.iter().cycle());
    while !rest.is_empty() {
        let (batch, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        held.index.take(batch, &axes).await.unwrap();
        rest = later;
    }
    let wanted = naive(log);
    for (request, attempts) in &wanted {
        let (told, tried) = held.index.request(&request.request).await.unwrap().unwrap();
        assert_eq!((&told, tried.len()), (request, *attempts));
    }
    let newest = |fits: &dyn Fn(&Request) -> bool| -> Vec<u64> {
        wanted.iter().rev().map(|(request, _)| request).filter(|it| fits(it)).take(100).map(|it| it.entry).collect()
    };
    let team = || Some("team1".to_owned());
    assert_eq!(held.found(Filter::default()).await, newest(&|_| true));
    assert_eq!(held.found(Filter { team: team(), ..Filter::default() }).await, newest(&|it| it.team == "team1"));
    let mixed = Filter { team: team(), state: Some(State::Answered), degraded: true, ..Filter::default() };
    let fits = |it: &Request| it.team == "team1" && it.state == State::Answered && it.degraded;
    assert_eq!(held.found(mixed).await, newest(&fits));
    let national = Filter { destination: Some("national".to_owned()), ..Filter::default() };
    let by_national = |it: &Request| it.served.as_ref().is_some_and(|served| served.label == "national");
    assert_eq!(held.found(national).await, newest(&by_national));
    // Of whole minutes, as figures are.
    let from = 1_790_000_000_000_000 / 60_000_000 * 60_000_000 + window.0 * 60_000_000;
    let until = from + window.1 * 60_000_000;
    let within = |it: &Request| (from..until).contains(&it.at);
    let timed = Filter { from: Some(from), until: Some(until), ..Filter::default() };
    assert_eq!(held.found(timed).await, newest(&within));
    let inside: Vec<&Request> = wanted.iter().map(|(request, _)| request).filter(|it| within(it)).collect();
    let totals = held.index.totals(from..until).await.unwrap();
    assert_eq!(totals, naive_totals(&inside));
    let told = held.index.took(from..until).await.unwrap();
    let mut took: Vec<u64> = inside
        .iter()
        .filter(|it| it.state == State::Answered && it.served.is_some())
        .filter_map(|it| it.duration)
        .collect();
    took.sort_unstable();
    let exact = took.get((took.len() * 95).div_ceil(100).saturating_sub(1)).copied();
    assert_eq!(told.is_some(), exact.is_some());
    if let (Some(told), Some(exact)) = (told, exact) {
        assert!(told.p95 <= exact && exact - told.p95 <= exact / 32, "{} {exact}", told.p95);
    }
    agrees_apart(&held.index, &inside, from..until).await;
}

/// The same figures by destination, by jurisdiction and by the day.
async fn agrees_apart(index: &Index, inside: &[&Request], micros: std::ops::Range<u64>) {
    let of = |label: &str| -> Vec<&Request> {
        let is = |it: &&&Request| it.served.as_ref().is_some_and(|served| served.label == label);
        inside.iter().filter(is).copied().collect()
    };
    let told = index.by_destination(micros.clone()).await.unwrap();
    for it in &told {
        assert_eq!(it.totals, naive_totals(&of(&it.label)), "{}", it.label);
        assert_eq!(it.axes, axes("m", &it.label).unwrap_or_default());
    }
    assert_eq!(
        told.len(),
        ["national", "abroad/m2", "local", "unknown"].iter().filter(|it| !of(it).is_empty()).count()
    );
    let all = naive_totals(inside);
    for axis in [AxisOf::ProcessedIn, AxisOf::ControlledBy] {
        let shares = OfJurisdiction::shared(&told, axis);
        let sum: u64 = shares.iter().map(|it| it.prompt_tokens + it.completion_tokens).sum();
        assert_eq!(sum, all.prompt_tokens + all.completion_tokens, "the shares are the whole");
        let abroad = naive_totals(&of("abroad/m2"));
        let us = shares.iter().find(|it| it.jurisdictions == ["US"]).map_or(0, |it| it.completion_tokens);
        assert_eq!(us, abroad.completion_tokens);
    }
    for bucket in [3600, 86_400] {
        for told in index.series(micros.clone(), bucket).await.unwrap() {
            let (start, end) = (told.start * 1_000_000, (told.start + bucket) * 1_000_000);
            // A point of time that reaches over the ends is told whole.
            if start >= micros.start && end <= micros.end {
                let within: Vec<&Request> = inside.iter().filter(|it| (start..end).contains(&it.at)).copied().collect();
                let wanted = Totals { open: 0, ..naive_totals(&within) };
                assert_eq!(told.totals, wanted);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_index_of_a_random_log_is_a_naive_fold_over_its_entries(
        steps in steps(),
        batches in proptest::collection::vec(1_usize..30, 1..5),
        window in (0_u64..4_000, 0_u64..10_000),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(agrees(&log_of(steps), &batches, window));
    }
}
