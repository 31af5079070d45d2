//! Writes `tokenizer.json` files for tests. It must not know what the engine makes of them.

use serde_json::{Value, json};

/// A byte-level tokenizer of the committed vocabulary, with two tokens added behind it.
pub(crate) fn tokenizer(pre_tokenizer: &Value, ignore_merges: bool, normalizer: &Value) -> Value {
    let vocabulary: Value = serde_json::from_str(include_str!("../../testdata/tiny_vocabulary.json")).unwrap();
    let tokens = vocabulary["tokens"].as_array().unwrap();
    let numbered = tokens.iter().enumerate().map(|(id, token)| (token.as_str().unwrap().to_owned(), json!(id)));
    let added = |id: usize, content: &str| {
        json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false})
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": normalizer,
        "added_tokens": [added(tokens.len(), "<|begin|>"), added(tokens.len() + 1, "<|end|>")],
        "pre_tokenizer": pre_tokenizer,
        "post_processor": {"type": "Sequence", "processors": [
            {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true},
            {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [tokens.len()], "tokens": ["<|begin|>"]}}},
        ]},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": ignore_merges,
                  "vocab": Value::Object(numbered.collect()), "merges": vocabulary["merges"]},
    })
}

pub(crate) fn byte_level(use_regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex})
}

/// SmolLM2's way: single digits, then GPT-2's words.
pub(crate) fn digits_then_words() -> Value {
    json!({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, byte_level(true)]})
}
