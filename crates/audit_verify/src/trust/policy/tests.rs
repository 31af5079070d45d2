//! Policy files: read strictly, and counted right.

use super::Policy;
use crate::trust::VerifierKey;

/// Ed25519 cosignature keys under other names than the policy's.
fn keys() -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let vkey = |seed: u8| {
        let public = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
        let typed = [&[4][..], public.as_bytes()].concat();
        format!("w{seed}+{:08x}+{}", crate::trust::key_id(&format!("w{seed}"), &typed), STANDARD.encode(&typed))
    };
    (1..=4).map(vkey).collect()
}

fn read(text: &str) -> Result<Policy, String> {
    let mut text = text.to_owned();
    for (number, key) in keys().iter().enumerate() {
        text = text.replace(&format!("<{}>", number + 1), key);
    }
    text.parse().map_err(|error: super::PolicyError| error.to_string())
}

fn met(policy: &Policy, signed: &[&str]) -> bool {
    policy.quorum_met(&|key: &VerifierKey| signed.contains(&key.name()))
}

#[test]
fn groups_within_groups_count() {
    let policy = read(
        "# ours\n\twitness a <1>\nwitness b <2> https://b.example/\n\nwitness c <3>\nwitness d <4>\n\
         group two 2 a b c\ngroup one any d\ngroup both all two one\nquorum both\n",
    )
    .unwrap();
    assert!(met(&policy, &["w1", "w3", "w4"]));
    assert!(!met(&policy, &["w1", "w2", "w3"]));
    assert!(!met(&policy, &["w1", "w4"]));
    assert!(met(&read("quorum none\n").unwrap(), &[]));
    assert!(!met(&read("witness a <1>\nquorum a").unwrap(), &["w2"]));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, told) in [
        ("", "line 1 of the policy: the quorum line is missing"),
        ("witness a <1>\n", "line 2 of the policy: the quorum line is missing"),
        ("quorum a\n", "line 1 of the policy: `a` is not defined on an earlier line"),
        ("quorum none\nquorum none\n", "line 2 of the policy: a policy has one quorum line"),
        ("witness none <1>\n", "line 1 of the policy: `none` cannot be defined"),
        ("witness a <1>\nwitness a <2>\n", "line 2 of the policy: `a` is defined twice"),
        ("witness a <1>\nwitness b <1>\n", "line 2 of the policy: the same witness key stands in the policy twice"),
        ("log <1>\n", "line 1 of the policy: a log does not sign with type 0x04"),
        ("witness a <1>\ngroup g 2 a\n", "line 2 of the policy: a group of 1 members cannot need 2"),
        ("witness a <1>\ngroup g 0 a\n", "line 2 of the policy: a group of 1 members cannot need 0"),
        ("group g all\n", "line 1 of the policy: a group of 0 members cannot need 0"),
        ("witness a <1>\ngroup g some a\n", "line 2 of the policy: `some` is neither `all`, `any` nor a number"),
        ("witness a <1>\ngroup g any a\ngroup h any a\n", "line 3 of the policy: `a` is a member already"),
        ("witness\n", "line 1 of the policy: `witness` and what follows it is not a line a policy has"),
        ("quorum none\r\n", "line 1 of the policy: a control character"),
    ] {
        assert_eq!(read(text).unwrap_err(), told, "{text}");
    }
}
