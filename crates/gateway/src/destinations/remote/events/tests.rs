//! Tests of cutting streams: however the bytes come, the events are the same and no byte is lost.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Event, Noted, Progress, Seen, Splitter, characters, events};

const STREAM: &str = "data: a\n\n: note\n\nevent: x\r\ndata: b\r\ndata:c\r\n\r\nid: 1\n\ndata: [DONE]\n\n";

fn data(whole: &[u8]) -> Vec<String> {
    events(whole).map(|event| String::from_utf8_lossy(&event.data).into_owned()).collect()
}

#[test]
fn events_have_their_places_and_their_data() {
    let found: Vec<Event<'_>> = events(STREAM.as_bytes()).collect();
    assert_eq!(data(STREAM.as_bytes()), ["a", "b\nc", "[DONE]"]);
    assert_eq!(&STREAM.as_bytes()[found[2].start..], b"data: [DONE]\n\n", "an event without data belongs to nobody");
}

#[test]
fn an_event_without_end_is_not_held_for_ever() {
    let mut splitter = Splitter::default();
    let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
    for _ in 0..4 {
        assert!(splitter.push(piece.clone()).unwrap().is_empty());
    }
    splitter.push(piece).unwrap_err();
}

#[test]
fn no_byte_is_looked_at_twice() {
    let mut splitter = Splitter::default();
    for (piece, line, looked) in
        [("data: a\ndata: ", 8, 14), ("b", 8, 15), ("c\r", 8, 16), ("\nd", 18, 19), ("\n\ne", 0, 1)]
    {
        splitter.push(Bytes::from(piece)).unwrap();
        assert_eq!(splitter.seen, Seen { line, looked }, "after {piece:?}");
    }
}

#[test]
fn progress_knows_when_every_choice_has_finished() {
    let mut progress = Progress::new(2);
    let finish = |index: u32| format!("{{\"choices\":[{{\"index\":{index},\"finish_reason\":\"stop\"}}]}}");
    assert_eq!(progress.note(finish(1).as_bytes()), Noted::Part);
    assert_eq!(progress.note(finish(1).as_bytes()), Noted::Part);
    assert_eq!(progress.note(finish(7).as_bytes()), Noted::Part);
    assert!(!progress.finished());
    progress.note(finish(0).as_bytes());
    assert!(progress.finished());
    assert_eq!(progress.note(b"[DONE]"), Noted::Done);
    assert_eq!(progress.note(b"{\"error\":{}}"), Noted::Error(Some("{}".into())));
    assert_eq!(progress.note(b"{"), Noted::NotJson);
}

fn choice(delta: &str, finish: &str) -> String {
    format!("{{\"model\":\"m-1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}")
}

#[test]
fn an_answer_without_a_word_is_empty_unless_its_end_needs_none() {
    let cases = [
        ("{\"role\":\"assistant\",\"content\":\"\"}", "\"stop\"", true),
        ("{\"content\":null,\"tool_calls\":[]}", "\"tool_calls\"", true),
        ("{}", "\"content_filter\"", false),
        ("{}", "\"length\"", false),
        ("{}", "\"SAFETY\"", false),
        ("{\"content\":\" \"}", "\"stop\"", false),
        ("{\"refusal\":\"no\"}", "\"stop\"", false),
        ("{\"reasoning\":\"hm\"}", "\"stop\"", false),
        ("{\"tool_calls\":[{\"index\":0}]}", "\"tool_calls\"", false),
    ];
    for (delta, finish, empty) in cases {
        let mut progress = Progress::new(1);
        progress.note(choice(delta, "null").as_bytes());
        assert!(!progress.is_empty(), "it has not ended");
        progress.note(choice("{}", finish).as_bytes());
        assert_eq!(progress.is_empty(), empty, "{delta} {finish}");
    }
}

