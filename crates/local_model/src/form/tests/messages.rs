//! Forms of answers in messages: what `llguidance` itself takes and refuses token by token, and that what it takes is heard as
//! what was wanted. The answers are of our own making, or made by the form.

use serde_json::{Value, json};

use super::*;
use crate::dialect::messages::{HARMONY, SOLAR_OPEN};
use crate::{Dialect, Listener, Said};

const FAMILIES: [Dialect; 2] = [HARMONY, SOLAR_OPEN];

/// A model whose marks are tokens.
fn forms_of(dialect: Dialect) -> Forms {
    Forms::new(scripted::model(Script::new().dialect(dialect)).codec, VOCABULARY)
}

/// Whether the form takes this answer to its end, whose marks and ends are tokens.
fn takes(forms: &Forms, form: &Form, answer: &str) -> bool {
    let mut form = form.clone();
    for token in forms.codec.encode_own(answer).unwrap() {
        if !allowed(&mut form).contains(&token) {
            return false;
        }
        if forms.codec.is_end(token) {
            return true;
        }
        form.take(token).unwrap();
    }
    form.is_complete() || allowed(&mut form).iter().any(|token| forms.codec.is_end(*token))
}

/// Calls, words and reasoning of an answer.
fn heard(forms: &Forms, tokens: &[Token]) -> (Vec<(String, String)>, String, String) {
    let mut listener = Listener::new(*forms.codec.dialect(), true, false);
    let (mut text, mut marks) = (Vec::new(), Vec::new());
    for &token in tokens {
        marks.extend(forms.codec.is_mark(token).then_some(text.len()));
        text.extend_from_slice(forms.codec.bytes(token));
    }
    let mut said = listener.hear(std::str::from_utf8(&text).unwrap(), &marks);
    said.extend(listener.finish());
    let (mut calls, mut words, mut thought): (Vec<(String, String)>, _, _) = (Vec::new(), String::new(), String::new());
    for said in said {
        match said {
            Said::Thought(text) => thought.push_str(&text),
            Said::Words(text) => words.push_str(&text),
            Said::Call { name, .. } => calls.push((name, String::new())),
            Said::Arguments { index, text } => calls[index as usize].1.push_str(&text),
        }
    }
    (calls, words, thought)
}

fn tools() -> Vec<Tool> {
    let city =
        json!({ "properties": { "city": { "type": "string" } }, "required": ["city"], "additionalProperties": false });
    vec![tool("weather", Some(city)), tool("time", None)]
}

fn calls(required: bool, several: bool, words: Option<Wanted>) -> Wanted {
    Wanted::Calls { tools: tools(), required, several, words: words.map(Box::new) }
}

/// How a family writes its parts.
struct Parts {
    thought: String,
    words: &'static str,
    weather: String,
    time: String,
    next: &'static str,
}

fn parts(dialect: Dialect) -> Parts {
    if dialect == HARMONY {
        let call = |name: &str, arguments: &str| {
            format!("<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{arguments}")
        };
        return Parts {
            thought: "<|channel|>analysis<|message|>so {\"a\" and 5\"<|end|><|start|>assistant".to_owned(),
            words: "<|channel|>final<|message|>",
            weather: call("weather", "{\"city\": \"Huế\"}"),
            time: call("time", "{}"),
            next: "<|end|><|start|>assistant",
        };
    }
    let call = |name: &str, arguments: &str| {
        format!("<|tool_call:begin|>a1b2c3d4e5<|tool_call:name|>{name}<|tool_call:args|>{arguments}<|tool_call:end|>")
    };
    Parts {
        thought: "<|think|>so {\"a\" and 5\"<|end|><|begin|>assistant".to_owned(),
        words: "<|content|>",
        weather: format!("<|tool_calls|>{}", call("weather", "{\"city\": \"Huế\"}")),
        time: format!("<|tool_calls|>{}", call("time", "{}")),
        next: "<|end|><|begin|>assistant",
    }
}

