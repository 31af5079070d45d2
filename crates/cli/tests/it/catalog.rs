//! The catalogue from the command line: what is listed, how an entry is shown with its sources and axes, what `check` finds.

use serde_json::Value;

use crate::bench::{Bench, Told};

/// A contract as an operator writes it down: the same service, now with its links known.
const CONTRACT: &str = r#"
[source.contract]
document = "contract 2026-114 with the operator, annex 3"
url = "https://contracts.example/2026-114"
date = 2026-09-01

[organisation.azure]
name = "the operator of Azure"
seat = { value = "US", source = "contract" }
parent = { value = "none", source = "contract" }

[provider.azure]
name = "Azure, as agreed"
operator = { value = "azure", source = "contract" }
cloud = { value = "own", source = "contract" }
sub_processors = { value = [], source = "contract" }
training_on_input = { value = "never", source = "contract" }

[provider.azure.region.korea-central]
processed_in = { value = ["KR"], source = "contract" }

[provider.azure.offer.ax]
model = { value = "ax-3.1", source = "contract" }
"#;

fn json(bench: &Bench, arguments: &[&str]) -> Value {
    serde_json::from_str(&bench.ok(arguments)).unwrap()
}

/// The jurisdictions and gaps of each axis of that name, with what it is of.
fn axes<'a>(shown: &'a Value, axis: &str) -> Vec<(&'a Value, &'a Value, &'a Value)> {
    let rows = shown["axes"].as_array().unwrap().iter().filter(|row| row["axis"] == axis);
    rows.map(|row| (&row["of"], &row["known"], &row["gaps"])).collect()
}

#[test]
fn entries_are_listed_and_jurisdictions_only_counted() {
    let bench = Bench::new();
    let table = bench.ok(&["catalog", "list"]);
    let mut lines = table.lines();
    let headings: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(headings, ["KIND", "ID", "KNOWN", "UNKNOWN", "OLDEST", "FROM", "NAME"]);
    assert!(table.lines().any(|line| line.starts_with("provider      clova-studio-gov ")), "{table}");
    assert!(!table.contains("\njurisdiction "), "{table}");
    assert!(table.ends_with("\nand 249 jurisdictions: `--kind jurisdiction` lists them\n"), "{table}");

    assert_eq!(json(&bench, &["catalog", "list", "--kind", "jurisdiction", "--json"]).as_array().unwrap().len(), 249);
    let models = json(&bench, &["catalog", "list", "--kind", "model", "--json"]);
    assert!(models.as_array().unwrap().iter().all(|entry| entry["kind"] == "model" && entry["shipped"] == true));

    bench.put("own/contract.toml", CONTRACT.as_bytes());
    let providers = bench.ok(&["catalog", "list", "--kind", "provider", "--folder", "own"]);
    let own: Vec<&str> = providers.lines().filter(|line| line.contains(" own ")).collect();
    assert_eq!(own.len(), 1, "{providers}");
    // The folder that the configuration names counts without being named again.
    bench.put("c.toml", b"[policy]\ncatalog = \"own\"\n");
    assert_eq!(bench.ok(&["catalog", "list", "--kind", "provider", "--config", "c.toml"]), providers);
    assert!(own[0].starts_with("provider  azure") && own[0].ends_with("Azure, as agreed"), "{providers}");
    assert!(!bench.data().exists(), "looking makes nothing");
}

