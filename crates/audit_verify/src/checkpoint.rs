//! Checkpoints (C2SP `tlog-checkpoint`) in the narrow form this log writes: origin, size, root, and no more lines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tree::Hash;

/// What a checkpoint claims; who signed it is `trust`'s business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// The tree's root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads a note's text.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let mut lines = text.strip_suffix('\n').ok_or("the checkpoint does not end with a newline")?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err("the checkpoint has fewer than three lines");
        };
        if lines.next().is_some() {
            return Err("the checkpoint has extension lines, which this log never writes");
        }
        if origin.is_empty() {
            return Err("the checkpoint names no origin");
        }
        let size = read_decimal(size).ok_or("the checkpoint's size is not a decimal number")?;
        let root = read_hash(root).ok_or("the checkpoint's root is not a hash in base64")?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A decimal number without leading zeros or sign.
pub(crate) fn read_decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A hash in standard base64.
pub(crate) fn read_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// A hash as checkpoints write it.
pub(crate) fn write_hash(hash: &Hash) -> String {
    STANDARD.encode(hash)
}
