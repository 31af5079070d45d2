//! The console's port without a socket: what it serves of a real log, to whom, under which headers, and what it refuses.
#![expect(clippy::disallowed_methods, reason = "tests make files that nobody needs after a crash")]

use std::fs;

use audit_log::{Body as EntryBody, Settings, Stop, Text};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use tlog::{Role, SignedCheckpoint, SigningKeys, parse_public_file, root_of};
use tlog_witness::{AddCheckpoint, Directory};
use tower::ServiceExt as _;

use super::*;

const HERE: &str = "127.0.0.1:4001";

/// A log, a witness that watches it, and the port that shows both.
struct Rig {
    router: Router,
    log: Arc<Log>,
    witness: Arc<Witness>,
    folder: tempfile::TempDir,
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn settings() -> Settings {
    let clock: audit_log::Clock = Arc::new(|| Duration::from_hours(500_000));
    Settings { checkpoint_every: Duration::ZERO, ..Settings::new(clock) }
}

impl Rig {
    fn new(entries: u64) -> Self {
        Self::at(entries, HERE)
    }

    fn at(entries: u64, listening: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("log");
        Log::create(&dir, "gwanmun.test/1", &settings()).unwrap();
        let log = Arc::new(Log::open(&dir, settings()).unwrap().0);
        let keys = SigningKeys::from_seeds("gwanmun.test/1/witness", Role::Witness, [[1; 32], [2; 32]]).unwrap();
        let witness_dir = folder.path().join("witness");
        fs::create_dir(&witness_dir).unwrap();
        // A key beside it, as in a data directory.
        fs::write(witness_dir.join("key"), keys.to_file()).unwrap();
        let watch = folder.path().join("watch");
        let [classical, post_quantum] = &*log.public_keys();
        fs::write(&watch, format!("log {classical}\nlog {post_quantum}\nquorum none\n")).unwrap();
        let clock = Clock::system();
        let witness = open_witness(&witness_dir, log.origin(), Some(&watch), &clock).unwrap();
        let witness = Arc::new(witness);
        let parts = PublicLogParts {
            log: Some(Arc::clone(&log)),
            witness: Arc::clone(&witness),
            listening: listening.parse().unwrap(),
            open_entries: true,
            clock: clock.clone(),
            tasks: Tasks::new(clock),
        };
        let rig = Self { router: router(parts), log, witness, folder };
        rig.grow(entries);
        rig
    }

    /// Appends until the log has this many entries, all signed.
    fn grow(&self, entries: u64) {
        for number in self.log.size()..entries {
            let reason = Text::new(format!("{number} {}", "x".repeat(usize::try_from(number % 50).unwrap()))).unwrap();
            self.log.append_and_wait(&EntryBody::Stop(Stop { reason })).unwrap();
        }
        self.log.wait_for_checkpoint(entries).unwrap();
    }

