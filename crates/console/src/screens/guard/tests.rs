//! The guard bench: findings marked as text, both forms, the table of what is read, and what cannot be looked at.

use gateway::judge::coverage::PARTS;
use http::StatusCode;
use inspect::Kind;

use super::*;
use crate::accounts::Role;
use crate::language::Language;
use crate::rig::Rig;

const CONFIG: &str = r#"
[[dictionary]]
name  = "projects"
words = ["청룡 사업"]
"#;

#[tokio::test]
async fn a_text_is_marked_masked_and_pseudonymised_and_shown_as_text() {
    let rig = Rig::new(CONFIG).await;
    let officer = rig.browser(Role::Officer).await;
    let text = "<script>alert(1)</script> 청룡 사업, kim@example.com, kim@example.com";
    let page = rig.post(&officer, "/guard", &[("text", text)]).await.text;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains(">kim@example.com</mark>") && page.contains(">청룡 사업</mark>"), "{page}");
    assert!(page.contains("own.projects"));
    let (_, forms) = page.split_once("<h3>Masked</h3><pre>").expect("the masked form");
    let (masked, rest) = forms.split_once("</pre>").unwrap();
    assert!(masked.contains("[email], [email]") && !masked.contains("kim@"), "{masked}");
    let (_, rest) = rest.split_once("<pre>").unwrap();
    let (pseudonymised, _) = rest.split_once("</pre>").unwrap();
    assert!(pseudonymised.contains('@') && !pseudonymised.contains("kim@"), "{pseudonymised}");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_told() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    for (text, word) in [("", "Paste a text first"), (&*long, "longer than 256 KiB")] {
        let got = rig.post(&owner, "/guard", &[("text", text)]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(got.text.contains(word));
    }
    let got = rig.post(&owner, "/guard", &[("text", "nothing here")]).await.text;
    assert!(got.contains("Nothing was found") && !got.contains("<h3>Masked"));
}

#[test]
fn every_kind_every_part_and_every_edit_has_words_in_every_language() {
    for language in Language::ALL {
        for kind in Kind::BUILT_IN {
            let name = format!("guard-kind-{}", marked::word(kind));
            assert_ne!(language.text(&name), name, "{language}");
        }
        for part in &PARTS {
            let covered = Covered::of(part);
            for name in [format!("guard-part-{}", covered.what), format!("guard-edit-{}", covered.edit)] {
                assert_ne!(language.text(&name), name, "{language}");
            }
        }
    }
}

#[tokio::test]
async fn secrets_are_masked_in_both_forms() {
    let text =
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----";
    let looked = looked(text, &Rules::default(), &RequestKey::new([1; 32]));
    assert_eq!(looked.rows.len(), 1, "{:?}", looked.rows);
    let (masked, pseudonymised) = (looked.masked.unwrap(), looked.pseudonymised.unwrap());
    assert!(masked.contains("[secret.private_key]") && masked == pseudonymised, "{masked} {pseudonymised}");
}

#[tokio::test]
async fn the_bench_is_whole_in_every_language() {
    let rig = Rig::new(CONFIG).await;
    let owner = rig.browser(Role::Owner).await;
    for (tag, word) in [
        ("en", "Guard bench"),
        ("ko", "탐지 시험"),
        ("vi", "Thử bộ phát hiện"),
        ("fr", "Banc d’essai"),
        ("ja", "検出テスト"),
    ] {
        rig.post(&owner, "/language", &[("language", tag), ("back", "/guard")]).await;
        let page = rig.post(&owner, "/guard", &[("text", "kim@example.com")]).await.text;
        assert!(page.contains(&format!("<h1>{word}")), "{tag}: {page}");
        for name in [">guard-", ">routes-", " guard-", " routes-"] {
            assert!(!page.contains(name), "{tag}: {name}");
        }
    }
}
