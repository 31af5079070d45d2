//! What is kept over a restart, and what the log is told of it; two processes at one database.

#![expect(clippy::disallowed_methods, reason = "a test may make a file")]

use std::sync::Arc;

use ::policy::Destination;
use serde_json::{Value, json};

use super::*;
use crate::{
    availability::{Availability, Diagnosis, Evidence, Extent, Sickness, State, follow},
    changes::{settle, take_in},
    clock::Clock,
    config::{Config, Live},
    keys::{HashSecret, KeyStore},
    record::{Began, CommitmentSecret, Recorder, tests::entries},
    tasks::Tasks,
};

const KEY: &str = "key-one";

struct Place {
    folder: tempfile::TempDir,
    database: Database,
    keys: KeyStore,
    clock: Clock,
    config: Live,
}

impl Place {
    async fn new(config: &str) -> Self {
        let (folder, (clock, _)) = (tempfile::tempdir().unwrap(), Clock::by_hand(now()));
        let path = folder.path().join("gwanmun.db");
        std::fs::write(&path, b"").unwrap();
        let database = Database::open(&path).await.unwrap();
        let keys = KeyStore::open(database.clone(), HashSecret::new(&[9; 32])).await.unwrap();
        Recorder::begin(&folder.path().join("log"), &clock).unwrap();
        let config = Config::parse(config, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}")).live();
        Self { folder, database, keys, clock, config }
    }

    /// A process that starts here.
    fn process(&self) -> (Availability, Recorder) {
        let began = Began { version: "test", config: [0; 32] };
        let secret = CommitmentSecret::new(&[1; 32]);
        let log = self.folder.path().join("log");
        let recorder = Recorder::open(&log, secret, self.clock.clone(), began).unwrap().0;
        (Availability::new(&self.clock, Arc::clone(&self.config)), recorder)
    }

    fn said(&self) -> Vec<Value> {
        let entries = entries(&self.folder.path().join("log"));
        entries.into_iter().filter(|entry| entry["kind"] == "administration").collect()
    }

    async fn end(&self, subject: &str) -> Option<Withdrawal> {
        let subject = subject.parse().unwrap();
        end(&self.database, &subject, ("uid 7", "mended"), Return::Approved, now()).await.unwrap()
    }
}

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn abroad() -> Destination {
    Destination { id: "abroad/m".into(), name: "abroad".into(), model: "m".into(), ..Destination::default() }
}

fn by_operator(subject: &str) -> Withdrawal {
    let (by, why) = ("uid 7".into(), "a letter came".into());
    Withdrawal { subject: subject.parse().unwrap(), cause: Cause::Operator, since: now(), by, why, notice: None }
}

fn shut() -> Diagnosis {
    lost(Cause::Account, "the account is shut")
}

fn lost(cause: Cause, what: &'static str) -> Diagnosis {
    Diagnosis {
        sickness: Sickness::Withdrawal { cause, certain: true },
        extent: Extent::Destination,
        retry_after: None,
        evidence: Evidence { what, status: Some(403), code: None },
    }
}

/// What is in force in memory and in the database, each by its cause's word.
async fn causes(place: &Place, health: &Availability) -> (Vec<&'static str>, Vec<&'static str>) {
    let words = |list: Vec<Withdrawal>| list.into_iter().map(|it| it.cause.word()).collect();
    (words(health.withdrawals()), words(in_force(&place.database).await.unwrap()))
}

/// Else an operator's word would be lost where the place is away for a cause that may end by itself.
#[tokio::test]
async fn an_operator_takes_over_what_would_return_by_itself() {
    let place = Place::new("").await;
    let (health, recorder) = place.process();
    health.enter(&abroad()).unwrap().failed(&lost(Cause::Tls, "its certificate is not trusted"), KEY);
    health.settle(&place.database).await.unwrap();
    assert_eq!(causes(&place, &health).await, (vec!["tls"], vec!["tls"]));

    let (row, is_new) = begin(&place.database, &by_operator("destination:abroad")).await.unwrap();
    assert!(is_new, "an operator's word is not swallowed");
    assert_eq!(begin(&place.database, &by_operator("destination:abroad")).await.unwrap(), (row, false), "once");
    let weaker = Withdrawal { cause: Cause::Name, ..by_operator("destination:abroad") };
    assert_eq!(begin(&place.database, &weaker).await.unwrap(), (row, false), "nor does a lesser cause take over");
    // The server has not looked yet: what it lets back by itself is no more than what was there for that cause.
    let (subject, gone) = ("destination:abroad".parse().unwrap(), ("policy", "it is back"));
    let ended = end(&place.database, &subject, gone, Return::Automatic(Cause::Tls), now()).await.unwrap();
    assert_eq!(ended, None);

    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(health.withdrawals(), [by_operator("destination:abroad")]);
    health.settle(&place.database).await.unwrap();
    assert_eq!(causes(&place, &health).await, (vec!["operator"], vec!["operator"]));
    place.end("destination:abroad").await.unwrap();
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(health.state(&abroad()), State::Ready);
    let told = |entry: &Value| format!("{} {}", entry["action"].as_str().unwrap(), entry["detail"]["cause"]);
    let said: Vec<String> = place.said().iter().map(told).collect();
    let expected = [
        r#"withdrawal.begin "tls""#,
        r#"withdrawal.begin "operator""#,
        "approval.give null",
        r#"withdrawal.end "operator""#,
    ];
    assert_eq!(said, expected);
}

