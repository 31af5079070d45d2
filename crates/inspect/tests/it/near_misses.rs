//! What looks like an identifier and is none, and public test vectors that are.

use inspect::{Rules, scan};

#[test]
fn near_misses_are_not_reported() {
    let rows = [
        ("a resident number of month 13", "901301-1234567"),
        ("a resident number of 30 February", "900230-1234567"),
        ("a resident number of 2088", "880101-3234567"),
        ("an order number that begins with a date", "주문번호 2311011234567"),
        ("a business number with a wrong check digit", "220-81-62516"),
        ("a business number of zeros", "000-00-00000"),
        ("a card with a wrong check digit", "4111-1111-1111-1112"),
        ("a card of no network", "9111-1111-1111-1111"),
        ("an IBAN with wrong check digits", "GB28 NWBK 6016 1331 9268 19"),
        ("an IBAN that is too short", "GB29 NWBK 6016 1331 9268 1"),
        ("a social security number with a wrong key", "2 55 08 14 168 025 37"),
        ("a My Number with a wrong check digit", "123456789010"),
        ("twelve digits of a moment", "202401021530"),
        ("fourteen digits of a moment", "20240102153045"),
        ("a moment with separators", "2024-01-02 15:30:45.123456"),
        ("seconds since 1970", "1710505845"),
        ("milliseconds since 1970", "\"timestamp\": 1710505845123"),
        ("a version", "version 10.0.19045.1"),
        ("a version with a v", "v1.2.3.4"),
        ("a section", "1.2.3.4.5"),
        ("an octet too large", "192.168.1.256"),
        ("a clock", "12:30:45"),
        ("a path of Rust", "std::fmt::Debug, dead::beef"),
        ("a MAC address", "00:1a:2b:3c:4d:5e"),
        ("a UUID", "123e4567-e89b-12d3-a456-426614174000"),
        ("a hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ("a SHA-1 hash", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("nine digits that no word names", "123456789"),
        ("amounts", "1,234,567,890원, 입금 10000000000원"),
        ("years with spaces", "account for 2019 2020 2021 2022"),
        ("digits of pi", "3.14159265358979323846264338327950288"),
        ("an ISBN", "ISBN 978-89-12345-67-8, ISBN 9788912345678"),
        ("a telephone number with a digit too few", "010-123-456"),
        ("a number with dashes that is no telephone's", "1010-1234-5678-9012-3456"),
        ("a handle", "@someone and a@b"),
        ("a word with sk-", "task-oriented-dialogue-systems-and-many-more-words"),
        ("a slug with sk-", "sk-this-is-a-heading-of-a-page-without-digits"),
        ("a public key", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"),
        ("base64 of JSON alone", "eyJhbGciOiJIUzI1NiJ9"),
        ("a model's name", "gpt-4o-2024-08-06, EXAONE-3.5-7.8B"),
        ("coordinates", "37.566535, 126.977969"),
        ("a law", "제24조의2 제1항, 2020.10.05. 시행"),
        ("a score", "25-21, 25-23, 18-25"),
        ("a passport's form in a part number", "모델명 M12345678"),
    ];
    for (what, text) in rows {
        let findings = scan(text, &Rules::default());
        let shown: Vec<_> = findings.iter().map(|it| (it.kind.name(), &text[it.range.clone()])).collect();
        assert!(findings.is_empty(), "{what}: {shown:?}");
    }
}

/// Each from a public specification or its issuer's own example.
#[test]
fn public_vectors_are_found() {
    let rows = [
        // ISO 13616 and SWIFT's registry, the countries' examples.
        ("iban", "GB29 NWBK 6016 1331 9268 19"),
        ("iban", "DE89370400440532013000"),
        ("iban", "FR14 2004 1010 0505 0001 3M02 606"),
        ("iban", "MT84MALT011000012345MTLCAST001S"),
        // The networks' published test cards.
        ("card", "4111 1111 1111 1111"),
        ("card", "378282246310005"),
        ("card", "5555-5555-5555-4444"),
        ("card", "6011111111111117"),
        ("card", "3530111333300000"),
        // INSEE's example of a key.
        ("fr.nir", "2 55 08 14 168 025 38"),
        // INSEE, the numbers that it publishes for itself.
        ("fr.siret", "120 027 016 00563"),
        ("fr.siren", "SIREN 120 027 016"),
        // Supreme Court rule on registration numbers, the annex's example of the check digit.
        ("kr.corporate", "법인등록번호 110111-0062432"),
        // The business number that Naver publishes on every page.
        ("kr.business", "220-81-62517"),
        // Vietnam: python-stdnum's examples, from the tax authority's published register.
        ("vn.tax", "MST 0100233488"),
        ("vn.tax", "0314409058-002"),
        // RFC 5737, 3849, 4291.
        ("ip.v4", "192.0.2.1"),
        ("ip.v6", "2001:db8::8:800:200c:417a"),
        ("ip.v6", "::ffff:192.0.2.128"),
        // AWS's documentation.
        ("secret.api_key", "AKIAIOSFODNN7EXAMPLE"),
        // RFC 7519, 3.1.
        (
            "secret.jwt",
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
    ];
    for (kind, text) in rows {
        let findings = scan(text, &Rules::default());
        let names: Vec<_> = findings.iter().map(|it| it.kind.name().into_owned()).collect();
        assert_eq!(names, [kind], "{text}");
    }
}

#[test]
fn ranges_are_exact() {
    let text = "전화(010-1234-5678), 메일 kim.a@example.co.kr. 끝";
    let findings = scan(text, &Rules::default());
    let found: Vec<_> = findings.iter().map(|it| &text[it.range.clone()]).collect();
    assert_eq!(found, ["010-1234-5678", "kim.a@example.co.kr"]);
}

#[test]
fn counts_use_the_stable_names() {
    let findings = scan("a@example.com b@example.com 4111111111111111", &Rules::default());
    let counts: Vec<_> = findings.counts().into_iter().collect();
    assert_eq!(counts, [("card".to_owned(), 1), ("email".to_owned(), 2)]);
}

#[test]
fn only_what_is_wanted_is_reported() {
    let rules = Rules::default().only(&["card"]).expect("a kind");
    assert_eq!(scan("a@example.com 4111111111111111", &rules).len(), 1);
    let error = Rules::default().only(&["kr.rrn"]).expect_err("no such kind");
    assert!(error.to_string().contains("`kr.rrn`"), "{error}");
}
