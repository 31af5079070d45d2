//! One spelling for each value.

use super::{INTEGER_MAX, Value, read};

#[test]
fn the_canonical_spelling_is_read() {
    let text =
        "{\"\":null,\"a\":[1,-2,0,true,false],\"b\":{\"c\":\"\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f/é한\u{10000}\"}}";
    let Value::Object(members) = read(text.as_bytes()).unwrap() else { panic!("an object") };
    assert_eq!(members.len(), 3);
    let Value::Object(inner) = &members[2].1 else { panic!("an object") };
    assert_eq!(inner[0].1, Value::String("\"\\\u{8}\t\n\u{c}\r\u{0}\u{1f}/é한\u{10000}".into()));
    assert_eq!(read(INTEGER_MAX.to_string().as_bytes()).unwrap(), Value::Integer(9_007_199_254_740_991));
}

#[test]
fn other_spellings_are_refused_at_their_place() {
    for (text, at) in [
        ("", 0),
        (" 1", 0),
        ("1 ", 1),
        ("{\"a\": 1}", 5),
        ("{\"b\":1,\"a\":2}", 7),
        ("{\"a\":1,\"a\":1}", 7),
        ("{\"a\":1,}", 7),
        ("[1,]", 3),
        ("[1", 2),
        ("01", 0),
        ("-0", 0),
        ("-", 0),
        ("1.0", 1),
        ("1e3", 1),
        ("9007199254740992", 0),
        ("tru", 0),
        ("\"\\/\"", 1),
        ("\"\\u0041\"", 1),
        ("\"\\u001F\"", 1),
        ("\"\\u000a\"", 1),
        ("\"\\ud800\"", 1),
        ("\"\n\"", 1),
        ("\"abc", 4),
        ("[[[[[[[[[[1]]]]]]]]]]", 9),
    ] {
        assert_eq!(read(text.as_bytes()).map_err(|refusal| refusal.at), Err(at), "{text}");
    }
    assert_eq!(read(b"\"\xff\"").unwrap_err().wrong, "not UTF-8");
    assert_eq!(read("\u{feff}1".as_bytes()).unwrap_err().at, 0);
}

/// RFC 8785 orders names by UTF-16 units, in which what lies beyond the first plane comes before U+E000.
#[test]
fn names_are_ordered_by_utf_16() {
    assert!(read("{\"\u{10000}\":1,\"\u{e000}\":2}".as_bytes()).is_ok());
    assert!(read("{\"\u{e000}\":2,\"\u{10000}\":1}".as_bytes()).is_err());
}
