//! Bodies that everyone must read the same: what is refused and in which words, and that the rest reads as serde_json
//! reads it.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::error::Code;

fn refused(body: impl AsRef<[u8]>) -> String {
    let invalid = parse::<Json>(body.as_ref()).unwrap_err();
    assert_eq!(invalid.code, Code::InvalidJson, "{}", invalid.message);
    let reason = invalid.message.strip_prefix("the body is not JSON that can be accepted: ").unwrap();
    reason.to_owned()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn what_readers_could_read_differently_is_refused() {
    assert_eq!(refused(b"\xef\xbb\xbf{}"), "it begins with a byte order mark (line 1, column 1)");
    assert_eq!(refused(b"{\"a\":\"\xff\"}"), "it is not UTF-8 (line 1, column 7)");
    assert_eq!(refused(b"\"\xed\xa0\x80\""), "it is not UTF-8 (line 1, column 2)");
    for lone in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud83dx""#, r#""\ud83d\n""#] {
        assert_eq!(refused(lone), "half of a surrogate pair stands alone in a string (line 1, column 2)", "{lone}");
    }
    for huge in ["1e400", "-1e400", "18446744073709551616", "-9223372036854775809", &"9".repeat(400)] {
        assert_eq!(refused(huge), "a number is too large to be held exactly (line 1, column 1)", "{huge}");
    }
    assert_eq!(refused("{} {}"), "something follows after the end of the value (line 1, column 4)");
    assert_eq!(refused("{}\n\0"), "something follows after the end of the value (line 2, column 1)");
}

