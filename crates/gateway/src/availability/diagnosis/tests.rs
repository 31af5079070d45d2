//! The table: every case of `spec/availability`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::Config;

use super::{Break, Cause, Diagnosis, Extent, Sickness, Symptom, Told, Wait, diagnose};

const CASES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/availability/cases.json"));

#[derive(Deserialize)]
struct Case {
    name: String,
    from: String,
    symptom: Value,
    expect: Value,
}

/// What a case's answer holds: its body as it would come in.
struct Body(Vec<u8>);

impl Case {
    fn body(&self) -> Body {
        match &self.symptom["body"] {
            Value::String(text) => Body(text.clone().into_bytes()),
            json @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Body(json.to_string().into_bytes())
            }
        }
    }

    fn asked(&self) -> &[u8] {
        self.symptom["asked"]
            .as_str()
            .unwrap_or(r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#)
            .as_bytes()
    }

    fn symptom<'a>(&'a self, body: &'a Body) -> Symptom<'a> {
        let symptom = &self.symptom;
        if let Some(status) = symptom["status"].as_u64() {
            let retry_after = symptom["retry_after"].as_u64().map(Duration::from_secs);
            let (status, told) = (u16::try_from(status).unwrap(), Told::read(&body.0));
            return Symptom::Answered { status, told, retry_after, asked: self.asked() };
        }
        match (symptom.as_str(), symptom["name"].as_str(), symptom["late"].as_str(), symptom["broken"].as_str()) {
            (Some("tls"), ..) => Symptom::Tls,
            (Some("refused"), ..) => Symptom::Refused,
            (Some("reset"), ..) => Symptom::Reset,
            (_, Some(what), ..) => Symptom::Name { gone: what == "gone" },
            (_, _, Some("connect"), _) => Symptom::Late(Wait::Connect),
            (_, _, Some("first byte"), _) => Symptom::Late(Wait::FirstByte),
            (_, _, Some("idle"), _) => Symptom::Late(Wait::Idle),
            (_, _, Some("total"), _) => Symptom::Late(Wait::Total),
            (_, _, _, Some("not understood")) => Symptom::Broken(Break::NotUnderstood),
            (_, _, _, Some("cut")) => Symptom::Broken(Break::Cut),
            (_, _, _, Some("empty")) => Symptom::Broken(Break::Empty),
            (_, _, _, Some("content type")) => Symptom::Broken(Break::ContentType),
            (_, _, _, Some("too large")) => Symptom::Broken(Break::TooLarge),
            _ => panic!("`{}` has no symptom that is known: {symptom}", self.name),
        }
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(CASES).unwrap()
}

/// A diagnosis as the cases write it.
fn written(diagnosis: Option<&Diagnosis>) -> Value {
    let Some(diagnosis) = diagnosis else { return json!("request") };
    let extent = match diagnosis.extent {
        Extent::Destination => "destination",
        Extent::Model => "model",
    };
    match diagnosis.sickness {
        Sickness::Outage(outage) => json!({"outage": outage.word(), "extent": extent}),
        Sickness::Withdrawal { cause, certain } => {
            json!({"withdrawal": cause.word(), "certain": certain, "extent": extent})
        }
    }
}

#[test]
fn every_case_of_the_table_is_told_as_it_says() {
    let (cases, mut wrong) = (cases(), Vec::new());
    assert!(cases.len() >= 120, "the table has {} cases", cases.len());
    for case in &cases {
        let body = case.body();
        let diagnosis = diagnose(&case.symptom(&body));
        let mut expected = case.expect.clone();
        if let Some(asked) = expected.as_object_mut().and_then(|fields| fields.remove("retry_after")) {
            assert_eq!(diagnosis.as_ref().and_then(|it| it.retry_after), asked.as_u64().map(Duration::from_secs));
        }
        let told = written(diagnosis.as_ref());
        if told != expected {
            wrong.push(format!("{}, {}: expected {expected}, told {told}", case.from, case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_a_case_for_every_sickness_that_a_destination_can_show() {
    let told: Vec<Value> = cases().iter().map(|case| case.expect.clone()).collect();
    for outage in super::Outage::ALL {
        assert!(told.iter().any(|it| it["outage"] == outage.word()), "{}", outage.word());
    }
    // The others are not shown by an answer, but said, announced, rehearsed or measured.
    let shown = [
        Cause::Credentials,
        Cause::Account,
        Cause::Region,
        Cause::Model,
        Cause::Legal,
        Cause::Contract,
        Cause::Tls,
        Cause::Name,
    ];
    for cause in shown {
        assert!(told.iter().any(|it| it["withdrawal"] == cause.word()), "{}", cause.word());
    }
    for cause in Cause::ALL {
        assert_eq!(Cause::of(cause.word()), Some(cause));
    }
}

/// Evidence goes into the log, to the webhook and onto screens: a provider's sentence may repeat the request, and its key.
#[test]
fn no_evidence_holds_a_word_of_the_providers_sentence_or_of_the_request() {
    for case in cases() {
        let body = case.body();
        let Some(diagnosis) = diagnose(&case.symptom(&body)) else { continue };
        let evidence = diagnosis.evidence.to_string();
        assert!(evidence.len() <= 160, "{evidence}");
        for canary in ["sk-a****b", "proj_1", "org-1", "projects/1", "hello", "suspended; country"] {
            assert!(!evidence.contains(canary), "{}: {evidence}", case.name);
        }
    }
}

#[test]
fn a_code_that_is_no_short_word_is_not_told_on() {
    let long = "x".repeat(65);
    for code in ["two words", "", "a\"b", "한국", long.as_str()] {
        let body = json!({"error": {"message": "no", "code": code}}).to_string();
        let told = Told::read(body.as_bytes());
        let symptom = Symptom::Answered { status: 403, told, retry_after: None, asked: b"" };
        assert_eq!(diagnose(&symptom).unwrap().evidence.to_string(), "it refused the gateway (403)");
    }
    let told = Told::read(br#"{"error": {"message": "no", "code": "denied"}}"#);
    let symptom = Symptom::Answered { status: 403, told, retry_after: None, asked: b"" };
    assert_eq!(diagnose(&symptom).unwrap().evidence.to_string(), "it refused the gateway (403 denied)");
}

/// A body is never trusted to be small, shallow or text.
#[test]
fn hostile_bodies_are_read_within_limits() {
    let deep = "[".repeat(100_000);
    let nested = format!("{}{}", "{\"error\":".repeat(50), "}".repeat(50));
    let large = format!("{{\"message\":\"{}\"}}", "x".repeat(1 << 20));
    for body in [deep.as_bytes(), nested.as_bytes(), large.as_bytes(), &[0xff; 4096], b"{", b"\"x\"", b"null"] {
        let symptom = Symptom::Answered { status: 500, told: Told::read(body), retry_after: None, asked: body };
        assert!(diagnose(&symptom).is_some());
    }
}

/// Else an automatic return could let back what only an operator may.
#[test]
fn what_may_return_by_itself_yields_to_what_may_not() {
    let may_return = |cause: &Cause| {
        let text = format!("[availability]\nautomatic_return = [\"{}\"]\n", cause.word());
        Config::parse(&text, "test.toml").is_ok()
    };
    let (returning, staying): (Vec<Cause>, Vec<Cause>) =
        Cause::ALL.into_iter().filter(|cause| *cause != Cause::Drill).partition(may_return);
    assert!(!returning.is_empty() && !staying.is_empty());
    for (less, more) in returning.iter().flat_map(|less| staying.iter().map(move |more| (*less, *more))) {
        assert!(more.outranks(less) && !less.outranks(more), "{} and {}", less.word(), more.word());
    }
    for other in Cause::ALL.into_iter().filter(|cause| *cause != Cause::Operator) {
        assert!(Cause::Operator.outranks(other) && !other.outranks(Cause::Operator), "{}", other.word());
        if !matches!(other, Cause::Tls | Cause::Name | Cause::Drill) {
            assert!(other.outranks(Cause::Tls) && other.outranks(Cause::Name), "{}", other.word());
        }
        assert!(!other.outranks(other));
    }
}
