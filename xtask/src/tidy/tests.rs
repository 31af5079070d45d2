//! Each rule against the defect it is for, and all of them against this repository.

use super::lines::{Measure, measure};
use super::sources::Sources;
use super::{Findings, check, figures};
use crate::repository::Repository;

/// What a tree needs so that nothing is found but what a test plants.
const MAP: (&str, &str) = ("ARCHITECTURE.md", "`wire` `gateway` `local_model` `local_model_cpu` `e2e`");

fn found(files: &[(&str, &str)]) -> Findings {
    let mut all = vec![MAP];
    all.extend_from_slice(files);
    check(&Sources::of(&all))
}

#[track_caller]
fn forbids(path: &str, text: &str, why: &str) {
    let findings = found(&[(path, text)]);
    assert!(findings.problems.iter().any(|problem| problem.starts_with(path) && problem.contains(why)), "{findings:?}");
}

#[track_caller]
fn permits(path: &str, text: &str) {
    let findings = found(&[(path, text)]);
    assert!(findings.problems.is_empty(), "{findings:?}");
}

#[test]
fn this_repository_is_tidy() {
    let repository = Repository::find().unwrap();
    let findings = check(&Sources::read(repository.root()).unwrap());
    assert!(findings.problems.is_empty(), "{}", findings.problems.join("\n"));
}

#[test]
fn files_open_with_their_purpose() {
    forbids("crates/wire/src/chat.rs", "use std::fs;\n", "open it with");
    forbids("crates/wire/src/chat/tests.rs", "use super::*;\n", "open it with");
    permits("crates/wire/src/chat.rs", "//! Chat.\n");
}

#[test]
fn names_say_what_is_inside() {
    for path in ["crates/wire/src/utils.rs", "crates/wire/src/common/chat.rs", "crates/wire/src/core.rs"] {
        forbids(path, "//! Chat.\n", "does not say");
    }
    forbids("crates/wire/src/chat/mod.rs", "//! Chat.\n", "name it after its folder");
    permits("crates/wire/src/score.rs", "//! Scores.\n");
}

#[test]
fn files_keep_their_size() {
    let long = format!("//! Long.\n{}", "\n".repeat(600));
    forbids("crates/wire/src/chat.rs", &long, "601 lines");
    permits("crates/wire/src/chat/tests.rs", &long);
    let with_tests = format!("//! Long.\n#[cfg(test)]\nmod tests {{{}}}\n", "\n".repeat(700));
    permits("crates/wire/src/chat.rs", &with_tests);
    forbids("xtask/src/main.rs", &format!("//! Main.\n{}", "\n".repeat(40)), "main only starts");
    let warned = found(&[("crates/wire/src/chat.rs", &format!("//! Long.\n{}", "\n".repeat(400)))]);
    assert_eq!(warned.warnings, ["crates/wire/src/chat.rs: 401 lines, more than 350"]);
}

#[test]
fn nothing_is_left_unfinished() {
    for word in
        [concat!("to", "do!()"), concat!("// TO", "DO later"), concat!("#[ig", "nore]"), concat!("// FIX", "ME")]
    {
        forbids("crates/wire/src/chat.rs", &format!("//! Chat.\nfn a() {{\n    {word}\n}}\n"), "finish it");
    }
}

#[test]
fn exceptions_give_reasons() {
    forbids("crates/wire/src/chat.rs", concat!("//! Chat.\n#[exp", "ect(dead_code)]\nfn a() {}\n"), "without");
    permits(
        "crates/wire/src/chat.rs",
        concat!("//! Chat.\n#[exp", "ect(\n    dead_code,\n    reason = \"used on arm\"\n)]\nfn a() {}\n"),
    );
}

#[test]
fn no_registry_and_no_machine_is_named() {
    forbids("README.md", concat!("see https://py", "pi.org/project/openai"), "registry");
    forbids("README.md", concat!("run /ro", "ot/.cargo/bin/cargo"), "one machine");
    permits("README.md", concat!("see docs/frame", "work/readme"));
    permits("Cargo.lock", concat!("registry+https://github.com/rust-lang/crates", ".io-index"));
}