#[test]
fn the_answers_words_have_the_form_and_reasoning_is_free() {
    let wanted = [
        (
            json_of(
                json!({ "type": "object", "properties": { "a": { "const": 1 } }, "required": ["a"], "additionalProperties": false }),
            ),
            "{\"a\": 1}",
        ),
        (Wanted::Regex(r"\d{4}/[01]\d".to_owned()), "2026/11"),
        (Wanted::OneOf(vec!["yes".to_owned(), "no".to_owned()]), "no"),
        (Wanted::Lark("start: NUMBER (\"+\" NUMBER)*\nNUMBER: /[0-9]+/".to_owned()), "1+22"),
        (json_of(json!({ "const": "<|end|>" })), "\"<\u{1}|end|>\""),
    ];
    for dialect in FAMILIES {
        let forms = forms_of(dialect);
        let Parts { thought, words, next, .. } = parts(dialect);
        for (wanted, right) in &wanted {
            let form = |reasoning| forms.make(wanted, reasoning).unwrap();
            let (possible, done, open) = (form(POSSIBLE), form(Reasoning::Done), form(Reasoning::Open));
            // What is written as text is no mark.
            let right = right.replace('\u{1}', "");
            let takes = |form: &Form, before: &str, after: &str| {
                let own = |text: &str| forms.codec.encode_own(text).unwrap();
                let tokens = [own(before), forms.codec.encode(&right).unwrap(), own(after)].concat();
                let mut form = form.clone();
                tokens.iter().all(|token| allowed(&mut form).contains(token) && form.take(*token).is_ok())
                    && (form.is_complete() || allowed(&mut form).iter().any(|token| forms.codec.is_end(*token)))
            };
            assert!(takes(&possible, words, "") && takes(&done, words, ""), "{dialect:?} {right}");
            assert!(takes(&possible, &format!("{thought}{words}"), ""), "{right}");
            assert!(takes(&possible, &format!("{thought}{thought}{words}"), ""), "{right}");
            assert!(takes(&open, &format!("so{next}{words}"), ""), "{right}");
            assert!(!takes(&done, &format!("{thought}{words}"), "") && !takes(&open, words, ""), "{right}");
            assert!(!takes(&possible, "", "") && !takes(&possible, words, &format!("{next}{words}")), "{right}");
        }
    }
}

#[test]
fn calls_are_messages_of_their_own() {
    for (dialect, several) in FAMILIES.into_iter().flat_map(|dialect| [(dialect, false), (dialect, true)]) {
        let forms = forms_of(dialect);
        let Parts { thought, words, weather, time, .. } = parts(dialect);
        let form = |wanted: &Wanted| forms.make(wanted, POSSIBLE).unwrap();
        let (required, auto) = (form(&calls(true, several, None)), form(&calls(false, several, None)));
        let formed = form(&calls(false, several, Some(Wanted::OneOf(vec!["no".to_owned()]))));
        let ends = dialect.messages.unwrap().ends.iter().copied().chain([""]);
        let calls =
            [&weather, &time].into_iter().flat_map(|call| ["", &thought].map(|before| format!("{before}{call}")));
        for call in calls.flat_map(|call| ends.clone().map(move |end| format!("{call}{end}"))) {
            assert!([&required, &auto, &formed].iter().all(|form| takes(&forms, form, &call)), "{call}");
        }
        let said = format!("{words}It is noon.");
        assert!(takes(&forms, &auto, &said) && takes(&forms, &auto, &format!("{thought}{said}")));
        assert!(!takes(&forms, &required, &said) && !takes(&forms, &formed, &said));
        assert!(takes(&forms, &formed, &format!("{words}no")));
        let more = weather.replace("Huế\"", "Huế\", \"b\": 1");
        for wrong in [more, weather.replace("weather", "other"), "words".to_owned()] {
            assert!(!takes(&forms, &auto, &wrong), "{wrong}");
        }
    }
}

#[test]
fn there_are_as_many_calls_as_a_message_holds_and_the_caller_wants() {
    for (dialect, several) in FAMILIES.into_iter().flat_map(|dialect| [(dialect, false), (dialect, true)]) {
        let forms = forms_of(dialect);
        let Parts { thought, weather, time, next, .. } = parts(dialect);
        let required = forms.make(&calls(true, several, None), POSSIBLE).unwrap();
        let both = format!("{weather}{}", time.trim_start_matches("<|tool_calls|>"));
        assert_eq!(takes(&forms, &required, &both), several && dialect == SOLAR_OPEN);
        assert!(!takes(&forms, &required, &format!("{weather}{next}{time}")));
        let tokens = forms.codec.encode_own(&format!("{thought}{weather}")).unwrap();
        let expected = vec![("weather".to_owned(), "{\"city\": \"Huế\"}".to_owned())];
        assert_eq!(heard(&forms, &tokens), (expected, String::new(), "so {\"a\" and 5\"".to_owned()));

        let named = Wanted::Calls { tools: tools()[1..].to_vec(), required: true, several: false, words: None };
        let named = forms.make(&named, Reasoning::Done).unwrap();
        assert!(takes(&forms, &named, &time) && !takes(&forms, &named, &weather));
        assert!(!takes(&forms, &named, &format!("{thought}{time}")));
    }
}

