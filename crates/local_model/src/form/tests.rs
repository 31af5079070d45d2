//! What a form lets through, what it refuses, and what it costs to ask for the impossible.

mod messages;

use std::sync::Arc;

use serde_json::{Value, json};

use super::Reasoning::Possible as POSSIBLE;
use super::*;
use crate::scripted::{self, END, Script, VOCABULARY};

fn forms() -> Forms {
    let model = scripted::model(Script::new());
    Forms::new(model.codec, VOCABULARY)
}

/// Whether the form takes this answer to its end, and everything before as its beginning.
fn takes(form: &Form, answer: &str) -> bool {
    let mut form = form.clone();
    for byte in answer.bytes() {
        if !allowed(&mut form).contains(&Token::from(byte)) || form.take(byte.into()).is_err() {
            return false;
        }
    }
    form.is_complete() || allowed(&mut form).contains(&END)
}

fn allowed(form: &mut Form) -> Vec<Token> {
    let mut masked = Vec::new();
    form.mask(&[1.0; VOCABULARY], &mut masked).unwrap();
    (0..).zip(masked).filter(|(_, logit)| *logit > 0.0).map(|(token, _)| token).collect()
}

fn json_of(schema: Value) -> Wanted {
    Wanted::Json { schema, strict: true }
}

fn tool(name: &str, parameters: Option<Value>) -> Tool {
    Tool { name: name.to_owned(), description: None, parameters, strict: true }
}

