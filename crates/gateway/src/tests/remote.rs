//! Answers of a remote, whole and broken, through the whole road.

use std::time::Duration;

use local_model::scripted::Script;
use serde_json::{Value, json};

use super::rig::{Act, FakeRemote, Got, Rig, next_text};
use crate::{availability::Cause, clock::Clock, tasks::Tasks};

const SECRET: &str = "provider-secret-canary";

fn ask(stream: bool) -> Value {
    json!({"model": "far", "messages": [{"role": "user", "content": "hello"}], "stream": stream})
}

fn head(more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {more}\r\nconnection: close\r\n\r\n")
}

fn delta(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n")
}

const FINISH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

async fn rig(acts: Vec<Act>) -> (Rig, FakeRemote) {
    let tasks = Tasks::new(Clock::system());
    let remote = FakeRemote::new(&tasks, acts).await;
    (Rig::new(Some(Script::new()), &remote.config("open")), remote)
}

async fn streamed(sent: String) -> (Got, Rig, FakeRemote) {
    let (rig, remote) = rig(vec![Act::Send(head("text/event-stream") + &sent)]).await;
    (rig.chat(ask(true)).await, rig, remote)
}

#[tokio::test]
async fn a_whole_answer_is_passed_on_as_it_came_and_the_provider_hears_its_own_name_for_the_model() {
    let body = r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2},"odd":1}"#;
    let (mut rig, remote) = rig(vec![Act::Send(head("application/json") + body)]).await;
    let got = rig.chat(ask(false)).await;
    assert_eq!((got.status.as_u16(), got.body.as_str()), (200, body));
    assert_eq!(got.header("x-gwanmun-destination"), "abroad");
    assert_eq!(got.header("x-gwanmun-model"), "far");
    let heard = remote.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", heard[0]);
    assert!(heard[0].contains("{\"model\":\"far-upstream\","));
    assert!(!heard[0].contains(&rig.key), "the caller's key must not reach the provider");
    let outcome = rig.entries().pop().unwrap();
    assert_eq!((&outcome["prompt_tokens"], &outcome["completion_tokens"]), (&json!(5), &json!(2)));
    assert_eq!(outcome["ending"], "answered");
}

#[tokio::test]
async fn a_stream_is_passed_on_byte_for_byte() {
    let sent = delta("a") + ": a comment\r\n\r\n" + &delta("b") + FINISH + USAGE + DONE;
    let (got, mut rig, _remote) = streamed(sent.clone()).await;
    assert_eq!((got.status.as_u16(), got.body), (200, sent));
    let outcome = rig.entries().pop().unwrap();
    assert_eq!((&outcome["prompt_tokens"], &outcome["completion_tokens"]), (&json!(5), &json!(2)));
}

/// Bytes that are framed by the connection's end alone, cut anywhere: complete only where every choice has its finish and no
/// event is begun, though the end marker may be missing; an error and neither everywhere else.
#[tokio::test]
async fn a_stream_cut_at_any_byte_is_complete_or_an_error_and_never_both() {
    let finished = (delta("a") + &delta("b") + FINISH).len();
    let sent = delta("a") + &delta("b") + FINISH + USAGE + DONE;
    let orderly = [finished, finished + USAGE.len(), sent.len() - 2, sent.len() - 1];
    for cut in 0..sent.len() {
        let part = String::from_utf8(sent.as_bytes()[..cut].to_vec()).unwrap();
        let (got, mut rig, _remote) = streamed(part).await;
        if orderly.contains(&cut) {
            assert_eq!((got.text_of(0).as_str(), got.body.ends_with(DONE)), ("ab", true), "cut at {cut}: {}", got.body);
            assert_eq!(rig.endings(), ["answered"], "cut at {cut}");
            continue;
        }
        // Before the first word another destination would be asked; there is none here.
        let last = got.events().last().map_or_else(|| got.json(), |last| serde_json::from_str(last).unwrap());
        assert_eq!(last["error"]["code"], "answer_interrupted", "cut at {cut}: {}", got.body);
        assert_eq!(last["error"]["type"], "upstream_error");
        assert!(!got.body.contains("[DONE]") && !got.body.contains("\"stop\""), "cut at {cut}: {}", got.body);
        assert_eq!(rig.endings(), ["failed"], "cut at {cut}");
    }
}

/// So many answers are known before others are compared with them, and so many that all decline are no chance.
const USUAL: usize = 170;
const CHANGED: usize = 12;

