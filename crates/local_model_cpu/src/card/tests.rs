//! What a card says of good files, and which files have none.

use super::*;
use crate::gguf::File;
use crate::gguf::writer::GgufWriter;

fn described() -> GgufWriter {
    let mut writer = GgufWriter::default();
    writer
        .string("general.architecture", "llama")
        .string("general.name", "Mill Pond 12M Instruct GGUF")
        .string("general.size_label", "12M")
        .string("general.license", "apache-2.0")
        .strings("general.languages", &["en", "ko"])
        .u32("llama.context_length", 4096)
        .u32("llama.block_count", 1)
        .u32("llama.embedding_length", 64)
        .u32("llama.feed_forward_length", 64)
        .u32("llama.attention.head_count", 2)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "smollm")
        .strings("tokenizer.ggml.tokens", &["a", "b", "c"])
        .string("tokenizer.chat_template", "{{ messages[0].content }}")
        .tensor("norm", &[64], 0, vec![0; 256])
        .tensor("token_embd.weight", &[64, 3], 2, vec![0; 108])
        .tensor("b", &[32, 2], 8, vec![0; 68]);
    writer
}

fn inspected(name: &str, writer: &GgufWriter) -> Result<ModelCard, LoadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    writer.write(&path);
    card(&path, &File::open(&path)?)
}

#[test]
fn a_card_says_what_the_header_says() {
    let writer = described();
    let card = inspected("Mill.Pond-12M-Instruct.Q4_0.gguf", &writer).unwrap();
    let expected = ModelCard {
        name: "mill.pond-12m-instruct.q4_0".to_owned(),
        architecture: "llama".to_owned(),
        parameters: 64 + 192 + 64,
        quantisation: "Q4_0".to_owned(),
        context_tokens: 4096,
        vocabulary: 3,
        bytes: writer.bytes().len() as u64,
        chat: true,
        reasons: false,
        dimensions: None,
        licence: Some("apache-2.0".to_owned()),
        languages: vec!["en".to_owned(), "ko".to_owned()],
        sha256: None,
        defaults: AnswerDefaults::default(),
    };
    assert_eq!(card, expected);
}

#[test]
fn a_name_comes_from_the_file_or_from_inside() {
    let named = |file: &str, change: fn(&mut GgufWriter)| {
        let mut writer = described();
        change(&mut writer);
        inspected(file, &writer).unwrap().name
    };
    assert_eq!(named("weights.gguf", |_| {}), "mill-pond-12m-instruct");
    assert_eq!(named("mill 12M (new).gguf", |_| {}), "mill-12m-new");
    assert_eq!(
        named("my weights.gguf", |writer| {
            writer.remove("general.name");
        }),
        "my-weights"
    );
    assert_eq!(
        named("물레방아.gguf", |writer| {
            writer.string("general.name", "???");
        }),
        "물레방아"
    );
}

#[test]
fn a_file_without_a_template_cannot_chat() {
    let mut writer = described();
    writer.remove("tokenizer.chat_template").remove("general.license").remove("general.languages");
    let card = inspected("a.gguf", &writer).unwrap();
    assert!(!card.chat);
    assert_eq!((card.licence, card.languages), (None, Vec::new()));
}

#[test]
fn what_could_not_be_served_has_no_card() {
    let refused = |change: &dyn Fn(&mut GgufWriter)| {
        let mut writer = described();
        change(&mut writer);
        inspected("a.gguf", &writer).unwrap_err().to_string()
    };
    let words = refused(&|writer| {
        writer.string("tokenizer.ggml.pre", "mystery");
    });
    assert!(words.starts_with("the model cuts texts in the way `mystery` (entry `tokenizer.ggml.pre`)"), "{words}");
    let words = refused(&|writer| {
        writer.string("tokenizer.chat_template", "{% if %}");
    });
    assert!(words.starts_with("the model file's entry `tokenizer.chat_template` cannot be understood:"), "{words}");
    let words = refused(&|writer| {
        writer.strings("tokenizer.ggml.tokens", &["a", "b", "c", "d"]);
    });
    assert_eq!(words, "the model file's tensor `token_embd.weight` has 3 rows for a vocabulary of 4 tokens");
    let words = refused(&|writer| {
        writer.string("general.architecture", "mamba");
    });
    assert!(words.starts_with("models of the architecture `mamba` are not computed"), "{words}");
    let words = refused(&|writer| {
        writer.remove("general.architecture");
    });
    assert!(words.starts_with("the model file's entry `general.architecture` is missing;"), "{words}");
}
