//! What the pages on policies and the catalogue show: their files are sound, and what they show of the terminal is what the
//! command says.

use serde_json::Value;

use crate::bench::Bench;

/// The blocks of a page that are of that language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let opening = format!("```{language}\n");
    let blocks = text.split(opening.as_str()).skip(1);
    blocks.map(|rest| rest.split("\n```").next().unwrap().to_owned() + "\n").collect()
}

/// The destinations of which the page's policy speaks.
const OURS: &str = r#"
[server]
listen = "127.0.0.1:0"
[policy]
use = "ours.cedar"
home = "KR"
catalog = "contracts"
[local]
model = "none"
[[destination]]
name = "abroad"
provider = "openai"
base_url = "http://127.0.0.1:1/v1"
models = ["gpt-x"]
[[destination]]
name = "clova"
provider = "clova-studio"
region = "kr"
base_url = "http://127.0.0.1:2/v1"
models = ["HCX-005"]
"#;

#[test]
fn the_examples_of_the_pages_are_what_they_are_said_to_be() {
    let bench = Bench::new();
    let rules = blocks("policies.md", "cedar");
    let settings = blocks("policies.md", "toml").split_off(1);
    let (suspended, rules) = rules.split_last().unwrap();
    bench.put("ours.cedar", rules.concat().as_bytes());
    bench.put("ours.toml", settings.concat().as_bytes());
    let tested = bench.ok(&["policy", "test", "ours.cedar"]);
    assert!(tested.starts_with("✓ ours             1 case, 5 rules\n"), "{tested}");
    let contract = blocks("catalog.md", "toml");
    bench.put("contracts/clova.toml", contract[0].as_bytes());
    bench.put("c.toml", OURS.as_bytes());
    let checked = bench.run(&["check", "--config", "c.toml"]);
    assert_eq!(checked.exit, Some(0), "{}", checked.out);
    assert!(checked.out.contains("✓ policy          ours: "), "{}", checked.out);
    bench.put("stopped.cedar", (rules.concat() + suspended).as_bytes());
    let told = bench.run(&["policy", "diff", "ours.cedar", "stopped.cedar", "--json"]);
    let report: Value = serde_json::from_str(&told.out).unwrap();
    let closed = report["differences"].as_array().unwrap();
    assert!(!closed.is_empty() && closed.iter().all(|it| it["change"] == "closes"), "{report:#}");

    let checked = bench.ok(&["catalog", "check", "--folder", "contracts", "--older-than", "36500"]);
    assert!(checked.starts_with("✓ "), "{checked}");
    let shown = bench.ok(&["catalog", "show", "clova-studio", "--folder", "contracts"]);
    assert!(shown.contains("\n  → processed_in (kr): KR\n  → controlled_by (HCX-005): KR\n"), "{shown}");
}

/// What a page shows of the terminal: the blocks without a language.
fn shown(page: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    // Between fences every second part is a block, and begins with its language.
    text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix('\n')).map(str::to_owned).collect()
}

#[test]
fn what_the_page_shows_of_the_terminal_is_what_the_command_says() {
    let bench = Bench::new();
    let rules = blocks("policies.md", "cedar");
    let rules = rules.split_last().unwrap().1.concat();
    let settings = blocks("policies.md", "toml").split_off(1).concat();
    let route = "[[route]]\nmodel = \"assistant\"\ndestinations = [\"abroad/gpt-x\", \"clova/HCX-005\"]\n";
    bench.put("contracts/clova.toml", blocks("catalog.md", "toml")[0].as_bytes());
    bench.put("c.toml", (OURS.replace("ours.cedar", "kr-enterprise") + route).as_bytes());
    bench.put("ours.cedar", rules.as_bytes());
    let press = "permit (principal in Team::\"press\", action, resource)\nwhen { context.class == \"open\" };";
    let more = press.replace("== \"open\"", "!= \"classified\"");
    assert!(rules.contains(press), "{rules}");
    bench.put("next.cedar", rules.replace(press, &more).as_bytes());
    bench.put("ours.toml", settings.replace("team   = \"hr\"", "team   = \"press\"").as_bytes());
    let text = "주민등록번호 900101-1234568 인 고객에게 안내문을 써 줘";
    let mut said = String::new();
    for arguments in [
        &["check", "--config", "c.toml"] as &[&str],
        &["policy", "explain", "--config", "c.toml", "--text", text],
        &["policy", "test", "ours.cedar"],
        &["policy", "diff", "ours.cedar", "next.cedar", "--config", "c.toml"],
    ] {
        said += &bench.run(arguments).out;
    }
    let wrong = "\n@id(\"sensitive-abroad\")\n@why(\"x\")\n@edit(\"pseudonymise\")\npermit (principal, action == Action::\"infer\", resource)\nwhen { context.class == \"sensitive\" && resource.name == \"abroad\" };\n";
    bench.put("ours.cedar", (rules + wrong).as_bytes());
    bench.put("c.toml", OURS.as_bytes());
    said += &bench.run(&["check", "--config", "c.toml"]).out;

    let blocks = shown("policies.md");
    assert_eq!(blocks.len(), 5);
    for line in blocks.iter().flat_map(|block| block.lines()).filter(|line| !line.starts_with("$ ")) {
        assert!(said.lines().any(|told| told == line), "the page shows\n{line}\nand it said\n{said}");
    }
}

#[test]
fn the_demonstration_can_be_followed() {
    let bench = Bench::new();
    let [rules, files] = ["cedar", "toml"].map(|language| blocks("demonstration.md", language));
    let [config, contract, settings] = files.try_into().unwrap();
    let local = "model = \"smollm2-135m-instruct-q4_1\"";
    assert!(config.contains(local), "{config}");
    bench.put("c.toml", config.replace(local, "model = \"none\"").as_bytes());
    bench.put("contracts/clova.toml", contract.as_bytes());
    bench.put("ours.cedar", rules.concat().as_bytes());
    bench.put("ours.toml", settings.as_bytes());
    let tested = bench.ok(&["policy", "test", "ours.cedar", "--config", "c.toml"]);
    assert!(tested.starts_with("✓ ours             1 case, 2 rules\n"), "{tested}");
    let text = "Write a friendly one-line greeting for the customer 900101-1234568.";
    let asked = ["policy", "explain", "--config", "c.toml", "--text", text, "--model"];
    let explain = |more: &[&str]| bench.run(&asked.iter().chain(more).copied().collect::<Vec<_>>());
    let explained = explain(&["HCX-005", "--policy", "ours.cedar"]);
    let page = shown("demonstration.md");
    for line in explained.out.lines() {
        assert!(page[2].lines().any(|shown| shown == line), "it said\n{line}\nand the page shows\n{}", page[2]);
    }
    let refused = explain(&["gpt-x"]);
    assert_eq!(refused.exit, Some(1), "{}", refused.out);
    assert!(refused.out.contains("no-resident-number-outside (resident_number_outside)"), "{}", refused.out);
}