/// Whether a place that answered, and from some answer on says `declined`, is withdrawn for it.
async fn is_withdrawn_after(declined: &str, stream: bool) -> bool {
    let kind = if stream { "text/event-stream" } else { "application/json" };
    let said = |part: &str| {
        if stream {
            format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{part}}}]}}\n\n{FINISH}{DONE}")
        } else {
            format!(r#"{{"choices":[{{"index":0,"message":{part},"finish_reason":"stop"}}]}}"#)
        }
    };
    let tasks = Tasks::new(Clock::system());
    let answers = [(USUAL, r#"{"content":"well"}"#), (CHANGED, declined)];
    let answers = answers.map(|(times, part)| (times, vec![Act::Send(head(kind) + &said(part))]));
    let remote = FakeRemote::in_turn(&tasks, answers.into()).await;
    let config = format!("[availability]\nquality = \"withdraw\"\n{}", remote.config("open"));
    let rig = Rig::new(Some(Script::new()), &config);
    for _ in 0..USUAL + CHANGED {
        rig.chat(ask(stream)).await;
    }
    rig.app.availability().withdrawals().iter().any(|it| it.cause == Cause::Quality)
}

#[tokio::test]
async fn a_place_that_suddenly_declines_in_the_field_for_it_is_withdrawn() {
    for stream in [false, true] {
        assert!(is_withdrawn_after(r#"{"content":null,"refusal":"I cannot"}"#, stream).await, "stream: {stream}");
        assert!(!is_withdrawn_after(r#"{"content":"well","refusal":null}"#, stream).await, "stream: {stream}");
    }
}

#[tokio::test]
async fn an_end_marker_without_a_finish_an_error_event_and_nonsense_are_errors() {
    for sent in [
        delta("a") + DONE,
        delta("a") + "data: {\"error\":{\"message\":\"overloaded provider-secret-canary\"}}\n\n" + FINISH + DONE,
        delta("a") + "data: nonsense\n\n" + FINISH + DONE,
    ] {
        let (got, mut rig, _remote) = streamed(sent).await;
        assert_eq!(got.text_of(0), "a");
        assert!(!got.body.contains("[DONE]") && !got.body.contains("\"stop\"") && !got.body.contains(SECRET));
        assert!(got.events().last().unwrap().starts_with("{\"error\":"));
        assert_eq!(rig.endings(), ["failed"]);
    }
}

#[tokio::test]
async fn what_a_provider_refuses_is_told_with_whose_fault_it_was() {
    let cases = [
        ("400 Bad Request", 400, "invalid_request_error", "bad_thing"),
        ("401 Unauthorized", 502, "upstream_error", "upstream_failed"),
        ("404 Not Found", 502, "upstream_error", "upstream_failed"),
        ("429 Too Many Requests", 503, "upstream_error", "upstream_failed"),
        ("500 Oops", 502, "upstream_error", "upstream_failed"),
        ("504 Late", 504, "upstream_error", "upstream_timeout"),
        ("302 Found\r\nlocation: http://169.254.169.254/", 502, "upstream_error", "upstream_failed"),
    ];
    for (line, status, kind, code) in cases {
        let body = r#"{"error":{"message":"not like this","type":"t","param":"p","code":"bad_thing"}}"#;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {line}\r\ncontent-type: application/json\r\nretry-after: 7\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let (mut rig, remote) = rig(vec![Act::Send(answer)]).await;
        let got = rig.chat(ask(true)).await;
        let told = got.json();
        assert_eq!(
            (got.status.as_u16(), &told["error"]["type"], &told["error"]["code"]),
            (status, &json!(kind), &json!(code)),
            "{line}"
        );
        assert_eq!(got.header("retry-after") == "7", status == 503, "{line}");
        assert_eq!(told["error"]["message"].as_str().unwrap().contains("not like this"), status == 400);
        assert_eq!(got.header("x-gwanmun-destination"), "abroad");
        assert_eq!(remote.heard().len(), 1, "nothing is tried twice");
        assert_eq!(rig.endings(), ["failed"]);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_a_502() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let config = format!(
        "[policy]\nuse = \"open\"\n[[destination]]\nname = \"abroad\"\nbase_url = \"http://{gone}/v1\"\n\
         models = [{{ name = \"far\" }}]\n"
    );
    let mut rig = Rig::new(None, &config);
    let got = rig.chat(ask(false)).await;
    assert_eq!(got.status, 502);
    assert_eq!(got.json()["error"]["message"], "the destination `abroad` takes no connections");
    assert_eq!(rig.endings(), ["failed"]);
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_left_after_its_idle_time_and_not_before() {
    let (clock, hand) = Clock::by_hand(jiff::Timestamp::UNIX_EPOCH);
    let tasks = Tasks::new(Clock::system());
    let acts = vec![Act::Send(head("text/event-stream") + &delta("a")), Act::Stall];
    let mut remote = FakeRemote::new(&tasks, acts).await;
    let mut rig = Rig::with_clock(None, &remote.config("open"), clock);
    let request = rig.request("POST", "/v1/chat/completions", ask(true).to_string());
    let mut body = rig.open(request).await.into_body();
    hand.advance(Duration::from_secs(20));
    assert_eq!(next_text(&mut body).await.unwrap(), delta("a"));
    // The read that waits now began at 20 s; the timer of the first read runs out at 30 s and must not end it.
    hand.advance(Duration::from_secs(20));
    let mut next = Box::pin(next_text(&mut body));
    assert!(futures_util::FutureExt::now_or_never(&mut next).is_none());
    hand.advance(Duration::from_secs(30));
    let told: Value = serde_json::from_str(next.await.unwrap().strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(told["error"]["code"], "upstream_timeout");
    drop(body);
    remote.closed().await;
    assert_eq!(rig.endings(), ["failed"]);
}

/// Asks a remote that plays `acts`; moves the clock by `passed` seconds once that is waited for. Gives status and code.
async fn asked_until(passed: u64, acts: Vec<Act>, edit: impl Fn(String) -> String) -> (u16, Value, Value) {
    let (clock, hand) = Clock::by_hand(jiff::Timestamp::UNIX_EPOCH);
    let tasks = Tasks::new(Clock::system());
    let mut remote = FakeRemote::new(&tasks, acts).await;
    let mut rig = Rig::with_clock(None, &edit(remote.config("open")), clock);
    let waited = async {
        hand.awaited(Duration::from_secs(passed)).await;
        hand.advance(Duration::from_secs(passed));
    };
    let (got, ()) = tokio::join!(rig.chat(ask(false)), waited);
    remote.closed().await;
    assert_eq!(rig.endings(), ["failed"]);
    let error = got.json()["error"].clone();
    (got.status.as_u16(), error["code"].clone(), error["message"].clone())
}

#[tokio::test]
async fn a_provider_has_limits_for_connecting_for_its_first_byte_and_for_the_whole() {
    let late = |message: &str| (504, json!("upstream_timeout"), json!(message));
    let (head, stall) = (Act::Send(head("application/json") + "{"), Act::Stall);
    // The fake answers no handshake.
    let got = asked_until(5, vec![], |config| config.replace("http://", "https://")).await;
    assert_eq!(got, late("the destination `abroad` could not be connected to in time"));
    let got = asked_until(65, vec![stall.clone()], |config| config).await;
    assert_eq!(got, late("the destination `abroad` did not begin to answer in time"));
    let got = asked_until(25, vec![head, stall], |config| config + "total_seconds_max = 25\n").await;
    assert_eq!(got, late("the destination's answer took too long as a whole"));
}

#[tokio::test]
async fn one_connection_serves_one_stream_after_the_other() {
    let sent = delta("a") + FINISH + DONE;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{sent}\r\n0\r\n\r\n",
        sent.len()
    );
    let (rig, remote) = rig(vec![Act::Send(answer), Act::Again]).await;
    for _ in 0..3 {
        assert_eq!(rig.chat(ask(true)).await.body, sent);
    }
    assert_eq!((remote.heard().len(), remote.ended()), (3, 0));
}

#[tokio::test]
async fn when_the_caller_leaves_the_provider_s_connection_is_closed() {
    let acts = vec![Act::Send(head("text/event-stream") + &delta("a")), Act::Stall];
    let (mut rig, mut remote) = rig(acts).await;
    let request = rig.request("POST", "/v1/chat/completions", ask(true).to_string());
    let mut body = rig.open(request).await.into_body();
    assert_eq!(next_text(&mut body).await.unwrap(), delta("a"));
    drop(body);
    remote.closed().await;
    let outcome = rig.entries().pop().unwrap();
    assert_eq!(outcome["ending"], "cancelled");
    assert_eq!((&outcome["completion_tokens"], &outcome["answer_bytes"]), (&json!(1), &json!(delta("a").len())));
}
