//! Policies from the command line: the cases of those that are shipped, and of one's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use policy::{Action, Axis, Class, Destination, Facts, Judge, Policy, Vocabulary};
use serde_json::Value;

use crate::bench::Bench;

const RULES: &str = r#"
@id("floor")
permit (principal, action, resource)
when { resource.local };

@id("open-in-korea")
@edit("pseudonymise")
permit (principal, action == Action::"infer", resource)
when { context.class == "open" && resource.processed_within.contains("KR") };
"#;

const SETTINGS: &str = r#"
[policy]
title = "Ours"

[[destination]]
id = "cloud"
processed_in = ["KR"]
controlled_by = ["KR"]

[[case]]
name   = "open data goes to Korea"
class  = "open"
to     = "cloud"
expect = "permitted"
rule   = "open-in-korea"

[[case]]
name     = "sensitive data goes there too"
class    = "sensitive"
findings = ["email"]
to       = "cloud"
expect   = "permitted"
"#;

#[test]
fn every_case_of_every_shipped_policy_is_decided_as_expected() {
    let bench = Bench::new();
    let tested: Value = serde_json::from_str(&bench.ok(&["policy", "test", "--json"])).unwrap();
    let names: Vec<&str> = tested.as_array().unwrap().iter().map(|it| it["policy"].as_str().unwrap()).collect();
    assert_eq!(names, ["local", "open", "kr-public-sector", "kr-enterprise", "eu-gdpr", "vn-enterprise"]);
    for policy in tested.as_array().unwrap() {
        let cases = policy["cases"].as_array().unwrap();
        assert!(cases.len() >= policy["rules"].as_u64().unwrap().try_into().unwrap(), "{policy:#}");
        assert!(
            cases.iter().all(|case| case["passed"] == true && case["wrong"] == serde_json::json!([])),
            "{policy:#}"
        );
        assert_eq!(policy["hash"].as_str().unwrap().len(), 64);
    }
    let told = bench.ok(&["policy", "test"]);
    assert_eq!(told.lines().count(), names.len(), "where all is well, a line each: {told}");
    assert!(told.starts_with("✓ local            4 cases, 1 rule\n"), "{told}");
    assert!(!bench.data().exists(), "testing makes nothing");
}

