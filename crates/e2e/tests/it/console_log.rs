//! The log as a stranger has it: over HTTP alone, read with no code of the gateway's, while requests go on. And what the port
//! that shows it refuses.

use audit_verify::{Kept, Options, VerifierKey, verify};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use e2e::client::Client;
use e2e::harness::{Setup, TestGateway};
use local_model::scripted::Script;
use sha2::{Digest as _, Sha256};

use crate::views::asking;

/// Callers that go on asking while the log is read.
const CALLERS: usize = 8;
/// Entries in a full bundle, hashes in a full tile.
const WIDTH: usize = 256;

type Hash = [u8; 32];

/// RFC 6962, section 2.1, as it is printed there.
fn tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Sha256::new()
                .chain_update([1])
                .chain_update(tree_hash(left))
                .chain_update(tree_hash(right))
                .finalize()
                .into()
        }
    }
}

fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// A signed note's text says who, how many and which root.
struct Checkpoint {
    note: String,
    origin: String,
    size: usize,
    root: Hash,
}

async fn checkpoint(console: &Client) -> Checkpoint {
    let answer = console.get("/log/checkpoint").await;
    assert_eq!((answer.status, answer.head.get("cache-control")), (200, Some("no-cache")), "{answer}");
    let note = answer.text();
    let mut lines = note.lines();
    let origin = lines.next().unwrap().to_owned();
    let size = lines.next().unwrap().parse().unwrap();
    let root = BASE64.decode(lines.next().unwrap()).unwrap().try_into().unwrap();
    Checkpoint { note, origin, size, root }
}

/// `x001/x234/067`, and `.p/` with the width for what is not full.
fn place(index: usize, width: usize) -> String {
    let digits = format!("{index:09}");
    let groups = [&digits[..3], &digits[3..6], &digits[6..]];
    let from = groups[..2].iter().position(|group| *group != "000").unwrap_or(2);
    let (last, before) = groups[from..].split_last().unwrap();
    let before: String = before.iter().map(|group| format!("x{group}/")).collect();
    if width == WIDTH { format!("{before}{last}") } else { format!("{before}{last}.p/{width}") }
}

/// The bytes of a tile, or of the full one where the log has dropped the partial one.
async fn tile(console: &Client, kind: &str, index: usize, width: usize) -> Vec<u8> {
    let path = format!("/log/tile/{kind}/{}", place(index, width));
    let answer = console.get(&path).await;
    let answer = match answer.status {
        404 => console.get(&format!("/log/tile/{kind}/{}", place(index, WIDTH))).await,
        _ => answer,
    };
    assert_eq!(answer.status, 200, "{path}: {answer}");
    assert_eq!(answer.head.get("content-type"), Some("application/octet-stream"));
    assert!(answer.head.get("cache-control").unwrap().ends_with("max-age=31536000, immutable"));
    answer.body
}

/// All entries that a checkpoint covers, from bundles.
async fn entries(console: &Client, size: usize) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for index in 0..size.div_ceil(WIDTH) {
        let width = (size - index * WIDTH).min(WIDTH);
        let bundle = tile(console, "entries", index, width).await;
        let mut rest = bundle.as_slice();
        for _ in 0..width {
            let (length, after) = rest.split_first_chunk::<2>().unwrap();
            let (entry, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            entries.push(entry.to_vec());
            rest = after;
        }
    }
    entries
}

/// Holds every tile of hashes against the leaves.
async fn check_tiles(console: &Client, leaves: &[Hash]) {
    let (mut level, mut hashes) = (0, leaves.to_vec());
    while !hashes.is_empty() {
        for (index, wanted) in hashes.chunks(WIDTH).enumerate() {
            let held = tile(console, &level.to_string(), index, wanted.len()).await;
            assert_eq!(held[..wanted.len() * 32], wanted.concat(), "tile {level}/{index}");
        }
        let full = hashes.chunks_exact(WIDTH);
        (level, hashes) = (level + 1, full.map(tree_hash).collect());
    }
}

