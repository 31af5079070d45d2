//! What the entrance makes of headers.

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[test]
fn only_a_page_of_ours_can_change_something() {
    assert!(from_here(&headers(&[("sec-fetch-site", "same-origin")])));
    for other in ["cross-site", "same-site", "none"] {
        assert!(!from_here(&headers(&[
            ("sec-fetch-site", other),
            ("origin", "http://localhost"),
            ("host", "localhost")
        ])));
    }
    assert!(from_here(&headers(&[("origin", "http://localhost:4001"), ("host", "localhost:4001")])));
    assert!(!from_here(&headers(&[("origin", "http://localhost:4002"), ("host", "localhost:4001")])));
    assert!(!from_here(&headers(&[("origin", "null"), ("host", "localhost:4001")])));
    assert!(!from_here(&headers(&[("host", "localhost:4001")])));
}

#[test]
fn the_cookie_goes_over_tls_but_on_this_machine() {
    assert!(!secure(&headers(&[("host", "localhost:4001")])));
    assert!(!secure(&headers(&[("host", "[::1]:4001")])));
    assert!(secure(&headers(&[("host", "10.0.0.7:4001")])));
    assert!(secure(&headers(&[("host", "localhost.example.org")])));
    assert!(secure(&headers(&[("host", "localhost"), ("x-forwarded-proto", "https")])));
}

#[test]
fn cookies_are_found_by_their_whole_names() {
    let given = headers(&[("cookie", "a=1; xgwanmun_session=no; gwanmun_session=yes; b=2")]);
    assert_eq!(cookie(&given, SESSION_COOKIE), Some("yes"));
    assert_eq!(cookie(&given, "c"), None);
}