#[test]
fn a_case_that_fails_shows_what_was_asked_expected_and_decided() {
    let bench = Bench::new();
    bench.put("ours.cedar", RULES.as_bytes());
    bench.put("ours.toml", SETTINGS.as_bytes());
    let told = bench.run(&["policy", "test", "ours.cedar"]);
    assert_eq!(told.exit, Some(1), "{}", told.err);
    assert_eq!(
        told.out,
        "\
✗ ours             1 of 2 cases is not decided as expected
  ✓ open data goes to Korea
    open, cloud: permitted by open-in-korea; secret masked; all that is found pseudonymised
  ✗ sensitive data goes there too
    sensitive, cloud: refused: no rule permits it (not_permitted)
    it should be `permitted`, but is `refused by none`
    ours.toml:17
      name     = \"sensitive data goes there too\"
      class    = \"sensitive\"
      findings = [\"email\"]
      to       = \"cloud\"
      expect   = \"permitted\"
"
    );
    let report: Value = serde_json::from_str(&bench.run(&["policy", "test", "--json", "ours.cedar"]).out).unwrap();
    assert_eq!(report[0]["cases"][1]["passed"], false);
    assert_eq!(report[0]["cases"][1]["line"], 17);

    bench.put("ours.toml", SETTINGS.split("\n[[case]]").next().unwrap().as_bytes());
    let bare = bench.ok(&["policy", "test", "ours.cedar"]);
    assert!(bare.contains("\n  it has none: write some into its `.toml`"), "{bare}");
}

/// What `check` and `serve` refuse, though each case is decided as expected.
const UNSOUND: &str = r#"
@id("only-classified")
permit (principal, action == Action::"infer", resource)
when { context.class == "classified" };

@id("dead")
permit (principal, action, resource)
when { context.class == "open" && context.class == "sensitive" };

@id("vectors")
@edit("pseudonymise")
permit (principal, action, resource)
when { resource.local };
"#;

#[test]
fn a_policy_that_could_not_come_into_force_is_neither_tested_nor_compared_nor_explained_as_good() {
    let bench = Bench::new();
    let settings =
        SETTINGS.replace("class  = \"open\"", "class  = \"classified\"").replace("open-in-korea", "only-classified");
    bench.put("unsound.cedar", UNSOUND.as_bytes());
    bench.put("unsound.toml", settings.split("\n[[case]]\nname     =").next().unwrap().as_bytes());
    bench.put("c.toml", CONFIG.as_bytes());
    let mistakes = |told: &str| -> Vec<String> {
        ["unsound.cedar:2: `only-classified` ", "unsound.cedar:6: `dead` ", "unsound.cedar:10: `vectors` "]
            .into_iter()
            .filter(|place| told.contains(place))
            .map(str::to_owned)
            .collect()
    };
    let table: [&[&str]; 4] = [
        &["policy", "test", "unsound.cedar"],
        &["policy", "diff", "local", "unsound.cedar", "--config", "c.toml"],
        &["policy", "diff", "unsound.cedar", "local"],
        &["policy", "explain", "--config", "c.toml", "--policy", "unsound.cedar", "--text", "hello"],
    ];
    for arguments in table {
        let told = bench.run(arguments);
        assert_eq!(told.exit, Some(1), "{arguments:?}: {}", told.err);
        assert_eq!(mistakes(&told.out).len(), 3, "{arguments:?}: {}", told.out);
        assert!(told.out.starts_with("✗ ") && !told.out.contains("permitted; asked"), "{}", told.out);
        let told = bench.run(&arguments.iter().chain(&["--json"]).copied().collect::<Vec<_>>());
        assert_eq!(told.exit, Some(1), "{arguments:?}: {}", told.err);
        let report: Value = serde_json::from_str(&told.out).unwrap();
        let report = report.get(0).unwrap_or(&report);
        assert!(report["mistakes"].as_array().is_some_and(|it| it.len() >= 3), "{report:#}");
    }
    let told = bench.run(&["policy", "test", "unsound.cedar"]).out;
    assert!(told.starts_with("✗ unsound          1 case, 3 rules; it could not come into force: "), "{told}");
    assert!(told.contains("\n  ✓ open data goes to Korea\n"), "{told}");

    // Without cases, what it does is proved for the destinations that are configured.
    std::fs::remove_file(bench.path("unsound.toml")).unwrap();
    let told = bench.run(&["policy", "test", "unsound.cedar", "--config", "c.toml"]);
    assert_eq!((told.exit, mistakes(&told.out).len()), (Some(1), 3), "{}", told.out);
}

#[test]
fn what_cannot_be_tested_is_told_with_its_place() {
    let bench = Bench::new();
    bench.put("wrong.cedar", RULES.replace("\"KR\"", "\"KOREA\"").replace("\"open\"", "\"public\"").as_bytes());
    let told = bench.run(&["policy", "test", "wrong.cedar"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: the policy `wrong.cedar` is wrong\nwrong.cedar:9: "), "{}", told.err);
    assert!(told.err.contains("`KOREA`") && told.err.contains("`public`"), "all at once: {}", told.err);
    std::fs::create_dir(bench.path("folder.cedar")).unwrap();
    let table: [(&str, i32, &str); 3] = [
        ("kr-publik", 64, "error: there is no policy `kr-publik`\nhint: shipped are local, open, kr-public-sector,"),
        (
            "gone.cedar",
            64,
            "error: there is no file `gone.cedar`\nhint: it is looked for in the folder that the command runs in",
        ),
        ("folder.cedar", 64, "error: `folder.cedar` is no file\n"),
    ];
    for (named, exit, says) in table {
        let told = bench.run(&["policy", "test", named]);
        assert_eq!(told.exit, Some(exit), "{named}: {}", told.err);
        assert!(told.err.starts_with(says), "{named}: {}", told.err);
    }
}

#[test]
fn what_two_policies_judge_differently_is_told() {
    let bench = Bench::new();
    let same = bench.ok(&["policy", "diff", "local", "local"]);
    assert_eq!(same, "✓ local and local judge every request alike, for 3 destinations\n");

    bench.put("ours.cedar", RULES.as_bytes());
    bench.put("ours.toml", SETTINGS.as_bytes());
    bench.put("next.cedar", RULES.replace("context.class == \"open\"", "context.class != \"classified\"").as_bytes());
    let told = bench.run(&["policy", "diff", "ours.cedar", "next.cedar"]);
    assert_eq!(told.exit, Some(1), "{}", told.err);
    assert_eq!(
        told.out,
        "\
ours → next, for 2 destinations: 1 open

opens  cloud
  when  class sensitive; action infer; all of it read
  was   refused
  now   permitted; secret masked; all that is found pseudonymised
"
    );
    let report: Value =
        serde_json::from_str(&bench.run(&["policy", "diff", "next.cedar", "ours.cedar", "--json"]).out).unwrap();
    assert_eq!((&report["complete"], &report["differences"][0]["change"]), (&true.into(), &"closes".into()));
    assert_eq!(report["differences"][0]["destinations"], serde_json::json!(["cloud"]));

    // With a configuration, its destinations are meant.
    bench.put("c.toml", CONFIG.as_bytes());
    let told = bench.run(&["policy", "diff", "local", "open", "--config", "c.toml", "--json"]);
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(report["destinations"], serde_json::json!(["local", "abroad/m", "seoul/m"]));
}

#[test]
fn what_is_too_much_to_compare_is_not_called_alike() {
    let bench = Bench::new();
    let forbid = |(number, kind): (usize, &inspect::Kind)| {
        format!(
            "@id(\"no-{number}\")\nforbid (principal, action, resource)\nwhen {{ context.findings.contains(\"{kind}\") }};\n"
        )
    };
    let rules: String = inspect::Kind::BUILT_IN.iter().enumerate().map(forbid).collect();
    bench.put("a.cedar", format!("{RULES}{rules}").as_bytes());
    bench.put("b.cedar", format!("{rules}{RULES}").as_bytes());
    let told = bench.run(&["policy", "diff", "a.cedar", "b.cedar"]);
    assert_eq!(told.exit, Some(1), "{}", told.err);
    assert_eq!(told.out, "! a and b tell too many combinations of facts apart to be compared\n");
}

const CONFIG: &str = r#"
[policy]
use = "kr-enterprise"
home = "KR"
[local]
model = "none"
[[destination]]
name = "abroad"
base_url = "http://127.0.0.1:1/v1"
models = ["m"]
[[destination]]
name = "seoul"
base_url = "http://127.0.0.1:2/v1"
provider = "own"
models = ["m"]
[[team]]
name = "hr"
class = "open"
use_area = "hiring"
high_impact = true
"#;

#[test]
fn a_request_is_explained_without_what_was_found_in_it() {
    let bench = Bench::new();
    bench.put("c.toml", CONFIG.as_bytes());
    let asked = ["policy", "explain", "--config", "c.toml", "--team", "hr", "--text"];
    let explain = |more: &[&str]| bench.run(&asked.iter().chain(more).copied().collect::<Vec<_>>());
    let said = "주민등록번호 900101-1234568";
    let told = explain(&[said]);
    assert_eq!(told.exit, Some(0), "{}", told.err);
    for line in [
        "request   chat of model `m` by team hr; language ko; use area hiring; high impact",
        "found     kr.resident in a message (checked)",
        "class     sensitive, the highest of: registered as open, by what was found sensitive",
        "✗ 1 abroad  refused",
        "          processed in: unknown; controlled by: unknown",
        "          processed in: KR; controlled by: KR and unknown",
        "          no-resident-number-outside (resident_number_outside): A resident registration number goes",
        "✓ 2 seoul  permitted",
        "          reviewed by a person",
        "          it goes there as it came",
        "decision  permitted; asked in this order: seoul",
    ] {
        assert!(told.out.lines().any(|told| told == line), "{line} is not in\n{}", told.out);
    }
    assert!(!told.out.contains("900101"), "{}", told.out);
    assert!(told.out.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 100), "{}", told.out);
    assert!(explain(&[said, "--show"]).out.contains("kr.resident in a message (checked) `900101-1234568`"));
    assert!(!bench.data().exists(), "explaining makes nothing");

    // Under another policy it goes out, but disguised.
    let disguised = explain(&[said, "--policy", "open"]);
    assert!(disguised.out.contains("✓ 1 abroad  permitted"), "{}", disguised.out);
    assert!(
        disguised.out.contains("          it goes there with 1 hidden:\n          주민등록번호 "),
        "{}",
        disguised.out
    );
    assert!(!disguised.out.contains("900101-1234568"), "{}", disguised.out);
    let report: Value = serde_json::from_str(&explain(&[said, "--policy", "open", "--json"]).out).unwrap();
    assert_eq!(
        report["findings"],
        serde_json::json!([{ "kind": "kr.resident", "place": "message", "strength": "checked" }])
    );
    assert_eq!(
        (&report["destinations"][0]["hidden"], &report["permitted"]),
        (&1.into(), &serde_json::json!(["abroad", "seoul"]))
    );
    assert!(!report.to_string().contains("900101-1234568"));

    let refused = explain(&["hello", "--class", "classified", "--policy", "local"]);
    assert_eq!(refused.exit, Some(1));
    assert!(refused.out.contains("decision  refused, not_permitted: "), "{}", refused.out);
}

#[test]
fn a_key_and_a_whole_request_are_explained() {
    let bench = Bench::new();
    bench.put("c.toml", CONFIG.as_bytes());
    bench.ok(&["key", "create", "--name", "files", "--team", "audit", "--class", "classified"]);
    bench.put("picture.json", br#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.example/1.png"}}]}]}"#);
    let asked = ["policy", "explain", "--config", "c.toml", "--key", "files", "--file"];
    let told = bench.run(&asked.iter().chain(&["picture.json"]).copied().collect::<Vec<_>>());
    for line in [
        "request   chat of model `m` by team audit; needs images",
        "not read  it holds what is not text",
        "class     classified, the highest of: registered as classified, by what is not read sensitive",
    ] {
        assert!(told.out.lines().any(|told| told == line), "{line} is not in\n{}", told.out);
    }
    bench.put("bad.json", br#"{"model":"m","messages":[{"role":"nobody","content":"x"}]}"#);
    let table: [(&[&str], i32, &str); 5] = [
        (&["--file", "bad.json"], 64, "error: that is not a request: "),
        (&["--file", "gone.json"], 2, "error: could not read `gone.json`: "),
        (&["--text", "x", "--key", "nobody"], 2, "error: no key in force has the name or id `nobody`"),
        (&["--text", "x", "--class", "secret"], 64, "error: invalid value 'secret' for '--class <CLASS>'"),
        (&["--text", "x", "--policy", "kr-publik"], 64, "error: there is no policy `kr-publik`"),
    ];
    for (arguments, exit, says) in table {
        let told = bench
            .run(&["policy", "explain", "--config", "c.toml"].iter().chain(arguments).copied().collect::<Vec<_>>());
        assert_eq!(told.exit, Some(exit), "{arguments:?}: {}", told.err);
        assert!(told.err.starts_with(says), "{arguments:?}: {}", told.err);
    }
    assert!(bench.run(&["policy", "explain"]).err.contains("--text <TEXT>"));
}

/// Places of every sort: on own machines, in the country, in its region under another's control, abroad, unknown; with and
/// without what a contract says.
fn destinations() -> Vec<Destination> {
    let axis = |place: Option<&str>| {
        let around: &[&str] = match place {
            Some("FR") => &["FR", "EU", "EEA", "OECD"],
            Some("KR") => &["KR", "OECD"],
            Some("US") => &["US", "OECD"],
            Some("VN") => &["VN", "ASEAN"],
            _ => &[],
        };
        let known = place.into_iter().map(Arc::from).collect();
        Axis { known, within: around.iter().map(|place| Arc::from(*place)).collect() }
    };
    let places = [None, Some("KR"), Some("US"), Some("FR"), Some("VN")];
    let mut all = vec![Destination { id: "local".into(), local: true, ..Destination::default() }];
    for (processed, controlled) in places.iter().flat_map(|one| places.iter().map(move |other| (one, other))) {
        for (provider, training, basis) in [
            (None, None, None),
            (Some("own"), None, None),
            (None, Some("never"), None),
            (None, Some("always"), Some("consent")),
            (None, Some("never"), Some("consent")),
            (None, Some("opt-in"), Some("standard-clauses")),
            (None, Some("never"), Some("adequate-country")),
        ] {
            all.push(Destination {
                id: all.len().to_string().into(),
                processed_in: axis(*processed),
                controlled_by: axis(*controlled),
                provider: provider.map(Arc::from),
                training_on_input: training.map(Arc::from),
                transfer_basis: basis.into_iter().map(Arc::from).collect(),
                ..Destination::default()
            });
        }
    }
    all
}

/// What a plain request of that class may reach, and the same request with more known of it.
fn open(judge: &Judge, facts: &Facts<'_>) -> BTreeSet<usize> {
    let verdict = judge.decide(facts);
    verdict.iter().enumerate().filter(|(_, outcome)| outcome.terms().is_some()).map(|(place, _)| place).collect()
}

#[test]
fn every_shipped_policy_is_proved_for_places_of_every_sort() {
    for name in Policy::SHIPPED {
        let (rules, settings) = Policy::shipped_files(name).unwrap();
        let policy = Policy::read(name, rules, Some(settings), &vocabulary()).unwrap_or_else(|wrong| panic!("{wrong}"));
        let proof = policy.compile(destinations()).prove();
        assert_eq!(proof.mistakes, [], "{name}");
        assert!(proof.complete, "{name}: {} combinations", proof.combinations);
    }
}

#[test]
fn every_answer_of_the_policies_that_follow_a_law_is_labelled_and_those_of_high_impact_are_reviewed() {
    for name in Policy::SHIPPED.iter().filter(|name| !["local", "open"].contains(*name)) {
        let (rules, settings) = Policy::shipped_files(name).unwrap();
        let policy = Policy::read(name, rules, Some(settings), &vocabulary()).unwrap_or_else(|wrong| panic!("{wrong}"));
        let judge = policy.compile(destinations());
        let mut permitted = 0;
        for (class, high_impact) in Class::ALL.iter().flat_map(|class| [(*class, false), (*class, true)]) {
            let verdict = judge.decide(&Facts { class, high_impact, ..PLAIN });
            for (outcome, to) in verdict.iter().zip(judge.destinations()) {
                let Some(terms) = outcome.terms() else { continue };
                assert_eq!(terms.labels, [Arc::from("ai-generated")], "{name}, {class}: {to:?}");
                assert_eq!(terms.review, high_impact, "{name}, {class}: {to:?}");
                permitted += 1;
            }
        }
        assert!(permitted > 0, "{name}");
    }
}

#[test]
fn nothing_that_is_found_or_registered_opens_a_destination_in_a_shipped_policy() {
    let words = vocabulary();
    let kinds: Vec<Vec<&str>> = words
        .kinds
        .iter()
        .map(|(kind, groups)| std::iter::once(kind.as_str()).chain(groups.iter().map(String::as_str)).collect())
        .collect();
    for name in Policy::SHIPPED {
        let (rules, settings) = Policy::shipped_files(name).unwrap();
        let policy = Policy::read(name, rules, Some(settings), &words).unwrap_or_else(|wrong| panic!("{wrong}"));
        let judge = policy.compile(destinations());
        let mut opened = 0;
        for (class, action) in Class::ALL.iter().flat_map(|class| Action::ALL.map(|action| (*class, action))) {
            let plain = Facts { class, action, ..PLAIN };
            let reached = open(&judge, &plain);
            opened += reached.len();
            let higher = Class::ALL.into_iter().filter(|higher| *higher > class).map(|class| Facts { class, ..plain });
            let found = kinds.iter().map(|findings| Facts { findings, ..plain });
            let more = [
                Facts { high_impact: true, ..plain },
                Facts { unread: true, ..plain },
                Facts { signals: &["signal.override"], needs: &["tools"], ..plain },
                Facts { purpose: "research", use_area: "hiring", ..plain },
            ];
            for facts in higher.chain(found).chain(more) {
                let more = open(&judge, &facts);
                assert!(more.is_subset(&reached), "{name}: {facts:?} opens {:?}", more.difference(&reached));
            }
        }
        assert!(opened > 0, "{name} permits something");
    }
}

const PLAIN: Facts<'static> = Facts {
    tenant: "default",
    team: "t",
    key: "k",
    action: Action::Infer,
    class: Class::Open,
    findings: &[],
    signals: &[],
    needs: &[],
    surface: "chat",
    language: "en",
    purpose: "",
    use_area: "",
    high_impact: false,
    unread: false,
    stream: false,
    prompt_kib: 1,
};

/// The words that the shipped policies use.
fn vocabulary() -> Vocabulary {
    let catalog = catalog::Catalog::shipped();
    let codes = catalog.jurisdictions().map(|code| code.to_string());
    let names = codes.chain(catalog.blocs().map(|(id, _)| id.to_owned()));
    let groups = |kind: &inspect::Kind| kind.groups().iter().map(|group| (*group).to_owned()).collect::<BTreeSet<_>>();
    let mut kinds: BTreeMap<String, BTreeSet<String>> =
        inspect::Kind::BUILT_IN.iter().map(|kind| (kind.name().into_owned(), groups(kind))).collect();
    let all: BTreeSet<String> = kinds.values().flatten().cloned().collect();
    kinds.extend(all.into_iter().map(|group| (group, BTreeSet::new())));
    Vocabulary {
        places: names.map(|name| (name, BTreeSet::new())).collect(),
        kinds,
        signals: inspect::signals::Signal::ALL.iter().map(|signal| signal.name().to_owned()).collect(),
        needs: BTreeSet::from(["tools".to_owned()]),
        ..Vocabulary::default()
    }
}
