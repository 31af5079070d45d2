//! Hedging, by what the providers heard: a second place is asked when the first keeps silent, only one of the same jurisdictions, within
//! the retry budget; who speaks first answers and the other's connection is closed; the log and the metrics count it.

#![expect(
    clippy::disallowed_methods,
    reason = "how long a caller waits and how soon a connection closes is held against the clock"
)]

use std::time::{Duration, Instant};

use e2e::client::Answer;
use e2e::entries::Entries;
use e2e::harness::{Setup, TestGateway};
use e2e::wall::{Connection, End, Fault, Turn};
use serde_json::{Value, json};

use crate::views::{asking, streaming};

/// A provider that is left must see it within that time (promise 22).
const LEFT_WITHIN: Duration = Duration::from_millis(500);

/// Two providers wholly in Korea, one wholly abroad, and one of which nothing is known.
const FACTS: &str = r#"
[source.test]
document = "made for a test"
date = 2026-11-22
[organisation.lab-kr]
name = "Lab"
seat = { value = "KR", source = "test" }
parent = { value = "none", source = "test" }
[organisation.lab-us]
name = "Lab abroad"
seat = { value = "US", source = "test" }
parent = { value = "none", source = "test" }
[provider.kr]
name = "In Korea"
operator = { value = "lab-kr", source = "test" }
cloud = { value = "own", source = "test" }
sub_processors = { value = [], source = "test" }
[provider.kr.region.seoul]
processed_in = { value = ["KR"], source = "test" }
[provider.us]
name = "Abroad"
operator = { value = "lab-us", source = "test" }
cloud = { value = "own", source = "test" }
sub_processors = { value = [], source = "test" }
[provider.us.region.east]
processed_in = { value = ["US"], source = "test" }
[provider.us.region.seoul]
processed_in = { value = ["KR"], source = "test" }
"#;

/// A route over these places that hedges after 100 ms: `kr/…` and `kr2/…` are alike in both jurisdictions, `us/…` differs in both,
/// `cloud/…` in whose law reaches it, of `who/…` nothing is known.
fn setup(destinations: &str) -> Setup {
    impatient(destinations, 60)
}

/// The same; `kr` has so many seconds to begin.
fn impatient(destinations: &str, seconds: u64) -> Setup {
    let place = |name: &str, at: &str, more: &str| {
        format!("[[destination]]\nname = \"{name}\"\nbase_url = \"{{{at}}}\"\nmodels = [\"m-{name}\"]\n{more}\n")
    };
    let text = [
        "[policy]\nuse = \"open\"\nhome = \"KR\"\ncatalog = \"catalog\"\n".to_owned(),
        place("kr", "national", &format!("provider = \"kr\"\nregion = \"seoul\"\nfirst_byte_seconds_max = {seconds}")),
        place("kr2", "national", "provider = \"kr\"\nregion = \"seoul\""),
        place("us", "foreign", "provider = \"us\"\nregion = \"east\""),
        place("cloud", "foreign", "provider = \"us\"\nregion = \"seoul\""),
        place("who", "foreign", ""),
        place("who2", "foreign", ""),
        format!("[[route]]\nmodel = \"chain\"\ndestinations = [{destinations}]\nhedge_after_ms = 100\n"),
    ];
    Setup::empty().configured(&text.concat(), FACTS)
}

fn turned(gateway: &TestGateway, model: &str, fault: Fault) {
    gateway.wall.turn(model, Turn::Fault(fault));
}

fn asked(gateway: &TestGateway, model: &str) -> usize {
    gateway.wall.heard().requests().filter(|request| request.model() == model).count()
}

fn is_to(connection: &Connection, model: &str) -> bool {
    connection.requests.iter().any(|request| request.model() == model)
}

async fn ask(gateway: &TestGateway) -> Answer {
    let answer = gateway.client.chat(&streaming("chain", "hello")).await;
    assert!(answer.claims_to_be_complete(), "{answer}");
    answer
}

/// Number, destination and reason of each further attempt; attempts and destination of each outcome.
fn told(log: &Entries) -> (Vec<Value>, Vec<Value>) {
    let attempts = log.of("attempt").map(|it| json!([it["number"], it["destination"], it["reason"]]));
    let outcomes = log.of("outcome").map(|it| json!([it["attempts"], it["destination"], it["ending"]]));
    (attempts.collect(), outcomes.collect())
}

#[tokio::test]
async fn a_second_is_asked_when_the_first_keeps_silent_and_the_first_is_left() {
    let gateway = setup("\"kr/m-kr\", \"kr2/m-kr2\"").start().await;
    turned(&gateway, "m-kr", Fault::Hang);
    let answer = ask(&gateway).await;
    let answered = Instant::now();
    assert_eq!(answer.header("x-gwanmun-destination"), "kr2/m-kr2", "{answer}");
    let heard =
        gateway.wall.until(|heard| heard.0.iter().any(|it| is_to(it, "m-kr") && it.end == Some(End::Theirs))).await;
    assert!(answered.elapsed() < LEFT_WITHIN, "{:?} until the first was left", answered.elapsed());
    assert_eq!(heard.requests().count(), 2, "{heard}");
    assert!(heard.requests().all(|request| request.json()["messages"][0]["content"] == "hello"), "{heard}");
    let counted = gateway.metric("gwanmun_destination_hedges_total{destination=\"kr2\",model=\"m-kr2\"}").await;
    assert!((counted - 1.0).abs() < f64::EPSILON, "{counted}");
    let sent = gateway.metric("gwanmun_destination_attempts_total{destination=\"kr2\",model=\"m-kr2\"}").await;
    assert!((sent - 1.0).abs() < f64::EPSILON, "{sent}");
    let (attempts, outcomes) = told(&gateway.end().await);
    assert_eq!(attempts, [json!([2, "kr2/m-kr2", "hedged: no first byte"])]);
    assert_eq!(outcomes, [json!([2, "kr2/m-kr2", "answered"])]);
}