async fn keep_asking(gateway: &TestGateway, requests: usize) {
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let client = gateway.client.clone();
        callers.spawn(async move {
            for _ in 0..requests {
                assert_eq!(client.chat(&asking("scripted", "hello")).await.status, 200);
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_recomputes_the_root_from_what_is_served_while_requests_go_on() {
    let gateway = Setup::local(Script::new()).start().await;
    let console = gateway.console.clone();
    let keys = console.get("/log/key.pub").await.text();
    let stranger = async {
        let mut seen = Vec::new();
        // Past two full bundles, so that each kind of tile is there and partial ones have been replaced.
        while seen.last().is_none_or(|last: &Checkpoint| last.size <= 2 * WIDTH + 10) {
            let signed = checkpoint(&console).await;
            if seen.last().is_some_and(|last: &Checkpoint| last.size == signed.size) {
                tokio::task::yield_now().await;
                continue;
            }
            let leaves: Vec<Hash> = entries(&console, signed.size).await.iter().map(|entry| leaf_hash(entry)).collect();
            assert_eq!(tree_hash(&leaves), signed.root, "of {} entries", signed.size);
            check_tiles(&console, &leaves).await;
            seen.push(signed);
        }
        seen
    };
    // Two entries a request.
    let ((), seen) = tokio::join!(keep_asking(&gateway, 300 / CALLERS), stranger);
    assert!(seen.len() > 1, "the log grew while it was read");

    // What was fetched early is still there, and the whole as found now extends every checkpoint, under the keys served first.
    let early = &seen[0];
    let leaves: Vec<Hash> = entries(&console, early.size).await.iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!(tree_hash(&leaves), early.root);
    let kept = seen.iter().map(|seen| Kept { name: format!("at {}", seen.size), note: seen.note.clone().into_bytes() });
    let options = Options { keys: VerifierKey::read_all(&keys).unwrap(), kept: kept.collect(), ..Options::default() };
    let dir = gateway.log_dir();
    gateway.signed().await;
    let report = verify(&dir, &options).unwrap();
    assert!(report.holds() && report.kept.iter().all(|kept| kept.consistent), "{report}");
    assert_eq!(report.origin, early.origin);
    // What a caller was told of its entry is where the log has it.
    let answer = gateway.client.chat(&asking("scripted", "hello")).await;
    let index: usize = answer.head.get("x-gwanmun-entry").unwrap().parse().unwrap();
    let size = usize::try_from(gateway.signed().await).unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&entries(&console, size).await[index]).unwrap();
    assert_eq!((&entry["kind"], &entry["model"]), (&"decision".into(), &"scripted".into()));
    gateway.end().await;
}

/// What is asked for as it should never be, on a real connection.
#[tokio::test]
async fn hostile_requests_get_words_and_nothing_of_the_disk() {
    let gateway = Setup::local(Script::new()).start().await;
    gateway.client.chat(&asking("scripted", "hello")).await;
    let size = gateway.signed().await;
    let here = gateway.console.address;
    let get = |path: &str, host: &str| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    let overlong = format!("/log/tile/0/{}000", "x000/".repeat(500));
    let beyond = format!("/log/tile/0/000.p/{}", size + 1);
    let rows = [
        ("/log/../witness/key", 404),
        ("/log/tile/../../key", 404),
        ("/log/tile/0/..%2F..%2Fkey", 404),
        ("/log/%2e%2e/gwanmun.db", 404),
        ("/log/tile/0/%2e%2e/%2e%2e/key", 404),
        ("/log/tile/0/%30%30%30.p/1", 404),
        ("/log/tile/0/000.p/0", 404),
        ("/log/tile/0/000.p/256", 404),
        ("/log/tile/0/000.p/01", 404),
        (&beyond, 404),
        ("/log/tile/0/999", 404),
        ("/log/tile/64/000", 404),
        ("/log/tile/0/x000/000", 404),
        ("/log/tile/0/00", 404),
        ("/log/key", 404),
        ("/log/signed", 404),
        ("/log/lock", 404),
        ("/log/segments/00000000000000000000.seg", 404),
        ("/witness/key", 404),
        ("/witness/lock", 404),
        (&overlong, 404),
        ("/v1/models", 404),
        ("/metrics", 404),
        ("/log/checkpoint#", 400),
        ("/log/check point", 400),
        ("/log/\\..\\key", 400),
    ];
    for (path, status) in rows {
        let answer = gateway.console.raw(&get(path, &here.to_string())).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
        assert_eq!(answer.head.get("content-type"), Some("text/plain; charset=utf-8"), "{path}");
        assert!(answer.text().len() > 20 && answer.body.len() < 1000, "{path}: {answer}");
        let secret = std::fs::read_to_string(gateway.log_dir().join("key")).unwrap();
        assert!(!secret.lines().any(|line| answer.text().contains(line)), "{path}");
    }
    for host in ["evil.example", "localhost.evil.example", "192.0.2.1:4001", "127.0.0.1.evil.example"] {
        for path in ["/log/checkpoint", "/log/tile/entries/000.p/1", "/"] {
            let answer = gateway.console.raw(&get(path, host)).await;
            assert_eq!(answer.status, 421, "{host} {path}: {answer}");
        }
    }
    for host in ["localhost", "LOCALHOST:1", &here.to_string(), "[::1]:4001"] {
        assert_eq!(gateway.console.raw(&get("/log/checkpoint", host)).await.status, 200, "{host}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let request = format!("{method} /log/checkpoint HTTP/1.1\r\nHost: {here}\r\nContent-Length: 0\r\n\r\n");
        let answer = gateway.console.raw(request.as_bytes()).await;
        assert_eq!((answer.status, answer.head.get("allow")), (405, Some("GET, HEAD")), "{method}: {answer}");
    }
    let answer = gateway.console.post_bytes("/witness/add-checkpoint", &vec![b'x'; 200_000]).await;
    assert_eq!(answer.status, 413, "{answer}");
    let endless =
        format!("POST /witness/add-checkpoint HTTP/1.1\r\nHost: {here}\r\nContent-Length: 99999999999\r\n\r\n");
    let answer = gateway.console.raw(endless.as_bytes()).await;
    assert_eq!(answer.status, 413, "{answer}");
    assert_eq!(gateway.end().await.of("decision").count(), 1);
}
