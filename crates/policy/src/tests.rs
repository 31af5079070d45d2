//! What a policy does, end to end: read, compiled, asked.

mod differences;
mod equal;
mod guard;
mod mistakes;
mod proof;
mod terms;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{Action, Axis, Class, Destination, Facts, File, Judge, Mistakes, Outcome, Policy, Vocabulary};

/// A few words of each sort.
pub(crate) fn vocabulary() -> Vocabulary {
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    let map = |words: &[(&str, &[&str])]| {
        words.iter().map(|(word, around)| ((*word).to_owned(), set(around))).collect::<BTreeMap<_, _>>()
    };
    Vocabulary {
        places: map(&[
            ("KR", &["OECD"]),
            ("US", &["OECD"]),
            ("FR", &["EU", "OECD"]),
            ("DE", &["EU", "OECD"]),
            ("VN", &["ASEAN"]),
            ("EU", &[]),
            ("OECD", &[]),
            ("ASEAN", &[]),
        ]),
        kinds: map(&[
            ("kr.resident", &["kr", "person"]),
            ("kr.phone", &["kr", "person"]),
            ("kr.business", &["kr"]),
            ("email", &["person"]),
            ("secret.api_key", &["secret"]),
            ("kr", &[]),
            ("person", &[]),
            ("secret", &[]),
        ]),
        signals: set(&["signal.override", "signal.reveal"]),
        needs: set(&["tools", "vision"]),
        languages: set(&["ko", "en", "vi"]),
        attributes: map(&[
            ("provider", &["own", "azure", "openai"]),
            ("region", &["korea-central", "us-east"]),
            ("developer", &["openai", "upstage"]),
            ("card", &["solar-pro2", "gpt-oss-20b"]),
            ("languages", &["ko", "en", "vi"]),
            ("transfer_basis", &["consent", "standard-clauses"]),
            ("training_on_input", &["never", "opt-out", "opt-in", "always"]),
            ("commercial_use", &["yes", "limited", "no"]),
        ]),
    }
}

pub(crate) fn read(rules: &str) -> Result<Policy, Mistakes> {
    Policy::read("test", File { name: "test.cedar", text: rules }, None, &vocabulary())
}

pub(crate) fn read_with(rules: &str, settings: &str) -> Result<Policy, Mistakes> {
    let settings = File { name: "test.toml", text: settings };
    Policy::read("test", File { name: "test.cedar", text: rules }, Some(settings), &vocabulary())
}

pub(crate) fn axis(place: &str) -> Axis {
    let within: BTreeSet<Arc<str>> = match vocabulary().places.get(place) {
        Some(around) => around.iter().map(String::as_str).chain([place]).map(Arc::from).collect(),
        None => BTreeSet::new(),
    };
    let known = if within.is_empty() { BTreeSet::new() } else { BTreeSet::from([Arc::from(place)]) };
    Axis { known, within }
}

/// A destination that is processed at one place and controlled from another; `?` is not known.
pub(crate) fn destination(id: &str, processed: &str, controlled: &str) -> Destination {
    Destination {
        id: id.into(),
        name: id.into(),
        model: "m".into(),
        local: id == "local",
        processed_in: axis(processed),
        controlled_by: axis(controlled),
        ..Destination::default()
    }
}

/// The floor, one at home, one abroad, one of which nothing is known.
pub(crate) fn destinations() -> Vec<Destination> {
    vec![
        destination("local", "KR", "KR"),
        destination("home", "KR", "KR"),
        destination("abroad", "US", "US"),
        destination("nowhere", "?", "?"),
    ]
}

/// A request about which nothing is special.
pub(crate) const PLAIN: Facts<'static> = Facts {
    tenant: "default",
    team: "sales",
    key: "k1",
    action: Action::Infer,
    class: Class::Open,
    findings: &[],
    signals: &[],
    needs: &[],
    surface: "chat",
    language: "ko",
    purpose: "",
    use_area: "",
    high_impact: false,
    unread: false,
    stream: false,
    prompt_kib: 1,
};

/// The destinations that a request may go to.
pub(crate) fn permitted(judge: &Judge, facts: &Facts<'_>) -> Vec<String> {
    let verdict = judge.decide(facts);
    let open = judge.destinations().iter().zip(verdict.iter()).filter(|(_, outcome)| outcome.terms().is_some());
    open.map(|(destination, _)| destination.id.to_string()).collect()
}

/// The rule and code that refuse a destination.
pub(crate) fn refusal(judge: &Judge, facts: &Facts<'_>, to: &str) -> (String, String) {
    let number = judge.destinations().iter().position(|there| &*there.id == to).unwrap();
    match judge.decide(facts).of(number).unwrap() {
        Outcome::Refused(denial) => (denial.rule.as_deref().unwrap_or("none").to_owned(), denial.code.to_string()),
        Outcome::Permitted(terms) => panic!("permitted by {:?}", terms.rules),
    }
}

const HOME: &str = r#"
// What stays in the country may go anywhere in it.
@id("home")
permit (principal, action, resource)
when { resource.processed_within.contains("KR") && resource.controlled_within.contains("KR") };

@id("open-abroad")
permit (principal in Team::"sales", action == Action::"infer", resource)
when { context.class == "open" };

@id("no-resident-number-abroad")
@why("a resident number stays here")
@code("resident_number")
forbid (principal, action, resource)
when { context.findings.contains("kr.resident") }
unless { resource.processed_within.contains("KR") };
"#;

#[test]
fn a_policy_opens_what_it_permits_and_nothing_else() {
    let judge = read(HOME).unwrap().compile(destinations());
    assert_eq!(permitted(&judge, &PLAIN), ["local", "home", "abroad", "nowhere"]);
    assert_eq!(permitted(&judge, &Facts { class: Class::Sensitive, ..PLAIN }), ["local", "home"]);
    assert_eq!(permitted(&judge, &Facts { team: "hr", ..PLAIN }), ["local", "home"]);
    assert_eq!(permitted(&judge, &Facts { action: Action::Embed, ..PLAIN }), ["local", "home"]);
    let found = Facts { findings: &["kr", "kr.resident", "person"], ..PLAIN };
    assert_eq!(permitted(&judge, &found), ["local", "home"]);
    assert_eq!(refusal(&judge, &found, "abroad"), ("no-resident-number-abroad".into(), "resident_number".into()));
    assert_eq!(refusal(&judge, &Facts { team: "hr", ..PLAIN }, "abroad"), ("none".into(), "not_permitted".into()));
}

#[test]
fn what_no_rule_permits_is_refused() {
    let judge = read("").unwrap().compile(destinations());
    assert!(permitted(&judge, &PLAIN).is_empty());
}

#[test]
fn more_destinations_than_one_lane_holds_are_each_judged() {
    let many: Vec<Destination> = (0..600)
        .map(|number| destination(&format!("d{number}"), if number % 3 == 0 { "KR" } else { "US" }, "KR"))
        .collect();
    let judge = read(HOME).unwrap().compile(many);
    let open = permitted(&judge, &Facts { class: Class::Classified, ..PLAIN });
    let expected: Vec<String> = (0..600).filter(|number| number % 3 == 0).map(|number| format!("d{number}")).collect();
    assert_eq!(open, expected);
}