#[tokio::test]
async fn a_first_that_speaks_after_all_answers_and_the_second_is_left() {
    let gateway = setup("\"kr/m-kr\", \"kr2/m-kr2\"").start().await;
    turned(&gateway, "m-kr", Fault::Late(600));
    turned(&gateway, "m-kr2", Fault::Hang);
    let answer = ask(&gateway).await;
    assert_eq!(answer.header("x-gwanmun-destination"), "kr/m-kr", "{answer}");
    let answered = Instant::now();
    gateway.wall.until(|heard| heard.0.iter().any(|it| is_to(it, "m-kr2") && it.end == Some(End::Theirs))).await;
    assert!(answered.elapsed() < LEFT_WITHIN, "{:?} until the second was left", answered.elapsed());
    let (attempts, outcomes) = told(&gateway.end().await);
    assert_eq!(attempts, [json!([2, "kr2/m-kr2", "hedged: no first byte"])]);
    assert_eq!(outcomes, [json!([2, "kr/m-kr", "answered"])]);
}

/// Neither a failure of the second nor one of the first is seen while the other may still answer.
#[tokio::test]
async fn where_one_of_two_fails_the_other_answers() {
    for (first, second, answers) in
        [(Fault::Late(600), Fault::Status(500), "kr/m-kr"), (Fault::HoldAfter(0), Fault::Late(300), "kr2/m-kr2")]
    {
        let gateway = setup("\"kr/m-kr\", \"kr2/m-kr2\"").start().await;
        turned(&gateway, "m-kr", first);
        turned(&gateway, "m-kr2", second);
        let answer = ask(&gateway).await;
        assert_eq!(answer.header("x-gwanmun-destination"), answers, "{first:?}, {second:?}: {answer}");
        assert_eq!((asked(&gateway, "m-kr"), asked(&gateway, "m-kr2")), (1, 1), "{first:?}, {second:?}");
        gateway.end().await;
    }
}

/// However long the first keeps silent: nobody is asked beside it who is elsewhere, under another law, or of whom that is not known.
#[tokio::test]
async fn only_within_one_jurisdiction() {
    for (first, other) in [("kr", "us"), ("kr", "cloud"), ("us", "cloud"), ("who", "kr"), ("who", "who2")] {
        let gateway = setup(&format!("\"{first}/m-{first}\", \"{other}/m-{other}\"")).start().await;
        turned(&gateway, &format!("m-{first}"), Fault::Late(700));
        let answer = ask(&gateway).await;
        assert_eq!(answer.header("x-gwanmun-destination"), format!("{first}/m-{first}"), "{answer}");
        assert_eq!(asked(&gateway, &format!("m-{other}")), 0, "{other} heard what was meant for {first}");
        let (attempts, outcomes) = told(&gateway.end().await);
        assert_eq!((attempts.len(), &outcomes[0][0]), (0, &json!(1)), "{first}, {other}");
    }
}

/// An answer that is not streamed says nothing before it is whole; one that begins in time needs no second.
#[tokio::test]
async fn nobody_is_asked_without_need() {
    let gateway = setup("\"kr/m-kr\", \"kr2/m-kr2\"").start().await;
    ask(&gateway).await;
    turned(&gateway, "m-kr", Fault::Late(500));
    let whole = gateway.client.chat(&asking("chain", "hello")).await;
    assert!(whole.claims_to_be_complete(), "{whole}");
    assert_eq!((asked(&gateway, "m-kr"), asked(&gateway, "m-kr2")), (2, 0));
    gateway.end().await;
}

/// A hedge is a second attempt: when a whole provider has become slow, a fifth of the requests and ten a second are sent twice, not all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hedges_are_within_the_retry_budget() {
    const CALLERS: usize = 60;
    let gateway = setup("\"kr/m-kr\", \"kr2/m-kr2\"").start().await;
    turned(&gateway, "m-kr", Fault::Late(900));
    turned(&gateway, "m-kr2", Fault::Late(900));
    let since = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let client = gateway.client.clone();
        callers.spawn(async move { client.chat(&streaming("chain", "hello")).await });
    }
    for answer in callers.join_all().await {
        assert!(answer.claims_to_be_complete(), "{answer}");
    }
    let allowed = CALLERS / 5 + 10 + usize::try_from(since.elapsed().as_millis() / 100).unwrap();
    let twice = asked(&gateway, "m-kr2");
    assert!(twice > 5 && twice <= allowed, "{twice} of {CALLERS} were sent twice, allowed are {allowed}");
    assert_eq!(asked(&gateway, "m-kr"), CALLERS);
    let (attempts, _) = told(&gateway.end().await);
    assert_eq!(attempts.len(), twice, "the log knows each");
}
