//! Where witnesses may be asked, and how their answers are told apart.

use super::*;

#[test]
fn the_call_stands_behind_the_prefix() {
    let rows = [
        ("https://witness.example", "https://witness.example/add-checkpoint"),
        ("https://witness.example/", "https://witness.example/add-checkpoint"),
        ("https://witness.example:8443/a/b/", "https://witness.example:8443/a/b/add-checkpoint"),
        ("http://127.0.0.1:4001/witness", "http://127.0.0.1:4001/witness/add-checkpoint"),
        ("http://127.8.0.9:4001/witness", "http://127.8.0.9:4001/witness/add-checkpoint"),
        ("http://[::1]:4001/witness", "http://[::1]:4001/witness/add-checkpoint"),
        ("http://localhost:4001/witness", "http://localhost:4001/witness/add-checkpoint"),
    ];
    for (url, wanted) in rows {
        assert_eq!(add_checkpoint(url).map(|uri| uri.to_string()), Ok(wanted.to_owned()));
    }
}

#[test]
fn nobody_is_asked_in_clear_text_over_a_network_or_with_credentials() {
    let rows = [
        ("http://witness.example", "`https`"),
        ("http://192.0.2.1", "`https`"),
        ("http://localhost.evil.example", "`https`"),
        ("http://127.0.0.1.evil.example", "`https`"),
        ("https://user:word@witness.example", "user"),
        ("https://witness.example/?a=b", "query"),
        ("ftp://witness.example", "neither"),
        ("witness.example", "neither"),
        ("/witness", "host"),
        ("https://", "URL"),
    ];
    for (url, words) in rows {
        let told = add_checkpoint(url).unwrap_err();
        assert!(told.contains(words), "{url}: {told}");
    }
}

#[test]
fn answers_are_told_apart_by_status_and_form() {
    let of = |status, words: &str| Reply::of(status, words.to_owned());
    assert_eq!(of(200, "— w x\n"), Reply::Cosigned("— w x\n".to_owned()));
    assert_eq!(of(409, "20852014\n"), Reply::Knows(20_852_014));
    assert_eq!(of(422, "no\n"), Reply::NotConsistent);
    for words in ["", "5", "05\n", "+5\n", "5\n\n", "18446744073709551616\n", "no\n"] {
        assert!(matches!(of(409, words), Reply::Refused(409, _)), "{words:?}");
    }
    assert_eq!(of(500, &"x".repeat(5000)), Reply::Refused(500, "x".repeat(WORDS_LETTERS_MAX)));
    assert_eq!(of(302, ""), Reply::Refused(302, String::new()));
}
