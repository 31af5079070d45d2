//! Streams never lie: whatever a provider does in the middle of one, the caller gets one whole answer or an honest error; what is
//! joined of two answers is the one text, to the letter. Each case shows the answer, what the providers heard, what the log says.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use e2e::client::{Answer, Client};
use e2e::entries::Entries;
use e2e::harness::{Setup, TestGateway};
use e2e::wall::{ANSWER, Fault, Heard, LONG, Role, Turn, stream_events};
use local_model::scripted::Script;
use serde_json::{Value, json};

use crate::views::{streaming, with};

/// A chain of one provider's model, a second provider's, and others as they are named.
fn configured(first: &str, then: &str, more: &str) -> String {
    let limits = "first_byte_seconds_max = 2\nidle_seconds_max = 1\n";
    let mut text = "[policy]\nuse = \"open\"\n".to_owned();
    for (name, model) in [("national", first), ("foreign", then)] {
        write!(text, "[[destination]]\nname = \"{name}\"\nbase_url = \"{{{name}}}\"\nmodels = [\"{model}\"]\n{limits}")
            .unwrap();
    }
    let chain = if then.is_empty() { String::new() } else { format!(", \"foreign/{then}\"") };
    text = text.replace("models = [\"\"]", "models = [\"none\"]");
    text + &format!("[[route]]\nmodel = \"chain\"\ndestinations = [\"national/{first}\"{chain}{more}]\n")
}

async fn gateway(first: &str, then: &str) -> TestGateway {
    Setup::local(Script::new().answer("river", LONG)).configured(&configured(first, then, ""), "").start().await
}

/// Bytes of the stream on the wire up to the end of so many of its events.
fn bytes_until(model: &str, events: usize) -> usize {
    let events = stream_events(Fault::None, &streaming(model, "?")).into_iter().take(events);
    events.map(|event| event.len() + format!("{:x}", event.len()).len() + 4).sum()
}

/// The long answer, broken off in that way after so many of its events.
pub(crate) fn broken(how: &str, events: usize) -> String {
    let numbered = |digits: usize| format!("long--fault-{how}-at-{}", "9".repeat(digits));
    // The model's name stands in every event: its length is of the final number's.
    let digits = bytes_until(&numbered(5), events).to_string().len();
    let bytes = bytes_until(&numbered(digits), events);
    format!("long--fault-{how}-at-{bytes}")
}

fn splicing(gateway: &TestGateway) -> Client {
    gateway.client.saying("x-gwanmun-continuity", "splice")
}

fn models(heard: &Heard, role: Role) -> Vec<String> {
    heard.of(role).flat_map(|connection| &connection.requests).map(e2e::wall::Request::model).collect()
}

/// What an answer tells beside its text: the event with `gwanmun` in it.
fn told(answer: &Answer) -> Value {
    let mut events = answer.events().into_iter().filter_map(|event| serde_json::from_str::<Value>(&event).ok());
    events.rfind(|event| event["gwanmun"].is_object()).unwrap_or_default()
}

/// An explicit error, and neither finish nor end marker; what came is a beginning of the truth.
fn is_honest_error(answer: &Answer, truth: &str) {
    assert!(truth.starts_with(&answer.said(0)), "{answer}");
    assert!(!answer.claims_to_be_complete() && !answer.text().contains("[DONE]"), "{answer}");
    assert!(!answer.text().contains("\"finish_reason\":\""), "{answer}");
    let error = if answer.events().is_empty() { answer.json() } else { told(answer) };
    assert!(error["error"]["code"].is_string() && error["error"]["message"].is_string(), "{answer}");
    if answer.status == 200 {
        assert_eq!(error["gwanmun"]["given_characters"], answer.said(0).chars().count(), "{answer}");
        assert!(error["gwanmun"]["to_go_on"].is_string(), "{answer}");
    }
}

/// How a scenario ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// The first provider's answer, whole.
    First,
    /// The second's answer, whole, and nothing of the first's.
    Switched,
    /// The first's beginning and the second's end: where that is not wished, an error.
    Joined,
    /// An error, also where joining is wished.
    Error,
}

