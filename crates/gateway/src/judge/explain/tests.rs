//! What is explained is what the road would do: its class, its verdicts, its forms.

use serde_json::{Value, json};

use super::*;
use crate::config::Config;

const CONFIG: &str = r#"
[policy]
use = "open"
home = "KR"
[[destination]]
name = "own"
provider = "own"
base_url = "http://127.0.0.1:1/v1"
models = ["m"]
[[destination]]
name = "d"
base_url = "http://127.0.0.1:1/v1"
models = ["m"]
[[team]]
name = "hr"
class = "sensitive"
use_area = "hiring"
high_impact = true
"#;

const SAID: &str = "제 주민등록번호는 900101-1234568, 키는 sk-ant-REDACTED";

fn judgement() -> Judgement {
    Judgement::new(&Config::parse(CONFIG, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}")), None)
}

fn question(team: &str, body: &Value, declared: Option<Class>) -> Question {
    let body = body.to_string().into();
    Question { body, key: "k".into(), team: team.into(), registered: Registered::default(), declared }
}

fn explained(team: &str, body: &Value, declared: Option<Class>) -> Explained {
    judgement().explain(&question(team, body, declared)).unwrap()
}

fn chat(text: &str) -> Value {
    json!({ "model": "m", "messages": [{ "role": "user", "content": text }] })
}

#[test]
fn findings_are_told_with_place_kind_and_text() {
    let body = json!({ "model": "m", "messages": [
        { "role": "user", "content": SAID },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "c", "type": "function", "function":
            { "name": "f", "arguments": "{\"mail\":\"kim\\u0040example.com\"}" } }] },
        { "role": "tool", "tool_call_id": "c", "content": "ok" },
    ] });
    let told: Vec<(&str, String, String)> =
        explained("t", &body, None).found.into_iter().map(|it| (it.place, it.kind, it.text)).collect();
    let expected = [("message", "kr.resident", "900101-1234568"), ("tool_input", "email", "kim@example.com")];
    for (place, kind, text) in expected {
        assert!(told.contains(&(place, kind.to_owned(), text.to_owned())), "{told:?}");
    }
}

#[test]
fn the_class_is_told_with_all_that_makes_it_so() {
    let plain = explained("t", &chat("hello"), None);
    assert_eq!((plain.class, plain.because), (Class::Open, BTreeMap::from([("default", Class::Open)])));
    let found = explained("hr", &chat(SAID), Some(Class::Classified));
    let by = [("registered", Class::Sensitive), ("declared", Class::Classified), ("findings", Class::Sensitive)];
    assert_eq!((found.class, found.because), (Class::Classified, BTreeMap::from(by)));
    assert!(found.high_impact && &*found.use_area == "hiring");
}

#[test]
fn each_step_is_told_with_the_form_in_which_it_would_have_the_request() {
    let it = explained("t", &chat(SAID), None);
    assert!(it.refused.is_none());
    let [own, abroad] = &it.steps[..] else { panic!("{:?}", it.steps) };
    assert_eq!((&*own.link.label, &own.hidden), ("own", &None), "own machines are told apart");
    let Some(Ok(Hidden { count, body, shown })) = &abroad.hidden else { panic!("{abroad:?}") };
    assert!(*count >= 1);
    for text in [body, shown.as_ref().unwrap()] {
        assert!(!text.contains("900101-1234568") && text.contains("주민등록번호"), "{text}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may leave half a file")]
fn what_is_not_hidden_there_is_masked_where_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "@id(\"a\")\n@edit(\"mask\")\n@kinds(\"email\")\npermit (principal, action, resource);\n";
    std::fs::write(folder.path().join("ours.cedar"), rule).unwrap();
    let path = folder.path().join("gwanmun.toml");
    let text = CONFIG.replace("\"open\"\nhome", &format!("\"{}/ours.cedar\"\nhome", folder.path().display()));
    let config = Config::parse(&text, &path.display().to_string()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let body = chat("mail kim@example.com, 900101-1234568");
    let told = Judgement::new(&config, None).explain(&question("t", &body, None)).unwrap();
    let Some(Ok(Hidden { count, body, shown })) = &told.steps[0].hidden else { panic!("{told:?}") };
    assert_eq!(*count, 1);
    assert!(body.contains("900101-1234568") && !body.contains("kim@example.com"));
    assert!(!shown.as_ref().unwrap().contains("900101-1234568"));
}

#[test]
fn nothing_that_was_found_is_printed_unasked() {
    let it = explained("t", &chat(SAID), None);
    assert!(it.found.iter().any(|found| found.text == "900101-1234568"));
    assert!(!format!("{it:?}").contains("900101"), "{it:?}");
}

#[test]
fn refusals_are_told_with_what_stands_in_the_way() {
    let refused = explained("t", &chat("hello"), Some(Class::Classified));
    let steps: Vec<bool> = refused.steps.iter().map(|step| step.outcome.terms().is_some()).collect();
    assert_eq!(steps, [true, false]);
    let mut unknown = chat("hello");
    unknown["model"] = "nobody".into();
    let it = explained("t", &unknown, None);
    assert!(it.steps.is_empty() && it.permitted.is_empty());
    assert_eq!(it.refused.unwrap().0, "model_not_found");
    let picture = json!({ "model": "m", "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "900101-1234568" },
        { "type": "image_url", "image_url": { "url": "https://pictures.example/1.png" } },
    ] }] });
    let it = explained("t", &picture, None);
    assert!(it.unread);
    assert!(it.steps.last().unwrap().outcome.terms().is_none(), "what is not read is not disguised: {:?}", it.steps);
}

#[test]
fn a_body_is_read_as_its_address_would_read_it() {
    assert!(judgement().explain(&question("t", &json!({ "messages": [] }), None)).is_err());
    let completion = json!({ "model": "m", "prompt": "900101-1234568" });
    let it = explained("t", &completion, None);
    assert_eq!((it.surface, it.found.len()), ("completions", 1));
    let embedding = json!({ "model": "m", "input": "900101-1234568" });
    let it = explained("t", &embedding, None);
    assert_eq!((it.surface, it.found.len()), ("embeddings", 1));
    let Some(Ok(hidden)) = &it.steps.last().unwrap().hidden else { panic!("{it:?}") };
    assert!(hidden.body.contains("[kr.resident]"), "a vector cannot be restored, so it is masked: {}", hidden.body);
}
