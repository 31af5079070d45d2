//! Every cut, in every field and spelling.

#![expect(clippy::string_slice, reason = "a slice off a border fails the test, as it should")]

use bytes::Bytes;
use inspect::pseudonym::Map;
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::sse;

use super::{SHORT, TEXT, delta, disguised, event, finish, joined, pass, restoring, usage};
use crate::contents::canaries::escaped;
use crate::destinations::remote::events::Splitter;
use crate::relay::restore::Restoring;

/// Where a text stands in a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Content,
    Reasoning,
    Refusal,
    Arguments,
    OldArguments,
    Input,
}

const FIELDS: [Field; 6] =
    [Field::Content, Field::Reasoning, Field::Refusal, Field::Arguments, Field::OldArguments, Field::Input];

impl Field {
    fn delta(self, piece: &str) -> Value {
        match self {
            Self::Content => json!({ "content": piece }),
            Self::Reasoning => json!({ "reasoning_content": piece }),
            Self::Refusal => json!({ "refusal": piece }),
            Self::Arguments => json!({"tool_calls": [{"index": 2, "function": {"arguments": piece}}]}),
            Self::OldArguments => json!({"function_call": {"arguments": piece}}),
            Self::Input => json!({"tool_calls": [{"index": 0, "type": "custom", "custom": {"input": piece}}]}),
        }
    }

    /// Whether it is over when the other begins, as models tell them.
    fn precedes(self, other: Self) -> bool {
        let calls = [Self::Arguments, Self::OldArguments, Self::Input];
        match self {
            Self::Reasoning => other == Self::Content || calls.contains(&other),
            Self::Input => other == Self::Arguments,
            Self::Content | Self::Refusal | Self::Arguments | Self::OldArguments => false,
        }
    }

    fn way(self) -> &'static str {
        match self {
            Self::Content => "0 content",
            Self::Reasoning => "0 reasoning_content",
            Self::Refusal => "0 refusal",
            Self::Arguments => "0 tool_calls 2 arguments",
            Self::OldArguments => "0 function_call arguments",
            Self::Input => "0 tool_calls 0 input",
        }
    }
}

/// The event of one piece.
fn said(choice: u64, field: Field, piece: &str, spelled_out: bool) -> Bytes {
    let data = delta(choice, &field.delta("the piece")).to_string();
    let spelled = if spelled_out { escaped(piece) } else { serde_json::to_string(piece).unwrap() };
    sse::event(data.replace("\"the piece\"", &spelled).as_bytes())
}

/// The events of an answer in these pieces. With `spelled_out`, every letter of a piece is an escape.
fn events(field: Field, pieces: &[&str], spelled_out: bool) -> Vec<Bytes> {
    let piece = |piece: &&str| said(0, field, piece, spelled_out);
    let mut events = vec![event(&delta(0, &json!({"role": "assistant", "content": ""})))];
    events.extend(pieces.iter().map(piece));
    events
}

fn tail() -> Bytes {
    [event(&finish(0)), event(&usage())].concat().into()
}

fn restored(map: &Map, field: Field, pieces: &[&str], spelled_out: bool) -> String {
    let out = pass(&mut restoring(map), events(field, pieces, spelled_out), tail()).unwrap();
    joined(&out).remove(field.way()).unwrap_or_default()
}

fn borders(text: &str) -> Vec<usize> {
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect()
}

/// `text` in two and three pieces, at all cuts.
fn each_cut(text: &str, mut each: impl FnMut(&[&str])) {
    let borders = borders(text);
    for (place, first) in borders.iter().enumerate() {
        let (head, tail) = text.split_at(*first);
        each(&[head, tail]);
        for second in borders.iter().skip(place) {
            let (middle, end) = tail.split_at(second - first);
            each(&[head, middle, end]);
        }
    }
}

#[test]
fn every_text_comes_back_at_every_cut() {
    let (short, map) = disguised(SHORT);
    for field in [Field::Reasoning, Field::Refusal, Field::Input] {
        each_cut(&short, |pieces| assert_eq!(restored(&map, field, pieces, false), SHORT, "{field:?} {pieces:?}"));
    }
    each_cut(&short, |pieces| assert_eq!(restored(&map, Field::Content, pieces, true), SHORT, "{pieces:?}"));
    let (out, map) = disguised(TEXT);
    each_cut(&out, |pieces| assert_eq!(restored(&map, Field::Content, pieces, false), TEXT, "{pieces:?}"));
    let letters: Vec<&str> = out.split_inclusive(|_| true).collect();
    for field in FIELDS {
        assert_eq!(restored(&map, field, &letters, true), TEXT);
    }
}

#[test]
fn arguments_come_back_on_the_decoded_string_at_every_cut() {
    let (out, map) = disguised(SHORT);
    let wanted = json!({ "n": [SHORT, 1.50] });
    let plain = json!({ "n": [out, 1.50] }).to_string();
    let number = out.trim_start_matches("전화 ").trim_end_matches('.');
    let spelled_out = plain.replace(number, escaped(number).trim_matches('"'));
    assert_ne!(plain, spelled_out);
    // Content that is JSON as a whole is read so too.
    let fields = [Field::Arguments, Field::OldArguments, Field::Content];
    for (document, fields) in [(&plain, fields.as_slice()), (&spelled_out, &fields[..1])] {
        for field in fields {
            each_cut(document, |pieces| {
                let read: Value = serde_json::from_str(&restored(&map, *field, pieces, false)).unwrap();
                assert_eq!(read, wanted, "{field:?} {pieces:?}");
            });
        }
    }
    for (place, _) in spelled_out.char_indices() {
        let (head, tail) = spelled_out.split_at(place);
        for field in fields {
            let read: Value = serde_json::from_str(&restored(&map, field, &[head, tail], true)).unwrap();
            assert_eq!(read, wanted, "{field:?} {place}");
        }
    }
}

