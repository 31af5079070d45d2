//! What a caller is told when a provider fails, at every place it can: never a truncated answer that looks complete.

use e2e::client::Answer;
use e2e::harness::{Setup, TestGateway};
use e2e::wall::{Fault, Role, stream_events};
use insta::assert_snapshot;

use crate::views::{asking, streaming};

const FAULTS: [&str; 26] = [
    "fault-400",
    "fault-401",
    "fault-403",
    "fault-404",
    "fault-410",
    "fault-429",
    "fault-451",
    "fault-500",
    "fault-503",
    "fault-418",
    "fault-204",
    "fault-redirect",
    "fault-rst",
    "fault-rst-at-200",
    "fault-cut-at-0",
    "fault-cut-at-200",
    "fault-stall-at-200",
    "fault-no-done",
    "fault-no-finish",
    "fault-error-inside",
    "fault-abort",
    "fault-gzip-bomb",
    "fault-not-json",
    "fault-huge-head",
    "fault-no-usage",
    "fault-one-byte",
];

async fn gateway(models: &[&str]) -> TestGateway {
    Setup::empty().remote(Role::National, models).start().await
}

/// One line for a table: status, code, what of the answer came, whether a program may take it for complete.
fn line(answer: &Answer) -> String {
    let error = answer.json()["error"].clone();
    let inside = answer.events().iter().rev().find_map(|event| {
        let event: serde_json::Value = serde_json::from_str(event).ok()?;
        event["error"]["code"].as_str().map(|code| format!(" error event `{code}`"))
    });
    let code = error["code"].as_str().map_or(String::new(), |code| format!(" `{code}`"));
    let said = if answer.said(0).is_empty() { String::new() } else { format!(" {:?}", answer.said(0)) };
    let complete = if answer.claims_to_be_complete() { "complete" } else { "not complete" };
    format!("{}{code}{said}{} {complete}", answer.status, inside.unwrap_or_default())
}

/// Each fault, whole and streamed: what the caller saw, and how the log says that it ended. Each at a gateway of its own, which
/// has not been told by another that the provider is sick.
#[tokio::test]
async fn table() {
    let mut table = Vec::new();
    for fault in FAULTS {
        for (form, request) in [("whole   ", asking(fault, "?")), ("streamed", streaming(fault, "?"))] {
            let gateway = gateway(&[fault]).await;
            let answer = gateway.client.chat(&request).await;
            let heard = gateway.wall.heard().requests().count();
            let log = gateway.end().await;
            let outcome = log.of("outcome").next().unwrap();
            let reason = outcome["reason"].as_str().map_or(String::new(), |reason| format!(" {reason}"));
            let ending = outcome["ending"].as_str().unwrap();
            table.push(format!("{fault:<19} {form} | heard {heard} | {} | {ending}{reason}", line(&answer)));
        }
    }
    assert_snapshot!(table.join("\n"));
}

/// A stream cut at every byte (promise 8), with framing that shows the cut and without: complete with finish and end
/// marker, or an explicit error and neither. And what came is a beginning of the truth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_stream_is_never_shown_as_complete() {
    for (framed, kind) in [(true, "fault-cut-at"), (false, "fault-cut-close-at")] {
        let models: Vec<String> = (0..=stream_bytes(kind, framed)).map(|bytes| format!("{kind}-{bytes}")).collect();
        let names: Vec<&str> = models.iter().map(String::as_str).collect();
        let gateway = gateway(&names).await;
        let mut complete = 0;
        for some in models.chunks(8) {
            let mut callers = tokio::task::JoinSet::new();
            for model in some {
                let (client, model) = (gateway.client.clone(), model.clone());
                callers.spawn(async move { told_honestly(&model, &client.chat(&streaming(&model, "?")).await) });
            }
            complete += callers.join_all().await.into_iter().filter(|complete| *complete).count();
        }
        assert!(complete > 0 && complete < models.len(), "{complete} of {} were complete", models.len());
        gateway.end().await;
    }
}

/// Bytes of a whole stream's body on the wire, the chunks' sizes and ends included.
fn stream_bytes(kind: &str, framed: bool) -> usize {
    let events = stream_events(Fault::None, &streaming(&format!("{kind}-1000"), "?"));
    let framing = |event: &String| if framed { format!("{:x}", event.len()).len() + 4 } else { 0 };
    let end = if framed { "0\r\n\r\n".len() } else { 0 };
    events.iter().map(|event| event.len() + framing(event)).sum::<usize>() + end
}

/// Whether the answer is complete. If it is, it is the truth; if not, it begins as the truth does and an error is told.
fn told_honestly(model: &str, answer: &Answer) -> bool {
    let truth = e2e::wall::ANSWER.concat();
    let said = answer.said(0);
    if answer.claims_to_be_complete() {
        assert_eq!(said, truth, "{model}: {answer}");
        return true;
    }
    assert!(truth.starts_with(&said), "{model}: {answer}");
    assert!(!answer.text().contains("[DONE]"), "{model}: {answer}");
    assert!(answer.text().contains("\"error\""), "{model}: not complete and no error told\n{answer}");
    false
}

/// A provider that sends without end or measure costs bounded memory, and an honest error.
#[tokio::test]
async fn an_event_of_64_mib_is_not_held() {
    let gateway = gateway(&["fault-64mib-event"]).await;
    for request in [asking("fault-64mib-event", "?"), streaming("fault-64mib-event", "?")] {
        let answer = gateway.client.chat(&request).await;
        assert!(!answer.claims_to_be_complete(), "{}", line(&answer));
        assert!(answer.body.len() < 1 << 20, "{} bytes passed on", answer.body.len());
    }
    gateway.end().await;
}

/// Silence before the first byte and silence inside an answer both end within their limits.
#[tokio::test]
async fn silence_has_limits() {
    let gateway = gateway(&["hang", "fault-stall-at-300"]).await;
    let answer = gateway.client.chat(&asking("hang", "?")).await;
    assert_eq!(answer.status, 504, "{answer}");
    let answer = gateway.client.chat(&streaming("fault-stall-at-300", "?")).await;
    assert!(!answer.claims_to_be_complete() && answer.text().contains("\"error\""), "{answer}");
    // The provider's side of both was closed: nothing is left waiting.
    gateway.wall.until(|heard| heard.open() == 0).await;
    gateway.end().await;
}

#[tokio::test]
async fn nobody_listens() {
    let setup = Setup::empty().remote(Role::National, &["wall-small"]);
    let gateway = setup.start().await;
    let mut config = gateway::config::Config::clone(&gateway.config.load());
    let mut gone = (*config.destinations[0]).clone();
    // A port that was free a moment ago: its listener is closed again.
    let free = std::net::TcpListener::bind("127.0.2.1:0").unwrap().local_addr().unwrap();
    gone.base_url = format!("http://{free}/v1").parse().unwrap();
    config.destinations = vec![std::sync::Arc::new(gone)];
    gateway.config.store(std::sync::Arc::new(config));
    let answer = gateway.client.chat(&asking("wall-small", "?")).await;
    assert_eq!(answer.status, 502, "{answer}");
    assert!(!answer.text().contains("127.0.2"), "an address of the inside was told: {answer}");
    gateway.end().await;
}
