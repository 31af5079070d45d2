//! What a witness is asked and what it answers, as texts (C2SP `tlog-witness`). Whoever speaks HTTP carries them.
//!
//! This file must not know HTTP beyond the status codes that the protocol names.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tlog::{HASHES_MAX, Hash, NOTE_BYTES_MAX, NoteError, SignedCheckpoint, parse_decimal, parse_hash};

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
