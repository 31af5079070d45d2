//! An answer taken apart: the same whatever pieces it comes in, and in every family's own way.

mod messages;

use proptest::prelude::*;

use super::*;

const THINKING: Dialect = Dialect { thought: Some(THINK), ..Dialect::PLAIN };

/// All that was said, pieces of the same kind joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    thought: String,
    words: String,
    calls: Vec<(String, String)>,
}

fn heard(dialect: Dialect, calls: bool, thinking: bool, pieces: &[&str]) -> Heard {
    let pieces = pieces.iter().map(|piece| ((*piece).to_owned(), Vec::new()));
    heard_by(&mut Listener::new(dialect, calls, thinking), pieces)
}

/// All that a listener takes from these pieces, each with where its marks begin.
fn heard_by(listener: &mut Listener, pieces: impl Iterator<Item = (String, Vec<usize>)>) -> Heard {
    let mut said: Vec<Said> = pieces.flat_map(|(piece, marks)| listener.hear(&piece, &marks)).collect();
    said.extend(listener.finish());
    let mut heard = Heard::default();
    for piece in said {
        match piece {
            Said::Thought(text) => heard.thought.push_str(&text),
            Said::Words(text) => heard.words.push_str(&text),
            Said::Call { index, name } => {
                assert_eq!(index as usize, heard.calls.len());
                heard.calls.push((name, String::new()));
            }
            Said::Arguments { index, text } => heard.calls[index as usize].1.push_str(&text),
        }
    }
    assert_eq!(listener.called(), !heard.calls.is_empty());
    heard
}

fn calls(calls: &[(&str, &str)]) -> Vec<(String, String)> {
    calls.iter().map(|&(name, arguments)| (name.to_owned(), arguments.to_owned())).collect()
}