#[test]
fn json_follows_its_schema() {
    let schema = json!({
        "type": "object",
        "properties": { "city": { "type": "string" }, "days": { "type": "integer", "minimum": 1, "maximum": 7 } },
        "required": ["city", "days"],
        "additionalProperties": false,
    });
    let form = forms().make(&json_of(schema), POSSIBLE).unwrap();
    assert!(takes(&form, r#"{"city": "하노이", "days": 3}"#));
    assert!(takes(&form, "<think>\nhm </ think>\n</think>\n\n{\"city\": \"\", \"days\": 7}"));
    for wrong in [r#"{"city": "x", "days": 8}"#, r#"{"city": "x"}"#, "{}", r#"{"days": 3, "city": 1}"#, "Sure: {", ""] {
        assert!(!takes(&form, wrong), "{wrong}");
    }
}

#[test]
fn expressions_choices_and_grammars_hold() {
    let forms = forms();
    let date = forms.make(&Wanted::Regex(r"\d{4}/[01]\d".to_owned()), POSSIBLE).unwrap();
    assert!(takes(&date, "2026/11") && !takes(&date, "2026-11") && !takes(&date, "2026/11 "));
    let escaped = forms.make(&Wanted::Regex(r"https?:\/\/[a-z]+/\\".to_owned()), POSSIBLE).unwrap();
    assert!(takes(&escaped, r"https://abc/\") && !takes(&escaped, "https:abc"));
    let one = forms.make(&Wanted::OneOf(vec!["yes".to_owned(), "no \"way\"".to_owned()]), POSSIBLE).unwrap();
    assert!(takes(&one, "no \"way\"") && takes(&one, "yes") && !takes(&one, "yess") && !takes(&one, "y"));
    let sum = "start: NUMBER (\"+\" NUMBER)*\nNUMBER: /[0-9]+/";
    let sum = forms.make(&Wanted::Lark(sum.to_owned()), POSSIBLE).unwrap();
    assert!(takes(&sum, "1+22+333") && !takes(&sum, "1+") && !takes(&sum, "+1"));
}

#[test]
fn calls_are_made_in_the_dialects_way_and_only_where_they_may_be() {
    let tools = vec![
        tool(
            "weather",
            Some(
                json!({ "properties": { "city": { "type": "string" } }, "required": ["city"], "additionalProperties": false }),
            ),
        ),
        tool("time", None),
    ];
    let calls = |required, several| Wanted::Calls { tools: tools.clone(), required, several, words: None };
    let weather = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Huế\"}}\n</tool_call>";
    let time = "<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>";
    let both = format!("{weather}\n{time}");
    let cases = [
        (
            true,
            true,
            vec![weather, time, &both],
            vec!["words", "", "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>"],
        ),
        (true, false, vec![weather, time], vec![&*both, "words"]),
        (false, false, vec![weather, "words", "", "so < I say"], vec![&*both, "let me <tool_call>see</tool_call>"]),
        (
            false,
            true,
            vec![&*both, "Let me see.\n\n<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>"],
            vec!["<tool_call>{\"name\": \"weather\", \"arguments\": {}}</tool_call>"],
        ),
    ];
    for (required, several, right, wrong) in cases {
        let form = forms().make(&calls(required, several), POSSIBLE).unwrap();
        for answer in right {
            assert!(takes(&form, answer), "required {required}, several {several}: {answer}");
        }
        for answer in wrong {
            assert!(!takes(&form, answer), "required {required}, several {several}: {answer}");
        }
    }
}

#[test]
fn reasoning_that_the_prompt_opened_comes_first() {
    let form = forms().make(&json_of(json!({ "type": "object" })), Reasoning::Open).unwrap();
    assert!(takes(&form, "so {\"a\" it is</think>\n{\"a\": 1}"));
    assert!(!takes(&form, "{\"a\": 1}"));
}

#[test]
fn what_must_follow_is_known_without_the_model() {
    let mut form = forms().make(&json_of(json!({ "const": { "answer": 42 } })), POSSIBLE).unwrap();
    form.take(b'{'.into()).unwrap();
    let forced = form.forced(100).unwrap();
    let text: Vec<u8> = forced.iter().map(|&token| u8::try_from(token).unwrap()).collect();
    assert_eq!(String::from_utf8(text).unwrap(), "\"answer\": 42}");
    assert!(form.is_complete() || allowed(&mut form) == [END]);
}

#[test]
fn what_cannot_be_met_is_refused_with_a_reason_and_where() {
    let refused = |wanted: &Wanted| forms().make(wanted, POSSIBLE).unwrap_err().to_string();
    let cases = [
        (json_of(json!({ "type": "string", "minLength": 3, "maxLength": 2 })), "minLength"),
        (json_of(json!({ "type": "nonsense" })), "nonsense"),
        (json_of(json!({ "$ref": "https://example.org/schema" })), "example.org"),
        (json_of(json!({ "type": "array", "uniqueItems": true })), "uniqueItems"),
        (json_of(json!(false)), "nsatisfiable"),
        (Wanted::Regex("(".to_owned()), "regex"),
        (Wanted::Regex(String::new()), "empty"),
        (Wanted::Lark("begin: \"x\"".to_owned()), "start"),
    ];
    for (wanted, reason) in cases {
        let words = refused(&wanted);
        assert!(words.contains(reason), "{wanted:?}: {words}");
        assert!(words.lines().count() == 1, "{words}");
    }
    let tools = vec![tool("good", None), tool("bad", Some(json!({ "properties": { "x": { "pattern": "(" } } })))];
    let error =
        forms().make(&Wanted::Calls { tools, required: false, several: true, words: None }, POSSIBLE).unwrap_err();
    assert!(matches!(error, FormError::Tool(1, _)), "{error:?}");
}

#[test]
fn what_cannot_be_enforced_is_passed_over_only_where_that_is_allowed() {
    let schema = json!({ "type": "array", "uniqueItems": true, "items": { "type": "integer" } });
    let form = forms().make(&Wanted::Json { schema, strict: false }, POSSIBLE).unwrap();
    assert!(takes(&form, "[1, 1]"));
}

#[test]
fn monstrous_schemas_are_refused_in_bounded_work() {
    let wide: serde_json::Map<String, Value> =
        (0..60_000).map(|index| (format!("property number {index}"), json!({ "type": "string" }))).collect();
    let mut deep = json!({ "type": "string" });
    for _ in 0..14 {
        deep =
            json!({ "anyOf": [{ "type": "array", "items": deep, "minItems": 50 }, { "properties": { "x": deep } }] });
    }
    for schema in [json!({ "properties": wide }), deep] {
        let error = forms().make(&json_of(schema), POSSIBLE).unwrap_err().to_string();
        assert!(!error.is_empty() && error.len() < 1_000, "{error}");
    }
    // Definitions that lead from one to the next, of rules and of terminals: followed on the stack.
    let chain = |name: &str, length: usize| -> String {
        let links = (0..length).map(|index| format!("{name}{index}: \"a\" {name}{}\n", index + 1));
        format!("start: {name}0\n{}{name}{length}: \"b\"\n", links.collect::<String>())
    };
    for name in ["r", "T"] {
        let error = forms().make(&Wanted::Lark(chain(name, 100_000)), POSSIBLE).unwrap_err().to_string();
        assert!(error.contains("definitions") || error.contains("bytes"), "{error}");
        // As many as may be: taken or refused, and nothing breaks.
        let most = forms().make(&Wanted::Lark(chain(name, 1000)), POSSIBLE);
        assert!(most.is_ok() || most.is_err_and(|error| !error.to_string().contains("broke")));
    }
}

#[test]
fn reasoning_with_a_marker_or_an_odd_quotation_mark_in_it_changes_nothing() {
    let time = Wanted::Calls { tools: vec![tool("time", None)], required: false, several: false, words: None };
    let form = forms().make(&time, POSSIBLE).unwrap();
    assert!(takes(&form, "<think>\nI could <tool_call> it.\n</think>\n\nIt is noon."));
    assert!(takes(&form, "<think>hm</think>\n<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>"));
    assert!(takes(&form, "It is <b>noon</b>, I think."));

    let schema = json!({ "type": "object", "properties": { "n": { "type": "number" }, "s": { "type": "string" } } });
    let digits = "1".repeat(24);
    for (reasoning, begin) in [(POSSIBLE, "<think>"), (Reasoning::Open, "")] {
        let form = forms().make(&json_of(schema.clone()), reasoning).unwrap();
        assert!(takes(&form, &format!("{begin}a 5\" pipe, {digits}</think>\n{{\"n\": 1, \"s\": \"{digits}\"}}")));
        assert!(!takes(&form, &format!("{begin}a 5\" pipe</think>\n{{\"n\": {digits}}}")));
    }
}

#[test]
fn arguments_are_an_object_whatever_their_schema_says() {
    for schema in [json!({ "type": ["object", "null"] }), json!({ "type": ["string", "object"] })] {
        let wanted =
            Wanted::Calls { tools: vec![tool("f", Some(schema))], required: true, several: false, words: None };
        let form = forms().make(&wanted, POSSIBLE).unwrap();
        assert!(takes(&form, "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>"));
        assert!(!takes(&form, "<tool_call>{\"name\": \"f\", \"arguments\": null}</tool_call>"));
    }
    let wanted = Wanted::Calls {
        tools: vec![tool("f", Some(json!({ "type": "string" })))],
        required: true,
        several: false,
        words: None,
    };
    assert!(matches!(forms().make(&wanted, POSSIBLE), Err(FormError::Tool(0, _))));
}

#[test]
fn words_beside_calls_may_have_a_form_too() {
    let words = json_of(json!({ "type": "object", "properties": { "a": { "const": 1 } }, "required": ["a"] }));
    let wanted = Wanted::Calls {
        tools: vec![tool("time", None)],
        required: false,
        several: false,
        words: Some(Box::new(words)),
    };
    let form = forms().make(&wanted, POSSIBLE).unwrap();
    assert!(takes(&form, r#"{"a": 1}"#));
    assert!(takes(&form, "<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>"));
    assert!(!takes(&form, "words"));
}

#[test]
fn numbers_end_where_more_digits_mean_nothing() {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "number" }, "s": { "type": "string" } } });
    let form = forms().make(&json_of(schema), POSSIBLE).unwrap();
    let digits = "1".repeat(19);
    assert!(takes(&form, &format!("{{\"n\": {digits}, \"s\": \"{digits}{digits}\"}}")));
    assert!(takes(&form, "{\"n\": -1.234567890123456789}"));
    assert!(!takes(&form, &format!("{{\"n\": {digits}1}}")));
}

#[test]
fn a_vocabulary_is_prepared_once() {
    let forms = forms();
    let again = forms.clone();
    forms.make(&json_of(json!({})), POSSIBLE).unwrap();
    assert!(again.factory.get().is_some());
    assert!(Arc::ptr_eq(&forms.factory, &again.factory));
}
