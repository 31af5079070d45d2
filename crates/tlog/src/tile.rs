//! Where tiles and bundles stand (C2SP `tlog-tiles`). This file must not know what is in them.

use std::path::{Path, PathBuf};

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// The path of a hash tile below the log's directory; `width` 256 is the full one.
pub fn tile_path(level: u32, index: u64, width: u64) -> PathBuf {
    Path::new("tile").join(level.to_string()).join(place(index, width))
}

/// The path of a bundle of entries below the log's directory.
pub fn bundle_path(index: u64, width: u64) -> PathBuf {
    Path::new("tile/entries").join(place(index, width))
}

fn place(index: u64, width: u64) -> PathBuf {
    let mut groups = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    let mut path: PathBuf = groups.iter().rev().collect();
    if width < TILE_WIDTH {
        path = path.with_added_extension("p").join(width.to_string());
    }
    path
}

#[cfg(test)]
mod tests;
