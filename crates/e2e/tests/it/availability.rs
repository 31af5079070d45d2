//! Promises 17 and 18: a withdrawal is told from an outage in seconds, an outage heals without a stampede, a withdrawal returns only
//! when approved; and an outage is never amplified. What counts is what the provider heard.

#![expect(clippy::disallowed_methods, reason = "promises of so many a second are held against the clock")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use e2e::client::Answer;
use e2e::harness::{Setup, TestGateway};
use e2e::place::Place;
use e2e::wall::{Fault, Heard, Role, Turn};
use gateway::availability::store::{self, Return};
use gateway::clock::Clock;
use local_model::scripted::Script;
use serde_json::{Value, json};

use crate::views::asking;

/// Requests after a place has fallen sick: one in a hundred may touch it.
const REQUESTS: usize = 300;
/// Before it is known: three failures.
const BEFORE: usize = 3;

/// Two providers, the one abroad asked first; each waits at most a second for anything.
fn setup() -> Setup {
    let limits = "connect_seconds_max = 1\nfirst_byte_seconds_max = 1\nidle_seconds_max = 1\n";
    Setup::local(Script::new()).configured(
        &format!(
            "[policy]\nuse = \"open\"\n\
             [[destination]]\nname = \"foreign\"\nbase_url = \"{{foreign}}\"\nmodels = [\"far\"]\n{limits}\
             [[destination]]\nname = \"national\"\nbase_url = \"{{national}}\"\nmodels = [\"near\"]\n{limits}\
             [[route]]\nmodel = \"chain\"\ndestinations = [\"foreign/far\", \"national/near\", \"local\"]\n"
        ),
        "",
    )
}

/// How often a model was asked.
fn asked(heard: &Heard, model: &str) -> usize {
    heard.requests().filter(|request| request.model() == model).count()
}

async fn ask(gateway: &TestGateway, times: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    for _ in 0..times {
        answers.push(gateway.client.chat(&asking("chain", "hello")).await);
    }
    answers
}

/// Asks until it is answered from there; after how long.
async fn until_answered_by(gateway: &TestGateway, destination: &str) -> Duration {
    let since = Instant::now();
    loop {
        let answer = gateway.client.chat(&asking("chain", "hello")).await;
        if answer.header("x-gwanmun-destination") == destination {
            return since.elapsed();
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{answer}");
    }
}

/// The place abroad is well, then as `sick` says. All requests are answered; how often it was touched meanwhile.
async fn touched_while(gateway: &TestGateway, sick: Turn) -> usize {
    for answer in ask(gateway, 3).await {
        assert_eq!((answer.status, answer.header("x-gwanmun-destination")), (200, "foreign/far"), "{answer}");
    }
    let before = asked(&gateway.wall.heard(), "far");
    gateway.wall.turn("far", sick);
    for answer in ask(gateway, REQUESTS).await {
        assert!(answer.claims_to_be_complete(), "{answer}");
        assert_eq!(answer.header("x-gwanmun-destination"), "national/near", "{answer}");
    }
    asked(&gateway.wall.heard(), "far") - before
}

const REGION: &str = r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}}"#;
const RETIRED: &str = r#"{"error":{"code":"model_not_found","message":"The model `far` has been deprecated"}}"#;
const KEY: &str = r#"{"error":{"code":"invalid_api_key","message":"Incorrect API key provided"}}"#;

#[tokio::test]
async fn outages_are_left_alone_and_heal_by_themselves() {
    let sick = [Turn::Reset, Turn::Fault(Fault::Hang), Turn::Says(500, "{}"), Turn::Says(503, "{}")];
    for sick in sick {
        let gateway = setup().start().await;
        let since = Instant::now();
        let touched = touched_while(&gateway, sick).await;
        // A second for each of the first that hang, and one try after each rest: on a slow machine there are more of them.
        let rests = usize::try_from(since.elapsed().as_secs() / 4).unwrap();
        assert!(touched <= BEFORE + REQUESTS / 100 + rests, "{sick:?}: {touched} of {REQUESTS}");
        gateway.wall.turn("far", Turn::Fault(Fault::None));
        let healed = until_answered_by(&gateway, "foreign/far").await;
        assert!(healed < Duration::from_secs(10), "{sick:?}: {healed:?}");
        let log = gateway.end().await;
        assert_eq!(administration(&log), Vec::<String>::new(), "an outage is no withdrawal");
    }
}

fn administration(log: &e2e::entries::Entries) -> Vec<String> {
    let told = |entry: &Value| format!("{} {}", entry["action"].as_str().unwrap(), entry["subject"].as_str().unwrap());
    log.of("administration").map(told).collect()
}

#[tokio::test]
async fn withdrawals_are_kept_over_a_restart_and_return_only_when_approved() {
    let cases = [
        (Turn::Says(403, REGION), 1, "destination:foreign", "region"),
        (Turn::Says(404, RETIRED), 1, "foreign/far", "model"),
        (Turn::Says(401, KEY), 3, "destination:foreign", "credentials"),
    ];
    for (sick, signs, subject, cause) in cases {
        let gateway = setup().start().await;
        let touched = touched_while(&gateway, sick).await;
        assert_eq!(touched, signs, "{sick:?}: no retry, no probe");
        gateway.wall.turn("far", Turn::Fault(Fault::None));
        ask(&gateway, 20).await;
        assert_eq!(
            asked(&gateway.wall.heard(), "far"),
            3 + signs,
            "{sick:?}: it is well again, and nobody has said so"
        );
        written(&gateway, 1).await;
        let (_, place) = gateway.leave().await;
        returns_when_approved(place, subject, cause).await;
    }
}