/// Requests that were under way together may show several signs.
#[tokio::test]
async fn what_is_seen_later_takes_over_where_it_outranks_what_is_stored() {
    let place = Place::new("").await;
    let (health, recorder) = place.process();
    let visits: Vec<_> = (0..4).map(|_| health.enter(&abroad()).unwrap()).collect();
    let mut signs = [Cause::Tls, Cause::Legal, Cause::Region, Cause::Name].into_iter().zip(visits);
    let (_, first) = signs.next().unwrap();
    first.failed(&lost(Cause::Tls, "its certificate is not trusted"), KEY);
    health.settle(&place.database).await.unwrap();
    for (cause, visit) in signs {
        visit.failed(&lost(cause, "more"), KEY);
        let read = health.take_away(&place.database).await.unwrap();
        health.let_back(&read);
        assert_eq!(causes(&place, &health).await, (vec!["legal"], vec!["tls"]), "{}", cause.word());
    }
    health.settle(&place.database).await.unwrap();
    assert_eq!(causes(&place, &health).await, (vec!["legal"], vec!["legal"]));
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(place.said().len(), 2);
}

/// What was let back meanwhile for the lesser cause was not let back for the greater.
#[tokio::test]
async fn what_took_over_is_stored_though_the_lesser_cause_has_ended() {
    let place = Place::new("").await;
    let (health, recorder) = place.process();
    let (first, second) = (health.enter(&abroad()).unwrap(), health.enter(&abroad()).unwrap());
    first.failed(&lost(Cause::Tls, "its certificate is not trusted"), KEY);
    health.settle(&place.database).await.unwrap();
    second.failed(&lost(Cause::Legal, "a court forbids it"), KEY);
    let (subject, gone) = ("destination:abroad".parse().unwrap(), ("policy", "it is back"));
    end(&place.database, &subject, gone, Return::Automatic(Cause::Tls), now()).await.unwrap().unwrap();
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert!(matches!(health.state(&abroad()), State::Withdrawn { cause: Cause::Legal, .. }));
    health.settle(&place.database).await.unwrap();
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(causes(&place, &health).await, (vec!["legal"], vec!["legal"]));
}

#[tokio::test]
async fn what_an_operator_withdraws_is_in_force_at_once_and_comes_back_when_the_log_says_so() {
    let place = Place::new("").await;
    let (health, recorder) = place.process();
    assert!(begin(&place.database, &by_operator("destination:abroad")).await.unwrap().1);
    assert!(!begin(&place.database, &by_operator("destination:abroad")).await.unwrap().1, "once");
    health.take_away(&place.database).await.unwrap();
    assert!(matches!(health.state(&abroad()), State::Withdrawn { cause: Cause::Operator, .. }), "before the log");
    take_in(&place.keys, &health, &recorder).await.unwrap();

    assert_eq!(place.end("destination:abroad").await.unwrap().why, "a letter came".into());
    assert_eq!(place.end("destination:abroad").await, None, "there is nothing left to end");
    health.take_away(&place.database).await.unwrap();
    assert!(matches!(health.state(&abroad()), State::Withdrawn { .. }), "the log does not say so yet");
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(health.state(&abroad()), State::Ready);

    let said = place.said();
    let told = |entry: &Value| (entry["action"].clone(), entry["subject"].clone(), entry["by"].clone());
    let entry = |action: &str| (json!(action), json!("destination:abroad"), json!("uid 7"));
    let expected = ["withdrawal.begin", "approval.give", "withdrawal.end"].map(entry);
    assert_eq!(said.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(said[0]["detail"], json!({"cause": "operator", "why": "a letter came"}));
    assert_eq!(said[2]["detail"], json!({"cause": "operator", "since": "2026-11-21T10:00:00Z", "why": "mended"}));
}

/// What the gateway saw is stored beside the road, is in the log, and holds from a restart's first request on.
#[tokio::test]
async fn what_the_gateway_found_is_kept_over_a_restart() {
    let place = Place::new("").await;
    let (health, recorder) = place.process();
    let tasks = Tasks::new(Clock::system());
    health.enter(&abroad()).unwrap().failed(&shut(), KEY);
    follow(health.clone(), place.database.clone(), &tasks, Clock::system());
    tasks.drain();
    tasks.ended().await;
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert!(matches!(health.state(&abroad()), State::Withdrawn { .. }));
    drop(recorder);

    let (again, recorder) = place.process();
    take_in(&place.keys, &again, &recorder).await.unwrap();
    assert!(matches!(again.state(&abroad()), State::Withdrawn { cause: Cause::Account, since } if since == now()));
    assert_eq!(again.withdrawals(), health.withdrawals());
    let said = place.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!((&said[0]["action"], &said[0]["by"]), (&json!("withdrawal.begin"), &json!("gateway")));
    assert_eq!(said[0]["detail"], json!({"cause": "account", "why": "the account is shut (403)"}));
}

/// A request that ends while others are drained shows something too.
#[tokio::test]
async fn what_is_seen_after_the_tasks_were_told_to_stop_is_kept() {
    let place = Place::new("").await;
    let (health, recorder) = place.process();
    let tasks = Tasks::new(Clock::system());
    follow(health.clone(), place.database.clone(), &tasks, Clock::system());
    tasks.drain();
    tasks.ended().await;
    health.enter(&abroad()).unwrap().failed(&shut(), KEY);
    assert_eq!(in_force(&place.database).await.unwrap(), []);
    health.settle(&place.database).await.unwrap();
    settle(&place.database, &recorder).await.unwrap();
    assert_eq!(in_force(&place.database).await.unwrap(), health.withdrawals());
    assert_eq!(place.said().len(), 1);
}

/// How often the operator has been told, by the rows.
async fn told(place: &Place) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM withdrawals WHERE told = 1");
    count.fetch_one(place.database.pool()).await.unwrap()
}

