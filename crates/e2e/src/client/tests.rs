//! What counts as a complete answer decides several tests: it must be strict.

use super::Answer;
use crate::http1::Head;

fn stream(body: &str, whole: bool) -> Answer {
    let head = Head { line: "HTTP/1.1 200 OK".to_owned(), headers: Vec::new() };
    Answer { status: 200, head, body: body.as_bytes().to_vec(), whole }
}

#[test]
fn complete_means_whole_finished_and_done() {
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n";
    let (open, done) = (
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n",
        "data: [DONE]\n\n",
    );
    assert!(stream(&format!("{open}{finish}{done}"), true).claims_to_be_complete());
    assert!(!stream(&format!("{open}{finish}{done}"), false).claims_to_be_complete());
    assert!(!stream(&format!("{open}{finish}"), true).claims_to_be_complete());
    assert!(!stream(&format!("{open}{done}"), true).claims_to_be_complete());
    assert_eq!(stream(&format!("{open}{finish}{done}"), true).said(0), "hihi");
}

#[test]
fn snapshots_hold_nothing_of_chance() {
    let mut answer = stream("{\"id\":\"chatcmpl-1\",\"created\":5,\"object\":\"x\"}", false);
    answer.head.headers = vec![("x-request-id".to_owned(), "abc".to_owned()), ("date".to_owned(), "today".to_owned())];
    assert_eq!(
        answer.to_string(),
        "200 OK (cut off)\nx-request-id: …\n\n{\"created\":\"…\",\"id\":\"…\",\"object\":\"x\"}"
    );
}
