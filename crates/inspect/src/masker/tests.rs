//! Every cut masks the same, nothing that is wanted comes through, and what is held back is little.

use std::sync::Arc;

use super::{Masker, Wanted};
use crate::{Dictionary, Pattern, Rules, scan};

const TEXT: &str = "주민번호 900101-1234568, 메일 kim@example.co.kr; again ９００１０１-1234568 (010-1234-5678). 청룡 사업은 4111-1111-1111-1111.";

fn rules() -> Rules {
    Rules::new(&[Dictionary { name: "project".to_owned(), words: vec!["청룡 사업".to_owned()] }], &[]).expect("rules")
}

fn all() -> Wanted {
    Arc::new(|_| true)
}

fn masked(wanted: Option<Wanted>, json: bool, pieces: &[&str]) -> (String, u64) {
    let mut masker = Masker::new(&rules(), wanted, json);
    let mut out: String = pieces.iter().map(|piece| masker.push(piece)).collect();
    let (rest, counts) = masker.finish();
    out.push_str(&rest);
    (out, counts.values().sum())
}

fn cuts(text: &str, mut each: impl FnMut(&[&str])) {
    let borders: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
    for (place, first) in borders.iter().enumerate() {
        let (head, tail) = text.split_at(*first);
        each(&[head, tail]);
        for second in borders.iter().skip(place).step_by(29) {
            let (middle, end) = tail.split_at(second - first);
            each(&[head, middle, end]);
        }
    }
    each(&text.split_inclusive(|_| true).collect::<Vec<_>>());
}

#[test]
fn every_cut_masks_the_same() {
    let wanted = "주민번호 [kr.resident], 메일 [email]; again [kr.resident] ([kr.phone]). [own.project]은 [card].";
    cuts(TEXT, |pieces| assert_eq!(masked(Some(all()), false, pieces), (wanted.to_owned(), 6), "{pieces:?}"));
}

#[test]
fn what_is_not_wanted_passes_at_once_and_is_counted() {
    let mut masker = Masker::new(&rules(), None, false);
    for piece in TEXT.split_inclusive(|_| true) {
        assert_eq!(masker.push(piece), piece);
    }
    let (rest, counts) = masker.finish();
    assert_eq!((rest.as_str(), counts.values().sum::<u64>()), ("", 6));
    let mails: Wanted = Arc::new(|kind| kind.name() == "email");
    let (out, count) = masked(Some(mails), false, &[TEXT]);
    assert_eq!((out, count), (TEXT.replace("kim@example.co.kr", "[email]"), 6));
}

#[test]
fn arguments_are_read_decoded_and_stay_json() {
    let plain = serde_json::json!({ "메모 \"x\"": TEXT, "n": 9_001_011_234_568_u64, "list": ["010-1234-5678", true] });
    let escaped: Vec<String> = "010-1234-5678".chars().map(|it| format!("\\u{:04x}", u32::from(it))).collect();
    for document in [plain.to_string(), plain.to_string().replace("010-1234-5678", &escaped.concat())] {
        let (whole, count) = masked(Some(all()), true, &[&document]);
        let read: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
        assert_eq!(count, 8);
        assert_eq!(read["n"], "[kr.resident]");
        assert_eq!(read["list"], serde_json::json!(["[kr.phone]", true]));
        assert!(scan(&whole, &rules()).is_empty(), "{whole}");
        cuts(&document, |pieces| assert_eq!(masked(Some(all()), true, pieces).0, whole, "{pieces:?}"));
    }
}

#[test]
fn wrong_escapes_pass_as_they_came() {
    for text in ["\\", "\\u12", "\\ud800", "\\ud800\\u0041", "\\uzzzz!", "a\\q\\u00e9\\", "\\ud83d\\", "\\é"] {
        cuts(text, |pieces| {
            assert_eq!(masked(Some(all()), true, pieces).0, text, "{pieces:?}");
            assert_eq!(masked(None, true, pieces).0, text, "{pieces:?}");
        });
    }
}

#[test]
fn what_overlaps_goes_with_what_it_overlaps() {
    let after = Pattern { name: "after".to_owned(), regex: "5678 end".to_owned() };
    let rules = Rules::new(&[], &[after]).expect("rules");
    cuts("call 010-1234-5678 end.", |pieces| {
        let mut masker = Masker::new(&rules, Some(all()), false);
        let mut out: String = pieces.iter().map(|piece| masker.push(piece)).collect();
        let (rest, counts) = masker.finish();
        out.push_str(&rest);
        assert_eq!((out.as_str(), counts.len()), ("call [kr.phone].", 2), "{pieces:?}");
    });
}

#[test]
fn little_is_held_back() {
    let text = "한국어 문장과 English words, 그리고 12345 숫자. ".repeat(200);
    let mut masker = Masker::new(&Rules::default(), Some(all()), false);
    for (place, piece) in text.split_inclusive(' ').enumerate() {
        masker.push(piece);
        assert!(masker.held.len() <= 160, "{} bytes held after piece {place}", masker.held.len());
    }
    assert_eq!(format!("{masker:?}"), "Masker(hidden)");
}
