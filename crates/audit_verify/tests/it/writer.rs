//! A tiny writer of logs, from the specification, for tests only: everything in memory, nothing durable, every lie possible.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use ml_dsa::{ExpandedSigningKey, MlDsa44};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) const ORIGIN: &str = "gwanmun.local/00112233aabbccdd";
pub(crate) const REPLICA: &str = "00000000000000aa";

pub(crate) type Hash = [u8; 32];

/// A key pair of each kind under one name.
pub(crate) struct Keys {
    pub(crate) name: String,
    ed: ed25519_dalek::SigningKey,
    ml: ExpandedSigningKey<MlDsa44>,
}

impl Keys {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        let ed = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        Self { name: name.to_owned(), ed, ml: ExpandedSigningKey::from_seed(&[seed; 32].into()) }
    }

    pub(crate) fn vkey(&self, kind: u8) -> String {
        let mut typed = vec![kind];
        match kind {
            6 => typed.extend_from_slice(&self.ml.verifying_key().encode()),
            _ => typed.extend_from_slice(self.ed.verifying_key().as_bytes()),
        }
        let id = key_id(&self.name, &typed);
        let mut hex = String::new();
        for byte in id {
            write!(hex, "{byte:02x}").unwrap();
        }
        format!("{}+{hex}+{}", self.name, STANDARD.encode(&typed))
    }

    pub(crate) fn key_pub(&self) -> String {
        format!("{}\n{}\n", self.vkey(1), self.vkey(6))
    }

    /// A signature line of type `kind` over a checkpoint's text.
    pub(crate) fn sign(&self, kind: u8, text: &str, time: u64) -> String {
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
        let signature = match kind {
            1 => self.ed.sign(text.as_bytes()).to_bytes().to_vec(),
            4 => {
                let message = format!("cosignature/v1\ntime {time}\n{text}");
                [&time.to_be_bytes()[..], &self.ed.sign(message.as_bytes()).to_bytes()].concat()
            }
            _ => {
                let message = self.subtree(origin, size.parse().unwrap(), &STANDARD.decode(root).unwrap(), time);
                [&time.to_be_bytes()[..], &self.ml.sign_deterministic(&message, b"").unwrap().encode()].concat()
            }
        };
        self.line(kind, &signature)
    }

    /// A signature line around any bytes.
    pub(crate) fn line(&self, kind: u8, signature: &[u8]) -> String {
        let id = u32::from_str_radix(self.vkey(kind).split('+').nth(1).unwrap(), 16).unwrap();
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode([&id.to_be_bytes()[..], signature].concat()))
    }

    fn subtree(&self, origin: &str, size: u64, root: &[u8], time: u64) -> Vec<u8> {
        let mut message = b"subtree/v1\n\0".to_vec();
        message.push(u8::try_from(self.name.len()).unwrap());
        message.extend_from_slice(self.name.as_bytes());
        message.extend_from_slice(&time.to_be_bytes());
        message.push(u8::try_from(origin.len()).unwrap());
        message.extend_from_slice(origin.as_bytes());
        message.extend_from_slice(&0_u64.to_be_bytes());
        message.extend_from_slice(&size.to_be_bytes());
        message.extend_from_slice(root);
        message
    }
}

fn key_id(name: &str, typed: &[u8]) -> [u8; 4] {
    let hash = Sha256::digest([name.as_bytes(), b"\n", typed].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

pub(crate) fn leaf(entry: &[u8]) -> Hash {
    Sha256::digest([&[0], entry].concat()).into()
}

/// RFC 6962, section 2.1, word for word: slow, and right.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::digest([&[1], &left[..], right].concat()).into()
}

/// How many leaves the left of two subtrees has.
pub(crate) fn split(length: usize) -> usize {
    let mut half = 1;
    while half * 2 < length {
        half *= 2;
    }
    half
}

/// A record around any entry, written when all before it were durable.
pub(crate) fn record(index: u64, entry: &[u8]) -> Vec<u8> {
    let length = u32::try_from(entry.len()).unwrap().to_be_bytes();
    let rest = [&index.to_be_bytes()[..], &leaf(entry), entry].concat();
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&[&length[..], &rest].concat());
    [&length[..], &crc.to_be_bytes(), &rest].concat()
}

pub(crate) fn header(origin: &str, first: u64) -> Vec<u8> {
    [&b"gwanmun-log-1\n\0\0"[..], &first.to_be_bytes(), &Sha256::digest(origin)[..8]].concat()
}

/// Segments around entries, each closed when it has passed `limit` bytes.
pub(crate) fn segments(entries: &[Vec<u8>], limit: usize, files: &mut BTreeMap<String, Vec<u8>>) {
    let mut file = Vec::new();
    let mut first = 0;
    for (index, entry) in (0..).zip(entries) {
        if file.is_empty() {
            first = index;
            file = header(ORIGIN, index);
        }
        file.extend_from_slice(&record(index, entry));
        if file.len() > limit {
            files.insert(format!("segments/{first:020}.seg"), std::mem::take(&mut file));
        }
    }
    if !file.is_empty() {
        files.insert(format!("segments/{first:020}.seg"), file);
    }
}

pub(crate) fn checkpoint_text(size: usize, root: &Hash) -> String {
    format!("{ORIGIN}\n{size}\n{}\n", STANDARD.encode(root))
}