#[test]
fn words_may_announce_a_call_where_a_family_does_so() {
    let forms = forms_of(HARMONY);
    let time = parts(HARMONY).time;
    let announced = format!("<|channel|>commentary<|message|>I look.<|end|><|start|>assistant{time}");
    let auto = forms.make(&calls(false, true, None), Reasoning::Done).unwrap();
    assert!(takes(&forms, &auto, &announced));
    assert!(!takes(&forms, &forms.make(&calls(true, true, None), POSSIBLE).unwrap(), &announced));
    let expected = (vec![("time".to_owned(), "{}".to_owned())], "I look.".to_owned(), String::new());
    assert_eq!(heard(&forms, &forms.codec.encode_own(&announced).unwrap()), expected);
}

#[test]
fn no_text_makes_a_mark_and_no_mark_comes_within_a_text() {
    for dialect in FAMILIES {
        let forms = forms_of(dialect);
        let own = dialect.messages.unwrap();
        let marks: Vec<Token> = own.marks().flat_map(|mark| forms.codec.encode_own(mark).unwrap()).collect();
        let mut auto = forms.make(&calls(false, true, None), POSSIBLE).unwrap();
        for token in forms.codec.encode_own(parts(dialect).words).unwrap() {
            auto.take(token).unwrap();
        }
        for token in forms.codec.encode("talk of <|end|> and <|start|>").unwrap() {
            assert!(allowed(&mut auto).contains(&token));
            assert!(allowed(&mut auto).iter().all(|token| !marks.contains(token)));
            auto.take(token).unwrap();
        }
        let mut mark_as_text = forms.make(&calls(true, true, None), POSSIBLE).unwrap();
        assert!(allowed(&mut mark_as_text).iter().all(|token| marks.contains(token)));
    }
}

#[test]
fn headers_are_known_without_the_model() {
    for dialect in FAMILIES {
        let forms = forms_of(dialect);
        let mut form = forms.make(&json_of(json!({ "const": 42 })), Reasoning::Done).unwrap();
        let expected = format!("{}42", parts(dialect).words);
        assert_eq!(form.forced(100).unwrap(), forms.codec.encode_own(&expected).unwrap());
    }
}

#[test]
fn numbers_end_in_messages_too_and_not_in_reasoning() {
    let ones = |count: usize| "1".repeat(count);
    let schema = json!({ "type": "object", "properties": { "n": { "type": "number" } } });
    for dialect in FAMILIES {
        let forms = forms_of(dialect);
        let form = forms.make(&json_of(schema.clone()), POSSIBLE).unwrap();
        let Parts { thought, words, .. } = parts(dialect);
        let before = format!("{}{words}", thought.replace("so", &format!("so {}", ones(24))));
        assert!(takes(&forms, &form, &format!("{before}{{\"n\": {}}}", ones(19))));
        assert!(!takes(&forms, &form, &format!("{before}{{\"n\": {}}}", ones(20))));
    }
}

/// Walks through a form by chance, and gives the tokens of an answer that it made.
fn made(forms: &Forms, form: &Form, mut chance: u64) -> Vec<Token> {
    let mut form = form.clone();
    let mut tokens = Vec::new();
    while !form.is_complete() && tokens.len() < 600 {
        let may: Vec<Token> = allowed(&mut form).into_iter().filter(|token| *token < 0x80 || *token >= 0xc0).collect();
        if may.iter().any(|token| forms.codec.is_end(*token)) {
            break;
        }
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = usize::try_from(chance >> 33).unwrap();
        // Texts that need not go on end soon.
        let ends: Vec<Token> =
            may.iter().copied().filter(|token| *token >= 0xc0 || *token == u32::from(b'"')).collect();
        let from = if ends.is_empty() || drawn % 3 > 0 { &may } else { &ends };
        let plain: Vec<Token> =
            from.iter().copied().filter(|token| forms.codec.is_mark(*token) || *token < 0x80).collect();
        let Some(token) = plain.get((drawn / 3) % plain.len().max(1)) else { break };
        form.take(*token).unwrap();
        tokens.push(*token);
    }
    tokens
}

#[test]
fn what_a_form_makes_by_chance_is_heard_as_calls() {
    for dialect in FAMILIES {
        let forms = forms_of(dialect);
        let form = forms.make(&calls(true, false, None), POSSIBLE).unwrap();
        let mut whole = 0;
        for chance in 0..40 {
            let tokens = made(&forms, &form, chance);
            let (calls, words, _) = heard(&forms, &tokens);
            assert_eq!(words, "", "{tokens:?}");
            assert!(calls.len() <= 1);
            for (name, arguments) in calls {
                assert!(name == "weather" || name == "time", "{name}");
                let Ok(arguments) = serde_json::from_str::<Value>(&arguments) else { continue };
                assert_eq!(arguments.get("city").is_some_and(Value::is_string), name == "weather", "{arguments}");
                whole += 1;
            }
        }
        assert!(whole > 10, "{whole} answers were calls");
    }
}
