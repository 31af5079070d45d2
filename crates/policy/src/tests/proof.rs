//! What a policy is refused for before it is used, with the rule at fault and the combination in words; what is only listed.

use std::fmt::Write as _;

use super::{PLAIN, destination, destinations, permitted, read, refusal};
use crate::split::{depth, pieces};
use crate::{Class, Facts, Judge, Policy, Proof};

fn judge(rules: &str) -> Judge {
    read(rules).unwrap().compile(destinations())
}

fn prove(rules: &str) -> Proof {
    judge(rules).prove()
}

#[track_caller]
fn mistakes(rules: &str, expected: &[&str]) {
    let proof = prove(rules);
    let got: Vec<String> = proof.mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(got, expected);
    assert!(proof.complete);
}

#[test]
fn a_higher_class_must_not_open_what_a_lower_one_may_not_use() {
    mistakes(
        "@id(\"home\")\npermit (principal, action, resource) when { resource.local };\n\
         @id(\"upside-down\")\npermit (principal in Team::\"hr\", action, resource)\nwhen { context.class == \"sensitive\" };",
        &[
            "test.cedar:3: `upside-down` permits `home` with `class=sensitive, team=hr`, which is closed with `class=open`: a \
           higher class must not open what a lower one may not use; let it permit the other too, or not this",
        ],
    );
    mistakes(
        "@id(\"all\")\npermit (principal, action, resource);\n\
         @id(\"stop\")\nforbid (principal, action, resource) when { context.class == \"open\" && resource.processed_in.contains(\"US\") };",
        &[
            "test.cedar:3: `stop` no longer forbids `abroad` with `class=sensitive`, which is closed with `class=open`: a \
           higher class must not open what a lower one may not use; let it forbid that too",
        ],
    );
}

#[test]
fn signals_and_unread_content_only_close() {
    mistakes(
        "@id(\"a\")\npermit (principal, action, resource) when { context.signals.contains(\"signal.override\") };",
        &["test.cedar:1: `a` permits `local` with `signals=signal.override`, which is closed with `no \
           signals=signal.override`: a signal must not open what is closed without it; let it permit the other too, or not this"],
    );
    mistakes(
        "@id(\"a\")\npermit (principal, action, resource);\n@id(\"b\")\nforbid (principal, action, resource) unless { context.unread || resource.local };",
        &[
            "test.cedar:3: `b` no longer forbids `home` with `unread=true`, which is closed with `unread=false`: content that is \
           not read must not open what is closed without it; let it forbid that too",
        ],
    );
    mistakes(
        "@id(\"a\")\npermit (principal, action, resource) unless { context.unread || !context.signals.isEmpty() };",
        &[],
    );
}

#[test]
fn a_lower_class_that_is_closed_because_nothing_can_be_hidden_counts_as_closed() {
    mistakes(
        "@id(\"open\") @edit(\"mask\")\npermit (principal, action, resource) when { context.class == \"open\" };\n\
         @id(\"higher\")\npermit (principal, action, resource) when { context.class != \"open\" };",
        &[
            "test.cedar:3: `higher` permits `local` with `class=sensitive, unread=true`, which is closed with `class=open`: a \
           higher class must not open what a lower one may not use; let it permit the other too, or not this",
        ],
    );
}

#[test]
fn a_rule_that_nothing_satisfies_is_dead_and_one_without_a_destination_is_listed() {
    mistakes(
        "@id(\"a\")\npermit (principal, action, resource) when { context.class == \"open\" && context.class == \"sensitive\" };",
        &["test.cedar:1: `a` can never apply: no facts satisfy its conditions together; mend them or take it away"],
    );
    // A kind never comes without its groups, nor embeddings by another action.
    mistakes(
        "@id(\"a\")\npermit (principal, action, resource) when { context.findings.contains(\"kr.phone\") && !context.findings.contains(\"person\") };\n\
         @id(\"b\")\npermit (principal, action == Action::\"infer\", resource) when { context.surface == \"embeddings\" };\n\
         @id(\"c\")\npermit (principal, action, resource) when { resource.local && !(resource.local) && context.stream };\n\
         @id(\"d\")\nforbid (principal, action, resource) when { context.stream && resource.local } unless { resource.local };\n\
         @id(\"e\")\npermit (principal, action, resource) when { context.prompt_kib < 8 && context.prompt_kib > 8 };",
        &[
            "test.cedar:1: `a` can never apply: no facts satisfy its conditions together; mend them or take it away",
            "test.cedar:3: `b` can never apply: no facts satisfy its conditions together; mend them or take it away",
            "test.cedar:7: `d` can never apply: no facts satisfy its conditions together; mend them or take it away",
            "test.cedar:9: `e` can never apply: no facts satisfy its conditions together; mend them or take it away",
        ],
    );
    let proof = prove(
        "@id(\"a\")\npermit (principal, action, resource) when { context.stream && resource.processed_in.contains(\"VN\") };",
    );
    assert!(proof.mistakes.is_empty());
    assert_eq!(
        proof.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["test.cedar:1: `a` concerns none of the destinations here",]
    );
}

