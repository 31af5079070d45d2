//! Policies from the command line: the cases of those that are shipped, and of one's own.

use serde_json::Value;

use crate::bench::Bench;

const RULES: &str = r#"
@id("floor")
permit (principal, action, resource)
when { resource.local };

@id("open-in-korea")
@edit("pseudonymise")
permit (principal, action, resource)
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

#[test]
fn what_cannot_be_tested_is_told_with_its_place() {
    let bench = Bench::new();
    bench.put("wrong.cedar", RULES.replace("\"KR\"", "\"KOREA\"").replace("\"open\"", "\"public\"").as_bytes());
    let told = bench.run(&["policy", "test", "wrong.cedar"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: the policy `wrong.cedar` is wrong\nwrong.cedar:9: "), "{}", told.err);
    assert!(told.err.contains("`KOREA`") && told.err.contains("`public`"), "all at once: {}", told.err);
    let table: [(&str, i32, &str); 2] = [
        ("kr-publik", 64, "error: there is no policy `kr-publik`\nhint: shipped are local, open, kr-public-sector,"),
        ("gone.cedar", 2, "error: could not read `gone.cedar`: No such file"),
    ];
    for (named, exit, says) in table {
        let told = bench.run(&["policy", "test", named]);
        assert_eq!(told.exit, Some(exit), "{named}: {}", told.err);
        assert!(told.err.starts_with(says), "{named}: {}", told.err);
    }
}
