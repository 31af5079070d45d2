//! Vocabularies and merges of any kind, and any text: tokens that stand for bytes, or a refusal in words. It must not know
//! templates.

use crate::{GgufWriter, VOCABULARY, compute, good, parts, with_model};

const PRE_TOKENIZERS: [&str; 7] = ["gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "deepseek-coder", "deepseek-v3"];
/// GGUF's number of 32-bit floating-point numbers among value types.
const F32: u32 = 6;

/// The input says which kind of vocabulary, then between zero bytes its tokens, a line each; its merges, a line each; the
/// text.
pub fn any_vocabulary(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else { return };
    let parts = parts(rest);
    let part = |index: usize| parts.get(index).map_or("", String::as_str);
    let tokens: Vec<&str> = part(0).split('\n').take(VOCABULARY).collect();
    let types: Vec<i32> = tokens.iter().map(|token| class(token)).collect();
    let scores: Vec<u8> = (0..tokens.len()).flat_map(|index| (-((index % 7) as f32)).to_le_bytes()).collect();
    let mut file = good();
    let kind = usize::from(*kind);
    file.string("tokenizer.ggml.model", if kind.is_multiple_of(2) { "gpt2" } else { "llama" })
        .string("tokenizer.ggml.pre", PRE_TOKENIZERS[kind / 2 % PRE_TOKENIZERS.len()])
        .bool("tokenizer.ggml.add_space_prefix", false)
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .array("tokenizer.ggml.scores", F32, tokens.len() as u64, &scores)
        .strings("tokenizer.ggml.merges", &part(1).split('\n').collect::<Vec<_>>())
        .u32("tokenizer.ggml.eos_token_id", 0);
    let text = part(2);
    with_model(&file.bytes(), |model| {
        if let Ok(tokens) = model.codec.encode(text) {
            assert!(tokens.iter().all(|token| (*token as usize) < VOCABULARY));
            let bytes: usize = tokens.iter().map(|token| model.codec.bytes(*token).len()).sum();
            assert!(bytes <= 64 * text.len() + 64, "{bytes} bytes came of {}", text.len());
            compute(model.engine.as_mut(), &tokens);
        }
    });
}

/// A whole model with pieces for bytes alone: of all vocabularies the soonest read.
pub(crate) fn of_pieces() -> GgufWriter {
    let mut tokens = vec!["<|end|>".to_owned()];
    tokens.extend((0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>")));
    let types: Vec<i32> = (0..tokens.len()).map(|token| if token == 0 { 3 } else { 6 }).collect();
    let mut file = good();
    file.string("tokenizer.ggml.model", "llama")
        .bool("tokenizer.ggml.add_space_prefix", false)
        .remove("tokenizer.ggml.merges")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .array("tokenizer.ggml.scores", F32, tokens.len() as u64, &vec![0; 4 * tokens.len()])
        .u32("tokenizer.ggml.eos_token_id", 0);
    file
}

/// The token's class by its first letter.
fn class(token: &str) -> i32 {
    match token.as_bytes().first() {
        Some(b'!') => 3,
        Some(b'~') => 4,
        Some(b'?') => 5,
        Some(b'<') => 6,
        _ => 1,
    }
}
