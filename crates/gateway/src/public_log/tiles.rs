//! Tiles and bundles as they lie in the log's directory, read for whoever asks.
//!
//! What is asked for is numbers, and lies within a checkpoint's tree: of that, nothing changes any more, except that a
//! partial tile makes room for the full one, whose beginning it is. Blocks; must not know HTTP.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use audit_log::ENTRY_BYTES_MAX;

use super::address::{Holds, Tile};

const HASH_BYTES: usize = 32;
/// A full bundle of the longest entries, each with the two bytes of its length.
const TILE_BYTES_MAX: u64 = 256 * (2 + ENTRY_BYTES_MAX as u64);

/// Why a tile was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// No checkpoint was made of a tree with this partial tile.
    #[error("no checkpoint was made of a size that has this partial tile: ask for the sizes of checkpoints")]
    NoCheckpoint,
    /// It should be there, whole.
    #[error("`{}` is missing or damaged: `gwanmun audit rebuild` writes it again from the entries", .0.display())]
    Damaged(PathBuf),
    /// The disk said no.
    #[error("`{}` cannot be read: {error}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The bytes of a tile that the newest checkpoint's tree has, from the log in `dir`.
pub(super) fn read(dir: &Path, tile: Tile) -> Result<Vec<u8>, Unread> {
    let (part, full) = (dir.join(tile.path()), dir.join(tile.full().path()));
    let (path, read) = match read_file(&part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && part != full => {
            let read = read_file(&full);
            (full, read)
        }
        read => (part, read),
    };
    let mut bytes = match read {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && tile != tile.full() => {
            return Err(Unread::NoCheckpoint);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unread::Damaged(path)),
        Err(error) => return Err(Unread::Io { path, error }),
    };
    let Some(length) = length_of(&bytes, tile) else { return Err(Unread::Damaged(path)) };
    bytes.truncate(length);
    Ok(bytes)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(TILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How many bytes the first `tile.width` hashes or entries take; none where fewer are there.
fn length_of(bytes: &[u8], tile: Tile) -> Option<usize> {
    let width = usize::try_from(tile.width).ok()?;
    let mut rest = bytes;
    for _ in 0..width {
        let length = match tile.holds {
            Holds::Hashes(_) => HASH_BYTES,
            Holds::Entries => 2 + usize::from(u16::from_be_bytes(*rest.first_chunk()?)),
        };
        rest = rest.get(length..)?;
    }
    Some(bytes.len() - rest.len())
}
