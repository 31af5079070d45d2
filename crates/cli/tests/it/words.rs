//! What stands on the terminal before any work is done: help, version, completions, and how wrong usage is told.

use crate::bench::{Bench, Told};

const HELP: &str = "\
One gate through which an organisation uses AI models under its own law

Usage: gwanmun [OPTIONS] <COMMAND>

Commands:
  serve        Serve the API
  account      Say who may use the console: make, list, change and close accounts
  ask          Ask one question; the answer streams to the terminal
  audit        Prove what happened: verify the log, prove single entries, look into it
  catalog      See what is known of providers, models and jurisdictions, with sources
  check        See whether everything that `serve` needs is in order
  drill        Rehearse a withdrawal, and keep a signed report
  index        Look at the request index, or make it again from the audit log
  key          Say who may call: make, list, replace and revoke keys
  model        Keep the models that this machine can answer from
  policy       See what a policy decides: run its cases, compare two, explain a request
  restore      Let something back that was withdrawn
  what-if      See what would go dark if something were withdrawn
  withdraw     Take something out of use until it is approved again
  version      Say which version this is
  completions  Print what completes this command in a shell
  help         Print this message or the help of the given subcommand(s)
";

#[test]
fn help_lists_the_subcommands_and_shows_examples() {
    let bench = Bench::new();
    let help = bench.ok(&["-h"]);
    assert!(help.starts_with(HELP), "{help}");
    assert!(help.contains("gwanmun ask \"What is the capital of France?\""), "{help}");
    assert!(help.contains("Exit status: 0 yes; 1 the answer is no; 2 trouble; 64 wrong usage."), "{help}");
    assert!(bench.ok(&["--help"]).starts_with("관문 (gwanmun), the gate at a frontier"));
    for subcommand in ["serve", "ask", "key", "model pull", "completions"] {
        let arguments: Vec<&str> = subcommand.split(' ').chain(["--help"]).collect();
        let help = bench.ok(&arguments);
        assert!(help.contains("\nExamples:\n"), "{subcommand}: {help}");
    }
    assert!(crate::bench::tree(&bench.path("")).is_empty(), "help leaves nothing on the disk");
}

#[test]
fn wrong_usage_is_64() {
    let bench = Bench::new();
    let table: [(&[&str], &str); 9] = [
        (&[], "Usage: gwanmun"),
        (&["sreve"], "some similar subcommands exist: 'restore', 'serve'"),
        (&["serve", "--listen", "4000"], "invalid value '4000'"),
        (&["serve", "--no-model", "--model", "x"], "cannot be used with"),
        (&["ask"], "<QUESTION>"),
        (&["ask", "  "], "error: the question is empty\nhint: `gwanmun ask \"What is the capital of France?\"`"),
        (&["ask", "--url", "ftp://x", "--key", "k", "q"], "error: `ftp://x` is not the address of a server"),
        (&["--log", "gateway=loud", "version"], "error: `gateway=loud` does not say what to log"),
        (&["key", "create"], "--name <NAME>"),
    ];
    for (arguments, says) in table {
        let told = bench.run(arguments);
        assert_eq!(told.exit, Some(64), "{arguments:?}: {}", told.err);
        assert!(told.err.contains(says), "{arguments:?}: {}", told.err);
        assert_eq!(told.out, "", "{arguments:?}");
    }
    assert!(crate::bench::tree(&bench.path("")).is_empty());
}

#[test]
fn the_version_is_told_to_people_and_to_programs() {
    let bench = Bench::new();
    let version = env!("CARGO_PKG_VERSION");
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    assert_eq!(bench.ok(&["version"]), format!("gwanmun {version} ({target})\n"));
    assert_eq!(bench.ok(&["--version"]), format!("gwanmun {version}\n"));
    let told: serde_json::Value = serde_json::from_str(&bench.ok(&["version", "--json"])).unwrap();
    assert_eq!(told, serde_json::json!({ "name": "gwanmun", "version": version, "target": target }));
}

#[test]
fn shells_are_given_completions() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.ok(&["completions", shell]);
        assert!(script.contains("gwanmun") && script.contains("no-model"), "{shell}");
    }
    assert_eq!(bench.run(&["completions", "tcsh"]).exit, Some(64));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_trouble() {
    let bench = Bench::new();
    let mut child = bench.command(&["completions", "bash"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn nothing_is_coloured_where_nobody_sees_it() {
    let bench = Bench::new();
    let Told { out, err, .. } = bench.run(&["model", "show", "x"]);
    assert!(!format!("{out}{err}").contains('\u{1b}'));
    let mut forced = bench.command(&["model", "show", "x"]);
    let coloured = forced.env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(String::from_utf8_lossy(&coloured.stderr).contains('\u{1b}'));
    let refused = forced.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE").output().unwrap();
    assert!(!String::from_utf8_lossy(&refused.stderr).contains('\u{1b}'));
}
