//! Models that answer in messages: their marks are control tokens whatever the file says, and the ends are those of the family.

use super::*;

const HARMONY: &str = "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}\
    {{ reasoning_effort }} {{ tools }}<|start|>assistant{% if false %}<|channel|>{% endif %}";
const SOLAR_OPEN: &str = "{% for m in messages %}<|begin|>{{ m.role }}<|content|>{{ m.content }}<|end|>{% endfor %}\
    {{ tools }}{% if reasoning_effort == 'low' %}<|begin|>assistant<|think|><|end|>{% endif %}<|begin|>assistant";

const HARMONY_MARKS: [&str; 5] = ["<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>"];
const SOLAR_MARKS: [&str; 9] = [
    "<|begin|>",
    "<|think|>",
    "<|content|>",
    "<|end|>",
    "<|tool_calls|>",
    "<|tool_call:begin|>",
    "<|tool_call:name|>",
    "<|tool_call:args|>",
    "<|tool_call:end|>",
];

/// A file with the tiny vocabulary and these tokens of this class, of which the last is the declared end; where `<|end|>` is
/// among them, it is declared to end turns.
fn file(template: &str, spellings: &[&str], class: i32) -> (GgufWriter, Token) {
    let vocabulary = testdata("tiny_vocabulary.json");
    let mut tokens = texts(&vocabulary["tokens"]);
    let mut types = vec![1; tokens.len()];
    let first = tokens.len() as Token;
    tokens.extend(spellings);
    types.resize(tokens.len(), class);
    let mut file = tiny("gpt-2");
    for key in ["tokens", "token_type", "eos_token_id", "bos_token_id"] {
        file.remove(&format!("tokenizer.ggml.{key}"));
    }
    file.remove("tokenizer.chat_template");
    let end = spellings.iter().position(|spelling| *spelling == "<|end|>").unwrap();
    file.strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .u32("tokenizer.ggml.eos_token_id", tokens.len() as Token - 1)
        .u32("tokenizer.ggml.eot_token_id", first + end as Token)
        .string("tokenizer.chat_template", template);
    (file, first)
}

#[test]
fn marks_are_said_and_written_as_such_and_only_by_the_model() {
    for (template, marks) in [(HARMONY, HARMONY_MARKS.as_slice()), (SOLAR_OPEN, SOLAR_MARKS.as_slice())] {
        // As text, as control tokens, and as what is found before all other text.
        for class in [1, 3, 4] {
            let spellings = [marks, &["<|endoftext|>"]].concat();
            let (file, first) = file(template, &spellings, class);
            let codec = read(&file).unwrap();
            for (token, mark) in (first..).zip(marks) {
                assert!(codec.is_mark(token) && !codec.is_end(token), "{mark}");
                assert_eq!(codec.bytes(token), mark.as_bytes());
                assert_eq!(codec.encode_own(mark).unwrap(), [token]);
                assert!(codec.encode(mark).unwrap().iter().all(|token| *token < first), "{mark} said stays text");
                let fair = codec.encode_chat(&[user("")]).unwrap();
                let forged = codec.encode_chat(&[user(mark)]).unwrap();
                let controls = |tokens: &[Token]| tokens.iter().filter(|token| **token >= first).count();
                assert_eq!(controls(&fair), controls(&forged), "{mark}");
            }
        }
    }
}

#[test]
fn what_ends_a_message_does_not_end_an_answer() {
    let ends = |template: &str, marks: &[&str], ends: &[&str]| -> Vec<String> {
        let spellings = [marks, ends, &["<|endoftext|>"]].concat();
        let (file, first) = file(template, &spellings, 3);
        let codec = read(&file).unwrap();
        let found = (first..).zip(&spellings).filter(|(token, _)| codec.is_end(*token));
        found.map(|(_, spelling)| (*spelling).to_owned()).collect()
    };
    let harmony = ["<|return|>", "<|call|>", "<|endoftext|>"];
    assert_eq!(ends(HARMONY, &HARMONY_MARKS, &["<|return|>", "<|call|>"]), harmony);
    let solar = ["<|flush|>", "<|calls|>", "<|endoftext|>"];
    assert_eq!(ends(SOLAR_OPEN, &SOLAR_MARKS, &["<|flush|>", "<|calls|>"]), solar);
    // Another family ends its turns so.
    assert_eq!(ends("{{ messages }}", &["<|end|>"], &["<|call|>"]), ["<|end|>", "<|endoftext|>"]);
}

#[test]
fn how_much_to_reason_is_told_to_the_template() {
    let spellings = [HARMONY_MARKS.as_slice(), &["<|endoftext|>"]].concat();
    let codec = read(&file(HARMONY, &spellings, 3).0).unwrap();
    let text = |effort| {
        let opened = codec.open(&Conversation { effort, ..Conversation::of(&[user("")]) }).unwrap();
        assert!(!opened.thinking);
        let bytes: Vec<u8> = opened.tokens.iter().flat_map(|token| codec.bytes(*token)).copied().collect();
        String::from_utf8(bytes).unwrap()
    };
    for (effort, word) in
        [(Effort::None, "low"), (Effort::Low, "low"), (Effort::Medium, "medium"), (Effort::High, "high")]
    {
        assert!(text(Some(effort)).contains(&format!("<|end|>{word} ")), "{}", text(Some(effort)));
    }
    assert!(text(None).contains("<|end|> "));
    let spellings = [SOLAR_MARKS.as_slice(), &["<|endoftext|>"]].concat();
    let codec = read(&file(SOLAR_OPEN, &spellings, 3).0).unwrap();
    let quiet = codec.open(&Conversation { effort: Some(Effort::None), ..Conversation::of(&[user("")]) }).unwrap();
    assert!(!quiet.thinking, "reasoning that is closed again is not open");
}
