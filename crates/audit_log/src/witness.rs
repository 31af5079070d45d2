//! A witness for other logs (C2SP `tlog-witness`): it cosigns only what extends what it has cosigned before.
//!
//! Requests and answers are texts; whoever speaks HTTP carries them. This file must not know HTTP beyond the status codes
//! that the protocol names.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use crate::checkpoint::{Checkpoint, SignedCheckpoint, parse_decimal, parse_hash};
use crate::disk::{Disk, read_whole, replace};
use crate::error::LogError;
use crate::keys::SigningKeys;
use crate::merkle::{Hash, empty_root, extends};
use crate::note::{NOTE_BYTES_MAX, NoteError, VerifierKey};
use crate::proof::HASHES_MAX;
use crate::writer::Clock;

/// A request to cosign: the proof that a checkpoint extends the `old` entries that the witness knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// How many entries the witness has cosigned, as the asker believes.
    pub old: u64,
    /// The consistency proof.
    pub proof: Vec<Hash>,
    /// What is to be cosigned.
    pub checkpoint: SignedCheckpoint,
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(to, "{}", BASE64.encode(hash)))?;
        write!(to, "\n{}", self.checkpoint)
    }
}

impl AddCheckpoint {
    /// Reads a request's body.
    pub fn parse(body: &str) -> Result<AddCheckpoint, NoteError> {
        if body.len() > NOTE_BYTES_MAX {
            return Err(NoteError::new(format!("the request is longer than {NOTE_BYTES_MAX} bytes")));
        }
        let Some((head, note)) = body.split_once("\n\n") else {
            return Err(NoteError::new("the request has no empty line before its checkpoint"));
        };
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| parse_decimal(line.strip_prefix("old ")?));
        let old = old.ok_or_else(|| NoteError::new("the request does not begin with `old <number>`"))?;
        let proof = lines.map(parse_hash).collect::<Result<Vec<_>, _>>()?;
        if proof.len() > HASHES_MAX {
            return Err(NoteError::new(format!("the request has more than {HASHES_MAX} hashes")));
        }
        Ok(AddCheckpoint { old, proof, checkpoint: SignedCheckpoint::parse(note)? })
    }
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: the signature lines.
    Cosigned(String),
    /// 400: the request can't be understood.
    Malformed(String),
    /// 403: no signature by a key of that log holds.
    NotSigned,
    /// 404: the log is not known here.
    UnknownLog,
    /// 409: the witness has cosigned this many entries, or another root for this size.
    Conflict(u64),
    /// 422: the proof does not hold.
    NotConsistent,
    /// 500: the witness could not persist, and cosigns nothing until it is opened again.
    Failed(String),
}

impl Answer {
    /// The status code that the protocol gives to this answer.
    pub fn status(&self) -> u16 {
        match self {
            Answer::Cosigned(_) => 200,
            Answer::Malformed(_) => 400,
            Answer::NotSigned => 403,
            Answer::UnknownLog => 404,
            Answer::Conflict(_) => 409,
            Answer::NotConsistent => 422,
            Answer::Failed(_) => 500,
        }
    }

    /// The content type of the body.
    pub fn content_type(&self) -> &'static str {
        if matches!(self, Answer::Conflict(_)) { "text/x.tlog.size" } else { "text/plain; charset=utf-8" }
    }

    /// The body.
    pub fn body(&self) -> String {
        match self {
            Answer::Cosigned(lines) => lines.clone(),
            Answer::Malformed(what) | Answer::Failed(what) => format!("{what}\n"),
            Answer::NotSigned => "no signature by a known key of this log holds\n".to_owned(),
            Answer::UnknownLog => "this log is not known here\n".to_owned(),
            Answer::Conflict(size) => format!("{size}\n"),
            Answer::NotConsistent => "the consistency proof does not hold\n".to_owned(),
        }
    }
}

/// A witness with its keys, the logs it watches, and what it has cosigned of each.
pub struct Witness {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    clock: Clock,
    keys: SigningKeys,
    logs: BTreeMap<String, Vec<VerifierKey>>,
    /// Held from the check until what was checked is durable, so that nothing older can overtake it.
    seen: Mutex<Seen>,
    _lock: Box<dyn Send + Sync>,
}

