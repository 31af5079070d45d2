//! Over real sockets: what a withdrawn place hears, and when it returns.

#![expect(clippy::disallowed_methods, reason = "a test may make a file")]

use super::look;
use crate::{
    availability::{Availability, Cause, State, Withdrawal, store},
    clock::Clock,
    database::Database,
    tasks::Tasks,
    tests::rig::{Act, FakeRemote, Rig},
};

async fn database(folder: &tempfile::TempDir) -> Database {
    let path = folder.path().join("gwanmun.db");
    std::fs::write(&path, b"").unwrap();
    Database::open(&path).await.unwrap()
}

/// A place that is withdrawn for `cause`, and answers as `acts` say; whether it returns, and what it heard.
async fn returns(cause: Cause, subject: &str, allowed: &str, acts: Vec<Act>) -> (bool, Vec<String>) {
    returns_unless(None, (cause, subject), allowed, acts).await
}

/// The same, where another cause has taken over meanwhile, of which this process knows nothing yet.
async fn returns_unless(
    taken_over: Option<Cause>,
    (cause, subject): (Cause, &str),
    allowed: &str,
    acts: Vec<Act>,
) -> (bool, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let database = database(&folder).await;
    let tasks = Tasks::new(Clock::system());
    let remote = FakeRemote::new(&tasks, acts).await;
    let config = format!("[availability]\nautomatic_return = [{allowed}]\n{}", remote.config("open"));
    let rig = Rig::new(None, &config);
    let withdrawal = Withdrawal {
        subject: subject.parse().unwrap(),
        cause,
        since: "2026-11-21T10:00:00Z".parse().unwrap(),
        by: "gateway".into(),
        why: "a test".into(),
        notice: None,
    };
    store::begin(&database, &withdrawal).await.unwrap();
    let health: &Availability = rig.app.availability();
    health.take_away(&database).await.unwrap();
    if let Some(cause) = taken_over {
        assert!(store::begin(&database, &Withdrawal { cause, ..withdrawal }).await.unwrap().1);
    }
    look(&rig.app, &database).await.unwrap();
    let rows = store::rows(&database).await.unwrap();
    health.let_back(&rows);
    let force = rig.app.in_force();
    let place = force.judgement.judge().destinations().iter().find(|place| !place.local).unwrap().clone();
    (health.state(&place) == State::Ready, remote.heard())
}

fn answer(status: &str, body: &str) -> Act {
    let length = body.len();
    Act::Send(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

const MODELS: &str = r#"{"object":"list","data":[{"id":"far-upstream","object":"model"}]}"#;

#[tokio::test]
async fn a_named_cause_that_is_gone_lets_the_place_back_by_a_request_without_data() {
    let cases = [
        (Cause::Credentials, "destination:abroad", answer("200 OK", MODELS), true),
        (Cause::Credentials, "destination:abroad", answer("401 No", "{}"), false),
        (Cause::Model, "abroad/far", answer("200 OK", MODELS), true),
        (Cause::Model, "abroad/far", answer("200 OK", r#"{"data":[{"id":"another"}]}"#), false),
        (Cause::Tls, "destination:abroad", answer("401 No", "{}"), true),
        (Cause::Tls, "destination:abroad", Act::Send(String::new()), false),
    ];
    for (cause, subject, act, back) in cases {
        let (returned, heard) = returns(cause, subject, &format!("\"{}\"", cause.word()), vec![act]).await;
        assert_eq!(returned, back, "{}", cause.word());
        assert_eq!(heard.len(), 1);
        assert!(heard[0].starts_with("GET /v1/models HTTP/1.1\r\n") && heard[0].ends_with("\r\n\r\n"), "{}", heard[0]);
    }
}

#[tokio::test]
async fn no_other_cause_is_looked_into() {
    let (returned, heard) =
        returns(Cause::Region, "destination:abroad", "\"tls\", \"name\"", vec![answer("200 OK", MODELS)]).await;
    assert!(!returned && heard.is_empty(), "{heard:?}");
}

#[tokio::test]
async fn what_an_operator_took_over_does_not_return_by_itself() {
    let place = (Cause::Tls, "destination:abroad");
    let (returned, heard) =
        returns_unless(Some(Cause::Operator), place, "\"tls\"", vec![answer("200 OK", MODELS)]).await;
    assert_eq!((returned, heard.len()), (false, 1));
}