/// The sixteen scenarios: what the first provider does, what the second is, how it ends.
fn scenarios() -> Vec<(&'static str, String, &'static str, Value, Ends)> {
    let plain = json!({});
    let usage = json!({"stream_options": {"include_usage": true}});
    let tools = json!({"tools": [{"type": "function", "function": {"name": "weather"}}]});
    let tool_cut = broken("cut", 5).replace("long--", "tool--");
    let of = |name: &str| name.to_owned();
    vec![
        ("error before the first token", of("fault-500"), "goes-on", plain.clone(), Ends::Switched),
        ("429 with Retry-After", of("fault-429"), "goes-on", plain.clone(), Ends::Switched),
        ("hang before the first byte", of("hang"), "goes-on", plain.clone(), Ends::Switched),
        ("cut mid-stream", broken("cut", 30), "goes-on", plain.clone(), Ends::Joined),
        ("stall mid-stream", broken("stall", 30), "goes-on", plain.clone(), Ends::Joined),
        ("malformed event", of("long--fault-malformed"), "goes-on", plain.clone(), Ends::Error),
        ("error in band", of("long--fault-error-inside"), "goes-on", plain.clone(), Ends::Error),
        ("empty answer", of("fault-empty"), "goes-on", plain.clone(), Ends::Switched),
        ("another content type", of("fault-kind"), "goes-on", plain.clone(), Ends::Switched),
        ("reset mid-stream", broken("rst", 30), "goes-on", plain.clone(), Ends::Joined),
        ("slow drip", of("fault-one-byte"), "goes-on", plain.clone(), Ends::First),
        ("no end marker but a finish", of("long--fault-no-done"), "goes-on", plain.clone(), Ends::First),
        ("content filter", of("long--fault-filter"), "goes-on", plain.clone(), Ends::First),
        ("cut inside a tool call", tool_cut, "goes-on", tools, Ends::Error),
        ("cut, and the next refuses prefill", broken("cut", 40), "goes-on-no-prefill", plain, Ends::Joined),
        ("usage of two", broken("cut", 50), "goes-on", usage, Ends::Joined),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_ways_to_fail() {
    let each = scenarios().into_iter().flat_map(|scenario| [(scenario.clone(), false), (scenario, true)]);
    let each: Vec<_> = each.collect();
    assert_eq!(each.len(), 32);
    for some in each.chunks(4) {
        let mut running = tokio::task::JoinSet::new();
        for ((name, first, second, more, ends), splices) in some.iter().cloned() {
            running.spawn(async move { scenario(name, &first, second, &more, ends, splices).await });
        }
        running.join_all().await;
    }
}

async fn scenario(name: &str, first: &str, second: &str, more: &Value, ends: Ends, splices: bool) {
    let gateway = gateway(first, second).await;
    let client = if splices { splicing(&gateway) } else { gateway.client.clone() };
    let answer = client.chat(&with(streaming("chain", "Tell me of the river."), more)).await;
    let heard = gateway.wall.heard();
    let log = gateway.end().await;
    let case = format!("{name}, splice {splices}: {answer}\n{heard}\n{log}");
    let (outcome, attempts) = (log.of("outcome").next().unwrap().clone(), log.of("attempt").count());
    let asked = models(&heard, Role::Foreign);
    match (ends, splices) {
        (Ends::First, _) => {
            assert!(answer.claims_to_be_complete(), "{case}");
            let filtered = first.ends_with("filter");
            let truth = if first.starts_with("long--") { LONG.to_owned() } else { ANSWER.concat() };
            assert!(if filtered { truth.starts_with(&answer.said(0)) } else { answer.said(0) == truth }, "{case}");
            assert_eq!(answer.text().contains("content_filter"), filtered, "{case}");
            assert_eq!((asked.len(), attempts), (0, 0), "{case}");
        }
        (Ends::Switched, _) => {
            assert!(answer.claims_to_be_complete() && answer.said(0) == LONG, "{case}");
            assert_eq!((asked.len(), attempts), (1, 1), "{case}");
            assert!(!heard.contains(b"\"role\":\"assistant\""), "nothing is gone on with: {case}");
            assert_eq!(
                (&outcome["ending"], &outcome["destination"]),
                (&json!("answered"), &json!(format!("foreign/{second}")))
            );
            assert_eq!(outcome["seam_at"], Value::Null, "{case}");
        }
        (Ends::Joined, true) => is_joined(&answer, &heard, &log, second, &case),
        (Ends::Joined, false) | (Ends::Error, _) => {
            let truth = if more["tools"].is_null() { LONG } else { "" };
            is_honest_error(&answer, truth);
            assert_eq!((asked.len(), attempts), (0, 0), "{case}");
            assert_eq!(outcome["ending"], "failed", "{case}");
            if splices {
                let why = told(&answer)["error"]["message"].as_str().unwrap().to_owned();
                assert!(why.contains("no other destination went on with it: "), "{case}");
            }
        }
    }
}

/// Whole, one text, one hand-over; told in the stream, in its last event and in the log; each provider's tokens its own.
fn is_joined(answer: &Answer, heard: &Heard, log: &Entries, second: &str, case: &str) {
    assert!(answer.claims_to_be_complete(), "{case}");
    assert_eq!(answer.said(0), LONG, "{case}");
    let told = told(answer);
    let seam = told["gwanmun"]["seam_at"].as_u64().unwrap();
    assert!(seam > 12 && told["choices"] == json!([]), "{case}");
    assert_eq!(told["gwanmun"]["destinations"][1], format!("foreign/{second}"), "{case}");
    assert!(answer.text().contains(&format!(": gwanmun: foreign/{second} goes on after {seam} characters")), "{case}");
    let events: Vec<Value> = answer.events().iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    assert!(
        events.iter().all(|event| event["id"] == events[0]["id"] && event["model"] == events[0]["model"]),
        "{case}"
    );
    assert_eq!((models(heard, Role::National).len(), models(heard, Role::Foreign).len()), (1, 1), "{case}");
    let asked = heard.of(Role::Foreign).next().unwrap().requests[0].json();
    let messages = asked["messages"].as_array().unwrap();
    assert_eq!(
        messages[messages.len() - 2]["content"].as_str().map(|given| given.chars().count() as u64),
        Some(seam),
        "{case}"
    );
    let (attempt, outcome) = (log.of("attempt").next().unwrap(), log.of("outcome").next().unwrap());
    assert_eq!(log.of("attempt").count(), 1, "{case}");
    assert_eq!((&outcome["ending"], &outcome["seam_at"]), (&json!("answered"), &json!(seam)), "{case}");
    assert_eq!(outcome["destination"], format!("foreign/{second}"), "{case}");
    let given = events
        .iter()
        .filter(|event| event["choices"][0]["delta"]["content"].as_str().is_some_and(|said| !said.is_empty()));
    assert!(attempt["completion_tokens"].as_u64().unwrap() < given.count() as u64, "{case}");
    if let Some(usage) = events.iter().find_map(|event| event["usage"]["completion_tokens"].as_u64()) {
        let billed = attempt["completion_tokens"].as_u64().unwrap() + outcome["completion_tokens"].as_u64().unwrap();
        assert_eq!(usage, billed, "each provider is paid for its own: {case}");
    }
}

/// However the next goes on: the one text, or an error and nothing that could be wrong.
#[tokio::test]
async fn the_next_goes_on_well_or_not_at_all() {
    for (second, joins) in [
        ("goes-on-preamble", true),
        ("goes-on-blanks", true),
        ("goes-on-without", false),
        ("goes-on-anew", false),
        ("goes-on-elsewhere", false),
        ("goes-on-declining", false),
        ("fault-500", false),
        ("tool--goes-on", false),
    ] {
        let gateway = gateway(&broken("cut", 70), second).await;
        let answer = splicing(&gateway).chat(&streaming("chain", "Tell me of the river.")).await;
        let (heard, log) = (gateway.wall.heard(), gateway.end().await);
        let case = format!("{second}: {answer}\n{log}");
        if joins {
            is_joined(&answer, &heard, &log, second, &case);
        } else {
            is_honest_error(&answer, LONG);
            assert_eq!(log.of("outcome").next().unwrap()["ending"], "failed", "{case}");
        }
    }
}

/// What is not plain text is not joined, and the error says why.
#[tokio::test]
async fn what_is_not_plain_text_is_not_joined() {
    for (more, why) in [
        (json!({"seed": 1}), "the request gives a seed"),
        (json!({"logprobs": true}), "the request asks for log-probabilities"),
        (json!({"response_format": {"type": "json_object"}}), "the request asks for structured output"),
        (json!({"reasoning_effort": "low"}), "the request asks for reasoning"),
        (
            json!({"messages": [{"role": "user", "content": "write of it to kim@example.com"}]}),
            "the request was disguised, or its answer is masked",
        ),
    ] {
        let gateway = gateway(&broken("cut", 30), "goes-on").await;
        let answer = splicing(&gateway).chat(&with(streaming("chain", "Tell me of the river."), &more)).await;
        is_honest_error(&answer, LONG);
        assert!(told(&answer)["error"]["message"].as_str().unwrap().ends_with(why), "{answer}");
        assert_eq!(models(&gateway.wall.heard(), Role::Foreign).len(), 0);
        gateway.end().await;
    }
}

/// The floor goes on exactly, without a word repeated; and where it answers as a substitute, the stream says so at its end.
#[tokio::test]
async fn the_floor_goes_on_to_the_letter() {
    for events in [3, 17, 30, 55] {
        let first = broken("cut", events);
        let setup = Setup::local(Script::new().answer("river", LONG));
        let gateway = setup.configured(&configured(&first, "", ", \"local\""), "").start().await;
        let answer = splicing(&gateway).chat(&streaming("chain", "Tell me of the river.")).await;
        let log = gateway.end().await;
        assert!(answer.claims_to_be_complete(), "{answer}");
        assert_eq!(answer.said(0), LONG);
        let told = told(&answer);
        assert_eq!(told["gwanmun"]["destinations"], json!([format!("national/{first}"), "local"]), "{answer}");
        assert_eq!(told["gwanmun"]["degraded"], "local");
        assert_eq!(
            (log.of("attempt").count(), &log.of("outcome").next().unwrap()["destination"]),
            (1, &json!("local"))
        );
    }
    let setup = Setup::local(Script::new().answer("river", LONG));
    let gateway = setup.configured(&configured("fault-500", "", ", \"local\""), "").start().await;
    let answer = gateway.client.chat(&streaming("chain", "Tell me of the river.")).await;
    assert_eq!((answer.said(0).as_str(), answer.header("x-gwanmun-degraded")), (LONG, "local"), "{answer}");
    assert_eq!(told(&answer)["gwanmun"], json!({"destinations": ["local"], "degraded": "local"}), "{answer}");
    gateway.end().await;
}

/// One hand-over a request: where the second breaks off too, nobody goes on, though the floor could to the letter.
#[tokio::test]
async fn no_third_goes_on() {
    let first = broken("cut", 12);
    let setup = Setup::local(Script::new().answer("river", LONG));
    let gateway = setup.configured(&configured(&first, "goes-on", ", \"local\""), "").start().await;
    gateway.wall.turn("goes-on", Turn::Fault(Fault::Stall(bytes_until("goes-on", 60))));
    let answer = splicing(&gateway).chat(&streaming("chain", "Tell me of the river.")).await;
    let (heard, log) = (gateway.wall.heard(), gateway.end().await);
    let case = format!("{answer}\n{heard}\n{log}");
    assert!(answer.text().contains(": gwanmun: foreign/goes-on goes on after "), "the second has gone on: {case}");
    is_honest_error(&answer, LONG);
    assert_eq!((models(&heard, Role::National).len(), models(&heard, Role::Foreign).len()), (1, 1), "{case}");
    let outcome = log.of("outcome").next().unwrap();
    assert_eq!((log.of("attempt").count(), &outcome["ending"]), (1, &json!("failed")), "{case}");
}

/// At home everything may be read; abroad persons must be hidden, though the request names none; and reviews are told in the head.
const HIDES_ABROAD: &str = r#"
@id("home")
permit (principal, action, resource)
when { resource.name == "national" };

@id("abroad")
@edit("mask")
@kinds("person")
permit (principal, action, resource)
when { resource.name == "foreign" };
"#;
const REVIEWED_ABROAD: &str = r#"
@id("home")
permit (principal, action, resource)
when { resource.name == "national" };

@id("abroad")
@review("human")
permit (principal, action, resource)
when { resource.name == "foreign" };
"#;

/// What was answered so far is known to nobody who judged the request: it goes nowhere that something must be hidden from, nor
/// to a place whose terms the caller was not told.
#[tokio::test]
async fn an_answer_goes_on_only_where_nothing_is_hidden_and_no_more_is_demanded() {
    for (policy, goes_on) in [
        (HIDES_ABROAD, false),
        (REVIEWED_ABROAD, false),
        (&HIDES_ABROAD.replace("@edit(\"mask\")\n@kinds(\"person\")\n", ""), true),
    ] {
        let place = e2e::place::Place::new();
        place.write("ours.cedar", policy);
        let text = configured(&broken("cut", 30), "goes-on", "").replace("\"open\"", "\"ours.cedar\"");
        let gateway = Setup::empty().configured(&text, "").at(place).start().await;
        let answer = splicing(&gateway).chat(&streaming("chain", "Tell me of the river.")).await;
        if goes_on {
            assert_eq!(answer.said(0), LONG, "{answer}");
        } else {
            is_honest_error(&answer, LONG);
            assert_eq!(gateway.wall.heard().of(Role::Foreign).count(), 0, "{answer}");
        }
        gateway.end().await;
    }
}

/// Header before key before route.
#[tokio::test]
async fn continuity_is_the_callers_then_the_routes() {
    let first = broken("cut", 30);
    let text = configured(&first, "goes-on", "") + "continuity = \"splice\"\n";
    let gateway = Setup::empty().configured(&text, "").start().await;
    let request = streaming("chain", "Tell me of the river.");
    assert_eq!(gateway.client.chat(&request).await.said(0), LONG);
    is_honest_error(&gateway.client.saying("x-gwanmun-continuity", "error").chat(&request).await, LONG);
    let wrong = gateway.client.saying("x-gwanmun-continuity", "maybe").chat(&request).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["param"]), (400, &json!("x-gwanmun-continuity")), "{wrong}");
    gateway.end().await;
}

