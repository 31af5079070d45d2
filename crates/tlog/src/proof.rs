//! One entry's proof as one text (C2SP `tlog-proof`): the entry, its index, its path to the root, and the signed checkpoint.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::checkpoint::{SignedCheckpoint, parse_decimal, parse_hash};
use crate::merkle::{Hash, includes, leaf_hash};
use crate::note::{NOTE_BYTES_MAX, NoteError};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// A path is as long as the tree is high.
pub const HASHES_MAX: usize = 63;
/// Base64 of the longest entry, the path and a whole note.
const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + (96 << 10);

/// A proof, as read or made; it proves nothing before [`Proof::includes`] and the checkpoint's signatures hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's index.
    pub index: u64,
    /// The entry itself, in the proofs that this log makes.
    pub extra: Option<Vec<u8>>,
    /// The path, from the leaf's sibling to the root's child.
    pub hashes: Vec<Hash>,
    /// The checkpoint whose tree it is.
    pub checkpoint: SignedCheckpoint,
}

impl fmt::Display for Proof {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(to, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(to, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(to, "{}", BASE64.encode(hash)))?;
        write!(to, "\n{}", self.checkpoint)
    }
}

impl Proof {
    /// Reads a proof.
    pub fn parse(text: &str) -> Result<Proof, NoteError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(NoteError::new(format!("the proof is longer than {PROOF_BYTES_MAX} bytes")));
        }
        let Some((head, note)) = text.split_once("\n\n") else {
            return Err(NoteError::new("the proof has no empty line before its checkpoint"));
        };
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(NoteError::new(format!("the proof does not begin with `{FIRST_LINE}`")));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra "));
        let extra = extra.map(|encoded| BASE64.decode(encoded)).transpose();
        let extra = extra.map_err(|_| NoteError::new("the proof's extra data is not base64"))?;
        let index = lines.next().and_then(|line| parse_decimal(line.strip_prefix("index ")?));
        let index = index.ok_or_else(|| NoteError::new("the proof has no line `index <number>` where it belongs"))?;
        let hashes = lines.map(parse_hash).collect::<Result<Vec<_>, _>>()?;
        if hashes.len() > HASHES_MAX {
            return Err(NoteError::new(format!("the proof has more than {HASHES_MAX} hashes")));
        }
        Ok(Proof { index, extra, hashes, checkpoint: SignedCheckpoint::parse(note)? })
    }

    /// Whether the path leads from this entry to the checkpoint's root. Says nothing of who signed that.
    pub fn includes(&self, entry: &[u8]) -> bool {
        let tree = &self.checkpoint.checkpoint;
        includes(&leaf_hash(entry), self.index, tree.size, &tree.root, &self.hashes)
    }
}

#[cfg(test)]
mod tests;
