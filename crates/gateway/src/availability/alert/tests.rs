//! What is sent, and that it can be checked.

use http::Uri;

use super::{Alert, request, signature};
use crate::{
    availability::{Cause, Withdrawal},
    config::{Secret, Webhook},
    withdrawal::Subject,
};

fn withdrawal() -> Withdrawal {
    Withdrawal {
        subject: Subject::Destination("abroad".into()),
        cause: Cause::Region,
        since: "2026-11-21T12:00:00Z".parse().unwrap(),
        by: "gateway".into(),
        why: "it serves no one from this region (403)".into(),
        notice: None,
    }
}

#[test]
fn an_alert_says_what_when_and_why_as_fields_and_in_a_sentence() {
    let Alert(begun) = Alert::begun(&withdrawal());
    assert_eq!(begun["event"], "withdrawal.begin");
    assert_eq!((&begun["subject"], &begun["cause"]), (&"destination:abroad".into(), &"region".into()));
    assert_eq!((&begun["at"], &begun["by"]), (&"2026-11-21T12:00:00Z".into(), &"gateway".into()));
    assert_eq!(
        begun["text"],
        "Gwanmun: the destination abroad is withdrawn (region): it serves no one from this region (403). \
         It is not asked until `gwanmun restore destination:abroad --approve`."
    );
}

/// The digest was worked out with another implementation (Python's `hmac`).
#[test]
fn the_signature_is_over_timestamp_and_body() {
    assert_eq!(
        signature(b"key", 1_700_000_000, "{}"),
        "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
    );
}

#[test]
fn without_a_key_nothing_is_signed() {
    let url = Uri::from_static("https://hooks.example.org/1");
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    let alert = Alert::begun(&withdrawal());
    let plain = request(&Webhook { url: url.clone(), key: None }, &alert, now);
    assert!(!plain.headers().contains_key("x-gwanmun-signature"));
    let signed = request(&Webhook { url, key: Some(Secret::new("key")) }, &alert, now);
    assert_eq!(signed.headers()["x-gwanmun-timestamp"], "1795262400");
    assert!(signed.headers()["x-gwanmun-signature"].to_str().unwrap().starts_with("v1="));
}