/// Of every so many offsets one is tried: a tenth in the quick run, all with `GWANMUN_TEST_OFFSETS=1`.
#[expect(clippy::disallowed_methods, reason = "the whole run says so by its environment")]
fn every() -> usize {
    std::env::var("GWANMUN_TEST_OFFSETS").ok().and_then(|every| every.parse().ok()).unwrap_or(10)
}

/// Offsets of a stream of `model` on the wire.
fn offsets(model: &str) -> impl Iterator<Item = usize> {
    let events = stream_events(Fault::None, &streaming(&format!("{model}--fault-stall-at-1000"), "?")).len();
    (0..=bytes_until(&format!("{model}--fault-stall-at-1000"), events) + 5).step_by(every())
}

/// A stream broken at a byte in every way there is: complete and the truth, or an explicit error and neither finish nor marker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_at_every_byte_it_is_whole_or_an_error() {
    let mut running = tokio::task::JoinSet::new();
    for how in ["cut", "cut-close", "rst", "stall"] {
        running.spawn(async move {
            let all: Vec<String> = offsets("short").map(|at| format!("short--fault-{how}-at-{at}")).collect();
            let some = if how == "stall" { all.iter().step_by(5) } else { all.iter().step_by(1) };
            let mut whole = 0;
            // A gateway of its own for each few: none is to be taken for sick.
            for some in some.collect::<Vec<_>>().chunks(2) {
                let names: Vec<&str> = some.iter().map(|name| name.as_str()).collect();
                let gateway = Setup::empty().remote(Role::National, &names).start().await;
                let (mut complete, truth) = (0, ANSWER.concat());
                for name in names {
                    let answer = gateway.client.chat(&streaming(name, "?")).await;
                    if answer.claims_to_be_complete() {
                        assert_eq!(answer.said(0), truth, "{name}: {answer}");
                        complete += 1;
                    } else {
                        is_honest_error(&answer, &truth);
                    }
                }
                gateway.end().await;
                whole += complete;
            }
            assert!(whole < all.len(), "{how}: {whole}");
        });
    }
    running.join_all().await;
}

