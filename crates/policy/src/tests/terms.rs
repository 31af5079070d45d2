//! What a permission asks for, and which rule refuses: the strictest counts, a forbid wins, an error denies.

use std::collections::BTreeMap;

use super::{PLAIN, destinations, permitted, read, read_with, refusal};
use crate::{Action, Facts, Hide, Judge, Outcome, Terms};

fn terms(judge: &Judge, facts: &Facts<'_>, to: &str) -> Terms {
    let number = judge.destinations().iter().position(|there| &*there.id == to).unwrap();
    match judge.decide(facts).of(number).unwrap() {
        Outcome::Permitted(terms) => (**terms).clone(),
        Outcome::Refused(denial) => panic!("refused: {denial:?}"),
    }
}

const EDITS: &str = r#"
@id("disguised") @edit("pseudonymise") @kinds("person email secret.api_key") @label("ai")
permit (principal, action == Action::"infer", resource);

@id("masked") @edit("mask") @kinds("email") @answer("mask") @label("masked")
permit (principal in Team::"sales", action == Action::"infer", resource);

@id("reviewed") @review("human")
permit (principal, action == Action::"infer", resource) when { context.high_impact };
"#;

#[test]
fn the_strictest_of_all_permits_counts() {
    let judge = read(EDITS).unwrap().compile(destinations());
    let told = terms(&judge, &PLAIN, "abroad");
    assert_eq!(told.rules.iter().map(|rule| &**rule).collect::<Vec<_>>(), ["disguised", "masked"]);
    let edits: BTreeMap<&str, Hide> = told.edits.iter().map(|(kind, hide)| (&**kind, *hide)).collect();
    let expected = [("email", Hide::Mask), ("person", Hide::Pseudonymise), ("secret.api_key", Hide::Mask)];
    assert_eq!(edits, BTreeMap::from(expected));
    assert_eq!(told.answer.iter().map(|kind| &**kind).collect::<Vec<_>>(), ["email"]);
    assert_eq!(told.labels.iter().map(|label| &**label).collect::<Vec<_>>(), ["ai", "masked"]);
    assert!(!told.review);
    // A kind is hidden as strictly as any of its names asks.
    assert_eq!(told.hides(["email", "person"]), Some(Hide::Mask));
    assert_eq!(told.hides(["kr.phone", "kr", "person"]), Some(Hide::Pseudonymise));
    assert_eq!(told.hides(["kr.business", "kr"]), None);
    let told = terms(&judge, &Facts { team: "hr", high_impact: true, ..PLAIN }, "abroad");
    assert!(told.review && told.edits.get("email") == Some(&Hide::Pseudonymise), "{told:?}");
}

#[test]
fn the_first_rule_of_the_file_that_asks_for_an_edit_is_named() {
    let all = "@id(\"all\") @edit(\"mask\")\npermit (principal, action == Action::\"infer\", resource) when { context.stream };";
    let judge = read(&format!("{EDITS}{all}")).unwrap().compile(destinations());
    let told = terms(&judge, &PLAIN, "abroad");
    let hides = |told: &Terms, names: &[&str]| told.rule_that_hides(names.iter().copied()).map(ToString::to_string);
    // `masked` is the stricter for `email`, but `disguised` stands before it.
    assert_eq!(hides(&told, &["email"]).as_deref(), Some("disguised"));
    assert_eq!(hides(&told, &["kr.business", "kr"]), None);
    let told = terms(&judge, &Facts { stream: true, ..PLAIN }, "abroad");
    assert_eq!(hides(&told, &["kr.phone", "kr", "person"]).as_deref(), Some("disguised"));
    assert_eq!(hides(&told, &["kr.business", "kr"]).as_deref(), Some("all"));
    assert_eq!(hides(&told, &[]).as_deref(), Some("all"));
    // A rule that permits and asks for nothing to be hidden is never the one.
    let judge = read(EDITS).unwrap().compile(destinations());
    let told = terms(&judge, &Facts { team: "hr", high_impact: true, ..PLAIN }, "abroad");
    assert_eq!(told.rules.len(), 2);
    assert_eq!(told.edit_rules.iter().map(|(rule, _)| &**rule).collect::<Vec<_>>(), ["disguised"]);
}

#[test]
fn secrets_are_masked_where_everything_is_disguised() {
    let rules = "@id(\"a\") @edit(\"pseudonymise\")\npermit (principal, action == Action::\"infer\", resource);";
    let told = terms(&read(rules).unwrap().compile(destinations()), &PLAIN, "home");
    assert_eq!(told.hides(["secret.api_key", "secret"]), Some(Hide::Mask));
    assert_eq!(told.hides(["email", "person"]), Some(Hide::Pseudonymise));
}