#[test]
fn only_record_makes_permits() {
    let made = "//! Made.\nfn f() -> Permit {\n    Permit { entry: 1 }\n}\n";
    forbids("crates/gateway/src/dispatch.rs", made, "only `record`");
    permits("crates/gateway/src/record.rs", made);
    permits("crates/gateway/src/record/permit.rs", made);
    permits("crates/gateway/src/dispatch.rs", "//! Uses.\nimpl Drop for Permit {\n}\nfn f() -> Permit {\n    g()\n}\n");
}

#[test]
fn leaves_know_nothing_of_each_other() {
    let manifest = |table: &str, name: &str| format!("[package]\nname = \"x\"\n[{table}]\n{name}.workspace = true\n");
    let gateway = ("crates/gateway/Cargo.toml", "[package]\nname = \"gateway\"\n");
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let findings = found(&[gateway, ("crates/wire/Cargo.toml", &manifest(table, "gateway"))]);
        assert_eq!(findings.problems, ["crates/wire/Cargo.toml: must not know `gateway`"]);
    }
    let wire = ("crates/wire/Cargo.toml", "[package]\nname = \"wire\"\n");
    assert!(found(&[wire, ("crates/gateway/Cargo.toml", &manifest("dependencies", "wire"))]).problems.is_empty());
    let engine = ("crates/local_model_cpu/Cargo.toml", "[package]\nname = \"local_model_cpu\"\n");
    let findings = found(&[engine, ("crates/e2e/Cargo.toml", &manifest("dev-dependencies", "local_model_cpu"))]);
    assert_eq!(findings.problems, ["crates/e2e/Cargo.toml: must not know `local_model_cpu`"]);
}

#[test]
fn the_log_and_its_verifier_know_no_http_and_no_runtime() {
    let map = ("ARCHITECTURE.md", "`audit_entry` `audit_log` `audit_verify` `tlog` `tlog_witness` `gateway`");
    let found = |folder: &str, manifest: &str| {
        let path = format!("crates/{folder}/Cargo.toml");
        check(&Sources::of(&[map, (path.as_str(), manifest)])).problems
    };
    for folder in ["audit_entry", "audit_log", "audit_verify", "tlog", "tlog_witness"] {
        let problems = found(folder, "[dependencies]\ntokio.workspace = true\n");
        let expected =
            format!("crates/{folder}/Cargo.toml: must know nothing of asynchronous running, but names `tokio`");
        assert_eq!(problems, [expected]);
        assert_eq!(
            found(folder, "[dependencies]\nsha2.workspace = true\n[dev-dependencies]\nproptest = \"1\"\n"),
            [""; 0]
        );
    }
    let rows = [
        ("[dev-dependencies]\nhyper-util = \"1\"\n", "HTTP"),
        ("[build-dependencies]\nrt = { package = \"tokio-util\", version = \"1\" }\n", "asynchronous running"),
        ("[target.'cfg(unix)'.dependencies]\nsqlx = \"1\"\n", "a database"),
        ("[dependencies]\ntokenizers = \"1\"\n", "models"),
    ];
    for (manifest, of) in rows {
        let problems = found("audit_log", manifest);
        assert!(problems.iter().any(|problem| problem.contains(of)), "{manifest}: {problems:?}");
    }
    assert_eq!(found("gateway", "[dependencies]\ntokio.workspace = true\n"), [""; 0]);
}

#[test]
fn new_crates_are_drawn_and_shown() {
    let findings = found(&[("crates/ledger/Cargo.toml", "[package]\nname = \"ledger\"\n")]);
    let expected = [
        "ARCHITECTURE.md: does not show the crate `ledger`",
        "crates/ledger/Cargo.toml: a crate that no arrow was drawn for",
    ];
    assert_eq!(findings.problems, expected);
}