/// Nobody is told while the webhook does not answer; the next process that has one which does, or none, tells.
#[tokio::test]
async fn the_operator_counts_as_told_when_the_webhook_took_it() {
    // Nothing listens there: the port was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Place::new(&format!("[availability]\nwebhook = \"http://127.0.0.1:{port}/\"\n")).await;
    let (health, recorder) = place.process();
    health.enter(&abroad()).unwrap().failed(&shut(), KEY);
    let tasks = Tasks::new(Clock::system());
    follow(health.clone(), place.database.clone(), &tasks, Clock::system());
    tasks.drain();
    tasks.ended().await;
    health.settle(&place.database).await.unwrap();
    assert_eq!((in_force(&place.database).await.unwrap().len(), told(&place).await), (1, 0));
    drop(recorder);

    let (taken, mut requests) = receiver().await;
    let place = Place { config: Config::parse(&taken, "test.toml").unwrap().live(), ..place };
    let (again, recorder) = place.process();
    take_in(&place.keys, &again, &recorder).await.unwrap();
    let tasks = Tasks::new(Clock::system());
    follow(again.clone(), place.database.clone(), &tasks, Clock::system());
    let request = requests.recv().await.unwrap();
    assert!(request.contains("destination:abroad"), "{request}");
    while told(&place).await == 0 {
        tokio::task::yield_now().await;
    }
    tasks.end(std::time::Duration::from_secs(10)).await;
    drop(recorder);

    let (third, recorder) = place.process();
    take_in(&place.keys, &third, &recorder).await.unwrap();
    let tasks = Tasks::new(Clock::system());
    follow(third, place.database.clone(), &tasks, Clock::system());
    tasks.end(std::time::Duration::from_secs(10)).await;
    assert!(requests.try_recv().is_err(), "it was told before");
}

/// That somebody has been told of the lesser cause is not that anybody was told of the greater.
#[tokio::test]
async fn the_operator_is_told_again_of_what_takes_over() {
    let (taken, mut requests) = receiver().await;
    let place = Place::new(&taken).await;
    let (health, _recorder) = place.process();
    let tasks = Tasks::new(Clock::system());
    follow(health.clone(), place.database.clone(), &tasks, Clock::system());
    health.enter(&abroad()).unwrap().failed(&lost(Cause::Tls, "its certificate is not trusted"), KEY);
    assert!(requests.recv().await.unwrap().contains(r#""cause":"tls""#));
    while told(&place).await == 0 {
        tokio::task::yield_now().await;
    }
    let (row, _) = begin(&place.database, &by_operator("destination:abroad")).await.unwrap();
    assert_eq!(told(&place).await, 0);
    super::told(&place.database, row, Cause::Tls).await.unwrap();
    assert_eq!(told(&place).await, 0, "that was of the lesser");
    health.take_away(&place.database).await.unwrap();
    let request = requests.recv().await.unwrap();
    assert!(request.contains(r#""by":"uid 7""#) && request.contains("a letter came"), "{request}");
    while told(&place).await == 0 {
        tokio::task::yield_now().await;
    }
    tasks.end(std::time::Duration::from_secs(10)).await;
}

/// A webhook that takes all: the configuration that names it, and what it was sent.
#[expect(clippy::disallowed_methods, reason = "a test may start a task")]
async fn receiver() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, requests) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            while !request.ends_with('}') {
                let mut bytes = [0; 4096];
                let read = stream.read(&mut bytes).await.unwrap();
                request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            let _ = send.send(request);
        }
    });
    (format!("[availability]\nwebhook = \"http://127.0.0.1:{port}/\"\n"), requests)
}