    async fn send(&self, request: http::Request<Body>) -> Got {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Got { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> Got {
        let request = http::Request::builder().method(method).uri(path).header("host", "localhost");
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Got {
        self.ask("GET", path, Body::empty()).await
    }

    async fn get_as(&self, host: &str, path: &str) -> Got {
        let request = http::Request::builder().uri(path).header("host", host);
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

fn request(log: &Log, old: u64) -> AddCheckpoint {
    let (proof, checkpoint) = log.consistency(old).unwrap().unwrap();
    AddCheckpoint { old, proof, checkpoint }
}

/// RFC 6962, anew.
fn leaf(entry: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

fn split(bundle: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut entries) = (bundle, Vec::new());
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry);
        rest = after;
    }
    entries
}

#[tokio::test]
async fn a_stranger_finds_the_log_as_its_checkpoint_says() {
    let rig = Rig::new(259);
    let checkpoint = rig.get("/log/checkpoint").await;
    assert_eq!((checkpoint.status, checkpoint.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert_eq!(checkpoint.header("cache-control"), "no-cache");
    let signed = SignedCheckpoint::parse(checkpoint.text()).unwrap();
    assert_eq!(signed.checkpoint.size, 259);
    let keys = rig.get("/log/key.pub").await;
    let keys = parse_public_file(keys.text()).unwrap();
    assert_eq!(signed.verify(&keys).unwrap().len(), 2);

    let (full, part) = (rig.get("/log/tile/entries/000").await, rig.get("/log/tile/entries/001.p/3").await);
    let entries = [split(&full.body), split(&part.body)].concat();
    let leaves: Vec<[u8; 32]> = entries.iter().map(|entry| leaf(entry)).collect();
    assert_eq!(leaves.len(), 259);
    assert_eq!(root_of(&leaves), signed.checkpoint.root);
    assert_eq!(rig.get("/log/tile/0/000").await.body, leaves[..256].concat());
    assert_eq!(rig.get("/log/tile/0/001.p/3").await.body, leaves[256..].concat());
    assert_eq!(rig.get("/log/tile/1/000.p/1").await.body, root_of(&leaves[..256]));
    for (path, keep) in
        [("/log/tile/entries/000", "private"), ("/log/tile/0/000", "public"), ("/log/tile/1/000.p/1", "public")]
    {
        let got = rig.get(path).await;
        assert_eq!(got.header("content-type"), "application/octet-stream", "{path}");
        assert_eq!(got.header("cache-control"), format!("{keep}, max-age=31536000, immutable"), "{path}");
    }
}

/// The log may drop a partial tile when the full one is there; it then gives the beginning of that.
#[tokio::test]
async fn a_partial_tile_of_an_earlier_checkpoint_is_there_for_ever() {
    let rig = Rig::new(3);
    let paths = ["/log/tile/0/000.p/3", "/log/tile/entries/000.p/3"];
    let before = [rig.get(paths[0]).await.body, rig.get(paths[1]).await.body];
    assert_eq!(before[0].len(), 96);
    rig.grow(256);
    assert!(!rig.log.dir().join("tile/0/000.p").exists());
    for (path, before) in paths.into_iter().zip(before) {
        let got = rig.get(path).await;
        assert_eq!((got.status, got.body), (200, before), "{path}");
    }
}

#[tokio::test]
async fn what_no_checkpoint_covers_is_not_served_though_it_lies_there() {
    let rig = Rig::new(3);
    let tile = rig.log.dir().join("tile/0/000.p/4");
    fs::write(tile, [0; 128]).unwrap();
    for path in ["/log/tile/0/000.p/4", "/log/tile/0/000", "/log/tile/entries/000", "/log/tile/1/000.p/1"] {
        let got = rig.get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(got.text().contains("of 3 entries"), "{}", got.text());
        assert_eq!(got.header("cache-control"), "no-store", "what is not there yet will be");
    }
}

#[tokio::test]
async fn a_damaged_tile_is_an_error_with_words_and_not_half_a_tile() {
    let rig = Rig::new(256);
    for path in ["tile/0/000", "tile/entries/000"] {
        let file = rig.log.dir().join(path);
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        let got = rig.get(&format!("/log/{path}")).await;
        assert_eq!(got.status, 500);
        assert!(got.text().contains("the operator's log says how"), "{}", got.text());
        assert!(!got.text().contains(path), "where things lie is nobody else's business: {}", got.text());
        fs::remove_file(&file).unwrap();
        assert_eq!(rig.get(&format!("/log/{path}")).await.status, 500);
    }
}

#[tokio::test]
async fn keys_of_before_a_rotation_stay_to_be_had() {
    let rig = Rig::new(3);
    let before = rig.get("/log/key.pub").await.body;
    let log = Arc::clone(&rig.log);
    tokio::task::spawn_blocking(move || log.rotate_keys(Text::new("test").unwrap())).await.unwrap().unwrap();
    let after = rig.get("/log/key.pub").await.body;
    assert_ne!(before, after);
    let got = rig.get("/log/key.pub.4").await;
    assert_eq!((got.status, &got.body), (200, &before));
    assert_eq!(rig.get("/log/key.pub.3").await.status, 404);
}

#[tokio::test]
async fn entries_leave_the_machine_by_no_other_address() {
    let rig = Rig::at(3, "0.0.0.0:4001");
    for path in ["/log/checkpoint", "/log/tile/0/000.p/3", "/log/key.pub", "/witness/key.pub", "/"] {
        assert_eq!(rig.get_as("192.0.2.1:4001", path).await.status, 200, "{path}");
    }
    let got = rig.get_as("192.0.2.1:4001", "/log/tile/entries/000.p/3").await;
    assert_eq!(got.status, 403);
    assert!(got.text().contains("`[server] console"), "{}", got.text());
    assert_eq!(rig.get("/log/tile/entries/000.p/3").await.status, 403, "not even to whoever says it is local");
    // A proxy on this machine asks from loopback, and says for whom.
    let rig = Rig::new(3);
    for header in ["forwarded", "via", "x-forwarded-for", "x-real-ip"] {
        let request = http::Request::builder().uri("/log/tile/entries/000.p/3").header("host", "localhost");
        let got = rig.send(request.header(header, "203.0.113.7").body(Body::empty()).unwrap()).await;
        assert_eq!(got.status, 403, "{header}");
    }
}

#[tokio::test]
async fn entries_are_for_those_who_were_let_in_unless_the_configuration_opens_them() {
    let whole = Rig::new(3);
    let clock = Clock::system();
    let parts = PublicLogParts {
        log: Some(Arc::clone(&whole.log)),
        witness: Arc::clone(&whole.witness),
        listening: HERE.parse().unwrap(),
        open_entries: false,
        clock: clock.clone(),
        tasks: Tasks::new(clock),
    };
    let (strangers, readers) = routers(parts);
    let path = "/log/tile/entries/000.p/3";
    let opened = whole.get(path).await;
    assert_eq!(
        (opened.status, opened.header("cache-control").starts_with("private")),
        (200, true),
        "opened on purpose"
    );
    let strangers = Rig { router: strangers, ..whole };
    let got = strangers.get(path).await;
    assert_eq!(got.status, 403);
    assert!(got.text().contains("open_entries"), "{}", got.text());
    for path in ["/log/checkpoint", "/log/tile/0/000.p/3", "/log/key.pub"] {
        assert_eq!(strangers.get(path).await.status, 200, "{path}");
    }
    let readers = Rig { router: readers, ..strangers };
    let got = readers.get(path).await;
    assert_eq!((got.status, got.header("cache-control"), &got.body), (200, "no-store", &opened.body));
}

#[tokio::test]
async fn every_answer_says_what_it_is_and_is_for_nobody_elses_pages() {
    let rig = Rig::new(3);
    let paths = ["/", "/health/live", "/log/checkpoint", "/log/tile/0/000.p/3", "/nothing", "/witness/key.pub"];
    for path in paths {
        let got = rig.get(path).await;
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(got.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(!got.header("content-type").contains("html") && !got.header("cache-control").is_empty(), "{path}");
        assert!(got.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{path}");
    }
    assert!(rig.get("/").await.text().contains("gwanmun.test/1, 3 entries signed"));
    assert_eq!(rig.get("/health/live").await.text(), r#"{"status":"live"}"#);
}

#[tokio::test]
async fn methods_are_taken_where_they_belong() {
    let rig = Rig::new(3);
    for path in ["/", "/log/checkpoint", "/log/tile/0/000.p/3", "/witness/key.pub"] {
        let (get, head) = (rig.get(path).await, rig.ask("HEAD", path, Body::empty()).await);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"] {
            let got = rig.ask(method, path, "x").await;
            assert_eq!((got.status, got.header("allow")), (405, "GET, HEAD"), "{method} {path}");
        }
    }
    let got = rig.get("/witness/add-checkpoint").await;
    assert_eq!((got.status, got.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn other_names_and_other_paths_get_words_and_nothing_else() {
    let rig = Rig::new(3);
    for host in ["evil.example", "localhost.evil.example:4001", "192.0.2.1"] {
        for path in ["/", "/log/checkpoint", "/log/tile/entries/000.p/3", "/nothing"] {
            let got = rig.get_as(host, path).await;
            assert_eq!(got.status, 421, "{host}");
            assert!(got.text().contains(&format!("`{host}`")), "{}", got.text());
        }
    }
    for path in
        ["/log/../gwanmun.db", "/log/%2e%2e/key", "/log/key", "/log/tile/0/..%2f..%2fkey", "/log//checkpoint", "//"]
    {
        let got = rig.get(path).await;
        assert_eq!(got.status, 404, "{path}: {}", got.text());
    }
}

#[tokio::test]
async fn without_a_log_its_addresses_say_so() {
    let whole = Rig::new(0);
    let clock = Clock::system();
    let parts = PublicLogParts {
        log: None,
        witness: Arc::clone(&whole.witness),
        listening: HERE.parse().unwrap(),
        open_entries: false,
        clock: clock.clone(),
        tasks: Tasks::new(clock),
    };
    let rig = Rig { router: router(parts), ..whole };
    for path in ["/log/checkpoint", "/log/key.pub", "/log/tile/0/000", "/log/nothing"] {
        let got = rig.get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(got.text().contains("mode = \"off\""), "{path}: {}", got.text());
    }
    assert!(rig.get("/").await.text().contains("mode = \"off\""));
    assert_eq!(rig.get("/witness/key.pub").await.status, 200);
}

#[tokio::test]
async fn the_witness_answers_as_its_protocol_says() {
    let rig = Rig::new(3);
    assert_eq!(rig.get("/log/cosigned").await.status, 404);
    let first = request(&rig.log, 0);
    let cosigned = rig.ask("POST", "/witness/add-checkpoint", first.to_string()).await;
    assert_eq!(cosigned.status, 200, "{}", cosigned.text());
    let keys = parse_public_file(rig.get("/witness/key.pub").await.text()).unwrap();
    assert_eq!(rig.log.add_cosignatures(&first.checkpoint, cosigned.text(), &keys).unwrap(), 2);
    let shown = rig.get("/log/checkpoint").await;
    assert_eq!(SignedCheckpoint::parse(shown.text()).unwrap().verify(&keys).unwrap().len(), 2);

    rig.grow(4);
    let [newest, kept] = [rig.get("/log/checkpoint").await, rig.get("/log/cosigned").await];
    assert_ne!(newest.body, kept.body);
    assert_eq!((kept.status, kept.text(), kept.header("cache-control")), (200, shown.text(), "no-cache"));

    let again = rig.ask("POST", "/witness/add-checkpoint", first.to_string()).await;
    assert_eq!((again.status, again.text(), again.header("content-type")), (409, "3\n", "text/x.tlog.size"));
    let stranger = first.to_string().replace("gwanmun.test/1\n", "gwanmun.test/2\n");
    assert_eq!(rig.ask("POST", "/witness/add-checkpoint", stranger).await.status, 404);
    rig.grow(5);
    let mut wrong = request(&rig.log, 3);
    wrong.proof.iter_mut().for_each(|hash| hash[0] ^= 1);
    assert_eq!(rig.ask("POST", "/witness/add-checkpoint", wrong.to_string()).await.status, 422);
    let unsigned = AddCheckpoint { old: 3, ..wrong }.to_string().replace("\n5\n", "\n6\n");
    assert_eq!(rig.ask("POST", "/witness/add-checkpoint", unsigned).await.status, 403);
}

#[tokio::test]
async fn what_is_no_request_to_cosign_is_refused_with_words() {
    let rig = Rig::new(3);
    let most = "x".repeat(ADD_CHECKPOINT_BYTES_MAX);
    let rows: [(Vec<u8>, u16); 4] =
        [(Vec::new(), 400), (vec![0xff; 10], 400), (most.clone().into_bytes(), 400), (format!("{most}x").into(), 413)];
    for (body, status) in rows {
        let got = rig.ask("POST", "/witness/add-checkpoint", body).await;
        assert_eq!(got.status, status);
        assert!(got.text().ends_with('\n') && got.text().len() > 20, "{}", got.text());
    }
}

#[tokio::test]
async fn a_witness_without_a_policy_knows_no_log() {
    let rig = Rig::new(3);
    let dir = rig.folder.path().join("other");
    fs::create_dir(&dir).unwrap();
    fs::copy(rig.folder.path().join("witness/key"), dir.join("key")).unwrap();
    let witness = open_witness(&dir, "gwanmun.test/2", None, &Clock::system()).unwrap();
    let asked = request(&rig.log, 0);
    assert_eq!(witness.add_checkpoint(&asked.to_string()).status(), 404);
    assert_eq!(witness.public_keys()[0].name(), "gwanmun.test/2/witness");
}

#[test]
fn a_witness_that_cannot_be_opened_says_which_file_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let open = |watch: Option<&Path>| match open_witness(folder.path(), "gwanmun.test/1", watch, &Clock::system()) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    };
    let (key, watch) = (folder.path().join("key"), folder.path().join("watch"));
    assert!(open(None).contains("key` cannot be read"), "{}", open(None));
    fs::write(&key, "ed25519 x\n").unwrap();
    assert!(open(None).contains("damaged"), "{}", open(None));
    let keys = SigningKeys::from_seeds("w", Role::Witness, [[1; 32], [2; 32]]).unwrap();
    fs::write(&key, keys.to_file()).unwrap();
    for (policy, words) in [("log x\nquorum none\n", "line 1"), ("", "quorum"), ("quorum none\n", "no `log` line")] {
        fs::write(&watch, policy).unwrap();
        let told = open(Some(&watch));
        assert!(told.contains("watch`") && told.contains(words), "{told}");
    }
    let again = Witness::open(Directory::open(folder.path()).unwrap(), keys, [], Arc::new(|| Duration::ZERO)).unwrap();
    assert!(open(None).contains("process"), "{}", open(None));
    drop(again);
}

/// More than a few at once wait, and are told so in the end; those that wait do not hold up what needs no file.
#[tokio::test]
async fn when_too_much_is_asked_for_the_rest_is_told_to_come_again() {
    let (clock, hand) = Clock::by_hand(jiff::Timestamp::UNIX_EPOCH);
    let whole = Rig::new(3);
    let parts = PublicLogParts {
        log: Some(Arc::clone(&whole.log)),
        witness: Arc::clone(&whole.witness),
        listening: HERE.parse().unwrap(),
        open_entries: false,
        clock: clock.clone(),
        tasks: Tasks::new(clock),
    };
    let rig = Rig { router: router(parts), ..whole };
    let path = "/log/tile/0/000.p/3";
    let request = || http::Request::builder().uri(path).header("host", "localhost").body(Body::empty()).unwrap();
    let mut held = Vec::new();
    for _ in 0..WORK_MAX {
        // Their bodies are not read: each holds its place.
        held.push(rig.router.clone().oneshot(request()).await.unwrap());
    }
    let (late, ()) = tokio::join!(rig.get(path), async {
        hand.awaited(TURN_TIME_MAX).await;
        assert_eq!(rig.get("/log/checkpoint").await.status, 200);
        hand.advance(TURN_TIME_MAX);
    });
    assert_eq!((late.status, late.header("retry-after")), (503, "1"));
    held.clear();
    assert_eq!(rig.get(path).await.status, 200);
}

/// A witness that cannot remember must not sign, nor tell strangers where its files are.
#[tokio::test]
async fn a_witness_that_cannot_persist_cosigns_nothing_more() {
    let rig = Rig::new(3);
    let asked = request(&rig.log, 0).to_string();
    let dir = rig.folder.path().join("witness");
    let aside = rig.folder.path().join("aside");
    fs::rename(&dir, &aside).unwrap();
    for _ in 0..2 {
        let got = rig.ask("POST", "/witness/add-checkpoint", asked.clone()).await;
        assert_eq!(got.status, 500);
        assert!(!got.text().contains("— ") && !got.text().contains("witness"), "{}", got.text());
        // Even when the disk is back: what it holds, only a start can find out.
        fs::rename(&aside, &dir).or_else(|_| fs::rename(&dir, &dir)).unwrap();
    }
}