/// A checkpoint signed by the log and by `witnesses` (with type 0x04 and 0x06 in turn).
pub(crate) fn checkpoint(keys: &Keys, witnesses: &[&Keys], leaves: &[Hash], time: u64) -> String {
    let text = checkpoint_text(leaves.len(), &root(leaves));
    let mut note = format!("{text}\n{}{}", keys.sign(1, &text, time), keys.sign(6, &text, time));
    for (witness, kind) in witnesses.iter().zip([4, 6].into_iter().cycle()) {
        note += &witness.sign(kind, &text, time);
    }
    note
}

pub(crate) fn signed_file(leaves: &[Hash]) -> String {
    checkpoint_text(leaves.len(), &root(leaves))
}

/// All files of a log in which every entry is signed.
pub(crate) fn files(entries: &[Vec<u8>], keys: &Keys, witnesses: &[&Keys], limit: usize) -> BTreeMap<String, Vec<u8>> {
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf(entry)).collect();
    let mut files = BTreeMap::new();
    files.insert("origin".to_owned(), format!("{ORIGIN}\n").into_bytes());
    files.insert("key.pub".to_owned(), keys.key_pub().into_bytes());
    files.insert("checkpoint".to_owned(), checkpoint(keys, witnesses, &leaves, TIME).into_bytes());
    files.insert("signed".to_owned(), signed_file(&leaves).into_bytes());
    segments(entries, limit, &mut files);
    files
}

/// After all that [`Story`] dates.
pub(crate) const TIME: u64 = 1_800_000_000;

pub(crate) fn write(directory: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        put(&path, bytes);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's file need not survive a crash")]
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// Canonical JSON of plain ASCII fields.
pub(crate) fn canonical(fields: &BTreeMap<String, Value>) -> Vec<u8> {
    let members: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{}", spell(value))).collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

fn spell(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<String, Value> = members.clone().into_iter().collect();
            String::from_utf8(canonical(&sorted)).unwrap()
        }
        Value::Array(values) => format!("[{}]", values.iter().map(spell).collect::<Vec<_>>().join(",")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// A log's entries as they would be written, one after another.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) entries: Vec<Vec<u8>>,
}

impl Story {
    /// Adds an entry of `kind` with these further fields; returns its index.
    pub(crate) fn add(&mut self, kind: &str, further: Value) -> u64 {
        let index = self.entries.len() as u64;
        let mut fields: BTreeMap<String, Value> = serde_json::from_value(further).unwrap();
        let (seconds, micros) = (index / 1000, index % 1000 * 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let at = format!("2026-05-01T{hours:02}:{minutes:02}:{seconds:02}.{micros:06}Z");
        for (name, value) in [
            ("v", 1.into()),
            ("kind", kind.into()),
            ("seq", index.into()),
            ("at", at.into()),
            ("replica", REPLICA.into()),
        ] {
            fields.entry(name.to_owned()).or_insert(value);
        }
        self.entries.push(canonical(&fields));
        index
    }

    pub(crate) fn start(&mut self) -> u64 {
        self.add("start", serde_json::json!({"version": "0.1.0", "config": "11".repeat(32)}))
    }

    pub(crate) fn decision(&mut self, request: &str, destinations: &[&str]) -> u64 {
        self.add("decision", decision(request, destinations))
    }

    pub(crate) fn attempt(&mut self, decision: u64, request: &str, destination: &str, number: u64) -> u64 {
        let fields = serde_json::json!({
            "decision": decision, "request": request, "destination": destination, "number": number, "reason": "unreachable",
        });
        self.add("attempt", fields)
    }

    pub(crate) fn outcome(&mut self, decision: u64, request: &str, destination: Option<&str>) -> u64 {
        self.add("outcome", outcome(decision, request, destination))
    }

    pub(crate) fn refusal(&mut self, request: &str) -> u64 {
        let fields = serde_json::json!({
            "request": request, "key": "key_1", "team": "water", "surface": "chat", "reason": "no_such_model",
            "policy": "aa".repeat(32), "config": "11".repeat(32), "commitment": "ab".repeat(32),
        });
        self.add("refusal", fields)
    }

    /// A log of `length` entries or a few more: requests that overlap, fail over and are refused.
    pub(crate) fn of(length: usize) -> Self {
        let mut story = Self::default();
        story.start();
        let mut number = 0;
        while story.entries.len() < length {
            let (first, second, third) = (format!("r{number}"), format!("r{}", number + 1), format!("r{}", number + 2));
            let one = story.decision(&first, &["local", "national"]);
            let two = story.decision(&second, &["local"]);
            story.attempt(one, &first, "national", 2);
            story.outcome(two, &second, Some("local"));
            story.refusal(&third);
            story.outcome(one, &first, Some("national"));
            number += 3;
        }
        story
    }
}

pub(crate) fn decision(request: &str, destinations: &[&str]) -> Value {
    serde_json::json!({
        "request": request, "key": "key_1", "team": "water", "surface": "chat", "model": "small", "stream": true,
        "choices": 1, "request_bytes": 812, "prompt_tokens": 190, "answer_tokens_max": 512, "destinations": destinations,
        "policy": "aa".repeat(32), "config": "11".repeat(32), "commitment": "cd".repeat(32),
    })
}

pub(crate) fn outcome(decision: u64, request: &str, destination: Option<&str>) -> Value {
    let mut fields = serde_json::json!({
        "decision": decision, "request": request, "ending": "answered", "status": 200, "attempts": 1,
        "prompt_tokens": 190, "completion_tokens": 77, "answer_bytes": 4021, "commitment": "ef".repeat(32),
        "duration_us": 1_204_117, "finish": "stop",
    });
    if let Some(destination) = destination {
        fields["destination"] = destination.into();
    }
    fields
}