#[test]
fn depth_has_a_limit_wherever_it_arises() {
    assert!(parse::<Json>(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert_eq!(refused(nested(DEPTH_MAX + 1)), "it is nested deeper than 64 levels (line 1, column 65)");
    assert_eq!(refused("[".repeat(5_000_000)), "it is nested deeper than 64 levels (line 1, column 65)");
    let objects = format!("{}1{}", r#"{"a":"#.repeat(65), "}".repeat(65));
    assert!(refused(objects).starts_with("it is nested deeper than 64 levels"));
}

#[test]
fn values_have_a_limit() {
    let body = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
    assert!(parse::<Json>(body(VALUES_MAX - 1).as_bytes()).is_ok());
    assert!(refused(body(VALUES_MAX)).starts_with("it holds more than 1048576 values"));
}

#[test]
fn a_key_given_twice_is_refused_at_every_level() {
    for (body, param) in [
        (r#"{"a":1,"a":1}"#, "a"),
        (r#"{"a":[{},{"b":{"c":1,"d":2,"c":3}}]}"#, "a[1].b.c"),
        // The same key, spelt with an escape.
        (r#"{"a":1,"\u0061":2}"#, "a"),
        (r#"{"":1,"":2}"#, ""),
    ] {
        let invalid = parse::<Json>(body.as_bytes()).unwrap_err();
        assert_eq!(invalid.code, Code::DuplicateParameter);
        assert_eq!(invalid.param.unwrap_or_default(), param);
        assert!(invalid.message.contains("is given twice"), "{}", invalid.message);
    }
    // Other letters are other keys.
    assert!(parse::<Json>(br#"{"a":1,"A":2}"#).is_ok());
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (body, reason) in [
        ("", "it ends too early (line 1, column 1)"),
        ("{", "it ends too early (line 1, column 2)"),
        ("[1,", "it ends too early (line 1, column 4)"),
        ("\"abc", "it ends too early (line 1, column 5)"),
        ("{\"a\"", "it ends too early (line 1, column 5)"),
        ("{\"a\" 1}", "a colon was expected after the key (line 1, column 6)"),
        ("{a:1}", "a key in double quotes was expected (line 1, column 2)"),
        ("{'a':1}", "a key in double quotes was expected (line 1, column 2)"),
        ("{\"a\":1,}", "a key in double quotes was expected (line 1, column 8)"),
        ("[1,]", "a value was expected (line 1, column 4)"),
        ("[,1]", "a value was expected (line 1, column 2)"),
        ("[1 2]", "a comma or a closing bracket was expected (line 1, column 4)"),
        ("[1}", "a comma or a closing bracket was expected (line 1, column 3)"),
        ("[\n  tru]", "a value was expected (line 2, column 3)"),
        ("NaN", "a value was expected (line 1, column 1)"),
        ("-Infinity", "a number is not written as JSON writes it (line 1, column 1)"),
        ("01", "a number is not written as JSON writes it (line 1, column 1)"),
        ("1.", "a number is not written as JSON writes it (line 1, column 1)"),
        (".5", "a value was expected (line 1, column 1)"),
        ("+1", "a value was expected (line 1, column 1)"),
        ("1e", "a number is not written as JSON writes it (line 1, column 1)"),
        ("\"가\tb\"", "a control character stands unescaped in a string (line 1, column 3)"),
        ("\"a\nb\"", "a control character stands unescaped in a string (line 1, column 3)"),
        ("\"\\x\"", "an escape in a string is not one that JSON knows (line 1, column 2)"),
        ("\"\\u12g4\"", "an escape in a string is not one that JSON knows (line 1, column 2)"),
        ("\"\\u12", "an escape in a string is not one that JSON knows (line 1, column 2)"),
        ("\"\\", "an escape in a string is not one that JSON knows (line 1, column 2)"),
        ("// x\n1", "a value was expected (line 1, column 1)"),
    ] {
        assert_eq!(refused(body), reason, "{body}");
    }
}

#[test]
fn numbers_keep_their_exact_value() {
    for (literal, value) in [
        ("18446744073709551615", Json::Whole(u64::MAX.into())),
        ("-9223372036854775808", Json::Whole(i64::MIN.into())),
        ("0", Json::Whole(0)),
        ("-0", Json::Real(-0.0)),
        ("1.0", Json::Real(1.0)),
        ("1E+2", Json::Real(100.0)),
        ("1e-400", Json::Real(0.0)),
    ] {
        assert_eq!(parse::<Json>(literal.as_bytes()).unwrap(), value, "{literal}");
    }
    assert_eq!(serde_json::to_string(&Json::Real(-0.0)).unwrap(), "-0.0");
}

#[test]
fn members_are_found_by_their_key() {
    let json: Json = parse(br#"{"a":["b",{"c":"d"}],"\u0065":null}"#).unwrap();
    assert_eq!(json.get("e"), Some(&Json::Null));
    assert_eq!(json.get("b"), None);
}

pub(crate) fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        (i128::from(i64::MIN)..=i128::from(u64::MAX)).prop_map(Json::Whole),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Json::Real),
        any::<String>().prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(json in any_json()) {
        let text = serde_json::to_string(&json).unwrap();
        prop_assert_eq!(&parse::<Json>(text.as_bytes()).unwrap(), &json);
        let pretty = serde_json::to_string_pretty(&json).unwrap();
        prop_assert_eq!(parse::<Json>(pretty.as_bytes()).unwrap(), json);
    }

    #[test]
    fn strings_read_as_serde_json_reads_them(units in prop::collection::vec(any::<u16>(), 0..40), raw in ".{0,40}") {
        let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
        let plain = serde_json::to_string(&raw).unwrap();
        for body in [format!("\"{escaped}\""), format!("\"{}{escaped}\"", plain.trim_matches('"')), plain] {
            let theirs = serde_json::from_str::<String>(&body).ok();
            prop_assert_eq!(parse::<String>(body.as_bytes()).ok(), theirs, "{}", body);
        }
    }

    /// Whatever we accept, serde_json accepts and reads the same; nothing makes us panic.
    #[test]
    fn nothing_is_accepted_that_others_refuse(body in r#"[\[\]{}",:\\0-9eE.+\-truefalsn u\x00-\x20]{0,24}"#) {
        if let Ok(json) = parse::<Json>(body.as_bytes()) {
            let theirs: serde_json::Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(serde_json::to_value(&json).unwrap(), theirs);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..64)) {
        let ours = parse::<Json>(&body).is_ok();
        let theirs = serde_json::from_slice::<serde_json::Value>(&body).is_ok();
        prop_assert!(theirs || !ours);
    }
}

/// Every string, key and number as serde_json's tree has them, in order.
fn leaves(json: &Json, found: &mut Vec<(TokenKind, String)>) {
    match json {
        Json::Null | Json::Bool(_) => found.push((TokenKind::Word, serde_json::to_string(json).unwrap())),
        Json::Whole(_) | Json::Real(_) => found.push((TokenKind::Number, serde_json::to_string(json).unwrap())),
        Json::Text(text) => found.push((TokenKind::Text, text.clone())),
        Json::Array(items) => {
            for item in items {
                leaves(item, found);
            }
            found.push((TokenKind::Array, String::new()));
        }
        Json::Object(members) => {
            for (key, value) in members {
                found.push((TokenKind::Key, key.clone()));
                leaves(value, found);
            }
            found.push((TokenKind::Object, String::new()));
        }
    }
}

/// The value at the end of a way.
fn at<'j>(json: &'j Json, path: &[Step<'_>]) -> Option<&'j Json> {
    path.iter().try_fold(json, |json, step| match (step, json) {
        (Step::Key(key), Json::Object(_)) => json.get(key),
        (Step::Item(item), Json::Array(items)) => items.get(*item),
        _ => None,
    })
}

/// `text` as a JSON string of escapes alone.
fn escaped(text: &str) -> String {
    let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{}\"", units.concat())
}

proptest! {
    /// The walk sees what a tree holds, in whatever spelling, and says where it stands.
    #[test]
    fn a_walk_sees_every_token_where_it_stands(json in any_json(), pretty in any::<bool>(), spelled_out in any::<bool>()) {
        let mut text =
            if pretty { serde_json::to_string_pretty(&json).unwrap() } else { serde_json::to_string(&json).unwrap() };
        let mut strings = Vec::new();
        walk(text.as_bytes(), |token, _| if matches!(token.kind, TokenKind::Key | TokenKind::Text) {
            strings.push((token.range.clone(), escaped(&token.text)));
        }).unwrap();
        if spelled_out {
            let edits = strings.iter().map(|(range, with)| (range.clone(), with.as_str()));
            text = String::from_utf8(splice(text.as_bytes(), edits)).unwrap();
            prop_assert_eq!(&parse::<Json>(text.as_bytes()).unwrap(), &json);
        }
        let (mut seen, mut wanted) = (Vec::new(), Vec::new());
        walk(text.as_bytes(), |token, path| {
            let raw = text.get(token.range.clone()).unwrap();
            match token.kind {
                TokenKind::Key | TokenKind::Text => {
                    assert_eq!(serde_json::from_str::<String>(raw).unwrap(), token.text);
                    assert_eq!(matches!(token.text, Cow::Borrowed(_)), !raw.contains('\\'));
                }
                TokenKind::Number | TokenKind::Word => assert_eq!(raw, token.text),
                TokenKind::Array | TokenKind::Object => {}
            }
            if token.kind == TokenKind::Key {
                assert!(at(&json, path).unwrap().get(&token.text).is_some());
            } else {
                assert_eq!(&parse::<Json>(raw.as_bytes()).unwrap(), at(&json, path).unwrap());
            }
            seen.push((token.kind, token.text.into_owned()));
        }).unwrap();
        leaves(&json, &mut wanted);
        prop_assert_eq!(seen, wanted);
        prop_assert_eq!(splice(text.as_bytes(), []), text.as_bytes());
    }

    /// What the strict parser refuses for its form is no walk either, and the other way round.
    #[test]
    fn a_walk_takes_what_the_parser_takes(body in r#"[\[\]{}",:\\0-9eE.+\-truefalsn u\x00-\x20]{0,24}"#) {
        let (parsed, walked) = (parse::<Json>(body.as_bytes()), walk(body.as_bytes(), |_, _| {}));
        prop_assert!(parsed.is_err() || walked.is_ok(), "{}", body);
        if walked.is_ok() {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok(), "{}", body);
        }
    }
}