#[test]
fn an_entry_is_shown_with_sources_and_gaps_which_a_contract_closes() {
    let bench = Bench::new();
    let shown = bench.ok(&["catalog", "show", "azure"]);
    for line in [
        "provider azure shipped",
        "  cloud                              unknown [1]",
        "  region.korea-central.processed_in  KR [1]",
        "  → processed_in (korea-central): KR",
        "  → controlled_by: US",
        "    not known, so foreign: on whose machines it runs; who else gets the data; who controls `azure`;",
    ] {
        assert!(shown.lines().any(|told| told == line), "{line} is not in\n{shown}");
    }
    assert!(shown.contains("\n[1]  survey of peers made for this project, section 4"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");

    bench.put("own/contract.toml", CONTRACT.as_bytes());
    assert!(
        bench
            .ok(&["catalog", "show", "azure", "--folder", "own"])
            .contains("\n  sub_processors                     none [1]\n")
    );
    let shown = json(&bench, &["catalog", "show", "azure", "--folder", "own", "--json"]);
    let cloud = shown["fields"].as_array().unwrap().iter().find(|row| row["field"] == "cloud").unwrap();
    assert_eq!(cloud["value"], "own");
    assert_eq!(cloud["document"], "contract 2026-114 with the operator, annex 3");
    assert_eq!(cloud["url"], "https://contracts.example/2026-114");
    assert_eq!(cloud["date"], "2026-09-01");
    let (korea, us, none) = (serde_json::json!(["KR"]), serde_json::json!(["US"]), serde_json::json!([]));
    assert_eq!(axes(&shown, "processed_in"), [(&"korea-central".into(), &korea, &none)]);
    assert_eq!(axes(&shown, "controlled_by"), [(&"ax".into(), &us, &none)], "Korean soil, American control");
}

#[test]
fn the_axes_of_a_model_are_those_of_the_machine_it_is_put_on() {
    let bench = Bench::new();
    let shown = bench.ok(&["catalog", "show", "ax-3.1"]);
    assert!(
        shown.contains("\n  on one's own machine: `--home CODE` works out whose law reaches it there\n"),
        "{shown}"
    );
    let shown = json(&bench, &["catalog", "show", "ax-3.1", "--home", "VN", "--json"]);
    let (vietnam, none) = (serde_json::json!(["VN"]), serde_json::json!([]));
    for axis in ["processed_in", "controlled_by"] {
        assert_eq!(axes(&shown, axis), [(&"VN".into(), &vietnam, &none)], "its licence cannot be taken back");
    }
    let table: [(&[&str], i32, &str); 4] = [
        (&["catalog", "show", "nobody"], 2, "error: the catalogue has no entry `nobody`\nhint: `gwanmun catalog list`"),
        (&["catalog", "show", "azure", "--home", "KR"], 64, "error: `azure` is not a model"),
        (&["catalog", "show", "ax-3.1", "--home", "XA"], 64, "error: the catalogue has no jurisdiction `XA`"),
        (&["catalog", "list", "--kind", "prov"], 64, "error: invalid value 'prov' for '--kind <KIND>'"),
    ];
    for (arguments, exit, says) in table {
        let told = bench.run(arguments);
        assert_eq!(told.exit, Some(exit), "{arguments:?}: {}", told.err);
        assert!(told.err.starts_with(says), "{arguments:?}: {}", told.err);
    }
}

#[test]
fn the_check_tells_mistakes_with_their_line_and_facts_that_are_old() {
    let bench = Bench::new();
    let Told { exit, out, .. } = bench.run(&["catalog", "check", "--older-than", "3650"]);
    assert_eq!(exit, Some(0), "{out}");
    assert!(out.starts_with("✓ ") && out.contains(" are unknown; `--unknown` lists them\n"), "{out}");
    assert!(bench.ok(&["catalog", "check", "--older-than", "3650", "--unknown"]).contains("\n  provider openai\n"));

    let old = CONTRACT.replace("2026-09-01", "2001-02-03");
    bench.put("own/contract.toml", old.as_bytes());
    let told = bench.run(&["catalog", "check", "--folder", "own", "--older-than", "3650"]);
    assert_eq!(told.exit, Some(1), "{}", told.out);
    let line = "✗ provider azure: `training_on_input` was read on 2001-02-03: look again, and date its source anew";
    assert!(told.out.lines().any(|told| told == line), "{}", told.out);

    let unsourced = CONTRACT.replace("{ value = \"own\", source = \"contract\" }", "\"own\"");
    bench.put("own/contract.toml", unsourced.replace("[\"KR\"]", "[\"UK\"]").as_bytes());
    let told = bench.run(&["catalog", "check", "--folder", "own"]);
    assert_eq!(told.exit, Some(1), "{}", told.out);
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", told.out);
    assert!(lines[0].starts_with("✗ own/contract.toml:15: `provider.azure.cloud` has no source"), "{}", told.out);
    assert!(lines[1].starts_with("✗ own/contract.toml:20: ") && lines[1].contains("`UK`"), "{}", told.out);
    let report: Value =
        serde_json::from_str(&bench.run(&["catalog", "check", "--folder", "own", "--json"]).out).unwrap();
    assert_eq!((&report["good"], &report["hash"]), (&false.into(), &Value::Null));
    assert_eq!(report["mistakes"][0]["line"], 15);

    let told = bench.run(&["catalog", "show", "azure", "--folder", "own"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: the catalogue is wrong\nown/contract.toml:15: "), "{}", told.err);
    assert!(told.err.ends_with("\nhint: mend these lines; `gwanmun catalog check` looks again\n"), "{}", told.err);
    assert!(
        bench.run(&["catalog", "check", "--folder", "nowhere"]).out.starts_with("✗ nowhere: the folder cannot be read")
    );
}
