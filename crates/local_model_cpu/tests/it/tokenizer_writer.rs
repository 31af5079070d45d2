//! Writes `tokenizer.json` files for tests. It must not know what the engine makes of them.

use std::collections::HashMap;

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

/// A vocabulary of pieces in Gemma's manner, with the pairs that are joined, as `transformers` makes such a file.
pub(crate) fn tokenizer_of_pieces() -> Value {
    let golden: Value = serde_json::from_str(include_str!("../../testdata/tiny_pieces.json")).unwrap();
    let tokens: Vec<&str> = golden["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect();
    let scores: Vec<i32> = golden["scores"].as_str().unwrap().split(' ').map(|score| score.parse().unwrap()).collect();
    let numbers: HashMap<&str, usize> = tokens.iter().enumerate().map(|(number, token)| (*token, number)).collect();
    let mut ranked: Vec<usize> = (0..tokens.len()).filter(|token| scores[*token] > -1000).collect();
    ranked.sort_by_key(|token| -scores[*token]);
    let halves = |token: usize| {
        let whole = tokens[token];
        let mut pairs: Vec<(&str, &str)> = whole.char_indices().skip(1).map(|(at, _)| whole.split_at(at)).collect();
        pairs.retain(|(left, right)| numbers.contains_key(left) && numbers.contains_key(right));
        pairs.sort_by_key(|(left, right)| (numbers[left], numbers[right]));
        pairs
    };
    let merges: Vec<Value> = ranked.into_iter().flat_map(halves).map(|(left, right)| json!([left, right])).collect();
    let special = ["<pad>", "<eos>", "<bos>", "<unk>", "<end_of_turn>"];
    let added = special.map(|content| {
        json!({"id": numbers[content], "content": content, "special": true, "single_word": false, "lstrip": false,
               "rstrip": false, "normalized": false})
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false},
        "post_processor": {"type": "TemplateProcessing", "single": [
            {"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}}},
        "decoder": null,
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
                  "vocab": numbers, "merges": merges},
    })
}
