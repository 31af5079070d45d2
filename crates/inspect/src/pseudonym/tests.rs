//! Round trips at every cut, shapes, what must be refused, and that nothing can be printed.

#![expect(clippy::string_slice, reason = "a slice off a border fails the test, as it should")]

use super::{DisguiseError, Hiding, Map, RequestKey, disguise, disguise_all, mask};
use crate::{Dictionary, Findings, Kind, Rules, scan};

const TEXT: &str = "주민번호 900101-1234568, 카드 4111-1111-1111-1111이고 전화는 010-1234-5678. 메일 kim@example.co.kr, \
                    again 4111111111111111 / ９００１０１-1234568, ip 10.20.30.40, 청룡 사업, DE89 3704 0044 0532 0130 00.";

fn rules() -> Rules {
    Rules::new(&[Dictionary { name: "project".to_owned(), words: vec!["청룡 사업".to_owned()] }], &[]).expect("rules")
}

fn key(byte: u8) -> RequestKey {
    RequestKey::new([byte; 32])
}

fn disguised() -> (String, Map) {
    disguise(TEXT, &scan(TEXT, &rules()), &key(1)).expect("disguised")
}

fn restore(map: &Map, pieces: &[&str]) -> String {
    let mut stream = map.restorer();
    let mut restored = String::new();
    for piece in pieces {
        restored.push_str(&stream.push(piece));
        assert!(stream.held() < map.longest().max(1), "more held back than the longest pseudonym");
    }
    restored + &stream.finish()
}

fn restore_json(map: &Map, pieces: &[&str]) -> String {
    let mut stream = map.json_restorer();
    let mut restored: String = pieces.iter().map(|piece| stream.push(piece)).collect();
    restored.push_str(&stream.finish());
    restored
}

#[test]
fn nothing_of_the_originals_goes_out() {
    let (out, map) = disguised();
    let findings = scan(TEXT, &rules());
    assert_eq!(findings.len(), 9, "{findings:?}");
    assert_eq!(map.len(), 9);
    for finding in &findings {
        let original = &TEXT[finding.range.clone()];
        assert!(!out.contains(original), "{original} in {out}");
    }
    assert!(out.contains(".example,") && out.contains("198.18.") && out.contains("project-"), "{out}");
    let kinds: Vec<_> = scan(&out, &Rules::default()).iter().map(|it| it.kind.name().into_owned()).collect();
    assert!(!kinds.iter().any(|kind| ["kr.resident", "card", "iban"].contains(&kind.as_str())), "{kinds:?}: {out}");
}

#[test]
fn every_cut_restores() {
    let (out, map) = disguised();
    let answer = format!("답: {out}{out} {}", &out[..out.floor_char_boundary(20)]);
    let whole = restore(&map, &[&answer]);
    assert!(whole.starts_with(&format!("답: {TEXT}{TEXT}")));
    let cuts: Vec<usize> = (0..=answer.len()).filter(|cut| answer.is_char_boundary(*cut)).collect();
    for (place, first) in cuts.iter().enumerate() {
        let (head, tail) = answer.split_at(*first);
        assert_eq!(restore(&map, &[head, tail]), whole, "cut at {first}");
        for second in cuts.iter().skip(place).step_by(7) {
            let (middle, end) = tail.split_at(second - first);
            assert_eq!(restore(&map, &[head, middle, end]), whole, "cut at {first} and {second}");
        }
    }
    let each: Vec<String> = answer.chars().map(String::from).collect();
    assert_eq!(restore(&map, &each.iter().map(String::as_str).collect::<Vec<_>>()), whole);
}

