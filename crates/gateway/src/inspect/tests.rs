//! Tests of the class: the highest of all that counts, raised by a caller and never lowered.

use http::HeaderValue;

use super::*;
use crate::config::Config;

const CONFIG: &str = r#"
[policy]
use = "kr-enterprise"
home = "KR"
[[team]]
name = "press"
class = "open"
purpose = "publishing"
[[team]]
name = "audit"
class = "classified"
high_impact = true
[[destination]]
name = "d"
base_url = "http://127.0.0.1:1/v1"
models = ["m", "n"]
[[route]]
model = "cases"
destinations = ["d/m"]
class = "sensitive"
purpose = "case-work"
use_area = "hiring"
"#;

fn judgement() -> Judgement {
    Judgement::new(&Config::parse(CONFIG, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}")), None)
}

fn caller(team: &str, class: Option<Class>) -> Caller {
    let registered = Registered { class, ..Registered::default() };
    Caller { key_id: "k".into(), name: "n".into(), team: team.into(), registered }
}

/// The class of a request that says `text`, by what makes it so.
fn classes(team: &str, key: Option<Class>, model: &str, text: &str) -> BTreeMap<&'static str, Class> {
    let (judgement, caller) = (judgement(), caller(team, key));
    let body = serde_json::json!({ "model": model, "messages": [{ "role": "user", "content": text }] }).to_string();
    let contents = Contents::read(&body.into(), Surface::Chat, judgement.identifiers());
    class(&Registers::of(&caller, judgement.chain(model), &judgement), &contents, None, &judgement)
}

#[test]
fn what_nobody_has_registered_has_the_policys_default() {
    let default = judgement().policy().classes().default();
    assert_eq!(classes("nobody", None, "m", "hello"), BTreeMap::from([("registered", default)]));
    assert_eq!(classes("press", None, "m", "hello"), BTreeMap::from([("registered", Class::Open)]));
}

#[test]
fn the_highest_of_key_team_and_route_counts() {
    let registered = |team, key, model| classes(team, key, model, "hello")["registered"];
    assert_eq!(registered("press", Some(Class::Sensitive), "m"), Class::Sensitive);
    assert_eq!(registered("press", Some(Class::Open), "m"), Class::Open);
    assert_eq!(registered("press", None, "cases"), Class::Sensitive);
    assert_eq!(registered("audit", Some(Class::Open), "cases"), Class::Classified);
}

#[test]
fn findings_raise_the_class() {
    let found = classes("press", None, "m", "주민등록번호 900101-1234568 입니다");
    assert!(found["findings"] > Class::Open, "{found:?}");
    assert_eq!(found["registered"], Class::Open);
}

#[test]
fn purposes_come_from_the_nearest_register_and_high_impact_from_any() {
    let judgement = judgement();
    let facts = |team: &str, model: &'static str| {
        let caller = caller(team, None);
        let facts = facts_of_contents(&caller, Surface::Chat, model, Arc::default(), &judgement);
        (facts.purpose.to_string(), facts.use_area.to_string(), facts.high_impact)
    };
    assert_eq!(facts("press", "m"), ("publishing".into(), String::new(), false));
    assert_eq!(facts("press", "cases"), ("case-work".into(), "hiring".into(), false));
    assert_eq!(facts("audit", "m"), (String::new(), String::new(), true));
}

#[test]
fn what_a_caller_declares_is_read_strictly() {
    let declared = |name: &'static str, value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        Declared::read(&headers)
    };
    assert_eq!(declared("x-gwanmun-class", "classified").unwrap().class, Some(Class::Classified));
    for wrong in ["secret", "Open", ""] {
        let error = declared("x-gwanmun-class", wrong).unwrap_err();
        assert_eq!(error.message(), "`x-gwanmun-class` must be `open`, `sensitive` or `classified`");
    }
    assert_eq!(declared("x-gwanmun-conversation", "c-1").unwrap().conversation.as_deref(), Some("c-1"));
    assert!(declared("x-gwanmun-conversation", &"c".repeat(CONVERSATION_BYTES_MAX + 1)).is_err());
    let several = |name: &'static str, values: [&'static str; 2]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        Declared::read(&headers)
    };
    for both in [["open", "classified"], ["classified", "open"]] {
        assert_eq!(several("x-gwanmun-class", both).unwrap().class, Some(Class::Classified), "the highest counts");
    }
    assert!(several("x-gwanmun-class", ["classified", "none"]).is_err());
    assert!(several("x-gwanmun-conversation", ["a", "b"]).is_err());
    assert_eq!(Declared::read(&HeaderMap::new()).unwrap(), Declared::default());
}