#[test]
fn events_may_come_together_and_one_by_one() {
    let (out, map) = disguised(TEXT);
    let thirds: Vec<&str> = [&out[..19], &out[19..40], &out[40..]].to_vec();
    let all = events(Field::Content, &thirds, false);
    for first in 0..=all.len() {
        for second in first..=all.len() {
            let grouped = [all[..first].concat(), all[first..second].concat(), all[second..].concat()].map(Bytes::from);
            let out = pass(&mut restoring(&map), grouped, tail()).unwrap();
            assert_eq!(joined(&out)["0 content"], TEXT);
        }
    }
    let whole: Bytes = [all.concat(), tail().to_vec()].concat().into();
    assert_eq!(joined(&pass(&mut restoring(&map), [], whole).unwrap())["0 content"], TEXT);
}

#[test]
fn bytes_may_be_cut_anywhere() {
    let (out, map) = disguised(TEXT);
    let thirds: Vec<&str> = vec![&out[..19], &out[19..40], &out[40..]];
    let stream = events(Field::Content, &thirds, false).concat();
    let cut = |pieces: &[&[u8]]| {
        let mut splitter = Splitter::default();
        let whole: Vec<Bytes> =
            pieces.iter().map(|piece| splitter.push(Bytes::copy_from_slice(piece)).unwrap()).collect();
        let out = pass(&mut restoring(&map), whole, tail()).unwrap();
        assert_eq!(joined(&out)["0 content"], TEXT, "{:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
    };
    for first in 0..=stream.len() {
        let (head, end) = stream.split_at(first);
        cut(&[head, end]);
        for second in (0..=end.len()).step_by(71) {
            cut(&[head, &end[..second], &end[second..]]);
        }
    }
    cut(&stream.chunks(1).collect::<Vec<_>>());
}

#[test]
fn completions_come_back_too() {
    let (out, map) = disguised(SHORT);
    let chunk = |text: &str, finish: Value| json!({"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]});
    each_cut(&out, |pieces| {
        let mut events: Vec<Bytes> = pieces.iter().map(|piece| event(&chunk(piece, Value::Null))).collect();
        let last = event(&chunk("", json!("stop")));
        let mut restoring = Restoring::new(true, Some(map.clone()), None);
        let out = pass(&mut restoring, events.drain(..), last).unwrap();
        assert_eq!(joined(&out)["0 text"], SHORT, "{pieces:?}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Several choices and fields, interleaved as far as models do that, in random pieces, grouped at random.
    #[test]
    fn interleaved_texts_come_back(
        texts in prop::collection::vec((0..3_u64, 0..FIELDS.len(), prop::collection::vec(any::<prop::sample::Index>(), 0..4)), 1..6),
        order in prop::collection::vec(any::<prop::sample::Index>(), 64),
        groups in prop::collection::vec(1..5_usize, 64),
        spelled_out in any::<bool>(),
        finish_together in any::<bool>(),
    ) {
        let (out, map) = disguised(TEXT);
        let mut waiting: Vec<(u64, Field, Vec<&str>)> = Vec::new();
        for (choice, field, cuts) in &texts {
            let field = FIELDS[*field];
            if waiting.iter().any(|(known, other, _)| known == choice && *other == field) {
                continue;
            }
            let borders = borders(&out);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&borders)).chain([0, out.len()]).collect();
            cuts.sort_unstable();
            waiting.push((*choice, field, cuts.windows(2).map(|pair| &out[pair[0]..pair[1]]).rev().collect()));
        }
        let fields: Vec<(u64, Field)> = waiting.iter().map(|(choice, field, _)| (*choice, *field)).collect();
        let mut events = Vec::new();
        for turn in order.iter().cycle() {
            waiting.retain(|(.., pieces)| !pieces.is_empty());
            if waiting.is_empty() { break; }
            let is_next = |at: &usize| {
                let (choice, field, _) = &waiting[*at];
                !waiting.iter().any(|(of, before, _)| of == choice && before.precedes(*field))
            };
            let next: Vec<usize> = (0..waiting.len()).filter(is_next).collect();
            let (choice, field, pieces) = &mut waiting[*turn.get(&next)];
            let piece = pieces.pop().unwrap();
            let event = said(*choice, *field, piece, spelled_out);
            let is_alone = !fields.iter().any(|(other, of)| other == choice && of != field);
            events.push(if pieces.is_empty() && finish_together && is_alone {
                let open = "\"finish_reason\":null";
                let text = String::from_utf8(event.to_vec()).unwrap();
                assert!(text.contains(open));
                Bytes::from(text.replace(open, "\"finish_reason\":\"stop\""))
            } else {
                event
            });
        }
        let mut pieces = Vec::new();
        let mut rest = events.as_slice();
        for group in groups.iter().cycle() {
            if rest.is_empty() { break; }
            let (now, later) = rest.split_at((*group).min(rest.len()));
            pieces.push(Bytes::from(now.concat()));
            rest = later;
        }
        let ends: Vec<Bytes> = if finish_together { Vec::new() } else { (0..3).map(|choice| event(&finish(choice))).collect() };
        let out = pass(&mut restoring(&map), pieces, [ends.concat(), event(&usage()).to_vec()].concat().into()).unwrap();
        let texts = joined(&out);
        prop_assert_eq!(texts.len(), fields.len());
        for (choice, field) in fields {
            let way = format!("{choice}{}", &field.way()[1..]);
            let said = texts.get(&way).cloned().unwrap_or_default();
            prop_assert_eq!(said, TEXT, "{}", way);
        }
    }
}