/// Tool calls, structured output, thoughts and several answers, cut at every byte where joining is wished and another provider is
/// there: never a whole that is wrong, never gone on with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_be_whole_is_whole_or_an_error() {
    let mut running = tokio::task::JoinSet::new();
    for (kind, more) in [
        ("tool", json!({"tools": [{"type": "function", "function": {"name": "weather"}}]})),
        ("json", json!({"response_format": {"type": "json_object"}})),
        ("think", json!({})),
        ("two", json!({"n": 2})),
    ] {
        running.spawn(async move {
            // Four kinds, each several times as long as the other test's: a fifth of the offsets that it tries.
            for at in offsets(kind).step_by(if every() > 1 { 5 } else { 1 }) {
                let first = format!("{kind}--fault-cut-at-{at}");
                let second = format!("{kind}--goes-on");
                let gateway = gateway(&first, &second).await;
                let answer = splicing(&gateway).chat(&with(streaming("chain", "?"), &more)).await;
                let heard = gateway.wall.heard();
                gateway.end().await;
                assert!(!heard.contains(b"\"role\":\"assistant\",\"content\""), "{first}: gone on with: {heard}");
                is_whole_or_not(kind, &answer, &first);
            }
        });
    }
    running.join_all().await;
}

fn is_whole_or_not(kind: &str, answer: &Answer, case: &str) {
    let events: Vec<Value> = answer.events().iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    let pieces = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str());
    let arguments: String = if kind == "tool" { pieces.collect() } else { answer.said(0) };
    let truth = if kind == "tool" || kind == "json" { e2e::wall::ARGUMENTS.to_owned() } else { ANSWER.concat() };
    assert!(truth.starts_with(&arguments), "{case}: {answer}");
    if answer.claims_to_be_complete() {
        assert_eq!(arguments, truth, "{case}: {answer}");
        assert!(kind != "two" || answer.said(1) == truth, "{case}: {answer}");
    } else {
        assert!(answer.text().contains("\"error\"") && !answer.text().contains("[DONE]"), "{case}: {answer}");
        let reads = serde_json::from_str::<Value>(&arguments).is_ok();
        assert!(!matches!(kind, "tool" | "json") || !reads || arguments == truth, "{case}: {answer}");
    }
}

