//! `check`: what it finds in order and what not, and that it says how to mend it.

use serde_json::Value;

use crate::bench::Bench;

/// The findings by what was looked at: verdict and words.
fn findings(bench: &Bench, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments: Vec<&str> = ["check", "--json"].iter().chain(arguments).copied().collect();
    let told = bench.run(&arguments);
    let report: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"));
    let mut by_what = serde_json::Map::new();
    for finding in report["findings"].as_array().unwrap() {
        by_what.insert(finding["what"].as_str().unwrap().to_owned(), finding.clone());
    }
    assert_eq!(report["good"], told.exit == Some(0));
    (told.exit, by_what.into())
}

#[test]
fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let bench = Bench::new();
    bench.put("c.toml", b"[server]\nlisten = \"127.0.0.1:0\"\n[local]\nmodel = \"none\"\n");
    let (exit, found) = findings(&bench, &["--config", "c.toml"]);
    assert_eq!(exit, Some(0), "{found:#}");
    assert_eq!(found["data directory"]["verdict"], "note");
    assert_eq!(found["model"]["found"], "none on this machine, as configured");
    assert!(!bench.data().exists());
    let shown = bench.ok(&["check", "--config", "c.toml"]);
    assert!(shown.starts_with("– data directory  HOME/.local/share/gwanmun is not there yet"), "{shown}");
    assert!(shown.contains("\n✓ API port        127.0.0.1:0 is free\n"), "{shown}");
}

#[test]
fn a_running_server_is_found() {
    let bench = Bench::new();
    let model = bench.model();
    bench.put("c.toml", format!("[local]\nmodel = \"{model}\"\n").as_bytes());
    let server = bench.serve(&["--config", "c.toml"]);
    let (exit, found) = findings(&bench, &["--config", "c.toml"]);
    assert_eq!(exit, Some(0), "{found:#}");
    assert!(found["API port"]["found"].as_str().unwrap().starts_with(&server.url));
    assert_eq!(found["keys"]["found"], "1 in force, 0 revoked");
    assert_eq!(found["audit log"]["verdict"], "good");
    assert_eq!(server.end().exit, Some(0));
}

#[test]
fn each_thing_that_is_wrong_is_told_with_how_to_mend_it() {
    let bench = Bench::new();
    bench.model();
    bench.ok(&["model", "import", "tiny.gguf"]);
    bench.ok(&["key", "create", "--name", "a"]);
    bench.put("c.toml", b"[server]\nlisten = \"127.0.0.1:0\"\n[local]\nmodel = \"tiny\"\n");
    let (exit, found) = findings(&bench, &["--config", "c.toml"]);
    assert_eq!(exit, Some(0), "{found:#}");
    assert_eq!(found["model"]["found"], "tiny, 186 kB, its hash is right");

    bench.ok(&["key", "revoke", "a"]);
    let data = ".local/share/gwanmun";
    let mut model = crate::tiny_model::bytes();
    let middle = model.len() / 2;
    model[middle] ^= 1;
    bench.put(&format!("{data}/models/tiny/model.gguf"), &model);
    bench.put(&format!("{data}/log/checkpoint"), b"{}\n{}\n");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = format!("[server]\nlisten = \"{}\"\n[local]\nmodel = \"tiny\"\n", taken.local_addr().unwrap());
    bench.put("c.toml", settings.as_bytes());
    let (exit, found) = findings(&bench, &["--config", "c.toml"]);
    assert_eq!(exit, Some(1), "{found:#}");
    for what in ["audit log", "keys", "model", "API port"] {
        assert_eq!(found[what]["verdict"], "wrong", "{what}: {found:#}");
    }
    assert!(found["keys"]["mend"].as_str().unwrap().contains("gwanmun key create"));
    assert!(found["model"]["mend"].as_str().unwrap().contains("pull again"));
    let shown = bench.run(&["check", "--config", "c.toml"]).out;
    assert!(shown.contains("✗ keys            none in force, 1 revoked\n                  mend: make one"), "{shown}");

    bench.put("c.toml", b"[srever]\n");
    let (exit, found) = findings(&bench, &["--config", "c.toml"]);
    assert_eq!(exit, Some(1));
    assert!(found["configuration"]["found"].as_str().unwrap().contains("c.toml:1: "), "{found:#}");
}
