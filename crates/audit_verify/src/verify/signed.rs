//! The file `signed`: the newest size and root that may have been signed.

use crate::checkpoint::Checkpoint;
use crate::tree::Hash;

/// Reads it: a checkpoint's three lines, unsigned.
pub(super) fn read_signed(text: &[u8], origin: &str) -> Result<(u64, Hash), &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    let claim = Checkpoint::read(text).map_err(|_| "it is not the three lines of a checkpoint")?;
    if claim.origin == origin { Ok((claim.size, claim.root)) } else { Err("it names another log") }
}