/// A caller whose connection drops takes its answer up at every number: what it has then is the answer, to the byte; another key
/// learns nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_answer_is_taken_up_at_every_number() {
    // Its opening, five pieces, the finish, the marker.
    let (events, held) = (8, 4);
    let gateway = Setup::empty().remote(Role::National, &["hold-after-4", "wall-small"]).start().await;
    let stranger = gateway.client.with_key(gateway.keys.add_ephemeral("other", "testers").unwrap().reveal());
    let resuming = gateway.client.saying("x-gwanmun-resume", "30");
    let body =
        |answer: &Answer| answer.text().lines().filter(|line| !line.starts_with("id: ")).collect::<Vec<_>>().join("\n");
    let id = |event: &str| event.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned();
    let request = |model: &str| streaming(model, "?");
    let plain = gateway.client.chat(&request("wall-small")).await.text().replace("wall-small", "hold-after-4");
    for stops_after in 1..events {
        let mut dropped = resuming.open_chat(&request("hold-after-4")).await;
        let (mut had, mut last) = (String::new(), String::new());
        for _ in 0..stops_after.min(held) {
            let event = dropped.next_event().await.unwrap();
            last = id(&event);
            had += &event.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
            had.push('\n');
        }
        if stops_after > held {
            gateway.wall.release();
            for _ in held..stops_after {
                let event = dropped.next_event().await.unwrap();
                last = id(&event);
                had += &event.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
                had.push('\n');
            }
        }
        dropped.hang_up();
        assert_eq!(stranger.saying("last-event-id", &last).chat(&request("hold-after-4")).await.status, 404);
        let again = gateway.client.saying("last-event-id", &last);
        let mut rest = again.open_chat(&json!("whatever stands here")).await;
        if stops_after < held {
            rest.next_event().await.unwrap();
            rest.hang_up();
            rest = again.open_chat(&json!({})).await;
        }
        gateway.wall.release();
        let rest = rest.rest().await;
        assert_eq!(rest.status, 200, "after {stops_after}: {rest}");
        assert_eq!(had + &body(&rest) + "\n", plain, "after {stops_after}: {rest}");
    }
    let gone = gateway.client.saying("last-event-id", "nothing.1").chat(&json!({})).await;
    assert_eq!((gone.status, &gone.json()["error"]["param"]), (404, &json!("last-event-id")), "{gone}");
    let wrong = gateway.client.saying("x-gwanmun-resume", "601").chat(&request("wall-small")).await;
    assert_eq!(wrong.status, 400, "{wrong}");
    gateway.drain();
    let log = gateway.end().await;
    assert!(log.of("outcome").all(|outcome| outcome["ending"] == "answered"), "{log}");
}

