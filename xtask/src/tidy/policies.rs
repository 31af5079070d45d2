//! Each shipped policy has its cases: beside `NAME.cedar` a `NAME.toml`, in which every rule decides at least one case. What the
//! cases are decided to be, `gwanmun policy test` and a test of the command say.

use std::collections::BTreeSet;

use super::Findings;
use super::sources::{File, Sources};

const FOLDER: &str = "policies/";
/// Where the policies are compiled in, by name.
const SHIPPED: &str = "crates/policy/src/shipped.rs";

pub(super) fn check(sources: &Sources, findings: &mut Findings) {
    let shipped = sources.find(SHIPPED).map_or("", |file| file.text.as_str());
    for file in sources.files() {
        let Some(name) = file.path.strip_prefix(FOLDER) else { continue };
        if let Some(name) = name.strip_suffix(".cedar") {
            if !shipped.contains(&format!("\"{name}\"")) {
                findings.problems.push(format!("{}: not compiled in: name it in {SHIPPED}", file.path));
            }
            each_rule_has_a_case(file, sources.find(&format!("{FOLDER}{name}.toml")), findings);
        } else if let Some(name) = name.strip_suffix(".toml")
            && sources.find(&format!("{FOLDER}{name}.cedar")).is_none()
        {
            findings.problems.push(format!("{}: has no rules beside it", file.path));
        }
    }
}

fn each_rule_has_a_case(rules: &File, settings: Option<&File>, findings: &mut Findings) {
    let Some(settings) = settings else {
        findings.problems.push(format!("{}: has no table of cases: add a `.toml` beside it", rules.path));
        return;
    };
    let decided: BTreeSet<&str> = cases(&settings.text).filter_map(|case| value(case, "rule")).collect();
    let ids: Vec<&str> = rules.text.lines().filter_map(id).collect();
    if ids.is_empty() {
        findings.problems.push(format!("{}: has no rule with an `@id`", rules.path));
    }
    for id in ids.into_iter().filter(|id| !decided.contains(id)) {
        let what = format!("{}: no case is decided by the rule `{id}`: add one with `rule = \"{id}\"`", settings.path);
        findings.problems.push(what);
    }
}

/// `@id("…")` on a line of its own, as the shipped policies are written.
fn id(line: &str) -> Option<&str> {
    line.strip_prefix("@id(\"")?.strip_suffix("\")")
}

/// What stands below each `[[case]]`, as far as the next table.
fn cases(settings: &str) -> impl Iterator<Item = &str> {
    settings.split("\n[[case]]\n").skip(1).map(|rest| rest.split("\n[").next().unwrap_or(rest))
}

/// The text of a key in a table.
fn value<'t>(table: &'t str, key: &str) -> Option<&'t str> {
    let mut values = table.lines().filter_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
    values.find_map(|value| value.trim_start().strip_prefix('"')?.split('"').next())
}