#[test]
fn an_edit_that_cannot_be_carried_out_takes_the_destination_away() {
    let rules = "@id(\"masked\") @edit(\"mask\")\npermit (principal, action, resource);";
    let judge = read(rules).unwrap().compile(destinations());
    assert_eq!(permitted(&judge, &Facts { action: Action::Embed, ..PLAIN }).len(), 4);
    let unread = Facts { unread: true, ..PLAIN };
    assert_eq!(refusal(&judge, &unread, "home"), ("masked".into(), "cannot_hide".into()));
    let rules = "@id(\"disguised\") @edit(\"pseudonymise\")\npermit (principal, action, resource);";
    let judge = read(rules).unwrap().compile(destinations());
    let embed = Facts { action: Action::Embed, surface: "embeddings", ..PLAIN };
    assert_eq!(refusal(&judge, &embed, "home"), ("disguised".into(), "cannot_hide".into()));
}

#[test]
fn the_first_forbid_of_the_file_refuses_whatever_permits() {
    let rules = r#"
@id("first") @code("stop_first") @why("because")
forbid (principal, action, resource) when { context.class != "open" };
@id("all")
permit (principal, action, resource);
@id("second") @code("stop_second")
forbid (principal, action, resource) when { context.class == "classified" || context.high_impact };
"#;
    let judge = read(rules).unwrap().compile(destinations());
    let classified = Facts { class: crate::Class::Classified, ..PLAIN };
    assert_eq!(refusal(&judge, &classified, "home"), ("first".into(), "stop_first".into()));
    assert_eq!(refusal(&judge, &Facts { high_impact: true, ..PLAIN }, "home"), ("second".into(), "stop_second".into()));
    assert_eq!(permitted(&judge, &PLAIN).len(), 4);
}

#[test]
fn a_rule_that_fails_denies() {
    // Cedar would skip the forbid, and permit.
    let rules = r#"
@id("all")
permit (principal, action, resource);
@id("long")
forbid (principal, action, resource)
when { context.class == "open" && resource has retention_days && resource.retention_days * 9223372036854775807 > 7 };
"#;
    let mut there = destinations();
    there[1].retention_days = Some(30);
    let judge = read(rules).unwrap().compile(there);
    assert_eq!(permitted(&judge, &PLAIN), ["local", "abroad", "nowhere"]);
    assert_eq!(refusal(&judge, &PLAIN, "home"), ("long".into(), "policy_failed".into()));
    // Where it is not reached, it does not fail.
    assert_eq!(permitted(&judge, &Facts { class: crate::Class::Sensitive, ..PLAIN }).len(), 4);
}

const CASE_RULES: &str = r#"
@id("home")
permit (principal, action, resource) when { resource.processed_within.contains("EU") };
@id("open-abroad") @edit("mask") @kinds("person") @label("ai")
permit (principal, action, resource) when { context.class == "open" };
@id("no-persons") @code("person_found")
forbid (principal, action, resource) when { context.findings.contains("person") && !resource.local };
"#;

const CASES: &str = r#"
[policy]
title = "t"
[classes]
default = "open"
unread = "sensitive"
[classes.findings]
kr = "classified"
[[destination]]
id = "us"
processed_in = ["US"]
controlled_by = ["US"]
[[destination]]
id = "eu"
processed_in = ["FR", "DE"]
[[case]]
name = "open text goes abroad, persons masked"
to = "us"
expect = "permitted"
rule = "open-abroad"
edit = "mask"
labels = ["ai"]
[[case]]
name = "a phone number is a person, though the case does not say so"
findings = ["kr.phone"]
to = "us"
expect = "refused"
rule = "no-persons"
code = "person_found"
[[case]]
name = "a picture is sensitive"
unread = true
to = "us"
expect = "refused"
rule = "none"
[[case]]
name = "within the union, by its members"
class = "classified"
to = "eu"
expect = "permitted"
rule = "home"
[[case]]
name = "wrong on purpose"
to = "us"
expect = "refused"
[[case]]
name = "wrong rule on purpose"
to = "us"
expect = "permitted"
rule = "home"
"#;

#[test]
fn cases_are_run_with_the_class_and_the_groups_that_follow() {
    let policy = read_with(CASE_RULES, CASES).unwrap();
    let results = policy.test();
    let wrong: Vec<String> = results.iter().filter(|result| !result.passed()).map(ToString::to_string).collect();
    assert_eq!(
        wrong,
        [
            "wrong on purpose: it should be `refused`, but is `permitted by open-abroad`",
            "wrong rule on purpose: the rule should be `home`, but is `open-abroad`",
        ]
    );
    assert_eq!(results.len(), 6);
    assert_eq!(results[1].class, crate::Class::Classified);
    assert_eq!(policy.title(), Some("t"));
}

#[test]
fn the_hash_is_of_both_files_as_they_stand() {
    // SHA-256 of "gwanmun policy 1\n0\n0\n".
    assert_eq!(read("").unwrap().hash()[..4], [0xf8, 0x2d, 0x3b, 0x8b]);
    let one = read_with("", "[policy]\ntitle = \"a\"").unwrap();
    let other = read_with("", "[policy]\ntitle = \"b\"").unwrap();
    assert!(one != other && one == one.clone());
}