#[test]
fn each_family_calls_in_its_own_way() {
    let weather = ("weather", r#"{"city": "서울", "note": "a } and \" b"}"#);
    let time = ("time", "{}");
    let one = |head: &str, tail: &str| format!("{head}{}{tail}", weather.1);
    let cases = [
        (HERMES, one("<tool_call>\n{\"name\": \"weather\", \"arguments\": ", "}\n</tool_call>"), vec![weather]),
        (
            HERMES,
            one("<tool_call>{\"name\": \"weather\", \"arguments\": ", "}</tool_call>")
                + "\n<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>",
            vec![weather, time],
        ),
        (LLAMA, one("{\"name\": \"weather\", \"parameters\": ", "}"), vec![weather]),
        (
            GRANITE,
            one("<|tool_call|>[{\"name\": \"weather\", \"arguments\": ", "}, {\"name\": \"time\", \"arguments\": {}}]"),
            vec![weather, time],
        ),
        (MISTRAL, one("[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": ", "}]"), vec![weather]),
        (HYPERCLOVA, one(" -> tool/function_call\n[{\"name\": \"weather\", \"arguments\": ", "}]"), vec![weather]),
    ];
    for (syntax, answer, expected) in cases {
        let dialect = Dialect { calls: syntax, ..Dialect::PLAIN };
        let heard = heard(dialect, true, false, &[&answer]);
        assert_eq!(heard, Heard { calls: calls(&expected), ..Heard::default() }, "{answer}");
    }
}

#[test]
fn words_and_reasoning_are_kept_apart_from_calls() {
    let answer = "<think>\nThey ask for\nthe time.\n</think>\n\nOne moment.\n<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>";
    let expected = Heard {
        thought: "They ask for\nthe time.".to_owned(),
        words: "One moment.".to_owned(),
        calls: calls(&[("time", "{}")]),
    };
    assert_eq!(heard(THINKING, true, false, &[answer]), expected);
    // Where the prompt opened the reasoning, the answer does not.
    assert_eq!(heard(THINKING, true, true, &[answer.strip_prefix("<think>").unwrap()]), expected);
}

#[test]
fn what_is_no_call_and_no_reasoning_is_words_to_the_letter() {
    for answer in
        ["", " ", "  two blanks \n", "a <tool_call> b", "<think", "{\"name\": 1}", "</think> x", "< <t <tool_ca"]
    {
        let plain = Heard { words: answer.to_owned(), ..Heard::default() };
        assert_eq!(heard(Dialect::PLAIN, false, false, &[answer]), plain, "{answer:?}");
    }
    let listening = heard(THINKING, true, false, &["Not <tool", "_cards> but\n", "words.\n"]);
    assert_eq!(listening.words, "Not <tool_cards> but\nwords.\n");
    // An answer that was cut off in its reasoning, or in a call's head.
    assert_eq!(heard(THINKING, false, false, &["<think>hm, "]).thought, "hm,");
    assert_eq!(heard(THINKING, true, false, &["so <tool_call>{\"na"]).words, "so");
}

#[test]
fn without_a_trigger_what_is_no_whole_call_is_words() {
    let llama = Dialect { calls: LLAMA, ..Dialect::PLAIN };
    for answer in ["\n{\"name\": \"Kim\", \"age\": 3}", "{\"name\": \"Kim", "  It is noon."] {
        assert_eq!(heard(llama, true, false, &[answer]).words.trim(), answer.trim(), "{answer:?}");
    }
}

#[test]
fn an_answer_that_is_gone_on_with_keeps_its_first_blank() {
    let mut listener = Listener::going_on(THINKING);
    assert_eq!(listener.hear(" flows <think>", &[]), [Said::Words(" flows <think>".to_owned())]);
    assert_eq!(listener.finish(), []);
}

#[test]
fn words_are_told_as_they_come() {
    let mut listener = Listener::new(Dialect::PLAIN, true, false);
    assert_eq!(listener.hear("Hello", &[]), [Said::Words("Hello".to_owned())]);
    assert_eq!(listener.hear(", you", &[]), [Said::Words(", you".to_owned())]);
    assert_eq!(listener.hear(" <", &[]), []);
    assert_eq!(listener.hear("b>", &[]), [Said::Words(" <b>".to_owned())]);
    assert_eq!(
        listener.hear("<tool_call>{\"name\": \"f\", \"arguments\": {\"a", &[]),
        [Said::Call { index: 0, name: "f".to_owned() }, Said::Arguments { index: 0, text: "{\"a".to_owned() },]
    );
    assert_eq!(listener.hear("\": 1", &[]), [Said::Arguments { index: 0, text: "\": 1".to_owned() }]);
}

#[test]
fn a_template_tells_its_dialect() {
    let of = Dialect::of_template;
    assert_eq!(of("{% if tools %}<tool_call>{% endif %}"), Dialect { knows_tools: true, ..Dialect::PLAIN });
    assert_eq!(of("{{ messages }}"), Dialect::PLAIN);
    assert_eq!(of("{% if tools %}<tool_call>{% endif %}</think>"), Dialect { knows_tools: true, ..THINKING });
    assert_eq!(of("tools <|python_tag|>").calls, LLAMA);
    assert_eq!(of("tools <|tool_call|> <tool_call>").calls, GRANITE);
    assert!(THINKING.is_written_with("</think>") && THINKING.is_written_with("<tool_call>"));
    assert!(!THINKING.is_written_with("<|im_end|>") && !THINKING.is_written_with(""));
}

proptest! {
    /// Whatever pieces an answer comes in, the same is heard.
    #[test]
    fn pieces_change_nothing(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("<think>"), Just("</think>"), Just("<tool_call>"), Just("</tool_call>"), Just("\n"), Just(" "), Just("ä"),
                Just("{\"name\": \"f\", \"arguments\": "), Just("{\"a\": [1, \"}\"]}"), Just("}"), Just("<"), Just("word"),
            ],
            0..14,
        ),
        cuts in proptest::collection::vec(0_usize..200, 0..8),
        thinking: bool,
    ) {
        let answer = parts.concat();
        let mut places: Vec<usize> = cuts.into_iter().filter(|&cut| answer.is_char_boundary(cut)).collect();
        places.extend([0, answer.len()]);
        places.sort_unstable();
        let pieces: Vec<&str> = places.windows(2).map(|pair| answer.get(pair[0]..pair[1]).unwrap()).collect();
        for dialect in [THINKING, Dialect::PLAIN] {
            prop_assert_eq!(heard(dialect, true, thinking, &pieces), heard(dialect, true, thinking, &[&answer]));
        }
    }
}
