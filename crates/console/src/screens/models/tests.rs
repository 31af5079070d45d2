//! Cards say what the catalogue says: each field, its source, and what is not known.

use catalog::{Capability, Catalog, rows};

use crate::accounts::Role;
use crate::language::Language;
use crate::rig::Rig;

const CONFIG: &str = r#"
[policy]
home = "KR"

[[destination]]
name     = "near"
base_url = "http://10.0.0.5:8000/v1"
models   = [{ name = "small", card = "exaone-4.0-1.2b" }, "nobody-knows"]
provider = "own"
"#;

#[tokio::test]
async fn a_card_says_what_is_known_with_its_source_and_what_is_not() {
    let rig = Rig::new(CONFIG).await;
    let auditor = rig.browser(Role::Auditor).await;
    let page = rig.get(&auditor, "/models").await.text;
    assert!(page.contains("EXAONE 4.0 1.2B") && page.contains("1,200,000,000"), "{page}");
    let row =
        |word: &str| page.split("<tr>").find(|row| row.contains(&format!("<th scope=\"row\">{word}</th>"))).unwrap();
    let (known, unknown) = page.split_once("facts are not known").unwrap();
    assert!(!known.contains("Open data"), "what is not known is folded away: {page}");
    let line = unknown.split("<li>").find(|line| line.starts_with("Open data")).unwrap();
    assert!(line.contains("survey of models") && line.contains("datetime=\"2026-"), "{line}");
    assert!(row("Open weights").contains("100") && row("Open weights").contains("2026-11-21"));
    assert!(page.contains("No card") && page.contains("nobody-knows"), "{page}");
}

#[test]
fn every_field_and_capability_has_words_in_every_language() {
    let catalog = Catalog::shipped();
    let fields: Vec<String> = rows::show(&catalog, "exaone-4.0-1.2b").into_iter().map(|row| row.field).collect();
    assert!(fields.len() > 10, "{fields:?}");
    for language in Language::ALL {
        for field in fields.iter().filter(|field| *field != "name") {
            let name = format!("models-field-{}", field.replace('_', "-"));
            assert_ne!(language.text(&name), name, "{language}");
        }
        for capability in Capability::ALL {
            let name = format!("models-capability-{}", capability.word());
            assert_ne!(language.text(&name), name, "{language}");
        }
    }
}

#[tokio::test]
async fn the_page_speaks_five_languages() {
    let rig = Rig::new(CONFIG).await;
    let owner = rig.browser(Role::Owner).await;
    for (tag, word) in [("en", "Models"), ("ko", "모델"), ("vi", "Mô hình"), ("fr", "Modèles"), ("ja", "モデル")]
    {
        rig.post(&owner, "/language", &[("language", tag), ("back", "/models")]).await;
        let page = rig.get(&owner, "/models").await.text;
        assert!(page.contains(&format!("<h1>{word}</h1>")), "{tag}: {page}");
        assert!(!page.contains(">models-") && !page.contains(" models-"), "{tag}");
    }
}
