//! Tests of joining answers: whatever is cut where, changed in its blanks and however it comes, what is joined is the one text,
//! or nothing is.

#![expect(clippy::string_slice, reason = "tests cut where they have looked")]

use bytes::Bytes;
use inspect::language::Language;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::asking::instruction_in;
use super::{Apart, Partial, Trimmed, Trimmer, continuing, letters, unjoinable};
use crate::read::{Ask, Surface};

const TEXT: &str = "The Han flows through Seoul from east to west. 한강은 서울을 동에서 서로 가로지릅니다. Its bridges, 31 of \
                    them,\n\nare lit at night 🇰🇷, and people walk there until late in summer.";

/// What is given in the end, if anything is joined; the new answer comes in pieces of so many characters.
fn joined(given: &str, new: &str, piece: usize) -> Result<String, Apart> {
    let mut trimmer = Trimmer::new(&Partial::new(given, None)).ok_or(Apart::NoAnchor)?;
    let letters: Vec<char> = new.chars().collect();
    let mut out = given.to_owned();
    let mut holds = true;
    for piece in letters.chunks(piece.max(1)) {
        let piece: String = piece.iter().collect();
        if !holds {
            out.push_str(&piece);
            continue;
        }
        match trimmer.push(&piece) {
            Trimmed::Held => {}
            Trimmed::Joined(rest) => {
                out.push_str(&rest);
                holds = false;
            }
            Trimmed::Apart(why) => return Err(why),
        }
    }
    if holds {
        match trimmer.end() {
            Trimmed::Joined(rest) => out.push_str(&rest),
            Trimmed::Apart(why) => return Err(why),
            Trimmed::Held => panic!("an answer that has ended is not waited for"),
        }
    }
    Ok(out)
}

fn cuts(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.char_indices().map(|(at, _)| at)
}

#[test]
fn an_anchor_is_the_last_words_and_cuts_no_character() {
    assert_eq!(Partial::new("one two", None).anchor(), None, "too little to be known by");
    assert_eq!(Partial::new("twelve letters ", None).anchor(), Some("twelve letters"));
    for cut in cuts(TEXT).skip(20) {
        let given = &TEXT[..cut];
        let partial = Partial::new(given, None);
        let anchor = partial.anchor().unwrap();
        assert!(given.trim_end().ends_with(anchor) && !anchor.starts_with(char::is_whitespace));
        assert!((12..=44).contains(&anchor.chars().count()), "{anchor:?}");
    }
    let flags = format!("{}{}", "🇰🇷".repeat(30), "e\u{301}".repeat(30));
    let partial = Partial::new(flags.as_str(), None);
    assert!(partial.anchor().unwrap().starts_with('e'), "a mark has its letter");
    let flags = format!("x{}", "🇰🇷".repeat(30));
    let partial = Partial::new(flags.as_str(), None);
    assert!(partial.anchor().unwrap().chars().count() == 60, "no flag is cut in two, were it known where one begins");
}

#[test]
fn every_cut_of_a_text_is_joined_to_the_letter() {
    let mut joins = 0;
    for cut in cuts(TEXT) {
        let partial = Partial::new(&TEXT[..cut], None);
        let Some(anchor) = partial.anchor() else { continue };
        let from = TEXT[..cut].rfind(anchor).unwrap();
        for preamble in ["", "Here's the rest: ", "\n\n"] {
            for piece in [1, 7, 1000] {
                let out = joined(&TEXT[..cut], &format!("{preamble}{}", &TEXT[from..]), piece);
                assert_eq!(out.as_deref(), Ok(TEXT), "cut at {cut}, after {preamble:?}");
            }
        }
        // One that begins anew is joined where its beginning comes to the words in time, and else is not.
        let anew = joined(&TEXT[..cut], TEXT, 5);
        assert!(anew == Ok(TEXT.to_owned()) || anew == Err(Apart::NoAnchor), "cut at {cut}: {anew:?}");
        joins += 1;
    }
    assert!(joins > 100);
}

#[test]
fn where_there_is_doubt_nothing_is_joined() {
    let given = "They crossed the river and rested in the shade";
    let cases = [
        ("I am sorry, but I cannot help with that.", Apart::NoAnchor),
        (" of the trees until evening came.", Apart::NoAnchor),
        ("crossed the stream and rested in the shade of trees", Apart::NoAnchor),
        ("It's \"They went over, not crossed the river and rested in the shade\" of the trees", Apart::Changed),
        ("\"They crossed the river and rested in the shade\" of the trees", Apart::Changed),
        (
            "They crossed the river and rested in the shade. They crossed the river and rested in the shade of trees",
            Apart::Ambiguous,
        ),
    ];
    for (new, why) in cases {
        assert_eq!(joined(given, new, 3), Err(why), "{new}");
    }
    let refrain = "la la la la la la la la la la la la la la la la la la la la";
    assert_eq!(joined(refrain, &format!("{refrain} la"), 4), Err(Apart::Ambiguous));
    let twice = "Row, row, row your boat, gently down the stream. Row, row, row your boat, gently down the stream";
    assert_eq!(
        joined(twice, &format!("{twice}, merrily"), 9),
        Err(Apart::Ambiguous),
        "begun anew, it would be cut too early"
    );
    // A blank was given, and the new answer has another there: which of them is right cannot be known.
    assert_eq!(joined("rested in the shade of\n\n", "rested in the shade of the trees", 9), Err(Apart::Changed));
    assert_eq!(
        joined("rested in the shade of\n", "rested in the shade of\n\nthe trees", 9).as_deref(),
        Ok("rested in the shade of\n\nthe trees")
    );
}