#[test]
fn arguments_restore_on_the_decoded_string() {
    let text = "열쇠 -----BEGIN PRIVATE KEY-----\nabc\n\"x\\\n-----END PRIVATE KEY-----, 전화 010-1234-5678";
    let (out, map) = disguise(text, &scan(text, &Rules::default()), &key(2)).expect("disguised");
    assert_eq!(map.len(), 2);
    let plain = serde_json::json!({ "note": out, "😀": [1, true] }).to_string();
    let phone = out.rsplit(' ').next().expect("a telephone number");
    let escaped = phone.chars().fold(String::new(), |all, character| format!("{all}\\u{:04x}", u32::from(character)));
    for document in [plain.clone(), plain.replace(phone, &escaped).replace("😀", "\\ud83d\\ude00")] {
        let wanted = serde_json::json!({ "note": text, "😀": [1, true] });
        let whole = restore_json(&map, &[&document]);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&whole).expect("JSON"), wanted);
        let cuts: Vec<usize> = (0..=document.len()).filter(|cut| document.is_char_boundary(*cut)).collect();
        for (place, first) in cuts.iter().enumerate() {
            let (head, tail) = document.split_at(*first);
            assert_eq!(restore_json(&map, &[head, tail]), whole, "cut at {first}");
            for second in cuts.iter().skip(place).step_by(5) {
                let (middle, end) = tail.split_at(second - first);
                assert_eq!(restore_json(&map, &[head, middle, end]), whole, "cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn wrong_escapes_pass_as_they_came() {
    let (_, map) = disguised();
    for text in ["\\", "\\u12", "\\ud800", "\\ud800\\u0041", "\\uzzzz!", "a\\q\\u00e9\\", "\\ud83d\\", "\\é"] {
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let (head, tail) = text.split_at(cut);
            assert_eq!(restore_json(&map, &[head, tail]), text, "cut at {cut}");
        }
    }
}

#[test]
fn one_request_one_pseudonym_another_request_another() {
    let texts = ["전화 010-1234-5678", "call 010-1234-5678 or 01012345678"];
    let found: Vec<Findings> = texts.iter().map(|text| scan(text, &Rules::default())).collect();
    let pairs: Vec<(&str, &Findings)> = texts.iter().copied().zip(&found).collect();
    let (out, map) = disguise_all(&pairs, &key(3), |_| Hiding::Pseudonym).expect("disguised");
    assert_eq!(map.len(), 2);
    let (first, second) = (out[0].rsplit(' ').next(), out[1].split(' ').nth(1));
    assert_eq!(first, second);
    assert_eq!(first.map(|it| it.replace('-', "")).as_deref(), out[1].rsplit(' ').next(), "the same digits");
    let (other, _) = disguise_all(&pairs, &key(4), |_| Hiding::Pseudonym).expect("disguised");
    assert_ne!(out, other);
    assert_eq!(out, disguise_all(&pairs, &key(3), |_| Hiding::Pseudonym).expect("disguised").0);
}

#[test]
fn what_no_word_names_is_hidden_where_it_stands_again() {
    let text = "계좌 110-123-456789 입니다.\n\n\n다른 곳에 적힌 것은 한참 뒤의 일이라 이름이 없는데도 같은 것이어서 숨겨야 하는 110-123-456789";
    let findings = scan(text, &Rules::default());
    assert_eq!(findings.len(), 1);
    let (out, map) = disguise(text, &findings, &key(5)).expect("disguised");
    assert!(!out.contains("110-123-456789"), "{out}");
    assert_eq!(restore(&map, &[&out]), text);
}

#[test]
fn a_text_full_of_pseudonyms_draws_others() {
    let text = "전화 010-1234-5678";
    let findings = scan(text, &Rules::default());
    let (first, _) = disguise(text, &findings, &key(6)).expect("disguised");
    let both = format!("{text} {first}");
    let (out, map) = disguise(&both, &findings, &key(6)).expect("disguised");
    assert!(out.ends_with(&first) && !out.starts_with(&first), "{out}");
    assert_eq!(restore(&map, &[&out]), both);
}

#[test]
fn nothing_can_be_printed_and_wrong_findings_are_refused() {
    let (_, map) = disguised();
    let shown = format!("{map:?} {:?} {:?} {:?}", map.restorer(), map.json_restorer(), key(9));
    assert_eq!(shown, "Map(hidden) Restorer(hidden) JsonRestorer(hidden) RequestKey(hidden)");
    let findings = scan(TEXT, &rules());
    assert_eq!(disguise("짧다", &findings, &key(1)).expect_err("another text"), DisguiseError::OtherText);
    let empty = disguise("평범한 글", &Findings::default(), &key(1)).expect("nothing to do");
    assert!(empty.0 == "평범한 글" && empty.1.is_empty());
    assert_eq!(restore(&empty.1, &["아무", " 일도"]), "아무 일도");
}

#[test]
fn what_is_masked_stays_hidden_and_the_rest_comes_back() {
    let text = "카드 4111-1111-1111-1111, 전화 010-1234-5678, 다시 4111-1111-1111-1111.";
    let findings = scan(text, &Rules::default());
    let hide = |kind: &Kind| if *kind == Kind::Card { Hiding::Mask } else { Hiding::Pseudonym };
    let (out, map) =
        disguise_all(&[(text, &findings), ("010-1234-5678 4111-1111-1111-1111", &Findings::default())], &key(7), hide)
            .expect("disguised");
    assert_eq!(map.len(), 1);
    assert!(out.iter().all(|out| !out.contains("4111") && !out.contains("1234-5678")), "{out:?}");
    assert_eq!(mask(&Kind::Card), "[card]");
    assert_eq!(restore(&map, &[&out[0]]), text.replace("4111-1111-1111-1111", "[card]"));
    assert_eq!(restore(&map, &[&out[1]]), "010-1234-5678 [card]");
}

#[test]
fn a_mask_wins_over_a_pseudonym_where_both_are_wanted() {
    let word = Dictionary { name: "vip".to_owned(), words: vec!["010-1234-5678".to_owned()] };
    let rules = Rules::new(&[word], &[]).expect("rules");
    let text = "전화 010-1234-5678";
    let findings = scan(text, &rules);
    assert_eq!(findings.len(), 2);
    for (masked, wanted) in [(Kind::KrPhone, "전화 [kr.phone]"), (Kind::Own("vip".into()), "전화 [own.vip]")] {
        let hide = |kind: &Kind| if *kind == masked { Hiding::Mask } else { Hiding::Pseudonym };
        let (out, map) = disguise_all(&[(text, &findings)], &key(8), hide).expect("disguised");
        assert!(out == [wanted] && map.is_empty(), "{out:?}");
    }
    // The same words, found as one kind here and as another there.
    let mut phones = findings.clone();
    phones.retain(|it| it.kind == Kind::KrPhone);
    let mut own = findings.clone();
    own.retain(|it| it.kind != Kind::KrPhone);
    let hide = |kind: &Kind| if kind.name() == "own.vip" { Hiding::Mask } else { Hiding::Pseudonym };
    let (out, _) = disguise_all(&[(text, &phones), (text, &own)], &key(8), hide).expect("disguised");
    assert_eq!(out, ["전화 [own.vip]", "전화 [own.vip]"]);
}