#[test]
fn a_pseudonym_in_a_vector_is_refused() {
    mistakes(
        "@id(\"a\") @edit(\"pseudonymise\")\npermit (principal, action, resource) when { context.stream };",
        &[
            "test.cedar:1: `a` pseudonymises for `embed` too, where it cannot be undone: write `action == Action::\"infer\"`, or \
           `@edit(\"mask\")`",
        ],
    );
    mistakes(
        "@id(\"a\") @edit(\"pseudonymise\")\npermit (principal, action, resource) when { context.surface == \"chat\" };",
        &[],
    );
    mistakes("@id(\"a\") @edit(\"mask\")\npermit (principal, action, resource);", &[]);
}

/// So many questions about destinations, each as `one` puts it in place of `@`, joined.
fn places(count: usize, join: &str, one: &str) -> String {
    let each = (1..=count).map(|number| one.replace('@', &format!("resource.name == \"n{number}\"")));
    each.collect::<Vec<_>>().join(join)
}

#[test]
fn a_rule_for_infer_alone_is_no_mistake_however_many_destinations_it_asks_about() {
    let rule = |when: &str| {
        format!(
            "@id(\"a\") @edit(\"pseudonymise\")\npermit (principal, action == Action::\"infer\", resource) when {{ {when} }};"
        )
    };
    mistakes(&rule(&places(9, " || ", "(context.stream && @)")), &[]);
    mistakes(&rule(&places(9, " || ", "(context.stream && !(@))")), &[]);
    // Each asked for and denied, so that all their ways have to be tried.
    mistakes(&rule(&places(9, " && ", "(if @ then context.stream else context.unread)")), &[]);
    // And one that is a mistake is found.
    let wrong = rule(&places(9, " || ", "(context.stream && @)")).replace("action == Action::\"infer\"", "action");
    assert_eq!(prove(&wrong).mistakes.len(), 1);
    let wrong = places(12, " && ", "(if @ then context.stream else context.unread)");
    let wrong = rule(&wrong).replace("action == Action::\"infer\"", "action");
    assert_eq!(prove(&wrong).mistakes.len(), 1);
}

#[test]
fn a_dead_rule_is_found_however_many_destinations_it_asks_about() {
    let dead = |when: String, unless: &str| {
        let rule = format!("@id(\"a\")\nforbid (principal, action, resource) when {{ {when} }} unless {{ {unless} }};");
        assert!(prove(&rule).mistakes.iter().any(|mistake| mistake.what.contains("can never apply")), "{rule}");
    };
    dead(places(9, " || ", "(context.stream && @)"), "context.stream");
    dead(places(9, " && ", "(context.stream || @)"), "context.stream || resource.name == \"n1\"");
    dead(places(20, " && ", "(if @ then context.stream else context.unread)"), "context.stream || context.unread");
    dead(places(9, " && ", "(if @ then context.stream else false)"), "resource.name == \"n9\"");
}

#[test]
fn what_cannot_be_searched_through_is_noted_and_no_mistake() {
    // It applies to nothing but a destination of which all is true.
    let when = places(17, " && ", "(if @ then context.stream else context.unread)");
    let rule = format!(
        "@id(\"a\") @edit(\"pseudonymise\")\npermit (principal, action, resource) when {{ {when} }} unless {{ context.unread }};"
    );
    let proof = prove(&rule);
    assert!(proof.mistakes.is_empty(), "{:?}", proof.mistakes);
    let notes: Vec<String> = proof.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "test.cedar:1: `a` concerns none of the destinations here",
            "test.cedar:1: whether `a` can ever apply is not known: it has too many conditions to try; divide it to have it proved",
            "test.cedar:1: whether `a` pseudonymises for `embed` too is not known: it has too many conditions to try; where it does, \
             the destination is refused with `cannot_hide`",
        ]
    );
}

