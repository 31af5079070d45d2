//! `ask`: from the running server, in process, from standard input; refused, and interrupted.

use std::{io::Write as _, process::Stdio};

use crate::bench::{Bench, Told};

const QUESTION: &[&str] = &["ask", "--temperature", "0", "--max-tokens", "8", "Hello"];

#[test]
fn the_running_server_and_this_process_answer_alike_and_both_record() {
    let bench = Bench::new();
    let model = bench.model();
    let server = bench.serve(&["--model", &model]);
    let from_server = bench.run(QUESTION);
    assert_eq!(from_server.exit, Some(0), "{}", from_server.err);
    assert!(!from_server.out.trim_end_matches('\n').is_empty());
    let key = server.key().unwrap().to_owned();
    let elsewhere: Vec<&str> = QUESTION.iter().copied().chain(["--url", &server.url, "--key", &key]).collect();
    assert_eq!(bench.run(&elsewhere), from_server);
    let with_v1 = format!("{}/v1/", server.url);
    let spelled: Vec<&str> = QUESTION.iter().copied().chain(["--url", &with_v1, "--key", &key]).collect();
    assert_eq!(bench.run(&spelled), from_server);
    assert_eq!(server.end().exit, Some(0));
    assert_eq!(recorded(&bench), (3, 3));

    bench.put(".local/share/gwanmun/gwanmun.toml", format!("[local]\nmodel = \"{model}\"\n").as_bytes());
    assert_eq!(bench.run(QUESTION), from_server, "in process");
    assert_eq!(recorded(&bench), (4, 4));
}

/// Decisions and outcomes in the audit log.
fn recorded(bench: &Bench) -> (usize, usize) {
    let segment = std::fs::read(bench.data().join("log/segments/00000000000000000000.seg")).unwrap();
    let log = String::from_utf8_lossy(&segment);
    let count = |kind: &str| log.matches(&format!("\"kind\":\"{kind}\"")).count();
    assert!(!log.contains("Hello"), "a log holds no text");
    (count("decision"), count("outcome"))
}

#[test]
fn the_question_may_come_from_standard_input() {
    let bench = Bench::new();
    let model = bench.model();
    let server = bench.serve(&["--model", &model]);
    let mut command = bench.command(&["ask", "--temperature", "0", "--max-tokens", "8", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"Hello").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), bench.run(QUESTION).out);
    drop(server);
}

#[test]
fn what_a_server_refuses_is_told() {
    let bench = Bench::new();
    let model = bench.model();
    let server = bench.serve(&["--model", &model]);
    let nobody = bench.run(&["ask", "--model", "nobody", "Hello"]);
    assert_eq!(nobody.exit, Some(2));
    assert!(nobody.err.starts_with("error: ") && nobody.err.contains("nobody"), "{}", nobody.err);
    assert!(nobody.err.contains("hint: without `--model`"), "{}", nobody.err);
    let stranger = bench.run(&["ask", "--url", &server.url, "--key", "sk-gwm-wrong", "Hello"]);
    assert!(stranger.err.contains("hint: `gwanmun key create` makes a key"), "{}", stranger.err);
    let hot = bench.run(&["ask", "--temperature", "9", "Hello"]);
    assert!(hot.err.starts_with("error: ") && hot.err.contains("temperature"), "{}", hot.err);
    assert_eq!((stranger.exit, hot.exit), (Some(2), Some(2)));
    let url = server.url.clone();
    server.end();
    let gone = bench.run(&["ask", "--url", &url, "--key", "k", "Hello"]);
    assert!(gone.err.starts_with(&format!("error: the server at `{url}` does not answer: ")), "{}", gone.err);
}

#[test]
fn without_any_model_it_is_told_how_to_get_one() {
    let bench = Bench::new();
    bench.put(".local/share/gwanmun-elsewhere/x", b"");
    let server = bench.serve(&["--no-model"]);
    let Told { exit, err, .. } = bench.run(&["ask", "Hello"]);
    assert_eq!(exit, Some(2));
    assert!(err.starts_with("error: no model is offered\nhint: start `gwanmun serve` without `--no-model`"), "{err}");
    drop(server);
}

#[test]
fn an_interrupt_ends_the_answer_and_the_work() {
    let bench = Bench::new();
    let model = bench.model();
    let server = bench.serve(&["--model", &model]);
    let mut asking = bench.command(&["ask", "--max-tokens", "400", "Hello"]);
    let mut child = asking.stdout(Stdio::piped()).spawn().unwrap();
    // Its first text: from here on it is listening for Ctrl-C.
    let mut first = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let exit = child.wait().unwrap().code();
    // A tiny model may have been quicker than the signal.
    assert!(matches!(exit, Some(130 | 0)), "{exit:?}");
    assert_eq!(server.end().exit, Some(0));
    let (decisions, outcomes) = recorded(&bench);
    assert_eq!((decisions, outcomes), (1, 1));
}