struct Seen {
    newest: BTreeMap<String, Checkpoint>,
    failed: Option<String>,
}

impl Witness {
    /// Opens a witness's directory, made if it is not there; `keys` have the role of a witness, `logs` are those it watches,
    /// each with the keys that may sign for it.
    pub fn open(
        dir: &Path,
        keys: SigningKeys,
        logs: impl IntoIterator<Item = VerifierKey>,
        disk: Arc<dyn Disk>,
        clock: Clock,
    ) -> Result<Witness, LogError> {
        disk.make_dir(dir).map_err(LogError::disk(dir))?;
        let lock = disk.lock(&dir.join("lock")).map_err(LogError::disk(&dir.join("lock")))?;
        let lock = lock.ok_or_else(|| LogError::Locked(dir.to_owned()))?;
        let mut known: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for key in logs {
            known.entry(key.name().to_owned()).or_default().push(key);
        }
        let mut newest = BTreeMap::new();
        for origin in known.keys() {
            if let Some(checkpoint) = read_state(&*disk, &dir.join(file_name(origin)), origin)? {
                newest.insert(origin.clone(), checkpoint);
            }
        }
        let seen = Mutex::new(Seen { newest, failed: None });
        Ok(Witness { disk, dir: dir.to_owned(), clock, keys, logs: known, seen, _lock: lock })
    }

    /// The keys that verify its cosignatures.
    pub fn public_keys(&self) -> &[VerifierKey; 2] {
        self.keys.public()
    }

    /// Answers `add-checkpoint`.
    pub fn add_checkpoint(&self, body: &str) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Answer::Malformed(error.to_string()),
        };
        let asked = &request.checkpoint.checkpoint;
        let Some(keys) = self.logs.get(&asked.origin) else { return Answer::UnknownLog };
        if !request.checkpoint.verify(keys).is_ok_and(|held| !held.is_empty()) {
            return Answer::NotSigned;
        }
        if request.old > asked.size {
            return Answer::Malformed("the old size is above the checkpoint's".to_owned());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &seen.failed {
            return Answer::Failed(why.clone());
        }
        let (size, root) = seen.newest.get(&asked.origin).map_or((0, empty_root()), |known| (known.size, known.root));
        if request.old != size || (asked.size == size && asked.root != root) {
            return Answer::Conflict(size);
        }
        if !extends(size, &root, asked.size, &asked.root, &request.proof) {
            return Answer::NotConsistent;
        }
        match self.persist_then_cosign(&request.checkpoint) {
            Ok(lines) => {
                seen.newest.insert(asked.origin.clone(), asked.clone());
                Answer::Cosigned(lines)
            }
            Err(error) => {
                // What the disk holds now, only the next start can find out.
                let why = format!("the witness could not persist: {error}");
                seen.failed = Some(why.clone());
                Answer::Failed(why)
            }
        }
    }

    fn persist_then_cosign(&self, signed: &SignedCheckpoint) -> io::Result<String> {
        let path = self.dir.join(file_name(&signed.checkpoint.origin));
        replace(&*self.disk, &path, signed.checkpoint.to_string().as_bytes(), false)?;
        let seconds = (self.clock)().as_secs();
        let signatures = self.keys.sign(&signed.note.text, &signed.checkpoint, seconds).map_err(io::Error::other)?;
        Ok(signatures.iter().map(ToString::to_string).collect())
    }
}

/// Origins may hold any letters; their hashes are file names.
fn file_name(origin: &str) -> String {
    format!("{}.cosigned", hex::encode(Sha256::digest(origin.as_bytes())))
}

fn read_state(disk: &dyn Disk, path: &Path, origin: &str) -> Result<Option<Checkpoint>, LogError> {
    let bytes = match read_whole(disk, path, NOTE_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(LogError::disk(path))?,
    };
    let text = String::from_utf8(bytes).map_err(|_| LogError::file(path)(NoteError::new("it is not UTF-8")))?;
    let checkpoint = Checkpoint::parse(&text).map_err(LogError::file(path))?;
    if checkpoint.origin == origin {
        return Ok(Some(checkpoint));
    }
    Err(LogError::file(path)(NoteError::new(format!("it is of the log `{}`, not of `{origin}`", checkpoint.origin))))
}

#[cfg(test)]
mod tests;
