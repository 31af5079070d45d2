//! What changes from one policy to another, told by the facts that matter and no others.

use super::{destinations, read};
use crate::{Differences, diff};

fn compare(old: &str, new: &str) -> Differences {
    diff(&read(old).unwrap(), &read(new).unwrap(), &destinations())
}

/// Each difference in one line.
fn lines(differences: &Differences) -> Vec<String> {
    let word = |outcome: &crate::Outcome| {
        outcome.terms().map_or("refused", |terms| if terms.edits.is_empty() { "permitted" } else { "edited" })
    };
    let line = |one: &crate::Difference| {
        format!("{} | {} | {} > {}", one.when.join(", "), one.destinations.join(" "), word(&one.old), word(&one.new))
    };
    differences.found.iter().map(line).collect()
}

const ALL: &str = "@id(\"all\")\npermit (principal, action, resource);\n";

#[test]
fn nothing_differs_from_itself() {
    let told = compare(ALL, ALL);
    assert!(told.complete && told.found.is_empty());
    // The name of a rule is no difference, nor a rule that another covers.
    let told = compare(
        ALL,
        "@id(\"b\")\npermit (principal, action, resource);\n@id(\"c\")\npermit (principal, action, resource) when { context.stream };",
    );
    assert!(told.complete && told.found.is_empty(), "{told:?}");
}

#[test]
fn only_the_facts_that_matter_are_told() {
    let new = format!(
        "{ALL}@id(\"f\")\nforbid (principal in Team::\"hr\", action, resource) when {{ context.class != \"open\" && context.findings.contains(\"kr.phone\") && !resource.processed_in.contains(\"KR\") }};\n\
         @id(\"same\")\npermit (principal in Team::\"sales\", action, resource) when {{ context.stream || context.high_impact }};"
    );
    let told = compare(ALL, &new);
    assert!(told.complete);
    assert_eq!(
        lines(&told),
        ["class=sensitive|classified, team=hr, findings=kr.phone | abroad nowhere | permitted > refused"]
    );
}

#[test]
fn each_way_of_differing_is_told_apart() {
    let old =
        format!("{ALL}@id(\"f\")\nforbid (principal, action, resource) when {{ context.unread && resource.local }};");
    let new = "@id(\"m\") @edit(\"mask\")\npermit (principal, action, resource) unless { context.class == \"classified\" && resource.local };";
    let told = compare(&old, new);
    assert!(told.complete);
    let mut got = lines(&told);
    got.sort();
    assert_eq!(
        got,
        [
            "class=classified, unread=false | local | permitted > refused",
            "class=open|sensitive, unread=false | local | permitted > edited",
            "unread=false | home abroad nowhere | permitted > edited",
            "unread=true | home abroad nowhere | permitted > refused",
        ]
    );
}

#[test]
fn a_difference_that_no_request_can_have_is_not_told() {
    let new = format!(
        "{ALL}@id(\"f\")\nforbid (principal, action == Action::\"infer\", resource) when {{ context.surface == \"embeddings\" }};"
    );
    let told = compare(ALL, &new);
    assert!(told.complete && told.found.is_empty(), "{told:?}");
}