/// Callers leave before the first word, in the middle of a stream, and while an answer that is not streamed is made: each time the
/// provider's connection is closed within half a second, and nothing of the request stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "what the caller waits is measured in real time")]
async fn when_the_caller_leaves_the_provider_is_left() {
    let models: Vec<String> = (1..6).map(|events| format!("hold-after-{events}")).chain(["hang".to_owned()]).collect();
    let names: Vec<&str> = models.iter().map(String::as_str).collect();
    let gateway = Setup::empty().remote(Role::National, &names).start().await;
    let asked = |wall: &e2e::wall::Wall| wall.heard().requests().count();
    let mut left_times = 0;
    for name in names.iter().cycle().take(24) {
        // Not streamed, an answer is one piece: it is under way only before its end.
        let streamed_too = if ["hang", "hold-after-1"].contains(name) { vec![true, false] } else { vec![true] };
        for stream in streamed_too {
            left_times += 1;
            let before = asked(&gateway.wall);
            let mut answer = gateway.client.open_chat(&with(streaming(name, "?"), &json!({"stream": stream}))).await;
            gateway.wall.until(|heard| heard.requests().count() > before).await;
            // The opening says nothing and is held: the first piece comes with it.
            if stream && *name != "hang" && *name != "hold-after-1" {
                answer.next_event().await.unwrap();
            }
            let left = Instant::now();
            answer.hang_up();
            gateway.wall.until(|heard| heard.open() == 0).await;
            assert!(left.elapsed() < Duration::from_millis(500), "{name}, streamed {stream}: {:?}", left.elapsed());
        }
    }
    assert!(gateway.metric("gwanmun_in_flight").await.abs() < 0.5);
    let log = gateway.end().await;
    assert_eq!((log.of("outcome").count(), left_times), (32, 32));
    assert!(log.of("outcome").all(|outcome| outcome["ending"] == "cancelled"), "{log}");
}

