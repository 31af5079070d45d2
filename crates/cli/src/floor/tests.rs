//! Which model is chosen: what was typed, else what is configured, else the starter; and what its card then says.

use super::*;

#[test]
fn what_is_typed_goes_before_what_is_configured() {
    let file = LocalModelChoice::File("/m/a.gguf".into());
    let named = LocalModelChoice::Named("a".into());
    let named_typed = || Choice::Named("b".into());
    let table = [
        (None, false, None, Choice::Named(STARTER.into())),
        (None, false, Some(&file), Choice::File("/m/a.gguf".into())),
        (None, false, Some(&named), Choice::Named("a".into())),
        (None, false, Some(&LocalModelChoice::None), Choice::None),
        (None, true, Some(&file), Choice::None),
        (Some("b"), false, Some(&file), named_typed()),
        (Some("b"), false, Some(&LocalModelChoice::None), named_typed()),
        (Some("b.GGUF"), false, None, Choice::File("b.GGUF".into())),
        (Some("./b"), false, None, Choice::File("./b".into())),
    ];
    for (typed, none_typed, configured, expected) in table {
        assert_eq!(Choice::of(typed, none_typed, configured), expected, "{typed:?} {none_typed} {configured:?}");
    }
}

#[test]
fn what_a_record_knows_reaches_the_card() {
    let record = serde_json::json!({
        "format": 1, "name": "kept", "source": "file:/m.gguf", "sha256": "00".repeat(32), "bytes": 1,
        "pulled_at": "2026-11-21T10:00:00Z", "languages": ["ko"], "licence": "MIT",
        "facts": { "architecture": "llama", "parameters": 1, "quantisation": "Q4_1", "context_tokens": 1,
                   "vocabulary": 1, "chat": true },
        "defaults": { "system": "Be brief.", "temperature": 0.2, "top_p": 0.9 },
    });
    let mut card = ModelCard { name: "inside".to_owned(), vocabulary: 7, ..ModelCard::default() };
    complete(&mut card, serde_json::from_value(record).unwrap());
    let defaults = AnswerDefaults { system: Some("Be brief.".to_owned()), temperature: Some(0.2), top_p: Some(0.9) };
    let expected = ModelCard {
        name: "kept".to_owned(),
        vocabulary: 7,
        sha256: Some("00".repeat(32)),
        licence: Some("MIT".to_owned()),
        languages: vec!["ko".to_owned()],
        defaults,
        ..ModelCard::default()
    };
    assert_eq!(card, expected);
}
