//! What a provider can do wrong before an answer begins, and another API's answers, through the whole road.

use local_model::scripted::Script;
use serde_json::{Value, json};

use super::rig::{Act, FakeRemote, Got, Rig};
use crate::{clock::Clock, tasks::Tasks};

async fn rig(lines: &str, acts: Vec<Act>) -> (Rig, FakeRemote) {
    let tasks = Tasks::new(Clock::system());
    let remote = FakeRemote::new(&tasks, acts).await;
    (Rig::new(Some(Script::new()), &format!("{}{lines}", remote.config("open"))), remote)
}

fn ask(stream: bool) -> Value {
    json!({"model": "far", "messages": [{"role": "user", "content": "hello"}], "stream": stream})
}

fn answer(head: &str, body: &str) -> Vec<Act> {
    vec![Act::Send(format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))]
}

fn told(got: &Got) -> String {
    got.json()["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_no_answer_is_told_with_the_destination_s_name_and_what_came_instead() {
    let page = "<html><title>maintenance</title></html>";
    let rows = [
        ("200 OK\r\ncontent-type: text/html", page, false, "answered in a form that was not asked for: `text/html`"),
        ("200 OK\r\ncontent-type: text/html", page, true, "answered in a form that was not asked for: `text/html`"),
        ("200 OK\r\ncontent-type: application/json", "{}", true, "not asked for: `application/json`"),
        (
            "200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip",
            "x",
            false,
            "not asked for: it is packed",
        ),
        ("200 OK", "{}", false, "it does not say of what kind it is"),
        (
            "401 No\r\ncontent-type: application/json",
            r#"{"error":{"message":"key sk-canary is wrong"}}"#,
            false,
            "refused the gateway's own credentials",
        ),
        ("404 No", r#"{"error":{"code":"model_not_found"}}"#, false, "does not have the model or address"),
        ("451 No", "", false, "is not allowed to answer, by law"),
        ("302 No\r\nlocation: http://127.0.0.1:1/", "", false, "redirects, and redirects are not followed"),
        ("500 No", page, false, "failed"),
    ];
    for (head, body, stream, wanted) in rows {
        let (mut rig, remote) = rig("", answer(head, body)).await;
        let got = rig.chat(ask(stream)).await;
        let told = told(&got);
        assert_eq!(got.status, 502, "{head}: {told}");
        assert!(told.starts_with("the destination `abroad` ") && told.contains(wanted), "{head}: {told}");
        assert!(!got.body.contains("canary") && !got.body.contains("maintenance"), "{}", got.body);
        // What may heal by itself may be tried once more; what was refused is not.
        let tries = remote.heard().len();
        assert!(tries == 1 || (tries == 2 && !head.starts_with('4')), "{head}: asked {tries} times");
        assert_eq!(rig.endings(), ["failed"]);
    }
}

#[tokio::test]
async fn every_failure_says_what_the_destination_suffers_from() {
    use crate::destinations::{Errand, remote::Remote};
    let about = |url: &str| crate::config::Destination::plain("a".into(), url.parse().unwrap(), Vec::new());
    let tasks = Tasks::new(Clock::system());
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let html = FakeRemote::new(&tasks, answer("200 OK\r\ncontent-type: text/html", "<html>")).await;
    let region =
        FakeRemote::new(&tasks, answer("403 No", r#"{"error":{"code":"unsupported_country_region_territory"}}"#)).await;
    let busy = FakeRemote::new(&tasks, answer("429 No\r\nretry-after: 7", "")).await;
    let mistake = FakeRemote::new(&tasks, answer("400 No", r#"{"error":{"message":"temperature is too high"}}"#)).await;
    let rows = [
        (format!("http://{gone}/v1"), Some("connection")),
        (html.base_url.clone(), Some("broken")),
        (region.base_url.clone(), Some("region")),
        (busy.base_url.clone(), Some("overloaded")),
        (mistake.base_url.clone(), None),
    ];
    for (url, word) in rows {
        let remote =
            Remote::new(about(&url).into(), &crate::destinations::remote::Ways::without_roots(), &Clock::system());
        let body = ask(false).to_string().into();
        let errand = Errand {
            ask: crate::read::Ask::alone(crate::read::Surface::Chat, body).unwrap().into(),
            model: "m".into(),
            caller: "c".into(),
            team: "t".into(),
            answer_id: "a".into(),
            created: 0,
            stream: false,
            continuing: None,
        };
        let error = remote.send(errand).await.unwrap_err();
        assert_eq!(error.diagnosis().map(crate::availability::Diagnosis::word), word, "{url}: {error}");
        let retry_after = error.diagnosis().and_then(|diagnosis| diagnosis.retry_after);
        assert_eq!(retry_after.map(|span| span.as_secs()), (word == Some("overloaded")).then_some(7));
    }
}

const CLAUDE: &str = "api = \"anthropic\"\n";

#[tokio::test]
async fn a_provider_of_anthropic_s_api_hears_its_own_words_and_is_read_in_ours() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":2}}"#;
    let (mut rig, remote) = rig(CLAUDE, answer("200 OK\r\ncontent-type: application/json", body)).await;
    let got = rig.chat(json!({"model": "far", "messages": [{"role": "system", "content": "brief"}, {"role": "user", "content": "hello"}]})).await;
    let said = got.json();
    assert_eq!((got.status.as_u16(), &said["object"]), (200, &json!("chat.completion")), "{}", got.body);
    assert_eq!(
        (&said["choices"][0]["message"]["content"], &said["choices"][0]["finish_reason"]),
        (&json!("hi"), &json!("stop"))
    );
    let heard = remote.heard();
    assert!(heard[0].starts_with("POST /v1/messages HTTP/1.1\r\n"), "{}", heard[0]);
    assert!(heard[0].contains("anthropic-version: 2023-06-01\r\n"), "{}", heard[0]);
    let asked: Value = serde_json::from_str(heard[0].split_once("\r\n\r\n").unwrap().1).unwrap();
    let wanted = json!({"model": "far-upstream", "max_tokens": 4096, "system": [{"type": "text", "text": "brief"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]});
    assert_eq!(asked, wanted);
    let outcome = rig.entries().pop().unwrap();
    assert_eq!((&outcome["prompt_tokens"], &outcome["completion_tokens"]), (&json!(5), &json!(2)));
}

const EVENTS: [&str; 7] = [
    r#"{"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":5,"output_tokens":1}}}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello you"}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
    r#"{"type":"message_stop"}"#,
];

async fn streamed(events: &[&str]) -> (Got, Vec<String>) {
    let sent = events.iter().fold(String::new(), |sent, data| sent + "event: x\ndata: " + data + "\n\n");
    let (mut rig, _remote) = rig(CLAUDE, answer("200 OK\r\ncontent-type: text/event-stream", &sent)).await;
    let got = rig.chat(ask(true)).await;
    (got, rig.endings())
}

#[tokio::test]
async fn its_streams_are_complete_or_an_error_as_all_others_are() {
    let (got, endings) = streamed(&EVENTS).await;
    assert_eq!(
        (got.text_of(0).as_str(), endings.as_slice()),
        ("hello you", ["answered".to_owned()].as_slice()),
        "{}",
        got.body
    );
    assert_eq!(got.events().last().unwrap(), "[DONE]");
    // Cut after each event: only after the finish may it be taken for whole.
    for count in 4..6 {
        let (got, endings) = streamed(&EVENTS[..count.min(5)]).await;
        assert!(!got.body.contains("[DONE]") && got.body.contains("\"error\""), "{count}: {}", got.body);
        assert_eq!(endings, ["failed"], "{count}");
    }
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded canary"}}"#;
    let (got, endings) = streamed(&[&EVENTS[..4], &[error]].concat()).await;
    assert!(!got.body.contains("[DONE]") && !got.body.contains("canary"), "{}", got.body);
    assert_eq!(endings, ["failed"]);
}

#[tokio::test]
async fn what_its_api_has_no_words_for_is_refused_by_name_and_nothing_is_sent() {
    let (rig, remote) = rig(CLAUDE, answer("200 OK", "{}")).await;
    let mut asked = ask(false);
    asked["seed"] = json!(7);
    let got = rig.chat(asked).await;
    assert_eq!((got.status.as_u16(), &got.json()["error"]["param"]), (400, &json!("seed")), "{}", got.body);
    let got = rig.send(rig.request("POST", "/v1/completions", r#"{"model":"far","prompt":"a"}"#)).await;
    assert_eq!(got.status, 400, "{}", got.body);
    assert!(got.body.contains("answers chats alone"), "{}", got.body);
    assert!(remote.heard().is_empty());
}

#[tokio::test]
async fn a_key_goes_into_the_header_and_a_version_behind_the_address_that_are_configured() {
    let body =
        r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;
    let lines = "query = \"api-version=2025-04-01\"\n";
    let (rig, remote) = rig(lines, answer("200 OK\r\ncontent-type: application/json", body)).await;
    assert_eq!(rig.chat(ask(false)).await.status, 200);
    let heard = remote.heard();
    assert!(heard[0].starts_with("POST /v1/chat/completions?api-version=2025-04-01 HTTP/1.1\r\n"), "{}", heard[0]);
}