/// However a provider dawdles, no request outlives the time that an answer may take, and nothing of it stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "what the caller waits is measured in real time")]
async fn no_request_outlives_its_deadline() {
    let faults =
        ["hang", "hold-after-1", "hold-after-3", "fault-stall-at-0", "fault-stall-at-300", "long--fault-stall-at-700"];
    for seconds in [1, 2] {
        let mut text = format!("[limits]\nanswer_seconds_max = {seconds}\n[policy]\nuse = \"open\"\n");
        for name in ["national", "foreign"] {
            write!(text, "[[destination]]\nname = \"{name}\"\nbase_url = \"{{{name}}}\"\nmodels = {faults:?}\n")
                .unwrap();
        }
        for fault in faults {
            write!(
                text,
                "[[route]]\nmodel = \"{fault}\"\ndestinations = [\"national/{fault}\", \"foreign/{fault}\"]\n"
            )
            .unwrap();
        }
        let gateway = Setup::empty().configured(&text, "").start().await;
        let mut running = tokio::task::JoinSet::new();
        for fault in faults {
            // Not streamed, an answer is one piece, and held only before its end.
            for stream in if fault == "hold-after-3" { vec![true] } else { vec![true, false] } {
                let client = splicing(&gateway);
                running.spawn(async move {
                    let began = Instant::now();
                    let answer = client.chat(&with(streaming(fault, "?"), &json!({"stream": stream}))).await;
                    let over = began.elapsed().saturating_sub(Duration::from_secs(seconds));
                    // Whatever else would end it does so only after many seconds.
                    assert!(over < Duration::from_secs(1), "{fault}, streamed {stream}: {over:?} over");
                    assert!(
                        !answer.claims_to_be_complete() && answer.text().contains("\"error\""),
                        "{fault}: {answer}"
                    );
                });
            }
        }
        running.join_all().await;
        gateway.wall.until(|heard| heard.open() == 0).await;
        assert!(gateway.metric("gwanmun_in_flight").await.abs() < 0.5);
        let log = gateway.end().await;
        assert_eq!(log.of("outcome").count(), faults.len() * 2 - 1);
    }
}