#[test]
fn the_next_is_asked_in_the_language_spoken() {
    let cases = [
        ("한강은 서울을 동에서 서로 가로지르는 큰 강입니다", "방금 답변이"),
        ("La Seine traverse la ville de Paris et se jette dans la mer", "Votre réponse"),
        ("Sông Hồng chảy qua thủ đô Hà Nội rồi đổ ra biển Đông", "Câu trả lời"),
        ("隅田川は東京の東を流れて、それから海に注いでいます", "直前の回答"),
        ("The Thames flows through the city and into the North Sea", "Your previous"),
        ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", "Your previous"),
    ];
    for (given, begins) in cases {
        let partial = Partial::new(given, Some(10));
        let anchor = partial.anchor().unwrap().to_owned();
        let asked = continuing(&ask(&json!({"max_tokens": 30, "stop": ["END"]})), &partial).unwrap();
        let body: Value = serde_json::from_slice(&asked.to_json("far")).unwrap();
        let messages = body["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[1], json!({"role": "assistant", "content": given}));
        let wanted = messages[2]["content"].as_str().unwrap();
        assert!(wanted.starts_with(begins) && wanted.ends_with(&anchor), "{wanted}");
        assert_eq!(
            (&body["max_tokens"], &body["stop"], &body["stream"]),
            (&json!(20 + 40), &json!(["END"]), &json!(true))
        );
    }
    for language in Language::ALL {
        assert!(instruction_in(language, "anchor").ends_with("\n\nanchor"));
    }
}

#[test]
fn nothing_is_asked_for_where_nothing_is_left() {
    let given = Partial::new("They crossed the river and rested", Some(30));
    assert!(continuing(&ask(&json!({"max_tokens": 30})), &given).is_none());
    assert!(continuing(&ask(&json!({})), &given).is_some());
    assert!(continuing(&ask(&json!({})), &Partial::new("They", Some(1))).is_none());
}

#[test]
fn only_plain_text_is_joined() {
    assert_eq!(unjoinable(&ask(&json!({"temperature": 1, "stop": "x", "max_tokens": 5}))), None);
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    for more in [
        json!({"tools": tool}),
        json!({"response_format": {"type": "json_object"}}),
        json!({"logprobs": true}),
        json!({"n": 2}),
        json!({"reasoning_effort": "low"}),
        json!({"seed": 1}),
        json!({"stream": false}),
    ] {
        assert!(unjoinable(&ask(&more)).is_some(), "{more}");
    }
}

fn ask(more: &Value) -> Ask {
    let mut body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "?"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Ask::alone(Surface::Chat, Bytes::from(body.to_string())).unwrap()
}

/// The text with its blanks changed, but not those at its end.
fn blanks_changed(text: &str, with: &str) -> String {
    let body = text.trim_end();
    let changed: String =
        body.chars().map(|letter| if letter.is_whitespace() { with.to_owned() } else { letter.to_string() }).collect();
    changed + &text[body.len()..]
}

proptest! {
    /// Random texts and cuts; the repeated words with changed blanks, after a preamble, in any pieces.
    #[test]
    fn joined_to_the_letter_or_not_at_all(
        text in "[a-d가-다é \n]{0,60}[a-z0-9가-힣 ,.\n]{20,300}",
        cut in any::<prop::sample::Index>(),
        with in "[ \n\t]{1,3}",
        preamble in "([a-z ]{0,30}: )?",
        piece in 1_usize..50,
    ) {
        let cut = text.char_indices().map(|(at, _)| at).nth(cut.index(text.chars().count())).unwrap_or(0);
        let (given, rest) = text.split_at(cut);
        let partial = Partial::new(given, None);
        let Some(anchor) = partial.anchor() else { return Ok(()) };
        let from = given.trim_end().len() - anchor.len();
        let new = format!("{preamble}{}{rest}", blanks_changed(&given[from..], &with));
        match joined(given, &new, piece) {
            Ok(out) => prop_assert_eq!(out, text),
            Err(Apart::NoAnchor) => prop_assert!(false, "the words stand there: {:?}", new),
            Err(Apart::Ambiguous | Apart::Changed) => {}
        }
    }

    /// Whatever comes back, what was given is not repeated: the last words stand once in what is joined, as they did before.
    #[test]
    fn nothing_is_doubled(given in "[a-c ]{20,80}", new in "[a-c \"]{0,300}", piece in 1_usize..50) {
        if let Ok(out) = joined(&given, &new, piece) {
            prop_assert!(out.starts_with(&given));
            let anchor: String = letters(Partial::new(given.as_str(), None).anchor().unwrap()).collect();
            let added: String = letters(&out[given.len()..]).take(anchor.chars().count()).collect();
            prop_assert_ne!(added, anchor);
        }
    }
}
