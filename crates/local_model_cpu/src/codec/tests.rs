//! The codec against outside programs' goldens, and what a caller's words cannot do.

use serde_json::Value;

use super::*;
use crate::gguf::Header;
use crate::gguf::writer::GgufWriter;

const CHAT: &str = "{% for m in messages %}{{ '<|turn|>' + m.role + '\n' + m.content + '<|end|>\n' }}{% endfor %}{{ '<|turn|>assistant\n' }}";

fn testdata(name: &str) -> Value {
    let path = format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn numbers(text: &str) -> Vec<Token> {
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// A file with the tiny vocabulary, `<|turn|>`, `<|end|>` and the user-defined `<tool>`.
fn tiny(pre: &str) -> GgufWriter {
    let vocabulary = testdata("tiny_vocabulary.json");
    let mut tokens = texts(&vocabulary["tokens"]);
    let mut types = vec![1; tokens.len()];
    let begin = tokens.len() as u32;
    tokens.extend(["<|turn|>", "<|end|>", "<tool>"]);
    types.extend([3, 3, 4]);
    let mut writer = GgufWriter::default();
    writer
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", pre)
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .strings("tokenizer.ggml.merges", &texts(&vocabulary["merges"]))
        .u32("tokenizer.ggml.bos_token_id", begin)
        .u32("tokenizer.ggml.eos_token_id", begin + 1)
        .string("tokenizer.chat_template", CHAT);
    writer
}

fn read(writer: &GgufWriter) -> Result<Codec, LoadError> {
    let bytes = writer.bytes();
    let header = Header::read(&bytes)?;
    Codec::read(header.metadata(&bytes), noon)
}

fn noon() -> Zoned {
    "2026-11-21T12:00:00+00:00[UTC]".parse().unwrap()
}

fn user(text: &str) -> Turn {
    Turn { speaker: Speaker::User, text: text.to_owned() }
}

/// What the model would see, control tokens by their names.
fn shown(codec: &Codec, vocabulary_end: Token, tokens: &[Token]) -> String {
    let mut text = Vec::new();
    for token in tokens {
        match token.checked_sub(vocabulary_end) {
            Some(0) => text.extend(b"[TURN]"),
            Some(1) => text.extend(b"[END]"),
            _ => text.extend(codec.bytes(*token)),
        }
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn every_way_of_cutting_gives_the_tokens_of_llama_cpp() {
    let golden = testdata("tiny_tokens.json");
    let corpus = testdata("texts.json");
    let sentences = texts(&corpus["sentences"]);
    let mut held: Vec<&str> = Vec::new();
    for family in golden["families"].as_array().unwrap() {
        for name in texts(&family["names"]) {
            let codec = read(&tiny(name)).unwrap();
            let composes = PreTokenizer::named(name).unwrap().composes;
            for (text, expected) in sentences.iter().zip(texts(&family["tokens"])) {
                let tokens = codec.encode(text).unwrap();
                let said: Vec<u8> = tokens.iter().flat_map(|token| codec.bytes(*token)).copied().collect();
                // llama.cpp leaves out the composition that these models were taught with.
                if composes && String::from_utf8_lossy(&said) != *text {
                    continue;
                }
                assert_eq!(String::from_utf8_lossy(&said), *text, "{name}");
                assert_eq!(tokens, numbers(expected), "{name}: {text:?}");
            }
            held.push(name);
        }
    }
    let mut known: Vec<&str> = pre_tokenizers::names().collect();
    held.sort_unstable();
    known.sort_unstable();
    assert_eq!(held, known, "every known way of cutting needs its golden");
}

#[test]
fn templates_render_as_hugging_face_renders_them() {
    let golden = testdata("templates.json");
    for case in golden["cases"].as_array().unwrap() {
        let turns: Vec<(Speaker, String)> = case["turns"].as_array().unwrap().iter().map(turn).collect();
        let name = case["name"].as_str().unwrap();
        let template = Template::compile(case["template"].as_str().unwrap(), "<s>", "</s>", noon);
        let rendered = template.unwrap_or_else(|error| panic!("{name}: {error}")).render(&turns);
        match (&case["text"], &case["refused"]) {
            (Value::String(text), _) => {
                assert_eq!(&rendered.unwrap_or_else(|error| panic!("{name}: {error}")), text, "{name}");
            }
            (_, Value::String(words)) => {
                let error = rendered.unwrap_err().to_string();
                assert_eq!(error, format!("the model's chat template refuses this conversation: {words}"), "{name}");
            }
            _ => panic!("{name}: neither text nor refusal"),
        }
    }
}

fn turn(turn: &Value) -> (Speaker, String) {
    let speakers = [Speaker::System, Speaker::User, Speaker::Assistant];
    let speaker = speakers.into_iter().find(|speaker| speaker.role() == turn[0].as_str().unwrap()).unwrap();
    (speaker, turn[1].as_str().unwrap().to_owned())
}
