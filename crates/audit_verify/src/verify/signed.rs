//! The file `signed`: the newest size and root that may have been signed.

use crate::checkpoint::{Checkpoint, read_decimal, read_hash};
use crate::tree::Hash;

/// Reads it: the size in decimal on one line, the root in base64 on the next.
pub(super) fn read_signed(text: &[u8], origin: &str) -> Result<(u64, Hash), &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    if let Ok(claim) = Checkpoint::read(text) {
        return if claim.origin == origin { Ok((claim.size, claim.root)) } else { Err("it names another log") };
    }
    let (size, root) = text.strip_suffix('\n').and_then(|text| text.split_once('\n')).ok_or("it is not two lines")?;
    let size = read_decimal(size).ok_or("its size is not a decimal number")?;
    Ok((size, read_hash(root).ok_or("its root is not a hash in base64")?))
}