/// Waits until the log holds so many entries of administration.
async fn written(gateway: &TestGateway, wanted: usize) {
    let since = Instant::now();
    while gateway.log().of("administration").count() < wanted {
        assert!(since.elapsed() < Duration::from_secs(10), "{}", gateway.log());
        tokio::task::yield_now().await;
    }
}

async fn returns_when_approved(place: Place, subject: &str, cause: &str) {
    let gateway = setup().at(place).start().await;
    let answers = ask(&gateway, 20).await;
    assert!(answers.iter().all(|answer| answer.header("x-gwanmun-destination") == "national/near"));
    assert_eq!(asked(&gateway.wall.heard(), "far"), 0, "from the first request on");
    let named = subject.parse().unwrap();
    let now = Clock::system().wall();
    let ended = store::end(&gateway.database, &named, ("uid 7", "mended"), Return::Approved, now).await.unwrap();
    assert_eq!(ended.unwrap().cause.word(), cause);
    assert!(until_answered_by(&gateway, "foreign/far").await < Duration::from_secs(5));
    let log = gateway.end().await;
    let told = ["withdrawal.begin", "approval.give", "withdrawal.end"].map(|action| format!("{action} {subject}"));
    assert_eq!(administration(&log), told);
    let begun = log.of("administration").next().unwrap();
    assert_eq!((&begun["by"], &begun["detail"]["cause"]), (&json!("gateway"), &json!(cause)));
}

/// Forty routes of three places each, all of them down: without a budget every request would be sent three times.
#[tokio::test]
async fn a_full_outage_is_not_amplified() {
    const ROUTES: usize = 40;
    let models = |role: &str| (0..ROUTES).map(|n| format!("\"{role}-{n}\"")).collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "[policy]\nuse = \"open\"\n\
         [[destination]]\nname = \"foreign\"\nbase_url = \"{{foreign}}\"\nmodels = [{}, {}]\n\
         [[destination]]\nname = \"national\"\nbase_url = \"{{national}}\"\nmodels = [{}]\n",
        models("a"),
        models("b"),
        models("c")
    );
    for n in 0..ROUTES {
        let _ = write!(
            text,
            "[[route]]\nmodel = \"chain-{n}\"\ndestinations = [\"foreign/a-{n}\", \"foreign/b-{n}\", \"national/c-{n}\"]\n"
        );
    }
    let gateway = Setup::empty().configured(&text, "").start().await;
    for n in 0..ROUTES {
        for role in ["a", "b", "c"] {
            gateway.wall.turn(&format!("{role}-{n}"), Turn::Says(500, "{}"));
        }
    }
    let since = Instant::now();
    let mut requests = 0;
    for _ in 0..3 {
        for n in 0..ROUTES {
            requests += 1;
            let answer = gateway.client.chat(&asking(&format!("chain-{n}"), "hello")).await;
            assert!(answer.status >= 500, "{answer}");
        }
    }
    let attempts = gateway.wall.heard().requests().count();
    // A fifth of the requests, and ten a second, of which the first ten are there from the beginning. The budget keeps to that over
    // any stretch of time, so a machine that is slow is allowed more, and not one too much.
    let allowed = requests + requests / 5 + 10 + usize::try_from(since.elapsed().as_millis() / 100).unwrap();
    assert!(attempts <= allowed, "{attempts} for {requests}, allowed {allowed}");
    assert!(attempts > requests / 2, "{attempts}: nothing was tried");
    gateway.end().await;
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    for status in [429, 503] {
        let gateway = setup().start().await;
        gateway.wall.turn("far", Turn::Fault(Fault::Status(status)));
        ask(&gateway, 50).await;
        assert_eq!(asked(&gateway.wall.heard(), "far"), 1, "{status}: it asked for seven seconds");
        gateway.end().await;
    }
}

/// What a request asks for is its own: neither is it asked again, nor of another, nor is anything counted.
#[tokio::test]
async fn what_is_the_requests_own_fault_is_tried_once() {
    let filtered = r#"{"error":{"code":"content_filter","message":"The prompt was filtered"}}"#;
    for sick in [
        Turn::Says(400, "{}"),
        Turn::Says(422, "{}"),
        Turn::Says(413, "{}"),
        Turn::Says(400, filtered),
        Turn::Says(403, filtered),
    ] {
        let gateway = setup().start().await;
        gateway.wall.turn("far", sick);
        let answers = ask(&gateway, 5).await;
        assert!(answers.iter().all(|answer| (400..500).contains(&answer.status)), "{sick:?}: {}", answers[0]);
        let heard = gateway.wall.heard();
        assert_eq!((asked(&heard, "far"), asked(&heard, "near")), (5, 0), "{sick:?}");
        assert_eq!(heard.of(Role::National).count(), 0);
        gateway.end().await;
    }
}