#[test]
fn a_choice_that_ended_by_an_error_has_not_ended() {
    for word in ["\"error\"", "\"abort\""] {
        assert_eq!(Progress::new(1).note(choice("{}", word).as_bytes()), Noted::Error(None), "{word}");
    }
    assert_eq!(Progress::new(1).note(b"{\"error\":\"broken\"}"), Noted::Error(Some("\"broken\"".into())));
}

#[test]
fn what_is_reported_and_given_is_taken_note_of() {
    let mut progress = Progress::new(1);
    for said in ["\"Se\"", "\"\\uc11c\\uc6b8\"", "\"\\ud83c\\uddf0\\n\\\"x\""] {
        progress.note(choice(&format!("{{\"content\":{said}}}"), "null").as_bytes());
    }
    assert_eq!(progress.characters, 2 + 2 + 4);
    assert_eq!(progress.model.word().as_deref(), Some("m-1"));
    assert_eq!(progress.fingerprint.word(), None);
    progress.note(b"{\"model\":\"m-2\",\"system_fingerprint\":\"fp\",\"choices\":[]}");
    assert_eq!((progress.model.word().as_deref(), progress.fingerprint.word().as_deref()), (Some("m-2"), Some("fp")));
}

#[test]
fn a_refusal_in_its_own_field_is_taken_note_of() {
    let cases = [
        ("{\"refusal\":\"I cannot\"}", true),
        ("{\"content\":null,\"refusal\":null}", false),
        ("{\"content\":\"\",\"refusal\":\"\"}", false),
        ("{\"content\":\"I cannot\"}", false),
    ];
    for (delta, refused) in cases {
        let mut progress = Progress::new(1);
        for piece in ["{\"role\":\"assistant\"}", delta, "{}"] {
            progress.note(choice(piece, "null").as_bytes());
        }
        progress.note(choice("{}", "\"stop\"").as_bytes());
        assert_eq!((progress.refused, progress.finish), (refused, Some("stop")), "{delta}");
    }
}

proptest! {
    #[test]
    fn characters_are_counted_as_decoded(text in any::<String>()) {
        for json in [serde_json::to_string(&text).unwrap(), ascii(&text)] {
            let raw: Box<serde_json::value::RawValue> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(characters(&raw), text.chars().count() as u64);
        }
    }

    #[test]
    fn any_cut_gives_the_same_events_and_the_same_bytes(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
        let mut cuts = cuts;
        cuts.extend([0, STREAM.len()]);
        cuts.sort_unstable();
        let mut splitter = Splitter::default();
        let (mut bytes, mut found) = (Vec::new(), Vec::new());
        for pair in cuts.windows(2) {
            let whole = splitter.push(Bytes::copy_from_slice(&STREAM.as_bytes()[pair[0]..pair[1]])).unwrap();
            found.extend(data(&whole));
            bytes.extend_from_slice(&whole);
        }
        prop_assert_eq!(bytes, STREAM.as_bytes());
        prop_assert_eq!(found, ["a", "b\nc", "[DONE]"]);
    }
}

#[test]
fn only_what_says_something_counts_and_an_empty_reason_finishes_nothing() {
    let mut progress = Progress::new(1);
    for silent in [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":""}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[]}}]}"#,
    ] {
        assert_eq!(progress.note(silent.as_bytes()), Noted::Part);
    }
    assert_eq!((progress.pieces, progress.finished()), (0, false));
    for said in [r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#, r#"{"choices":[{"index":0,"text":"b"}]}"#] {
        assert_eq!(progress.note(said.as_bytes()), Noted::Part);
    }
    assert_eq!((progress.pieces, progress.finished()), (2, false));
    assert_eq!(progress.note(br#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#), Noted::Part);
    assert_eq!((progress.pieces, progress.finished()), (2, true));
}

/// A JSON string in ASCII alone, as some providers write it.
fn ascii(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
    format!("\"{}\"", units.collect::<Vec<_>>().concat())
}