#[test]
fn every_file_of_whole_product_tests_is_compiled() {
    let main = ("crates/e2e/tests/it/main.rs", "//! All.\nmod chat;\n");
    let chat = ("crates/e2e/tests/it/chat.rs", "//! Chat.\n");
    assert!(found(&[main, chat]).problems.is_empty());
    let findings = found(&[main, chat, ("crates/e2e/tests/it/models.rs", "//! Models.\n")]);
    assert_eq!(findings.problems.len(), 1, "{findings:?}");
}

#[test]
fn every_snapshot_is_read() {
    let snapshot = "crates/e2e/tests/it/snapshots/it__chat__two_ways-2.snap";
    forbids(snapshot, "---\n", "no test reads it");
    let named = ("crates/wire/src/chat/tests.rs", "//! Chat.\nfn two_ways() {}\n");
    assert!(found(&[named, (snapshot, "---\n")]).problems.is_empty());
}

#[test]
fn functions_are_measured_by_their_code() {
    let text = "//! Doc.\n\n/// One.\npub(crate) async fn one(\n    a: u8,\n) -> u8 {\n    // why\n\n    let b = a;\n    b\n}\n\nfn two() {}\n\nimpl A {\n    fn three(&self) {\n        if a {\n            b();\n        }\n    }\n}\ntrait B {\n    fn four();\n}\n#[cfg(test)]\nmod tests {\n    fn five() {\n    }\n}\n";
    let expected = Measure { lines: 24, test_lines: 5, comment_lines: 3, filled_lines: 20, functions: vec![2, 1, 3] };
    assert_eq!(measure(text), expected);
}

#[test]
fn figures_are_of_code_without_tests() {
    let long = format!("//! Long.\nfn long() {{\n{}}}\n", "    a();\n".repeat(71));
    let table = figures::table(&Sources::of(&[
        ("crates/wire/src/chat.rs", &long),
        ("crates/wire/src/chat/tests.rs", "//! T.\n"),
    ]));
    assert!(table.contains("74 / 74 / 74"), "{table}");
    assert!(table.contains("1 (longest 71)"), "{table}");
    assert!(table.contains("74 / 1 "), "{table}");
}

#[test]
fn each_rule_of_a_shipped_policy_decides_a_case() {
    let rules = "@id(\"floor\")\npermit (principal, action, resource)\nwhen { resource.local };\n";
    let cases = "[policy]\ntitle = \"x\"\n\n[[case]]\nname   = \"a\"\nrule   = \"floor\"\n";
    let shipped = ("crates/policy/src/shipped.rs", "//! Shipped.\nshipped!(\"ours\");\n");
    let problems = |rules: &str, cases: Option<&str>, shipped: (&str, &str)| {
        let mut files = vec![("policies/ours.cedar", rules), shipped];
        files.extend(cases.map(|cases| ("policies/ours.toml", cases)));
        found(&files).problems.into_iter().filter(|problem| problem.starts_with("policies/")).collect::<Vec<_>>()
    };
    assert_eq!(problems(rules, Some(cases), shipped), Vec::<String>::new());
    let without = "policies/ours.cedar: has no table of cases: add a `.toml` beside it";
    assert_eq!(problems(rules, None, shipped), [without]);
    let undecided = "policies/ours.toml: no case is decided by the rule `floor`: add one with `rule = \"floor\"`";
    // A rule that is only named outside of a case, or in another case's words, decides nothing.
    for cases in
        ["[policy]\nrule = \"floor\"\n", &cases.replace("rule   =", "code   ="), &cases.replace("\"floor", "\"floor-2")]
    {
        assert_eq!(problems(rules, Some(cases), shipped), [undecided], "{cases}");
    }
    assert_eq!(problems(rules, Some(cases), ("crates/policy/src/shipped.rs", "//! Shipped.\n")).len(), 1);
    assert_eq!(problems("permit (principal, action, resource);\n", Some(cases), shipped).len(), 1);
    forbids("policies/lonely.toml", "[policy]\n", "has no rules beside it");
}
