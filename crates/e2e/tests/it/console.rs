//! The console in a real browser, over the built command with the real model. Needs what `cargo xtask test` prepares; without it the
//! test says that it proves nothing and ends.
#![expect(clippy::disallowed_methods, reason = "a test's own configuration")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use e2e::command::{Server, browser, python, wheels};
use e2e::wall::{LONG, Role, Turn, Wall};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::streams::broken;

/// What a provider says that serves nobody from here any more.
const SHUT: &str = r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}}"#;

const PASSWORD: &str = "five words that nobody guesses";

/// Makes an account as an operator would, in the terminal.
async fn account(server: &Server, role: &str) {
    let data = server.data_dir();
    let words = [
        "account",
        "create",
        "--name",
        role,
        "--role",
        role,
        "--team",
        "desk",
        "--password-stdin",
        "--data-dir",
        &data,
    ];
    let mut child = server.command(&words).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).await.unwrap();
    assert!(child.wait().await.unwrap().success(), "{role}");
}

/// A Python whose pip is the real one, and takes the real package from a folder instead of the network: it begins when somebody writes
/// to the named pipe `gate`.
fn pip_behind_a_gate(folder: &Path, python: &Path, wheels: &Path) -> (PathBuf, PathBuf) {
    let (script, gate) = (folder.join("python"), folder.join("gate"));
    assert!(std::process::Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let (gate_told, python, wheels) = (gate.display(), python.display(), wheels.display());
    let text =
        format!("#!/bin/sh\nread -r go < '{gate_told}'\nexec '{python}' \"$@\" --no-index --find-links '{wheels}'\n");
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    (script, gate)
}

/// Short answers: how long the model goes on is not what is looked at. What is `abroad` is withdrawn by a person and never asked;
/// `overseas` and `home` both have `m`, and `overseas` alone has `alone`; `shut-out` refuses us at the first question.
fn configuration(wall: &Wall) -> String {
    let (overseas, home) = (wall.base_url(Role::Foreign), wall.base_url(Role::National));
    let breaks = broken("cut", 30);
    format!(
        "[local]\nanswer_tokens_default = 24\n\n[policy]\nuse = \"open\"\nhome = \"KR\"\n\n\
         [[destination]]\nname = \"abroad\"\nbase_url = \"https://abroad.example/v1\"\nmodels = [\"large\"]\n\n\
         [[destination]]\nname = \"overseas\"\nbase_url = \"{overseas}\"\nmodels = [\"m\", \"alone\"]\n\n\
         [[destination]]\nname = \"home\"\nbase_url = \"{home}\"\nmodels = [\"m\", \"goes-on\"]\n\n\
         [[destination]]\nname = \"unsteady\"\nbase_url = \"{overseas}\"\nmodels = [{{ name = \"breaks\", upstream = \"{breaks}\" }}]\n\n\
         [[destination]]\nname = \"shut-out\"\nbase_url = \"{overseas}\"\nmodels = [\"shut\"]\n\n\
         [[route]]\nmodel = \"river\"\ndestinations = [\"unsteady/breaks\", \"home/goes-on\"]\n\n\
         [[route]]\nmodel = \"river-by-the-floor\"\ndestinations = [\"unsteady/breaks\", \"local\"]\n\n\
         [[route]]\nmodel = \"assistant\"\ndestinations = [\"shut-out/shut\", \"local\"]\n"
    )
}

/// Runs a file of the browser's tests against `server`; so many of them at least.
async fn browsed(server: &Server, file: &str, more: &[(&str, &str)], least: usize) {
    let (Some(python), Some(browser)) = (python(), browser()) else { return };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/python/console");
    let mut command = Command::new(python);
    command.arg("-B").arg(format!("{folder}/{file}.py"));
    command.env("GWANMUN_URL", server.url()).env("GWANMUN_PASSWORD", PASSWORD);
    command.env("GWANMUN_CONSOLE", server.console_url()).env("GWANMUN_TEST_BROWSER", browser);
    let output = command.envs(more.iter().copied()).stdin(Stdio::null()).output().await.unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    let ran: usize = words.split("Ran ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap();
    assert!(ran >= least && !words.contains("skipped"), "{words}");
}

#[tokio::test]
async fn a_first_visit_leads_from_nothing_to_a_rehearsed_gate() {
    if python().is_none() || browser().is_none() {
        return;
    }
    let wall = Wall::start().await;
    let Some(server) = Server::start(&[]).await else { return };
    account(&server, "owner").await;
    browsed(&server, "test_first_visit", &[("GWANMUN_PROVIDER", &wall.base_url(Role::Local))], 1).await;
    // What the provider heard: the key that was typed, then the other one; nothing of the rehearsal.
    let heard = wall.heard();
    let keys: Vec<_> = heard.requests().filter_map(|request| request.head.get("authorization")).collect();
    assert_eq!(keys, ["Bearer sk-first-key", "Bearer sk-second-key"]);
    // What stays is what was chosen, and no key in it.
    let data = PathBuf::from(server.data_dir());
    let text = std::fs::read_to_string(data.join("gwanmun.toml")).unwrap();
    assert!(text.contains("kr-enterprise") && text.contains("ours") && !text.contains("practice"), "{text}");
    assert!(!text.contains("sk-"), "{text}");
    let mut secrets = Vec::new();
    holding(&data, b"sk-second-key", &mut secrets);
    assert!(secrets.len() == 1 && secrets[0].parent().unwrap().ends_with("secrets"), "{secrets:?}");
    assert_eq!(std::fs::metadata(&secrets[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&secrets[0]).unwrap(), "sk-second-key");
    server.end().await;
}

/// The files below `folder` that hold `bytes`.
fn holding(folder: &Path, bytes: &[u8], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            holding(&entry.path(), bytes, found);
        } else if std::fs::read(entry.path()).is_ok_and(|text| text.windows(bytes.len()).any(|it| it == bytes)) {
            found.push(entry.path());
        }
    }
}

/// Runs a file of the browser's tests, so many at least, against a server with places of all kinds and accounts of two roles.
async fn at_work(file: &str, least: usize) {
    let (Some(python), Some(_), Some(wheels)) = (python(), browser(), wheels()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (pip, gate) = pip_behind_a_gate(folder.path(), &python, &wheels);
    let config = folder.path().join("gwanmun.toml");
    let wall = Wall::start().await;
    wall.turn("shut", Turn::Says(403, SHUT));
    std::fs::write(&config, configuration(&wall)).unwrap();
    let arguments = ["--config", config.to_str().unwrap(), "--python", pip.to_str().unwrap()];
    let Some(server) = Server::start(&arguments).await else { return };
    for role in ["owner", "user"] {
        account(&server, role).await;
    }
    // The model of the floor itself, which no route has the name of.
    let listed = server.client().get("/v1/models").await.json();
    let floor = listed["data"].as_array().unwrap().iter().find(|model| model["owned_by"] == "local").unwrap();
    let (key, model, gate) = (server.key.as_str(), floor["id"].as_str().unwrap(), gate.to_str().unwrap());
    let more = [("GWANMUN_KEY", key), ("GWANMUN_MODEL", model), ("GWANMUN_TOLD", LONG), ("GWANMUN_GATE", gate)];
    browsed(&server, file, &more, least).await;
    server.end().await;
}

#[tokio::test]
async fn every_screen_is_fit_for_everybody() {
    at_work("test_screens", 5).await;
}

#[tokio::test]
async fn pages_stay_as_their_readers_have_them_while_they_change() {
    at_work("test_pages", 5).await;
}

#[tokio::test]
async fn people_ask_and_see_who_answered() {
    at_work("test_chat", 8).await;
}

#[tokio::test]
async fn nothing_that_is_said_or_sent_works_against_a_reader() {
    at_work("test_hostile", 4).await;
}

#[tokio::test]
async fn withdrawals_are_made_rehearsed_and_ended_from_the_board() {
    at_work("test_cut_off", 3).await;
}

#[tokio::test]
async fn keys_models_and_the_log_are_looked_after() {
    at_work("test_desk", 5).await;
}