/// Beside a server that writes, a command's transaction is not refused for what was read before.
#[tokio::test]
async fn many_withdraw_at_once_and_none_is_refused() {
    let place = Place::new("").await;
    let other = Database::open(&place.folder.path().join("gwanmun.db")).await.unwrap();
    let withdrawals: Vec<Withdrawal> = (0..60).map(|n| by_operator(&format!("destination:d{n}"))).collect();
    let databases = [&place.database, &other];
    let begun = withdrawals.iter().enumerate().map(|(n, it)| begin(databases[n % 2], it));
    for begun in futures_util::future::join_all(begun).await {
        assert!(begun.unwrap().1);
    }
    assert_eq!(in_force(&other).await.unwrap().len(), 60);
}

/// A withdrawal that was stored after the table was read is not taken for one that has ended.
#[tokio::test]
async fn what_begins_while_the_log_is_written_is_not_let_back() {
    let place = Place::new("").await;
    let (health, _recorder) = place.process();
    let read_before = health.take_away(&place.database).await.unwrap();
    health.enter(&abroad()).unwrap().failed(&shut(), KEY);
    let tasks = Tasks::new(Clock::system());
    follow(health.clone(), place.database.clone(), &tasks, Clock::system());
    tasks.drain();
    tasks.ended().await;
    health.let_back(&read_before);
    assert!(matches!(health.state(&abroad()), State::Withdrawn { .. }));
}

#[tokio::test]
async fn a_notice_takes_effect_on_its_day_and_once() {
    let notice = |day: &str| {
        format!(
            "[[destination]]\nname = \"abroad\"\nbase_url = \"http://127.0.0.1:9\"\nmodels = [\"m\"]\n\
             [[notice]]\nsubject = \"destination:abroad\"\nfrom = \"{day}\"\nwhy = \"announced on 1 May\"\n"
        )
    };
    let place = Place::new(&notice("2026-11-22")).await;
    let (health, recorder) = place.process();
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(health.state(&abroad()), State::Ready, "the day has not come");
    drop(recorder);

    let place = Place { config: Config::parse(&notice("2026-11-21"), "test.toml").unwrap().live(), ..place };
    let (health, recorder) = place.process();
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert!(matches!(health.state(&abroad()), State::Withdrawn { cause: Cause::Notice, .. }), "before any task runs");
    let tasks = Tasks::new(Clock::system());
    follow(health.clone(), place.database.clone(), &tasks, Clock::system());
    tasks.drain();
    tasks.ended().await;
    assert_eq!(&*place.end("destination:abroad").await.unwrap().why, "announced on 1 May");
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(health.state(&abroad()), State::Ready);
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(health.state(&abroad()), State::Ready, "what an operator has ended stays so");
}

#[tokio::test]
async fn a_notice_that_an_operator_took_over_has_taken_effect() {
    let config = "[[destination]]\nname = \"abroad\"\nbase_url = \"http://127.0.0.1:9\"\nmodels = [\"m\"]\n\
                  [[notice]]\nsubject = \"destination:abroad\"\nfrom = \"2026-11-21\"\nwhy = \"announced\"\n";
    let place = Place::new(config).await;
    let (health, recorder) = place.process();
    take_in(&place.keys, &health, &recorder).await.unwrap();
    health.settle(&place.database).await.unwrap();
    begin(&place.database, &by_operator("destination:abroad")).await.unwrap();
    take_in(&place.keys, &health, &recorder).await.unwrap();
    assert_eq!(causes(&place, &health).await, (vec!["operator"], vec!["operator"]));
    place.end("destination:abroad").await.unwrap();
    for _ in 0..2 {
        take_in(&place.keys, &health, &recorder).await.unwrap();
        assert_eq!(health.state(&abroad()), State::Ready, "it is not withdrawn again by the same notice");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_and_not_passed_over() {
    let place = Place::new("").await;
    begin(&place.database, &by_operator("destination:abroad")).await.unwrap();
    sqlx::query("UPDATE withdrawals SET cause = 'moon'").execute(place.database.pool()).await.unwrap();
    let error = in_force(&place.database).await.unwrap_err();
    assert!(error.to_string().contains("a cause that is not known"), "{error}");
}
