//! Forms in which providers say what is wrong, and when to come back.

use http::{HeaderName, HeaderValue};

use super::*;

fn read(body: &str) -> (Option<String>, Option<String>) {
    let told = Told::read(body.as_bytes());
    (told.code, told.message)
}

#[test]
fn every_form_of_error_gives_its_code_and_its_words() {
    let rows = [
        (r#"{"error":{"message":"no","type":"t","param":"p","code":"model_not_found"}}"#, "model_not_found", "no"),
        (r#"{"error":{"message":"no","type":"insufficient_quota","code":null}}"#, "insufficient_quota", "no"),
        (
            r#"{"type":"error","error":{"type":"permission_error","message":"no"},"request_id":"r"}"#,
            "permission_error",
            "no",
        ),
        (r#"{"object":"error","message":"no","type":"NotFoundError","param":null,"code":404}"#, "404", "no"),
        (r#"[{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}]"#, "403", "no"),
        (r#"{"status":{"code":"42901","message":"no"}}"#, "42901", "no"),
        (r#"{"error":"no"}"#, "", "no"),
        (r#"{"error":"not_allowed","message":"no"}"#, "", "no"),
        (r#"{"detail":"no"}"#, "", "no"),
        (r#"{"errors":[{"message":"no","code":"x"}]}"#, "x", "no"),
        (r#"{"message":"no","code":"has blanks in it"}"#, "", "no"),
        (r#""no""#, "", "no"),
        ("  no \n matter ", "", "no matter"),
        ("<html><head><title>403</title></head><body>not <b>here</b></body></html>", "", "403 not here"),
        ("<html><unclosed", "", ""),
        ("", "", ""),
        ("[]", "", ""),
        ("7", "", ""),
    ];
    for (body, code, message) in rows {
        let of = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        assert_eq!(read(body), (of(code), of(message)), "{body}");
    }
    let deep = "[".repeat(100) + &"]".repeat(100);
    assert_eq!(read(&deep), (None, None));
    assert!(read(&"word ".repeat(10_000)).1.unwrap().len() <= WORDS_BYTES_MAX);
    assert_eq!(Told::read(b"\xff\xfe no").message.unwrap(), "\u{fffd}\u{fffd} no");
}

#[test]
fn a_key_is_seen_where_it_is_repeated_whole_or_in_part() {
    let shows = |message: &str| {
        Told { message: Some(message.to_owned()), ..Told::default() }.shows("sk-provider-secret-canary")
    };
    for told in ["bad key sk-provider-secret-canary", "bad key sk-provi********", "bad key ********t-canary"] {
        assert!(shows(told), "{told}");
    }
    assert!(!shows("bad key"));
    assert!(!Told { message: Some("x".to_owned()), ..Told::default() }.shows(""));
}

#[test]
fn how_long_to_wait_is_read_from_whichever_header_says_so() {
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<u128>);
    let now: Timestamp = "2026-11-21T21:00:00Z".parse().unwrap();
    let after = |headers: &[(&str, &str)]| {
        let pairs = headers.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        retry_after(&pairs.collect(), now).map(|span| span.as_millis())
    };
    let rows: [Row<'_>; 14] = [
        (&[("retry-after", "7")], Some(7_000)),
        (&[("retry-after", "0.5")], Some(500)),
        (&[("retry-after", "Sat, 21 Nov 2026 21:02:00 GMT")], Some(120_000)),
        (&[("retry-after", "Sat, 21 Nov 2026 20:02:00 GMT")], Some(0)),
        (&[("retry-after", "2026-11-21T21:00:09Z")], Some(9_000)),
        (&[("retry-after", "soon")], None),
        (&[("retry-after", "-7")], None),
        (&[("retry-after", "1e300")], None),
        (&[("retry-after-ms", "1500"), ("retry-after", "2")], Some(1_500)),
        (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")], Some(360_000)),
        (&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "20ms")], Some(20)),
        (&[("x-ratelimit-remaining-requests", "3"), ("x-ratelimit-reset-requests", "1h")], None),
        (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "1m30.5s")], Some(90_500)),
        (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "1y")], None),
    ];
    for (headers, wanted) in rows {
        assert_eq!(after(headers), wanted, "{headers:?}");
    }
}