/// Twenty-one findings told apart, and a class that opens upside down: 3 × 2^21 combinations.
fn too_many() -> Policy {
    let mut words = super::vocabulary();
    let mut rules = String::from("@id(\"all\")\npermit (principal, action, resource);\n");
    for number in 0..21 {
        words.kinds.insert(format!("own.n{number}"), std::collections::BTreeSet::new());
        write!(rules, "@id(\"f{number}\")\nforbid (principal, action, resource) when {{ context.findings.contains(\"own.n{number}\") && resource.processed_in.contains(\"US\") }};\n").unwrap();
    }
    rules += "@id(\"upside-down\")\nforbid (principal, action, resource) when { context.class == \"open\" && resource.controlled_by.isEmpty() };\n";
    Policy::read("test", crate::File { name: "test.cedar", text: &rules }, None, &words).unwrap()
}

#[test]
fn what_is_too_much_to_walk_through_is_checked_when_it_occurs() {
    let judge = too_many().compile(destinations());
    let proof = judge.prove();
    assert!(!proof.complete && proof.mistakes.is_empty() && proof.combinations == 3 << 21, "{proof:?}");
    assert!(proof.notes[0].what.contains("too many to walk through"), "{:?}", proof.notes);
    assert_eq!(permitted(&judge, &PLAIN), ["local", "home", "abroad"]);
    let sensitive = Facts { class: Class::Sensitive, ..PLAIN };
    assert_eq!(permitted(&judge, &sensitive), ["local", "home", "abroad"]);
    assert_eq!(refusal(&judge, &sensitive, "nowhere"), ("all".into(), "policy_failed".into()));
    assert_eq!(permitted(&judge, &Facts { findings: &["own.n3"], ..PLAIN }), ["local", "home", "nowhere"][..2]);
}

#[test]
fn a_chain_is_told_what_is_never_reached_and_where_a_failure_moves_a_request() {
    let rules = "@id(\"all\")\npermit (principal, action, resource);\n\
        @id(\"stays\")\nforbid (principal, action, resource) when { context.class != \"open\" } unless { resource.processed_within.contains(\"KR\") };";
    let mut there = destinations();
    there.push(destination("us-run", "KR", "US"));
    let judge = read(rules).unwrap().compile(there);
    let mut told: Vec<String> = judge.prove_chain("gpt", &[1, 4, 2, 3]).iter().map(ToString::to_string).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "test.cedar:1: chain `gpt`, any class: `home` is reached by `all`, and no rule asks whose law reaches it",
            "test.cedar:1: chain `gpt`, any class: `us-run` is reached by `all`, and no rule asks whose law reaches it",
            "test.cedar:1: chain `gpt`, any class: when `home` fails, `us-run` may answer, which adds `US` to whose law reaches it; `all` permits it",
            "test.cedar:1: chain `gpt`, class open: `abroad` is reached by `all`, and no rule asks whose law reaches it",
            "test.cedar:1: chain `gpt`, class open: `nowhere` is reached by `all`, and no rule asks whose law reaches it",
            "test.cedar:1: chain `gpt`, class open: when `home` fails, `abroad` may answer, which adds `US` to where it is processed and `US` to whose law reaches it; `all` permits it",
            "test.cedar:1: chain `gpt`, class open: when `home` fails, `nowhere` may answer, which adds what is not known to where it is processed and what is not known to whose law reaches it; `all` permits it",
            "test.cedar:3: chain `gpt`, class sensitive, classified: `abroad` is never reached: `stays` keeps it out",
            "test.cedar:3: chain `gpt`, class sensitive, classified: `nowhere` is never reached: `stays` keeps it out",
        ]
    );
}

#[test]
fn every_shipped_policy_has_its_rules_and_its_settings() {
    for name in Policy::SHIPPED {
        let (rules, settings) = Policy::shipped_files(name).unwrap();
        assert_eq!((rules.name, settings.name), (&*format!("{name}.cedar"), &*format!("{name}.toml")));
        assert!(pieces(rules.text).iter().all(|rule| depth(rule.text) < 48), "{name} is near the limit of a rule");
        assert!(rules.text.contains("@id(") && settings.text.contains("[[case]]"), "{name}");
    }
    assert!(Policy::shipped_files("nothing").is_none());
}
